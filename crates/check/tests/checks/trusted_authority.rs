//! `trusted-authority`

use groma_model::inventory::{Disposition, Inventory, Severity, System};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "trusted-authority";

fn added(days: i64, word: Option<&str>) -> Inventory {
    let authority = altered(certificate("House Root", days), |c| {
        c.authority = true;
        c.self_signed = true;
    });
    let path = "/usr/local/share/ca-certificates/house.crt";
    let mut authority = in_file(in_file(authority, "web1", path, false), "app1", path, false);
    for place in &mut authority.attributes.places {
        place.trust = word.map(str::to_owned);
    }
    inventory(vec![host("web1"), host("app1"), authority], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    added(100, Some("added"))
}

pub(crate) fn negative() -> Inventory {
    added(100, None)
}

#[test]
fn it_says_until_when_and_where_it_was_added() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Medium);
    assert!(
        finding
            .risk
            .contains("added to the trust store of 2 machines, expires in 100 days"),
        "{}",
        finding.risk
    );
    assert!(
        finding.indicator.ends_with("added on app1 and web1"),
        "{}",
        finding.indicator
    );
    assert_eq!(
        only(CHECK, &added(10, Some("added"))).severity,
        Severity::High
    );
}

#[test]
fn one_that_lasts_is_silent_until_the_system_that_keeps_its_key_moves() {
    let mut lasting = added(2000, Some("added"));
    assert!(found(CHECK, &lasting).is_empty());
    for entity in &mut lasting.entities {
        for place in &mut entity.attributes.places {
            place.key_present = place.host == id("web1");
        }
    }
    let system = System {
        id: "sys-1".to_owned(),
        name: "old authority".to_owned(),
        functions: Vec::new(),
        members: vec![id("web1")],
        product: None,
        version: None,
        owner: None,
        key_users: None,
        on_call: None,
        criticality: None,
        allowed_downtime: None,
        disposition: Some(Disposition::Retire),
        confirmed_by: None,
        confirmed_on: None,
        ..System::default()
    };
    lasting.systems.push(system);
    assert!(
        only(CHECK, &lasting)
            .risk
            .contains("is kept by old authority, which is about to change")
    );
}
