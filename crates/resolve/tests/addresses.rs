//! By which of its addresses a machine is known to others.

mod common;

use common::{A, B, Told, hour, link, met};
use groma_model::fact::*;
use groma_model::*;

/// A machine without an interface, and somebody who calls it at `address`.
fn called(address: &str) -> Told {
    let mut told = Told::default();
    told.named("agent-1", "node", A[0]);
    told.host("agent-2", "caller", B, "10.0.0.2")
        .mentions("agent-2", address);
    told
}

fn is_known_at(told: &Told, address: &str) -> bool {
    met(&told.resolved(), "agent-2", address).is_some_and(|entity| entity.name == "node")
}

#[test]
fn a_machine_whose_address_is_on_the_bridge_over_its_card_is_known_by_it() {
    let mut told = called("10.0.0.5");
    told.link("agent-1", "eno1", "physical", "52:54:00:00:00:01", &[])
        .link(
            "agent-1",
            "vmbr0",
            "bridge",
            "52:54:00:00:00:01",
            &["10.0.0.5/24"],
        );
    assert!(is_known_at(&told, "10.0.0.5"));
}

#[test]
fn a_bridge_the_way_out_leads_over_counts_though_its_mac_is_its_own() {
    let mut told = called("10.0.0.5");
    told.link("agent-1", "eno1", "physical", "52:54:00:00:00:01", &[])
        .link(
            "agent-1",
            "eno2",
            "physical",
            "52:54:00:00:00:02",
            &["10.99.0.5/24"],
        )
        .link(
            "agent-1",
            "br0",
            "bridge",
            "fe:00:00:00:00:09",
            &["10.0.0.5/24"],
        )
        .route("agent-1", "0.0.0.0/0", "10.0.0.254", "br0");
    assert!(is_known_at(&told, "10.0.0.5"));
}

#[test]
fn an_address_on_a_bond_counts_beside_the_card_of_the_heartbeat() {
    let mut told = called("10.0.0.5");
    told.link(
        "agent-1",
        "bond0",
        "virtual",
        "52:54:00:00:00:01",
        &["10.0.0.5/24"],
    )
    .link(
        "agent-1",
        "eno3",
        "physical",
        "52:54:00:00:00:03",
        &["10.99.0.5/24"],
    );
    assert!(is_known_at(&told, "10.0.0.5"));
}

#[test]
fn a_bridge_of_unknown_use_counts_where_a_machine_has_nothing_else() {
    let mut told = called("10.0.0.5");
    told.link("agent-1", "eno1", "physical", "52:54:00:00:00:01", &[])
        .link(
            "agent-1",
            "lan",
            "bridge",
            "fe:00:00:00:00:09",
            &["10.0.0.5/24"],
        );
    assert!(is_known_at(&told, "10.0.0.5"));
}

#[test]
fn what_runtimes_put_between_their_guests_and_the_machine_identifies_nobody() {
    for (name, kind) in [
        ("docker0", "bridge"),
        ("br-0a1b2c3d4e5f", "bridge"),
        ("virbr0", "bridge"),
        ("cni0", "bridge"),
        ("podman0", "bridge"),
        ("lxdbr0", "bridge"),
        ("kube-ipvs0", "virtual"),
        ("vboxnet0", "virtual"),
    ] {
        let mut told = called("172.17.0.1");
        told.link(
            "agent-1",
            name,
            kind,
            "02:42:00:00:00:01",
            &["172.17.0.1/16"],
        )
        // The way into a VPN that a container keeps.
        .route("agent-1", "10.8.0.0/24", "172.17.0.2", name);
        assert!(!is_known_at(&told, "172.17.0.1"), "{name} alone");
        told.link(
            "agent-1",
            "eno1",
            "physical",
            "52:54:00:00:00:01",
            &["10.0.0.5/24"],
        );
        assert!(!is_known_at(&told, "172.17.0.1"), "{name} beside a card");
    }
}

#[test]
fn a_bridge_somebody_named_and_only_containers_stand_on_identifies_nobody() {
    let mut told = called("192.168.50.1");
    told.link(
        "agent-1",
        "eno1",
        "physical",
        "52:54:00:00:00:01",
        &["10.0.0.5/24"],
    )
    .link(
        "agent-1",
        "br-shop",
        "bridge",
        "02:42:00:00:00:01",
        &["192.168.50.1/24"],
    )
    .route("agent-1", "10.8.0.0/24", "192.168.50.2", "br-shop")
    .say("agent-1", Fact::Container(container("192.168.50.2")));
    assert!(!is_known_at(&told, "192.168.50.1"));
}

const SECOND: &str = "52:54:00:00:00:0f";

/// `mail1` was looked at in hour 0 with its address and switched off; `mail-new` has been there from hour 30 on.
fn taken_over(old: &[&str], new: &[&str]) -> Told {
    let mut told = called("10.0.0.5");
    told.named("agent-1", "mail1", "m-1")
        .named("agent-3", "mail-new", "m-3");
    let current = EvidenceState::Current;
    let card = |mac, addresses| link("eth0", "physical", mac, addresses);
    told.say_when("agent-1", card("52:54:00:00:00:01", old), 0..0, current)
        .say_when("agent-3", card(SECOND, new), 30..54, current);
    told
}

fn name_at(told: &Told, address: &str) -> Option<String> {
    let resolution = told.resolved();
    let entity = met(&resolution, "agent-2", address)?;
    entity.has_agent.then(|| entity.name.clone())
}

#[test]
fn an_address_taken_over_after_its_holder_was_last_looked_at_is_the_new_ones() {
    let told = taken_over(&["10.0.0.5/24"], &["10.0.0.5/24"]);
    assert_eq!(name_at(&told, "10.0.0.5").as_deref(), Some("mail-new"));
    // Order does not matter.
    let mut other = told.clone();
    other.0.reverse();
    assert_eq!(name_at(&other, "10.0.0.5").as_deref(), Some("mail-new"));
}

#[test]
fn an_address_that_came_to_a_known_machine_later_is_its_own() {
    let mut told = taken_over(&["10.0.0.5/24", "10.0.0.7/24"], &["10.0.0.5/24"]);
    assert_eq!(name_at(&told, "10.0.0.5"), None, "both may hold it");
    // mail-new was looked at before, and did not have it then.
    let before = link("eth0", "physical", SECOND, &["10.0.0.50/24"]);
    told.say_when("agent-3", before, 2..6, EvidenceState::NotSeen);
    assert_eq!(name_at(&told, "10.0.0.5").as_deref(), Some("mail-new"));
}

#[test]
fn an_address_both_were_seen_with_at_a_time_stays_nobodys() {
    let mut told = taken_over(&["10.0.0.5/24"], &["10.0.0.5/24"]);
    let still = link("eth0", "physical", "52:54:00:00:00:01", &["10.0.0.5/24"]);
    told.say_when("agent-1", still, 0..31, EvidenceState::Current);
    assert_eq!(name_at(&told, "10.0.0.5"), None);
}

#[test]
fn an_address_two_hosts_keep_beside_their_own_stays_nobodys_whoever_was_looked_at_first() {
    let told = taken_over(
        &["10.0.0.11/24", "10.0.0.5/24"],
        &["10.0.0.12/24", "10.0.0.5/24"],
    );
    assert_eq!(name_at(&told, "10.0.0.5"), None);
}

#[test]
fn an_address_on_no_network_of_its_own_stays_nobodys() {
    let told = taken_over(&["10.0.0.5/32"], &["10.0.0.5/32"]);
    assert_eq!(name_at(&told, "10.0.0.5"), None);
}

#[test]
fn a_look_that_still_lasts_holds_what_it_saw_at_its_beginning() {
    let told = taken_over(&["10.0.0.5/24"], &["10.0.0.5/24"]);
    let mut gathering = groma_resolve::Gathering::default();
    let site = SiteId::default();
    gathering.looked(&site, &AgentId::new("agent-1"), hour(0), hour(90));
    for piece in &told.0 {
        gathering.take(piece);
    }
    let mut number = 0;
    let mut mint = || {
        number += 1;
        EntityId::from_random([number; 16])
    };
    let resolution = gathering.resolve(&store::Identities::default(), &mut mint);
    let there = met(&resolution, "agent-2", "10.0.0.5").expect("somebody is there");
    assert!(!there.has_agent);
}

#[test]
fn a_machine_that_calls_its_own_link_local_address_calls_itself() {
    let mut told = Told::default();
    told.host("agent-2", "caller", B, "10.0.0.2")
        .link(
            "agent-2",
            "eth1",
            "physical",
            SECOND,
            &["fe80::2/64", "169.254.9.9/16"],
        )
        .mentions("agent-2", "fe80::2")
        .mentions("agent-2", "169.254.9.9");
    let resolution = told.resolved();
    for own in ["fe80::2", "169.254.9.9"] {
        let machine = met(&resolution, "agent-2", own).expect("it is itself");
        assert_eq!(machine.name, "caller", "{own}");
    }
    assert_eq!(resolution.estate.entities.len(), 1, "nobody else");
}

#[test]
fn the_link_local_address_of_a_runtime_is_the_routers_beyond_the_card() {
    let mut told = Told::default();
    told.host("agent-2", "caller", B, "10.0.0.2")
        .link("agent-2", "docker0", "bridge", SECOND, &["fe80::1/64"])
        .mentions("agent-2", "fe80::1");
    let resolution = told.resolved();
    assert!(
        !met(&resolution, "agent-2", "fe80::1")
            .expect("a router")
            .has_agent
    );
}

#[test]
fn a_resolver_that_every_node_has_for_itself_is_no_machine() {
    let mut told = Told::default();
    let own = "169.254.20.10";
    for (agent, name, uuid, address) in [
        ("agent-1", "node1", A, "10.0.0.1"),
        ("agent-2", "node2", B, "10.0.0.2"),
    ] {
        told.host(agent, name, uuid, address)
            .link(
                agent,
                "nodelocaldns",
                "dummy",
                SECOND,
                &["169.254.20.10/32"],
            )
            .mentions(agent, own);
    }
    let resolution = told.resolved();
    for (agent, name) in [("agent-1", "node1"), ("agent-2", "node2")] {
        assert_eq!(met(&resolution, agent, own).expect("itself").name, name);
    }
    assert_eq!(resolution.estate.entities.len(), 2, "nobody else");
}

#[test]
fn one_link_local_address_on_two_links_is_two_machines() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .host("agent-2", "db", B, "10.0.1.2")
        .mentions("agent-1", "fe80::1")
        .mentions("agent-2", "fe80::1");
    let at = |told: &Told, agent: &str| {
        let resolution = told.resolved();
        met(&resolution, agent, "fe80::1").map(|entity| entity.id.clone())
    };
    assert_ne!(at(&told, "agent-1"), at(&told, "agent-2"));
    // Both neighbour tables know one and the same machine.
    for agent in ["agent-1", "agent-2"] {
        told.neighbour(agent, "fe80::1", "52:54:00:00:00:fe");
    }
    assert!(at(&told, "agent-1").is_some());
    assert_eq!(at(&told, "agent-1"), at(&told, "agent-2"));
}

#[test]
fn a_link_local_neighbour_with_the_card_of_a_watched_machine_is_that_machine() {
    let mut told = Told::default();
    told.host("agent-1", "app", A, "10.0.0.1")
        .host("agent-2", "db", B, "10.0.0.2")
        .link("agent-2", "eth1", "physical", SECOND, &["fe80::2/64"])
        .mentions("agent-1", "fe80::2");
    let known = |told: &Told| met(&told.resolved(), "agent-1", "fe80::2").map(|e| e.name.clone());
    assert_eq!(known(&told).as_deref(), Some("fe80::2"), "on which link?");
    told.neighbour("agent-1", "fe80::2", SECOND);
    assert_eq!(known(&told).as_deref(), Some("db"));
}

#[test]
fn a_machine_at_a_public_address_of_our_own_network_is_not_external() {
    let mut told = Told::default();
    told.host("agent-2", "caller", B, "129.132.10.5")
        .link(
            "agent-2",
            "eth1",
            "physical",
            SECOND,
            &["2001:db8:1:2::5/64"],
        )
        .link("agent-2", "tun0", "tunnel", SECOND, &["203.0.113.9/24"])
        .link(
            "agent-2",
            "dummy7",
            "virtual",
            SECOND,
            &["1.2.3.4/7", "2a00::1/47"],
        )
        .neighbour("agent-2", "192.0.2.254", "52:54:00:00:00:fe");
    let inside = [
        "129.132.10.77",
        "2001:db8:1:2::77",
        "192.0.2.254",
        "10.9.9.9",
    ];
    let outside = [
        "129.132.11.77",
        "2001:db8:1:3::77",
        "203.0.113.10",
        "1.2.3.5",
        "2a00::2",
    ];
    for address in inside.iter().chain(&outside) {
        told.mentions("agent-2", address);
    }
    let resolution = told.resolved();
    let kind = |address: &&str| met(&resolution, "agent-2", address).map(|e| e.kind.as_str());
    assert!(inside.iter().all(|a| kind(a) == Some("host")));
    for address in &outside {
        assert_eq!(kind(address), Some("external"), "{address}");
    }
}

fn container(address: &str) -> Container {
    Container {
        id: "c1".into(),
        name: None,
        image: None,
        runtime: "docker".into(),
        running: true,
        networks: Vec::new(),
        addresses: vec![address.parse().expect("a test says it right")],
        ports: Vec::new(),
        mounts: Vec::new(),
        root: None,
        restart: None,
        labels: std::collections::BTreeMap::default(),
    }
}
