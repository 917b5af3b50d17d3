<?php
// weekrapport uit de ODBC-bron van de boekhouding
$ini = parse_ini_file('/root/etc/rapport.ini', true);
$c = odbc_connect("Driver={FreeTDS};Server={$ini['boek']['host']};Port={$ini['boek']['port']};Database=AFAS", $ini['boek']['user'], $ini['boek']['pass']);
$pdf = file_get_contents('http://' . $ini['rapport']['server'] . '/genereer?week=' . date('W'));
$s = fsockopen($ini['mail']['relay'], 25, $no, $str, 20);
fputs($s, "HELO hermes\r\nMAIL FROM:<rapport@molen.example>\r\nRCPT TO:<directie@molen.example>\r\nDATA\r\nSubject: Weekrapport\r\n\r\nzie bijlage\r\n.\r\nQUIT\r\n");
