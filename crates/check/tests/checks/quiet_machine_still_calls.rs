//! `quiet-machine-still-calls`

use groma_model::Timestamp;
use groma_model::inventory::Inventory;
use groma_model::ledger::{ConsumerClass, LedgerEntry};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "quiet-machine-still-calls";

fn used(account: &str, at: Timestamp) -> LedgerEntry {
    LedgerEntry {
        provider: id("dc1"),
        kind: "ldap-bind".to_owned(),
        consumer: id("app7"),
        class: ConsumerClass::Server,
        port: None,
        name: None,
        account: Some(account.to_owned()),
        mechanism: None,
        protection: None,
        says_it_is: None,
        service: None,
        asks: None,
        machine_account: false,
        refused: false,
        programs: Vec::new(),
        count: 3,
        first_seen: at,
        last_seen: at,
        hours: Default::default(),
        witnesses: Vec::new(),
        logs: Vec::new(),
        evidence: Vec::new(),
    }
}

fn with(activity: &str, account: &str, days_ago: i64) -> Inventory {
    let mut domain = entity("directory", "corp.example");
    domain.attributes.directory_objects = vec![directory_object(
        "computer",
        "APP7",
        &[("activity", activity)],
    )];
    let mut made = inventory(vec![domain, host("app7"), host("dc1")], Vec::new());
    made.ledger = vec![used(account, in_days(-days_ago))];
    made
}

pub(crate) fn positive() -> Inventory {
    with("quiet-over-180-days", "cn=app,dc=corp", 3)
}

/// The directory knows it as well as the log does.
pub(crate) fn negative() -> Inventory {
    with("active", "cn=app,dc=corp", 3)
}

#[test]
fn the_machine_is_known_by_its_name_or_its_own_account_and_only_lately() {
    assert!(
        only(CHECK, &positive())
            .indicator
            .contains("quiet-over-180-days; app7 used ldap-bind on dc1")
    );
    assert!(found(CHECK, &with("quiet-over-180-days", "x", 200)).is_empty());
    let mut other = with("never", "CORP\\APP7$", 3);
    other.ledger[0].consumer = id("dc1");
    assert!(only(CHECK, &other).indicator.contains("dc1 used"));
    let mut another = with("never", "CORP\\app70$", 3);
    another.ledger[0].consumer = id("dc1");
    assert!(found(CHECK, &another).is_empty());
    let called = with_calls(positive(), depends("app7", "ldap-bind", "dc1", 389));
    assert!(only(CHECK, &called).indicator.contains("called dc1"));
}

fn with_calls(mut made: Inventory, need: groma_model::inventory::Dependency) -> Inventory {
    made.ledger.clear();
    made.dependencies = vec![need];
    made
}
