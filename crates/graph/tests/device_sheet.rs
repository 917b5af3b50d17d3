//! The sheet goes out, comes back filled in, and the device's need stands in the map.
#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::*;
use groma_model::batch::Said;
use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};
use groma_model::device_verdict::{Answer, DeviceWord};
use groma_model::inventory::Inventory;
use groma_model::*;

/// A mail server and a copier that says it scans.
fn estate() -> Told {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1").host("mail1", "10.0.0.2");
    told.listens(
        "mail1",
        25,
        unit("/usr/lib/postfix/sbin/master", "postfix.service"),
    );
    let mut copier = DeviceSays::new(ip("10.0.0.50"), DeviceWitness::Escl);
    copier.class = Some(DeviceClass::Multifunction);
    copier.serial = Some("0012345".into());
    copier.location = Some("2nd floor, copy room".into());
    copier.can = vec![Deed::Print, Deed::Scan];
    told.say("vantage", "network.devices", Fact::DeviceSays(copier));
    told
}

fn document(told: &Told) -> Inventory {
    let (graph, entities) = told.graph_and_entities();
    let mut inventory = empty(Timestamp::from_seconds(1_795_165_200));
    inventory.entities = entities;
    inventory.devices = graph.devices;
    inventory.dependencies = graph.dependencies;
    inventory
}

/// The sheet with these cells of its only row filled in.
fn filled(sheet: &str, answers: &[(&str, &str)]) -> String {
    let mut lines = sheet.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = lines.next().unwrap();
    assert_eq!(lines.next(), None, "one device alone: {sheet}");
    // Quoted cells of this sheet hold commas, and no quotes.
    let bare = row.strip_prefix('"').and_then(|row| row.strip_suffix('"'));
    let cells = bare.unwrap().split("\",\"");
    let mut cells: Vec<String> = cells.map(str::to_owned).collect();
    assert_eq!(cells.len(), header.len(), "{row}");
    for (column, answer) in answers {
        let at = header
            .iter()
            .position(|name| name.trim_matches('"') == *column);
        cells[at.unwrap()] = (*answer).to_owned();
    }
    format!("{}\n\"{}\"\n", header.join(","), cells.join("\",\""))
}

#[test]
fn what_goes_out_on_the_sheet_comes_back_as_a_verdict_and_a_need() {
    let mut told = estate();
    let before = document(&told);
    assert!(before.devices[0].to_be_asked);
    let sheet = groma_report::device_sheet_csv(&before);
    assert!(
        sheet.contains("2nd floor, copy room") && sheet.contains("0012345"),
        "{sheet}"
    );
    let answers = [
        // What a spreadsheet makes of it, and what somebody wrote over it.
        ("serial", "12345"),
        ("location", "moved to the cellar"),
        ("model", "another one"),
        ("scans", "yes"),
        ("smtp_server", "10.0.0.2"),
        ("smtp_port", "25"),
        ("smtp_tls", "none"),
        ("smtp_account", "no"),
    ];
    let text = filled(&sheet, &answers);
    let now = Timestamp::from_seconds(1_795_170_000);
    let imported = groma_import::read("sheet.csv", text.as_bytes(), now).unwrap();
    assert!(imported.skipped.is_empty(), "{:?}", imported.skipped);
    let batch = groma_import::as_batch(&imported, &SiteId::default(), "0");
    for record in batch.records {
        if let Said::Saw(saw) = record.said {
            let vantage = batch.header.agent.to_string();
            told.say_in(saw.scope, &vantage, record.source.as_str(), saw.fact, 1);
        }
    }
    let after = document(&told);
    let [device] = after.devices.as_slice() else {
        panic!("{:#?}", after.devices);
    };
    assert_eq!(device.answer(Deed::Mail), Answer::Yes);
    assert!(!device.to_be_asked);
    assert_eq!(device.mail[0].anonymous, Some(true));
    assert_eq!(device.mail[0].reached_as.as_deref(), Some("10.0.0.2"));
    // What was printed is no word of anybody: nothing of it disputes what the device says, or is told for it.
    let told_by_itself = |value: &str, words: &[DeviceWord]| {
        let [word] = words else { panic!("{words:?}") };
        assert_eq!(
            (word.value.as_str(), word.by.as_slice()),
            (value, &["eSCL".to_owned()][..])
        );
    };
    told_by_itself("0012345", &device.serial);
    told_by_itself("2nd floor, copy room", &device.location);
    assert_eq!(device.model, []);
    assert_eq!(device.disputes(), Vec::<&str>::new());
    let need = after.dependencies.iter().find(|d| d.kind == "smtp-relay");
    let need = need.expect("the need stands in the map");
    assert_eq!(need.provider.name, "mail1");
    assert_eq!(need.witnesses, [Witness::Declared]);
    let empty = groma_report::device_sheet_csv(&after);
    assert_eq!(empty.lines().count(), 1, "nobody is left to be asked");
}
