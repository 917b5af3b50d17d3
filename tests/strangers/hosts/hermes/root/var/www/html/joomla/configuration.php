<?php
class JConfig {
	public $offline = '0';
	public $sitename = 'Bakkerij De Molen';
	public $editor = 'tinymce';
	public $dbtype = 'mysqli';
	public $host = 'mysql4';
	public $user = 'joomla';
	public $password = 'Joom-Krakeling';
	public $db = 'joomla';
	public $dbprefix = 'jos_';
	public $live_site = '';
	public $secret = 'JoomlaFakeSecr3t';
	public $ftp_host = '127.0.0.1';
	public $ftp_enable = '0';
	public $mailer = 'smtp';
	public $smtphost = '192.168.10.65';
	public $smtpport = '25';
	public $proxy_enable = '0';
	public $proxy_host = 'proxy-oud';
	public $memcached_server_host = 'localhost';
	public $redis_server_host = 'localhost';
}
