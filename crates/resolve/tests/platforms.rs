//! What platforms of virtualization tell of, joined with the machines agents look at.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test that cannot go on stops here"
)]

mod common;
mod labelled;

use common::{Told, link, met};
use groma_model::fact::*;
use groma_model::virtualization::{
    AffinityRule, GuestNic, GuestSort, HypervisorNic, Platform, PlatformKind, Power, VirtualSwitch,
};
use groma_model::*;
use labelled::Labelled;

#[test]
fn two_thousand_tricky_records_are_joined_as_their_labels_say() {
    let set = Labelled::all();
    assert!(set.records >= 2_000, "{} records", set.records);
    let resolution = set.told.resolved();
    let estate = &resolution.estate;
    let (mut right, mut wrong, mut missed, mut asked) = (0, 0, 0, 0);
    for (subject, truth) in &set.truth {
        let at = (SiteId::default(), subject.clone());
        let entity = &estate.entities[&estate.on_platforms[&at]];
        let is = truth
            .as_ref()
            .map(|agent| &estate.vantages[&AgentId::new(agent)]);
        asked += usize::from(is.is_some());
        match (entity.has_agent, is) {
            (true, Some(is)) if *is == entity.id => right += 1,
            (false, None) => {}
            (false, Some(_)) => {
                missed += 1;
                println!("missed: {subject} ({})", set.family[subject]);
            }
            (true, _) => {
                wrong += 1;
                println!(
                    "wrong: {subject} ({}): {:?}",
                    set.family[subject], entity.merged_because
                );
            }
        }
    }
    let precision = f64::from(right) / f64::from(right + wrong);
    let recall = f64::from(right) / asked as f64;
    println!(
        "{} records, {} guests, {asked} of them with an agent: {right} right, {wrong} wrong, {missed} missed; precision {precision:.4}, recall {recall:.4}",
        set.records,
        set.truth.len()
    );
    assert!(precision >= 0.995, "precision {precision}");
    assert!(recall >= 0.98, "recall {recall}");
}

#[test]
fn what_is_told_in_another_order_or_twice_is_the_same() {
    let set = Labelled::all();
    let mut shuffled = set.told.clone();
    shuffled.0.reverse();
    shuffled.0.extend(set.told.0.iter().take(500).cloned());
    let (one, other) = (set.told.resolved(), shuffled.resolved());
    assert_eq!(one.estate.entities, other.estate.entities);
    assert_eq!(one.estate.on_platforms, other.estate.on_platforms);
}

fn platform() -> Platform {
    Platform {
        kind: PlatformKind::Proxmox,
        id: "cluster".into(),
    }
}

fn guest(key: &str, name: &str, mac: &str) -> Guest {
    Guest {
        platform: platform(),
        key: key.into(),
        name: name.into(),
        uuid: Some("420eabcd-1234-4678-9abc-def012345678".into()),
        power: Some(Power::On),
        host: Some("pve1".into()),
        nics: vec![GuestNic {
            name: "net0".into(),
            mac: Some(mac.into()),
            ..GuestNic::default()
        }],
        ..Guest::default()
    }
}

fn id_of(resolution: &groma_resolve::Resolution, key: &str) -> EntityId {
    let subject = platform().subject(key).to_string();
    resolution.estate.on_platforms[&(SiteId::default(), subject)].clone()
}

const MAC: &str = "bc:24:11:00:00:01";
const UUID: &str = "420eabcd-1234-4678-9abc-def012345678";

fn one_guest() -> Told {
    let mut told = Told::default();
    told.say(
        "vantage",
        Fact::Guest(Box::new(guest("qemu/104", "web1", MAC))),
    );
    told
}

#[test]
fn a_guest_without_an_agent_is_met_on_the_wire_by_its_card() {
    let mut told = one_guest();
    told.named("vantage", "ops1", "m1");
    told.neighbour("vantage", "10.0.0.7", MAC);
    let resolution = told.resolved();
    let entity = met(&resolution, "vantage", "10.0.0.7").unwrap();
    assert_eq!((entity.kind.as_str(), entity.name.as_str()), ("vm", "web1"));
    assert!(entity.attributes.guest.is_some());
    // A router answers for everybody behind it.
    for last in 20..40 {
        told.neighbour("vantage", &format!("10.0.9.{last}"), MAC);
    }
    let resolution = told.resolved();
    assert!(met(&resolution, "vantage", "10.0.0.7").is_none_or(|e| e.attributes.guest.is_none()));
}

#[test]
fn a_guest_keeps_its_id_when_an_agent_arrives_in_it() {
    let mut told = one_guest();
    let before = told.resolved();
    let id = id_of(&before, "qemu/104");
    told.host("agent-1", "web1", ["m1", UUID, MAC], "10.0.0.7");
    told.link("agent-1", "eth0", "physical", MAC, &["10.0.0.7/24"]);
    let known = common::ledger(&before.new);
    let after = told.resolved_with(&known);
    let joined = id_of(&after, "qemu/104");
    assert!(after.estate.entities[&joined].has_agent);
    assert!(
        !after.estate.entities.contains_key(&id) || id == joined,
        "one machine, not two"
    );
    let because = after.estate.entities[&joined].merged_because.join("\n");
    assert!(
        because.contains("Proxmox VE tells of it: same SMBIOS UUID, MAC addresses"),
        "{because}"
    );
}

#[test]
fn a_contradiction_joins_nothing_and_is_told() {
    let mut told = one_guest();
    told.host(
        "agent-1",
        "other",
        ["m1", UUID, "bc:24:11:00:00:99"],
        "10.0.0.8",
    );
    let resolution = told.resolved();
    let entity = &resolution.estate.entities[&id_of(&resolution, "qemu/104")];
    assert!(!entity.has_agent);
    let told = entity.attributes.not_joined.join("\n");
    assert!(
        told.contains("one UUID, and no MAC address in common"),
        "{told}"
    );
}

#[test]
fn a_guest_that_moved_is_on_its_new_host_alone() {
    let mut told = Told::default();
    let old = guest("qemu/104", "web1", MAC);
    let new = Guest {
        host: Some("pve2".into()),
        ..old.clone()
    };
    told.say_when(
        "vantage",
        Fact::Guest(Box::new(old)),
        0..1,
        EvidenceState::NotSeen,
    );
    told.say_when(
        "vantage",
        Fact::Guest(Box::new(new)),
        2..3,
        EvidenceState::Current,
    );
    let resolution = told.resolved();
    let entity = &resolution.estate.entities[&id_of(&resolution, "qemu/104")];
    assert_eq!(
        entity.attributes.guest.as_ref().unwrap().host.as_deref(),
        Some("pve2")
    );
    let guests = resolution.estate.entities.values();
    assert_eq!(guests.filter(|e| e.attributes.guest.is_some()).count(), 1);
}

#[test]
fn a_host_with_an_agent_is_that_machine_and_its_switches_are_things() {
    let mut told = Told::default();
    let host = Hypervisor {
        platform: platform(),
        key: "pve1".into(),
        name: "pve1".into(),
        nics: vec![HypervisorNic {
            name: "eno1".into(),
            mac: Some("aa:bb:cc:00:00:01".into()),
            ..HypervisorNic::default()
        }],
        switches: vec![VirtualSwitch {
            name: "vmbr0".into(),
            uplinks: vec!["eno1".into()],
            ..VirtualSwitch::default()
        }],
        ..Hypervisor::default()
    };
    told.say("vantage", Fact::Hypervisor(Box::new(host)));
    told.named("agent-1", "pve1", "m1");
    told.say(
        "agent-1",
        link("eno1", "physical", "aa:bb:cc:00:00:01", &["10.0.0.2/24"]),
    );
    let resolution = told.resolved();
    let entity = &resolution.estate.entities[&id_of(&resolution, "pve1")];
    assert!(entity.has_agent && entity.attributes.hypervisor.is_some());
    let switch = &resolution.estate.entities[&id_of(&resolution, "switch/pve1/vmbr0")];
    assert_eq!(
        (switch.kind.as_str(), switch.layer.as_str()),
        ("virtual-switch", "network")
    );
}

#[test]
fn a_host_with_the_end_of_a_guests_cable_is_not_that_guest() {
    let joined = |name: &str| {
        let mut told = one_guest();
        told.named("agent-1", "kvm1", "m1");
        told.say(
            "agent-1",
            link("eth0", "physical", "aa:bb:cc:00:00:01", &["10.0.0.2/24"]),
        );
        told.say("agent-1", link(name, "virtual", MAC, &[]));
        let resolution = told.resolved();
        let entity = &resolution.estate.entities[&id_of(&resolution, "qemu/104")];
        entity.has_agent || !entity.attributes.not_joined.is_empty()
    };
    assert!(!joined("macvtap0"));
    assert!(joined("eth1"), "a card of its own may be the guest's");
}

#[test]
fn templates_clusters_and_datastores_are_things_of_their_own() {
    let mut told = Told::default();
    let template = Guest {
        sort: GuestSort::Template,
        ..guest("qemu/900", "debian12", MAC)
    };
    told.say("vantage", Fact::Guest(Box::new(template)));
    told.say(
        "vantage",
        Fact::Cluster(Box::new(Cluster {
            platform: platform(),
            key: "cluster".into(),
            name: "prod".into(),
            rules: vec![AffinityRule {
                name: "dc apart".into(),
                ..AffinityRule::default()
            }],
            ..Cluster::default()
        })),
    );
    told.say(
        "vantage",
        Fact::Datastore(Box::new(Datastore {
            platform: platform(),
            key: "storage/nas".into(),
            name: "nas".into(),
            server: Peer::parse("nas1.corp.example"),
            ..Datastore::default()
        })),
    );
    let resolution = told.resolved();
    let kind = |key: &str| {
        resolution.estate.entities[&id_of(&resolution, key)]
            .kind
            .clone()
    };
    assert_eq!(kind("qemu/900"), "vm-template");
    assert_eq!(kind("cluster"), "hypervisor-cluster");
    assert_eq!(kind("storage/nas"), "datastore");
}

#[test]
fn a_list_does_not_rename_what_its_platform_tells_of() {
    let mut told = one_guest();
    told.say(
        "list",
        Fact::Declared(Declared {
            list: "assets.csv".into(),
            kind: "host".into(),
            name: "old-web".into(),
            macs: vec![MAC.into()],
            smbios_uuid: Some(UUID.into()),
            owner: Some("Web Team".into()),
            ..Declared::default()
        }),
    );
    let resolution = told.resolved();
    let entity = &resolution.estate.entities[&id_of(&resolution, "qemu/104")];
    assert_eq!((entity.kind.as_str(), entity.name.as_str()), ("vm", "web1"));
    assert_eq!(
        entity.owner.as_deref(),
        Some("Web Team"),
        "the row is about it"
    );
}

#[test]
fn an_address_its_tools_told_long_ago_is_whose_it_is_now() {
    let mut told = Told::default();
    let mut stale = guest("qemu/104", "web1", MAC);
    stale.nics[0].addresses = vec!["10.0.0.8".parse().unwrap()];
    told.say("vantage", Fact::Guest(Box::new(stale)));
    told.host(
        "agent-1",
        "app1",
        [
            "m1",
            "11111111-c6a9-4969-8102-030405060708",
            "bc:24:11:00:00:99",
        ],
        "10.0.0.8",
    );
    let resolution = told.resolved();
    let entity = &resolution.estate.entities[&id_of(&resolution, "qemu/104")];
    assert!(entity.addresses.is_empty(), "{:?}", entity.addresses);
}

#[test]
fn two_with_the_cards_of_one_machine_that_shows_no_uuid_are_a_doubt_of_both() {
    let mut told = one_guest();
    told.say(
        "vantage",
        Fact::Guest(Box::new(guest("qemu/105", "web2", MAC))),
    );
    told.named("agent-1", "elsewhere", "m1");
    told.say("agent-1", link("eth0", "physical", MAC, &["10.0.0.7/24"]));
    let resolution = told.resolved();
    for key in ["qemu/104", "qemu/105"] {
        let entity = &resolution.estate.entities[&id_of(&resolution, key)];
        assert!(!entity.has_agent);
        let doubt = entity.attributes.not_joined.concat();
        assert!(doubt.contains("which several have"), "{doubt}");
    }
}

#[test]
fn an_address_a_guest_left_takes_nothing_of_it_along() {
    let mut told = Told::default();
    let mut web = guest("qemu/104", "web1", MAC);
    web.nics[0].addresses = vec!["10.0.0.8".parse().unwrap()];
    told.say("vantage", Fact::Guest(Box::new(web)));
    let before = told.resolved();
    let id = id_of(&before, "qemu/104");
    // It got another address, and a machine with an agent has the old one.
    let mut later = Told::default();
    let mut web = guest("qemu/104", "web1", MAC);
    web.nics[0].addresses = vec!["10.0.0.9".parse().unwrap()];
    later.say("vantage", Fact::Guest(Box::new(web)));
    later.host(
        "agent-1",
        "app1",
        [
            "m1",
            "11111111-c6a9-4969-8102-030405060708",
            "bc:24:11:00:00:99",
        ],
        "10.0.0.8",
    );
    let after = later.resolved_with(&common::ledger(&before.new));
    assert_eq!(id_of(&after, "qemu/104"), id, "it is the same machine");
    assert!(!after.estate.entities[&id].has_agent);
    assert!(after.new.merged.is_empty(), "{:?}", after.new.merged);
}

#[test]
fn the_next_guest_with_a_number_that_became_free_is_another_one() {
    let before = one_guest().resolved();
    let mut next = Told::default();
    let other = Guest {
        uuid: Some("99999999-1234-4678-9abc-def012345678".into()),
        ..guest("qemu/104", "db1", "bc:24:11:00:00:77")
    };
    next.say("vantage", Fact::Guest(Box::new(other)));
    let after = next.resolved_with(&common::ledger(&before.new));
    assert_ne!(id_of(&after, "qemu/104"), id_of(&before, "qemu/104"));
}

#[test]
fn two_copies_that_were_one_are_two_as_soon_as_they_differ() {
    let on = |id: &str, name: &str, power| {
        let platform = Platform {
            kind: PlatformKind::Libvirt,
            id: id.into(),
        };
        Fact::Guest(Box::new(Guest {
            platform,
            power: Some(power),
            ..guest("one", name, MAC)
        }))
    };
    let mut told = Told::default();
    told.say("vantage", on("a", "web", Power::Off))
        .say("vantage", on("b", "web", Power::On));
    let before = told.resolved();
    let guests = |resolution: &groma_resolve::Resolution| {
        let all = resolution.estate.entities.values();
        all.filter(|e| e.attributes.guest.is_some()).count()
    };
    assert_eq!(guests(&before), 1);
    let mut told = Told::default();
    told.say("vantage", on("a", "web_old", Power::Off))
        .say("vantage", on("b", "web", Power::On));
    let after = told.resolved_with(&common::ledger(&before.new));
    assert_eq!(guests(&after), 2);
}

#[test]
fn what_was_not_seen_again_spoils_no_mark_of_what_was() {
    let mut told = Told::default();
    let old = Fact::Guest(Box::new(guest("vm-42", "web1", MAC)));
    told.say_when("vantage", old, 0..1, EvidenceState::NotSeen);
    told.say(
        "vantage",
        Fact::Guest(Box::new(guest("vm-57", "web1", MAC))),
    );
    told.host("agent-1", "web1", ["m1", UUID, MAC], "10.0.0.7");
    told.say("agent-1", link("eth0", "physical", MAC, &["10.0.0.7/24"]));
    let resolution = told.resolved();
    assert!(resolution.estate.entities[&id_of(&resolution, "vm-57")].has_agent);
}
