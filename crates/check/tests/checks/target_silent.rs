//! `target-silent`

use groma_model::inventory::Inventory;
use groma_model::{CoverageState, Witness};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "target-silent";

fn written_at(port: u16, listens: u16, state: CoverageState) -> Inventory {
    let mut inventory = inventory(
        vec![host("app1"), host("db1")],
        vec![written_only(depends("app1", "sql", "db1", port))],
    );
    inventory
        .listeners
        .push(listener("db1", listens, "postgresql.service"));
    inventory.coverage.push(sockets("db1", state));
    inventory
}

pub(crate) fn positive() -> Inventory {
    written_at(5432, 5433, CoverageState::Complete)
}

pub(crate) fn negative() -> Inventory {
    written_at(5432, 5432, CoverageState::Complete)
}

#[test]
fn it_says_where_it_is_written_and_that_everything_was_seen() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.indicator,
        "1 dependency for database: app1 (app1.service); written in /etc/app1.conf:1; everything that listens on db1 was seen"
    );
}

#[test]
fn without_a_complete_look_at_the_sockets_it_is_silent() {
    assert!(found(CHECK, &written_at(5432, 5433, CoverageState::Partial)).is_empty());
    let mut nobody_looked = positive();
    nobody_looked.coverage.clear();
    assert!(found(CHECK, &nobody_looked).is_empty());
}

#[test]
fn a_listener_on_loopback_does_not_answer_another_machine() {
    let mut inventory = negative();
    inventory
        .listeners
        .iter_mut()
        .for_each(|l| l.address = [127, 0, 0, 1].into());
    assert!(
        only(CHECK, &inventory)
            .risk
            .contains("answers there only to itself")
    );
}

#[test]
fn what_was_seen_connecting_is_answered_whatever_the_listeners_say() {
    let mut inventory = positive();
    inventory
        .dependencies
        .iter_mut()
        .for_each(|d| d.witnesses.insert(0, Witness::Live));
    assert!(found(CHECK, &inventory).is_empty());
}

#[test]
fn a_machine_without_an_agent_is_not_judged() {
    let mut inventory = positive();
    inventory
        .entities
        .iter_mut()
        .for_each(|e| e.has_agent = false);
    assert!(found(CHECK, &inventory).is_empty());
}

#[test]
fn a_partial_look_at_connections_or_other_ports_takes_nothing_away_and_a_hole_at_the_port_does() {
    let holed = |scope: &str| {
        let mut inventory = positive();
        let mut hole = sockets("db1", CoverageState::Partial);
        hole.scope = scope.to_owned();
        inventory.coverage.push(hole);
        found(CHECK, &inventory).len()
    };
    assert_eq!(holed("socket:host/tcp/connections"), 1);
    assert_eq!(holed("socket:host/udp/listen"), 1);
    assert_eq!(holed("socket:host/tcp/listen/443"), 1);
    assert_eq!(holed("socket:host/tcp/listen/5432"), 0);
    assert_eq!(holed("socket:net-4026531840/tcp/listen"), 0);
}
