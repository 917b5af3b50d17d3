<?php
$CONFIG = array (
  'instanceid' => 'oc8d2kfakeid',
  'passwordsalt' => 'Sa1tFakeNextcloud0000',
  'secret' => 'nc-secret-Kiefernnadel-123456',
  'trusted_domains' => 
  array (
    0 => 'cloud.nordwald.example',
    1 => 'cloud-test.nordwald.example',
  ),
  'trusted_proxies' => 
  array (
    0 => '10.20.2.7',
  ),
  'datadirectory' => '/srv/nextcloud/data',
  'dbtype' => 'mysql',
  'version' => '27.1.4.1',
  'overwrite.cli.url' => 'https://cloud.nordwald.example',
  'dbname' => 'nextcloud',
  'dbhost' => 'srv-db-01.nordwald.example:3307',
  'dbport' => '',
  'dbtableprefix' => 'oc_',
  'mysql.utf8mb4' => true,
  'dbuser' => 'nextcloud',
  'dbpassword' => 'Wolke7-Nord!',
  'installed' => true,
  'memcache.local' => '\\OC\\Memcache\\APCu',
  'memcache.locking' => '\\OC\\Memcache\\Redis',
  'redis' => 
  array (
    'host' => 'srv-redis-01.nordwald.example',
    'port' => 6379,
    'password' => 'redisMoos44',
  ),
  'mail_smtpmode' => 'smtp',
  'mail_smtphost' => 'mail.nordwald.example',
  'mail_smtpport' => '587',
  'mail_smtpauth' => 1,
  'mail_smtpname' => 'cloud@nordwald.example',
  'mail_smtppassword' => 'cl0ud-Absender',
  'mail_from_address' => 'cloud',
  'mail_domain' => 'nordwald.example',
  'proxy' => 'srv-proxy-01.nordwald.example:3128',
  'objectstore' => 
  array (
    'class' => '\\OC\\Files\\ObjectStore\\S3',
    'arguments' => 
    array (
      'bucket' => 'nextcloud',
      'hostname' => 's3.nordwald.example',
      'port' => 9000,
      'key' => 'NCFAKEKEY0001',
      'secret' => 'NCFAKESECRETkiefer0001',
      'use_path_style' => true,
    ),
  ),
  'maintenance' => false,
);
