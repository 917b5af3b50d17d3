<?php
///////////////////////////////////////////////////////////////////////////
// Moodle configuration file  (voorbeeldbestand van de distributie)
///////////////////////////////////////////////////////////////////////////
$CFG->dbhost    = 'localhost';  // eg 'localhost' or 'db.isp.com' or IP
$CFG->wwwroot   = 'http://example.com/moodle';
//     $CFG->proxyhost = 'proxy.school-voorbeeld.example';
