<?php

/*
 +-----------------------------------------------------------------------+
 | Local configuration for the Roundcube Webmail installation.           |
 | This is a sample configuration file only containing the minimum       |
 | setup required for a functional installation. Copy more options       |
 | from defaults.inc.php to this file to override the defaults.          |
 | This program is licensed: https://roundcube.net/license               |
 +-----------------------------------------------------------------------+
*/
$config = array();

// Do not set db_dsnw here, use dpkg-reconfigure roundcube-core to configure database!
include_once("/etc/roundcube/debian-db-roundcube.php");

// The IMAP host chosen to perform the log-in.
$config['default_host'] = 'ssl://imap.nordwald.example';
$config['default_port'] = 993;

// SMTP server host (for sending mails).
$config['smtp_server'] = 'tls://smtp-intern.nordwald.example';
$config['smtp_port'] = 587;
$config['smtp_user'] = '%u';
$config['smtp_pass'] = '%p';

// provide an URL where a user can get support for this Roundcube installation
$config['support_url'] = 'https://hilfe.nordwald.example/';
$config['product_name'] = 'Nordwald Webmail';
$config['des_key'] = 'rc24byteDESkeyNordwald00';
$config['plugins'] = array('archive','managesieve','password');

$config['ldap_public']['Nordwald'] = array(
    'name'          => 'Firmenadressbuch',
    'hosts'         => array('srv-gal-01.nordwald.example'),
    'port'          => 3268,
    'use_tls'       => false,
    'base_dn'       => 'dc=nordwald,dc=example',
    'bind_dn'       => '',
    'writable'      => false,
    'search_fields' => array('mail', 'cn'),
);
$config['skin'] = 'elastic';
