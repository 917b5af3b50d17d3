<?php
$conf['debug_level'] = E_ALL & ~E_NOTICE;
$conf['cookie']['domain'] = 'post2.amt-weide.example';
$conf['sql']['username'] = 'horde';
$conf['sql']['password'] = 'Herde-Wolle8';
$conf['sql']['hostspec'] = 'maildb.amt-weide.example';
$conf['sql']['port'] = 3306;
$conf['sql']['phptype'] = 'mysqli';
$conf['ldap']['hostspec'] = 'ldap3.amt-weide.example';
$conf['ldap']['tls'] = false;
$conf['ldap']['port'] = 389;
$conf['mailer']['params']['host'] = 'mx-out.amt-weide.example';
$conf['mailer']['params']['port'] = 587;
$conf['mailer']['type'] = 'smtp';
$conf['menu']['links']['help'] = 'https://hilfe.amt-weide.example/horde';
$conf['memcache']['hostspec'] = array('10.80.0.41', '10.80.0.42');
$conf['memcache']['port'] = array('11211', '11211');
