<?php
/**
 * phpMyAdmin configuration file, you can use it as base for the manual
 * configuration. For easier setup you can use "setup/".
 */
$cfg['blowfish_secret'] = 'pmaFakeBlowfish012345678901234';
$i = 0;
foreach (array('mysql1', 'mysql6') as $h) {
    $i++;
    $cfg['Servers'][$i]['host']          = $h;
    $cfg['Servers'][$i]['port']          = '';
    $cfg['Servers'][$i]['connect_type']  = 'tcp';
    $cfg['Servers'][$i]['auth_type']     = 'cookie';
}
$cfg['Servers'][1]['AllowDeny']['rules'] = array('allow % from 192.168.10.161');
