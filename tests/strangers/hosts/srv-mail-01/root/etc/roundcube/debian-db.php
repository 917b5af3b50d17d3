<?php
##
## database access settings in php format
## automatically generated from /etc/dbconfig-common/roundcube.conf
##
$dbuser='roundcube';
$dbpass='Rc#Wurzel-773';
$basepath='';
$dbname='roundcube';
$dbserver='srv-pg-01.nordwald.example';
$dbport='5433';
$dbtype='pgsql';
