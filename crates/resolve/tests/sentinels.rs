//! A machine that stands sentinel at the address of another one is not that one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::{A, B, Told, hour, link, met};
use groma_model::fact::*;
use groma_model::*;

const OLD: &str = "10.0.0.5";

fn post() -> Fact {
    Fact::SentinelPost(SentinelPost {
        address: OLD.parse().unwrap(),
        ports: Vec::new(),
    })
}

fn knock(by: &str, way: KnockWay) -> Fact {
    Fact::Knock(Knock {
        at: OLD.parse().unwrap(),
        by: by.parse().unwrap(),
        way,
    })
}

fn interface(name: &str, mac: &str, addresses: &[&str]) -> Fact {
    link(name, "physical", mac, addresses)
}

/// An old machine that was looked at until the third hour, and another one that has its address beside its own since the fifth.
fn moved() -> Told {
    let mut told = Told::default();
    told.named("agent-1", "mail1", A[0]);
    let old = interface("eth0", A[2], &["10.0.0.5/24"]);
    told.say_when("agent-1", old, 0..3, EvidenceState::Current);
    told.named("agent-2", "watch1", B[0]);
    let before = interface("eth0", B[2], &["10.0.0.9/24"]);
    told.say_when("agent-2", before, 0..4, EvidenceState::NotSeen);
    let since = interface("eth0", B[2], &["10.0.0.9/24", "10.0.0.5/32"]);
    told.say_when("agent-2", since, 5..9, EvidenceState::Current);
    told.say(
        "agent-3",
        Fact::Identity(HostIdentity {
            host_name: "app1".into(),
            machine_id: Some("m-c".into()),
            ..HostIdentity::default()
        }),
    );
    told.interface("agent-3", "eth0", "physical", "10.0.0.7")
        .mentions("agent-3", OLD);
    told
}

fn stands(told: &mut Told) -> &mut Told {
    told.say_when("agent-2", post(), 5..9, EvidenceState::Current)
}

fn who(told: &Told, agent: &str) -> String {
    let resolved = told.resolved();
    let entity = met(&resolved, agent, OLD).expect("somebody is meant");
    entity.name.clone()
}

#[test]
fn the_address_of_a_machine_that_is_gone_stays_its_own_where_a_sentinel_stands() {
    let mut told = moved();
    // Without a sentinel's word it is a machine that took the address over.
    assert_eq!(who(&told, "agent-3"), "watch1");
    stands(&mut told);
    for agent in ["agent-1", "agent-2", "agent-3"] {
        assert_eq!(who(&told, agent), "mail1", "{agent}");
    }
    let resolved = told.resolved();
    let hosts: Vec<_> = (resolved.estate.entities.values())
        .filter(|entity| entity.has_agent)
        .collect();
    assert_eq!(hosts.len(), 3, "nobody was merged");
    assert!(hosts.iter().all(|host| host.merged_because.is_empty()));
    let watch = hosts.iter().find(|host| host.name == "watch1").unwrap();
    let own: Vec<String> = watch.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(own, ["10.0.0.9"]);
    let posts = &watch.attributes.posts;
    assert_eq!(
        (posts.len(), posts[0].since, posts[0].until),
        (1, hour(5), hour(9))
    );
}

#[test]
fn the_order_of_what_was_told_does_not_matter() {
    let mut told = moved();
    stands(&mut told);
    let mut turned = told.clone();
    turned.0.reverse();
    assert_eq!(
        told.resolved().estate.entities,
        turned.resolved().estate.entities
    );
}

#[test]
fn a_machine_without_an_agent_keeps_its_address_and_its_past_too() {
    let mut told = Told::default();
    told.host("agent-3", "app1", A, "10.0.0.7")
        .mentions("agent-3", OLD);
    let before = told.resolved();
    let old = met(&before, "agent-3", OLD).unwrap().id.clone();
    let mut ledger = groma_model::store::Identities::default();
    ledger.known.extend(before.new.known);
    told.named("agent-2", "watch1", B[0]);
    told.say(
        "agent-2",
        interface("eth0", B[2], &["10.0.0.9/24", "10.0.0.5/32"]),
    );
    stands(&mut told);
    let after = told.resolved_with(&ledger);
    let entity = met(&after, "agent-3", OLD).unwrap();
    assert_eq!((&entity.id, entity.has_agent), (&old, false));
    assert!(after.new.merged.is_empty());
}

#[test]
fn the_hardware_address_that_answers_now_describes_the_sentinel_alone() {
    let mut told = Told::default();
    told.host("agent-3", "app1", A, "10.0.0.7")
        .mentions("agent-3", OLD);
    told.neighbour("agent-3", OLD, B[2]);
    told.named("agent-2", "watch1", B[0]);
    told.say(
        "agent-2",
        interface("eth0", B[2], &["10.0.0.9/24", "10.0.0.5/32"]),
    );
    let mut of_old = told.clone();
    stands(&mut told);
    let resolved = told.resolved();
    assert!(
        met(&resolved, "agent-3", OLD)
            .unwrap()
            .attributes
            .macs
            .is_empty()
    );
    // The old machine's own, as it was met before, is kept.
    of_old
        .0
        .retain(|piece| !matches!(piece.fact, Fact::Neighbour(_)));
    of_old.neighbour("agent-3", OLD, "52:54:00:00:00:0e");
    stands(&mut of_old);
    let resolved = of_old.resolved();
    let macs = &met(&resolved, "agent-3", OLD).unwrap().attributes.macs;
    assert_eq!(macs.as_slice(), ["52:54:00:00:00:0e"]);
}

#[test]
fn what_means_no_service_is_told_of_the_machine_that_is_gone() {
    let mut told = moved();
    stands(&mut told);
    told.say_when(
        "agent-2",
        knock("10.0.0.7", KnockWay::Echo),
        6..8,
        EvidenceState::Current,
    );
    told.say_when(
        "agent-2",
        knock("10.0.0.66", KnockWay::ManyPorts),
        6..7,
        EvidenceState::Current,
    );
    let port = KnockWay::Port {
        port: Port(25),
        transport: Transport::Tcp,
    };
    told.say_when(
        "agent-2",
        knock("10.0.0.7", port),
        6..7,
        EvidenceState::Current,
    );
    let resolved = told.resolved();
    let old = met(&resolved, "agent-3", OLD).unwrap();
    let ways: Vec<_> = old.attributes.knocks.iter().map(|e| e.knock.way).collect();
    assert_eq!(ways, [KnockWay::Echo, KnockWay::ManyPorts]);
    let name = |id: &EntityId| resolved.estate.entities.get(id).unwrap().name.clone();
    let first = &old.attributes.knocks[0];
    assert_eq!(first.consumer.as_ref().map(name).as_deref(), Some("app1"));
    assert_eq!(name(&first.sentinel), "watch1");
}

#[test]
fn two_agents_of_one_machine_stand_where_one_of_them_does() {
    let mut told = moved();
    stands(&mut told);
    let identity = HostIdentity {
        host_name: "watch1".into(),
        machine_id: Some(B[0].into()),
        smbios_uuid: Some(B[1].into()),
        ..HostIdentity::default()
    };
    told.say("agent-2", Fact::Identity(identity.clone()));
    told.say("agent-4", Fact::Identity(identity));
    let link = interface("eth0", B[2], &["10.0.0.9/24", "10.0.0.5/32"]);
    told.say_when("agent-4", link, 6..9, EvidenceState::Current);
    assert_eq!(who(&told, "agent-3"), "mail1");
    assert_eq!(who(&told, "agent-4"), "mail1");
}
