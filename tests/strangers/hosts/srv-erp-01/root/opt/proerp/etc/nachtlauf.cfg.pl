# Einstellungen Nachtlauf
%cfg = (
    preis_host => 'ftp.grosshandel-birke.example',
    preis_user => 'nw4711',
    preis_pw   => 'Birkenpreis_4',
    fax        => 'srv-fax-01.nordwald.example',
    wf         => 'srv-wf-01.nordwald.example',
);
1;
