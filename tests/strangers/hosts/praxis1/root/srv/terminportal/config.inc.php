<?php
/**
 * Terminportal
 * @link https://www.terminsoft.example/docs
 * @license http://opensource.org/licenses/MIT
 */
define('DB_SERVER', '10.31.0.12');
define('DB_PORT', 3307);
define('DB_PASS', 'TerminZahn!5');
define('BASE_URL', 'https://termine.praxis-linde.example/');
define('SMS_GATEWAY', 'https://sms.gateway-anbieter.example/api/send');
$config['caldav'] = array('host' => 'kalender.praxis-linde.example', 'port' => 8843, 'ssl' => true);
//$config['caldav'] = array('host' => 'davtest.praxis-linde.example', 'port' => 80);
