//! Virtual machines of a wave.

use groma_model::fact::{Cluster, Guest};
use groma_model::inventory::{Entity, Inventory};
use groma_model::virtualization::{
    AffinityRule, AffinitySort, Blocker, BlockerSeverity, GuestRow, MoveWay, Platform,
    PlatformKind, Way,
};
use groma_wave::{ItemState, Topic};

use crate::build::{entity, host, id};
use crate::{checked, estate, items, silent, the, wave};

fn platform(kind: PlatformKind) -> Platform {
    Platform {
        kind,
        id: "one".into(),
    }
}

fn guest(name: &str, key: &str, kind: PlatformKind) -> Entity {
    let mut guest = host(name);
    guest.attributes.guest = Some(Box::new(Guest {
        platform: platform(kind),
        key: key.into(),
        name: name.into(),
        ..Guest::default()
    }));
    guest
}

/// `mail1` and `dc2` are guests of vSphere, `mail2` is one of Proxmox VE; a rule keeps `mail1` and `dc2` apart.
fn virtual_estate(blockers: Vec<Blocker>, exceeds: Vec<String>) -> Inventory {
    let mut cluster = entity("hypervisor-cluster", "prod");
    cluster.attributes.cluster = Some(Box::new(Cluster {
        platform: platform(PlatformKind::Vsphere),
        key: "domain-c1".into(),
        name: "prod".into(),
        rules: vec![AffinityRule {
            name: "apart".into(),
            sort: AffinitySort::Apart,
            enabled: true,
            guests: vec!["vm-1".into(), "vm-2".into()],
            ..AffinityRule::default()
        }],
        ..Cluster::default()
    }));
    let mut inventory = estate(
        vec![
            guest("mail1", "vm-1", PlatformKind::Vsphere),
            guest("mail2", "qemu/104", PlatformKind::Proxmox),
            guest("dc2", "vm-2", PlatformKind::Vsphere),
            cluster,
        ],
        Vec::new(),
    );
    inventory.guests = vec![GuestRow {
        entity: id("mail1"),
        host: None,
        bytes: Some(1 << 30),
        bytes_measured: true,
        transfer_hours: None,
        blockers,
        ways: vec![MoveWay {
            target: PlatformKind::Proxmox,
            way: Way::Cold,
            disk_format: "raw or qcow2".into(),
            converts: true,
            downtime_minutes: Some([6.0, 41.0]),
            exceeds,
        }],
    }];
    inventory
}

fn tpm() -> Blocker {
    Blocker {
        severity: BlockerSeverity::Warning,
        rule: "tpm_enabled".into(),
        what: "it has a module".into(),
        because: "What is sealed in it does not come along.".into(),
        remedy: "Have the recovery keys at hand.".into(),
    }
}

#[test]
fn what_stands_in_the_way_is_one_item_with_what_to_do_first() {
    let list = checked(&virtual_estate(vec![tpm()], Vec::new()), &wave());
    let item = the(&list, Topic::Guests, "recovery keys");
    assert_eq!(item.state, ItemState::Do);
    assert_eq!(
        item.says,
        "Have the recovery keys at hand. \u{201c}TPM enabled\u{201d} of mail1 matters for its move: it has a module."
    );
    let free = checked(&virtual_estate(Vec::new(), Vec::new()), &wave());
    assert_eq!(
        the(&free, Topic::Guests, "Nothing that its platform tells").state,
        ItemState::Done
    );
    assert!(items(&free, Topic::Guests, ItemState::Do).is_empty());
}

#[test]
fn how_it_goes_is_told_for_the_platform_of_its_new_place() {
    let list = checked(&virtual_estate(Vec::new(), Vec::new()), &wave());
    let item = the(&list, Topic::Guests, "goes to");
    assert_eq!(
        item.says,
        "mail1 goes to Proxmox VE: cold, its disks become raw or qcow2, it stands still for 6 to 41 minutes."
    );
    let mut unknown = virtual_estate(Vec::new(), Vec::new());
    for entity in unknown.entities.iter_mut().filter(|e| e.name == "mail2") {
        entity.attributes.guest = None;
    }
    silent(&checked(&unknown, &wave()), "goes to");
    let large = virtual_estate(Vec::new(), vec!["33 disks, and at most 31 there".into()]);
    let item = checked(&large, &wave());
    assert_eq!(the(&item, Topic::Guests, "33 disks").state, ItemState::Do);
}

#[test]
fn a_rule_that_keeps_two_of_the_wave_apart_is_told_and_one_alone_breaks_none() {
    let inventory = virtual_estate(Vec::new(), Vec::new());
    silent(&checked(&inventory, &wave()), "different hosts");
    let mut both = wave();
    both.members.push("dc2".into());
    let list = checked(&inventory, &both);
    let item = the(&list, Topic::Guests, "different hosts");
    assert!(
        item.says.contains("dc2 and mail1") && item.says.contains("rule \"apart\" of prod"),
        "{}",
        item.says
    );
}
