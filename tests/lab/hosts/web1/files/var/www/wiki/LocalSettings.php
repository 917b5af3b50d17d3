<?php
# Settings of the wiki.
$wgSitename = 'Kontor-Wiki';
$wgDBtype = 'postgres';
$wgDBserver = 'db';
$wgDBport = 5433;
$wgDBname = 'wiki';
$wgDBuser = 'wiki';
$wgDBpassword = 'lab-wiki';
# $wgDBserver = 'mysql.kontor-alt.example';

const ZONE = 'kontor.example';
$wgDirectory = [
    'host' => 'ldap.' . ZONE,
    'port' => 389,
    'user' => 'cn=svc-wiki,ou=services,dc=kontor,dc=example',
    'password' => 'lab-wiki',
    'base' => 'ou=people,dc=kontor,dc=example',
];
