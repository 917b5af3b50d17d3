//! What NetBox lists, in the shape its documentation gives. None of it came from a real one.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;
#[path = "../../export/tests/common/mod.rs"]
mod exported;

use common::now;
use groma_import::{Imported, Kind, read, recognise};
use groma_model::fact::Declared;

const DEVICES: &str = include_str!("fixtures/netbox/devices.json");
const MACHINES: &str = include_str!("fixtures/netbox/virtual-machines.json");
const ADDRESSES: &str = include_str!("fixtures/netbox/ip-addresses.json");

fn list(text: &str) -> Imported {
    assert_eq!(recognise(text.as_bytes()), Kind::NetBox);
    let imported = read("netbox", text.as_bytes(), now()).unwrap();
    assert!(!format!("{imported:?}").contains("canary"), "{imported:?}");
    imported
}

fn of<'i>(imported: &'i Imported, name: &str) -> &'i Declared {
    imported
        .declared
        .iter()
        .find(|d| d.name.to_string() == name)
        .unwrap()
}

fn addresses(declared: &Declared) -> Vec<String> {
    declared.addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn a_device_is_what_its_role_says_with_all_that_is_known_of_it() {
    let imported = list(DEVICES);
    let names: Vec<String> = imported
        .declared
        .iter()
        .map(|d| d.name.to_string())
        .collect();
    assert_eq!(names, ["hv1", "copier-2", "db1"]);
    let hv = of(&imported, "hv1");
    assert_eq!(hv.kind, "hypervisor");
    assert_eq!(
        addresses(hv),
        ["10.0.0.2"],
        "the board's address is another machine's"
    );
    assert_eq!(
        hv.names.first().map(ToString::to_string).as_deref(),
        Some("hv1.corp.example")
    );
    assert_eq!(hv.owner.as_deref(), Some("Platform team"));
    assert_eq!(hv.operating_system.as_deref(), Some("Proxmox VE 8"));
    assert_eq!(hv.criticality.as_deref(), Some("high"));
    for (word, told) in [
        ("serial", "ABC1234"),
        ("site", "Dublin"),
        ("status", "active"),
        ("function", "Hypervisor"),
        ("asset tag", "A-0042"),
        ("rack", "R1"),
        ("cluster", "C1"),
        ("manufacturer", "Dell"),
        ("model", "PowerEdge R640"),
        ("warranty", "2027-01-31"),
        ("out-of-band address", "10.9.0.2/24"),
    ] {
        assert_eq!(hv.more.get(word).map(String::as_str), Some(told), "{word}");
    }
    assert!(hv.runs_on.is_none());
    let copier = of(&imported, "copier-2");
    assert_eq!(
        (copier.kind.as_str(), copier.more["status"].as_str()),
        ("device", "decommissioning")
    );
    assert_eq!(
        (
            of(&imported, "db1").kind.as_str(),
            of(&imported, "db1").more["status"].as_str()
        ),
        ("host", "offline")
    );
    assert_eq!(
        imported.rows_left_out, 1,
        "a device without a name: {:?}",
        imported.skipped
    );
    assert!(
        imported.skipped.iter().any(|p| p.row == "object 3"),
        "{:?}",
        imported.skipped
    );
    assert!(
        imported
            .skipped
            .iter()
            .any(|p| p.column == "comments" && p.why.contains("password")),
        "{:?}",
        imported.skipped
    );
}

#[test]
fn a_virtual_machine_runs_on_its_device_and_half_a_list_says_so() {
    let imported = list(MACHINES);
    let mail = of(&imported, "mail1");
    assert_eq!(mail.kind, "vm", "whatever its role is called");
    assert_eq!(mail.runs_on.as_ref().unwrap().to_string(), "hv1");
    assert_eq!(mail.more["status"], "planned");
    assert_eq!(addresses(mail), ["10.0.0.5", "2001:db8::5"]);
    assert!(
        imported
            .skipped
            .iter()
            .any(|p| p.why.contains("one page, 1 of 2")),
        "{:?}",
        imported.skipped
    );
    let whole = MACHINES.replace(
        "\"https://netbox.corp.example/api/virtualization/virtual-machines/?limit=1&offset=1\"",
        "null",
    );
    assert!(list(&whole).skipped.is_empty());
}

#[test]
fn addresses_alone_name_the_machines_they_are_assigned_to() {
    let imported = list(ADDRESSES);
    let mail = of(&imported, "mail1");
    assert_eq!(
        (mail.kind.as_str(), addresses(mail)),
        ("vm", vec!["10.0.0.5".to_owned(), "10.0.7.5".to_owned()])
    );
    assert_eq!(
        mail.names.first().map(ToString::to_string).as_deref(),
        Some("mail1.corp.example")
    );
    assert_eq!(addresses(of(&imported, "db1")), ["10.0.0.6"]);
    let old = of(&imported, "old-mail.corp.example");
    assert_eq!(
        (addresses(old), old.more["status"].as_str()),
        (vec!["10.0.0.9".to_owned()], "reserved")
    );
    assert_eq!(
        (imported.declared.len(), imported.rows_left_out),
        (3, 1),
        "{:?}",
        imported.skipped
    );
}

#[test]
fn lists_joined_into_one_file_are_one_estate() {
    let imported = list(&format!("[{ADDRESSES},{DEVICES},{MACHINES}]"));
    assert_eq!(imported.declared.len(), 5);
    let mail = of(&imported, "mail1");
    assert_eq!(addresses(mail), ["10.0.0.5", "10.0.7.5", "2001:db8::5"]);
    assert_eq!(mail.more["status"], "planned", "not the address's");
    assert_eq!(
        addresses(of(&imported, "db1")),
        ["10.0.0.6"],
        "a device and a virtual machine of one number are two"
    );
}

#[test]
fn a_plain_list_and_one_without_addresses_of_its_own_are_read_as_well() {
    let whole: serde_json::Value = serde_json::from_str(DEVICES).unwrap();
    assert_eq!(
        list(&whole["results"].to_string()).declared,
        list(DEVICES).declared
    );
    let bare = whole["results"].to_string().replace("\"url\"", "\"x\"");
    assert_eq!(list(&bare).declared, list(DEVICES).declared);
}

#[test]
fn other_json_is_not_taken_for_netbox() {
    for other in [
        r#"{"results": [], "count": 0}"#,
        r#"{"count": 1, "results": [{"id": 1, "name": "mail1", "status": "open"}]}"#,
        r#"[{"name": "a", "address": "12 Main Street", "site": "x"}]"#,
        r#"[{"url": "https://shop.example/api/orders/1/", "name": "x", "site": 1, "role": 2}]"#,
        r#"{"dcim/devices": []}"#,
        "[1, 2]",
        "{",
    ] {
        assert!(
            matches!(recognise(other.as_bytes()), Kind::Unknown(_)),
            "{other}"
        );
    }
}

#[test]
fn what_groma_writes_for_netbox_comes_back() {
    let text = groma_export::netbox(&exported::office());
    let imported = list(&text);
    let kinds: Vec<(String, &str)> = imported
        .declared
        .iter()
        .map(|d| (d.name.to_string(), d.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("copier-2".to_owned(), "device"),
            ("dc1".to_owned(), "host"),
            ("hv1".to_owned(), "hypervisor"),
            ("six".to_owned(), "host"),
            ("mail1".to_owned(), "vm")
        ]
    );
    let mail = of(&imported, "mail1");
    assert_eq!(addresses(mail), ["10.0.0.5", "172.17.0.1"]);
    assert_eq!(mail.macs, ["02:00:00:00:00:01", "02:42:00:00:00:01"]);
    assert_eq!(mail.runs_on.as_ref().unwrap().to_string(), "hv1");
    assert_eq!(mail.more["serial"], "VM-1");
    assert_eq!(list(&groma_export::netbox(&exported::empty())).declared, []);
}

#[test]
fn hostile_names_come_back_as_they_are_shown() {
    let names = exported::hostile_names();
    let imported = list(&groma_export::netbox(&exported::hostile(&names)));
    let shown: std::collections::BTreeSet<String> = imported
        .declared
        .iter()
        .map(|d| d.name.to_string())
        .collect();
    assert!(shown.contains("<script>alert(1)</script>") && shown.contains("=cmd|' /C calc'!A0"));
    assert!(imported.declared.len() > 200);
}

#[test]
fn no_nesting_or_bytes_break_the_reader() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(recognise(deep.as_bytes()), Kind::Unknown(_)));
    let nested = format!(
        r#"{{"count":1,"results":[{{"url":"/api/dcim/devices/1/","name":"a","site":{}1{}}}]}}"#,
        "[".repeat(90),
        "]".repeat(90)
    );
    assert_eq!(list(&nested).declared.len(), 1);
    groma_fuzz::hammer(
        3000,
        &[
            DEVICES.as_bytes(),
            MACHINES.as_bytes(),
            ADDRESSES.as_bytes(),
        ],
        |bytes| {
            drop(read("netbox", bytes, now()));
        },
    );
}

proptest::proptest! {
    #[test]
    fn what_a_list_says_comes_back(names in proptest::collection::btree_set("h-[a-z0-9]{1,10}", 1..30), tenant in "[^\\p{C}]{0,30}") {
        let objects: Vec<serde_json::Value> = names.iter().zip(1..).map(|(name, id)| serde_json::json!({
            "id": id, "url": format!("https://n.example/api/dcim/devices/{id}/"), "name": name, "site": {"name": "S"}, "tenant": {"name": tenant}
        })).collect();
        let text = serde_json::json!({"count": objects.len(), "next": null, "results": objects}).to_string();
        let imported = read("netbox", text.as_bytes(), now()).unwrap();
        let read: std::collections::BTreeSet<String> = imported.declared.iter().map(|d| d.name.to_string()).collect();
        proptest::prop_assert_eq!(read, names);
        for declared in imported.declared.iter().filter(|d| d.owner.is_some()) {
            proptest::prop_assert_eq!(declared.owner.as_deref(), Some(tenant.trim()));
        }
    }
}
