//! The workbook in the layout of RVTools, as its readers open it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests only"
)]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

mod common;

use std::io::Cursor;

use calamine::{Data, Reader as _, Xlsx};
use common::{Book, column, parts, sheet};
use groma_model::inventory::Inventory;
use groma_model::visible::is_plain;
use groma_workbook::rvtools;
use proptest::prelude::*;

/// The sheets of an export, in its order.
const SHEETS: [&str; 24] = [
    "vInfo",
    "vCPU",
    "vMemory",
    "vDisk",
    "vPartition",
    "vNetwork",
    "vCD",
    "vUSB",
    "vSnapshot",
    "vTools",
    "vRP",
    "vCluster",
    "vHost",
    "vHBA",
    "vNIC",
    "vSwitch",
    "vPort",
    "dvSwitch",
    "dvPort",
    "vSC_VMK",
    "vDatastore",
    "vMultiPath",
    "vHealth",
    "vMetaData",
];

fn opened(inventory: &Inventory) -> Book {
    Xlsx::new(Cursor::new(rvtools(inventory).unwrap())).unwrap()
}

/// The cell under `title` in the row in which `key` says `value`.
fn cell(book: &mut Book, name: &str, (key, value): (&str, &str), title: &str) -> Data {
    let range = sheet(book, name);
    let (key, at) = (column(&range, key), column(&range, title));
    let mut rows = range.rows().skip(1).filter(|row| row[key] == *value);
    let row = rows
        .next()
        .unwrap_or_else(|| panic!("{name} has no {value}"));
    row.get(at).cloned().unwrap_or(Data::Empty)
}

fn text(value: &str) -> Data {
    Data::String(value.to_owned())
}

#[test]
fn every_sheet_of_an_export_is_there_with_its_header_even_where_nothing_was_found() {
    let empty = sample::Estate::watched_since(sample::noon()).inventory;
    for inventory in [empty, sample::guests()] {
        let mut book = opened(&inventory);
        assert_eq!(book.sheet_names(), SHEETS);
        for name in SHEETS {
            assert!(sheet(&mut book, name).width() > 2, "{name}");
        }
        assert_eq!(sheet(&mut book, "vRP").height(), 1, "a header and no row");
    }
}

/// The same estate a second time at another site, where the hosts have other names.
fn at_two_sites() -> Inventory {
    let mut inventory = sample::guests();
    let mut second = inventory.entities.clone();
    for entity in &mut second {
        entity.id = groma_model::EntityId::new(format!("{}-b", entity.id));
        entity.site = groma_model::SiteId::new("minsk");
        if let Some(host) = &mut entity.attributes.hypervisor {
            entity.name = format!("minsk-{}", entity.name);
            host.name = entity.name.as_str().into();
        }
    }
    let mut rows = inventory.guests.clone();
    for row in &mut rows {
        row.entity = groma_model::EntityId::new(format!("{}-b", row.entity));
    }
    inventory.entities.extend(second);
    inventory.guests.extend(rows);
    inventory
}

#[test]
fn a_platform_of_one_name_at_two_sites_is_two_on_every_sheet() {
    let mut one = opened(&sample::guests());
    let mut two = opened(&at_two_sites());
    let esx = ("Host", "esx1.corp.example");
    for title in ["# VMs total", "# VMs", "# vCPUs", "vRAM"] {
        let alone = cell(&mut one, "vHost", esx, title);
        assert_ne!(alone, Data::Empty, "{title}");
        assert_eq!(cell(&mut two, "vHost", esx, title), alone, "{title}");
    }
    let cluster = ("Name", "C1");
    let alone = cell(&mut one, "vCluster", cluster, "NumHosts");
    assert_eq!(cell(&mut two, "vCluster", cluster, "NumHosts"), alone);
    let db = ("VM", "db1.corp.example");
    assert_eq!(
        cell(&mut two, "vInfo", db, "Cluster rule name(s)"),
        text("databases apart"),
        "the rule of the other site is not told twice"
    );
    let on = |book: &mut Book, host: &str| {
        let range = sheet(book, "vInfo");
        let at = column(&range, "Host");
        range.rows().filter(|row| row[at] == *host).count()
    };
    let alone = on(&mut one, "esx1.corp.example");
    assert_eq!(on(&mut two, "esx1.corp.example"), alone);
    assert_eq!(on(&mut two, "minsk-esx1.corp.example"), alone);
}

#[test]
fn a_guest_of_vsphere_says_what_its_platform_told() {
    let mut book = opened(&sample::guests());
    let web = ("VM", "web1.corp.example");
    for (title, value) in [
        ("Powerstate", text("poweredOn")),
        ("Template", text("False")),
        ("CPUs", Data::Float(4.0)),
        ("Memory", Data::Float(8_192.0)),
        ("Total disk capacity MiB", Data::Float(40_960.0)),
        ("In Use MiB", Data::Float(17_408.0)),
        ("Primary IP Address", text("10.1.0.1")),
        ("Network #1", text("servers")),
        ("Firmware", text("efi")),
        ("HW version", Data::Float(19.0)),
        ("Cluster", text("C1")),
        ("Host", text("esx1.corp.example")),
        ("VM ID", text("vm-1")),
        ("VM UUID", text("42000000-0000-4000-8000-000000000001")),
        ("VI SDK UUID", text("11111111-2222-4333-8444-555555555555")),
        ("VI SDK Server type", text("VMware vSphere")),
        ("Annotation", Data::Empty),
        ("Heartbeat", Data::Empty),
        ("SRM Placeholder", Data::Empty),
    ] {
        assert_eq!(cell(&mut book, "vInfo", web, title), value, "{title}");
    }
    let db = ("VM", "db1.corp.example");
    assert_eq!(
        cell(&mut book, "vInfo", db, "In Use MiB"),
        Data::Empty,
        "nobody measured it"
    );
    assert_eq!(
        cell(&mut book, "vInfo", db, "Cluster rule name(s)"),
        text("databases apart")
    );
    assert_eq!(
        cell(&mut book, "vInfo", ("VM", "golden"), "Template"),
        text("True")
    );
}

#[test]
fn what_no_platform_told_is_empty_and_a_no_that_one_told_is_false() {
    let of = |told: Option<bool>| {
        let mut inventory = sample::guests();
        for entity in &mut inventory.entities {
            if let Some(guest) = &mut entity.attributes.guest {
                guest.consolidation_needed = told;
            }
            if let Some(host) = &mut entity.attributes.hypervisor {
                host.maintenance = told;
            }
        }
        let mut book = opened(&inventory);
        let guest = cell(&mut book, "vInfo", ("VM", "stray"), "Consolidation Needed");
        let host = cell(&mut book, "vHost", ("Host", "kvm1"), "in Maintenance Mode");
        [guest, host]
    };
    assert_eq!(of(None), [Data::Empty, Data::Empty]);
    assert_eq!(of(Some(false)), [text("False"), text("False")]);
    assert_eq!(of(Some(true)), [text("True"), text("True")]);
}

#[test]
fn a_guest_of_another_platform_stands_in_the_same_columns() {
    let mut book = opened(&sample::guests());
    let stray = ("VM", "stray");
    for (title, value) in [
        ("Powerstate", text("suspended")),
        ("Host", text("kvm1")),
        ("VI SDK Server type", text("libvirt")),
        ("VI SDK Server", text("kvm1")),
        ("VI SDK UUID", Data::Empty),
        ("Consolidation Needed", Data::Empty),
        ("Disks", Data::Float(1.0)),
    ] {
        assert_eq!(cell(&mut book, "vInfo", stray, title), value, "{title}");
    }
    let path = cell(&mut book, "vDisk", stray, "Path");
    assert_eq!(path, text("/var/lib/libvirt/images/stray.qcow2"));
    for (title, why) in [
        ("VM UUID", "a container has the UUID of its host"),
        ("SMBIOS UUID", "a container has the UUID of its host"),
        ("Disks", "nobody told of disks, which is not none"),
        ("Provisioned MiB", "nobody told of disks, which is not none"),
    ] {
        let cell = cell(&mut book, "vInfo", ("VM", "cell"), title);
        assert_eq!(cell, Data::Empty, "{title}: {why}");
    }
}

#[test]
fn a_lone_esxi_that_goes_by_its_name_has_no_uuid_of_a_center() {
    let mut inventory = sample::guests();
    for entity in &mut inventory.entities {
        if let Some(guest) = entity.attributes.guest.as_deref_mut() {
            guest.platform.id = "esx7.corp.example".to_owned();
        }
    }
    let mut book = opened(&inventory);
    let web = ("VM", "web1.corp.example");
    let server = cell(&mut book, "vInfo", web, "VI SDK Server");
    assert_eq!(server, text("esx7.corp.example"));
    assert_eq!(cell(&mut book, "vInfo", web, "VI SDK UUID"), Data::Empty);
}

#[test]
fn parts_of_guests_and_hosts_stand_on_their_sheets() {
    let mut book = opened(&sample::guests());
    for (name, key, title, value) in [
        ("vDisk", ("Disk", "Hard disk 2"), "Raw", text("True")),
        (
            "vDisk",
            ("Disk", "Hard disk 2"),
            "Disk Mode",
            text("independent_persistent"),
        ),
        ("vDisk", ("Disk", "Hard disk 1"), "Thin", text("True")),
        (
            "vCPU",
            ("VM", "web1.corp.example"),
            "Sockets",
            Data::Float(2.0),
        ),
        (
            "vMemory",
            ("VM", "web1.corp.example"),
            "Size MiB",
            Data::Float(8_192.0),
        ),
        (
            "vPartition",
            ("Disk", "/srv"),
            "Capacity MiB",
            Data::Float(20_480.0),
        ),
        ("vPartition", ("Disk", "/srv"), "Free MiB", Data::Empty),
        (
            "vNetwork",
            ("VM", "stray"),
            "Mac Address",
            text("00:50:56:00:00:05"),
        ),
        (
            "vCD",
            ("VM", "db1.corp.example"),
            "Device Type",
            text("[iso] debian.iso"),
        ),
        (
            "vSnapshot",
            ("VM", "db1.corp.example"),
            "Name",
            text("before the update"),
        ),
        (
            "vTools",
            ("VM", "web1.corp.example"),
            "Tools",
            text("toolsOk"),
        ),
        ("vTools", ("VM", "stray"), "Tools", Data::Empty),
        ("vCluster", ("Name", "C1"), "NumCpuCores", Data::Float(32.0)),
        ("vCluster", ("Name", "C1"), "HA enabled", text("True")),
        (
            "vHost",
            ("Host", "esx1.corp.example"),
            "Memory usage %",
            Data::Float(50.0),
        ),
        (
            "vHost",
            ("Host", "esx1.corp.example"),
            "# VMs",
            Data::Float(2.0),
        ),
        ("vHost", ("Host", "kvm1"), "# VMs total", Data::Float(3.0)),
        ("vHost", ("Host", "kvm1"), "CPU usage %", Data::Empty),
        (
            "vNIC",
            ("Network Device", "vmnic0"),
            "Switch",
            text("vSwitch0"),
        ),
        ("vPort", ("Port Group", "servers"), "VLAN", text("20")),
        (
            "dvSwitch",
            ("Switch", "dvs1"),
            "Max MTU",
            Data::Float(9_000.0),
        ),
        ("dvPort", ("Port", "dv-databases"), "Switch", text("dvs1")),
        (
            "vSC_VMK",
            ("Host", "esx1.corp.example"),
            "IP Address",
            text("10.1.9.1"),
        ),
        ("vDatastore", ("Name", "ds1"), "Type", text("VMFS")),
        (
            "vDatastore",
            ("Name", "ds1"),
            "Free MiB",
            Data::Float(1_048_576.0),
        ),
        ("vDatastore", ("Name", "ds1"), "Free %", Data::Float(25.0)),
        ("vDatastore", ("Name", "ds1"), "# VMs", Data::Float(2.0)),
        (
            "vHealth",
            ("Name", "db1.corp.example"),
            "Message type",
            text("Critical"),
        ),
    ] {
        assert_eq!(cell(&mut book, name, key, title), value, "{name}: {title}");
    }
    let taken = cell(
        &mut book,
        "vSnapshot",
        ("VM", "db1.corp.example"),
        "Date / time",
    );
    assert!(matches!(taken, Data::DateTime(_)), "{taken:?}");
}

#[test]
fn the_same_guests_in_any_order_give_the_same_bytes() {
    let inventory = sample::guests();
    let mut turned = inventory.clone();
    turned.entities.reverse();
    turned.guests.reverse();
    turned.measurements.reverse();
    assert!(rvtools(&inventory).unwrap() == rvtools(&turned).unwrap());
}

/// `text` wherever a platform lets people write.
fn written_everywhere(text: &str) -> Inventory {
    let mut inventory = sample::guests();
    let own = || text.to_owned();
    for entity in &mut inventory.entities {
        let attributes = &mut entity.attributes;
        if let Some(guest) = attributes.guest.as_deref_mut() {
            guest.platform.id = own();
            guest.key = own();
            guest.name = text.into();
            guest.folder = Some(text.into());
            guest.uuid = Some(own());
            guest.hardware_version = Some(own());
            guest.configured_os = Some(own());
            guest.reported_os = Some(own());
            guest.media = vec![text.into()];
            for disk in &mut guest.disks {
                (disk.name, disk.path) = (own(), Some(text.into()));
            }
            for nic in &mut guest.nics {
                (nic.name, nic.network, nic.mac) = (own(), Some(own()), Some(own()));
            }
            for kept in &mut guest.snapshots {
                kept.name = text.into();
            }
        }
        if let Some(host) = attributes.hypervisor.as_deref_mut() {
            (host.name, host.product, host.model) = (text.into(), Some(own()), Some(own()));
            for switch in &mut host.switches {
                switch.name = own();
            }
        }
        if let Some(store) = attributes.datastore.as_deref_mut() {
            (store.name, store.path) = (text.into(), Some(text.into()));
        }
    }
    for blocker in inventory
        .guests
        .iter_mut()
        .flat_map(|row| &mut row.blockers)
    {
        blocker.what = own();
    }
    inventory
}

fn assert_text_alone(inventory: &Inventory) {
    let bytes = rvtools(inventory).unwrap();
    for (name, part) in parts(&bytes) {
        for tag in [
            "<f>",
            "<f ",
            "<hyperlink",
            "<oleLink",
            "<ddeLink",
            "TargetMode=\"External\"",
        ] {
            assert!(!part.contains(tag), "{tag} in {name}");
        }
    }
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    for name in book.sheet_names() {
        assert!(book.worksheet_formula(&name).unwrap().is_empty(), "{name}");
        for cell in sheet(&mut book, &name).rows().flatten() {
            let text = cell.to_string();
            assert!(
                !text.starts_with(['=', '@', '\t', '\r', '＝']),
                "{name}: {text:?}"
            );
            assert!(text.chars().all(is_plain), "{name}: {text:?}");
            assert!(text.encode_utf16().count() <= 32_767, "{name}");
        }
    }
}

#[test]
fn what_strangers_call_their_guests_is_text_and_nothing_else() {
    assert_text_alone(&sample::guests());
    for hostile in [
        "=cmd|' /C calc'!A0",
        "\t=1",
        "</t></is>",
        "a\u{0}b\u{202e}c",
        "_x0041_",
        "https://evil.example/?x=1",
        "",
    ] {
        assert_text_alone(&written_everywhere(hostile));
    }
    assert_text_alone(&written_everywhere(&"y".repeat(70_000)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_name_whatever_becomes_more_than_text(found in "[=+@\\t -]{0,2}\\PC{0,20}|(?s:.{0,40})") {
        assert_text_alone(&written_everywhere(&found));
    }
}

#[test]
#[ignore = "writes a file for a look with a spreadsheet program: GROMA_RVTOOLS_OUT names it, GROMA_RVTOOLS_GUESTS how many guests"]
fn a_file_to_look_at() {
    #![allow(
        clippy::disallowed_methods,
        reason = "a measuring test writes where it is told"
    )]
    let mut inventory = sample::guests();
    let many = std::env::var("GROMA_RVTOOLS_GUESTS")
        .ok()
        .and_then(|n| n.parse().ok());
    let web = inventory
        .entities
        .iter()
        .find(|e| e.id.as_str() == "ent-db1")
        .unwrap()
        .clone();
    for number in 0..many.unwrap_or(0_u32) {
        let mut one = web.clone();
        one.id = groma_model::EntityId::new(format!("ent-{number}"));
        let guest = one.attributes.guest.as_deref_mut().unwrap();
        guest.key = format!("vm-{number}");
        guest.name = format!("guest{number}.corp.example").as_str().into();
        guest.uuid = Some(format!("42000000-0000-4000-8000-{number:012x}"));
        inventory.entities.push(one);
    }
    let path = std::env::var("GROMA_RVTOOLS_OUT").unwrap();
    std::fs::write(path, rvtools(&inventory).unwrap()).unwrap();
}
