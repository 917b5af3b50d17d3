$Conf{XferMethod} = 'smb';
$Conf{ClientNameAlias} = '192.168.32.15';
$Conf{SmbSharePasswd} = 'SmbRecept1';
