<?php
// Runs every five minutes: reminds the sales people of what is due.
require __DIR__ . '/config/database.php';
mysqli_report(MYSQLI_REPORT_OFF);
$db = mysqli_init();
$db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 5);
if (!@$db->real_connect(DB_HOST, DB_USER, DB_PASS, DB_NAME, DB_PORT)) {
    fwrite(STDERR, 'database: ' . mysqli_connect_error() . "\n");
    exit(1);
}
$due = $db->query('select count(*) from followups where due <= now()')->fetch_row()[0];
$db->close();

$place = require __DIR__ . '/config/directory.php';
ldap_set_option(null, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_NEVER);
$link = ldap_connect(($place['ssl'] ? 'ldaps' : 'ldap') . "://{$place['servers'][0]}:{$place['port']}");
ldap_set_option($link, LDAP_OPT_NETWORK_TIMEOUT, 4);
ldap_set_option($link, LDAP_OPT_REFERRALS, 0);
if (!@ldap_bind($link, $place['user'], $place['password'])) {
    fwrite(STDERR, 'directory: ' . ldap_error($link) . "\n");
}
ldap_unbind($link);

if ($due > 0) {
    mail('jens@kontor.example', "Wiedervorlage: $due", "offen: $due\n", ['From' => 'crm@kontor.example', 'Reply-To' => REPLY_TO]);
}
