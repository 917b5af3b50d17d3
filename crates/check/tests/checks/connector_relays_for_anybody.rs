//! `connector-relays-for-anybody`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "connector-relays-for-anybody";

fn with(said: &[(&str, &str)]) -> Inventory {
    let mut mail = host("mbx1");
    mail.attributes.directory_objects = vec![directory_object("receive-connector", "Scan", said)];
    inventory(vec![mail], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with(&[
        ("relay", "to anybody, without a logon"),
        ("networks", "10.9.0.0/16"),
    ])
}

/// It takes mail from the same networks, for the house alone.
pub(crate) fn negative() -> Inventory {
    with(&[("networks", "10.9.0.0/16")])
}

#[test]
fn one_for_the_whole_world_is_critical_and_one_that_is_off_is_nothing() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding.indicator.contains("10.9.0.0/16"),
        "{}",
        finding.indicator
    );
    let world = with(&[
        ("relay", "to anybody"),
        ("networks", "0.0.0.0-255.255.255.255"),
    ]);
    assert_eq!(only(CHECK, &world).severity, Severity::Critical);
    let off = with(&[("relay", "to anybody"), ("state", "disabled")]);
    assert!(found(CHECK, &off).is_empty());
}
