//! Who carries whom, as a platform of virtualization tells it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

mod common;

use common::*;
use groma_model::fact::*;
use groma_model::virtualization::{
    GuestDisk, GuestNic, GuestSort, HypervisorNic, Platform, PlatformKind, PortGroup, VirtualSwitch,
};
use groma_model::*;

const SOURCE: &str = "hypervisor.platform";

fn platform() -> Platform {
    Platform {
        kind: PlatformKind::Vsphere,
        id: "vc".into(),
    }
}

fn guest() -> Guest {
    Guest {
        platform: platform(),
        key: "vm-1".into(),
        name: "web1".into(),
        host: Some("host-1".into()),
        disks: vec![
            GuestDisk {
                name: "Hard disk 1".into(),
                datastore: Some("datastore-1".into()),
                ..GuestDisk::default()
            },
            GuestDisk {
                name: "Hard disk 2".into(),
                datastore: Some("datastore-1".into()),
                ..GuestDisk::default()
            },
        ],
        nics: vec![GuestNic {
            name: "Network adapter 1".into(),
            mac: Some("00:50:56:00:00:01".into()),
            network: Some("servers".into()),
            ..GuestNic::default()
        }],
        ..Guest::default()
    }
}

fn esx() -> Hypervisor {
    Hypervisor {
        platform: platform(),
        key: "host-1".into(),
        name: "esx1.corp.example".into(),
        dns_servers: vec![Peer::parse("10.0.0.53").unwrap()],
        ntp_servers: vec![Peer::parse("127.0.0.1").unwrap()],
        nics: vec![HypervisorNic {
            name: "vmnic0".into(),
            ..HypervisorNic::default()
        }],
        switches: vec![VirtualSwitch {
            name: "vSwitch0".into(),
            port_groups: vec![PortGroup {
                name: "servers".into(),
                vlan: Some("20".into()),
            }],
            ..VirtualSwitch::default()
        }],
        ..Hypervisor::default()
    }
}

fn told(guest: Guest) -> Told {
    let mut told = Told::default();
    told.host("ops1", "10.0.0.9").host("nas1", "10.0.0.40");
    told.say("ops1", SOURCE, Fact::Guest(Box::new(guest)));
    told.say("ops1", SOURCE, Fact::Hypervisor(Box::new(esx())));
    told.say(
        "ops1",
        SOURCE,
        Fact::Datastore(Box::new(Datastore {
            platform: platform(),
            key: "datastore-1".into(),
            name: "nfs-prod".into(),
            server: Peer::parse("10.0.0.40"),
            path: Some("/export/prod".into()),
            ..Datastore::default()
        })),
    );
    told
}

#[test]
fn a_guest_is_followed_down_to_the_machine_its_disks_lie_on() {
    let (graph, _) = told(guest()).graph_and_entities();
    let mut edges: Vec<String> = graph
        .dependencies
        .iter()
        .map(|d| format!("{} {} {}", d.consumer.name, d.kind, d.provider.name))
        .collect();
    edges.sort();
    assert_eq!(
        edges,
        [
            "esx1.corp.example dns 10.0.0.53",
            "nfs-prod stored-on nas1",
            "vSwitch0 runs-on esx1.corp.example",
            "web1 attached-to vSwitch0",
            "web1 runs-on esx1.corp.example",
            "web1 stored-on nfs-prod",
        ]
    );
    for need in &graph.dependencies {
        assert!(!need.hidden, "{}: {:?}", need.kind, need.hidden_because);
        assert_eq!(need.witnesses, [Witness::Declared]);
    }
}

#[test]
fn a_template_and_a_clock_of_its_own_are_no_needs() {
    let template = Guest {
        sort: GuestSort::Template,
        ..guest()
    };
    let (graph, _) = told(template).graph_and_entities();
    let carried = graph
        .dependencies
        .iter()
        .filter(|d| d.consumer.name == "web1");
    assert_eq!(carried.count(), 0);
    assert!(graph.dependencies.iter().all(|d| d.kind != "ntp"));
}

#[test]
fn a_number_of_a_guest_is_the_guests() {
    let mut told = told(guest());
    told.say(
        "ops1",
        SOURCE,
        Fact::Measurement(Measurement {
            metric: "vm_disk_used_bytes".into(),
            subject: platform().subject("vm-1"),
            value: 4096.0,
        }),
    );
    let (graph, entities) = told.graph_and_entities();
    let number = graph
        .measurements
        .iter()
        .find(|m| m.metric == "vm_disk_used_bytes")
        .unwrap();
    let of = entities.iter().find(|e| e.id == number.entity).unwrap();
    assert_eq!(of.name, "web1");
}

#[test]
fn a_guest_that_its_host_told_who_it_is_runs_on_it_with_and_without_the_platforms_word() {
    let mut told = Told::default();
    told.host("ops1", "10.0.0.9").host("app1", "10.0.0.7");
    let identity = HostIdentity {
        host_name: "app1".into(),
        carried_by: HostName::parse("esx1.corp.example"),
        ..HostIdentity::default()
    };
    told.say("app1", "host.system", Fact::Identity(identity));
    let runs_on = |told: &Told| -> Vec<String> {
        let (graph, _) = told.graph_and_entities();
        let of_app = graph
            .dependencies
            .iter()
            .filter(|d| d.consumer.name == "app1");
        let needs = of_app.filter(|d| d.kind == "runs-on");
        needs
            .map(|d| format!("{} on {}", d.consumer.name, d.provider.name))
            .collect()
    };
    assert_eq!(runs_on(&told), ["app1 on esx1.corp.example"]);
    told.say("ops1", SOURCE, Fact::Hypervisor(Box::new(esx())));
    assert_eq!(runs_on(&told), ["app1 on esx1.corp.example"]);
    let (_, entities) = told.graph_and_entities();
    let named = entities.iter().filter(|e| e.name == "esx1.corp.example");
    assert_eq!(named.count(), 1, "one host, told of by two");
}

#[test]
fn a_card_is_plugged_into_the_switch_of_its_own_host_and_not_into_another_of_that_name() {
    let esx = |key: &str, switch: Option<&str>| Hypervisor {
        key: key.into(),
        name: key.into(),
        switches: vec![VirtualSwitch {
            name: "dvs-core".into(),
            key: switch.map(str::to_owned),
            distributed: true,
            ..VirtualSwitch::default()
        }],
        ..esx()
    };
    let guest = |key: &str, host: &str| {
        let mut guest = Guest {
            key: key.into(),
            name: key.into(),
            host: Some(host.into()),
            ..guest()
        };
        guest.nics[0].switch = Some("dvs-core".into());
        guest.nics[0].mac = None;
        guest
    };
    let providers = |switches: [Option<&str>; 2]| {
        let mut told = Told::default();
        told.host("ops1", "10.0.0.9");
        for (number, switch) in switches.into_iter().enumerate() {
            let host = format!("host-{number}");
            let of_it = guest(&format!("vm-{number}"), &host);
            told.say("ops1", SOURCE, Fact::Guest(Box::new(of_it)));
            let host = esx(&host, switch);
            told.say("ops1", SOURCE, Fact::Hypervisor(Box::new(host)));
        }
        let (graph, _) = told.graph_and_entities();
        let plugged = graph.dependencies.into_iter();
        let plugged = plugged.filter(|need| need.kind == "attached-to");
        let all: Vec<_> = plugged.map(|need| need.provider.entity).collect();
        assert_eq!(all.len(), 2);
        all.into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    assert_eq!(providers([Some("501e"), Some("502f")]), 2);
    assert_eq!(providers([Some("501e"), Some("501e")]), 1);
    assert_eq!(
        providers([None, None]),
        1,
        "a platform that has names alone"
    );
}

/// A guest with an agent inside: its platform says who carries it, and so does `inside`, where it knows.
fn told_by_both(inside: Option<&str>) -> Told {
    let mut told = Told::default();
    told.host("ops1", "10.0.0.9").host("web1", "10.0.0.7");
    let uuid = "42000000-0000-4000-8000-000000000001";
    let identity = HostIdentity {
        host_name: "web1".into(),
        smbios_uuid: Some(uuid.into()),
        macs: vec!["00:50:56:00:00:01".into()],
        carried_by: inside.and_then(HostName::parse),
        ..HostIdentity::default()
    };
    told.say("web1", "host.system", Fact::Identity(identity));
    told.say("ops1", SOURCE, Fact::Hypervisor(Box::new(esx())));
    let guest = Guest {
        uuid: Some(uuid.into()),
        ..guest()
    };
    told.say("ops1", SOURCE, Fact::Guest(Box::new(guest)));
    told
}

#[test]
fn what_the_guest_knows_too_is_still_its_platforms_to_change() {
    for (inside, witnesses) in [
        (None, vec![Witness::Declared]),
        (
            Some("esx1.corp.example"),
            vec![Witness::Live, Witness::Declared],
        ),
    ] {
        let (graph, _) = told_by_both(inside).graph_and_entities();
        let mut runs_on = graph.dependencies.iter().filter(|d| d.kind == "runs-on");
        let of_web = runs_on.find(|d| d.consumer.name == "web1").unwrap();
        assert_eq!(of_web.witnesses, witnesses);
        assert!(of_web.is_carried() && !of_web.hidden, "{of_web:?}");
    }
}
