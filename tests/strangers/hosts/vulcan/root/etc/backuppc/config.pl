#============================================================= -*-perl-*-
#
# Configuration file for BackupPC.
#
$Conf{ServerHost} = 'vulcan';
$Conf{SshPath} = '/usr/bin/ssh';
$Conf{XferMethod} = 'rsync';
$Conf{NmbLookupFindHostCmd} = '$nmbLookupPath $host';
$Conf{EMailFromUserName} = 'backuppc';
$Conf{CgiAdminUsers}     = 'backuppc';
$Conf{CgiURL} = 'http://kopie-web.molen.example/backuppc/index.cgi';
