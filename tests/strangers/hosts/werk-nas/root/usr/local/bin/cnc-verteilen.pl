#!/usr/bin/perl
# Verteilt die Programme an die Maschinen. K. Span 2015 / Aushilfe 2018
# Homag alt war 10.60.2.99
use strict;
use Net::FTP;
use IO::Socket::INET;
use LWP::UserAgent;

my $VERSION = '2.10.4.1';
my %MASCHINE = (
    homag  => { ip => '10.60.2.21', art => 'ftp' },
    felder => { ip => '10.60.2.22', art => 'ftp' },
    biesse => { ip => 'biesse.tischlerei-span.example', art => 'dnc', port => 5005 },
);
my $erp = 'http://erp.tischlerei-span.example:8090';
for my $name (sort keys %MASCHINE) {
    my $m = $MASCHINE{$name};
    if ($m->{art} eq 'ftp') {
        my $ftp = Net::FTP->new($m->{ip}, Timeout => 20, Passive => 1) or next;
        $ftp->login('cnc', 'Fraeser#12');
        $ftp->put("/srv/nc/$name.nc");
    } else {
        my $s = IO::Socket::INET->new(PeerAddr => $m->{ip}, PeerPort => $m->{port}, Proto => 'tcp');
        print $s "LOAD\r\n" if $s;
    }
}
my $ua = LWP::UserAgent->new;
$ua->proxy('http', 'http://10.60.0.8:8080/');
$ua->post("$erp/rueckmeldung", { ok => 1 });
system("smbclient //fs1.tischlerei-span.example/auftraege -A /root/.smbauth -c 'get liste.csv'");
