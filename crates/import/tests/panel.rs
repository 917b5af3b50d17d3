//! The sheet of devices, filled in by people: what it says becomes facts, and what it cannot mean is said by row and column.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::now;
use groma_import::{Imported, Kind, as_batch, read, recognise};
use groma_model::batch::Said;
use groma_model::device::{Deed, DeviceWitness};
use groma_model::name::Protection;
use groma_model::sheet::SHEET_COLUMNS;
use groma_model::{Port, SiteId};

fn header(separator: &str) -> String {
    let names: Vec<&str> = SHEET_COLUMNS.iter().map(|column| column.name).collect();
    names.join(separator)
}

/// A sheet of these rows; the cells of a row by column, the others empty.
fn sheet(rows: &[&[(&str, &str)]]) -> String {
    let mut out = header(",") + "\n";
    for cells in rows {
        let of = |name: &str| {
            let cell = cells.iter().find(|(column, _)| *column == name);
            let cell = cell.map_or("", |(_, text)| *text);
            format!("\"{}\"", cell.replace('"', "\"\""))
        };
        let row: Vec<String> = SHEET_COLUMNS.iter().map(|c| of(c.name)).collect();
        out.push_str(&row.join(","));
        out.push('\n');
    }
    out
}

fn list(text: &str) -> Imported {
    assert_eq!(recognise(text.as_bytes()), Kind::DeviceSheet);
    read("devices.csv", text.as_bytes(), now()).unwrap()
}

fn told(imported: &Imported) -> Vec<String> {
    let batch = as_batch(imported, &SiteId::default(), "0");
    let facts = batch
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Saw(observation) => Some(observation.fact.says()),
            _ => None,
        });
    facts.collect()
}

const COPIER: [(&str, &str); 7] = [
    ("device_id", "ent-1"),
    ("address", "192.0.2.50"),
    ("mac", "02-00-00-00-00-07"),
    ("serial", "X1"),
    ("smtp_server", "mail1.corp.example"),
    ("smtp_port", "25"),
    ("smtp_account", "no"),
];

#[test]
fn a_filled_row_says_what_the_panel_says_and_whom_the_device_is_set_up_to_use() {
    let mut row = COPIER.to_vec();
    row.extend([
        ("location", "2nd floor"),
        ("model", "Example C 300"),
        ("scans", "yes"),
        ("faxes", "no"),
        ("smtp_tls", "none"),
        ("scan_folder", r"\\files1\scans\anna"),
        ("ldap_server", "192.0.2.9:636"),
        ("ntp_server", "none"),
        ("dns_server", "192.0.2.3, 192.0.2.4"),
    ]);
    let imported = list(&sheet(&[&row]));
    assert!(imported.skipped.is_empty(), "{:?}", imported.skipped);
    let [says] = imported.devices.as_slice() else {
        panic!("{:?}", imported.devices);
    };
    assert_eq!(says.by, DeviceWitness::Panel);
    assert_eq!(says.can, [Deed::Scan, Deed::Mail]);
    assert_eq!(says.cannot, [Deed::Fax]);
    // Only what finds the device again; the rest of what was printed is nobody's word.
    assert_eq!(says.macs, ["02:00:00:00:00:07"]);
    assert_eq!((&says.model, &says.location), (&None, &None));
    let mail = &imported.needs[0];
    assert_eq!(
        (mail.kind.as_str(), mail.port),
        ("smtp-relay", Some(Port(25)))
    );
    assert!(mail.account.as_ref().unwrap().is_empty(), "nobody");
    assert_eq!(mail.protection, Some(Protection::None));
    let lines = told(&imported).join("\n");
    for part in [
        "192.0.2.50 is set up to use mail1.corp.example:25: smtp_server of row 2 of devices.csv",
        "192.0.2.50 is set up to use 192.0.2.9:636: ldap_server",
        "192.0.2.50 is set up to use 192.0.2.3:53",
        "192.0.2.50 is set up to use files1:445 (scans): scan_folder",
    ] {
        assert!(lines.contains(part), "{part} is not in\n{lines}");
    }
    assert!(!lines.contains("anna"), "below a share stand people");
    assert!(!lines.contains("serial number"), "nobody read it off");
}

#[test]
fn semicolons_and_the_mark_before_formulas_are_read_too() {
    let text = format!("{}\n'ent-1;;;192.0.2.50;;;;;;no;;;;;;;;;\n", header(";"));
    let imported = list(&text);
    assert_eq!(imported.devices[0].cannot, [Deed::Mail]);
    assert!(imported.needs.is_empty());
}

#[test]
fn a_row_nobody_filled_in_stays_on_the_sheet_and_says_nothing() {
    let empty = [
        ("device_id", "ent-2"),
        ("address", "192.0.2.51"),
        ("name", "x"),
    ];
    let imported = list(&sheet(&[&COPIER, &empty]));
    assert_eq!(imported.devices.len(), 1);
    assert!(imported.skipped[0].why.contains("stays on the sheet"));
    assert_eq!(imported.skipped[0].row, "3");
    assert_eq!(imported.rows_left_out, 0);
}

#[test]
fn what_cannot_be_meant_is_said_by_row_and_column_and_the_rest_counts() {
    let mut row = COPIER.to_vec();
    row.retain(|(name, _)| *name != "smtp_port");
    row.extend([
        ("scans", "perhaps"),
        ("smtp_port", "99999"),
        ("smtp_tls", "quantum"),
        ("scan_folder", "the cupboard"),
        ("dns_server", "!!"),
    ]);
    let imported = list(&sheet(&[&row]));
    let columns: Vec<&str> = imported.skipped.iter().map(|p| p.column.as_str()).collect();
    assert_eq!(
        columns,
        [
            "scans",
            "smtp_tls",
            "smtp_port",
            "dns_server",
            "scan_folder"
        ]
    );
    assert_eq!(imported.needs.len(), 1, "the mail server counts");
    let nowhere = [("device_id", "ent-3"), ("scans", "yes")];
    let imported = list(&sheet(&[&COPIER, &nowhere]));
    assert_eq!(
        imported.skipped[0].why,
        "no address of the device: left out"
    );
}

#[test]
fn no_password_leaves_the_sheet() {
    for account in [
        "scan:canary7",
        "scan / canary7",
        "scan canary7",
        "scan password=canary7",
        "scan,canary7",
        "scan;canary7",
        "scan|canary7",
        "scan(canary7)",
    ] {
        let mut row = COPIER.to_vec();
        row.retain(|(name, _)| *name != "smtp_account");
        row.push(("smtp_account", account));
        row.push(("scan_folder", r"smb://scan:canary7@files1/scans"));
        let imported = list(&sheet(&[&row]));
        let all = format!("{imported:?}{:?}", told(&imported));
        assert!(!all.contains("canary7"), "{account}: {all}");
        assert!(!imported.needs[0].account.as_ref().unwrap().is_empty());
    }
}

/// A server with its account before it is no name of a server, and what was wrong is not quoted.
#[test]
fn no_password_stands_in_what_is_said_of_a_cell() {
    for server in [
        "smtp://scan:canary7@mail1",
        "smtp://scan:can,canary7@mail1",
        "scan:canary7",
        "scan:canary7 mail1!",
    ] {
        for column in ["smtp_server", "ldap_server", "scan_folder", "smtp_port"] {
            let mut row = COPIER.to_vec();
            row.retain(|(name, _)| *name != column);
            row.push((column, server));
            let imported = list(&sheet(&[&row]));
            let all = format!("{imported:?}{:?}", told(&imported));
            assert!(!all.contains("canary7"), "{column} {server}: {all}");
            assert!(imported.skipped.iter().any(|p| p.column == column));
        }
    }
}

/// What people add behind a server or a share: a word alone is no server there, and no part of a share.
#[test]
fn what_is_written_beside_a_server_is_no_server() {
    for (column, cell) in [
        ("smtp_server", "mail1.corp.example user scan pw canary7"),
        ("ldap_server", "dc1 canary7"),
        ("smtp_server", "mail1.corp.example canary7.2024"),
        ("smtp_server", "mail1.corp.example ge.canary7"),
        ("smtp_server", "canary7.2024 mail1.corp.example"),
        ("scan_folder", r"\\files1\scans user scan pw canary7"),
    ] {
        let mut row = COPIER.to_vec();
        row.retain(|(name, _)| *name != column);
        row.push((column, cell));
        let imported = list(&sheet(&[&row]));
        let all = format!("{imported:?}{:?}", told(&imported));
        assert!(!all.contains("canary7"), "{column}: {all}");
    }
    // The twin: two servers with a blank between them, and a share whose name has one.
    let mut row = COPIER.to_vec();
    row.retain(|(name, _)| !matches!(*name, "dns_server" | "scan_folder"));
    row.push(("dns_server", "10.0.0.2 10.0.0.3"));
    row.push(("scan_folder", r"\\files1\Scans Buchhaltung"));
    let imported = list(&sheet(&[&row]));
    let all = format!("{imported:?}");
    for kept in ["10.0.0.2", "10.0.0.3", "Scans Buchhaltung"] {
        assert!(all.contains(kept), "{kept}: {all}");
    }
}

/// The twin: what names of accounts are made of is one, and a wrong word is quoted.
#[test]
fn a_name_of_an_account_is_kept_and_a_wrong_word_is_quoted() {
    for account in ["scan@corp.example", r"CORP\scan-1", "scan+1$", "scan.x"] {
        let mut row = COPIER.to_vec();
        row.retain(|(name, _)| *name != "smtp_account");
        row.extend([("smtp_account", account), ("ldap_server", "!!")]);
        let imported = list(&sheet(&[&row]));
        let need = imported.needs[0].account.as_ref().unwrap();
        assert_eq!(need.lossy(), account);
        let problem = &imported.skipped[0];
        assert!(problem.why.ends_with(": !!"), "{problem:?}");
    }
}

/// The sheet is read by the loop of all tables: what is too large there is too large here, and said by row.
#[test]
fn a_row_with_a_cell_too_large_to_be_meant_is_left_out_as_in_any_table() {
    let huge = "x".repeat(33 << 10);
    let other = [
        ("device_id", "ent-9"),
        ("address", "192.0.2.59"),
        ("scans", &huge),
    ];
    let imported = list(&sheet(&[&COPIER, &other]));
    assert_eq!(imported.devices.len(), 1);
    let [problem] = imported.skipped.as_slice() else {
        panic!("{:?}", imported.skipped);
    };
    assert_eq!(problem.row, "3");
    assert!(problem.why.contains("too large"), "{problem:?}");
    assert_eq!(imported.rows_left_out, 1);
}

#[test]
fn a_later_sheet_of_other_devices_takes_nothing_back() {
    let other = [
        ("device_id", "ent-9"),
        ("address", "192.0.2.59"),
        ("scans", "no"),
    ];
    let first = list(&sheet(&[&COPIER]));
    let again = list(&sheet(&[&COPIER]));
    let second = list(&sheet(&[&other]));
    assert_eq!(first.list, again.list);
    assert_ne!(first.list, second.list);
}

#[test]
fn an_inventory_list_is_no_sheet() {
    let text = "name,address,serial,location\ncopier1,192.0.2.50,X1,2nd floor\n";
    assert_eq!(recognise(text.as_bytes()), Kind::Csv);
}

#[test]
fn ten_thousand_broken_sheets_break_nothing() {
    let text = sheet(&[&COPIER]);
    groma_fuzz::hammer(10_000, &[text.as_bytes()], |bytes| {
        if recognise(bytes) == Kind::DeviceSheet {
            let _ = read("devices.csv", bytes, now());
        }
    });
}
