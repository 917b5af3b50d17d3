<#
.SYNOPSIS
    Writes down what this Windows machine runs and whom it needs, for `groma import`, where no agent may be installed.

.DESCRIPTION
    FOR WHOEVER HAS TO ALLOW THIS. The script is meant to be read before it is run. All it does is below; it loads no module
    and no other file.

    What it reads
      * the keys of the registry listed below ($RootLines), and of them only the values named there
      * the files and folders listed below ($FileLines)
      * tables of the system: processes, sockets, adapters, routes, neighbours, drives, shares, local accounts, devices
      * names, sizes and times of mail archives (*.pst and others, $MailEndings) on fixed drives, and the header (564 bytes) of
        those of Outlook; -NoMail leaves all of that out

    What it never does
      * it changes nothing: no key, no setting, no service; it writes one file, the document (-Path)
      * it opens no connection and sends nothing. With -Names it asks Windows what accounts of a domain are called, which may
        ask a domain controller, as every window that shows rights does
      * it starts one program, only where Windows has no cmdlet for it (Windows 7, Server 2008 R2): netstat.exe -ano
      * it follows no junction and no symbolic link, enters no network drive, and fetches nothing from a cloud
      * it reads no mail, no document, no database, no private key

    Secrets
      * a value whose name says that it is a secret (password, pwd, secret, token, key of an interface) is written as ***
      * in every other text what stands behind password=, pwd=, token= and the like, behind -p, /pass and the like, and between
        user: and @host of a URL is written as ***
      * command lines are reduced to the program, places on other machines, the name of a web server's pool and the path of a
        script
      * of web.config only rules that hand requests on and the place of sessions are kept; of the settings of the web server
        connection strings, keys and own settings are cut out
      * of preferences that group policies left only machines, accounts and drivers are kept, and never a cpassword
      * of a scheduled task only schedule, account, program, scripts and places on other machines are kept
      * of variables only those that name a machine or a path are kept
      * names of SNMP communities are written as numbers
      A password that somebody wrote in another way into a task or a variable can slip through: the document is text, look into it
      before it leaves your hands.

    Rights
      None. What is refused is written down as refused. As an administrator it sees more: programs of others, rights on shares,
      scheduled tasks, the firmware.

    Windows 7 and Server 2008 R2 with Windows Management Framework 3.0, up to Windows 11 and Server 2025.

.PARAMETER Path
    The document that is written.
.PARAMETER NoMail
    Do not look for mail archives: no drive is walked.
.PARAMETER Minutes
    How long the walk over the drives may take.
.PARAMETER Names
    Ask Windows for the names of accounts of a domain.
.EXAMPLE
    powershell -ExecutionPolicy Bypass -File groma-collect.ps1
    groma import groma-APP01.json
#>
[CmdletBinding()]
param(
    [string] $Path = "groma-$env:COMPUTERNAME.json",
    [switch] $NoMail,
    [int] $Minutes = 60,
    [switch] $Names
)

Set-StrictMode -Off
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# ---- what is read ----------------------------------------------------------------------------------------------------------

# Key | levels below it | values. * is any sub-key or any letters, # a sub-key whose name is a secret, - no value: only names of
# sub-keys are read. A test holds this list against what groma asks for (crates/windows/src/keys.rs).
$RootLines = @'
HKLM\SYSTEM\CurrentControlSet\Services|1|Type,Start,ImagePath,DisplayName,ObjectName,DependOnService,ServiceDll,Application
HKLM\SYSTEM\CurrentControlSet\Services\*\Parameters|0|ServiceDll,Application
HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslBindingInfo|1|*
HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslSniBindingInfo|1|*
HKLM\SYSTEM\CurrentControlSet\Services\HTTP\Parameters\SslCcsBindingInfo|1|*
HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters|0|NullSessionShares,RequireSecuritySignature,SMB1
HKLM\SYSTEM\CurrentControlSet\Services\LanmanServer\Shares|1|*
HKLM\SYSTEM\CurrentControlSet\Services\NTDS\Parameters|0|TCP/IP Port,LDAPServerIntegrity,LdapEnforceChannelBinding
HKLM\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters|0|DCTcpipPort,DynamicSiteName,SiteName,SysVol,SysvolReady
HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters|0|EnableLMHOSTS,NameServer*,DhcpNameServer*
HKLM\SYSTEM\CurrentControlSet\Services\NetBT\Parameters\Interfaces|1|*
HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters|0|Hostname,NV Hostname,Domain,NV Domain,DataBasePath,MaxUserPort,NameServer,DhcpNameServer
HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces|1|*
HKLM\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters|0|NameServer,DhcpNameServer
HKLM\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters\Interfaces|1|*
HKLM\SYSTEM\CurrentControlSet\Services\Dnscache\Parameters\DnsPolicyConfig|1|*
HKLM\SYSTEM\CurrentControlSet\Services\W32Time\Parameters|0|Type,NtpServer
HKLM\SYSTEM\CurrentControlSet\Services\W32Time\TimeProviders\NtpClient|0|Enabled
HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\PermittedManagers|0|*
HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\TrapConfiguration|0|-
HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\TrapConfiguration\#|0|*
HKLM\SYSTEM\CurrentControlSet\Services\TermService\Parameters\LicenseServers|1|*
HKLM\SYSTEM\CurrentControlSet\Control|0|ContainerType
HKLM\SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters|0|RequireSecuritySignature
HKLM\SYSTEM\CurrentControlSet\Services\LDAP|0|LDAPClientIntegrity
HKLM\SYSTEM\CurrentControlSet\Control\Lsa|0|LmCompatibilityLevel
HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols|2|Enabled,DisabledByDefault
HKLM\SOFTWARE\Microsoft\.NETFramework\v2.0.50727|0|SchUseStrongCrypto
HKLM\SOFTWARE\Microsoft\.NETFramework\v4.0.30319|0|SchUseStrongCrypto
HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v2.0.50727|0|SchUseStrongCrypto
HKLM\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v4.0.30319|0|SchUseStrongCrypto
HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName|0|ComputerName
HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName|0|ComputerName
HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation|0|*
HKLM\SYSTEM\CurrentControlSet\Control\ProductOptions|0|ProductType
HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment|0|*
HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E96D-E325-11CE-BFC1-08002BE10318}|1|AttachedTo,FriendlyName,Model,Manufacturer
HKLM\SYSTEM\CurrentControlSet\Control\Class\{6bdd1fc6-810f-11d0-bec7-08002be2092f}|2|Vendor,FriendlyName,*ipaddress*,*ip address*,*hostname*,*host name*,*networkaddress*
HKLM\SYSTEM\CurrentControlSet\Control\Cryptography\Providers|2|Image
HKLM\SYSTEM\CurrentControlSet\Control\Print\Printers|1|Port,Name,Printer Driver
HKLM\SYSTEM\CurrentControlSet\Control\Print\Monitors|3|HostName,IPAddress,Server Name,Address,Host,PortNumber,Protocol,Queue,Printer Name,Printer UUID,*UUID*,*URL*,*Id
HKLM\SYSTEM\CurrentControlSet\Control\Print\Connections|1|Server
HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server\WinStations|1|SSLCertificateSHA1Hash
HKLM\SYSTEM\CurrentControlSet\Enum\SWD\DAFWSDProvider|1|LocationInformation
HKLM\SYSTEM\CurrentControlSet\Enum\*\*\*|0|Class,ClassGUID,Service,FriendlyName,DeviceDesc,Mfg,CompatibleIDs,HardwareID,LocationInformation,ParentIdPrefix
HKLM\SYSTEM\CurrentControlSet\Enum\*\*\*\Device Parameters|0|PortName
HKLM\HARDWARE\DESCRIPTION\System\BIOS|0|BIOS*,System*,BaseBoard*
HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0|0|ProcessorNameString
HKLM\HARDWARE\DEVICEMAP\SERIALCOMM|0|*
HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion|0|SystemRoot,ProductName,CurrentBuild,CurrentBuildNumber,CurrentVersion,CSDVersion,DisplayVersion,InstallationType,ReleaseId,UBR,EditionID
HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList|1|ProfileImagePath,CentralProfile,ProgramData
HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SoftwareProtectionPlatform|2|KeyManagementServiceName,KeyManagementServicePort
HKLM\SOFTWARE\Microsoft\OfficeSoftwareProtectionPlatform|2|KeyManagementServiceName,KeyManagementServicePort
HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Print\Providers\Client Side Rendering Print Provider\Servers|0|-
HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon|0|Userinit,Shell,AppSetup
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion|0|ProgramFilesDir*,CommonFilesDir*
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall|1|DisplayName,DisplayVersion,SystemComponent,ReleaseType,ParentKeyName,ParentDisplayName,InstallLocation
HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall|1|DisplayName,DisplayVersion,SystemComponent,ReleaseType,ParentKeyName,ParentDisplayName,InstallLocation
HKLM\SOFTWARE\Microsoft\ServerManager\ServicingStorage\ServerComponentCache|1|InstallState
HKLM\SOFTWARE\FLEXlm License Manager|0|*
HKLM\SOFTWARE\WOW6432Node\FLEXlm License Manager|0|*
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run|0|*
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce|0|*
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run|0|*
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved|1|*
HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Run|0|*
HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce|0|*
HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run|0|*
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings|1|Proxy*,AutoConfigURL,WinHttpSettings
HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings|1|Proxy*,AutoConfigURL,WinHttpSettings
HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings|1|Proxy*,AutoConfigURL,WinHttpSettings
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History|0|DCName,MachineDomain
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\Machine|0|Distinguished-Name
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\*\Scripts|3|FileSysPath,Script
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\Scripts|3|FileSysPath,Script
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Listener|1|Port,certThumbprint
HKLM\SOFTWARE\Microsoft\Rpc\Internet|0|Ports
HKLM\SOFTWARE\Microsoft\Virtual Machine\Guest\Parameters|0|*
HKLM\SOFTWARE\Microsoft\Cryptography|0|MachineGuid
HKLM\SOFTWARE\Microsoft\Cryptography\Calais\SmartCards|1|80000001
HKLM\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Calais\SmartCards|1|80000001
HKLM\SOFTWARE\Microsoft\Cryptography\Defaults\Provider|1|Image Path
HKLM\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Defaults\Provider|1|Image Path
HKLM\SOFTWARE\Microsoft\Cryptography\Services|0|-
HKLM\SOFTWARE\Microsoft\Cryptography\Services\*\SystemCertificates|3|Blob
HKLM\SOFTWARE\Microsoft\SystemCertificates|3|Blob
HKLM\SOFTWARE\Microsoft\EnterpriseCertificates|3|Blob
HKLM\SOFTWARE\Policies\Microsoft\SystemCertificates|3|Blob
HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\Instance Names\SQL|0|*
HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\Instance Names\SQL|0|*
HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\Setup|0|SQLDataRoot,PatchLevel,Version
HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\*\Setup|0|SQLDataRoot,PatchLevel,Version
HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\MSSQLServer|0|DefaultData,DefaultLog,BackupDirectory
HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\*\MSSQLServer|0|DefaultData,DefaultLog,BackupDirectory
HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\MSSQLServer\Parameters|0|SQLArg*
HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server\*\MSSQLServer\Parameters|0|SQLArg*
HKLM\SOFTWARE\Microsoft\Microsoft SQL Server\*\MSSQLServer\SuperSocketNetLib|0|Certificate
HKLM\SOFTWARE\PostgreSQL\Installations|1|Data Directory,Version
HKLM\SOFTWARE\WOW6432Node\PostgreSQL\Installations|1|Data Directory,Version
HKLM\SOFTWARE\MySQL AB|1|DataLocation,Version
HKLM\SOFTWARE\WOW6432Node\MySQL AB|1|DataLocation,Version
HKLM\SOFTWARE\Microsoft\MSSQLServer\Client\ConnectTo|0|*
HKLM\SOFTWARE\WOW6432Node\Microsoft\MSSQLServer\Client\ConnectTo|0|*
HKLM\SOFTWARE\ODBC\ODBC.INI|1|*
HKLM\SOFTWARE\WOW6432Node\ODBC\ODBC.INI|1|*
HKLM\SOFTWARE\Microsoft\IIS\CentralCertProvider|0|Enabled,CertStoreLocation,UserName,Password
HKLM\SOFTWARE\Microsoft\Fax\Device Providers|1|ImageName,FriendlyName,ProviderName
HKLM\SOFTWARE\Microsoft\CCM|0|SMSSLP,CMHttpsServer
HKLM\SOFTWARE\Microsoft\CCM\FSP|0|HostName
HKLM\SOFTWARE\Microsoft\CCMSetup|0|LastValidMP
HKLM\SOFTWARE\Microsoft\SMS\DP|0|Server,ManagementPoints
HKLM\SOFTWARE\Classes\Installer\Products|0|-
HKLM\SOFTWARE\Classes\Installer\Products\*\SourceList\Net|0|*
HKLM\SOFTWARE\Microsoft\Office\Outlook\Addins|1|LoadBehavior,FriendlyName
HKLM\SOFTWARE\WOW6432Node\Microsoft\Office\Outlook\Addins|1|LoadBehavior,FriendlyName
HKLM\SOFTWARE\Microsoft\Office\ClickToRun\REGISTRY\MACHINE\Software\Microsoft\Office\Outlook\Addins|1|LoadBehavior,FriendlyName
HKLM\SOFTWARE\Microsoft\Office\ClickToRun\REGISTRY\MACHINE\Software\WOW6432Node\Microsoft\Office\Outlook\Addins|1|LoadBehavior,FriendlyName
HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient|0|NameServer
HKLM\SOFTWARE\Policies\Microsoft\Windows NT\DNSClient\DnsPolicyConfig|1|*
HKLM\SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services|0|LicenseServers
HKLM\SOFTWARE\Policies\Microsoft\W32Time\Parameters|0|Type,NtpServer
HKLM\SOFTWARE\Policies\Microsoft\W32Time\TimeProviders\NtpClient|0|Enabled
HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate|1|WUServer,WUStatusServer,UpdateServiceUrlAlternate,UseWUServer
HKLM\SOFTWARE\Policies\Microsoft\Windows\DeliveryOptimization|0|DOCacheHost
HKLM\SOFTWARE\Policies\Microsoft\Windows Defender\Signature Updates|0|DefinitionUpdateFileSharesSources
HKLM\SOFTWARE\Policies\Microsoft\Windows\EventLog\EventForwarding\SubscriptionManager|0|*
HKLM\SOFTWARE\Policies\Microsoft\Cryptography\PolicyServers|1|URL
HKLM\SOFTWARE\Policies\SNMP\Parameters\PermittedManagers|0|*
HKLM\SOFTWARE\Policies\SNMP\Parameters\TrapConfiguration|0|-
HKLM\SOFTWARE\Policies\SNMP\Parameters\TrapConfiguration\#|0|*
HKLM\SOFTWARE\Policies\Google\Chrome|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKLM\SOFTWARE\Policies\Microsoft\Edge|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKLM\SOFTWARE\Policies\Chromium|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKLM\SOFTWARE\Policies\BraveSoftware\Brave|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKLM\SOFTWARE\Policies\Mozilla\Firefox\Proxy|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKLM\SOFTWARE\GLPI-Agent|0|server
HKLM\SOFTWARE\WOW6432Node\GLPI-Agent|0|server
HKLM\SOFTWARE\FusionInventory-Agent|0|server
HKLM\SOFTWARE\WOW6432Node\FusionInventory-Agent|0|server
HKLM\SOFTWARE\Citrix\VirtualDesktopAgent|0|ListOfDDCs
HKLM\SOFTWARE\WOW6432Node\Citrix\VirtualDesktopAgent|0|ListOfDDCs
HKLM\SOFTWARE\CommVault Systems\Galaxy\Instance001\CommServe|0|sCSHOSTNAME
HKLM\SOFTWARE\WOW6432Node\CommVault Systems\Galaxy\Instance001\CommServe|0|sCSHOSTNAME
HKLM\SOFTWARE\Network Associates\ePolicy Orchestrator\Agent|0|ePOServerList
HKLM\SOFTWARE\WOW6432Node\Network Associates\ePolicy Orchestrator\Agent|0|ePOServerList
HKLM\SOFTWARE\TrendMicro\PC-cillinNTCorp\CurrentVersion|0|Server,ServerPort
HKLM\SOFTWARE\WOW6432Node\TrendMicro\PC-cillinNTCorp\CurrentVersion|0|Server,ServerPort
HKLM\SOFTWARE\Intel\LANDesk\LDWM|0|CoreServer
HKLM\SOFTWARE\WOW6432Node\Intel\LANDesk\LDWM|0|CoreServer
HKLM\SOFTWARE\Microsoft\AppV\Client\Publishing\Servers|1|URL
HKLM\SOFTWARE\WOW6432Node\Microsoft\AppV\Client\Publishing\Servers|1|URL
HKLM\SOFTWARE\Policies\Microsoft\FVE\MDOPBitLockerManagement|0|KeyRecoveryServiceEndPoint,StatusReportingServiceEndpoint
HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\FVE\MDOPBitLockerManagement|0|KeyRecoveryServiceEndPoint,StatusReportingServiceEndpoint
HKLM\SOFTWARE\Microsoft\MSMQ\Parameters|0|RemoteQMMachine
HKLM\SOFTWARE\WOW6432Node\Microsoft\MSMQ\Parameters|0|RemoteQMMachine
HKLM\SOFTWARE\Policies\Microsoft\Internet Explorer\Main\EnterpriseMode|0|SiteList
HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\Internet Explorer\Main\EnterpriseMode|0|SiteList
HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\Edge|0|InternetExplorerIntegrationSiteList
HKLM\SOFTWARE\Policies\Microsoft\Communicator|0|ServerAddressInternal,ServerAddressExternal
HKLM\SOFTWARE\WOW6432Node\Policies\Microsoft\Communicator|0|ServerAddressInternal,ServerAddressExternal
HKLM\SOFTWARE\Classes\AppID|1|RemoteServerName
HKLM\SOFTWARE\WOW6432Node\Classes\AppID|1|RemoteServerName
HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths|1|,Path
HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\App Paths|1|,Path
HKLM\SOFTWARE\Veeam\Veeam Backup and Replication|0|SqlServerName,SqlInstanceName,SqlDatabaseName
HKLM\SYSTEM\CurrentControlSet\Services\ADSync\Parameters|0|Server,SQLInstance,DBName
HKLM\SYSTEM\CurrentControlSet\Services\FIMSynchronizationService\Parameters|0|Server,SQLInstance,DBName
HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups|0|-
HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups\*|0|-
HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups\*\Parent Health Services|1|NetworkName,Port
HKLM\SYSTEM\CurrentControlSet\Control\Lsa\Kerberos\Domains|1|KdcNames
HKLM\SOFTWARE\Microsoft\BizTalk Server\3.0\Administration|0|MgmtDBServer,MgmtDBName
HKLM\SOFTWARE\Microsoft\Update Services\Server\Setup|0|SqlServerName,SqlDatabaseName
HKLM\SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Setup|0|DatabaseServerName,DatabaseName,DataWarehouseDBServerName,DataWarehouseDBName
HKLM\SOFTWARE\Microsoft\SMS\SQL Server|0|Server,Database Name
HKLM\SOFTWARE\Microsoft\Shared Tools\Web Server Extensions|1|-
HKLM\SOFTWARE\Microsoft\Shared Tools\Web Server Extensions\*\Secure\ConfigDB|0|dsn
HKU\*\Software\Microsoft\Workspaces\Feeds|1|URL
HKU\*\Software\Policies\Microsoft\Communicator|0|ServerAddressInternal,ServerAddressExternal
HKU\*\Software\Policies\Microsoft\Internet Explorer\Main\EnterpriseMode|0|SiteList
HKU\*\Software\Policies\Microsoft\Windows\WorkFolders|0|SyncUrl
HKU\*\Software\Microsoft\Office\*\Common\General|0|*
HKU\*\Software\Microsoft\Office\*\Word\Options|0|*
HKU\*\Software\Microsoft\Office\*\Excel\Options|0|*
HKU\*\Software\Microsoft\Office\*\PowerPoint\Options|0|*
HKU\*\Software\Microsoft\Office\*\Access\Settings|0|*
HKU\*\Software\Policies\Microsoft\Office|1|-
HKU\*\Software\Policies\Microsoft\Office\*\Common\General|0|*
HKU\*\Software\Policies\Microsoft\Office\*\Word\Options|0|*
HKU\*\Software\Policies\Microsoft\Office\*\Excel\Options|0|*
HKU\*\Software\Policies\Microsoft\Office\*\PowerPoint\Options|0|*
HKU\*\Software\Policies\Microsoft\Office\*\Access\Settings|0|*
HKU|1|-
HKU\*\Environment|0|*
HKU\*\Network|1|RemotePath,ProviderName,UserName
HKU\*\Printers\Connections|1|Server
HKU\*\Software\ODBC\ODBC.INI|1|*
HKU\*\Software\FLEXlm License Manager|0|*
HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders|0|*
HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\MountPoints2|0|-
HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\Map Network Drive MRU|0|*
HKU\*\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved|1|*
HKU\*\Software\Microsoft\Windows\CurrentVersion\Run|0|*
HKU\*\Software\Microsoft\Windows\CurrentVersion\RunOnce|0|*
HKU\*\Software\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run|0|*
HKU\*\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Run|0|*
HKU\*\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce|0|*
HKU\*\Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run|0|*
HKU\*\Software\Microsoft\Windows NT\CurrentVersion\Winlogon|0|Userinit,Shell,AppSetup
HKU\*\Software\Microsoft\Windows\CurrentVersion\Uninstall|1|DisplayName,DisplayVersion,SystemComponent,ReleaseType,ParentKeyName,ParentDisplayName,InstallLocation
HKU\*\Software\Microsoft\Windows\CurrentVersion\Internet Settings|0|Proxy*,AutoConfigURL
HKU\*\Software\Microsoft\Windows\CurrentVersion\Group Policy\Scripts|3|FileSysPath,Script
HKU\*\Software\Microsoft\Terminal Server Client\Servers|1|UsernameHint
HKU\*\Software\Microsoft\Terminal Server Client\Default|0|MRU*
HKU\*\Software\SimonTatham\PuTTY\Sessions|1|HostName,PortNumber,Protocol,UserName
HKU\*\Software\9bis.com\KiTTY\Sessions|1|HostName,PortNumber,Protocol,UserName
HKU\*\Software\SimonTatham\PuTTY\SshHostKeys|0|*
HKU\*\Software\9bis.com\KiTTY\SshHostKeys|0|*
HKU\*\Software\Martin Prikryl\WinSCP 2\Sessions|1|HostName,PortNumber,FSProtocol,UserName,Password
HKU\*\Software\Microsoft\SystemCertificates|3|Blob
HKU\*\Software\Policies\Microsoft\SystemCertificates|3|Blob
HKU\*\Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings|0|Proxy*,AutoConfigURL
HKU\*\Software\Policies\Microsoft\Cryptography\PolicyServers|1|URL
HKU\*\Software\Policies\Google\Chrome|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKU\*\Software\Policies\Microsoft\Edge|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKU\*\Software\Policies\Chromium|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKU\*\Software\Policies\BraveSoftware\Brave|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKU\*\Software\Policies\Mozilla\Firefox\Proxy|0|Proxy*,Mode,*Proxy,AutoConfigURL,InternetExplorerIntegrationSiteList
HKU\*\Software\Microsoft\Office|1|-
HKU\*\Software\Microsoft\Office\Outlook\Addins|1|LoadBehavior,FriendlyName
HKU\*\Software\Microsoft\Office\*\Outlook|0|ForcePSTPath,ForceOSTPath
HKU\*\Software\Microsoft\Office\*\Outlook\Search\Catalog|0|*
HKU\*\Software\Microsoft\Office\*\Outlook\Profiles|7|00??6600,00??6601,00??6602,00??6603,00??6608,00??660c,00??6610,00??6612,00??6613,00??6614,00??6622,00??662a,00??6641,00??6700,Email,Account Name,Display Name,* Server,* Server URL,* Port,* User,* User Name,* Use SSL,* Use TLS,* Use SPA,* Secure Connection,* Use Auth
HKU\*\Software\Policies\Microsoft\Office\*\Outlook|0|ForcePSTPath,ForceOSTPath
HKU\*\Software\Microsoft\Windows NT\CurrentVersion\Windows Messaging Subsystem\Profiles|7|00??6600,00??6601,00??6602,00??6603,00??6608,00??660c,00??6610,00??6612,00??6613,00??6614,00??6622,00??662a,00??6641,00??6700,Email,Account Name,Display Name,* Server,* Server URL,* Port,* User,* User Name,* Use SSL,* Use TLS,* Use SPA,* Secure Connection,* Use Auth
'@

# File or folder | what of it.
$FileLines = @'
%DataBasePath%\hosts|text
%DataBasePath%\lmhosts|text
%SystemRoot%\System32\Tasks|tasks
%SystemRoot%\System32\inetsrv\config\applicationHost.config|settings
%SystemRoot%\System32\inetsrv\config\redirection.config|settings
%Application%\web.config|settings
%ProgramData%\Microsoft\Network\Connections\Pbk\rasphone.pbk|tunnels
%Profile%\AppData\Roaming\Microsoft\Network\Connections\Pbk\rasphone.pbk|tunnels
%ProgramData%\Microsoft\Group Policy\History|preferences
%Profile%\AppData\Local\Microsoft\Group Policy\History|preferences
%ProgramFiles%\OpenVPN\config|tunnels
%ProgramFiles%\OpenVPN\config-auto|tunnels
%Profile%\OpenVPN\config|tunnels
%Profile%\AppData\Roaming\Microsoft\SystemCertificates\My\Certificates|certificates
%Profile%\AppData\Roaming\Thunderbird\profiles.ini|text
%Profile%\AppData\Roaming\Thunderbird\Profiles|thunderbird
%Data%\PG_VERSION|text
%Data%|names
%Drive%|mail
'@

# Buses whose devices are asked for; of the keys below Enum only those of devices that are present are read.
$Enumerators = 'USB', 'USBPRINT', 'USBSTOR', 'HID', 'FTDIBUS', 'PCI', 'HDAUDIO', 'SCSI', 'SERENUM', 'SWD'
$MailEndings = '.pst', '.ost', '.nst', '.nsf', '.olm', '.mbox', '.mbx', '.dbx'
$MailFolders = 'mail', 'mails', 'imapmail', 'mailboxes', 'local folders'
$FoldersPassed = '$recycle.bin', 'system volume information', 'node_modules', '.git', '.svn', '.hg', '__pycache__'
$FileBytesMax = 8388608
$EntriesMax = 2000000

# ---- secrets ---------------------------------------------------------------------------------------------------------------

$SecretName = [regex] '(?i)passw|passphrase|pwd|secret|token|credential|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|community|kennwort|(?:^|_)(?:pass|pw|key|auth|cred)(?:_|$)'
# Each with what takes its place.
$SecretTexts = @(
    # password=...; up to the end of its part
    @('(?i)([\w.-]*(?:passw(?:or)?[dt]|passphrase|kennwort|pwd|(?<![A-Za-z])(?:pass|pw)|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|\bsig(?:nature)?)\s*[=:]\s*)("[^"]*"|''[^'']*''|\{[^}]*\}|[^;"''&<>\r\n]*?(?=\s+(?:[-/\\]|[A-Za-z]:\\)|[;"''&<>\r\n]|$))', '$1***'),
    # -p ..., /password ...
    @('(?i)((?:^|[\s>])[-/]{1,2}(?:p|pw|pass|passwd|password|passphrase|pwd|secret|token|key|apikey|api-key)(?:[=:]|\s+))("[^"]*"|&quot;.*?&quot;|[^\s<]+)', '$1***'),
    # net use \\server\share ... /user:..., in either order
    @('(?i)(/user:[^\s<]+\s+)(?![-/\\])([^\s<]+)', '$1***'),
    @('(?i)(\\\\[^\s"<]+\s+)(?![-/\\*])([^\s<]+)(?=\s+/user:)', '$1***'),
    # curl -u user:...
    @('(?i)(\s(?:-u|--user)\s+"?[^\s:"<]+:)[^\s"<]+', '$1***'),
    # scheme://user:...@host
    @('(?i)(://[^/\s:@"<]*:)[^/\s@"<]+(?=@)', '$1***')
) | ForEach-Object { , @((New-Object System.Text.RegularExpressions.Regex $_[0]), $_[1]) }

# Variables that leave: what names another machine (a share, a URL, a licence server, a port of one, a part of a connection
# string), and paths on this one, which other settings are written with.
$EnvironmentText = [regex] '(?i)\\\\|://|(?:^|[;,])\s*\d*@[a-z0-9]|^[\w.-]+:\d{1,5}(?:[,;].*)?$|(?:^|;)\s*(?:server|data source|addr(?:ess)?|host)\s*=|^"?(?:[a-z]:|%[^%]+%)\\'
# Variables whose name says that a machine stands there.
$EnvironmentName = [regex] '(?i)(?:^|_)(?:hosts?|hostname|servers?|lshost|lsforcehost|brokers?|upstream|endpoints?|relay|smarthost|addr|address)(?:_|$)'

function Hide-Secret([string] $Name, [string] $Text) {
    if ($Text -eq '') { return '' }
    if ($SecretName.IsMatch($Name)) { return '***' }
    foreach ($pair in $SecretTexts) { $Text = $pair[0].Replace($Text, [string] $pair[1]) }
    $Text
}

# Of settings in XML: attributes that are secrets, and parts nobody asks for. Lines stay where they are.
function Hide-SettingSecret([string] $Text) {
    $lines = [System.Text.RegularExpressions.MatchEvaluator] { param($found) $found.Value -replace '[^\n]', '' }
    foreach ($part in 'appSettings', 'connectionStrings', 'environmentVariables', 'configProtectedData') {
        $cut = New-Object System.Text.RegularExpressions.Regex "(?is)<$part[\s>].*?</$part\s*>"
        $Text = $cut.Replace($Text, $lines)
    }
    $cut = New-Object System.Text.RegularExpressions.Regex '(?is)<machineKey\b[^>]*>|<!--.*?-->|^\s*<\?xml[^>]*\?>'
    $Text = $cut.Replace($Text, $lines)
    $attribute = New-Object System.Text.RegularExpressions.Regex '(?i)(\b[\w.-]*(?:passw(?:or)?d|pwd|secret|token|sessionKey|validationKey|decryptionKey|apiKey|accessKey)\s*=\s*)("[^"]*"|''[^'']*'')'
    $Text = $attribute.Replace($Text, '$1"***"')
    # The first of them knows no quotes of XML, and the attribute has been seen to.
    foreach ($pair in $SecretTexts | Select-Object -Skip 1) { $Text = $pair[0].Replace($Text, [string] $pair[1]) }
    (New-Object System.Text.RegularExpressions.Regex '(?i)((?:password|pwd)\s*=\s*)[^;"''&<>]+').Replace($Text, '$1***')
}

# What is kept of web.config: the elements around, rules that hand requests on without the headers they set, and where sessions
# are kept. What holds for a part of a site alone is cut.
$SettingsCut = [regex] '(?is)<!--.*?-->|<location\b[^>]*(?<!/)>.*?(?:</location\s*>|$(?![\s\S]))|<serverVariables\b[^>]*(?<!/)>.*?(?:</serverVariables\s*>|$(?![\s\S]))'
$SettingsKept = [regex] '(?is)(</?configuration\b[^>]*>|</?system\.webServer\b[^>]*>|</?system\.web(?=[\s/>])[^>]*>|<rewrite\b[^>]*(?<!/)>.*?</rewrite\s*>|<sessionState\b(?:[^>"'']|"[^"]*"|''[^'']*'')*>)|[^\n<]+|<'

function Hide-ApplicationSecret([string] $Text) {
    $lines = [System.Text.RegularExpressions.MatchEvaluator] { param($found) $found.Value -replace '[^\n]', '' }
    $kept = [System.Text.RegularExpressions.MatchEvaluator] {
        param($found)
        if (-not $found.Groups[1].Success) { return '' }
        # What stands in the element is not kept, so it ends at once.
        if ($found.Value -like '<sessionState*' -and $found.Value -notlike '*/>') { return $found.Value.TrimEnd('>') + '/>' }
        $found.Value
    }
    Hide-SettingSecret ($SettingsKept.Replace($SettingsCut.Replace($Text, $lines), $kept))
}

# How names of programs and scripts end.
$Endings = 'exe|com|bat|cmd|ps1|vbs|js|msc|dll|sys|scr|jar|py|pl'
# What no path goes on with: a switch, a quotation, a second path, a second command. What follows may be a password.
$Stop = '\s(?:[/"&|<>]|\\\\|[A-Za-z]:\\|-[\w-])'
# The program a command line begins with: in quotes as far as its ending; a bare word; a path as far as its ending; a word.
$ProgramPart = [regex] "(?i)^(?:`"(?:(?!$Stop)[^`"])*?\.(?:$Endings)(?=[\s`"]|$)|`"(?:(?!$Stop)[^`"])*|[^\s\\/`"]+(?=\s|$)|(?!`")(?:(?!$Stop)[^`"])*?\.(?:$Endings)(?=[\s`"&|<>,;]|$)|[^\s`"&|<>]+)"
# Places on other machines: in quotes as far as the ending of a program, or as the last folder goes; else up to a blank.
$PlacePart = [regex] "(?i)(?<![\w\\])(?<![^A-Za-z][A-Za-z]:)(?:`"\\\\(?:(?!$Stop)[^`"])*?\.(?:$Endings)(?=[\s`"]|$)|`"\\\\(?:(?:(?!$Stop)[^`"])*\\)?[^`"\s\\]*|\\\\[^\s`"',;<>|&)]+)"

# The program of a command line, and the places on other machines it names.
function Select-Program([string] $Command) {
    $text = $Command.Trim()
    $program = $ProgramPart.Match($text)
    $found = @($program) + @($PlacePart.Matches($text.Substring($program.Length)))
    $kept = @($found | ForEach-Object { if ($_.Value -like '"*') { $_.Value.TrimEnd() + '"' } else { $_.Value } })
    Hide-Secret '' ($kept -join ' ')
}

# How names of scripts end that a task may start.
$TaskEndings = 'exe|com|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|py|pyw|pl|php|rb|jar|r'
# Of a task's command: scripts with their paths, in quotes or not; places on other machines; URLs up to the machine; scripts
# without a path.
$TaskPart = [regex] "(?i)(?<=[`"'])(?:[A-Z]:\\|\\\\|%[^%\s`"']+%\\)(?:(?!$Stop)[^`"'<>|*?])*?\.(?:$TaskEndings)(?=[\s`"'&|>);,]|$)|(?<![^\s=@(])(?:[A-Z]:\\|\\\\|%[^%\s`"']+%\\)[^\s`"'<>|&);,*?]*\.(?:$TaskEndings)(?=[\s`"'&|>);,]|$)|$PlacePart|(?<![\w+.-])(?:https?|ftps?|sftp|ssh|scp|ldaps?|net\.tcp)://(?:[^\s`"'<>,;/\\?#]*@)?(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?=[/\\?#\s`"'<>,;]|$)|(?<![^\s`"'])(?:\.\\)?[\w.-]+\.(?:$TaskEndings)(?=[\s`"']|$)"

# Of a task: its schedule, its account, and of what it starts program, scripts and places. Lines stay where they are.
function Hide-TaskSecret([string] $Text) {
    $lines = [System.Text.RegularExpressions.MatchEvaluator] { param($found) $found.Value -replace '[^\n]', '' }
    $cut = New-Object System.Text.RegularExpressions.Regex '(?is)<!--.*?-->|^\s*<\?xml[^>]*\?>|<(RegistrationInfo|Description|Data|SendEmail|ShowMessage)\b[^>]*(?<!/)>.*?(?:</\1\s*>|$(?![\s\S]))'
    $Text = $cut.Replace($Text, $lines)
    $command = New-Object System.Text.RegularExpressions.Regex '(?is)(<(Command|Arguments)\b[^>]*(?<!/)>)(.*?)(</\2\s*>|$(?![\s\S]))'
    $reduced = [System.Text.RegularExpressions.MatchEvaluator] {
        param($found)
        $plain = $found.Groups[3].Value -replace '<!\[CDATA\[|\]\]>', '' -replace '&quot;|&#34;|&#x22;', '"' -replace '&apos;|&#39;|&#x27;', "'" -replace '&lt;', '<' -replace '&gt;', '>' -replace '&amp;', '&'
        $kept = @(Select-TaskPart $plain.Trim() ($found.Groups[2].Value -eq 'Command')) -join ' '
        $kept = $kept -replace '&', '&amp;' -replace '<', '&lt;' -replace '>', '&gt;'
        $found.Groups[1].Value + $kept + ($found.Groups[3].Value -replace '[^\n]', '') + $found.Groups[4].Value
    }
    Hide-Secret '' ($command.Replace($Text, $reduced))
}

# Of preferences of a policy: attributes that name a machine, an account or a driver. A value whose name says that it is a secret goes,
# and so does a value of the registry that names no place.
$PolicyTag = [regex] '<[A-Za-z](?:[^>"'']|"[^"]*"|''[^'']*'')*>'
$PolicyCut = [regex] '(?i)\s(?!(?:disabled|action|path|userName|ipAddress|portNumber|protocol|driver|name|value|fromPath|targetPath|startIn|appName)\s*=)[\w:.-]+\s*=\s*(?:"[^"]*"|''[^'']*'')'
$PolicyName = [regex] '(?i)\sname\s*=\s*(?:"([^"]*)"|''([^'']*)'')'
$PolicyValue = [regex] '(?i)(\svalue\s*=\s*)(?:"[^"]*"|''[^'']*'')'
$PolicyPlace = [regex] '(?i)\svalue\s*=\s*["''][^"'']*(?:\\\\|://)'

function Hide-PolicySecret([string] $Text) {
    $reduced = [System.Text.RegularExpressions.MatchEvaluator] {
        param($found)
        $tag = $found.Value
        $name = $PolicyName.Match($tag)
        $isSecret = $name.Success -and $SecretName.IsMatch($name.Groups[1].Value + $name.Groups[2].Value)
        $isOfRegistry = $tag -match '(?i)\stype\s*=\s*["'']REG_'
        if ($isSecret -or ($isOfRegistry -and -not $PolicyPlace.IsMatch($tag))) { $tag = $PolicyValue.Replace($tag, '$1"***"') }
        $PolicyCut.Replace($tag, '')
    }
    Hide-TaskSecret ($PolicyTag.Replace($Text, $reduced))
}

# What is kept of a task's command or of its arguments.
function Select-TaskPart([string] $Text, [bool] $IsCommand) {
    if ($IsCommand) {
        $program = $ProgramPart.Match($Text)
        if ($program.Value -like '"*') { $program.Value.TrimEnd() + '"' } else { $program.Value }
        $Text = $Text.Substring($program.Length)
    }
    foreach ($part in $TaskPart.Matches((Hide-Secret '' $Text))) { '"' + ($part.Value.Trim('"') -replace '://[^/]*@', '://') + '"' }
}

# Of a process: the pool of a web server, or the script an interpreter runs.
function Select-Word([string] $Program, [string] $Command) {
    $pool = [regex]::Match($Command, '-ap "([^"]*)"')
    if ($Program -eq 'w3wp.exe' -and $pool.Success) { return '"w3wp.exe" ' + $pool.Value }
    if ($Program -notmatch '(?i)^(python|pythonw|py|pyw|pypy|perl|wperl|ruby|rubyw|node|bun|php|php-cgi|php-win|java|javaw|dotnet|cscript|wscript|powershell|pwsh)[\d.-]*\.exe$') { return $null }
    $script = [regex]::Match($Command, '(?i)"[^"<>|?*;=]+\.(?:pyw?|pyz|pl|cgi|rb|ru|[mc]?js|ts|php|phar|jar|war|dll|vbs|vbe|jse|wsf|ps1)"|(?<=\s)[^\s"<>|?*;=]+\.(?:pyw?|pyz|pl|cgi|rb|ru|[mc]?js|ts|php|phar|jar|war|dll|vbs|vbe|jse|wsf|ps1)(?=\s|$)')
    if (-not $script.Success) { return $null }
    if ($Program -match '(?i)^javaw?') { return "`"$Program`" -jar " + $script.Value }
    "`"$Program`" " + $script.Value
}

# ---- what was found --------------------------------------------------------------------------------------------------------

$keys = New-Object 'System.Collections.Generic.SortedDictionary[string,object]' ([System.StringComparer]::OrdinalIgnoreCase)
$refusedKeys = New-Object 'System.Collections.Generic.SortedDictionary[string,object]' ([System.StringComparer]::OrdinalIgnoreCase)
$refusedFiles = New-Object 'System.Collections.Generic.SortedDictionary[string,object]' ([System.StringComparer]::OrdinalIgnoreCase)
$files = New-Object 'System.Collections.Generic.SortedDictionary[string,object]' ([System.StringComparer]::OrdinalIgnoreCase)
$lookedFiles = New-Object System.Collections.ArrayList
$lookedFolders = New-Object System.Collections.ArrayList
$lookedDrives = New-Object System.Collections.ArrayList
$passed = New-Object System.Collections.ArrayList
$missing = New-Object System.Collections.ArrayList
$knownNames = New-Object 'System.Collections.Generic.SortedDictionary[string,object]' ([System.StringComparer]::OrdinalIgnoreCase)

function Get-Seconds([datetime] $Moment) {
    [int64] [math]::Floor(($Moment.ToUniversalTime() - ([datetime] '1970-01-01')).TotalSeconds)
}

# One word of groma for what went wrong.
function Get-Reason($Failure) {
    $cause = $Failure.Exception
    while ($cause.InnerException) { $cause = $cause.InnerException }
    if ($cause -is [System.UnauthorizedAccessException] -or $cause -is [System.Security.SecurityException]) { return 'permission-denied' }
    if ("$($Failure.CategoryInfo.Category)" -eq 'PermissionDenied' -or $cause.HResult -eq -2147024891 -or $cause.HResult -eq -2147217405) { return 'permission-denied' }
    if ($cause -is [System.IO.PathTooLongException]) { return 'too-large' }
    if ($cause -is [System.IO.FileNotFoundException] -or $cause -is [System.IO.DirectoryNotFoundException]) { return 'vanished' }
    if ($cause -is [System.IO.IOException]) { return 'locked' }
    'not-present'
}

function Add-Missing([string] $Table, [string] $Reason) {
    [void] $missing.Add([ordered] @{ table = $Table; reason = $Reason })
}

# The rows a block gives; a block that fails leaves a line that says why.
function Read-Table([string] $Table, [scriptblock] $Block) {
    $rows = New-Object System.Collections.ArrayList
    try { & $Block | ForEach-Object { [void] $rows.Add($_) } }
    catch { Add-Missing $Table (Get-Reason $_) }
    , $rows
}

# ---- registry --------------------------------------------------------------------------------------------------------------

$hives = @{
    HKLM = [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')
    HKU  = [Microsoft.Win32.RegistryKey]::OpenBaseKey('Users', 'Registry64')
}
$roots = $RootLines -split "`r?`n" | Where-Object { $_ -ne '' }
# Keys whose sub-keys have secret names.
$hidden = @($roots | Where-Object { $_ -match '\\#\|' } | ForEach-Object { ($_ -split '\\#\|')[0] })

# The key at a path, for reading; nothing where there is none.
function Open-Key([string] $Full) {
    $hive, $below = $Full -split '\\', 2
    if (-not $below) { return $hives[$hive] }
    $hives[$hive].OpenSubKey($below, $false)
}

# What may leave of a text: of commands (Winlogon has lists of them) program and places, of others all but secrets.
function Select-Text([string] $Name, [string] $Text, [string] $At) {
    if ($SecretName.IsMatch($Name)) { return Hide-Secret $Name $Text }
    if ($Name -eq 'ImagePath' -or $Name -eq 'Application' -or $At -match '(?i)\\Run(Once)?$') { return Select-Program $Text }
    if ($At -match '(?i)\\Winlogon$') { return @($Text -split ',' | ForEach-Object { Select-Program $_ }) -join ',' }
    if ($At -match '(?i)\\Environment$' -and -not $EnvironmentText.IsMatch($Text) -and -not ($EnvironmentName.IsMatch($Name) -and $Text -match '^[\w.-]+$')) { return $null }
    Hide-Secret $Name $Text
}

function Get-RegistryValue($Key, [string] $Name, [string] $At) {
    $value = $Key.GetValue($Name, $null, 'DoNotExpandEnvironmentNames')
    if ($null -eq $value) { return $null }
    $isSecret = $SecretName.IsMatch($Name)
    $kind = "$($Key.GetValueKind($Name))"
    if ($value -is [string]) {
        $text = Select-Text $Name $value $At
        if ($null -eq $text) { return $null }
        if ($kind -eq 'ExpandString') { return @{ expand = $text } }
        if ($kind -eq 'String') { return @{ sz = $text } }
    }
    switch ($kind) {
        'MultiString' { return @{ multi = @($value | ForEach-Object { Select-Text $Name $_ $At }) } }
        'DWord' { return @{ number = [System.BitConverter]::ToUInt32([System.BitConverter]::GetBytes([int] $value), 0) } }
        'QWord' { return @{ number = [System.BitConverter]::ToUInt64([System.BitConverter]::GetBytes([long] $value), 0) } }
    }
    if ($isSecret) { return @{ sz = '***' } }
    if ($value -is [byte[]] -and $value.Length -le 1048576) { return @{ hex = [System.BitConverter]::ToString($value).Replace('-', '') } }
    $null
}

# Takes a key, and as many levels below it. $At is where it stands, $Shown how the document calls it.
function Read-Key([string] $At, [string] $Shown, [int] $Depth, [string[]] $Wanted) {
    $key = $null
    try {
        $key = Open-Key $At
        if ($null -eq $key) { return }
        if (-not $keys.ContainsKey($Shown)) { $keys[$Shown] = @{ 'keys' = @(); 'values' = @{} } }
        $entry = $keys[$Shown]
        $below = @($key.GetSubKeyNames())
        $isHidden = $hidden -contains $Shown
        $entry['keys'] = $below
        if ($isHidden) {
            $entry['keys'] = @()
            for ($number = 1; $number -le $below.Count; $number++) { $entry['keys'] += "$number" }
        }
        foreach ($name in $key.GetValueNames()) {
            $isWanted = $false
            foreach ($pattern in $Wanted) { if ($name -like $pattern) { $isWanted = $true; break } }
            if (-not $isWanted -or $entry['values'].ContainsKey($name)) { continue }
            $value = Get-RegistryValue $key $name $At
            if ($null -ne $value) { $entry['values'][$name] = $value }
        }
    }
    catch {
        $refusedKeys[$Shown] = Get-Reason $_
        return
    }
    finally { if ($null -ne $key -and $At -match '\\') { $key.Close() } }
    if ($Depth -gt 0 -and -not $isHidden) {
        foreach ($name in $below) { Read-Key "$At\$name" "$Shown\$name" ($Depth - 1) $Wanted }
    }
}

# Every key that a path with * and # stands for.
function Read-Root([string] $At, [string] $Shown, [string[]] $Parts, [int] $Depth, [string[]] $Wanted) {
    $next = 0
    while ($next -lt $Parts.Count -and $Parts[$next] -ne '*' -and $Parts[$next] -ne '#') {
        $At = ("$At\" + $Parts[$next]).TrimStart('\')
        $Shown = ("$Shown\" + $Parts[$next]).TrimStart('\')
        $next++
    }
    if ($next -ge $Parts.Count) { return Read-Key $At $Shown $Depth $Wanted }
    $key = $null
    try {
        $key = Open-Key $At
        if ($null -eq $key) { return }
        $below = @($key.GetSubKeyNames())
    }
    catch {
        $refusedKeys[$Shown] = Get-Reason $_
        return
    }
    finally { if ($null -ne $key -and $At -match '\\') { $key.Close() } }
    $rest = @($Parts | Select-Object -Skip ($next + 1))
    $number = 0
    foreach ($name in $below) {
        $number++
        # The classes of a person stand beside the person, and nobody asks for them.
        if ($At -eq 'HKU' -and $name -like '*_Classes') { continue }
        $called = if ($Parts[$next] -eq '#') { "$number" } else { $name }
        Read-Root "$At\$name" "$Shown\$called" $rest $Depth $Wanted
    }
}

# Of Enum\*\*\* the keys of devices that are present.
function Read-Present([string] $Pattern, [int] $Depth, [string[]] $Wanted) {
    $begin, $tail = $Pattern -split '\\\*\\\*\\\*', 2
    foreach ($device in $devices) {
        $parts = @($device.instance -split '\\')
        if (-not $device.present -or $parts.Count -ne 3 -or $Enumerators -notcontains $parts[0]) { continue }
        $full = "$begin\" + $device.instance + $tail
        Read-Key $full $full $Depth $Wanted
    }
}

# ---- files -----------------------------------------------------------------------------------------------------------------

# Attributes of a file whose content lies elsewhere: offline, recall on open, recall on data access.
$elsewhere = 0x1000 -bor 0x40000 -bor 0x400000

function Get-Kind($Entry) {
    $attributes = [int] $Entry.Attributes
    if ($Entry -is [System.IO.DirectoryInfo]) {
        if ($attributes -band 0x400) { return 'link' }
        return 'folder'
    }
    if ($attributes -band $elsewhere) { return 'placeholder' }
    'file'
}

function Add-Met($Entry, [string] $Kind) {
    $bytes = 0
    if ($Entry -is [System.IO.FileInfo]) { $bytes = $Entry.Length }
    $files[$Entry.FullName] = [ordered] @{ path = $Entry.FullName; kind = $Kind; bytes = $bytes; modified = Get-Seconds $Entry.LastWriteTimeUtc }
}

# True for what is there and is reached on a fixed drive without a link; a link on the way, or another drive, is written as
# refused. What cannot be asked fails, so that it is no absence.
function Test-Reached([string] $Full) {
    $kind = "$((New-Object System.IO.DriveInfo ($Full.Substring(0, 1))).DriveType)"
    if ($kind -eq 'NoRootDirectory') { return $false }
    if ($kind -ne 'Fixed') {
        $refusedFiles[$Full] = if ($kind -eq 'Network') { 'remote-file-system' } else { 'forbidden' }
        return $false
    }
    $at = $Full.Substring(0, 2)
    foreach ($part in @($Full.Substring(3) -split '\\' | Where-Object { $_ -ne '' })) {
        $at += "\$part"
        try { $attributes = [int] [System.IO.File]::GetAttributes($at) }
        catch {
            if ((Get-Reason $_) -eq 'vanished') { return $false }
            throw
        }
        if ($attributes -band 0x400) {
            $refusedFiles[$Full] = 'not-a-regular-file'
            return $false
        }
    }
    $true
}

# A file with its text, as $Hide leaves it.
function Read-Text([string] $Full, [scriptblock] $Hide) {
    [void] $lookedFiles.Add($Full)
    try {
        if (-not (Test-Reached $Full)) { return }
        $entry = New-Object System.IO.FileInfo $Full
        Add-Met $entry (Get-Kind $entry)
        if ($files[$Full].kind -ne 'file') { return }
        if ($entry.Length -gt $FileBytesMax) { $refusedFiles[$Full] = 'too-large'; return }
        $text = [System.IO.File]::ReadAllText($Full)
        $files[$Full].text = [string] (& $Hide $text)
    }
    catch { $refusedFiles[$Full] = Get-Reason $_ }
}

# What a folder holds; each file goes to $Take. No link is followed.
function Read-Folder([string] $Full, [int] $Depth, [scriptblock] $Take) {
    try {
        if (-not (Test-Reached $Full)) { return }
        $entries = @((New-Object System.IO.DirectoryInfo $Full).GetFileSystemInfos())
    }
    catch {
        $refusedFiles[$Full] = Get-Reason $_
        return
    }
    foreach ($entry in $entries) {
        $kind = Get-Kind $entry
        Add-Met $entry $kind
        if ($kind -eq 'folder' -and $Depth -gt 0) { Read-Folder $entry.FullName ($Depth - 1) $Take }
        elseif ($kind -eq 'file') {
            # A link to a file, or one that Windows keeps in another way.
            if ([int] $entry.Attributes -band 0x400) { $refusedFiles[$entry.FullName] = 'not-a-regular-file' } else { & $Take $entry.FullName }
        }
    }
}

# Only lines that say where a tunnel leads.
$tunnelLines = {
    param($text)
    ($text -split "`n" | ForEach-Object {
        if ($_ -match '(?i)^\s*(\[.*\]|(Type|DEVICE|PhoneNumber|VpnStrategy)=.*|(client|remote|port|proto|dev)(\s.*)?)\s*$') { $_.TrimEnd("`r") } else { '' }
    }) -join "`n"
}
# Only settings that name servers and folders of mail; passwords stand in another file, which is not read.
$mailLines = {
    param($text)
    ($text -split "`n" | ForEach-Object {
        if ($_ -match '^\s*user_pref\("mail\.(server|smtpserver)\.') { Hide-Secret '' $_.TrimEnd("`r") } else { '' }
    }) -join "`n"
}
$taskText = { param($text) Hide-TaskSecret $text }
$policyText = { param($text) Hide-PolicySecret $text }
$settingText = { param($text) Hide-SettingSecret $text }
$applicationText = { param($text) Hide-ApplicationSecret $text }
$plainText = { param($text) $text }

# A value of the registry as it was taken.
function Get-Taken([string] $Key, [string] $Name) {
    if (-not $keys.ContainsKey($Key)) { return $null }
    $value = $keys[$Key]['values'][$Name]
    if ($null -eq $value) { return $null }
    if ($value.ContainsKey('sz')) { return $value.sz }
    $value.expand
}

function Expand-Text([string] $Text) { [System.Environment]::ExpandEnvironmentVariables($Text).Trim().Trim('"') }

function Test-Local([string] $Full) { $Full -match '^[A-Za-z]:\\' }

# Folders of profiles, web applications and databases, as registry and settings name them.
function Get-Folders([string] $Variable) {
    $found = @()
    $version = 'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    switch ($Variable) {
        '%SystemRoot%' { $found = @($env:SystemRoot) }
        '%ProgramData%' { $found = @($env:ProgramData) }
        '%ProgramFiles%' { $found = @($env:ProgramFiles) }
        '%DataBasePath%' {
            $written = Get-Taken 'HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters' 'DataBasePath'
            if (-not $written) { $written = '%SystemRoot%\System32\drivers\etc' }
            $found = @(Expand-Text $written)
        }
        '%Profile%' {
            $found = @($keys.Keys | Where-Object { $_ -like "$version\ProfileList\S-1-*" } | ForEach-Object { Get-Taken $_ 'ProfileImagePath' } | Where-Object { $_ } | ForEach-Object { Expand-Text $_ })
        }
        '%Application%' {
            $settings = "$env:SystemRoot\System32\inetsrv\config\applicationHost.config"
            if ($files.ContainsKey($settings) -and $files[$settings]['text']) {
                $found = @([regex]::Matches($files[$settings]['text'], 'physicalPath="([^"]+)"') | ForEach-Object { Expand-Text $_.Groups[1].Value })
            }
        }
        '%Data%' {
            foreach ($key in @($keys.Keys)) {
                if ($key -notmatch '(?i)\\(Microsoft SQL Server|PostgreSQL\\Installations|MySQL AB)\\') { continue }
                foreach ($name in 'DefaultData', 'DefaultLog', 'Data Directory') { $found += Get-Taken $key $name }
                $folder = Get-Taken $key 'SQLDataRoot'
                if ($folder) { $found += "$folder\DATA" }
                $folder = Get-Taken $key 'DataLocation'
                if ($folder) { $found += $folder.TrimEnd('\', '/') + '\Data' }
                foreach ($name in @($keys[$key]['values'].GetEnumerator() | ForEach-Object { $_.Key } | Where-Object { $_ -like 'SQLArg*' })) {
                    $argument = Get-Taken $key $name
                    if ($argument -match '^-[dl](.+)\\[^\\]+$') { $found += $Matches[1] }
                }
            }
        }
    }
    $found | Where-Object { $_ } | ForEach-Object { $_.Trim('"').Replace('/', '\').TrimEnd('\') } | Where-Object { Test-Local $_ } | Sort-Object -Unique
}

function Read-Files([string] $Line) {
    $pattern, $what = $Line -split '\|'
    $parts = [regex]::Match($pattern, '^(%[^%]+%)(.*)$').Groups
    $variable = $parts[1].Value
    $tail = $parts[2].Value
    if ($what -eq 'mail') {
        if (-not $NoMail) { Read-Drives }
        return
    }
    foreach ($folder in @(Get-Folders $variable)) {
        $full = $folder + $tail
        switch ($what) {
            'text' { Read-Text $full $plainText }
            'settings' { Read-Text $full $(if ($full -like '*\web.config') { $applicationText } else { $settingText }) }
            'tunnels' {
                if ($full -like '*.pbk') { Read-Text $full $tunnelLines; continue }
                [void] $lookedFolders.Add($full)
                Read-Folder $full 1 { param($file) if ($file -like '*.ovpn') { Read-Text $file $tunnelLines } }
            }
            'tasks' {
                [void] $lookedFolders.Add($full)
                Read-Folder $full 16 { param($file) Read-Text $file $taskText }
            }
            'preferences' {
                [void] $lookedFolders.Add($full)
                Read-Folder $full 4 { param($file) if ($file -match '\\Preferences\\(\w+)\\\1\.xml$') { Read-Text $file $policyText } }
            }
            'certificates' {
                [void] $lookedFolders.Add($full)
                Read-Folder $full 0 {
                    param($file)
                    try {
                        if ($files[$file].bytes -le 1048576) { $files[$file].hex = [System.BitConverter]::ToString([System.IO.File]::ReadAllBytes($file)).Replace('-', '') }
                    }
                    catch { $refusedFiles[$file] = Get-Reason $_ }
                }
            }
            'thunderbird' {
                [void] $lookedFolders.Add($full)
                Read-Folder $full 1 { param($file) if ($file -like '*\prefs.js') { Read-Text $file $mailLines } }
            }
            'names' {
                [void] $lookedFolders.Add($full)
                Read-Folder $full 1 { param($file) }
            }
        }
    }
}

# ---- mail archives -----------------------------------------------------------------------------------------------------------

# The first bytes of a file. Whoever has it open goes on undisturbed.
function Read-Head([string] $Full, [int] $Bytes) {
    $stream = New-Object System.IO.FileStream $Full, 'Open', 'Read', 'ReadWrite, Delete'
    try {
        $head = New-Object byte[] $Bytes
        $many = $stream.Read($head, 0, $Bytes)
        [System.BitConverter]::ToString($head, 0, $many).Replace('-', '')
    }
    finally { $stream.Dispose() }
}

function Add-Archive($Entry) {
    $kind = Get-Kind $Entry
    Add-Met $Entry $kind
    $ending = $Entry.Extension.ToLowerInvariant()
    if ($kind -ne 'file') { return }
    try {
        # Of Outlook the header, which holds no mail; of others as much as says what it is. Mailboxes of text begin with a
        # sender, so nothing of them is read.
        if ('.pst', '.ost', '.nst' -contains $ending) { $files[$Entry.FullName].head = Read-Head $Entry.FullName 564 }
        elseif ('.nsf', '.olm', '.dbx' -contains $ending) { $files[$Entry.FullName].head = Read-Head $Entry.FullName 16 }
    }
    catch { $refusedFiles[$Entry.FullName] = Get-Reason $_ }
    try { $files[$Entry.FullName].owner = (Get-Acl -LiteralPath $Entry.FullName).GetOwner([System.Security.Principal.SecurityIdentifier]).Value }
    catch { $files[$Entry.FullName].owner = $null }
}

function Test-MailFolder([string] $Full) {
    $parts = @($Full.ToLowerInvariant() -split '\\' | Select-Object -Last 4)
    foreach ($part in $parts) { if ($MailFolders -contains $part -or $part -like '*.sbd') { return $true } }
    $false
}

function Read-Drives {
    $until = [datetime]::UtcNow.AddMinutes($Minutes)
    $left = $EntriesMax
    foreach ($volume in @($volumes | Where-Object { $_.kind -eq 'fixed' })) {
        $drive = $volume.mount_point
        if (-not (Test-Local $drive)) { continue }
        [void] $lookedDrives.Add($drive)
        $open = New-Object System.Collections.Stack
        $open.Push($drive)
        while ($open.Count -gt 0) {
            $at = $open.Pop()
            if ([datetime]::UtcNow -gt $until -or $left -le 0) {
                [void] $passed.Add("$drive from $at on (the time was up)")
                break
            }
            try { $entries = (New-Object System.IO.DirectoryInfo $at).GetFileSystemInfos() }
            catch {
                $refusedFiles[$at.TrimEnd('\')] = Get-Reason $_
                continue
            }
            $left -= $entries.Length
            $letters = New-Object System.Collections.ArrayList
            foreach ($entry in $entries) {
                $attributes = [int] $entry.Attributes
                if ($attributes -band 0x10) {
                    if ($FoldersPassed -contains $entry.Name.ToLowerInvariant() -or $entry.FullName -eq $env:SystemRoot) { continue }
                    if (-not ($attributes -band 0x400)) { $open.Push($entry.FullName); continue }
                    # Junctions that Windows makes for old programs are hidden ones of the system, and lead to what is walked.
                    if (($attributes -band 6) -ne 6) { [void] $passed.Add($entry.FullName) }
                    continue
                }
                # A link to a file has no bytes of its own; a file that Windows keeps without its doubles has.
                if (($attributes -band 0x400) -and $entry.Length -eq 0) {
                    if ($MailEndings -contains $entry.Extension.ToLowerInvariant()) { [void] $passed.Add($entry.FullName) }
                    continue
                }
                $ending = $entry.Extension.ToLowerInvariant()
                if ($MailEndings -contains $ending) { Add-Archive $entry }
                elseif ($ending -eq '.eml' -or $ending -eq '.emlx') { [void] $letters.Add($entry) }
                elseif ($ending -eq '' -and $entry.Length -gt 0 -and (Test-MailFolder $at)) {
                    try { if ((Read-Head $entry.FullName 5) -eq '46726F6D20') { [void] $passed.Add("$($entry.FullName) (a mailbox of text)") } }
                    catch { [void] $passed.Add("$($entry.FullName) (perhaps a mailbox)") }
                }
            }
            if ($letters.Count -ge 3) { foreach ($entry in $letters) { Add-Met $entry (Get-Kind $entry) } }
        }
    }
}

# ---- tables ----------------------------------------------------------------------------------------------------------------

function Get-Address([string] $Text) { $Text -replace '%.*$', '' }

function Test-Cmdlet([string] $Name) { $null -ne (Get-Command -Name $Name -ErrorAction SilentlyContinue) }

function Get-System {
    $architectures = @{ AMD64 = 'x86_64'; ARM64 = 'aarch64'; x86 = 'x86' }
    $system = [ordered] @{
        host_name        = $env:COMPUTERNAME
        architecture     = [string] $architectures[$env:PROCESSOR_ARCHITECTURE]
        is_administrator = (New-Object System.Security.Principal.WindowsPrincipal ([System.Security.Principal.WindowsIdentity]::GetCurrent())).IsInRole([System.Security.Principal.WindowsBuiltInRole]::Administrator)
    }
    try {
        $computer = Get-CimInstance -ClassName Win32_ComputerSystem
        if ($computer.DNSHostName) { $system.host_name = $computer.DNSHostName }
        $system.processors = [uint32] $computer.NumberOfLogicalProcessors
        $system.memory_bytes = [uint64] $computer.TotalPhysicalMemory
        $running = Get-CimInstance -ClassName Win32_OperatingSystem
        $system.memory_available_bytes = [uint64] $running.FreePhysicalMemory * 1024
        $system.booted = Get-Seconds $running.LastBootUpTime
        $system.disks = @(Get-CimInstance -ClassName Win32_DiskDrive | ForEach-Object {
            [ordered] @{ name = "PhysicalDrive$($_.Index)"; model = $_.Model; bytes = [uint64] $_.Size }
        })
        $firmware = Get-CimInstance -Namespace root\wmi -ClassName MSSMBios_RawSMBiosTables
        $system.smbios = [System.BitConverter]::ToString([byte[]] $firmware.SMBiosData).Replace('-', '')
    }
    catch { Add-Missing 'system' (Get-Reason $_) }
    $system
}

function Get-Processes {
    $hosted = @{}
    try {
        foreach ($service in Get-CimInstance -ClassName Win32_Service) {
            if ($service.ProcessId -gt 0) { $hosted["$($service.ProcessId)"] = @($hosted["$($service.ProcessId)"]) + $service.Name }
        }
    }
    catch { Add-Missing 'services' (Get-Reason $_) }
    foreach ($process in Get-CimInstance -ClassName Win32_Process) {
        $owner = $null
        try { $owner = (Invoke-CimMethod -InputObject $process -MethodName GetOwnerSid).Sid } catch { $owner = $null }
        $began = $null
        if ($process.CreationDate) { $began = Get-Seconds $process.CreationDate }
        [ordered] @{
            id         = [uint32] $process.ProcessId
            name       = [string] $process.Name
            executable = $process.ExecutablePath
            user       = $owner
            command    = Select-Word ([string] $process.Name) ([string] $process.CommandLine)
            services   = @($hosted["$($process.ProcessId)"] | Where-Object { $_ })
            began      = $began
        }
    }
}

function Get-Sockets {
    $states = @{ 1 = 'closed'; 2 = 'listen'; 3 = 'syn-sent'; 4 = 'syn-received'; 5 = 'established'; 6 = 'fin-wait-1'; 7 = 'fin-wait-2'; 8 = 'close-wait'; 9 = 'closing'; 10 = 'last-ack'; 11 = 'time-wait'; 12 = 'delete-tcb' }
    if (Test-Cmdlet 'Get-NetTCPConnection') {
        foreach ($socket in Get-NetTCPConnection) {
            $state = $states[[int] $socket.State]
            if (-not $state) { continue }
            $row = [ordered] @{ transport = 'tcp'; state = $state; local = Get-Address $socket.LocalAddress; local_port = [uint16] $socket.LocalPort; process = [uint32] $socket.OwningProcess }
            if ($socket.RemotePort -gt 0) { $row.remote = Get-Address $socket.RemoteAddress; $row.remote_port = [uint16] $socket.RemotePort }
            $row
        }
        foreach ($socket in Get-NetUDPEndpoint) {
            [ordered] @{ transport = 'udp'; state = ''; local = Get-Address $socket.LocalAddress; local_port = [uint16] $socket.LocalPort; process = [uint32] $socket.OwningProcess }
        }
        return
    }
    # Its words for states are those of the language of Windows, so they are not read.
    foreach ($line in & "$env:SystemRoot\System32\netstat.exe" -ano) {
        $found = [regex]::Match($line, '^\s*(TCP|UDP)\s+\[?([^\s\]]+?)\]?:(\d+)\s+\[?([^\s\]]+?)\]?:(\d+|\*)\s+(?:\S.*\s)?(\d+)\s*$')
        if (-not $found.Success) { continue }
        $part = $found.Groups
        $row = [ordered] @{ transport = $part[1].Value.ToLowerInvariant(); state = ''; local = Get-Address $part[2].Value; local_port = [uint16] $part[3].Value; process = [uint32] $part[6].Value }
        if ($row.transport -eq 'tcp') {
            if ($part[5].Value -eq '0') { $row.state = 'listen' }
            else {
                $row.state = if ($row.process -eq 0) { 'time-wait' } else { 'established' }
                $row.remote = Get-Address $part[4].Value
                $row.remote_port = [uint16] $part[5].Value
            }
        }
        $row
    }
}

# 24 for 255.255.255.0; of IPv6 the length stands there itself.
function Get-PrefixLength([string] $Mask) {
    if ($Mask -notmatch '\.') { return [int] $Mask }
    $bits = 0
    foreach ($octet in $Mask -split '\.') { $bits += ([System.Convert]::ToString([int] $octet, 2) -replace '0', '').Length }
    $bits
}

function Get-Adapters {
    $settings = @{}
    foreach ($one in Get-CimInstance -ClassName Win32_NetworkAdapterConfiguration) { $settings["$($one.Index)"] = $one }
    $lasting = $null
    if (Test-Cmdlet 'Get-NetIPAddress') {
        # Temporary addresses of IPv6 end at random (5) and are none of the link; 3 and 4 are in use.
        $lasting = @(Get-NetIPAddress | Where-Object { 3, 4 -contains [int] $_.AddressState -and ([int] $_.SuffixOrigin -ne 5 -or $_.IPAddress -notmatch ':' -or $_.IPAddress -like 'fe80:*') })
    }
    foreach ($adapter in Get-CimInstance -ClassName Win32_NetworkAdapter) {
        $one = $settings["$($adapter.Index)"]
        if (-not $adapter.NetConnectionID -and -not ($one -and $one.IPEnabled)) { continue }
        $kind = 'physical'
        if ("$($adapter.Name) $($adapter.ServiceName)" -match '(?i)tap-| tap |wintun|wireguard|vpn|anyconnect|pangp|zerotier|tailscale|teredo|isatap|6to4|tunnel|wan miniport') { $kind = 'tunnel' }
        elseif (-not $adapter.PhysicalAdapter -or $adapter.PNPDeviceID -like 'ROOT\*') { $kind = 'virtual' }
        $addresses = @()
        if ($null -ne $lasting) {
            $addresses = @($lasting | Where-Object { $_.InterfaceIndex -eq $adapter.InterfaceIndex } | ForEach-Object { "$(Get-Address $_.IPAddress)/$($_.PrefixLength)" })
        }
        elseif ($one -and $one.IPAddress) {
            for ($at = 0; $at -lt $one.IPAddress.Count; $at++) { $addresses += "$(Get-Address $one.IPAddress[$at])/$(Get-PrefixLength $one.IPSubnet[$at])" }
        }
        $mac = $null
        if ($adapter.MACAddress) { $mac = $adapter.MACAddress.ToLowerInvariant() }
        $called = $adapter.NetConnectionID
        if (-not $called) { $called = $adapter.Name }
        [ordered] @{
            name         = [string] $called
            index        = [uint32] $adapter.InterfaceIndex
            mac          = $mac
            kind         = $kind
            up           = $adapter.NetConnectionStatus -eq 2
            addresses    = @($addresses | Sort-Object -Unique)
            name_servers = @($one.DNSServerSearchOrder | Where-Object { $_ } | ForEach-Object { Get-Address $_ } | Where-Object { $_ -notlike 'fec0:0:0:ffff:*' })
            suffix       = $one.DNSDomain
            guid         = $adapter.GUID
        }
    }
}

function Get-Routes {
    if (Test-Cmdlet 'Get-NetRoute') {
        foreach ($route in Get-NetRoute -PolicyStore ActiveStore) {
            $row = [ordered] @{ destination = $route.DestinationPrefix; adapter = [uint32] $route.InterfaceIndex }
            if ($route.NextHop -and '0.0.0.0', '::' -notcontains $route.NextHop) { $row.gateway = Get-Address $route.NextHop }
            $row
        }
        return
    }
    foreach ($route in Get-CimInstance -ClassName Win32_IP4RouteTable) {
        $row = [ordered] @{ destination = "$($route.Destination)/$(Get-PrefixLength $route.Mask)"; adapter = [uint32] $route.InterfaceIndex }
        # 4: behind a gateway; 3: on the link.
        if ($route.Type -eq 4) { $row.gateway = $route.NextHop }
        $row
    }
}

function Get-Neighbours {
    if (-not (Test-Cmdlet 'Get-NetNeighbor')) { throw 'no table' }
    foreach ($one in Get-NetNeighbor) {
        # 0 and 1 did not answer.
        if (-not $one.LinkLayerAddress -or 0, 1 -contains [int] $one.State) { continue }
        [ordered] @{ address = Get-Address $one.IPAddress; mac = $one.LinkLayerAddress.Replace('-', ':').ToLowerInvariant(); adapter = [uint32] $one.InterfaceIndex }
    }
}

function Get-Volumes {
    $kinds = @{ 2 = 'removable'; 3 = 'fixed'; 4 = 'remote'; 5 = 'optical'; 6 = 'memory' }
    # Never of another machine: such a drive is not asked, it may hang.
    foreach ($one in Get-CimInstance -ClassName Win32_Volume -Filter 'DriveType <> 4') {
        if (-not $one.Name -or $one.Name -like '\\?\*') { continue }
        $kind = $kinds[[int] $one.DriveType]
        if (-not $kind) { $kind = 'other' }
        [ordered] @{ mount_point = $one.Name; device = [string] $one.DeviceID; kind = $kind; file_system = [string] $one.FileSystem; bytes = $one.Capacity; free_bytes = $one.FreeSpace }
    }
}

function Get-Shares {
    # Where there is no such cmdlet, or no right to it, the registry says the same.
    if (-not (Test-Cmdlet 'Get-SmbShare')) { throw 'no table' }
    $kinds = @{ 0 = 'disk'; 1 = 'printer'; 2 = 'device'; 3 = 'ipc' }
    foreach ($share in Get-SmbShare) {
        $folder = $null
        if (Test-Local $share.Path) {
            try { $folder = (Get-Acl -LiteralPath $share.Path).Sddl } catch { $folder = $null }
        }
        [ordered] @{ name = $share.Name; path = [string] $share.Path; kind = [string] $kinds[[int] $share.ShareType]; administrative = [bool] $share.Special; remark = $share.Description; rights = $share.SecurityDescriptor; folder_rights = $folder }
    }
}

# How many machines have a session, and not which.
function Get-Sessions {
    if (-not (Test-Cmdlet 'Get-SmbSession')) { throw 'no table' }
    $machines = @(Get-SmbSession | ForEach-Object { $_.ClientComputerName } | Sort-Object -Unique)
    for ($at = 1; $at -le $machines.Count; $at++) { [ordered] @{ from = "machine-$at"; user = ''; open_files = 0 } }
}

function Get-Users {
    # On a domain controller this would be the whole domain.
    if ((Get-CimInstance -ClassName Win32_OperatingSystem).ProductType -eq 2) { throw 'no table' }
    foreach ($user in Get-CimInstance -ClassName Win32_UserAccount -Filter 'LocalAccount=True') {
        $knownNames[$user.SID] = "$env:COMPUTERNAME\$($user.Name)"
        [ordered] @{ name = $user.Name; sid = $user.SID; disabled = [bool] $user.Disabled }
    }
}

function Get-Devices {
    foreach ($device in Get-CimInstance -ClassName Win32_PnPEntity) {
        [ordered] @{ instance = [string] $device.DeviceID; present = ($null -eq $device.Present -or [bool] $device.Present); class = $device.PNPClass; friendly_name = $device.Name; service = $device.Service; manufacturer = $device.Manufacturer }
    }
}

# What accounts of a domain are called: Windows may ask a domain controller.
function Add-Names {
    $met = @($keys.Keys | Where-Object { $_ -match '\\ProfileList\\S-1-' } | ForEach-Object { ($_ -split '\\')[-1] }) + @($processes | ForEach-Object { $_.user })
    foreach ($sid in @($met | Where-Object { $_ -match '^S-1-(5-21|12-1)-[\d-]+$' } | Sort-Object -Unique | Select-Object -First 1024)) {
        if ($knownNames.ContainsKey($sid)) { continue }
        try { $knownNames[$sid] = (New-Object System.Security.Principal.SecurityIdentifier $sid).Translate([System.Security.Principal.NTAccount]).Value }
        catch { continue }
    }
}

# ---- writing ---------------------------------------------------------------------------------------------------------------

# By hand: ConvertTo-Json cuts what is deep, makes a list of one no list, and writes moments in a way of its own.
$control = New-Object System.Text.RegularExpressions.Regex '[\x00-\x1f\u2028\u2029]'
$escape = [System.Text.RegularExpressions.MatchEvaluator] { param($found) '\u{0:x4}' -f [int] [char] $found.Value }

function Write-Text([string] $Text) {
    $writer.Write('"')
    $writer.Write($control.Replace($Text.Replace('\', '\\').Replace('"', '\"'), $escape))
    $writer.Write('"')
}

function Write-Value($Value) {
    if ($null -eq $Value) { $writer.Write('null') }
    elseif ($Value -is [string]) { Write-Text $Value }
    elseif ($Value -is [bool]) { if ($Value) { $writer.Write('true') } else { $writer.Write('false') } }
    elseif ($Value -is [System.Collections.IDictionary]) {
        $writer.Write('{')
        $isFirst = $true
        # A key of the registry has fields named keys and values, which a dictionary has, too: so by its pairs.
        foreach ($pair in $Value.GetEnumerator()) {
            if (-not $isFirst) { $writer.Write(',') }
            $isFirst = $false
            Write-Text "$($pair.Key)"
            $writer.Write(':')
            Write-Value $pair.Value
        }
        $writer.Write("}`n")
    }
    elseif ($Value -is [System.Collections.IEnumerable]) {
        $writer.Write('[')
        $isFirst = $true
        foreach ($one in $Value) {
            if (-not $isFirst) { $writer.Write(',') }
            $isFirst = $false
            Write-Value $one
        }
        $writer.Write(']')
    }
    elseif ($Value -is [System.ValueType] -and $Value -isnot [System.Enum] -and $Value -isnot [char]) { $writer.Write($Value.ToString([System.Globalization.CultureInfo]::InvariantCulture)) }
    else { Write-Text "$Value" }
}

# ---- all of it -------------------------------------------------------------------------------------------------------------

if ([System.Environment]::Is64BitOperatingSystem -and -not [System.Environment]::Is64BitProcess) {
    throw 'This is the 32-bit PowerShell of a 64-bit Windows, which is shown other folders: start the 64-bit one.'
}
$started = Get-Seconds ([datetime]::UtcNow)

$devices = Read-Table 'devices' { Get-Devices }
foreach ($line in $roots) {
    $pattern, $depth, $values = $line -split '\|', 3
    if ($pattern -like '*\Enum\[*]\[*]\[*]*') {
        Read-Present $pattern ([int] $depth) ($values -split ',')
        continue
    }
    Read-Root '' '' ($pattern -split '\\') ([int] $depth) ($values -split ',')
}

$system = Get-System
$processes = Read-Table 'processes' { Get-Processes }
$volumes = Read-Table 'volumes' { Get-Volumes }
$rows = [ordered] @{
    system     = $system
    processes  = $processes
    sockets    = Read-Table 'sockets' { Get-Sockets }
    adapters   = Read-Table 'adapters' { Get-Adapters }
    routes     = Read-Table 'routes' { Get-Routes }
    neighbours = Read-Table 'neighbours' { Get-Neighbours }
    volumes    = $volumes
    shares     = Read-Table 'shares' { Get-Shares }
    sessions   = Read-Table 'sessions' { Get-Sessions }
    users      = Read-Table 'users' { Get-Users }
    devices    = $devices
}
if ($Names) { Add-Names } else { Add-Missing 'names' 'forbidden' }
$rows.names = $knownNames
$rows.missing = $missing

foreach ($line in $FileLines -split "`r?`n" | Where-Object { $_ -ne '' }) { Read-Files $line }
if ($NoMail) { [void] $passed.Add('all drives (-NoMail)') }

$target = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
$writer = New-Object System.IO.StreamWriter $target, $false, (New-Object System.Text.UTF8Encoding $false)
try {
    Write-Value ([ordered] @{
        schema    = 'groma.windows/1'
        version   = '1'
        host      = $system.host_name
        collected = [ordered] @{ started = $started; ended = Get-Seconds ([datetime]::UtcNow) }
        roots     = @($roots | ForEach-Object { ($_ -split '\|')[0, 1] -join '|' })
        looked    = [ordered] @{ files = $lookedFiles; folders = $lookedFolders; drives = $lookedDrives; passed = $passed }
        rows      = $rows
        registry  = $keys
        refused   = [ordered] @{ keys = $refusedKeys; files = $refusedFiles }
        files     = @($files.Values)
    })
}
finally { $writer.Dispose() }
Write-Output "Written: $target ($($keys.Count) keys, $($files.Count) files; refused: $($refusedKeys.Count) keys, $($refusedFiles.Count) files)"
Write-Output "On the machine with groma: groma import $([System.IO.Path]::GetFileName($target))"
