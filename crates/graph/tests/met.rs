//! Ports that answered from outside: of machines with an agent, without one, and of both.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::*;
use groma_model::fact::{HostMet, Listener, OpenPort, Program, Proof, SeenService, ServiceAnswer};
use groma_model::sighting::{Door, Sighting};
use groma_model::{EvidenceState, Fact, Foreign, Port, Seen, Timestamp, Transport};

const SWEEP: &str = "network.sweep";

fn met(address: &str, mac: Option<&str>) -> Fact {
    Fact::HostMet(HostMet {
        address: address.parse().unwrap(),
        by: Proof::Link,
        mac: mac.map(str::to_owned),
    })
}

fn open(address: &str, port: u16, speaks: Option<&str>) -> Fact {
    Fact::OpenPort(OpenPort {
        address: address.parse().unwrap(),
        port: Port(port),
        transport: if speaks.is_some() {
            Transport::Udp
        } else {
            Transport::Tcp
        },
        speaks: speaks.map(str::to_owned),
    })
}

fn told() -> Told {
    let mut told = Told::default();
    told.host("vantage", "10.0.0.1").host("web1", "10.0.0.2");
    let listener = Fact::Listener(Listener {
        address: "0.0.0.0".parse().unwrap(),
        port: Port(443),
        transport: Transport::Tcp,
        program: Program {
            executable: Some(Foreign::from("/usr/sbin/nginx")),
            ..Program::default()
        },
    });
    told.say("web1", "host.sockets", listener);
    for fact in [
        met("10.0.0.2", None),
        open("10.0.0.2", 443, None),
        open("10.0.0.2", 8443, None),
        met("10.0.0.7", Some("02:00:00:00:00:07")),
        open("10.0.0.7", 80, None),
        open("10.0.0.7", 161, Some("snmp")),
    ] {
        told.say("vantage", SWEEP, fact);
    }
    told
}

#[test]
fn a_port_an_agent_told_of_gets_a_witness_and_no_second_row() {
    let (graph, entities) = told().graph_and_entities();
    let web = entities.iter().find(|e| e.name == "web1").unwrap();
    let rows: Vec<_> = graph
        .listeners
        .iter()
        .filter(|l| l.entity == web.id)
        .collect();
    let told: Vec<_> = rows.iter().map(|l| (l.port.0, l.evidence.len())).collect();
    assert_eq!(told.len(), 2);
    assert!(
        told.contains(&(443, 2)) && told.contains(&(8443, 1)),
        "{told:?}"
    );
    let outside = rows.iter().find(|l| l.port == Port(8443)).unwrap();
    // What only answered from outside names no program, and no service by its number.
    assert!(outside.process.is_unknown() && outside.service.is_none());
}

#[test]
fn a_machine_without_an_agent_is_an_entity_with_its_ports_and_says_why() {
    let (graph, entities) = told().graph_and_entities();
    let device = entities.iter().find(|e| e.name == "10.0.0.7").unwrap();
    assert_eq!((device.kind.as_str(), device.has_agent), ("host", false));
    assert_eq!(device.attributes.macs, ["02:00:00:00:00:07"]);
    let why = graph
        .evidence
        .iter()
        .find(|e| device.evidence.contains(&e.id))
        .unwrap();
    assert_eq!(
        why.says,
        "10.0.0.7 is there: it says its hardware address on the link"
    );
    assert_eq!(why.witness.as_str(), "network");
    let rows = graph.listeners.iter().filter(|l| l.entity == device.id);
    let told: Vec<_> = rows.map(|l| (l.port.0, l.service.as_deref())).collect();
    assert_eq!(told, [(80, None), (161, Some("snmp"))]);
}

#[test]
fn a_sweep_makes_no_need() {
    let (graph, _) = told().graph_and_entities();
    assert!(graph.dependencies.is_empty());
}

fn spoken(address: &str, port: u16, answer: ServiceAnswer) -> Fact {
    Fact::SeenService(SeenService {
        address: address.parse().unwrap(),
        port: Port(port),
        transport: Transport::Tcp,
        answer,
    })
}

#[test]
fn what_a_service_says_of_itself_stands_in_the_row_of_its_port() {
    let mut told = told();
    let answer = ServiceAnswer {
        protocol: "ldap".to_owned(),
        product: Some("OpenLDAP".to_owned()),
        names: vec!["LDAP1".to_owned(), "ldap1.corp.example".to_owned()],
        ..ServiceAnswer::default()
    };
    told.say(
        "vantage",
        "network.services",
        spoken("10.0.0.7", 80, answer.clone()),
    );
    told.say(
        "vantage",
        "network.services",
        spoken("10.0.0.2", 443, answer),
    );
    let (graph, entities) = told.graph_and_entities();
    let name = |id| entities.iter().find(|e| e.id == id).map(|e| e.name.clone());
    let row = |port: u16| {
        graph
            .listeners
            .iter()
            .filter(move |row| row.port == Port(port))
    };
    let unseen = row(80).next().expect("a row");
    assert_eq!(unseen.service.as_deref(), Some("ldap-bind"));
    assert_eq!(unseen.evidence.len(), 2);
    let product = |row: &groma_model::inventory::ListenerEntry| {
        row.answer
            .as_ref()
            .and_then(|answer| answer.product.clone())
    };
    assert_eq!(product(unseen).as_deref(), Some("OpenLDAP"));
    assert_eq!(
        name(unseen.entity.clone()).as_deref(),
        Some("ldap1.corp.example")
    );
    let held = row(443).next().expect("a row");
    assert!(row(443).nth(1).is_none() && held.process.executable.is_some());
    assert_eq!(
        name(held.entity.clone()).as_deref(),
        Some("web1"),
        "an agent knows better"
    );
}

/// What stands at the port is what the newest look saw, then what was seen last; never what has the lower id.
#[test]
fn the_newest_answer_stands_in_the_row() {
    // Of two rows with one moment either may have the lower id: both are tried.
    for (old, new) in [
        ("8.4", "9.7"),
        ("9.7", "8.4"),
        ("7.9", "8.0"),
        ("8.0", "7.9"),
    ] {
        for is_gone in [true, false] {
            let mut told = told();
            let mut seen_at = |version: &str, days: i64, state: EvidenceState| {
                let answer = ServiceAnswer {
                    protocol: "ssh".to_owned(),
                    product: Some("OpenSSH".to_owned()),
                    version: Some(version.to_owned()),
                    ..ServiceAnswer::default()
                };
                told.say(
                    "vantage",
                    "network.services",
                    spoken("10.0.0.7", 22, answer),
                );
                let last = told.0.last_mut().unwrap();
                let at = Timestamp::from_seconds(1_795_165_200 + days * 86_400);
                (last.seen, last.state) = (Seen::between(at, at, 1), state);
            };
            // Not seen is older, whatever the clock of its vantage said.
            let (at, state) = match is_gone {
                true => (2, EvidenceState::NotSeen),
                false => (0, EvidenceState::Current),
            };
            seen_at(old, at, state);
            seen_at(new, 1, EvidenceState::Current);
            let (graph, _) = told.graph_and_entities();
            let mut rows = graph.listeners.iter().filter(|row| row.port == Port(22));
            let row = rows.next().unwrap();
            let version = row
                .answer
                .as_ref()
                .and_then(|answer| answer.version.as_deref());
            assert_eq!(version, Some(new));
            assert_eq!((row.evidence.len(), rows.next()), (2, None));
        }
    }
}

fn by_nmap(address: &str, port: u16, product: Option<&str>) -> Fact {
    Fact::Sighting(Sighting {
        by: "nmap".to_owned(),
        address: Some(address.parse().unwrap()),
        doors: vec![Door {
            port: Port(port),
            transport: Transport::Tcp,
            service: Some("ms-sql-s".to_owned()),
            product: product.map(str::to_owned),
            version: product.map(|_| "15.00.2000".to_owned()),
        }],
        ..Sighting::default()
    })
}

/// What the row at `address` and `port` says of its service, product and witnesses.
fn row(told: &Told, address: &str, port: u16) -> Vec<(Option<String>, Option<String>, usize)> {
    let graph = told.graph();
    let at: std::net::IpAddr = address.parse().unwrap();
    let here = |row: &&groma_model::inventory::ListenerEntry| {
        row.port == Port(port) && (row.address == at || row.address.is_unspecified())
    };
    let rows = graph.listeners.iter().filter(here);
    rows.map(|row| {
        let product = row
            .answer
            .as_ref()
            .and_then(|answer| answer.product.clone());
        (row.service.clone(), product, row.evidence.len())
    })
    .collect()
}

#[test]
fn a_product_that_another_scanner_names_stands_in_the_row_and_gives_way_to_an_answer_of_ours() {
    let mut told = told();
    told.say(
        "vantage",
        "network.scan-list",
        by_nmap("10.0.0.7", 1433, Some("SQL Server 2019")),
    );
    let sql = Some("sql".to_owned());
    let theirs = (sql.clone(), Some("SQL Server 2019".to_owned()), 1);
    assert_eq!(row(&told, "10.0.0.7", 1433), [theirs]);
    let answer = ServiceAnswer {
        protocol: "ms-sql-s".to_owned(),
        product: Some("Microsoft SQL Server".to_owned()),
        ..ServiceAnswer::default()
    };
    let ours = Fact::SeenService(SeenService {
        address: "10.0.0.7".parse().unwrap(),
        port: Port(1433),
        transport: Transport::Tcp,
        answer,
    });
    told.say("vantage", "network.services", ours);
    let both = (sql, Some("Microsoft SQL Server".to_owned()), 2);
    assert_eq!(row(&told, "10.0.0.7", 1433), [both]);
}

#[test]
fn hearsay_of_a_machine_with_an_agent_confirms_its_doors_and_adds_none() {
    let mut told = told();
    told.say(
        "vantage",
        "network.scan-list",
        by_nmap("10.0.0.2", 443, Some("nginx")),
    );
    told.say(
        "vantage",
        "network.scan-list",
        by_nmap("10.0.0.2", 9443, Some("nginx")),
    );
    let known = row(&told, "10.0.0.2", 443);
    assert_eq!(known.len(), 1);
    assert_eq!((known[0].1.as_deref(), known[0].2), (Some("nginx"), 3));
    assert_eq!(row(&told, "10.0.0.2", 9443), []);
}
