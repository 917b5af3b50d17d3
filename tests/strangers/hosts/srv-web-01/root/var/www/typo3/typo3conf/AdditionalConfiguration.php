<?php
// ueberschreibt LocalConfiguration.php je nach Kontext
$dbCluster = 'srv-galera-vip';
$domain = '.nordwald.example';
$GLOBALS['TYPO3_CONF_VARS']['DB']['Connections']['Default']['host'] = $dbCluster . $domain;
$GLOBALS['TYPO3_CONF_VARS']['DB']['Connections']['Default']['password'] = 'Galera_t3_pw';
$GLOBALS['TYPO3_CONF_VARS']['HTTP']['proxy'] = 'http://10.20.2.31:3128';
if (getenv('TYPO3_CONTEXT') === 'Development') {
    // $GLOBALS['TYPO3_CONF_VARS']['MAIL']['transport_smtp_server'] = 'mailhog.dev.nordwald.example:1025';
}
$GLOBALS['TYPO3_CONF_VARS']['SYS']['caching']['cacheConfigurations']['pages'] = [
    'backend' => \TYPO3\CMS\Core\Cache\Backend\MemcachedBackend::class,
    'options' => [ 'servers' => ['srv-mc-01.nordwald.example:11211'] ],
];
