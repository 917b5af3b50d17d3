//! `dns-record-aged`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::only;

const CHECK: &str = "dns-record-aged";

fn with(class: &str) -> Inventory {
    let mut domain = entity("directory", "corp.example");
    let said = [
        ("addresses", "10.0.0.80"),
        ("activity", "not-renewed-for-over-180-days"),
    ];
    domain.attributes.directory_objects = vec![directory_object(class, "old.corp.example", &said)];
    inventory(vec![domain], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with("dns-record")
}

/// A service that somebody wrote down has no age.
pub(crate) fn negative() -> Inventory {
    with("dns-service")
}

#[test]
fn the_record_is_named_with_its_address() {
    let finding = only(CHECK, &positive());
    assert!(
        finding.indicator.contains("old.corp.example (10.0.0.80)"),
        "{}",
        finding.indicator
    );
}
