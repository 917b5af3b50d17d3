//! `private-key-readable`

use groma_model::fact::KeyFile;
use groma_model::inventory::{Entity, Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "private-key-readable";

fn with_key(mode: u32, owner: u32, group: u32) -> Inventory {
    let mut entity = in_file(
        certificate("www.corp.example", 200),
        "web1",
        "/etc/nginx/tls.crt",
        true,
    );
    for place in &mut entity.attributes.places {
        place.key = Some(KeyFile {
            path: "/etc/nginx/tls.key".into(),
            mode: Some(mode),
            owner: Some(owner),
            group: Some(group),
            readers: None,
        });
    }
    inventory(vec![host("web1"), entity], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with_key(0o644, 0, 0)
}

pub(crate) fn negative() -> Inventory {
    with_key(0o600, 0, 0)
}

#[test]
fn a_key_open_to_all_is_grave_and_says_its_mode() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(
        finding.indicator,
        "/etc/nginx/tls.key has mode 0644, owner 0, group 0; it belongs to 1 certificate"
    );
}

#[test]
fn a_group_of_people_is_told_and_a_group_of_a_service_is_not() {
    assert_eq!(
        only(CHECK, &with_key(0o640, 0, 100)).severity,
        Severity::Low
    );
    assert_eq!(
        only(CHECK, &with_key(0o640, 0, 1005)).severity,
        Severity::Low
    );
    for silent in [
        with_key(0o640, 0, 0),
        with_key(0o640, 0, 114),
        with_key(0o640, 1005, 1005),
        with_key(0o600, 0, 100),
    ] {
        assert!(found(CHECK, &silent).is_empty());
    }
}

#[test]
fn a_key_that_was_closed_since_is_not_open() {
    let only_certificate = |mut estate: Inventory| {
        estate.entities.retain(|e| e.kind == "certificate");
        estate.entities.remove(0)
    };
    let mut old = not_seen_since(only_certificate(positive()), 5);
    old.id = id("old-certificate");
    let estate = |others: Vec<Entity>| {
        let mut entities = vec![host("web1"), old.clone()];
        entities.extend(others);
        inventory(entities, Vec::new())
    };
    let closed = only_certificate(negative());
    assert!(found(CHECK, &estate(vec![closed])).is_empty());
    // Without a newer sighting it stays what it was.
    only(CHECK, &estate(Vec::new()));
}
