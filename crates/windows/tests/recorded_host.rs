//! What the readers of the host say of a registry that a real program wrote.

use groma_model::{Fact, Reason};
use groma_windows::{Machine, Missing, Rows, WrittenFiles, WrittenRegistry, look};

const HOST: &str = include_str!("fixtures/wine-8.0/host.reg");

/// All facts of the areas that describe the host, one a line.
fn told() -> Vec<String> {
    let (registry, wrong) = WrittenRegistry::of_export(HOST);
    assert_eq!(wrong, [], "every line is read");
    let files = WrittenFiles::default();
    let rows = Rows {
        missing: ["system", "volumes", "adapters", "users"]
            .map(|table| Missing {
                table: table.into(),
                reason: Reason::NotPresent,
            })
            .to_vec(),
        ..Rows::default()
    };
    let machine = Machine {
        registry: &registry,
        files: &files,
        rows: &rows,
        certificate: &|_| None,
    };
    let said = look(&machine);
    let said = said
        .into_iter()
        .filter(|(area, _)| area.starts_with("host."));
    let facts = said.flat_map(|(_, said)| said).flat_map(|said| said.facts);
    facts.filter_map(|fact| line(&fact)).collect()
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
