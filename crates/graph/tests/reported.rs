//! What exported logs report: needs between machines neither of which need have been looked at.

mod common;

use common::*;
use groma_model::fact::ReportedUse;
use groma_model::name::{Peer, Protection};
use groma_model::{Fact, Port, Transport, Witness};

fn bind(consumer: &str, provider: &str) -> ReportedUse {
    ReportedUse {
        consumer: Peer::parse(consumer).expect("a peer"),
        provider: Peer::parse(provider).expect("a peer"),
        kind: "ldap-bind".into(),
        port: Some(Port(389)),
        transport: Transport::Tcp,
        product: "Active Directory".into(),
        account: Some("CORP\\svc-erp".into()),
        mechanism: Some("SIMPLE".into()),
        program: None,
        protection: Some(Protection::None),
        service: None,
        asks: None,
        refused: false,
        log: "Directory Service of dc1.corp.example".into(),
    }
}

/// The machine the logs were carried to, and one of the clients.
fn estate() -> Told {
    let mut told = Told::default();
    told.host("desk", "10.0.0.9").host("app1", "10.0.0.1");
    told
}

fn report(told: &mut Told, used: ReportedUse) {
    told.say_seen("desk", "log.windows", Fact::ReportedUse(used), 4);
}

#[test]
fn a_need_is_between_the_two_that_are_named_and_not_of_whoever_read_the_log() {
    let mut told = estate();
    report(&mut told, bind("10.0.0.1", "10.0.0.2"));
    let edge = told.only_edge();
    assert_eq!(edge.witnesses, [Witness::History]);
    assert_eq!(
        (edge.kind.as_str(), edge.provider.port),
        ("ldap-bind", Some(Port(389)))
    );
    assert!(!format!("{:?}", edge.consumer).contains("desk"));
    let ledger = told.graph().ledger;
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].account.as_deref(), Some("CORP\\svc-erp"));
    assert_eq!((ledger[0].count, ledger[0].machine_account), (4, false));
}

#[test]
fn what_was_refused_and_what_works_at_home_is_in_the_ledger_and_no_need() {
    let mut told = estate();
    report(
        &mut told,
        ReportedUse {
            refused: true,
            ..bind("10.0.0.1", "10.0.0.2")
        },
    );
    let home = ReportedUse {
        port: None,
        kind: "other".into(),
        ..bind("10.0.0.2", "10.0.0.2")
    };
    report(&mut told, home);
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 0);
    assert_eq!(graph.ledger.len(), 2);
    assert_eq!(graph.ledger.iter().filter(|row| row.refused).count(), 1);
}

#[test]
fn a_logon_that_names_no_port_confirms_the_need_that_is_known() {
    let mut told = estate();
    report(&mut told, bind("10.0.0.1", "10.0.0.2"));
    let logon = ReportedUse {
        kind: "other".into(),
        port: None,
        account: Some("CORP\\APP1$".into()),
        ..bind("10.0.0.1", "10.0.0.2")
    };
    report(&mut told, logon);
    let edge = told.only_edge();
    assert_eq!(edge.provider.port, Some(Port(389)));
    let ledger = told.graph().ledger;
    assert_eq!(ledger.iter().filter(|row| row.machine_account).count(), 1);
}
