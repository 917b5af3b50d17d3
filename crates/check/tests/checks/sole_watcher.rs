//! `sole-watcher`

use groma_model::fact::WatchPurpose;
use groma_model::inventory::{Disposition, Inventory, Severity, System, Watching};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "sole-watcher";

fn row(of: &str, purpose: WatchPurpose, by: Option<&str>) -> Watching {
    Watching {
        entity: id(of),
        purpose,
        by: by.map(id),
        name: by.unwrap_or("*").to_owned(),
        products: vec!["NRPE".to_owned()],
        witnesses: Vec::new(),
        evidence: vec![groma_model::EvidenceId::of(&["watch", of])],
    }
}

pub(crate) fn positive() -> Inventory {
    let mut inventory = inventory(
        vec![host("mon1"), host("mon2"), host("web1"), host("web2")],
        Vec::new(),
    );
    inventory.watching = vec![
        row("web1", WatchPurpose::WatchedBy, Some("mon1")),
        row("web1", WatchPurpose::WatchedBy, None),
        row("web2", WatchPurpose::WatchedBy, Some("mon1")),
        row("web2", WatchPurpose::WatchedBy, Some("mon2")),
        row("web2", WatchPurpose::LogsTo, Some("mon1")),
    ];
    inventory
}

pub(crate) fn negative() -> Inventory {
    let mut inventory = positive();
    let two = ["web1", "web2"].map(|of| row(of, WatchPurpose::WatchedBy, Some("mon2")));
    inventory.watching.extend(two);
    inventory
        .watching
        .push(row("web2", WatchPurpose::LogsTo, Some("mon2")));
    inventory.watching.sort();
    inventory.watching.dedup();
    inventory
}

#[test]
fn it_counts_what_nobody_else_watches() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Low);
    assert_eq!(
        finding.risk,
        "When mon1 is switched off, nobody watches 1 machine, and the logs of 1 machine have nowhere to go."
    );
    assert_eq!(
        finding.indicator,
        "watched by it alone: web1; logs to it alone: web2"
    );
}

#[test]
fn whoever_answers_anybody_is_no_second_watcher_and_a_second_one_is() {
    assert!(found(CHECK, &negative()).is_empty());
}

#[test]
fn a_watcher_that_is_to_go_is_a_grave_matter() {
    let mut retired = positive();
    retired.systems = vec![System {
        id: "sys-mon".to_owned(),
        name: "monitoring".to_owned(),
        functions: Vec::new(),
        members: vec![id("mon1")],
        product: None,
        version: None,
        owner: None,
        key_users: None,
        on_call: None,
        criticality: None,
        allowed_downtime: None,
        disposition: Some(Disposition::Retire),
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    }];
    assert_eq!(only(CHECK, &retired).severity, Severity::High);
}

#[test]
fn a_service_outside_the_house_is_not_switched_off_by_us() {
    let mut outside = positive();
    for entity in &mut outside.entities {
        if entity.id == id("mon1") {
            entity.kind = "external".to_owned();
            entity.has_agent = false;
            entity.addresses = vec!["198.51.100.7".parse().unwrap()];
        }
    }
    assert!(found(CHECK, &outside).is_empty());
}
