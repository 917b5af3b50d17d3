//! `hosts-file-override`

use groma_model::inventory::{Inventory, ReachedBy};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "hosts-file-override";

fn overridden(consumers: &[&str], provider: &str) -> Inventory {
    let mut entities: Vec<_> = consumers.iter().map(|n| host(n)).collect();
    if !consumers.contains(&provider) {
        entities.push(host(provider));
    }
    let pinned = |n: &&str| {
        with(depends(n, "smtp-relay", provider, 25), |d| {
            d.reached_by = Some(ReachedBy::HostsFile);
            d.reached_as = Some("old-mail.corp.example".to_owned());
        })
    };
    inventory(entities, consumers.iter().map(pinned).collect())
}

pub(crate) fn positive() -> Inventory {
    overridden(&["app1"], "mail1")
}

pub(crate) fn negative() -> Inventory {
    inventory(
        vec![host("app1"), host("mail1")],
        vec![depends("app1", "smtp-relay", "mail1", 25)],
    )
}

#[test]
fn it_names_the_name_and_the_machine_it_is_pinned_to() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.risk,
        "On app1 a hosts file decides where old-mail.corp.example leads: changing the name in DNS moves everybody but it."
    );
    assert_eq!(
        finding.indicator,
        "old-mail.corp.example is pinned to mail1 for mail relay: app1 (app1.service)"
    );
}

#[test]
fn two_machines_with_the_same_line_are_one_finding() {
    assert!(
        only(CHECK, &overridden(&["app1", "app2"], "mail1"))
            .risk
            .starts_with("On 2 machines")
    );
}

#[test]
fn a_machine_that_names_itself_is_silent() {
    assert!(found(CHECK, &overridden(&["mail1"], "mail1")).is_empty());
}
