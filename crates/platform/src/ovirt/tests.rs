mod answers;
mod places;

use groma_model::Fact;
use groma_model::virtualization::{
    AffinitySort, Cluster, Datastore, DatastoreSort, DiskController, DiskFormat, DiskMode,
    Firmware, Guest, GuestSort, Hypervisor, Passthrough, PassthroughSort, Power,
};
use serde_json::{Value, json};

use super::*;
use crate::Read;

macro_rules! answer {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/fixtures/ovirt/", $name))
    };
}

const ANSWERS: &[(Question, &[u8])] = &[
    (Question::Api, answer!("api.json")),
    (
        Question::Page(List::DataCenters, 1),
        answer!("datacenters.json"),
    ),
    (Question::Page(List::Clusters, 1), answer!("clusters.json")),
    (
        Question::Page(List::Stores, 1),
        answer!("storagedomains.json"),
    ),
    (Question::Page(List::Networks, 1), answer!("networks.json")),
    (
        Question::Page(List::Profiles, 1),
        answer!("vnicprofiles.json"),
    ),
    (Question::Page(List::Hosts, 1), answer!("hosts.json")),
    (
        Question::Page(List::Templates, 1),
        answer!("templates.json"),
    ),
    (Question::Page(List::Machines, 1), answer!("vms.json")),
    (
        Question::Page(List::MachineDevices, 1),
        answer!("vms-devices.json"),
    ),
];

/// [`Question::Api`], answered.
const GREETING: &[u8] = answer!("api.json");
const MAIL: &str = "7c1f3c7e-4444-4c6e-8f10-aa0000000001";
const DATABASE: &str = "7c1f3c7e-4444-4c6e-8f10-aa0000000002";
const ENGINE: &str = "7c1f3c7e-4444-4c6e-8f10-aa0000000003";
const FIRST: &str = "aa000000-3333-4c6e-8f10-aa0000000001";
const SECOND: &str = "aa000000-3333-4c6e-8f10-aa0000000002";
const SHARE: &str = "d1a7e000-1111-4c6e-8f10-aa0000000001";
const FABRIC: &str = "d1a7e000-1111-4c6e-8f10-aa0000000002";

fn reader() -> Reader {
    let mut reader = Reader::new("engine.corp.example");
    for (question, answer) in ANSWERS {
        reader.answer(question, answer).unwrap();
    }
    reader
}

fn read() -> Read {
    reader().finish()
}

fn all<T: Clone>(read: &Read, pick: impl Fn(&Fact) -> Option<&T>) -> Vec<T> {
    read.facts.iter().filter_map(pick).cloned().collect()
}

fn guests(read: &Read) -> Vec<Guest> {
    all(read, |fact| match fact {
        Fact::Guest(guest) => Some(&**guest),
        _ => None,
    })
}

fn guest(read: &Read, key: &str) -> Guest {
    guests(read)
        .into_iter()
        .find(|guest| guest.key == key)
        .unwrap()
}

fn host(read: &Read, key: &str) -> Hypervisor {
    let hosts: Vec<Hypervisor> = all(read, |fact| match fact {
        Fact::Hypervisor(host) => Some(&**host),
        _ => None,
    });
    hosts.into_iter().find(|host| host.key == key).unwrap()
}

fn cluster(read: &Read) -> Cluster {
    let clusters: Vec<Cluster> = all(read, |fact| match fact {
        Fact::Cluster(cluster) => Some(&**cluster),
        _ => None,
    });
    clusters[0].clone()
}

fn stores(read: &Read) -> Vec<Datastore> {
    all(read, |fact| match fact {
        Fact::Datastore(store) => Some(&**store),
        _ => None,
    })
}

fn number(read: &Read, metric: &str, key: &str) -> Option<f64> {
    read.facts.iter().find_map(|fact| match fact {
        Fact::Measurement(number)
            if number.metric == metric && number.subject.to_string().ends_with(key) =>
        {
            Some(number.value)
        }
        _ => None,
    })
}

/// One machine, read alone.
fn alone(machine: &Value) -> Guest {
    let mut reader = Reader::new("engine");
    reader.answer(&Question::Api, answer!("api.json")).unwrap();
    let page = json!({"vm": [machine]}).to_string();
    let question = Question::Page(List::Machines, 1);
    reader.answer(&question, page.as_bytes()).unwrap();
    guests(&reader.finish())[0].clone()
}

#[test]
fn a_machine_is_told_with_all_that_matters_for_a_move() {
    let mail = guest(&read(), MAIL);
    assert_eq!(mail.platform.id, "9f2d8c36-77aa-4d2e-9b4e-6a5d1e2f3a4b");
    assert_eq!(
        (mail.uuid.as_deref(), mail.instance_uuid.as_deref()),
        (Some(MAIL), Some(MAIL))
    );
    assert_eq!(
        (mail.power, mail.host.as_deref()),
        (Some(Power::On), Some(FIRST))
    );
    assert_eq!((mail.processors, mail.cores_per_socket), (Some(4), Some(2)));
    assert_eq!(mail.memory_bytes, Some(8 << 30));
    assert_eq!(
        (mail.firmware, mail.secure_boot),
        (Some(Firmware::Efi), Some(true))
    );
    assert_eq!(
        (mail.tpm, mail.restarted_elsewhere),
        (Some(true), Some(true))
    );
    assert_eq!(mail.configured_os.as_deref(), Some("rhel_8x64"));
    assert_eq!(
        mail.reported_os.as_deref(),
        Some("Red Hat Enterprise Linux 8.6")
    );
    assert_eq!(
        mail.host_name.as_ref().unwrap().as_str(),
        "mail1.corp.example"
    );
    assert_eq!(mail.tools.as_ref().unwrap().running, Some(true));
    assert_eq!(mail.media[0].to_string(), "rhel-8.6.iso");
    assert_eq!((mail.cpu_affinity, mail.numa_affinity), (None, None));
    assert_ne!(mail.consolidation_needed, Some(true));
}

#[test]
fn a_card_is_told_with_its_network_and_what_others_can_reach() {
    let mail = guest(&read(), MAIL);
    let [nic] = mail.nics.as_slice() else {
        panic!("{:?}", mail.nics)
    };
    assert_eq!(nic.mac.as_deref(), Some("56:6f:4c:1a:00:01"));
    assert_eq!(
        (nic.network.as_deref(), nic.vlan.as_deref()),
        (Some("prod"), Some("120"))
    );
    assert_eq!(
        (nic.switch.as_deref(), nic.model.as_deref()),
        (Some("prod"), Some("virtio"))
    );
    assert_eq!(nic.connected, Some(true));
    assert_eq!(
        nic.addresses,
        ["10.20.1.25".parse::<std::net::IpAddr>().unwrap()]
    );
}

#[test]
fn a_disk_is_told_with_its_place_and_its_size() {
    let read = read();
    let mail = guest(&read, MAIL);
    let disk = &mail.disks[0];
    assert_eq!(
        (disk.name.as_str(), disk.format),
        ("mail1_Disk1", DiskFormat::Qcow2)
    );
    assert_eq!(
        (disk.capacity_bytes, disk.thin),
        (Some(100 << 30), Some(true))
    );
    assert_eq!(disk.datastore.as_deref(), Some(SHARE));
    assert_eq!(disk.controller, Some(DiskController::VirtioScsi));
    assert_eq!(
        (disk.shared, disk.raw_device, disk.mode),
        (false, false, DiskMode::Dependent)
    );
    assert_eq!(mail.changed_block_tracking, Some(true));
    let used = number(&read, "vm_disk_used_bytes", MAIL);
    assert_eq!(used, Some(53_687_091_200.0), "snapshots take room too");
}

#[test]
fn a_unit_of_the_storage_and_a_disk_of_many_are_told_apart_from_others() {
    let database = guest(&read(), DATABASE);
    let shared: Vec<bool> = database.disks.iter().map(|disk| disk.shared).collect();
    let units: Vec<bool> = database.disks.iter().map(|disk| disk.raw_device).collect();
    assert_eq!((shared, units), (vec![true, false], vec![false, true]));
    assert_eq!(database.disks[1].capacity_bytes, Some(512 << 30));
    assert_eq!(
        database.disks[1].path.as_ref().unwrap().to_string(),
        "3600a098000aa"
    );
    assert_eq!(database.changed_block_tracking, Some(false));
}

#[test]
fn a_disk_two_machines_have_is_shared_whatever_it_says() {
    let disk = json!({"disk_attachment": [{"id": "d", "disk": {"id": "d", "shareable": "false", "storage_domains": {"storage_domain": [{"id": "s"}]}}}]});
    let one = |id: &str| json!({"id": id, "name": id, "disk_attachments": disk, "nics": {}});
    let page = |all: Vec<Value>| json!({"vm": all}).to_string();
    for (machines, is_shared) in [(vec![one("a"), one("b")], true), (vec![one("a")], false)] {
        let mut reader = Reader::new("engine");
        reader.answer(&Question::Api, answer!("api.json")).unwrap();
        let question = Question::Page(List::Machines, 1);
        reader.answer(&question, page(machines).as_bytes()).unwrap();
        assert_eq!(guests(&reader.finish())[0].disks[0].shared, is_shared);
    }
}

#[test]
fn what_binds_a_machine_to_its_host_is_told() {
    let database = guest(&read(), DATABASE);
    let told: Vec<(PassthroughSort, &str)> = database
        .passthrough
        .iter()
        .map(|Passthrough { sort, what }| (*sort, what.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (PassthroughSort::Pci, "pci_0000_3b_00_0 GV100GL"),
            (PassthroughSort::Sriov, "nic1"),
            (PassthroughSort::Usb, "usb_1_4 HASP"),
        ],
        "a placeholder is nobody's"
    );
    assert_eq!(database.cpu_affinity.as_deref(), Some("0#0-3_1#4"));
    assert_eq!(database.numa_affinity.as_deref(), Some("0,1"));
    assert_eq!(database.processors, Some(8), "threads count");
    assert_eq!(database.consolidation_needed, Some(true));
    assert_eq!(database.nics[1].connected, Some(false));
    assert_eq!(
        database.tools, None,
        "who says nothing may have no agent, or be starting"
    );
}

#[test]
fn a_machine_that_follows_its_cluster_starts_as_that_says() {
    let database = guest(&read(), DATABASE);
    assert_eq!(
        (database.firmware, database.secure_boot),
        (Some(Firmware::Efi), Some(false))
    );
    let lost = alone(&json!({"id": "x", "bios": {"type": "cluster_default"}}));
    assert_eq!(
        (lost.firmware, lost.secure_boot),
        (None, None),
        "its cluster was not told"
    );
    let old = alone(&json!({"id": "x", "bios": {"type": "i440fx_sea_bios"}}));
    assert_eq!(
        (old.firmware, old.secure_boot),
        (Some(Firmware::Bios), Some(false))
    );
}

#[test]
fn the_state_of_now_is_no_snapshot() {
    let read = read();
    let mail = guest(&read, MAIL);
    assert_eq!(mail.snapshots.len(), 1);
    let kept = &mail.snapshots[0];
    assert_eq!(
        (kept.name.to_string().as_str(), kept.with_memory),
        ("before patch", true)
    );
    assert_eq!(kept.taken_at.unwrap().millis(), 1_762_000_000_000);
    assert!(guest(&read, DATABASE).snapshots.is_empty());
    let old = alone(
        &json!({"id": "x", "snapshots": {"snapshot": [{"description": "Active VM"}, {"description": "kept"}]}}),
    );
    assert_eq!(
        old.snapshots.len(),
        1,
        "one without its type is known by its words"
    );
}

#[test]
fn the_machine_of_the_engine_is_watched_by_others() {
    let engine = guest(&read(), ENGINE);
    assert_eq!(
        (engine.power, engine.restarted_elsewhere),
        (Some(Power::Off), None)
    );
}

#[test]
fn a_template_is_one_and_the_blank_one_is_none() {
    let read = read();
    let templates: Vec<Guest> = guests(&read)
        .into_iter()
        .filter(|guest| guest.sort == GuestSort::Template)
        .collect();
    let [template] = templates.as_slice() else {
        panic!("{templates:?}")
    };
    assert_eq!(template.name.to_string(), "rhel8-base");
    assert_eq!(
        (template.uuid.as_ref(), template.power),
        (None, None),
        "it never runs"
    );
    assert_eq!(template.disks.len(), 1);
}

#[test]
fn words_nobody_knows_are_no_words_and_numbers_may_be_texts() {
    let strange = alone(&json!({
        "id": "x", "status": "dreaming", "bios": {"type": "q36"}, "memory": "much", "a field of tomorrow": [{}],
        "cpu": {"topology": {"sockets": 2, "cores": "3"}}, "high_availability": {"enabled": true},
        "disk_attachments": {"disk_attachment": [{"id": "d", "interface": "nvme", "disk": {"id": "d", "format": "luks", "storage_type": "tape"}}]}
    }));
    assert_eq!(
        (strange.power, strange.firmware, strange.memory_bytes),
        (None, None, None)
    );
    assert_eq!(
        (strange.processors, strange.restarted_elsewhere),
        (Some(6), Some(true))
    );
    let disk = &strange.disks[0];
    assert_eq!(
        (disk.format, disk.controller, disk.raw_device),
        (DiskFormat::Unknown, None, false)
    );
}

#[test]
fn every_status_of_a_machine_has_its_meaning() {
    for (status, power) in [
        ("up", Some(Power::On)),
        ("UP", Some(Power::On)),
        ("migrating", Some(Power::On)),
        ("not_responding", Some(Power::On)),
        ("paused", Some(Power::Suspended)),
        ("suspended", Some(Power::Suspended)),
        ("down", Some(Power::Off)),
        ("image_locked", Some(Power::Off)),
        ("unknown", None),
        ("unassigned", None),
    ] {
        assert_eq!(
            alone(&json!({"id": "x", "status": status})).power,
            power,
            "{status}"
        );
    }
}
