//! `single-point-of-need`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "single-point-of-need";

fn need(consumers: usize, kind: &str, provider: &str, provider_kind: &str) -> Inventory {
    let names: Vec<String> = (1..=consumers).map(|n| format!("app{n}")).collect();
    let mut entities: Vec<_> = names.iter().map(|n| host(n)).collect();
    entities.push(entity(provider_kind, provider));
    inventory(
        entities,
        names
            .iter()
            .map(|n| depends(n, kind, provider, 5432))
            .collect(),
    )
}

pub(crate) fn positive() -> Inventory {
    need(5, "sql", "db1", "host")
}

pub(crate) fn negative() -> Inventory {
    need(3, "sql", "db1", "host")
}

#[test]
fn five_that_need_one_are_enough() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(
        finding.risk,
        "5 machines need db1, and nothing takes its place: when it stops, they stop."
    );
    assert_eq!(
        finding.indicator,
        "database for app1, app2, app3, app4 and app5"
    );
}

#[test]
fn half_of_a_small_estate_is_enough_and_less_is_not() {
    let mut four = need(2, "sql", "db1", "host");
    four.entities.extend([host("x1"), host("x2")]);
    assert_eq!(found(CHECK, &four).len(), 1);
    four.entities.push(host("x3"));
    assert!(found(CHECK, &four).is_empty());
}

#[test]
fn somebody_elses_service_is_silent() {
    assert!(found(CHECK, &need(9, "http", "203.0.113.7", "external")).is_empty());
}

#[test]
fn a_second_resolver_takes_the_place_of_the_first() {
    let one = need(6, "dns", "ns1", "host");
    assert_eq!(found(CHECK, &one).len(), 1);
    let mut two = one;
    two.entities.push(entity("host", "ns2"));
    two.entities.sort_by(|a, b| a.id.cmp(&b.id));
    two.dependencies
        .extend((1..=6).map(|n| depends(&format!("app{n}"), "dns", "ns2", 53)));
    assert!(found(CHECK, &two).is_empty());
}

#[test]
fn one_machine_that_needs_itself_nine_times_is_silent() {
    let needs = (1..10)
        .map(|n| depends("app1", "sql", "app1", 5000 + n))
        .collect();
    assert!(found(CHECK, &inventory(vec![host("app1")], needs)).is_empty());
}
