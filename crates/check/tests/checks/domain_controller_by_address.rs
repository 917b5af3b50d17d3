//! `domain-controller-by-address`

use groma_model::inventory::Inventory;
use groma_model::inventory::ReachedBy;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "domain-controller-by-address";

fn with(class: &str, by: ReachedBy) -> Inventory {
    let mut dc = host("dc1");
    dc.attributes.directory_objects = vec![directory_object(class, "dc1", &[])];
    let need = with_reached(by);
    inventory(vec![dc, host("app1")], vec![need])
}

fn with_reached(by: ReachedBy) -> groma_model::inventory::Dependency {
    crate::build::with(depends("app1", "ldap-bind", "dc1", 636), |d| {
        d.reached_by = Some(by);
        d.reached_as = Some("10.0.0.1".to_owned());
    })
}

pub(crate) fn positive() -> Inventory {
    with("domain-controller", ReachedBy::AddressLiteral)
}

/// By the name that leads to every controller.
pub(crate) fn negative() -> Inventory {
    with("domain-controller", ReachedBy::Name)
}

#[test]
fn another_server_by_its_address_is_for_another_check() {
    assert!(only(CHECK, &positive()).indicator.contains("10.0.0.1"));
    assert!(found(CHECK, &with("computer", ReachedBy::AddressLiteral)).is_empty());
}
