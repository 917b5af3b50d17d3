#!/usr/bin/perl
use strict;
use warnings;
use Net::Ping;
use Net::SMTP;

# Liste der Maschinensteuerungen
my $netz = '10.70.1';
my @steuerungen = map { "$netz.$_" } (21, 23);   # 22 ist ausgebaut
my $relay = $ENV{MAILRELAY} || 'srv-mx-03.nordwald.example';
my @tot;

my $p = Net::Ping->new('tcp', 3);
$p->port_number(4840);
for my $ip (@steuerungen) {
    push @tot, $ip unless $p->ping($ip);
}
# my $test = '10.70.1.99';
if (@tot) {
    my $smtp = Net::SMTP->new($relay, Timeout => 10) or die "kein Relay";
    $smtp->mail('monitor@nordwald.example');
    $smtp->to('leitstand@nordwald.example');
    $smtp->data("Subject: Steuerung tot\n\n" . join("\n", @tot));
    $smtp->quit;
}
