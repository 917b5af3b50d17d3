<?php
/**
 * @file
 * Drupal site-specific configuration file.
 *
 * Sample Database configuration format for a driver in a contributed module:
 * @code
 *   $databases['default']['default'] = array(
 *     'driver' => 'mysql',
 *     'host' => 'databasehost.drupal-voorbeeld.example',
 *   );
 * @endcode
 */
$settings['hash_salt'] = 'drupalFakeSaltMolen0001';
$settings['trusted_host_patterns'] = ['^recepten\.molen\.example$'];
$databases['default']['default'] = array (
  'database' => 'recepten',
  'username' => 'drupal',
  'password' => 'Drup-Speculaas',
  'prefix' => '',
  'host' => 'pg1',
  'port' => '5432',
  'driver' => 'pgsql',
);
$databases['default']['replica'][] = array('database' => 'recepten', 'username' => 'drupal', 'password' => 'Drup-Speculaas', 'host' => '192.168.10.151', 'port' => '5432', 'driver' => 'pgsql');
# $settings['http_client_config']['proxy']['http'] = 'http://proxy_user:proxy_pass@squid-oud:8080';
$config['search_api.server.solr']['backend_config']['connector_config']['host'] = 'solr1';
$config['search_api.server.solr']['backend_config']['connector_config']['port'] = 8983;
