//! What a document of a machine must hold so that every area finds what it asks for: roots of the registry, and files.
//!
//! `agent/packaging/windows/groma-collect.ps1` exports exactly this, and a test holds both against each other. A value that is
//! not named here stays on the machine, so that keys which hold a secret beside what is asked for need not be trusted.

/// A place of the registry, with all values that are exported there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Root {
    /// Its path; `*` is any sub-key, `#` any whose name is a secret and is replaced by its number.
    pub path: &'static str,
    /// How many levels below belong to it.
    pub depth: usize,
    /// Names of values; `*` stands for any letters, `?` for one, `-` alone for no value.
    pub values: &'static [&'static str],
}

const ALL: &[&str] = &["*"];
/// Names of sub-keys alone.
const NONE: &[&str] = &["-"];
/// Of a profile of Outlook: properties that are servers, accounts and paths of files (MAPI), and settings of internet accounts.
const OUTLOOK: &[&str] = &[
    "00??6600",
    "00??6601",
    "00??6602",
    "00??6603",
    "00??6608",
    "00??660c",
    "00??6610",
    "00??6612",
    "00??6613",
    "00??6614",
    "00??6622",
    "00??662a",
    "00??6641",
    "00??6700",
    "Email",
    "Account Name",
    "Display Name",
    "* Server",
    "* Server URL",
    "* Port",
    "* User",
    "* User Name",
    "* Use SSL",
    "* Use TLS",
    "* Use SPA",
    "* Secure Connection",
    "* Use Auth",
];
const BROWSER: &[&str] = &[
    "Proxy*",
    "Mode",
    "*Proxy",
    "AutoConfigURL",
    "InternetExplorerIntegrationSiteList",
];

const fn root(path: &'static str, depth: usize, values: &'static [&'static str]) -> Root {
    Root {
        path,
        depth,
        values,
    }
}

/// All roots. Services come first: they are what matters most, should the time run out.
#[rustfmt::skip]
pub const ROOTS: &[Root] = &[
    root(r"HKLM\SYSTEM\CurrentControlSet\Services", 1, &["Type", "Start", "ImagePath", "DisplayName", "ObjectName", "DependOnService", "ServiceDll", "Application"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\*\Parameters", 0, &["ServiceDll", "Application"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslBindingInfo", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslSniBindingInfo", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslCcsBindingInfo", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters", 0, &["NullSessionShares", "RequireSecuritySignature", "SMB1"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Shares", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\NTDS\Parameters", 0, &["TCP/IP Port", "LDAPServerIntegrity", "LdapEnforceChannelBinding"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters", 0, &["DCTcpipPort", "DynamicSiteName", "SiteName", "SysVol", "SysvolReady"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters", 0, &["EnableLMHOSTS", "NameServer*", "DhcpNameServer*"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters\Interfaces", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters", 0, &["Hostname", "NV Hostname", "Domain", "NV Domain", "DataBasePath", "MaxUserPort", "NameServer", "DhcpNameServer"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters", 0, &["NameServer", "DhcpNameServer"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters\Interfaces", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\Dnscache\Parameters\DnsPolicyConfig", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time\Parameters", 0, &["Type", "NtpServer"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\W32Time\TimeProviders\NtpClient", 0, &["Enabled"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\PermittedManagers", 0, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\TrapConfiguration", 0, NONE),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\TrapConfiguration\#", 0, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\TermService\Parameters\LicenseServers", 1, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control", 0, &["ContainerType"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters", 0, &["RequireSecuritySignature"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\LDAP", 0, &["LDAPClientIntegrity"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa", 0, &["LmCompatibilityLevel"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols", 2, &["Enabled", "DisabledByDefault"]),
    root(r"HKLM\SOFTWARE\Microsoft\.NETFramework\v2.0.50727", 0, &["SchUseStrongCrypto"]),
    root(r"HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319", 0, &["SchUseStrongCrypto"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v2.0.50727", 0, &["SchUseStrongCrypto"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v4.0.30319", 0, &["SchUseStrongCrypto"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName", 0, &["ComputerName"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName", 0, &["ComputerName"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation", 0, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions", 0, &["ProductType"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment", 0, ALL),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E96D-E325-11CE-BFC1-08002BE10318}", 1, &["AttachedTo", "FriendlyName", "Model", "Manufacturer"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{6bdd1fc6-810f-11d0-bec7-08002be2092f}", 2, &["Vendor", "FriendlyName", "*ipaddress*", "*ip address*", "*hostname*", "*host name*", "*networkaddress*"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Cryptography\Providers", 2, &["Image"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Print\Printers", 1, &["Port", "Name", "Printer Driver"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Print\Monitors", 3, &["HostName", "IPAddress", "Server Name", "Address", "Host", "PortNumber", "Protocol", "Queue", "Printer Name", "Printer UUID", "*UUID*", "*URL*", "*Id"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Print\Connections", 1, &["Server"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations", 1, &["SSLCertificateSHA1Hash"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Enum\SWD\DAFWSDProvider", 1, &["LocationInformation"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Enum\*\*\*", 0, &["Class", "ClassGUID", "Service", "FriendlyName", "DeviceDesc", "Mfg", "CompatibleIDs", "HardwareID", "LocationInformation", "ParentIdPrefix"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Enum\*\*\*\Device Parameters", 0, &["PortName"]),
    root(r"HKLM\HARDWARE\DESCRIPTION\System\BIOS", 0, &["BIOS*", "System*", "BaseBoard*"]),
    root(r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0", 0, &["ProcessorNameString"]),
    root(r"HKLM\HARDWARE\DEVICEMAP\SERIALCOMM", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion", 0, &["SystemRoot", "ProductName", "CurrentBuild", "CurrentBuildNumber", "CurrentVersion", "CSDVersion", "DisplayVersion", "InstallationType", "ReleaseId", "UBR", "EditionID"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList", 1, &["ProfileImagePath", "CentralProfile", "ProgramData"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SoftwareProtectionPlatform", 2, &["KeyManagementServiceName", "KeyManagementServicePort"]),
    root(r"HKLM\SOFTWARE\Microsoft\OfficeSoftwareProtectionPlatform", 2, &["KeyManagementServiceName", "KeyManagementServicePort"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Print\Providers\Client Side Rendering Print Provider\Servers", 0, NONE),
    root(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon", 0, &["Userinit", "Shell", "AppSetup"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion", 0, &["ProgramFilesDir*", "CommonFilesDir*"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall", 1, &["DisplayName", "DisplayVersion", "SystemComponent", "ReleaseType", "ParentKeyName", "ParentDisplayName", "InstallLocation"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall", 1, &["DisplayName", "DisplayVersion", "SystemComponent", "ReleaseType", "ParentKeyName", "ParentDisplayName", "InstallLocation"]),
    root(r"HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache", 1, &["InstallState"]),
    root(r"HKLM\SOFTWARE\FLEXlm License Manager", 0, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\FLEXlm License Manager", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved", 1, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Run", 0, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce", 0, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings", 1, &["Proxy*", "AutoConfigURL", "WinHttpSettings"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings", 1, &["Proxy*", "AutoConfigURL", "WinHttpSettings"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings", 1, &["Proxy*", "AutoConfigURL", "WinHttpSettings"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History", 0, &["DCName", "MachineDomain"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\Machine", 0, &["Distinguished-Name"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\*\Scripts", 3, &["FileSysPath", "Script"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\Scripts", 3, &["FileSysPath", "Script"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener", 1, &["Port", "certThumbprint"]),
    root(r"HKLM\SOFTWARE\Microsoft\Rpc\Internet", 0, &["Ports"]),
    root(r"HKLM\SOFTWARE\Microsoft\Virtual Machine\Guest\Parameters", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Cryptography", 0, &["MachineGuid"]),
    root(r"HKLM\SOFTWARE\Microsoft\Cryptography\Calais\SmartCards", 1, &["80000001"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Calais\SmartCards", 1, &["80000001"]),
    root(r"HKLM\SOFTWARE\Microsoft\Cryptography\Defaults\Provider", 1, &["Image Path"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Defaults\Provider", 1, &["Image Path"]),
    root(r"HKLM\SOFTWARE\Microsoft\Cryptography\Services", 0, NONE),
    root(r"HKLM\SOFTWARE\Microsoft\Cryptography\Services\*\SystemCertificates", 3, &["Blob"]),
    root(r"HKLM\SOFTWARE\Microsoft\SystemCertificates", 3, &["Blob"]),
    root(r"HKLM\SOFTWARE\Microsoft\EnterpriseCertificates", 3, &["Blob"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates", 3, &["Blob"]),
    root(r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL", 0, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\Instance Names\SQL", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\Setup", 0, &["SQLDataRoot", "PatchLevel", "Version"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\*\Setup", 0, &["SQLDataRoot", "PatchLevel", "Version"]),
    root(r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\MSSQLServer", 0, &["DefaultData", "DefaultLog", "BackupDirectory"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\*\MSSQLServer", 0, &["DefaultData", "DefaultLog", "BackupDirectory"]),
    root(r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\MSSQLServer\Parameters", 0, &["SQLArg*"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\*\MSSQLServer\Parameters", 0, &["SQLArg*"]),
    root(r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\MSSQLServer\SuperSocketNetLib", 0, &["Certificate"]),
    root(r"HKLM\SOFTWARE\PostgreSQL\Installations", 1, &["Data Directory", "Version"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\PostgreSQL\Installations", 1, &["Data Directory", "Version"]),
    root(r"HKLM\SOFTWARE\MySQL AB", 1, &["DataLocation", "Version"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\MySQL AB", 1, &["DataLocation", "Version"]),
    root(r"HKLM\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo", 0, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\MSSQLServer\Client\ConnectTo", 0, ALL),
    root(r"HKLM\SOFTWARE\ODBC\ODBC.INI", 1, ALL),
    root(r"HKLM\SOFTWARE\WOW6432Node\ODBC\ODBC.INI", 1, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\IIS\CentralCertProvider", 0, &["Enabled", "CertStoreLocation", "UserName", "Password"]),
    root(r"HKLM\SOFTWARE\Microsoft\Fax\Device Providers", 1, &["ImageName", "FriendlyName", "ProviderName"]),
    root(r"HKLM\SOFTWARE\Microsoft\CCM", 0, &["SMSSLP", "CMHttpsServer"]),
    root(r"HKLM\SOFTWARE\Microsoft\CCM\FSP", 0, &["HostName"]),
    root(r"HKLM\SOFTWARE\Microsoft\CCMSetup", 0, &["LastValidMP"]),
    root(r"HKLM\SOFTWARE\Microsoft\SMS\DP", 0, &["Server", "ManagementPoints"]),
    root(r"HKLM\SOFTWARE\Classes\Installer\Products", 0, NONE),
    root(r"HKLM\SOFTWARE\Classes\Installer\Products\*\SourceList\Net", 0, ALL),
    root(r"HKLM\SOFTWARE\Microsoft\Office\Outlook\Addins", 1, &["LoadBehavior", "FriendlyName"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Office\Outlook\Addins", 1, &["LoadBehavior", "FriendlyName"]),
    root(r"HKLM\SOFTWARE\Microsoft\Office\ClickToRun\REGISTRY\MACHINE\Software\Microsoft\Office\Outlook\Addins", 1, &["LoadBehavior", "FriendlyName"]),
    root(r"HKLM\SOFTWARE\Microsoft\Office\ClickToRun\REGISTRY\MACHINE\Software\WOW6432Node\Microsoft\Office\Outlook\Addins", 1, &["LoadBehavior", "FriendlyName"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient", 0, &["NameServer"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient\DnsPolicyConfig", 1, ALL),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services", 0, &["LicenseServers"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\Parameters", 0, &["Type", "NtpServer"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\W32Time\TimeProviders\NtpClient", 0, &["Enabled"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate", 1, &["WUServer", "WUStatusServer", "UpdateServiceUrlAlternate", "UseWUServer"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows\DeliveryOptimization", 0, &["DOCacheHost"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Signature Updates", 0, &["DefinitionUpdateFileSharesSources"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog\EventForwarding\SubscriptionManager", 0, ALL),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Cryptography\PolicyServers", 1, &["URL"]),
    root(r"HKLM\SOFTWARE\Policies\SNMP\Parameters\PermittedManagers", 0, ALL),
    root(r"HKLM\SOFTWARE\Policies\SNMP\Parameters\TrapConfiguration", 0, NONE),
    root(r"HKLM\SOFTWARE\Policies\SNMP\Parameters\TrapConfiguration\#", 0, ALL),
    root(r"HKLM\SOFTWARE\Policies\Google\Chrome", 0, BROWSER),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Edge", 0, BROWSER),
    root(r"HKLM\SOFTWARE\Policies\Chromium", 0, BROWSER),
    root(r"HKLM\SOFTWARE\Policies\BraveSoftware\Brave", 0, BROWSER),
    root(r"HKLM\SOFTWARE\Policies\Mozilla\Firefox\Proxy", 0, BROWSER),
    root(r"HKLM\SOFTWARE\GLPI-Agent", 0, &["server"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\GLPI-Agent", 0, &["server"]),
    root(r"HKLM\SOFTWARE\FusionInventory-Agent", 0, &["server"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\FusionInventory-Agent", 0, &["server"]),
    root(r"HKLM\SOFTWARE\Citrix\VirtualDesktopAgent", 0, &["ListOfDDCs"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Citrix\VirtualDesktopAgent", 0, &["ListOfDDCs"]),
    root(r"HKLM\SOFTWARE\CommVault Systems\Galaxy\Instance001\CommServe", 0, &["sCSHOSTNAME"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\CommVault Systems\Galaxy\Instance001\CommServe", 0, &["sCSHOSTNAME"]),
    root(r"HKLM\SOFTWARE\Network Associates\ePolicy Orchestrator\Agent", 0, &["ePOServerList"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Network Associates\ePolicy Orchestrator\Agent", 0, &["ePOServerList"]),
    root(r"HKLM\SOFTWARE\TrendMicro\PC-cillinNTCorp\CurrentVersion", 0, &["Server", "ServerPort"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\TrendMicro\PC-cillinNTCorp\CurrentVersion", 0, &["Server", "ServerPort"]),
    root(r"HKLM\SOFTWARE\Intel\LANDesk\LDWM", 0, &["CoreServer"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Intel\LANDesk\LDWM", 0, &["CoreServer"]),
    root(r"HKLM\SOFTWARE\Microsoft\AppV\Client\Publishing\Servers", 1, &["URL"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\AppV\Client\Publishing\Servers", 1, &["URL"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\FVE\MDOPBitLockerManagement", 0, &["KeyRecoveryServiceEndPoint", "StatusReportingServiceEndpoint"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\FVE\MDOPBitLockerManagement", 0, &["KeyRecoveryServiceEndPoint", "StatusReportingServiceEndpoint"]),
    root(r"HKLM\SOFTWARE\Microsoft\MSMQ\Parameters", 0, &["RemoteQMMachine"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\MSMQ\Parameters", 0, &["RemoteQMMachine"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Internet Explorer\Main\EnterpriseMode", 0, &["SiteList"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\Internet Explorer\Main\EnterpriseMode", 0, &["SiteList"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\Edge", 0, &["InternetExplorerIntegrationSiteList"]),
    root(r"HKLM\SOFTWARE\Policies\Microsoft\Communicator", 0, &["ServerAddressInternal", "ServerAddressExternal"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\Communicator", 0, &["ServerAddressInternal", "ServerAddressExternal"]),
    root(r"HKLM\SOFTWARE\Classes\AppID", 1, &["RemoteServerName"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Classes\AppID", 1, &["RemoteServerName"]),
    root(r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths", 1, &["", "Path"]),
    root(r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\App Paths", 1, &["", "Path"]),
    root(r"HKLM\SOFTWARE\Veeam\Veeam Backup and Replication", 0, &["SqlServerName", "SqlInstanceName", "SqlDatabaseName"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\ADSync\Parameters", 0, &["Server", "SQLInstance", "DBName"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\FIMSynchronizationService\Parameters", 0, &["Server", "SQLInstance", "DBName"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups", 0, NONE),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups\*", 0, NONE),
    root(r"HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups\*\Parent Health Services", 1, &["NetworkName", "Port"]),
    root(r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa\Kerberos\Domains", 1, &["KdcNames"]),
    root(r"HKLM\SOFTWARE\Microsoft\BizTalk Server\3.0\Administration", 0, &["MgmtDBServer", "MgmtDBName"]),
    root(r"HKLM\SOFTWARE\Microsoft\Update Services\Server\Setup", 0, &["SqlServerName", "SqlDatabaseName"]),
    root(r"HKLM\SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Setup", 0, &["DatabaseServerName", "DatabaseName", "DataWarehouseDBServerName", "DataWarehouseDBName"]),
    root(r"HKLM\SOFTWARE\Microsoft\SMS\SQL Server", 0, &["Server", "Database Name"]),
    root(r"HKLM\SOFTWARE\Microsoft\Shared Tools\Web Server Extensions", 1, NONE),
    root(r"HKLM\SOFTWARE\Microsoft\Shared Tools\Web Server Extensions\*\Secure\ConfigDB", 0, &["dsn"]),
    root(r"HKU\*\Software\Microsoft\Workspaces\Feeds", 1, &["URL"]),
    root(r"HKU\*\Software\Policies\Microsoft\Communicator", 0, &["ServerAddressInternal", "ServerAddressExternal"]),
    root(r"HKU\*\Software\Policies\Microsoft\Internet Explorer\Main\EnterpriseMode", 0, &["SiteList"]),
    root(r"HKU\*\Software\Policies\Microsoft\Windows\WorkFolders", 0, &["SyncUrl"]),
    root(r"HKU\*\Software\Microsoft\Office\*\Common\General", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Office\*\Word\Options", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Office\*\Excel\Options", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Office\*\PowerPoint\Options", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Office\*\Access\Settings", 0, ALL),
    root(r"HKU\*\Software\Policies\Microsoft\Office", 1, NONE),
    root(r"HKU\*\Software\Policies\Microsoft\Office\*\Common\General", 0, ALL),
    root(r"HKU\*\Software\Policies\Microsoft\Office\*\Word\Options", 0, ALL),
    root(r"HKU\*\Software\Policies\Microsoft\Office\*\Excel\Options", 0, ALL),
    root(r"HKU\*\Software\Policies\Microsoft\Office\*\PowerPoint\Options", 0, ALL),
    root(r"HKU\*\Software\Policies\Microsoft\Office\*\Access\Settings", 0, ALL),
    root(r"HKU", 1, NONE),
    root(r"HKU\*\Environment", 0, ALL),
    root(r"HKU\*\Network", 1, &["RemotePath", "ProviderName", "UserName"]),
    root(r"HKU\*\Printers\Connections", 1, &["Server"]),
    root(r"HKU\*\Software\ODBC\ODBC.INI", 1, ALL),
    root(r"HKU\*\Software\FLEXlm License Manager", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2", 0, NONE),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\Map Network Drive MRU", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved", 1, ALL),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Run", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\RunOnce", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run", 0, ALL),
    root(r"HKU\*\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Run", 0, ALL),
    root(r"HKU\*\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce", 0, ALL),
    root(r"HKU\*\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Windows NT\CurrentVersion\Winlogon", 0, &["Userinit", "Shell", "AppSetup"]),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Uninstall", 1, &["DisplayName", "DisplayVersion", "SystemComponent", "ReleaseType", "ParentKeyName", "ParentDisplayName", "InstallLocation"]),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Internet Settings", 0, &["Proxy*", "AutoConfigURL"]),
    root(r"HKU\*\Software\Microsoft\Windows\CurrentVersion\Group Policy\Scripts", 3, &["FileSysPath", "Script"]),
    root(r"HKU\*\Software\Microsoft\Terminal Server Client\Servers", 1, &["UsernameHint"]),
    root(r"HKU\*\Software\Microsoft\Terminal Server Client\Default", 0, &["MRU*"]),
    root(r"HKU\*\Software\SimonTatham\PuTTY\Sessions", 1, &["HostName", "PortNumber", "Protocol", "UserName"]),
    root(r"HKU\*\Software\9bis.com\KiTTY\Sessions", 1, &["HostName", "PortNumber", "Protocol", "UserName"]),
    root(r"HKU\*\Software\SimonTatham\PuTTY\SshHostKeys", 0, ALL),
    root(r"HKU\*\Software\9bis.com\KiTTY\SshHostKeys", 0, ALL),
    root(r"HKU\*\Software\Martin Prikryl\WinSCP 2\Sessions", 1, &["HostName", "PortNumber", "FSProtocol", "UserName", "Password"]),
    root(r"HKU\*\Software\Microsoft\SystemCertificates", 3, &["Blob"]),
    root(r"HKU\*\Software\Policies\Microsoft\SystemCertificates", 3, &["Blob"]),
    root(r"HKU\*\Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings", 0, &["Proxy*", "AutoConfigURL"]),
    root(r"HKU\*\Software\Policies\Microsoft\Cryptography\PolicyServers", 1, &["URL"]),
    root(r"HKU\*\Software\Policies\Google\Chrome", 0, BROWSER),
    root(r"HKU\*\Software\Policies\Microsoft\Edge", 0, BROWSER),
    root(r"HKU\*\Software\Policies\Chromium", 0, BROWSER),
    root(r"HKU\*\Software\Policies\BraveSoftware\Brave", 0, BROWSER),
    root(r"HKU\*\Software\Policies\Mozilla\Firefox\Proxy", 0, BROWSER),
    root(r"HKU\*\Software\Microsoft\Office", 1, NONE),
    root(r"HKU\*\Software\Microsoft\Office\Outlook\Addins", 1, &["LoadBehavior", "FriendlyName"]),
    root(r"HKU\*\Software\Microsoft\Office\*\Outlook", 0, &["ForcePSTPath", "ForceOSTPath"]),
    root(r"HKU\*\Software\Microsoft\Office\*\Outlook\Search\Catalog", 0, ALL),
    root(r"HKU\*\Software\Microsoft\Office\*\Outlook\Profiles", 7, OUTLOOK),
    root(r"HKU\*\Software\Policies\Microsoft\Office\*\Outlook", 0, &["ForcePSTPath", "ForceOSTPath"]),
    root(r"HKU\*\Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\Profiles", 7, OUTLOOK),
];

/// Files and folders, each with what of it is exported.
///
/// `%SystemRoot%`, `%ProgramData%` and `%ProgramFiles%` are those of the machine, `%DataBasePath%` is a value of
/// `Tcpip\Parameters`, `%Profile%` the home of each person, `%Application%` each folder of a web application, `%Data%` each
/// folder of a database, `%Drive%` each fixed drive.
#[rustfmt::skip]
pub const FILES: &[(&str, &str)] = &[
    (r"%DataBasePath%\hosts", "text"),
    (r"%DataBasePath%\lmhosts", "text"),
    (r"%SystemRoot%\System32\Tasks", "tasks"),
    (r"%SystemRoot%\System32\inetsrv\config\applicationHost.config", "settings"),
    (r"%SystemRoot%\System32\inetsrv\config\redirection.config", "settings"),
    (r"%Application%\web.config", "settings"),
    (r"%ProgramData%\Microsoft\Network\Connections\Pbk\rasphone.pbk", "tunnels"),
    (r"%Profile%\AppData\Roaming\Microsoft\Network\Connections\Pbk\rasphone.pbk", "tunnels"),
    (r"%ProgramData%\Microsoft\Group Policy\History", "preferences"),
    (r"%Profile%\AppData\Local\Microsoft\Group Policy\History", "preferences"),
    (r"%ProgramFiles%\OpenVPN\config", "tunnels"),
    (r"%ProgramFiles%\OpenVPN\config-auto", "tunnels"),
    (r"%Profile%\OpenVPN\config", "tunnels"),
    (r"%Profile%\AppData\Roaming\Microsoft\SystemCertificates\My\Certificates", "certificates"),
    (r"%Profile%\AppData\Roaming\Thunderbird\profiles.ini", "text"),
    (r"%Profile%\AppData\Roaming\Thunderbird\Profiles", "thunderbird"),
    (r"%Data%\PG_VERSION", "text"),
    (r"%Data%", "names"),
    (r"%Drive%", "mail"),
];

/// True if somebody reads a value of this name of this key; letter case means nothing.
pub(crate) fn is_asked_for(path: &str, name: &str) -> bool {
    let lower = path.trim_end_matches('\\').to_lowercase();
    let parts: Vec<&str> = lower.split('\\').collect();
    let name = name.to_lowercase();
    let asks = |root: &&Root| {
        let mut names = root.values.iter();
        names.any(|pattern| is_like(name.as_bytes(), pattern.to_lowercase().as_bytes()))
    };
    ROOTS.iter().filter(asks).any(|root| {
        let line = format!("{}|{}", root.path, root.depth);
        Pattern::parse(&line).is_some_and(|pattern| pattern.holds(&parts))
    })
}

/// As `-like` of PowerShell compares: `*` stands for any letters, `?` for one.
fn is_like(name: &[u8], pattern: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'*', more)), rest) => {
            is_like(name, more) || rest.is_some_and(|(_, rest)| is_like(rest, pattern))
        }
        (Some((b'?', more)), Some((_, rest))) => is_like(rest, more),
        (Some((letter, more)), Some((own, rest))) => letter == own && is_like(rest, more),
        (Some(_), None) => false,
    }
}

/// A root as the script and a document write it: `path|depth`.
pub(crate) struct Pattern {
    parts: Vec<String>,
    depth: usize,
}

impl Pattern {
    /// Reads `path|depth`; what stands behind a second `|` is passed over.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('|');
        let (path, depth) = (fields.next()?, fields.next()?);
        let parts = path.split('\\').map(str::to_lowercase);
        Some(Self {
            parts: parts.collect(),
            depth: depth.trim().parse().ok()?,
        })
    }

    /// True for a key it holds; `parts` in lower case.
    pub(crate) fn holds(&self, parts: &[&str]) -> bool {
        let deeper = parts.len().checked_sub(self.parts.len());
        let fits = |(pattern, part): (&String, &&str)| {
            matches!(pattern.as_str(), "*" | "#") || pattern == part
        };
        deeper.is_some_and(|deeper| deeper <= self.depth) && self.parts.iter().zip(parts).all(fits)
    }
}

#[cfg(test)]
mod tests;
