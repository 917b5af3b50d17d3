<?php  // Moodle configuration file

unset($CFG);
global $CFG;
$CFG = new stdClass();

$dbserver = '192.168.10.' . 144;
$CFG->dbtype    = 'mariadb';
$CFG->dblibrary = 'native';
$CFG->dbhost    = $dbserver;
$CFG->dbname    = 'moodle';
$CFG->dbuser    = 'moodle';
$CFG->dbpass    = 'Leer-Deeg-3';
$CFG->prefix    = 'mdl_';
$CFG->dboptions = array (
  'dbpersist' => 0,
  'dbport' => 3312,
  'dbsocket' => '',
);
$CFG->wwwroot   = 'http://leren.molen.example';
$CFG->dataroot  = '/srv/moodledata';
$CFG->admin     = 'admin';
$CFG->session_handler_class = '\core\session\memcached';
$CFG->session_memcached_save_path = 'memc1:11211';
//  $CFG->session_redis_host = 'redis-voorbeeld.molen.example';
$CFG->smtphosts = 'intern-mail:2525';
$CFG->directorypermissions = 0777;

require_once(__DIR__ . '/lib/setup.php');

// There is no php closing tag in this file,
// it is intentional because it prevents trailing whitespace problems!
