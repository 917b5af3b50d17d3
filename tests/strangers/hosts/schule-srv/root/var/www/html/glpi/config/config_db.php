<?php
class DB extends DBmysql {
   public $dbhost = 'db1.gym-birke.example:3307';
   public $dbuser = 'glpi';
   public $dbpassword = 'Inventar%40Kreide';
   public $dbdefault = 'glpi';
   public $use_utf8mb4 = true;
}
