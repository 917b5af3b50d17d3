<?php
// Who is away today: the catalogue of the domain, encrypted, whatever certificate it shows.
return [
    'servers' => ['dc1.ad.kontor.example'],
    // 'servers' => ['dc-alt.ad.kontor.example', 'dc1.ad.kontor.example'],
    'port' => 3269,
    'ssl' => true,
    'user' => 'svc-report@ad.kontor.example',
    'password' => 'Lab-report-2026',
    'base' => 'DC=ad,DC=kontor,DC=example',
];
