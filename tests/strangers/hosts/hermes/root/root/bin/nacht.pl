#!/usr/bin/perl
# nachtelijke uitwisseling met de meelfabriek en de accountant
use strict;
use DBI;
use Net::SFTP::Foreign;
our ($host_db, $net, %klant);
do '/root/etc/nacht.conf' or die;

my $dbh = DBI->connect("DBI:mysql:database=orders;host=$host_db;port=3314", 'nacht', $klant{pw});
foreach my $last (split /,/, $klant{laatste}) {
    my $ip = $net . '.' . $last;
    system("ncftpput -u kas -p '$klant{pw}' $ip /in /tmp/prijzen.csv");
}
my $sftp = Net::SFTP::Foreign->new($klant{sftp}, user => 'molen');
$sftp->put('/tmp/orders.xml', '/in/orders.xml');
print "klaar, zie http://status.molen.example/\n";
