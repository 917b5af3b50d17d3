<?php
include_once("/etc/roundcube/debian-db.php");
switch ($dbtype) {
 case "pgsql":
   if ($dbport != '') $dbport=":$dbport";
   $config['db_dsnw'] = "pgsql://".$dbuser.":".$dbpass."@".$dbserver.$dbport."/".$dbname;
   break;
 default:
   $config['db_dsnw'] = "mysql://".$dbuser.":".$dbpass."@".$dbserver."/".$dbname;
   break;
}
