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
        bases: Vec::new(),
        searches_by: Vec::new(),
        reached_by: None,
        reached_as: None,
        written_in: Vec::new(),
        rhythm: None,
        next_due: None,
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

#[test]
fn a_machine_of_another_domain_with_that_short_name_is_another() {
    let named = |mut made: Inventory, name: &str| {
        let app = made.entities.iter_mut().find(|e| e.name == "app7");
        app.expect("it is there").names = vec![name.to_owned()];
        found(CHECK, &made).len()
    };
    assert_eq!(named(positive(), "app7.other.example"), 0);
    assert_eq!(named(positive(), "app7.corp.example"), 1);
    let foreign = with("never", "OTHER\\APP7$", 3);
    assert_eq!(named(foreign, "app7.other.example"), 0);
}

#[test]
fn a_short_name_of_two_machines_is_nobodys() {
    let mut made = positive();
    let mut other = host("app7b");
    other.names = vec!["app7".into()];
    made.entities.push(other);
    let mut row = used("x", in_days(-2));
    row.consumer = id("app7b");
    made.ledger.push(row);
    assert!(found(CHECK, &made).is_empty());
}

fn with_calls(mut made: Inventory, need: groma_model::inventory::Dependency) -> Inventory {
    made.ledger.clear();
    made.dependencies = vec![need];
    made
}
