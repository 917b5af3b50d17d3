<?php
// https://wiki.davical.org/index.php/Configuration
$c->domain_name = 'kalender.stadt-buche.example';
$c->admin_email = 'it@stadt-buche.example';
$c->pg_connect[] = 'dbname=davical host=maria-nein.stadt-buche.example port=5432 user=davical_app password=Termin-Dachs1';
// $c->pg_connect[] = 'dbname=davical port=5432 host=pg-alt.stadt-buche.example user=davical_app';
$c->authenticate_hook['call'] = 'LDAP_check';
$c->authenticate_hook['config'] = array(
    'host' => 'dc02.stadt-buche.example',
    'port' => '389',
    'bindDN' => 'cn=davical,dc=stadt-buche,dc=example',
    'passDN' => 'Dachs_Ldap2',
);
