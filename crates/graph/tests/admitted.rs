//! A server's list of clients names needs of machines nobody looks at from inside.

mod common;

use common::{Told, ip};
use groma_model::fact::*;
use groma_model::inventory::Basis;
use groma_model::*;

fn admission(peer: Option<&str>, network: Option<&str>) -> Fact {
    Fact::Admission(Admission {
        product: "FreeRADIUS".into(),
        name: "wlc1".into(),
        peer: peer.and_then(Peer::parse),
        network: network.map(str::to_owned),
        kind: "radius".into(),
        port: Some(Port(1812)),
        transport: Transport::Udp,
        file: "/etc/freeradius/3.0/clients.conf".into(),
        line: 7,
    })
}

fn neighbour(address: &str) -> Fact {
    Fact::Neighbour(Neighbour {
        address: ip(address),
        mac: "00:11:22:33:44:55".into(),
        interface: "eth0".into(),
    })
}

fn told(facts: &[Fact]) -> Told {
    let mut told = Told::default();
    told.host("radius1", "10.0.0.1").host("vpn1", "10.0.0.7");
    for fact in facts {
        told.say("radius1", "host.admissions", fact.clone());
    }
    told
}

#[test]
fn a_client_a_server_lists_needs_it() {
    let told = told(&[
        admission(Some("10.0.0.21"), None),
        admission(Some("10.0.0.7"), None),
        neighbour("10.0.0.21"),
    ]);
    let graph = told.graph();
    let mut edges: Vec<String> = graph
        .dependencies
        .iter()
        .map(|d| {
            assert_eq!(d.basis, Basis::Declared);
            assert_eq!(d.witnesses, [Witness::Written]);
            format!("{} {} {}", d.consumer.name, d.kind, d.provider.name)
        })
        .collect();
    edges.sort();
    assert_eq!(edges, ["10.0.0.21 radius radius1", "vpn1 radius radius1"]);
    let says =
        "FreeRADIUS lets 10.0.0.7 (wlc1) in at 1812/udp (/etc/freeradius/3.0/clients.conf:7)";
    assert!(graph.evidence.iter().any(|e| e.says == says));
}

#[test]
fn a_client_of_which_nobody_knows_more_than_its_line_is_no_machine_that_needs() {
    let told = told(&[admission(Some("10.0.0.94"), None)]);
    assert_eq!(told.graph().dependencies, []);
}

#[test]
fn a_network_everybody_and_the_server_itself_need_nothing() {
    let told = told(&[
        admission(None, Some("10.0.7.0/24")),
        admission(None, Some("*")),
        admission(Some("10.0.0.1"), None),
        admission(Some("127.0.0.1"), None),
    ]);
    assert_eq!(told.graph().dependencies, []);
}

#[test]
fn what_a_log_saw_and_a_list_says_is_one_need() {
    let mut told = told(&[admission(Some("10.0.0.7"), None)]);
    let used = LoggedUse {
        direction: Direction::Incoming,
        kind: "radius".into(),
        peer: ip("10.0.0.7"),
        name: None,
        port: Some(Port(1812)),
        transport: Transport::Udp,
        product: "FreeRADIUS".into(),
        account: None,
        mechanism: None,
        program: None,
        share: None,
        protection: None,
        log: "/var/log/freeradius/radius.log".into(),
    };
    told.say_seen("radius1", "log.services", Fact::LoggedUse(used), 4);
    let graph = told.graph();
    let [edge] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies)
    };
    assert_eq!(edge.witnesses, [Witness::History, Witness::Written]);
    assert_eq!(edge.evidence.len(), 2);
}
