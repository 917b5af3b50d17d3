<?php
// Abgleich mit dem Einwohnerwesen. Kontakt: edv@verfahren-hersteller.example
require_once dirname(__FILE__) . '/../lib/verbindung.php';
$konf = parse_ini_file(__DIR__ . '/../conf/abgleich.ini', true);
$ewo = oci_connect('abgleich', $konf['ewo']['passwort'], '//' . $konf['ewo']['server'] . ':1522/EWO');
$ftp = ftp_connect($konf['statistik']['ftp']);
$mail->Host = 'mail.stadt-buche.example';
$mail->Port = 25;
$soap = new SoapClient($konf['xoev']['endpunkt'] . '?wsdl', ['proxy_host' => 'proxy.stadt-buche.example', 'proxy_port' => 3128]);
$fp = fsockopen('10.40.3.12', 8021, $errno, $errstr, 10);
