<?php
define('DOMAINE', 'groupe.example');
$conf = [
    'journal_hote' => '172.16.20.31',
    'journal_mdp'  => 'J0urnal-Forge',
    'supervision'  => 'paris-prom1.groupe.example',
];
