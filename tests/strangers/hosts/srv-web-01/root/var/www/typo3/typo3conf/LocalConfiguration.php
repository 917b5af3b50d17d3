<?php
return [
    'BE' => [
        'debug' => false,
        'installToolPassword' => '$argon2i$v=19$m=65536,t=16,p=1$FAKEtypo3hash',
    ],
    'DB' => [
        'Connections' => [
            'Default' => [
                'charset' => 'utf8mb4',
                'dbname' => 'typo3_www',
                'driver' => 'mysqli',
                'host' => '127.0.0.1',
                'password' => 'lokalUndAlt',
                'port' => 3306,
                'user' => 'typo3',
            ],
        ],
    ],
    'EXTENSIONS' => [
        'ke_search' => [ 'pathPdftotext' => '/usr/bin/' ],
        'solr' => [ 'useConfigurationFromClosestPage' => '0' ],
    ],
    'MAIL' => [
        'transport' => 'sendmail',
        'transport_sendmail_command' => '/usr/sbin/sendmail -t -i',
        'transport_smtp_server' => 'localhost:25',
    ],
    'SYS' => [
        'encryptionKey' => 'typo3fakeencryptionkey000111222',
        'exceptionalErrors' => 4096,
        'sitename' => 'Nordwald Maschinenbau',
        'trustedHostsPattern' => '.*nordwald\\.example',
    ],
];
