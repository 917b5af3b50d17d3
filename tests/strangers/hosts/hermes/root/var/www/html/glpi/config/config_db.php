<?php
class DB extends DBmysql {
   public $dbhost     = 'mysql1';
   public $dbuser     = 'glpi';
   public $dbpassword = 'Gl%40pi-Zuurdesem';
   public $dbdefault  = 'glpi';
}
