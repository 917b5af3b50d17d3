//! What exported logs report: needs between machines neither of which need have been looked at.

mod common;

use common::*;
use groma_model::fact::{MailRecipients, MailRefusal, ReportedUse};
use groma_model::mail_ledger::MailSide;
use groma_model::name::{Peer, Protection};
use groma_model::reported::ReportedMail;
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
        client: None,
        protection: Some(Protection::None),
        service: None,
        asks: None,
        refused: false,
        name: None,
        tls: None,
        mail: None,
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

fn sent(port: Option<u16>, to: &str, refused: Option<MailRefusal>) -> ReportedUse {
    ReportedUse {
        kind: "smtp-relay".into(),
        port: port.map(Port),
        account: None,
        mechanism: None,
        refused: refused.is_some(),
        mail: Some(Box::new(ReportedMail {
            helo: port.map(|_| "copier".into()),
            sender: Some("corp.example".into()),
            sender_word: Some("scan".into()),
            recipients: vec![MailRecipients {
                domain: to.into(),
                delivered_here: false,
            }],
            refused,
            ..ReportedMail::default()
        })),
        ..bind("10.0.0.7", "10.0.0.2")
    }
}

#[test]
fn what_an_exported_log_tells_of_mail_is_a_row_of_the_mail_ledger() {
    let mut told = estate();
    report(&mut told, sent(Some(25), "b.example", None));
    report(
        &mut told,
        sent(Some(25), "x.example", Some(MailRefusal::RelayDenied)),
    );
    // Message tracking tells the same messages once more, without the door they came through.
    report(&mut told, sent(None, "c.example", None));
    // A session without a message is nobody who sends.
    report(
        &mut told,
        ReportedUse {
            mail: None,
            ..sent(Some(25), "y.example", None)
        },
    );
    let reads = ReportedUse {
        kind: "imap".into(),
        port: Some(Port(993)),
        ..bind("10.0.0.1", "10.0.0.2")
    };
    report(&mut told, reads);
    let ledger = told.graph().mail_ledger;
    assert_eq!(ledger.len(), 2);
    let (sends, reads): (Vec<_>, Vec<_>) =
        ledger.iter().partition(|row| row.side == MailSide::Sends);
    let domains: Vec<&str> = sends[0]
        .recipient_domains
        .iter()
        .map(|d| d.name.as_str())
        .collect();
    assert_eq!(domains, ["b.example", "c.example", "x.example"]);
    assert_eq!((sends[0].messages, sends[0].port), (4, Some(Port(25))));
    assert_eq!(sends[0].refusals[0].why, MailRefusal::RelayDenied);
    assert_eq!(sends[0].helo, ["copier"]);
    // Names of readers are not kept.
    assert_eq!((reads[0].account.as_deref(), reads[0].accounts), (None, 1));
}

/// Message tracking alone: three facts of one sender are three times as many messages.
#[test]
fn messages_of_a_log_that_knows_no_way_are_added_up_where_no_other_tells_them() {
    let mut told = estate();
    for to in ["a.example", "b.example", "c.example"] {
        report(&mut told, sent(None, to, None));
    }
    let one = {
        let mut told = estate();
        report(&mut told, sent(None, "a.example", None));
        told.graph().mail_ledger[0].messages
    };
    let ledger = told.graph().mail_ledger;
    assert_eq!((ledger.len(), ledger[0].messages), (1, 3 * one));
}

/// Of several ways a log that knows none says nothing.
#[test]
fn a_log_that_knows_no_way_adds_nothing_to_one_of_several() {
    let mut told = estate();
    report(&mut told, sent(Some(25), "b.example", None));
    report(&mut told, sent(Some(2525), "b.example", None));
    report(&mut told, sent(None, "c.example", None));
    let ledger = told.graph().mail_ledger;
    assert_eq!(ledger.len(), 2);
    for row in ledger {
        let domains: Vec<&str> = row
            .recipient_domains
            .iter()
            .map(|d| d.name.as_str())
            .collect();
        assert_eq!(domains, ["b.example"]);
    }
}
