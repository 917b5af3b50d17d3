//! What groma itself asked stands in the logs of those it asked, and is nobody's need.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::*;
use groma_model::fact::{Direction, LoggedUse, OpenPort, ReportedUse};
use groma_model::inventory::Dependency;
use groma_model::{Fact, Port, Seen, Timestamp, Transport};

const ASKED: i64 = 1_795_165_200;
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A machine that asked a mail server at two ports, in two looks a week apart.
fn asked() -> Told {
    let mut told = Told::default();
    told.host("adm1", "10.0.0.1").host("mail1", "10.0.0.2");
    told.host("app1", "10.0.0.3");
    for port in [25, 587] {
        let open = OpenPort {
            address: ip("10.0.0.2"),
            port: Port(port),
            transport: Transport::Tcp,
            speaks: None,
        };
        told.say("adm1", "network.sweep", Fact::OpenPort(open));
        told.0.last_mut().unwrap().seen = Seen::between(at(ASKED - 7 * DAY), at(ASKED), 2);
    }
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

fn needs_after(used: LoggedUse, seen: Seen) -> Vec<Dependency> {
    let mut told = asked();
    told.say("mail1", "log.services", Fact::LoggedUse(used));
    told.0.last_mut().unwrap().seen = seen;
    let graph = told.graph();
    // Whoever is no need is no row of the ledger either.
    assert!(!graph.dependencies.is_empty() || graph.ledger.is_empty());
    graph.dependencies
}

/// Identified once a week, from the sweep on.
fn as_asked() -> Seen {
    Seen::between(at(ASKED - 7 * DAY + 3 * MINUTE), at(ASKED + 5 * MINUTE), 4)
}

#[test]
fn what_groma_asked_is_nobodys_need() {
    assert_eq!(needs_after(mailed(), as_asked()), []);
    // Clocks of two machines are never quite one.
    let early = Seen::between(at(ASKED - 7 * DAY - 2 * MINUTE), at(ASKED - MINUTE), 2);
    assert_eq!(needs_after(mailed(), early), []);
    // What serves several ports does not say which.
    let web = LoggedUse {
        kind: "http".into(),
        port: None,
        ..mailed()
    };
    assert_eq!(needs_after(web, as_asked()), []);
}

#[test]
fn what_groma_did_not_ask_is_somebodys_need() {
    let other_port = LoggedUse {
        port: Some(Port(2525)),
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
    let (first, last) = (at(ASKED - 7 * DAY), at(ASKED));
    let before = Seen::between(at(ASKED - 30 * DAY), last, 2);
    let between = Seen::between(first, at(ASKED - 3 * DAY), 2);
    let since = Seen::between(first, at(ASKED + DAY), 2);
    let often = Seen::between(first, last, 1_000);
    for seen in [before, between, since, often] {
        assert_eq!(needs_after(mailed(), seen).len(), 1, "{seen:?}");
    }
}

/// The agent over there sees who calls, and what a wire tells is no other than a log.
#[test]
fn what_others_saw_of_it_is_nobodys_need_either() {
    let mut told = asked();
    told.listens(
        "mail1",
        25,
        unit("/usr/lib/postfix/master", "postfix.service"),
    );
    told.is_called(
        "mail1",
        "10.0.0.1",
        25,
        unit("/usr/lib/postfix/master", "postfix.service"),
    );
    let heard: ReportedUse = serde_json::from_value(serde_json::json!({
        "consumer": { "address": "10.0.0.1" }, "provider": { "address": "10.0.0.2" }, "kind": "smtp-submission", "port": 587,
        "transport": "tcp", "product": "packets", "log": "eth0",
    }))
    .unwrap();
    told.say("mail1", "network.listen", Fact::PacketUse(heard));
    assert_eq!(told.graph().dependencies, []);
    // What its own programs call, its own agent tells.
    told.calls(
        "adm1",
        "10.0.0.2",
        25,
        unit("/usr/bin/report", "report.service"),
    );
    assert_eq!(told.only_edge().consumer.name, "adm1");
}
