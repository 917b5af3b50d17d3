//! `unresolvable-reference`

use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "unresolvable-reference";

fn names_a_ghost(unresolvable: bool) -> Inventory {
    let mut ghost = entity("external", "old-erp.corp.example");
    ghost.attributes.unresolvable = unresolvable;
    let needs =
        ["app1", "app2"].map(|n| written_only(depends(n, "sql", "old-erp.corp.example", 1521)));
    inventory(vec![host("app1"), host("app2"), ghost], needs.into())
}

pub(crate) fn positive() -> Inventory {
    names_a_ghost(true)
}

pub(crate) fn negative() -> Inventory {
    names_a_ghost(false)
}

#[test]
fn two_machines_that_name_one_ghost_are_one_finding() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.risk,
        "app1 and app2 are told to use old-erp.corp.example, and that name leads nowhere."
    );
    assert_eq!(
        finding.indicator,
        "old-erp.corp.example does not resolve; database for app1 (app1.service) and app2 (app2.service); \
         written in /etc/app1.conf:1 and /etc/app2.conf:1"
    );
}

#[test]
fn who_reaches_it_all_the_same_makes_it_silent() {
    let mut reached = positive();
    reached.dependencies = ["app1", "app2"]
        .map(|n| depends(n, "sql", "old-erp.corp.example", 1521))
        .into();
    assert!(found(CHECK, &reached).is_empty());
}

#[test]
fn many_outside_names_are_one_finding_because_they_have_one_cause() {
    let ghost = |name: &str| {
        let mut ghost = entity("external", name);
        ghost.attributes.unresolvable = true;
        ghost
    };
    let names = ["api.one.example", "api.two.example", "api.three.example"];
    let needs = names.map(|n| written_only(depends("app1", "http", n, 443)));
    let mut all: Vec<_> = names.into_iter().map(ghost).collect();
    all.push(host("app1"));
    let finding = only(CHECK, &inventory(all, needs.into()));
    assert!(
        finding.risk.starts_with("3 names of the outside world"),
        "{}",
        finding.risk
    );
}
