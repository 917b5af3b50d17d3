//! What packets tell, joined with what live witnesses and logs tell of the same: no need twice, no row twice.

mod common;

use common::*;
use groma_model::fact::{
    Direction, DirectoryNeed, Door, LoggedUse, MailRecipients, MailUse, NeedReason, ReportedUse,
    Sighting,
};
use groma_model::inventory::ReachedBy;
use groma_model::name::{Peer, Protection};
use groma_model::reported::{NETBIOS_NAMES, ReportedMail};
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

/// What the log of `ldap1`, at 10.0.0.5, tells of the copier.
fn logged(kind: &str, port: u16) -> LoggedUse {
    LoggedUse {
        direction: Direction::Incoming,
        kind: kind.into(),
        peer: "10.0.0.7".parse().expect("an address"),
        name: None,
        port: Some(Port(port)),
        transport: Transport::Tcp,
        product: "log".into(),
        account: None,
        mechanism: None,
        program: None,
        share: None,
        protection: None,
        log: "/var/log/service.log".into(),
    }
}

fn ledger(logs: Vec<LoggedUse>, heard: Vec<ReportedUse>) -> Vec<groma_model::ledger::LedgerEntry> {
    let mut told = Told::default();
    told.host("ldap1", "10.0.0.5");
    for used in logs {
        told.say_seen("ldap1", "log.services", Fact::LoggedUse(used), 9);
    }
    for used in heard {
        carry(&mut told, Fact::PacketUse(used));
    }
    told.graph().ledger
}

#[test]
fn what_packets_tell_of_another_share_is_in_a_row_of_its_own() {
    let of_log = LoggedUse {
        account: Some("anna".into()),
        share: Some("docs".into()),
        ..logged("smb", 445)
    };
    let on_wire = |share: &str| ReportedUse {
        account: Some("anna".into()),
        service: Some(share.into()),
        ..heard("10.0.0.7", "10.0.0.5", "smb", 445, "SMB")
    };
    let rows = ledger(vec![of_log], vec![on_wire("docs"), on_wire("scans")]);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.service.as_deref(), row.logs.len()))
        .collect();
    assert_eq!(told, [(Some("docs"), 2), (Some("scans"), 1)]);
}

#[test]
fn what_packets_tell_of_nobody_in_particular_is_no_further_client() {
    let of_log = |account: &str| LoggedUse {
        account: Some(account.into()),
        protection: Some(Protection::Tls),
        ..logged("ldap-bind", 636)
    };
    let accounts = ["cn=a,dc=x", "cn=b,dc=x", "cn=c,dc=x"];
    let on_wire = ReportedUse {
        protection: Some(Protection::Tls),
        ..heard("10.0.0.7", "10.0.0.5", "ldap-bind", 636, "TLS")
    };
    let rows = ledger(accounts.map(of_log).into(), vec![on_wire]);
    assert_eq!(rows.len(), 3, "{rows:#?}");
    for row in rows {
        assert!(row.account.is_some());
        assert_eq!(row.witnesses, [Witness::History, Witness::Network]);
        assert_eq!(row.count, 9);
    }
}

#[test]
fn an_account_is_one_in_the_log_and_on_the_wire() {
    let of_log = LoggedUse {
        account: Some("svcscan".into()),
        share: Some("scans".into()),
        ..logged("smb", 445)
    };
    let on_wire = |account: &str| ReportedUse {
        account: Some(account.into()),
        service: Some("scans".into()),
        ..heard("10.0.0.7", "10.0.0.5", "smb", 445, "SMB")
    };
    let rows = ledger(vec![of_log.clone()], vec![on_wire("CORP\\svcscan")]);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0].account.as_deref(), Some("svcscan"));
    assert_eq!(
        ledger(vec![of_log], vec![on_wire("CORP\\svcscan2")]).len(),
        2
    );
}

#[test]
fn what_packets_know_more_stands_in_the_row_and_of_several_in_their_own() {
    let of_log = logged("ldap-bind", 389);
    let on_wire = |account: &str| ReportedUse {
        account: Some(account.into()),
        ..bind()
    };
    let rows = ledger(vec![of_log.clone()], vec![on_wire("cn=a,dc=x")]);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(rows[0].account.as_deref(), Some("cn=a,dc=x"));
    assert_eq!(rows[0].witnesses, [Witness::History, Witness::Network]);
    let two = vec![on_wire("cn=a,dc=x"), on_wire("cn=b,dc=x")];
    let rows = ledger(vec![of_log], two);
    let told: Vec<_> = rows.iter().map(|row| row.account.as_deref()).collect();
    assert_eq!(told, [None, Some("cn=a,dc=x"), Some("cn=b,dc=x")]);
}

#[test]
fn a_door_is_called_what_was_heard_there_and_not_by_its_number() {
    let mut told = Told::default();
    let door = |port: u16, service: Option<&str>| Door {
        port: Port(port),
        transport: Transport::Tcp,
        service: service.map(str::to_owned),
        product: None,
        version: None,
    };
    let sighting = Sighting {
        by: "nmap".into(),
        address: Some("10.0.0.7".parse().expect("an address")),
        doors: vec![
            door(25, None),
            door(443, Some("ssh")),
            door(636, Some("ldap over TLS")),
            door(8000, Some("weblogic")),
        ],
        ..Sighting::default()
    };
    carry(&mut told, Fact::Sighting(sighting));
    let listeners = told.graph().listeners;
    let doors: Vec<_> = listeners
        .iter()
        .map(|row| (row.port.0, row.service.as_deref()))
        .collect();
    let meant = [
        (25, None),
        (443, Some("ssh")),
        (636, Some("ldap-bind")),
        (8000, None),
    ];
    assert_eq!(doors, meant);
}

/// The consumer of the bind looks for its provider by a name of NetBIOS.
fn looks() -> ReportedUse {
    ReportedUse {
        port: None,
        transport: Transport::Udp,
        name: HostName::parse("srv1"),
        ..heard("10.0.0.7", "10.0.0.5", "other", 137, NETBIOS_NAMES)
    }
}

#[test]
fn who_is_looked_for_by_a_netbios_name_joins_the_need_that_is_known_and_hides_it() {
    let mut told = Told::default();
    carry(&mut told, Fact::PacketUse(bind()));
    let plain = told.graph();
    let is_netbios = |need: &groma_model::inventory::Dependency| {
        need.hidden_because.contains(&"netbios-name".to_owned())
    };
    assert!(
        !is_netbios(&plain.dependencies[0]),
        "a twin that stays silent"
    );
    carry(&mut told, Fact::PacketUse(looks()));
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 1, "{:#?}", graph.dependencies);
    let need = &graph.dependencies[0];
    assert_eq!(need.kind, "ldap-bind");
    assert_eq!(need.reached_by, Some(ReachedBy::Broadcast));
    assert_eq!(need.reached_as.as_deref(), Some("srv1"));
    assert!(is_netbios(need));
    assert_eq!(graph.ledger.len(), 1, "it is no bind");
}

#[test]
fn who_is_looked_for_by_a_netbios_name_and_never_called_is_a_need_by_itself() {
    let mut told = Told::default();
    carry(&mut told, Fact::PacketUse(looks()));
    let graph = told.graph();
    assert_eq!(graph.dependencies.len(), 1);
    let need = &graph.dependencies[0];
    assert_eq!((need.kind.as_str(), need.provider.port), ("other", None));
    assert!(need.hidden_because.contains(&"netbios-name".to_owned()));
}

#[test]
fn the_way_out_that_a_router_names_is_a_declared_need_and_no_address_somebody_wrote() {
    let mut told = Told::default();
    let out = |provider: &str, kind: &str, port| DirectoryNeed {
        consumer: Peer::parse("fd77::7").expect("a peer"),
        provider: Peer::parse(provider).expect("a peer"),
        port,
        transport: Transport::Udp,
        kind: kind.into(),
        reason: NeedReason::HandedOut,
        account: None,
        resource: (kind == "dns").then(|| "search list corp.example".into()),
        protection: None,
        dn: "the router fe80::1".into(),
        attribute: "advertisement".into(),
    };
    carry(
        &mut told,
        Fact::DirectoryNeed(out("fe80::1", "gateway", None)),
    );
    carry(
        &mut told,
        Fact::DirectoryNeed(out("fd77::1", "dns", Some(Port(53)))),
    );
    let mut needs = told.graph().dependencies;
    needs.sort_by(|a, b| a.kind.cmp(&b.kind));
    let kinds: Vec<_> = needs.iter().map(|need| need.kind.as_str()).collect();
    assert_eq!(kinds, ["dns", "gateway"]);
    for need in &needs {
        assert_eq!(need.witnesses, vec![Witness::Declared]);
        assert!(!need.hidden_because.contains(&"address-literal".to_owned()));
        assert!(need.shared_service);
    }
}
