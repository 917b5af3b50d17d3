//! A workbook as RVTools writes it, made by us: see `fixtures/made-here/RECORDED.md`.
#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::unwrap_used, reason = "tests only")]

use groma_model::Timestamp;
use rust_xlsxwriter::{Formula, Workbook, Worksheet};

pub(crate) const INVENTORY: &[u8] = include_bytes!("../fixtures/made-here/inventory.csv");
pub(crate) const PARC: &[u8] = include_bytes!("../fixtures/made-here/parc.csv");
pub(crate) const SPISOK: &[u8] = include_bytes!("../fixtures/made-here/spisok.csv");

pub(crate) const CENTER: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

const INFO: &[&str] = &[
    "VM",
    "Powerstate",
    "Template",
    "SRM Placeholder",
    "Config status",
    "DNS Name",
    "Connection state",
    "Guest state",
    "Heartbeat",
    "CPUs",
    "Memory",
    "NICs",
    "In Use MiB",
    "Primary IP Address",
    "Annotation",
    "Datacenter",
    "Cluster",
    "Host",
    "OS according to the configuration file",
    "OS according to the VMware Tools",
    "VM ID",
    "VM UUID",
    "VI SDK Server type",
    "VI SDK API Version",
    "VI SDK Server",
    "VI SDK UUID",
];

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000)
}

pub(crate) fn uuid(number: u8) -> String {
    format!("42{number:02x}f1c9-0b2e-4d5a-9c1d-1f2e3d4c5b6a")
}

fn head(sheet: &mut Worksheet, columns: &[&str]) {
    for (column, name) in (0..).zip(columns) {
        sheet.write_string(0, column, *name).unwrap();
    }
}

fn put(sheet: &mut Worksheet, columns: &[&str], row: u32, cells: &[(&str, &str)]) {
    for (name, text) in cells {
        let column = u16::try_from(columns.iter().position(|c| c == name).unwrap()).unwrap();
        sheet.write_string(row, column, *text).unwrap();
    }
}

/// Three machines (one a template without an address), their cards, one hypervisor. `load` moves with every export.
pub(crate) fn rvtools(load: f64) -> Vec<u8> {
    let mut book = Workbook::new();
    let info = book.add_worksheet().set_name("vInfo").unwrap();
    head(info, INFO);
    let machines = [
        ("mail1", 1, "mail1.corp.example", "10.0.0.5"),
        ("db1", 2, "db1", "10.0.0.6"),
        ("golden", 3, "", ""),
    ];
    for (row, (name, number, dns, ip)) in (1..).zip(machines) {
        let uuid = uuid(number);
        let powered = if ip.is_empty() {
            "poweredOff"
        } else {
            "poweredOn"
        };
        let cells = [
            ("VM", name),
            ("DNS Name", dns),
            ("Primary IP Address", ip),
            ("VM UUID", uuid.as_str()),
            ("VI SDK UUID", CENTER),
            ("Powerstate", powered),
        ];
        put(info, INFO, row, &cells);
        let cells = [
            ("Host", "esx1.corp.example"),
            ("Cluster", "C1"),
            ("Datacenter", "Dublin"),
            ("VI SDK Server", "vc.corp.example"),
            ("Heartbeat", "green"),
        ];
        put(info, INFO, row, &cells);
        let cells = [
            (
                "OS according to the configuration file",
                "Other Linux (64-bit)",
            ),
            (
                "OS according to the VMware Tools",
                "Debian GNU/Linux 12 (64-bit)",
            ),
        ];
        put(info, INFO, row, &cells);
        info.write_number(row, 9, 4.0).unwrap();
        info.write_number(row, 12, load).unwrap();
        info.write_boolean(row, 2, ip.is_empty()).unwrap();
    }
    info.write_string(1, 14, "root password: swordfish")
        .unwrap();
    info.write_formula(
        2,
        14,
        Formula::new("=HYPERLINK(\"http://x\")").set_result("=2+3"),
    )
    .unwrap();
    let columns = [
        "VM",
        "Powerstate",
        "Adapter",
        "Network",
        "Mac Address",
        "IPv4 Address",
        "IPv6 Address",
        "VM UUID",
        "VI SDK UUID",
    ];
    let cards = book.add_worksheet().set_name("vNetwork").unwrap();
    head(cards, &columns);
    for (row, (number, mac, ip)) in (1..).zip([
        (1, "00:50:56:00:00:01", "10.0.0.5"),
        (1, "00:50:56:00:00:02", "10.9.0.5"),
        (2, "00:50:56:00:00:03", "unknown"),
    ]) {
        let uuid = uuid(number);
        put(
            cards,
            &columns,
            row,
            &[
                ("VM", "same name"),
                ("Mac Address", mac),
                ("IPv4 Address", ip),
                ("VM UUID", uuid.as_str()),
                ("VI SDK UUID", CENTER),
            ],
        );
    }
    let columns = [
        "Host",
        "Datacenter",
        "Cluster",
        "CPU Model",
        "CPU usage %",
        "ESX Version",
        "Vendor",
        "Model",
        "VI SDK UUID",
    ];
    let hosts = book.add_worksheet().set_name("vHost").unwrap();
    head(hosts, &columns);
    put(
        hosts,
        &columns,
        1,
        &[
            ("Host", "esx1.corp.example"),
            ("Vendor", "Maker"),
            ("ESX Version", "VMware ESXi 7.0.3"),
            ("VI SDK UUID", CENTER),
        ],
    );
    hosts.write_number(1, 4, load).unwrap();
    book.save_to_buffer().unwrap()
}

/// A workbook of one sheet that is no RVTools export.
pub(crate) fn budget() -> Vec<u8> {
    let mut book = Workbook::new();
    book.add_worksheet().write_string(0, 0, "Budget").unwrap();
    book.save_to_buffer().unwrap()
}
