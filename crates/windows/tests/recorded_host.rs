//! What the readers of the host say of a registry that a real program wrote.

use std::collections::BTreeSet;

use groma_model::{Fact, Reason};
use groma_windows::{AREAS, Machine, Missing, Rows, WrittenFiles, WrittenRegistry};

/// The areas these tests are about.
const OF_THE_HOST: [&str; 6] = [
    "host.system",
    "host.storage",
    "host.network",
    "host.accounts",
    "host.packages",
    "host.units",
];

const HOST: &str = include_str!("fixtures/wine-8.0/host.reg");

/// All facts of the areas that describe the host.
fn facts_of(registry: &WrittenRegistry) -> Vec<Fact> {
    let files = WrittenFiles::default();
    let missing = ["system", "volumes", "adapters", "users"].map(|table| Missing {
        table: table.into(),
        reason: Reason::NotPresent,
    });
    let rows = Rows {
        missing: missing.to_vec(),
        ..Rows::default()
    };
    let machine = Machine {
        registry,
        files: &files,
        rows: &rows,
        certificate: &|_| None,
    };
    let areas = AREAS.iter().filter(|area| OF_THE_HOST.contains(&area.name));
    let said = areas.flat_map(|area| (area.read)(&machine));
    said.flat_map(|said| said.facts).collect()
}

/// The same, one a line.
fn told() -> Vec<String> {
    let (registry, wrong) = WrittenRegistry::of_export(HOST);
    assert_eq!(wrong, [], "every line is read");
    facts_of(&registry).iter().filter_map(line).collect()
}

fn line(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::Identity(one) => format!("identity {}", one.host_name),
        Fact::OperatingSystem(one) => format!(
            "system {} {} {:?} {:?} {:?}",
            one.id, one.kernel, one.pretty_name, one.virtualization, one.time_zone
        ),
        Fact::Hardware(one) => format!("hardware {:?} {:?}", one.vendor, one.processor),
        Fact::Package(one) => format!("package {} {}", one.name, one.version),
        Fact::Reference(one) => {
            format!("reference {} {} {}", one.rule, one.peer, one.component.name)
        }
        Fact::Unit(one) => {
            let text =
                |of: &Option<groma_model::Foreign>| of.as_ref().map(|of| of.lossy().into_owned());
            let [executable, user] = [text(&one.executable), text(&one.user)];
            let requires: Vec<_> = one
                .requires
                .iter()
                .map(groma_model::Foreign::lossy)
                .collect();
            format!(
                "unit {} {} {} {} [{}]",
                one.name,
                one.enabled,
                executable.unwrap_or_default(),
                user.unwrap_or_default(),
                requires.join(" ")
            )
        }
        _ => return None,
    })
}

#[test]
fn a_recorded_registry_says_what_the_machine_is_and_runs() {
    let told = told();
    for line in &told {
        println!("{line}");
    }
    for expected in [
        "identity app01",
        r#"system windows 6.1.7601 "Microsoft Windows 7 Service Pack 1" None Some("Atlantic/Reykjavik")"#,
        r#"hardware None Some("AMD EPYC")"#,
        "package ERP 7 7.1.0",
        r"unit erp.service true C:\Program Files\ERP\erp.exe HOUSE\svc-erp [RpcSs.service]",
        r"unit report.service false C:\Program Files\ERP\report.exe .\report []",
        r"unit Eventlog.service true C:\windows\system32\wevtsvc.dll LocalSystem []",
        r"unit BITS.service false C:\windows\system32\qmgr.dll LocalSystem []",
    ] {
        assert!(told.iter().any(|line| line == expected), "{expected}");
    }
}

#[test]
fn a_recorded_registry_without_a_domain_names_nobody() {
    let told = told();
    let drivers = ["HTTP.service", "NDIS.service", "MountMgr.service"];
    let is_driver = |line: &&String| drivers.iter().any(|driver| line.contains(driver));
    assert_eq!(told.iter().find(is_driver), None);
    let names_somebody = |line: &&String| line.starts_with("reference");
    assert_eq!(
        told.iter().find(names_somebody),
        None,
        "no domain, no clock, no name server"
    );
}

/// Values of everything the readers ask for, so that a mutation meets each of them.
const ALL: &str = r#"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters]
"Hostname"="app01"
"Domain"="corp.example"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\Interfaces\{1}]
"EnableDHCP"=dword:00000001
"DhcpIPAddress"="10.0.0.5"
"DhcpNameServer"="10.0.0.2 10.0.0.3"
"DhcpServer"="10.0.0.4"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\NetBT\Parameters\Interfaces\Tcpip_{1}]
"DhcpNameServerList"=hex(7):31,00,30,00,2e,00,30,00,2e,00,30,00,2e,00,36,00,00,00,00,00
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Netlogon]
"Start"=dword:00000002
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Netlogon\Parameters]
"DynamicSiteName"="Berlin"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\erp]
"Type"=dword:00000110
"Start"=dword:00000002
"ImagePath"="\"C:\\ERP\\erp.exe\" -k x"
"DisplayName"="@erp.inf,%name%;ERP"
"ObjectName"="corp\\svc$"
"DependOnService"=hex(7):61,00,00,00,00,00
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\W32Time\Parameters]
"Type"="NTP"
"NtpServer"="ntp.corp.example,0x9 10.0.0.1"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\Dnscache\Parameters\DnsPolicyConfig\{2}]
"Name"=hex(7):2e,00,61,00,00,00,00,00
"ConfigOptions"=dword:00000008
"GenericDNSServers"="10.1.0.1; 10.1.0.2"
[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\TimeZoneInformation]
"TimeZoneKeyName"="Romance Standard Time"
"DynamicDaylightTimeDisabled"=dword:00000001
"Bias"=dword:ffffffc4
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion]
"ProductName"="Windows 10 Pro"
"InstallationType"="Client"
"CurrentBuildNumber"="22631"
"UBR"=dword:00000fff
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001]
"ProfileImagePath"=hex(2):25,00,53,00,79,00,73,00,74,00,65,00,6d,00,44,00,72,00,69,00,76,00,65,00,25,00,5c,00,61,00,00,00
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\SoftwareProtectionPlatform]
"KeyManagementServiceName"="kms.corp.example"
"KeyManagementServicePort"="1688"
[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\A]
"DisplayName"="A"
"DisplayVersion"="1"
"#;

#[test]
fn a_mutated_registry_makes_no_reader_fall() {
    let (registry, wrong) = WrittenRegistry::of_export(ALL);
    assert_eq!(wrong, []);
    let kinds = |fact: &Fact| match fact {
        Fact::Reference(reference) => Some(reference.rule.clone()),
        _ => None,
    };
    let rules: BTreeSet<String> = facts_of(&registry).iter().filter_map(kinds).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert_eq!(
        rules,
        [
            "windows-activation",
            "windows-dhcp",
            "windows-domain",
            "windows-resolver",
            "windows-resolver-policy",
            "windows-service-account",
            "windows-time",
            "windows-wins"
        ],
        "the mutations begin at what every reader reads"
    );
    groma_fuzz::hammer(1500, &[ALL.as_bytes()], |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (registry, _) = WrittenRegistry::of_export(&text);
        let _ = facts_of(&registry);
    });
}
