//! `directory-role`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "directory-role";

pub(crate) fn positive() -> Inventory {
    let mut dc = host("dc1");
    dc.attributes.directory_objects = vec![
        directory_object("role", "PDC emulator", &[]),
        directory_object("role", "RID master", &[]),
        directory_object("computer", "dc1", &[]),
    ];
    inventory(vec![dc], Vec::new())
}

/// A controller without a role, and a role whose holder nobody knows.
pub(crate) fn negative() -> Inventory {
    let mut dc = host("dc2");
    dc.attributes.directory_objects = vec![directory_object("domain-controller", "dc2", &[])];
    let mut domain = entity("directory", "corp.example");
    domain.attributes.directory_objects = vec![directory_object("role", "RID master", &[])];
    inventory(vec![dc, domain], Vec::new())
}

#[test]
fn the_roles_of_a_machine_are_one_finding() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.indicator, "PDC emulator and RID master");
    assert!(found(CHECK, &negative()).is_empty());
}
