use groma_model::Reason;

use super::*;
use crate::host::TCPIP;
use crate::host::testing::{facts, missed, references, said};
use crate::{Rows, Value, WrittenRegistry};

fn service(registry: WrittenRegistry, name: &str, kind: u64, start: u64) -> WrittenRegistry {
    let at = format!(r"{SERVICES}\{name}");
    registry
        .with(&at, "Type", Value::Number(kind))
        .with(&at, "Start", Value::Number(start))
}

fn at(name: &str) -> String {
    format!(r"{SERVICES}\{name}")
}

fn told(registry: &WrittenRegistry) -> Vec<Unit> {
    let said = said(&AREA, registry, &Rows::default());
    let units = facts(&said).filter_map(|fact| match fact {
        Fact::Unit(unit) => Some(unit.clone()),
        _ => None,
    });
    units.collect()
}

fn joined() -> WrittenRegistry {
    WrittenRegistry::default()
        .with_text(TCPIP, "Hostname", "app01")
        .with_text(TCPIP, "Domain", "corp.example")
}

fn joined_rows() -> Rows {
    let mut rows = Rows::default();
    rows.system.directory_sid = Some("S-1-5-21-1-2-3-1104".into());
    rows.names
        .insert("S-1-5-21-1-2-3-512".into(), r"HOUSE\Domain Admins".into());
    rows
}

#[test]
fn a_service_says_what_it_starts_and_needs() {
    let registry = service(WrittenRegistry::default(), "Erp", 0x110, 2)
        .with_text(
            &at("Erp"),
            "ImagePath",
            r#""C:\Program Files\ERP\erp.exe" -password geheim"#,
        )
        .with_text(&at("Erp"), "DisplayName", "ERP server")
        .with_text(&at("Erp"), "ObjectName", "LocalSystem")
        .with(
            &at("Erp"),
            "DependOnService",
            Value::List(
                ["mssql$erp", "Afd", "+TDI", "Gone"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
        );
    let registry = service(registry, "MSSQL$ERP", 0x10, 3);
    let registry = service(registry, "Afd", 1, 1);
    let units = told(&registry);
    assert_eq!(units.len(), 2, "a driver is no unit");
    let erp = &units[0];
    assert_eq!(erp.name.lossy(), "Erp.service");
    assert!(erp.enabled);
    assert_eq!(erp.description.as_deref(), Some("ERP server"));
    assert_eq!(
        erp.executable.as_ref().unwrap().lossy(),
        r"C:\Program Files\ERP\erp.exe"
    );
    assert_eq!(erp.user.as_ref().unwrap().lossy(), "LocalSystem");
    let requires: Vec<_> = erp.requires.iter().map(Foreign::lossy).collect();
    assert_eq!(requires, ["MSSQL$ERP.service", "Gone.service"]);
    assert_eq!(erp.file.lossy(), at("Erp"));
    assert!(!units[1].enabled, "started by hand");
    let everything = serde_json::to_string(&units).unwrap();
    assert!(!everything.contains("geheim"));
}

#[test]
fn a_host_process_and_a_wrapper_show_what_they_run() {
    let registry = service(WrittenRegistry::default(), "Dnscache", 0x20, 2)
        .with(
            &at("Dnscache"),
            "ImagePath",
            Value::Expandable(r"%SystemRoot%\system32\svchost.exe -k NetworkService -p".into()),
        )
        .with_text(
            &at("Dnscache"),
            "DisplayName",
            r"@%SystemRoot%\System32\dnsapi.dll,-101",
        )
        .with(
            &at(r"Dnscache\Parameters"),
            "ServiceDll",
            Value::Expandable(r"%SystemRoot%\System32\dnsrslvr.dll".into()),
        );
    let registry = service(registry, "web", 0x10, 2)
        .with_text(&at("web"), "ImagePath", r"C:\tools\nssm.exe")
        .with_text(
            &at("web"),
            "DisplayName",
            "@oem1.inf,%web%;Web of the house",
        )
        .with_text(&at(r"web\Parameters"), "Application", r"D:\web\node.exe");
    let units = told(&registry);
    let executables: Vec<_> = units
        .iter()
        .map(|unit| unit.executable.as_ref().unwrap().lossy().into_owned())
        .collect();
    assert_eq!(
        executables,
        [r"C:\Windows\System32\dnsrslvr.dll", r"D:\web\node.exe"]
    );
    assert_eq!(units[0].description, None, "a number of a text in a file");
    assert_eq!(units[1].description.as_deref(), Some("Web of the house"));
}

#[test]
fn an_update_of_a_service_is_no_other_unit() {
    let of = |version: &str| {
        let name = format!("Updater{version}");
        let registry = service(WrittenRegistry::default(), &name, 0x10, 2).with_text(
            &at(&name),
            "ImagePath",
            &format!(r#""C:\Program Files\Vendor\{version}\updater.exe" --service"#),
        );
        let registry = service(registry, "Other", 0x10, 2).with(
            &at("Other"),
            "DependOnService",
            Value::List(vec![name]),
        );
        let units = told(&registry).into_iter();
        let shown = units.map(|unit| (unit.name, unit.executable, unit.requires));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(of("129.0.6651.0"), of("130.0.6679.0"));
    let all = of("129.0.6651.0");
    let (name, executable, _) = &all[1];
    assert_eq!(name.lossy(), "Updater.service");
    let executable = executable.as_ref().unwrap().lossy().into_owned();
    assert_eq!(executable, r"C:\Program Files\Vendor\*\updater.exe");
}

#[test]
fn drivers_and_services_of_persons_are_no_units() {
    let mut registry = WrittenRegistry::default();
    for (name, kind) in [
        ("ntfs", 2),
        ("print", 8),
        ("A", 0x50),
        ("A_1f", 0xd0),
        ("B", 0x60),
        ("B_1f", 0xe0),
    ] {
        registry = service(registry, name, kind, 2);
    }
    registry.add_key(&at("only a folder"));
    assert!(told(&registry).is_empty());
}

#[test]
fn a_service_under_a_domain_account_names_it() {
    let mut registry = joined();
    for (name, account) in [
        ("a", r"HOUSE\svc-erp"),
        ("b", r"corp\gmsa$"),
        ("c", "svc@corp.example"),
        ("d", r"other.example\svc"),
    ] {
        registry = service(registry, name, 0x10, 2).with_text(&at(name), "ObjectName", account);
    }
    let said = said(&AREA, &registry, &joined_rows());
    let logons: Vec<String> = references(&said)
        .into_iter()
        .filter(|line| line.starts_with("windows-service-account"))
        .collect();
    assert_eq!(
        logons,
        [
            r"windows-service-account ObjectName -> kerberos corp.example:88/tcp by a.service (HOUSE\svc-erp)",
            r"windows-service-account ObjectName -> kerberos corp.example:88/tcp by b.service (corp\gmsa$)",
            r"windows-service-account ObjectName -> kerberos corp.example:88/tcp by c.service (svc@corp.example)",
            r"windows-service-account ObjectName -> kerberos other.example:88/tcp by d.service (other.example\svc)",
        ]
    );
}

#[test]
fn a_service_under_a_local_account_logs_on_nowhere() {
    let mut registry = joined();
    for (number, account) in [
        "LocalSystem",
        r"NT AUTHORITY\LocalService",
        r"NT-AUTORITÄT\Netzwerkdienst",
        r"NT SERVICE\MSSQLSERVER",
        r".\svc",
        r"APP01\svc",
        r"IIS APPPOOL\shop",
        r"ELSEWHERE\svc",
    ]
    .iter()
    .enumerate()
    {
        let name = format!("s{number}");
        registry = service(registry, &name, 0x10, 2).with_text(&at(&name), "ObjectName", account);
    }
    registry = service(registry, "off", 0x10, 4).with_text(&at("off"), "ObjectName", r"HOUSE\svc");
    let lines = references(&said(&AREA, &registry, &joined_rows()));
    let logons = lines.iter().filter(|line| line.contains("service-account"));
    assert_eq!(logons.count(), 0, "{lines:?}");
}

#[test]
fn accounts_of_a_domain_known_by_its_short_name_only_are_one_gap() {
    let gaps = |accounts: &[&str], start: u64| {
        let mut registry = joined();
        for (number, account) in accounts.iter().enumerate() {
            let name = format!("s{number}");
            registry =
                service(registry, &name, 0x10, start).with_text(&at(&name), "ObjectName", account);
        }
        let mut rows = joined_rows();
        let names = [
            ("S-1-5-19", r"NT-MYNDIGHET\LOKAL TJENESTE"),
            ("S-1-5-32-544", r"INNEBYGD\Administratorer"),
        ];
        rows.names
            .extend(names.map(|(sid, name)| (sid.to_owned(), name.to_owned())));
        let said = said(&AREA, &registry, &rows);
        assert_eq!(said[0].state, groma_model::CoverageState::Complete);
        missed(&said)
    };
    let foreign = [r"ELSEWHERE\svc_sql", r"elsewhere\SVC_SQL", r"OTHER\gmsa$"];
    let gap = "2 accounts of a domain known by its short name only";
    assert_eq!(gaps(&foreign, 2), [format!("registry:{SERVICES}: {gap}")]);
    assert!(gaps(&foreign, 4).is_empty(), "switched off");
    let known = [
        "LocalSystem",
        r"NT AUTHORITY\LocalService",
        r"NT-AUTORITÄT\Netzwerkdienst",
        r"nt-myndighet\lokal tjeneste",
        r"INNEBYGD\x",
        r"NT SERVICE\MSSQLSERVER",
        r".\svc",
        r"APP01\svc",
        r"IIS APPPOOL\shop",
        r"AzureAD\ann",
        r"HOUSE\svc",
        r"corp\svc",
        r"other.example\svc",
        "svc@corp.example",
    ];
    assert!(gaps(&known, 2).is_empty(), "{:?}", gaps(&known, 2));
}

#[test]
fn a_service_nobody_may_read_is_a_gap() {
    let registry = service(WrittenRegistry::default(), "a", 0x10, 2)
        .refused(&at("b"), Reason::PermissionDenied);
    let said = said(&AREA, &registry, &Rows::default());
    assert_eq!(missed(&said), [format!("registry:{SERVICES}: {}", at("b"))]);
    assert_eq!(facts(&said).count(), 1);
}

#[test]
fn settings_of_a_program_of_its_own_are_not_asked_for() {
    let of = |program: &str| {
        let registry = service(WrittenRegistry::default(), "a", 0x10, 2)
            .with_text(&at("a"), "ImagePath", program)
            .refused(&at(r"a\Parameters"), Reason::PermissionDenied);
        missed(&said(&AREA, &registry, &Rows::default())).len()
    };
    assert_eq!(of(r"C:\vault\vault.exe"), 0);
    assert_eq!(of(r"C:\Windows\System32\svchost.exe -k x"), 1);
}
