//! `domain-trust-unseen`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "domain-trust-unseen";

fn with(said: &[(&str, &str)]) -> Inventory {
    let mut domain = entity("directory", "corp.example");
    domain.attributes.directory_objects = vec![
        directory_object("directory", "corp.example", &[]),
        directory_object("trust", "partner.example", said),
    ];
    inventory(vec![domain], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with(&[
        ("direction", "both ways"),
        ("kind", "Active Directory domain"),
    ])
}

/// The partner was asked too.
pub(crate) fn negative() -> Inventory {
    let mut both = positive();
    let mut partner = entity("directory", "partner.example");
    let mut object = directory_object("directory", "partner.example", &[]);
    object.object.directory = "Partner.example".to_owned();
    partner.attributes.directory_objects = vec![object];
    both.entities.push(partner);
    both
}

#[test]
fn a_trust_that_is_off_or_within_the_forest_is_no_hole() {
    assert!(only(CHECK, &positive()).indicator.contains("both ways"));
    for said in [
        ("direction", "disabled"),
        ("trustAttributes", "within the forest"),
    ] {
        assert!(found(CHECK, &with(&[said])).is_empty(), "{said:?}");
    }
}
