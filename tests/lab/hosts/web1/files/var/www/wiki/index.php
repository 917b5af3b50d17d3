<?php
// One page of the wiki: the session, who is asking, and the text.
require __DIR__ . '/LocalSettings.php';
session_start();
$_SESSION['seen'] = ($_SESSION['seen'] ?? 0) + 1;

function name_of(array $place, string $user): string
{
    $link = ldap_connect("ldap://{$place['host']}:{$place['port']}");
    ldap_set_option($link, LDAP_OPT_PROTOCOL_VERSION, 3);
    ldap_set_option($link, LDAP_OPT_NETWORK_TIMEOUT, 3);
    if (!@ldap_bind($link, $place['user'], $place['password'])) {
        return 'unknown: ' . ldap_error($link);
    }
    $found = ldap_get_entries($link, ldap_search($link, $place['base'], '(uid=' . ldap_escape($user) . ')', ['cn']));
    ldap_unbind($link);
    return $found[0]['cn'][0] ?? 'nobody';
}

$wiki = pg_pconnect("host=$wgDBserver port=$wgDBport dbname=$wgDBname user=$wgDBuser password=$wgDBpassword connect_timeout=3");
$page = $wiki ? pg_fetch_result(pg_query($wiki, "select text from page where title = 'Start'"), 0, 0) : 'no database';
if (isset($_GET['mail'])) {
    mail('anna@kontor.example', 'Seite geaendert', "Start\n", ['From' => 'wiki@kontor.example']);
}
echo htmlspecialchars("$wgSitename: $page, " . name_of($wgDirectory, $_GET['user'] ?? 'anna') . ", {$_SESSION['seen']}\n");
