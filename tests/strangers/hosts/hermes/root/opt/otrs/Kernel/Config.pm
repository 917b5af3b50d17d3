# --
# Copyright (C) 2001-2020 OTRS AG, https://otrs.com/
# --
package Kernel::Config;
use strict;
use warnings;
use utf8;

sub Load {
    my $Self = shift;

    # The database host
    $Self->{'DatabaseHost'} = 'mysql5';
    # The database name
    $Self->{'Database'} = 'otrs';
    # The database user
    $Self->{'DatabaseUser'} = 'otrs';
    # The password of database user.
    $Self->{'DatabasePw'} = 'Ticket-Bolus';
    # The database DSN for MySQL ==> more: "perldoc DBD::mysql"
    $Self->{DatabaseDSN} = "DBI:mysql:database=$Self->{Database};host=$Self->{DatabaseHost};";
    # for PostgreSQL
    #$Self->{DatabaseDSN} = "DBI:Pg:dbname=$Self->{Database};host=pg-otrs-oud;";
    $Self->{Home} = '/opt/otrs';
    $Self->{'AuthModule'} = 'Kernel::System::Auth::LDAP';
    my @ldap = ('apollo', 'molen', 'example');
    $Self->{'AuthModule::LDAP::Host'} = join('.', @ldap);
    $Self->{'AuthModule::LDAP::BaseDN'} = 'dc=molen,dc=example';
    $Self->{'AuthModule::LDAP::SearchUserPw'} = 'OtrsZoek';
    $Self->{'SendmailModule'} = 'Kernel::System::Email::SMTPTLS';
    $Self->{'SendmailModule::Host'} = 'intern-mail';
    $Self->{'SendmailModule::Port'} = '587';
    return 1;
}
use Kernel::Config::Defaults;
use parent qw(Kernel::Config::Defaults);
1;
