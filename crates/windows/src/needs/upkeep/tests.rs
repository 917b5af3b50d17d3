use crate::needs::testing::{missed, of, said, shown};
use crate::{WrittenFiles, WrittenRegistry};
use groma_model::Reason;

#[test]
fn servers_that_keep_the_machine_in_order_are_needs() {
    let export = r#"Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\Machine\Scripts\Startup\0]
"FileSysPath"="\\\\corp.example\\SysVol\\corp.example\\Policies\\{1}\\Machine"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\Machine\Scripts\Startup\0\0]
"Script"="\\\\files1.corp.example\\install\\setup.cmd"
"Parameters"="/password canary"

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\Lsa\Kerberos\Domains\UNIX.EXAMPLE]
"KdcNames"=hex(7):6b,00,64,00,63,00,31,00,2e,00,75,00,6e,00,69,00,78,00,2e,00,65,00,78,00,61,00,6d,00,70,00,6c,00,65,00,00,00,00,00
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\EventLog\EventForwarding\SubscriptionManager]
"1"="Server=http://wec1.corp.example:5985/wsman/SubscriptionManager/WEC,Refresh=60"
"2"="Server=https://wec2.corp.example/wsman/SubscriptionManager/WEC,Refresh=60,IssuerCA=0123"

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\PermittedManagers]
"1"="localhost"
"2"="nms1.corp.example"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\ValidCommunities]
"canary"=dword:00000004
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\TrapConfiguration\canary]
"1"="192.0.2.60"

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\TermService\Parameters\LicenseServers]
"SpecifiedLicenseServers"=hex(7):6c,00,69,00,63,00,31,00,00,00,6c,00,69,00,63,00,32,00,00,00,00,00

[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\PolicyServers\37c9dc30f207f27f61a2f7c3aed598a6e2920b54]
"URL"="ldap:"
[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Cryptography\PolicyServers\0123]
"URL"="https://ca1.corp.example/ADPolicyProvider_CEP_Kerberos/service.svc/CEP"
"#;
    let found = said(export);
    assert_eq!(
        shown(&found),
        [
            "windows-policy-script FileSysPath -> smb corp.example 445/tcp, resource SysVol/corp.example/Policies/{1}/Machine",
            "windows-policy-script Script -> smb files1.corp.example 445/tcp, resource install/setup.cmd",
            "windows-event-collector 1 -> syslog wec1.corp.example 5985/tcp, None",
            "windows-event-collector 2 -> syslog wec2.corp.example 5986/tcp, Tls",
            r"nms1.corp.example may ask SNMP agent at 161/udp (HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\PermittedManagers:1)",
            "windows-snmp-traps 1 -> snmp 192.0.2.60 162/udp, secret",
            "windows-licence-server SpecifiedLicenseServers -> other lic1 135/tcp, resource licences",
            "windows-licence-server SpecifiedLicenseServers -> other lic2 135/tcp, resource licences",
            "windows-kerberos-realm KdcNames -> kerberos kdc1.unix.example 88/tcp, resource UNIX.EXAMPLE",
            "windows-certificate-enrolment URL -> http ca1.corp.example 443/tcp, Tls",
        ]
    );
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn the_controller_that_answered_last_is_no_need() {
    let of = |controller: &str| {
        let path = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\History";
        let registry = WrittenRegistry::default().with_text(path, "DCName", controller);
        shown(&of(&registry, &WrittenFiles::default()))
    };
    assert_eq!(of(r"\\DC1.corp.example"), of(r"\\DC2.corp.example"));
    assert_eq!(of(r"\\DC1.corp.example"), Vec::<String>::new());
}

#[test]
fn what_is_not_in_force_is_silent() {
    let export = r#"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Group Policy\State\Machine\Scripts\Startup\0]
"FileSysPath"="C:\\Windows\\System32\\GroupPolicy\\Machine"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\PermittedManagers]
"1"="localhost"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\TermService\Parameters\LicenseServers]
"SpecifiedLicenseServers"="APP1"
"#;
    assert_eq!(shown(&said(export)), Vec::<String>::new());
}

#[test]
fn a_community_that_cannot_be_read_is_not_named() {
    let path = r"HKLM\SYSTEM\CurrentControlSet\Services\SNMP\Parameters\TrapConfiguration\canary";
    let registry = WrittenRegistry::default().refused(path, Reason::PermissionDenied);
    let found = of(&registry, &WrittenFiles::default());
    assert_eq!(missed(&found).len(), 1);
    assert!(!format!("{found:?}").contains("canary"));
}
