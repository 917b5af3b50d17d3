//! Endpoints held open.

use groma_diff::{Area, Class};
use groma_model::Transport;
use groma_model::inventory::{Dependency, Inventory, ListenerEntry};

use crate::build::*;
use crate::{only, said};

fn estate(listeners: Vec<ListenerEntry>, dependencies: Vec<Dependency>) -> Inventory {
    let mut inventory = inventory(["app1", "app2", "db1"].map(host).into(), dependencies);
    inventory.listeners = listeners;
    inventory
}

const UNIT: &str = "postgresql.service";

#[test]
fn a_service_on_another_port_is_said_once_with_who_followed_and_who_did_not() {
    let before = estate(
        vec![listener("db1", 5432, UNIT)],
        vec![
            depends("app1", "sql", "db1", 5432),
            depends("app2", "sql", "db1", 5432),
        ],
    );
    let after = estate(
        vec![listener("db1", 5433, UNIT)],
        vec![
            depends("app1", "sql", "db1", 5433),
            depends("app2", "sql", "db1", 5432),
        ],
    );
    let change = only(&before, &after);
    assert_eq!((change.class, change.area), (Class::Moved, Area::Listener));
    assert_eq!(
        change.says,
        "postgresql.service listens on 5433/tcp, before on 5432/tcp"
    );
    let told: Vec<(bool, &str)> = change
        .consequences
        .iter()
        .map(|c| (c.followed, c.says.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (false, "app2 (app2.service, written in /etc/app2.conf:1)"),
            (true, "app1 (app1.service, written in /etc/app1.conf:1)")
        ]
    );
    assert_eq!(
        change.act.as_deref(),
        Some("point those who still name the old port at the new one")
    );
}

#[test]
fn a_moved_port_and_a_deleted_reference_are_exactly_two_lines() {
    let before = estate(
        vec![listener("db1", 5432, UNIT)],
        vec![
            depends("app1", "sql", "db1", 5432),
            depends("app1", "smtp-relay", "app2", 25),
        ],
    );
    let after = estate(
        vec![listener("db1", 5433, UNIT)],
        vec![depends("app1", "sql", "db1", 5433)],
    );
    assert_eq!(
        said(&before, &after),
        [
            "app1 removed: app1.service needs mail relay at app2:25 (written in /etc/app1.conf)",
            "db1 moved: postgresql.service listens on 5433/tcp, before on 5432/tcp",
        ]
    );
}

#[test]
fn a_listener_that_is_gone_names_who_still_needs_it() {
    let needs = vec![depends("app1", "sql", "db1", 5432)];
    let change = only(
        &estate(vec![listener("db1", 5432, UNIT)], needs.clone()),
        &estate(Vec::new(), needs),
    );
    assert_eq!(change.class, Class::Removed);
    assert_eq!(change.consequences.len(), 1);
    assert!(
        change
            .act
            .is_some_and(|act| act.starts_with("it is gone and still needed"))
    );
}

#[test]
fn a_narrower_binding_moved() {
    let open = listener("db1", 5432, UNIT);
    let mut closed = open.clone();
    closed.address = [127, 0, 0, 1].into();
    let needs = vec![depends("app1", "sql", "db1", 5432)];
    let change = only(
        &estate(vec![open], needs.clone()),
        &estate(vec![closed], needs),
    );
    assert_eq!(
        change.says,
        "postgresql.service on 5432/tcp is bound to loopback only, before to every address"
    );
    assert_eq!(
        change.act.as_deref(),
        Some("other machines need it and cannot reach it any more")
    );
}

#[test]
fn a_program_we_may_not_see_is_not_paired_and_does_not_differ_from_one_we_see() {
    let known = listener("db1", 5432, UNIT);
    let mut unknown = known.clone();
    unknown.process = Default::default();
    assert!(
        said(
            &estate(vec![known], Vec::new()),
            &estate(vec![unknown.clone()], Vec::new())
        )
        .is_empty()
    );
    let mut elsewhere = unknown.clone();
    elsewhere.port.0 = 5433;
    assert_eq!(
        said(
            &estate(vec![unknown], Vec::new()),
            &estate(vec![elsewhere], Vec::new())
        )
        .len(),
        2
    );
}

#[test]
fn ports_the_system_hands_out_are_noise_until_somebody_needs_them() {
    let before = estate(vec![listener("db1", 40001, "rpc.service")], Vec::new());
    let after = estate(vec![listener("db1", 40002, "rpc.service")], Vec::new());
    assert!(said(&before, &after).is_empty());
    let before = estate(
        before.listeners,
        vec![depends("app1", "http", "db1", 40001)],
    );
    assert_eq!(
        said(&before, &after).len(),
        2,
        "{:#?}",
        said(&before, &after)
    );
    let mut datagram = listener("db1", 50000, "avahi.service");
    datagram.transport = Transport::Udp;
    assert!(
        said(
            &estate(Vec::new(), Vec::new()),
            &estate(vec![datagram], Vec::new())
        )
        .is_empty()
    );
}

#[test]
fn another_unit_on_the_same_port_changed() {
    let change = only(
        &estate(vec![listener("db1", 80, "nginx.service")], Vec::new()),
        &estate(vec![listener("db1", 80, "apache2.service")], Vec::new()),
    );
    assert_eq!((change.class, change.details.len()), (Class::Changed, 1));
}

#[test]
fn the_same_program_in_the_next_log_in_is_the_same() {
    let started = |session: &str, port: u16| {
        let mut listener = listener("db1", port, session);
        listener.process.executable = Some("/usr/bin/app".into());
        estate(vec![listener], Vec::new())
    };
    assert!(
        said(
            &started("session-3.scope", 8080),
            &started("session-9.scope", 8080)
        )
        .is_empty()
    );
    let change = only(
        &started("session-3.scope", 8080),
        &started("session-9.scope", 8081),
    );
    assert_eq!(
        change.says,
        "/usr/bin/app listens on 8081/tcp, before on 8080/tcp"
    );
}
