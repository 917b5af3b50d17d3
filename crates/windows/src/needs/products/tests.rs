use crate::needs::testing::{said, shown};

#[test]
fn agents_and_servers_say_whom_they_speak_to() {
    let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\GLPI-Agent]
"server"="https://glpi.corp.example/front/inventory.php"
"password"="canary"
[HKEY_LOCAL_MACHINE\SOFTWARE\Citrix\VirtualDesktopAgent]
"ListOfDDCs"="ddc1.corp.example ddc2.corp.example"
[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Network Associates\ePolicy Orchestrator\Agent]
"ePOServerList"="epo1|192.0.2.50|8443;"
[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\TrendMicro\PC-cillinNTCorp\CurrentVersion]
"Server"="av1.corp.example"
"ServerPort"=dword:00001f90
[HKEY_LOCAL_MACHINE\SOFTWARE\Classes\AppID\{0b9d6e3c-1111-2222-3333-444455556666}]
@="Order Engine"
"RemoteServerName"="app7.corp.example"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\erp.exe]
@="\\\\files1.corp.example\\erp\\erp.exe"
[HKEY_LOCAL_MACHINE\SOFTWARE\Veeam\Veeam Backup and Replication]
"SqlServerName"="sql1.corp.example"
"SqlInstanceName"="VEEAM"
"SqlDatabaseName"="VeeamBackup"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Shared Tools\Web Server Extensions\16.0\Secure\ConfigDB]
"dsn"="Data Source=sql2;Initial Catalog=SharePoint_Config;Integrated Security=True;Password=canary"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups\MG1\Parent Health Services\0]
"NetworkName"="scom1.corp.example"
"Port"=dword:0000165b
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Office\16.0\Common\General]
"SharedTemplates"="\\\\files1.corp.example\\templates"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Office\16.0\Excel\Options]
"OPEN"="/R \"\\\\files1.corp.example\\addins\\prices.xlam\""
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Workspaces\Feeds\{1}]
"URL"="https://rds1.corp.example/RDWeb/Feed/webfeed.aspx"
"#;
    let found = said(export);
    assert_eq!(
        shown(&found),
        [
            "windows-glpi-agent server -> http glpi.corp.example 443/tcp, Tls",
            "windows-citrix-vda ListOfDDCs -> http ddc1.corp.example 80/tcp",
            "windows-citrix-vda ListOfDDCs -> http ddc2.corp.example 80/tcp",
            "windows-dcom-server RemoteServerName -> other app7.corp.example 135/tcp",
            "windows-program-folder  -> smb files1.corp.example 445/tcp, resource erp/erp.exe",
            "windows-epo-agent ePOServerList -> http epo1 8443/tcp",
            "windows-officescan Server -> http av1.corp.example 8080/tcp",
            "windows-veeam-database SqlServerName -> sql sql1.corp.example, resource VeeamBackup",
            "windows-sharepoint-database dsn -> sql sql2 1433/tcp, resource SharePoint_Config, secret",
            "windows-operations-manager NetworkName -> monitoring scom1.corp.example 5723/tcp",
            "windows-remote-apps URL -> http rds1.corp.example 443/tcp, Tls",
            "windows-office-folder SharedTemplates -> smb files1.corp.example 445/tcp, resource templates",
            "windows-office-folder OPEN -> smb files1.corp.example 445/tcp, resource addins/prices.xlam",
        ]
    );
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn products_that_keep_to_this_machine_are_silent() {
    let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\GLPI-Agent]
"server"=""
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Update Services\Server\Setup]
"SqlServerName"="APP1\\MICROSOFT##WID"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\ADSync\Parameters]
"Server"="(localdb)"
"SQLInstance"=".\\ADSync"
"DBName"="ADSync"
[HKEY_LOCAL_MACHINE\SOFTWARE\Classes\AppID\{0b9d6e3c-1111-2222-3333-444455556666}]
@="Order Engine"
"RunAs"="Interactive User"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\erp.exe]
@="C:\\Program Files\\erp\\erp.exe"
[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Office\16.0\Excel\Options]
"OPEN"="/R \"C:\\addins\\prices.xlam\""
"DefaultPath"="C:\\Users\\leo\\Documents"
"#;
    assert_eq!(shown(&said(export)), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in ".{0,200}") {
        let _ = super::named(&text, "http");
        let _ = super::named(&text, "smb");
        let _ = super::named(&format!(r"\\{text}|{text}|{text}"), "http");
    }
}
