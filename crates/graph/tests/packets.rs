//! What packets tell, joined with what live witnesses and logs tell of the same: no need twice, no row twice.

mod common;

use common::*;
use groma_model::fact::{
    Direction, Door, LoggedUse, MailRecipients, MailUse, ReportedUse, Sighting,
};
use groma_model::name::{Peer, Protection};
use groma_model::reported::ReportedMail;
use groma_model::{Fact, HostName, Port, Scope, Transport, Witness};

fn heard(consumer: &str, provider: &str, kind: &str, port: u16, product: &str) -> ReportedUse {
    ReportedUse {
        consumer: Peer::parse(consumer).expect("a peer"),
        provider: Peer::parse(provider).expect("a peer"),
        kind: kind.into(),
        port: Some(Port(port)),
        transport: Transport::Tcp,
        product: product.into(),
        account: None,
        mechanism: None,
        program: None,
        protection: None,
        service: None,
        asks: None,
        refused: false,
        name: None,
        tls: None,
        mail: None,
        client: None,
        log: "/srv/span.pcap".into(),
    }
}

fn bind() -> ReportedUse {
    ReportedUse {
        account: Some("cn=copier,dc=corp,dc=example".into()),
        mechanism: Some("simple".into()),
        protection: Some(Protection::None),
        name: HostName::parse("ldap.corp.example"),
        ..heard("10.0.0.7", "10.0.0.5", "ldap-bind", 389, "LDAP")
    }
}

/// Somebody carried a capture here: its vantage is no machine.
fn carry(told: &mut Told, fact: Fact) {
    let scope = Scope::new("capture", "/srv/span.pcap");
    told.say_in(scope, "list-1", "network.packets", fact, 4);
}

#[test]
fn a_capture_alone_makes_a_need_between_machines_nobody_looked_at() {
    let mut told = Told::default();
    carry(&mut told, Fact::PacketUse(bind()));
    let (graph, entities) = told.graph_and_entities();
    assert_eq!(graph.dependencies.len(), 1);
    let need = &graph.dependencies[0];
    assert_eq!(
        (need.kind.as_str(), need.provider.port),
        ("ldap-bind", Some(Port(389)))
    );
    assert_eq!(need.witnesses, vec![Witness::Network]);
    assert_eq!(need.reached_as.as_deref(), Some("ldap.corp.example"));
    assert_eq!(graph.ledger.len(), 1);
    assert_eq!(graph.ledger[0].witnesses, vec![Witness::Network]);
    let lists = entities.iter().filter(|e| e.kind == "list").count();
    let hosts = entities.iter().filter(|e| e.kind == "host").count();
    assert_eq!((lists, hosts), (1, 2), "the capture is no machine");
}

#[test]
fn what_a_log_tells_too_is_one_need_and_one_row() {
    let mut told = Told::default();
    told.host("ldap1", "10.0.0.5");
    let logged = LoggedUse {
        direction: Direction::Incoming,
        kind: "ldap-bind".into(),
        peer: "10.0.0.7".parse().expect("an address"),
        name: None,
        port: Some(Port(389)),
        transport: Transport::Tcp,
        product: "OpenLDAP".into(),
        account: Some("cn=copier,dc=corp,dc=example".into()),
        mechanism: Some("simple".into()),
        program: None,
        share: None,
        protection: Some(Protection::None),
        log: "/var/log/slapd.log".into(),
    };
    told.say_seen("ldap1", "log.services", Fact::LoggedUse(logged), 9);
    carry(&mut told, Fact::PacketUse(bind()));
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 1);
    assert_eq!(
        graph.dependencies[0].witnesses,
        vec![Witness::History, Witness::Network]
    );
    assert_eq!(graph.ledger.len(), 1, "{:#?}", graph.ledger);
    assert_eq!(graph.ledger[0].count, 9, "the same binds are not added up");
    assert_eq!(
        graph.ledger[0].witnesses,
        vec![Witness::History, Witness::Network]
    );
}

#[test]
fn what_is_spoken_at_a_place_the_program_knows_better_than_the_port() {
    let mut told = Told::default();
    told.host("web1", "10.0.0.5").host("app1", "10.0.0.7");
    told.listens("web1", 8443, bare("/usr/sbin/slapd"));
    told.calls("app1", "10.0.0.5", 8443, bare("/usr/bin/php"));
    carry(
        &mut told,
        Fact::PacketUse(heard("10.0.0.7", "10.0.0.5", "http", 8443, "TLS")),
    );
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 1, "{:#?}", graph.dependencies);
    let witnesses = &graph.dependencies[0].witnesses;
    assert!(witnesses.contains(&Witness::Network) && witnesses.contains(&Witness::Live));
}

#[test]
fn the_same_messages_in_a_log_and_on_the_wire_count_once() {
    let mail = ReportedMail {
        sender: Some("corp.example".into()),
        recipients: vec![MailRecipients {
            domain: "partner.example".into(),
            delivered_here: false,
        }],
        ..ReportedMail::default()
    };
    let wire = ReportedUse {
        protection: Some(Protection::None),
        mail: Some(Box::new(mail.clone())),
        ..heard("10.0.0.7", "10.0.0.5", "smtp-relay", 25, "SMTP")
    };
    let mut alone = Told::default();
    carry(&mut alone, Fact::PacketUse(wire.clone()));
    let graph = alone.graph();
    assert_eq!(graph.mail_ledger.len(), 1);
    assert_eq!(graph.mail_ledger[0].witnesses, vec![Witness::Network]);

    let mut told = Told::default();
    told.host("mail1", "10.0.0.5");
    let logged = MailUse {
        peer: "10.0.0.7".parse().expect("an address"),
        port: Some(Port(25)),
        product: "Postfix".into(),
        account: None,
        mechanism: None,
        protection: Some(Protection::None),
        tls: None,
        certificate: false,
        helo: None,
        sender: mail.sender.clone(),
        sender_word: None,
        recipients: mail.recipients.clone(),
        refused: None,
        log: "/var/log/mail.log".into(),
    };
    told.say_seen("mail1", "log.services", Fact::MailUse(logged), 9);
    carry(&mut told, Fact::PacketUse(wire));
    let graph = told.graph();
    assert_eq!(graph.mail_ledger.len(), 1, "{:#?}", graph.mail_ledger);
    let row = &graph.mail_ledger[0];
    assert_eq!(
        (row.messages, row.witnesses.as_slice()),
        (9, &[Witness::History, Witness::Network][..])
    );
}

#[test]
fn a_refused_bind_is_no_need() {
    let mut told = Told::default();
    let refused = ReportedUse {
        refused: true,
        account: None,
        ..bind()
    };
    carry(&mut told, Fact::PacketUse(refused));
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 0);
    assert!(graph.ledger[0].refused);
}

#[test]
fn a_machine_that_says_it_scans_is_a_device_with_doors_and_takes_nobodys_name() {
    let mut told = Told::default();
    told.host("mail1", "10.0.0.5");
    let sighting = Sighting {
        by: "mdns".into(),
        address: Some("10.0.0.7".parse().expect("an address")),
        names: HostName::parse("copier7.local").into_iter().collect(),
        says_it_is: Some("Ricoh IM C3000".into()),
        scans: true,
        doors: vec![Door {
            port: Port(631),
            transport: Transport::Tcp,
            service: Some("ipp".into()),
            product: None,
            version: None,
        }],
        ..Sighting::default()
    };
    carry(&mut told, Fact::Sighting(sighting.clone()));
    // Who is looked at from inside is not described by strangers.
    let liar = Sighting {
        address: Some("10.0.0.5".parse().expect("an address")),
        names: HostName::parse("evil").into_iter().collect(),
        ..sighting
    };
    carry(&mut told, Fact::Sighting(liar));
    let (graph, entities) = told.graph_and_entities();
    let copier = entities
        .iter()
        .find(|e| e.name == "copier7.local")
        .expect("it is there");
    assert_eq!(
        (copier.kind.as_str(), copier.layer.as_str()),
        ("device", "endpoint")
    );
    assert!(
        entities
            .iter()
            .all(|e| !e.names.contains(&"evil".to_owned()))
    );
    let doors: Vec<_> = graph
        .listeners
        .iter()
        .map(|l| (l.port, l.service.as_deref()))
        .collect();
    assert_eq!(doors, vec![(Port(631), Some("print"))]);
}
