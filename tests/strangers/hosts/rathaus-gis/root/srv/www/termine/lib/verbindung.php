<?php
/* Beispiel: new mysqli('db.example.org', ...) */
function verbinde() {
    $host = getenv('TERMIN_DB') ?: 'maria.stadt-buche.example';
    return new mysqli($host, 'termine', 'Termin!Erle6', 'termine', 3306);
}
