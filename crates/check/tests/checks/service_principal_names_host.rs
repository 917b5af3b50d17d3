//! `service-principal-names-host`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "service-principal-names-host";

fn with(class: &str, on: groma_model::inventory::Entity) -> Inventory {
    let mut on = on;
    on.attributes.directory_objects = vec![directory_object(class, "HTTP/app1", &[])];
    inventory(vec![on], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with("service-principal", host("app1"))
}

/// The machine's own account, whose names come with it.
pub(crate) fn negative() -> Inventory {
    with("computer", host("app1"))
}

#[test]
fn a_principal_without_a_machine_is_nobodys_move() {
    assert!(only(CHECK, &positive()).indicator.contains("HTTP/app1"));
    let nowhere = with("service-principal", entity("directory", "corp.example"));
    assert!(found(CHECK, &nowhere).is_empty());
}
