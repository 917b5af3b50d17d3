//! What the readers of mail and of attached software say of a registry that a real program wrote.

use groma_model::Fact;
use groma_windows::{AREAS, DeviceRow, Machine, Rows, WrittenFiles, WrittenRegistry};

const MAIL: &str = include_str!("fixtures/wine-8.0-mail/mail.reg");

fn said_by(area: &str) -> Vec<String> {
    let (registry, wrong) = WrittenRegistry::of_export(MAIL);
    assert!(wrong.is_empty(), "{wrong:?}");
    let files = WrittenFiles::default().with(r"C:\x.txt", b"");
    let rows = Rows {
        devices: vec![DeviceRow {
            instance: r"USB\ROOT_HUB30\1".into(),
            present: true,
            ..DeviceRow::default()
        }],
        ..Rows::default()
    };
    let machine = Machine {
        registry: &registry,
        files: &files,
        rows: &rows,
        certificate: &|_| None,
    };
    let areas = AREAS.iter().filter(|known| known.name == area);
    let said = areas.flat_map(|area| (area.read)(&machine));
    let facts = said.flat_map(|said| said.facts);
    facts.map(|fact| told(&fact)).collect()
}

fn told(fact: &Fact) -> String {
    match fact {
        Fact::Reference(r) => {
            let port = r.port.map(|port| port.to_string());
            let port = port.unwrap_or_else(|| "no port".to_owned());
            format!("{} {} {port} {:?}", r.kind, r.peer, r.protection)
        }
        other => other.says(),
    }
}

#[test]
fn a_profile_in_an_export_names_servers_add_ins_and_the_store_on_a_share() {
    let said = said_by("host.archives");
    let wanted = [
        "http mail1.corp.example no port None",
        "imap imap.corp.example 993 Some(Tls)",
        "smtp-submission smtp.corp.example 587 Some(Starttls)",
        "smb fs1.corp.example 445 None",
    ];
    let mut references: Vec<&str> = said.iter().map(String::as_str).collect();
    references.retain(|line| wanted.contains(line));
    references.sort_unstable();
    assert_eq!(references.len(), 4, "{said:#?}");
    assert!(said.iter().any(|line| line.contains("Document store")));
    assert!(!said.iter().any(|line| line.contains("LyncAddin")));
    assert!(
        said.iter().any(|line| line.contains("old.pst")),
        "{said:#?}"
    );
    assert_eq!(said.len(), 6, "{said:#?}");
}

#[test]
fn of_the_providers_of_a_system_only_the_added_one_is_told() {
    assert_eq!(
        said_by("host.attached"),
        [
            "software Card Vendor CSP (smart-card-middleware) as cardcsp.dll",
            "software GlobalProtect (vpn-client) as PanGPS"
        ]
    );
}
