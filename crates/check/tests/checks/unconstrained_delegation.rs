//! `unconstrained-delegation`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "unconstrained-delegation";

fn with(said: &[(&str, &str)]) -> Inventory {
    let mut app = host("app1");
    app.attributes.directory_objects = vec![directory_object("computer", "app1", said)];
    inventory(vec![app], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with(&[("delegation", "to any service")])
}

/// Bounded by a list.
pub(crate) fn negative() -> Inventory {
    with(&[("delegation", "to listed services")])
}

#[test]
fn a_disabled_account_is_no_danger() {
    assert!(only(CHECK, &positive()).indicator.contains("app1"));
    let off = with(&[("delegation", "to any service"), ("state", "disabled")]);
    assert!(found(CHECK, &off).is_empty());
}
