//! Who knocks at the address of a machine that is gone still needs it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::*;
use groma_model::fact::*;
use groma_model::inventory::Entity;
use groma_model::store::LookSpan;
use groma_model::*;

const OLD: &str = "10.0.0.5";
const NOW: i64 = 1_795_165_200;

fn knock(by: &str, port: u16) -> Fact {
    Fact::Knock(Knock {
        at: ip(OLD),
        by: ip(by),
        way: KnockWay::Port {
            port: Port(port),
            transport: Transport::Tcp,
        },
    })
}

/// `mail1` was there; `watch1` stands at its address; `app1` has an agent.
fn estate() -> Told {
    let mut told = Told::default();
    told.host("mail1", OLD)
        .host("watch1", "10.0.0.9")
        .host("app1", "10.0.0.7");
    let link = Interface {
        name: "eth1".into(),
        mac: None,
        kind: "physical".into(),
        up: true,
        addresses: vec![format!("{OLD}/32")],
    };
    told.say("watch1", "host.network", Fact::Interface(link));
    let post = SentinelPost {
        address: ip(OLD),
        ports: Vec::new(),
    };
    told.say("watch1", "network.sentinel", Fact::SentinelPost(post));
    told
}

fn named<'a>(entities: &'a [Entity], id: &EntityId) -> &'a str {
    &entities.iter().find(|e| e.id == *id).unwrap().name
}

#[test]
fn a_knock_is_a_need_of_the_machine_that_is_gone_and_says_who_heard_it() {
    let mut told = estate();
    told.say("watch1", "network.sentinel", knock("10.0.0.7", 25));
    let (graph, entities) = told.graph_and_entities();
    let [need] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies);
    };
    assert_eq!(
        (need.consumer.name.as_str(), need.provider.name.as_str()),
        ("app1", "mail1")
    );
    assert_eq!(
        (need.kind.as_str(), need.provider.port),
        ("smtp-relay", Some(Port(25)))
    );
    assert_eq!(need.witnesses, [Witness::Network]);
    assert!(need.details.last_used.is_some());
    let heard: Vec<&str> = need
        .details
        .heard_by
        .iter()
        .map(|id| named(&entities, id))
        .collect();
    assert_eq!(heard, ["watch1"]);
    assert!(
        graph.ledger.is_empty(),
        "nothing was used: {:?}",
        graph.ledger
    );
}

#[test]
fn it_confirms_the_need_that_the_consumers_own_agent_knows_with_its_program() {
    let mut told = estate();
    told.calls("app1", OLD, 8443, unit("/usr/bin/mailer", "mailer.service"));
    told.say("watch1", "network.sentinel", knock("10.0.0.7", 8443));
    let (graph, _) = told.graph_and_entities();
    let [need] = graph.dependencies.as_slice() else {
        panic!("{:?}", graph.dependencies);
    };
    assert_eq!(need.consumer.component.name.lossy(), "mailer.service");
    assert_eq!(need.witnesses, [Witness::Live, Witness::Network]);
    assert_eq!(need.details.heard_by.len(), 1);
}

#[test]
fn it_finds_the_line_that_says_so() {
    let mut told = estate();
    told.writes(
        "app1",
        reference(
            "postfix-relayhost",
            "/etc/postfix/main.cf",
            OLD,
            25,
            "smtp-relay",
        ),
    );
    told.say("watch1", "network.sentinel", knock("10.0.0.7", 25));
    let need = told.only_edge();
    assert!(!need.details.written_in.is_empty() && need.details.last_used.is_some());
}

#[test]
fn pings_scans_and_the_sentinels_own_address_make_no_need() {
    let mut told = estate();
    for way in [KnockWay::Echo, KnockWay::ManyPorts] {
        let knock = Knock {
            at: ip(OLD),
            by: ip("10.0.0.7"),
            way,
        };
        told.say("watch1", "network.sentinel", Fact::Knock(knock));
    }
    told.say("watch1", "network.sentinel", knock(OLD, 25));
    assert_eq!(told.edges(), Vec::<String>::new());
}

#[test]
fn what_gromas_own_sweep_asked_there_is_nobodys_need() {
    let look = |begun: i64| LookSpan {
        site: SiteId::default(),
        vantage: AgentId::new("app1"),
        started: Timestamp::from_seconds(begun),
        ended: Timestamp::from_seconds(begun + 600),
    };
    let met = || {
        Fact::HostMet(HostMet {
            address: ip(OLD),
            by: Proof::Handshake,
            mac: None,
        })
    };
    let mut told = estate();
    told.say("watch1", "network.sentinel", knock("10.0.0.7", 25));
    let needs = |told: &Told, begun: i64| told.graph_beside(&[look(begun)]).0.dependencies.len();
    assert_eq!(needs(&told, NOW - 60), 1, "it asked around, and not there");
    told.say("app1", "network.sweep", met());
    assert_eq!(needs(&told, NOW - 60), 0);
    assert_eq!(needs(&told, NOW - 86_400), 1, "its sweep was another day");
}
