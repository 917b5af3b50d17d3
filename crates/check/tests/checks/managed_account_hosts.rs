//! `managed-account-hosts`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "managed-account-hosts";

fn with(class: &str, said: &[(&str, &str)]) -> Inventory {
    let mut account = entity("account", "gmsa-web@corp.example");
    account.attributes.directory_objects = vec![directory_object(class, "gmsa-web", said)];
    inventory(vec![account], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with(
        "managed-service-account",
        &[("password-readable-by", "app1$")],
    )
}

/// Somebody knows the password of this one.
pub(crate) fn negative() -> Inventory {
    with("service-account", &[("servicePrincipalName", "HTTP/app1")])
}

#[test]
fn the_list_is_told_by_name() {
    assert!(only(CHECK, &positive()).indicator.contains("app1$"));
    assert!(found(CHECK, &with("managed-service-account", &[])).is_empty());
}
