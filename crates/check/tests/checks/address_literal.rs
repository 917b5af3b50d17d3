//! `address-literal`

use groma_model::inventory::{Dependency, Inventory, ReachedBy, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "address-literal";

fn literal(consumer: &str, kind: &str, provider: &str, port: u16) -> Dependency {
    with(depends(consumer, kind, provider, port), |d| {
        d.reached_by = Some(ReachedBy::AddressLiteral)
    })
}

pub(crate) fn positive() -> Inventory {
    inventory(
        vec![host("app1"), entity("host", "10.0.0.9")],
        vec![literal("app1", "sql", "10.0.0.9", 5432)],
    )
}

pub(crate) fn negative() -> Inventory {
    inventory(
        vec![host("app1"), entity("host", "10.0.0.9")],
        vec![depends("app1", "sql", "10.0.0.9", 5432)],
    )
}

#[test]
fn forty_hosts_that_use_one_address_are_one_finding_with_a_count() {
    let names: Vec<String> = (0..40).map(|n| format!("app{n:02}")).collect();
    let mut entities: Vec<_> = names.iter().map(|n| host(n)).collect();
    entities.push(entity("host", "10.0.0.9"));
    let dependencies = names
        .iter()
        .map(|n| literal(n, "sql", "10.0.0.9", 5432))
        .collect();
    let finding = only(CHECK, &inventory(entities, dependencies));
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding
            .risk
            .starts_with("40 machines reach 10.0.0.9 by its address: when it moves, they keep"),
        "{}",
        finding.risk
    );
    assert!(
        finding
            .indicator
            .ends_with("app05 (app05.service) and 34 more"),
        "{}",
        finding.indicator
    );
    assert_eq!(finding.subjects.len(), 41);
}

#[test]
fn one_machine_is_spoken_of_as_one() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Medium);
    assert!(
        finding
            .risk
            .starts_with("app1 reaches 10.0.0.9 by its address: when it moves, it keeps"),
        "{}",
        finding.risk
    );
}

#[test]
fn loopback_and_the_link_are_no_address_anybody_moves() {
    for address in [
        "127.0.0.1",
        "127.0.0.53",
        "169.254.169.254",
        "::1",
        "fe80::1",
    ] {
        let found = found(
            CHECK,
            &inventory(
                vec![host("app1"), entity("host", address)],
                vec![literal("app1", "http", address, 80)],
            ),
        );
        assert!(found.is_empty(), "{address}: {found:#?}");
    }
}

#[test]
fn a_public_resolver_is_silent_but_a_resolver_of_the_house_is_not() {
    let dns = |address: &str, kind: &str| {
        let shared = with(literal("app1", "dns", address, 53), |d| {
            d.shared_service = true
        });
        inventory(vec![host("app1"), entity(kind, address)], vec![shared])
    };
    assert!(found(CHECK, &dns("9.9.9.9", "external")).is_empty());
    assert_eq!(
        only(CHECK, &dns("10.0.0.53", "host")).severity,
        Severity::Low
    );
}
