//! Places in the registry where products keep whom they speak to; names of keys and values as their makers document them.

/// Where a program says whom it speaks to.
pub(super) struct Place {
    /// Rule.
    pub(super) rule: &'static str,
    /// The key; a final `\*` stands for every key below.
    pub(super) key: &'static str,
    /// Values that name machines: URLs, hosts, paths, lists of these.
    pub(super) values: &'static [&'static str],
    /// Dependency kind.
    pub(super) kind: &'static str,
    /// Where it listens by habit.
    pub(super) port: Option<u16>,
    /// The value with the port, where there is one.
    pub(super) port_value: &'static str,
    /// The service that reads it; empty where that is not known.
    pub(super) service: &'static str,
}

const fn place(
    rule: &'static str,
    key: &'static str,
    values: &'static [&'static str],
    (kind, port): (&'static str, Option<u16>),
    service: &'static str,
) -> Place {
    Place {
        rule,
        key,
        values,
        kind,
        port,
        port_value: "",
        service,
    }
}

const WEB: (&str, Option<u16>) = ("http", Some(80));

/// Places below `HKLM\SOFTWARE` and its 32-bit half.
pub(super) const SOFTWARE: &[Place] = &[
    place(
        "windows-glpi-agent",
        "GLPI-Agent",
        &["server"],
        WEB,
        "GLPI-Agent",
    ),
    place(
        "windows-fusioninventory-agent",
        "FusionInventory-Agent",
        &["server"],
        WEB,
        "FusionInventory-Agent",
    ),
    place(
        "windows-citrix-vda",
        r"Citrix\VirtualDesktopAgent",
        &["ListOfDDCs"],
        WEB,
        "BrokerAgent",
    ),
    place(
        "windows-commvault",
        r"CommVault Systems\Galaxy\Instance001\CommServe",
        &["sCSHOSTNAME"],
        ("backup", Some(8400)),
        "GxCVD(Instance001)",
    ),
    place(
        "windows-epo-agent",
        r"Network Associates\ePolicy Orchestrator\Agent",
        &["ePOServerList"],
        WEB,
        "masvc",
    ),
    Place {
        port_value: "ServerPort",
        ..place(
            "windows-officescan",
            r"TrendMicro\PC-cillinNTCorp\CurrentVersion",
            &["Server"],
            WEB,
            "ntrtscan",
        )
    },
    place(
        "windows-landesk",
        r"Intel\LANDesk\LDWM",
        &["CoreServer"],
        WEB,
        "",
    ),
    place(
        "windows-appv",
        r"Microsoft\AppV\Client\Publishing\Servers\*",
        &["URL"],
        WEB,
        "AppVClient",
    ),
    place(
        "windows-bitlocker-management",
        r"Policies\Microsoft\FVE\MDOPBitLockerManagement",
        &[
            "KeyRecoveryServiceEndPoint",
            "StatusReportingServiceEndpoint",
        ],
        WEB,
        "MBAMAgent",
    ),
    place(
        "windows-message-queuing",
        r"Microsoft\MSMQ\Parameters",
        &["RemoteQMMachine"],
        ("message-queue", Some(1801)),
        "MSMQ",
    ),
    place(
        "windows-site-list",
        r"Policies\Microsoft\Internet Explorer\Main\EnterpriseMode",
        &["SiteList"],
        WEB,
        "",
    ),
    place(
        "windows-site-list",
        r"Policies\Microsoft\Edge",
        &["InternetExplorerIntegrationSiteList"],
        WEB,
        "",
    ),
    place(
        "windows-communicator",
        r"Policies\Microsoft\Communicator",
        &["ServerAddressInternal", "ServerAddressExternal"],
        ("other", Some(5061)),
        "",
    ),
    place(
        "windows-dcom-server",
        r"Classes\AppID\*",
        &["RemoteServerName"],
        ("other", Some(135)),
        "",
    ),
    place(
        "windows-program-folder",
        r"Microsoft\Windows\CurrentVersion\App Paths\*",
        &["", "Path"],
        ("smb", Some(445)),
        "",
    ),
    place(
        "windows-program-folder",
        r"Microsoft\Windows\CurrentVersion\Uninstall\*",
        &["InstallLocation"],
        ("smb", Some(445)),
        "",
    ),
];

/// Places of one account below `HKU\SID\Software`.
pub(super) const OF_ACCOUNT: &[Place] = &[
    place(
        "windows-site-list",
        r"Policies\Microsoft\Internet Explorer\Main\EnterpriseMode",
        &["SiteList"],
        WEB,
        "",
    ),
    place(
        "windows-work-folders",
        r"Policies\Microsoft\Windows\WorkFolders",
        &["SyncUrl"],
        WEB,
        "",
    ),
    place(
        "windows-remote-apps",
        r"Microsoft\Workspaces\Feeds\*",
        &["URL"],
        WEB,
        "",
    ),
    place(
        "windows-communicator",
        r"Policies\Microsoft\Communicator",
        &["ServerAddressInternal", "ServerAddressExternal"],
        ("other", Some(5061)),
        "",
    ),
    place(
        "windows-program-folder",
        r"Microsoft\Windows\CurrentVersion\Uninstall\*",
        &["InstallLocation"],
        ("smb", Some(445)),
        "",
    ),
];

/// The database of a product: rule, key below `HKLM`, values with server, instance and database, service.
pub(super) type Store = (&'static str, &'static str, [&'static str; 3], &'static str);

/// All of them.
pub(super) const STORES: &[Store] = &[
    (
        "windows-veeam-database",
        r"SOFTWARE\Veeam\Veeam Backup and Replication",
        ["SqlServerName", "SqlInstanceName", "SqlDatabaseName"],
        "VeeamBackupSvc",
    ),
    (
        "windows-adsync-database",
        r"SYSTEM\CurrentControlSet\Services\ADSync\Parameters",
        ["Server", "SQLInstance", "DBName"],
        "ADSync",
    ),
    (
        "windows-identity-manager-database",
        r"SYSTEM\CurrentControlSet\Services\FIMSynchronizationService\Parameters",
        ["Server", "SQLInstance", "DBName"],
        "FIMSynchronizationService",
    ),
    (
        "windows-biztalk-database",
        r"SOFTWARE\Microsoft\BizTalk Server\3.0\Administration",
        ["MgmtDBServer", "", "MgmtDBName"],
        "",
    ),
    (
        "windows-update-services-database",
        r"SOFTWARE\Microsoft\Update Services\Server\Setup",
        ["SqlServerName", "", "SqlDatabaseName"],
        "WsusService",
    ),
    (
        "windows-operations-manager-database",
        r"SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Setup",
        ["DatabaseServerName", "", "DatabaseName"],
        "OMSDK",
    ),
    (
        "windows-operations-manager-database",
        r"SOFTWARE\Microsoft\Microsoft Operations Manager\3.0\Setup",
        ["DataWarehouseDBServerName", "", "DataWarehouseDBName"],
        "OMSDK",
    ),
    (
        "windows-configuration-manager-database",
        r"SOFTWARE\Microsoft\SMS\SQL Server",
        ["Server", "", "Database Name"],
        "SMS_EXECUTIVE",
    ),
];
