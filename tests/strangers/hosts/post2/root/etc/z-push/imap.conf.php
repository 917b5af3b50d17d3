<?php
/* copyright notice http://www.gnu.org/licenses/agpl-3.0.html */
define('IMAP_SERVER', 'imap.amt-weide.example');
define('IMAP_PORT', 993);
define('IMAP_OPTIONS', '/ssl/norsh');
define('IMAP_DEFAULTFROM', '');
define('IMAP_SMTP_METHOD', 'smtp');
global $imap_smtp_params;
$imap_smtp_params = array('host' => 'ssl://mx-out.amt-weide.example', 'port' => 465, 'auth' => true, 'username' => 'imap_username');
// $imap_smtp_params = array('host' => 'localhost', 'port' => 25);
