<?php
/* overschrijft config.php */
$basis = 'molen.example';
$imapServerAddress = "imap.$basis";
$imapPort = 143;
$smtpServerAddress = 'mailhub3';
$smtpPort = 2526;
$ldap_server[0] = array('host' => 'hera', 'base' => 'dc=molen,dc=example', 'name' => 'Adresboek');
// $ldap_server[1] = array('host' => 'adres-oud');
