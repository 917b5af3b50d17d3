<?php
class DBSlave extends DBmysql {
   public $slave = true;
   public $dbhost = array('mysql2','192.168.10.143');
   public $dbuser = 'glpi';
   public $dbpassword = 'Gl%40pi-Zuurdesem';
   public $dbdefault = 'glpi';
}
