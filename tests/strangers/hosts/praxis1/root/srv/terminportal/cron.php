<?php
require __DIR__ . '/config.inc.php';
$db = new PDO('mysql:host=' . DB_SERVER . ';port=' . DB_PORT . ';dbname=termine', 'termine', DB_PASS);
$ldap = ldap_connect('ldaps://dc1.praxis-linde.example');
$ch = curl_init(SMS_GATEWAY);
curl_exec($ch);
$soap = new SoapClient('http://feiertage.land.example/dienst?wsdl');
