//! `delegation-crosses-systems`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "delegation-crosses-systems";

fn with(system_of_database: &str) -> Inventory {
    let (mut app, mut database) = (host("portal1"), host("vault1"));
    app.system = Some("crm".into());
    database.system = Some(system_of_database.into());
    let mut account = entity("account", "svc-web@corp.example");
    account.attributes.directory_objects = vec![directory_object(
        "service-account",
        "svc-web",
        &[
            ("servicePrincipalName", "HTTP/portal1"),
            ("msDS-AllowedToDelegateTo", "MSSQLSvc/vault1:1433"),
        ],
    )];
    inventory(vec![app, database, account], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with("erp")
}

/// Both move together anyway.
pub(crate) fn negative() -> Inventory {
    with("crm")
}

#[test]
fn a_target_nobody_knows_crosses_nothing() {
    let finding = only(CHECK, &positive());
    assert!(
        finding
            .indicator
            .contains("portal1 towards MSSQLSvc/vault1:1433 (vault1)"),
        "{}",
        finding.indicator
    );
    let mut alone = positive();
    alone.entities.retain(|e| e.name != "vault1");
    assert!(found(CHECK, &alone).is_empty());
}

#[test]
fn a_name_of_two_machines_crosses_nothing() {
    let mut made = positive();
    let mut other = host("vault2");
    other.names = vec!["vault1".into()];
    other.system = Some("crm".into());
    made.entities.push(other);
    assert!(found(CHECK, &made).is_empty());
}
