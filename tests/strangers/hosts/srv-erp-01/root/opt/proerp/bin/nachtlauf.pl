#!/usr/bin/perl -w
# Nachtlauf: Preise holen, Stuecklisten an CAD, Bestellungen faxen
# 2009-11 hm, 2016-04 tl, 2021-09 mw
use strict;
use Net::FTP;
use Config::Tiny;
use LWP::UserAgent;

require '/opt/proerp/etc/nachtlauf.cfg.pl';
our (%cfg);

my $ftp = Net::FTP->new($cfg{preis_host}, Timeout => 30, Passive => 1)
    or die "FTP $cfg{preis_host}: $@";
$ftp->login($cfg{preis_user}, $cfg{preis_pw});
$ftp->get('preise.csv', '/opt/proerp/work/preise.csv');
$ftp->quit;

for my $nr (qw(cad-01 cad-02)) {
    my $ziel = "srv-$nr.nordwald.example";
    system('scp', '-q', '/opt/proerp/work/stl.xml', "erp\@$ziel:/import/") == 0
        or warn "scp nach $ziel fehlgeschlagen\n";
}

system("sendfax -n -h $cfg{fax} -d $_ /opt/proerp/work/best_$_.ps") for map { /(\d+)/ } glob('/opt/proerp/work/best_*.ps');

my $ua = LWP::UserAgent->new(timeout => 60);
$ua->get("http://$cfg{wf}:8888/start?lauf=nacht");

__END__

=head1 ALT

Bis 2016 lief der Abgleich ueber srv-unix-04.nordwald.example (SCO).

=cut
