//! Workbooks as a reader opens them: sheets, headers, rows, order and dates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests only"
)]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

mod common;
mod rich;

use std::collections::{BTreeMap, BTreeSet};

use calamine::{Data, DataType as _, Reader as _, Xlsx};
use groma_model::visible::visible;
use groma_workbook::workbook;

use crate::common::{Book, column, opened, parts, sheet, texts};

const SHEETS: [&str; 35] = [
    "summary",
    "findings",
    "hosts",
    "virtual machines",
    "clusters",
    "hypervisors",
    "datastores",
    "devices",
    "systems",
    "hidden",
    "dependencies",
    "listeners",
    "certificates",
    "volumes",
    "rights",
    "mailbox rights",
    "backups",
    "watching",
    "mail records",
    "mail routes",
    "mail servers",
    "mail ledger",
    "ledger",
    "zones",
    "relying parties",
    "file systems",
    "interfaces",
    "jobs",
    "other things",
    "measurements",
    "waves",
    "questions",
    "coverage",
    "gaps",
    "evidence",
];

#[test]
fn each_table_has_a_sheet_of_its_own_with_as_many_rows_as_things() {
    let inventory = sample::office();
    let mut book = opened(&inventory);
    assert_eq!(book.sheet_names(), SHEETS);
    let rows = |book: &mut Xlsx<_>, name: &str| sheet(book, name).height() - 1;
    assert_eq!(
        rows(&mut book, "dependencies"),
        inventory.dependencies.len()
    );
    assert_eq!(rows(&mut book, "findings"), inventory.findings.len());
    assert_eq!(rows(&mut book, "listeners"), inventory.listeners.len());
    assert_eq!(rows(&mut book, "coverage"), inventory.coverage.len());
    assert_eq!(rows(&mut book, "evidence"), inventory.evidence.len());
    assert_eq!(rows(&mut book, "questions"), inventory.questions.len());
    let things = ["hosts", "devices", "certificates", "other things"];
    let things: usize = things.iter().map(|name| rows(&mut book, name)).sum();
    assert_eq!(things, inventory.entities.len());
}

#[test]
fn a_host_is_found_by_its_name_with_numbers_that_are_numbers_and_dates_that_are_dates() {
    let inventory = sample::office();
    let mut book = opened(&inventory);
    let hosts = sheet(&mut book, "hosts");
    let (seen, needed) = (
        column(&hosts, "Last seen (UTC)"),
        column(&hosts, "Needed by (things)"),
    );
    for row in hosts.rows().skip(1) {
        let entity = inventory
            .entities
            .iter()
            .find(|e| row[34] == *e.id.as_str());
        let entity = entity.expect("each row ends with the id of its host");
        assert_eq!(row[0].to_string(), visible(&entity.name));
        assert!(matches!(row[needed], Data::Float(_)), "{:?}", row[needed]);
        let Data::DateTime(moment) = &row[seen] else {
            panic!("a date is a date, not {:?}", row[seen]);
        };
        let days = entity.last_seen.millis() as f64 / 86_400_000.0 + 25_569.0;
        assert!((moment.as_f64() - days).abs() < 1e-6);
    }
}

#[test]
fn an_empty_estate_says_on_each_sheet_that_nothing_was_found() {
    let inventory = sample::Estate::watched_since(sample::noon()).inventory;
    let mut book = opened(&inventory);
    for name in &SHEETS[1..] {
        let range = sheet(&mut book, name);
        assert_eq!(range.height(), 2, "{name}");
        let says = range.get_value((1, 0)).unwrap().to_string();
        assert!(says.ends_with('.'), "{name}: {says}");
    }
    let summary = texts(&sheet(&mut book, "summary"));
    assert!(summary.iter().any(|text| text.contains("not an audit")));
    assert!(summary.contains("No check found anything open."));
}

/// Sheet, title and value that find one row, and what its cells say by title.
type Expected<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);

/// The one row below the header in which `title` says `value`, as texts by title.
fn row(book: &mut Book, name: &str, title: &str, value: &str) -> BTreeMap<String, String> {
    let range = sheet(book, name);
    let at = column(&range, title);
    let titles = range.rows().next().unwrap().iter().map(ToString::to_string);
    let rows: Vec<&[Data]> = range
        .rows()
        .skip(1)
        .filter(|row| row[at] == *value)
        .collect();
    assert_eq!(rows.len(), 1, "{name}: {title} = {value}");
    titles
        .zip(rows[0].iter().map(ToString::to_string))
        .collect()
}

#[test]
fn every_table_says_what_its_rows_say() {
    let inventory = rich::estate();
    let mut book = opened(&inventory);
    let mail1 = inventory
        .entities
        .iter()
        .find(|e| e.id.as_str() == "ent-mail1")
        .unwrap();
    let mail1 = mail1.name.as_str();
    let expected: [Expected; 16] = [
        (
            "volumes",
            "Part of it",
            "/srv/mail",
            &[
                ("On", mail1),
                ("Size (GiB)", "5120"),
                ("Items", "7000000"),
                ("Hours to carry over, at least", "12.5"),
                ("Hours to carry over, at most", "40"),
            ],
        ),
        (
            "rights",
            "Who",
            "CORP\\auditors",
            &[
                ("Right", "read"),
                ("Directory", "finance/2026"),
                ("Stands for nobody", "yes"),
            ],
        ),
        (
            "mailbox rights",
            "Mailbox",
            "boss@corp.example",
            &[
                ("Who", "pa@corp.example"),
                ("Way", "full-access, send-as"),
                ("Told by", mail1),
            ],
        ),
        (
            "backups",
            "Job",
            "borg nightly",
            &[("Of", mail1), ("Rhythm", "daily"), ("Covers", "/etc, /srv")],
        ),
        (
            "watching",
            "Machine",
            mail1,
            &[
                ("Way", "watched by"),
                ("Who", "10.0.0.0/8"),
                ("Products", "NRPE"),
            ],
        ),
        (
            "mail records",
            "Record",
            "SPF",
            &[
                ("Values", "v=spf1 mx -all"),
                ("Remembered for (seconds)", "3600"),
            ],
        ),
        (
            "mail records",
            "Record",
            "DMARC",
            &[("Values", "there is none")],
        ),
        (
            "mail routes",
            "On",
            mail1,
            &[
                ("Rule", "alias"),
                ("Leads to", "example.net"),
                ("Written in", "/etc/aliases:7"),
            ],
        ),
        (
            "mail servers",
            "Server",
            mail1,
            &[
                ("Takes mail for", "corp.example"),
                (
                    "Lets through",
                    "mynetworks = 10.20.0.0/16 (/etc/postfix/main.cf:12)",
                ),
            ],
        ),
        (
            "mail ledger",
            "Server",
            mail1,
            &[
                ("Does", "sends"),
                ("Port", "25"),
                ("Sends as", "corp.example (own)"),
                ("Sends to", "(none), (many)"),
                ("Refused", "relay-denied: 2 (last 2026-11-19 08:30)"),
                ("Hours of the week", "1"),
            ],
        ),
        (
            "ledger",
            "Kind",
            "ldap-bind",
            &[("Account", "(anonymous)"), ("Times", "77"), ("Port", "389")],
        ),
        (
            "zones",
            "Name",
            "old-mail.corp.example",
            &[
                ("Values", "mail1.corp.example"),
                ("Addresses of nobody", "10.9.9.9"),
                ("Times asked", "5"),
            ],
        ),
        (
            "relying parties",
            "Service",
            "wiki",
            &[
                ("Language", "saml"),
                ("People are sent back to", "wiki.corp.example"),
            ],
        ),
        (
            "file systems",
            "Mounted at",
            "/srv",
            &[("Lies on", "filer.corp.example"), ("Size (GiB)", "1024")],
        ),
        (
            "interfaces",
            "Interface",
            "eth0",
            &[("Host", mail1), ("Addresses", "10.1.0.11/24")],
        ),
        (
            "waves",
            "Wave",
            "w1",
            &[
                ("Members", "mail1, app1"),
                ("State", "planned"),
                ("Number of members", "2"),
            ],
        ),
    ];
    for (name, title, value, cells) in expected {
        let row = row(&mut book, name, title, value);
        for (title, value) in cells {
            assert_eq!(
                row.get(*title).map(String::as_str),
                Some(*value),
                "{name}: {title}"
            );
        }
    }
    let volumes = sheet(&mut book, "volumes");
    assert_eq!(
        volumes.get_value((1, 1)).unwrap().to_string(),
        "/srv/mail",
        "the largest comes first"
    );
}

#[test]
fn a_device_is_told_once_with_what_it_does_and_needs() {
    let inventory = sample::devices();
    let mut book = opened(&inventory);
    let devices = sheet(&mut book, "devices");
    let id = column(&devices, "Id");
    let ids: Vec<String> = devices
        .rows()
        .skip(1)
        .map(|row| row[id].to_string())
        .collect();
    let once: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(once.len(), ids.len());
    for device in &inventory.devices {
        let mails = device.answer(groma_model::device::Deed::Mail).as_str();
        let row = row(&mut book, "devices", "Id", device.entity.as_str());
        assert_eq!(row["Mails"], mails);
        assert_eq!(
            row["Needs of mail servers"].is_empty(),
            device.mail.is_empty()
        );
    }
    assert!(!inventory.devices.is_empty());
}

#[test]
fn guests_hosts_and_datastores_are_told_with_what_stands_in_the_way() {
    let mut book = opened(&sample::guests());
    let db = row(&mut book, "virtual machines", "Name", "db1.corp.example");
    for (title, value) in [
        ("Host", "esx1.corp.example"),
        ("Cluster", "C1"),
        ("Power", "on"),
        ("Memory (GiB)", "8"),
        ("Disks hold (GiB)", "260"),
        ("Used (GiB)", ""),
        ("Snapshots, days old", "before the update, 90 days"),
        ("Critical", "1"),
        ("Warnings", "1"),
        ("Looked at from inside", "yes"),
    ] {
        assert_eq!(db[title], value, "{title}");
    }
    assert!(
        db["Ways to each platform"].contains("Proxmox VE: cold, stands still 12.0 to 40.0 min")
    );
    assert!(db["What stands in the way"].starts_with("Hard disk 2: "));
    let host = row(&mut book, "hypervisors", "Name", "esx1.corp.example");
    assert_eq!(
        (&*host["Running guests"], &*host["Memory used (GiB)"]),
        ("2", "256")
    );
    let cluster = row(&mut book, "clusters", "Name", "C1");
    for (title, value) in [
        ("Hosts", "1"),
        ("Running guests", "2"),
        ("Memory used (GiB)", "256"),
        ("Largest host", "esx1.corp.example"),
        ("Memory without it (GiB)", "0"),
        ("Spare without it (GiB)", ""),
        ("Missing without it (GiB)", "256"),
    ] {
        assert_eq!(cluster[title], value, "{title}");
    }
    let store = row(&mut book, "datastores", "Name", "ds1");
    assert_eq!((&*store["Free (GiB)"], &*store["Free (%)"]), ("1024", "25"));
    let stray = row(&mut book, "virtual machines", "Name", "stray");
    assert!(stray["May be another machine we know"].contains("another SMBIOS UUID"));
    assert_eq!(stray["Critical"], "0");
}

#[test]
fn the_summary_counts_what_the_sheets_hold() {
    let inventory = sample::office();
    let mut book = opened(&inventory);
    let summary = sheet(&mut book, "summary");
    for name in &SHEETS[1..] {
        let row = summary.rows().find(|row| row[0] == **name).unwrap();
        let range = sheet(&mut book, name);
        let told = row[2].get_float().unwrap() as usize;
        let written = range.height() - 1;
        assert!(
            told == written || (told == 0 && written == 1),
            "{name}: {told}, {written}"
        );
    }
}

#[test]
fn the_same_inventory_in_any_order_gives_the_same_bytes() {
    let inventory = rich::estate();
    let mut turned = inventory.clone();
    turned.entities.reverse();
    turned.dependencies.reverse();
    turned.listeners.reverse();
    turned.findings.reverse();
    turned.evidence.reverse();
    turned.coverage.reverse();
    turned.questions.reverse();
    turned.systems.reverse();
    turned.volumes.reverse();
    turned.rights.reverse();
    turned.backups.reverse();
    turned.watching.reverse();
    turned.mail_records.reverse();
    turned.mail_routes.reverse();
    turned.zone_records.reverse();
    turned.ledger.reverse();
    turned.mailbox_ties.reverse();
    turned.relying_parties.reverse();
    turned.mail_ledger.reverse();
    turned.mail_servers.reverse();
    turned.devices.reverse();
    turned.guests.reverse();
    turned.measurements.reverse();
    turned.waves.reverse();
    turned.sites.reverse();
    let (one, other) = (workbook(&inventory).unwrap(), workbook(&turned).unwrap());
    assert!(one == other, "{} and {} bytes", one.len(), other.len());
    assert!(one == workbook(&inventory).unwrap());
}

#[test]
fn the_workbook_is_dated_by_its_inventory() {
    let inventory = sample::office();
    let all = parts(&workbook(&inventory).unwrap());
    let core = all
        .iter()
        .find(|(name, _)| name == "docProps/core.xml")
        .unwrap();
    let day = inventory.generated_at.day();
    assert!(core.1.contains(&format!("{day}T")), "{}", core.1);
}

#[test]
fn moments_no_spreadsheet_knows_are_told_as_text() {
    let mut inventory = sample::single();
    inventory.entities[0].first_seen = groma_model::Timestamp::from_millis(i64::MIN);
    inventory.entities[0].last_seen = groma_model::Timestamp::from_millis(i64::MAX);
    inventory.generated_at = groma_model::Timestamp::from_millis(i64::MIN);
    let mut book = opened(&inventory);
    let hosts = sheet(&mut book, "hosts");
    let first = column(&hosts, "First seen (UTC)");
    assert!(
        hosts
            .rows()
            .any(|row| row[first].to_string().starts_with("-009999"))
    );
}
