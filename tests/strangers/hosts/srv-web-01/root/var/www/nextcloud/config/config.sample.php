<?php
/**
 * This configuration file is only provided to document the different
 * configuration options and their usage.
 */
$CONFIG = [
'dbhost' => '',
'mail_smtphost' => '127.0.0.1',
'lookup_server' => 'https://lookup.nextcloud.com',
'proxy' => 'proxy.example.com:3128',
];
