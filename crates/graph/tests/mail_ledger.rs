//! What logs tell of senders becomes rows, joined with what the server lets through and what else is known.

mod common;

use common::*;
use groma_model::fact::{
    Direction, LoggedUse, MailReader, MailRecipients, MailRefusal, MailServer, MailUse, RelayBy,
    RelayRule,
};
use groma_model::ledger::ConsumerClass;
use groma_model::mail_ledger::{MailLedgerEntry, MailSide};
use groma_model::name::Protection;
use groma_model::{Evidence, Fact, Hours, Port, Seen, Timestamp, Transport, Witness};

const NOW: i64 = 1_795_165_200;

fn sent(peer: &str) -> MailUse {
    MailUse {
        peer: ip(peer),
        port: Some(Port(25)),
        product: "Postfix".into(),
        helo: None,
        account: None,
        mechanism: None,
        protection: Some(Protection::None),
        tls: None,
        certificate: false,
        sender: Some("corp.example".into()),
        sender_word: None,
        recipients: vec![to("corp.example", true)],
        refused: None,
        log: "/var/log/mail.log".into(),
    }
}

fn to(domain: &str, delivered_here: bool) -> MailRecipients {
    MailRecipients {
        domain: domain.into(),
        delivered_here,
    }
}

fn rule(by: RelayBy, entry: &str) -> RelayRule {
    RelayRule {
        by,
        entry: entry.into(),
        setting: "mynetworks".into(),
        file: Some("/etc/postfix/main.cf".into()),
        line: Some(13),
        port: None,
    }
}

fn server(allows: Vec<RelayRule>) -> Fact {
    Fact::MailServer(MailServer {
        product: "Postfix".into(),
        domains: vec![".branch.example".into(), "corp.example".into()],
        domains_complete: true,
        allows,
        own_ports: Vec::new(),
    })
}

/// A mail server, and one more machine.
fn estate() -> Told {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("mail1", "10.0.0.2");
    told.listens(
        "mail1",
        25,
        unit("/usr/lib/postfix/sbin/master", "postfix.service"),
    );
    let allows = vec![
        rule(RelayBy::Address, "127.0.0.0/8"),
        rule(RelayBy::Address, "10.0.0.0/24"),
        rule(RelayBy::Account, "permit_sasl_authenticated"),
    ];
    told.say("mail1", "log.services", server(allows));
    told
}

fn log(told: &mut Told, used: MailUse, days_ago: i64, count: u64) {
    told.say_seen("mail1", "log.services", Fact::MailUse(used), count);
    let last: &mut Evidence = told.0.last_mut().expect("it was just said");
    let at = Timestamp::from_seconds(NOW - days_ago * 86_400);
    last.seen = Seen {
        hours: Hours::of(at),
        bytes: Some(1_000 * count),
        ..Seen::between(at, at, count)
    };
}

fn only(told: &Told) -> MailLedgerEntry {
    let ledger = told.graph().mail_ledger;
    assert_eq!(ledger.len(), 1, "{ledger:#?}");
    ledger[0].clone()
}

#[test]
fn a_copier_is_let_in_by_the_entry_that_covers_it_and_sends_out_of_the_house() {
    let mut told = estate();
    let copier = MailUse {
        sender_word: Some("scan".into()),
        recipients: vec![to("corp.example", true), to("partner.example", false)],
        ..sent("10.0.0.77")
    };
    log(&mut told, copier, 30, 4);
    let row = only(&told);
    assert_eq!(row.class, ConsumerClass::Device);
    assert_eq!(row.class_because, ["sends as scan"]);
    let rule = row.allowed_by.expect("a network of the settings covers it");
    assert_eq!((rule.entry.as_str(), rule.line), ("10.0.0.0/24", Some(13)));
    let sides: Vec<(&str, Option<bool>)> = row
        .recipient_domains
        .iter()
        .map(|d| (d.name.as_str(), d.internal))
        .collect();
    assert_eq!(
        sides,
        [
            ("corp.example", Some(true)),
            ("partner.example", Some(false))
        ]
    );
    assert_eq!((row.messages, row.bytes), (4, Some(4_000)));
    assert_eq!(row.witnesses, [Witness::History]);
    assert!(!row.evidence.is_empty() && row.kind == "smtp-relay");
}

#[test]
fn a_makers_name_tells_a_device_and_nothing_tells_what_is_unknown() {
    let mut told = estate();
    let named = |helo: &str| MailUse {
        helo: Some(helo.into()),
        ..sent("10.0.0.77")
    };
    log(&mut told, named("BRN30055C123456"), 1, 1);
    let row = only(&told);
    assert_eq!(row.class, ConsumerClass::Device);
    assert_eq!(
        row.class_because,
        ["calls itself BRN30055C123456, as a Brother printer does"]
    );
    let mut told = estate();
    log(&mut told, named("pc77"), 1, 1);
    let row = only(&told);
    assert_eq!(
        (row.class, row.class_because),
        (ConsumerClass::Unknown, vec![])
    );
}

#[test]
fn a_machine_that_was_looked_at_is_no_copier() {
    let mut told = estate();
    let scan = MailUse {
        sender_word: Some("fax".into()),
        ..sent("10.0.0.1")
    };
    log(&mut told, scan, 1, 1);
    assert_eq!(only(&told).class, ConsumerClass::Application);
    let mut told = estate();
    log(&mut told, sent("10.0.0.1"), 1, 1);
    assert_eq!(only(&told).class, ConsumerClass::Server);
}

#[test]
fn what_is_refused_stands_in_the_row_of_the_same_sender() {
    let mut told = estate();
    log(&mut told, sent("10.0.0.77"), 30, 3);
    let refused = MailUse {
        refused: Some(MailRefusal::RelayDenied),
        protection: None,
        helo: Some("ups1".into()),
        ..sent("10.0.0.77")
    };
    log(&mut told, refused.clone(), 1, 2);
    let row = only(&told);
    assert_eq!((row.messages, row.refusals.len()), (3, 1));
    assert_eq!(
        (row.refusals[0].why, row.refusals[0].count),
        (MailRefusal::RelayDenied, 2)
    );
    assert!(
        row.refusals[0].last_seen > row.last_seen,
        "today's news is that it is refused"
    );
    // And one of its own where it was never let in: nothing of the settings lets it through.
    let mut told = estate();
    log(&mut told, refused, 1, 2);
    let row = only(&told);
    assert_eq!((row.messages, row.allowed_by), (0, None));
}

#[test]
fn two_logs_that_tell_the_same_count_once() {
    let mut told = estate();
    log(&mut told, sent("10.0.0.77"), 1, 3);
    let journal = MailUse {
        log: "/var/log/journal".into(),
        ..sent("10.0.0.77")
    };
    log(&mut told, journal, 1, 5);
    let row = only(&told);
    assert_eq!(
        (row.messages, row.bytes, row.logs.len()),
        (5, Some(5_000), 2)
    );
}

#[test]
fn a_domain_is_foreign_only_where_every_server_said_all_of_its_own() {
    let side = |complete: bool| {
        let mut told = Told::default();
        told.host("mail1", "10.0.0.2");
        let server = MailServer {
            product: "Postfix".into(),
            domains: vec!["corp.example".into()],
            domains_complete: complete,
            allows: Vec::new(),
            own_ports: Vec::new(),
        };
        told.say("mail1", "log.services", Fact::MailServer(server));
        let used = MailUse {
            recipients: vec![
                to("partner.example", false),
                to("shop.branch.example", true),
            ],
            ..sent("10.0.0.77")
        };
        log(&mut told, used, 1, 1);
        let sides = only(&told).recipient_domains;
        sides.into_iter().map(|d| d.internal).collect::<Vec<_>>()
    };
    assert_eq!(side(true), [Some(false), Some(true)]);
    assert_eq!(side(false), [None, Some(true)]);
}

#[test]
fn readers_are_counted_and_their_accounts_stay_at_home() {
    let mut told = estate();
    for account in ["anna", "bob"] {
        let used = LoggedUse {
            direction: Direction::Incoming,
            kind: "imap".into(),
            peer: ip("10.0.0.77"),
            name: None,
            port: None,
            transport: Transport::Tcp,
            product: "Dovecot".into(),
            account: Some(account.into()),
            mechanism: Some("PLAIN".into()),
            share: None,
            program: None,
            protection: Some(Protection::None),
            log: "/var/log/mail.log".into(),
        };
        told.say_seen("mail1", "log.services", Fact::LoggedUse(used), 2);
    }
    let row = only(&told);
    assert_eq!(
        (row.side, row.accounts, row.messages),
        (MailSide::Reads, 2, 4)
    );
    assert!(!format!("{row:?}").contains("anna"));
}

#[test]
fn on_a_port_with_settings_of_its_own_only_those_let_a_sender_through() {
    let allowed = |peer: &str, port: u16| {
        let mut told = Told::default();
        told.host("mail1", "10.0.0.2");
        let mut here = rule(RelayBy::Address, "10.0.1.0/24");
        here.port = Some(Port(2525));
        let server = MailServer {
            product: "Postfix".into(),
            domains: Vec::new(),
            domains_complete: true,
            allows: vec![rule(RelayBy::Address, "10.0.0.0/24"), here],
            own_ports: vec![Port(2525), Port(587)],
        };
        told.say("mail1", "log.services", Fact::MailServer(server));
        let port = Some(Port(port));
        log(&mut told, MailUse { port, ..sent(peer) }, 1, 1);
        only(&told).allowed_by.map(|rule| rule.entry)
    };
    assert_eq!(allowed("10.0.1.7", 2525), Some("10.0.1.0/24".to_owned()));
    assert_eq!(allowed("10.0.0.7", 25), Some("10.0.0.0/24".to_owned()));
    for (peer, port) in [("10.0.0.7", 2525), ("10.0.1.7", 25), ("10.0.0.7", 587)] {
        assert_eq!(allowed(peer, port), None, "{peer} at {port}");
    }
}

#[test]
fn a_session_that_was_cut_was_protected_as_ever_if_it_ever_was_in_one_way_only() {
    let way = |protection| MailUse {
        protection,
        ..sent("10.0.0.77")
    };
    let mut told = estate();
    log(&mut told, way(Some(Protection::None)), 1, 3);
    log(&mut told, way(None), 1, 2);
    let row = only(&told);
    assert_eq!((row.protection, row.messages), (Some(Protection::None), 5));
    // Where it was seen in two ways nobody knows which it was, and another account is another sender.
    log(&mut told, way(Some(Protection::Starttls)), 1, 1);
    let erp = MailUse {
        account: Some("erp".into()),
        ..way(None)
    };
    log(&mut told, erp, 1, 1);
    let ledger = told.graph().mail_ledger;
    let unknown = ledger.iter().filter(|row| row.protection.is_none());
    assert_eq!((ledger.len(), unknown.count()), (4, 2));
}

#[test]
fn order_does_not_matter() {
    let mut told = estate();
    for (peer, count) in [("10.0.0.77", 1), ("10.0.0.78", 2), ("10.0.0.1", 3)] {
        log(&mut told, sent(peer), 1, count);
        let refused = MailUse {
            refused: Some(MailRefusal::Other),
            ..sent(peer)
        };
        log(&mut told, refused, 2, count);
    }
    let mut turned = told.clone();
    turned.0.reverse();
    assert_eq!(told.graph().mail_ledger, turned.graph().mail_ledger);
    assert_eq!(told.graph().mail_ledger.len(), 3);
}

fn reader(protocol: &str, client: Option<&str>) -> Fact {
    Fact::MailReader(MailReader {
        consumer: groma_model::Peer::Address("10.0.0.9".parse().expect("an address")),
        provider: None,
        protocol: protocol.to_owned(),
        software: (protocol != "imap").then(|| "SOGo".to_owned()),
        client: client.map(str::to_owned),
        product: "nginx".to_owned(),
        log: "/var/log/nginx/access.log".into(),
    })
}

#[test]
fn who_reads_a_calendar_is_a_reader_with_the_kind_of_its_program() {
    let mut told = estate();
    for client in [Some("iPhone or iPad"), None] {
        told.say_seen("mail1", "log.services", reader("caldav", client), 3);
    }
    let row = only(&told);
    assert_eq!((row.side, row.kind.as_str()), (MailSide::Reads, "http"));
    assert_eq!(row.protocol.as_deref(), Some("caldav"));
    assert_eq!(
        (row.clients, row.software),
        (vec!["iPhone or iPad".to_owned()], vec!["SOGo".to_owned()])
    );
    assert_eq!(row.class, ConsumerClass::Person);
    assert_eq!(row.class_because, ["reads with: iPhone or iPad"]);
    assert_eq!(row.messages, 6);
}

/// What a client says it is belongs to its logons, and makes them no more.
#[test]
fn an_imap_id_belongs_to_the_logons_of_the_same_client() {
    let mut told = estate();
    let logon = |told: &mut Told| {
        let used = LoggedUse {
            direction: Direction::Incoming,
            kind: "imap".to_owned(),
            peer: "10.0.0.9".parse().expect("an address"),
            name: None,
            port: None,
            transport: Transport::Tcp,
            product: "Dovecot".to_owned(),
            account: Some("anna".into()),
            mechanism: Some("PLAIN".to_owned()),
            program: None,
            share: None,
            protection: None,
            log: "/var/log/mail.log".into(),
        };
        told.say_seen("mail1", "log.services", Fact::LoggedUse(used), 5);
    };
    logon(&mut told);
    let imap = reader("imap", Some("program that copies mailboxes"));
    told.say_seen("mail1", "log.services", imap, 2);
    let row = only(&told);
    assert_eq!((row.messages, row.product.as_str()), (5, "Dovecot"));
    assert_eq!(row.class, ConsumerClass::Application);
    let mut turned = estate();
    let imap = reader("imap", Some("program that copies mailboxes"));
    turned.say_seen("mail1", "log.services", imap, 2);
    logon(&mut turned);
    assert_eq!(only(&turned).class, ConsumerClass::Application);
}
