//! What groma itself asked stands in the logs of those it asked, and is nobody's need.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::*;
use groma_model::fact::{Direction, LoggedUse, MailUse, OpenPort, ReportedUse};
use groma_model::inventory::Dependency;
use groma_model::store::LookSpan;
use groma_model::{AgentId, Fact, Port, Seen, SiteId, Timestamp, Transport};

/// When the newest look began.
const ASKED: i64 = 1_795_165_200;
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Looks of an hour, a week apart.
fn looks(weeks: i64) -> Vec<LookSpan> {
    let begun = (0..weeks).map(|week| ASKED - week * WEEK);
    let look = |begun| LookSpan {
        site: SiteId::default(),
        vantage: AgentId::new("adm1"),
        started: at(begun),
        ended: at(begun + 60 * MINUTE),
    };
    begun.map(look).collect()
}

fn answered(port: u16) -> Fact {
    Fact::OpenPort(OpenPort {
        address: ip("10.0.0.2"),
        port: Port(port),
        transport: Transport::Tcp,
        speaks: None,
    })
}

/// A machine that asked a mail server at two ports. As the store keeps it: counted once, however many looks there were.
fn asked() -> Told {
    let mut told = Told::default();
    told.host("adm1", "10.0.0.1").host("mail1", "10.0.0.2");
    told.host("app1", "10.0.0.3");
    for port in [25, 587] {
        told.say_seen("adm1", "network.sweep", answered(port), 1);
    }
    // A port that its own table lists was not called.
    told.say_seen("adm1", "network.snmp", answered(9100), 1);
    told
}

fn mailed() -> LoggedUse {
    LoggedUse {
        direction: Direction::Incoming,
        kind: "smtp-relay".into(),
        peer: ip("10.0.0.1"),
        name: None,
        port: Some(Port(25)),
        transport: Transport::Tcp,
        product: "Postfix".into(),
        account: None,
        mechanism: None,
        program: None,
        share: None,
        protection: None,
        log: "/var/log/mail.log".into(),
    }
}

fn needs(told: &Told, weeks: i64) -> Vec<Dependency> {
    let (graph, _) = told.graph_beside(&looks(weeks));
    // Whoever is no need is no row of the ledger either.
    assert!(!graph.dependencies.is_empty() || graph.ledger.is_empty());
    graph.dependencies
}

/// What follows of a log in an estate that was asked in six weeks.
fn needs_after(used: LoggedUse, seen: Seen) -> Vec<Dependency> {
    let mut told = asked();
    told.say("mail1", "log.services", Fact::LoggedUse(used));
    told.0.last_mut().unwrap().seen = seen;
    needs(&told, 6)
}

/// Identified in each of five weeks, twenty minutes after the look began, as long as the log reaches back.
fn as_asked() -> Seen {
    let (first, last) = (ASKED - 4 * WEEK, ASKED);
    Seen::between(at(first + 20 * MINUTE), at(last + 20 * MINUTE), 20)
}

#[test]
fn what_groma_asked_is_nobodys_need() {
    assert_eq!(needs_after(mailed(), as_asked()), []);
    // Clocks of two machines are never quite one.
    let early = Seen::once(at(ASKED - 2 * MINUTE));
    assert_eq!(needs_after(mailed(), early), []);
    // A log that was read before the newest look.
    let until_then = Seen::once(at(ASKED - WEEK + MINUTE));
    assert_eq!(needs_after(mailed(), until_then), []);
    // What serves several ports does not say which, and nobody is an account too.
    let web = LoggedUse {
        kind: "http".into(),
        port: None,
        account: Some("".into()),
        ..mailed()
    };
    assert_eq!(needs_after(web, as_asked()), []);
}

#[test]
fn what_groma_did_not_ask_is_somebodys_need() {
    let other_port = LoggedUse {
        port: Some(Port(9100)),
        ..mailed()
    };
    let with_account = LoggedUse {
        account: Some("reports".into()),
        ..mailed()
    };
    let of_another = LoggedUse {
        peer: ip("10.0.0.3"),
        ..mailed()
    };
    for used in [other_port, with_account, of_another] {
        assert_eq!(needs_after(used.clone(), as_asked()).len(), 1, "{used:?}");
    }
    let last = at(ASKED);
    let before = Seen::between(at(ASKED - 90 * DAY), last, 2);
    let between = Seen::between(at(ASKED - 3 * DAY), last, 2);
    let since = Seen::between(last, at(ASKED + DAY), 2);
    let often = Seen::between(at(ASKED - WEEK), last, 1_000);
    for seen in [before, between, since, often] {
        assert_eq!(needs_after(mailed(), seen).len(), 1, "{seen:?}");
    }
    // Nobody asked in any look that is known.
    let mut told = asked();
    told.say("mail1", "log.services", Fact::LoggedUse(mailed()));
    assert_eq!(needs(&told, 0).len(), 1);
}

/// The agent over there sees who calls, and what a wire tells is no other than a log.
#[test]
fn what_others_saw_of_it_is_nobodys_need_either() {
    let mut told = asked();
    let program = || unit("/usr/lib/postfix/master", "postfix.service");
    told.listens("mail1", 25, program());
    told.connection("mail1", Direction::Incoming, "10.0.0.1", 25, program(), 3);
    // Its look went on for hours.
    told.0.last_mut().unwrap().seen = Seen::between(at(ASKED - DAY), at(ASKED + DAY), 3);
    let heard: ReportedUse = serde_json::from_value(serde_json::json!({
        "consumer": { "address": "10.0.0.1" }, "provider": { "address": "10.0.0.2" }, "kind": "smtp-submission", "port": 587,
        "transport": "tcp", "product": "packets", "log": "eth0",
    }))
    .unwrap();
    told.say("mail1", "network.wire", Fact::PacketUse(heard));
    assert_eq!(needs(&told, 1), []);
    // What its own programs call, its own agent tells.
    told.calls(
        "adm1",
        "10.0.0.2",
        25,
        unit("/usr/bin/report", "report.service"),
    );
    let told = needs(&told, 1);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].consumer.name, "adm1");
}

/// A letter that the mail server took in from the machine that asks.
fn letter() -> MailUse {
    serde_json::from_value(serde_json::json!({
        "peer": "10.0.0.1", "port": 25, "product": "Postfix", "sender": "corp.example",
        "recipients": [{ "domain": "corp.example", "delivered_here": true }], "log": "/var/log/mail.log",
    }))
    .unwrap()
}

#[test]
fn a_letter_is_somebodys_although_the_machine_also_asked() {
    let with = |letter: MailUse, when: i64| {
        let mut told = asked();
        told.say("mail1", "log.services", Fact::LoggedUse(mailed()));
        told.0.last_mut().unwrap().seen = as_asked();
        told.say("mail1", "log.services", Fact::MailUse(letter));
        told.0.last_mut().unwrap().seen = Seen::once(at(when));
        let (graph, _) = told.graph_beside(&looks(6));
        graph.dependencies.len()
    };
    let asked_last = ASKED + 20 * MINUTE;
    assert_eq!(with(letter(), asked_last), 1);
    // One of another day, at another port, of another machine, or one the server did not take, explains nothing.
    assert_eq!(with(letter(), ASKED - 90 * DAY), 0);
    let elsewhere = MailUse {
        port: Some(Port(587)),
        ..letter()
    };
    let another = MailUse {
        peer: ip("10.0.0.3"),
        ..letter()
    };
    let nothing = MailUse {
        recipients: Vec::new(),
        ..letter()
    };
    for other in [elsewhere, another, nothing] {
        assert_eq!(with(other.clone(), asked_last), 0, "{other:?}");
    }
}
