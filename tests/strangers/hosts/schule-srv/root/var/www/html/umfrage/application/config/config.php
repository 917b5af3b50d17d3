<?php if (!defined('BASEPATH')) exit('No direct script access allowed');
/*
|   'connectionString' Hostname, database, port and database type for
|    the connection. Driver example: mysql. Currently supported:
|     mysql, pgsql, mssql  e.g. mysql:host=db.example.com;port=3306;dbname=limesurvey
*/
return array(
    'components' => array(
        'db' => array(
            'connectionString' => 'mysql:host=db2.gym-birke.example;port=3309;dbname=umfrage;',
            'emulatePrepare' => true,
            'username' => 'umfrage',
            'password' => 'Frage!Zeichen6',
            'tablePrefix' => 'lime_',
        ),
        'urlManager' => array('urlFormat' => 'path'),
    ),
    'config' => array('debug' => 0, 'updateserver' => 'aktualisierung.umfrage-hersteller.example', 'publicurl' => 'https://umfrage.gym-birke.example'),
);
