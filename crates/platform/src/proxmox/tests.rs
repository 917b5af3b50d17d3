mod files;
mod guests;
mod numbers;

use std::net::IpAddr;

use super::*;
use crate::Read;
use groma_model::Fact;
use groma_model::fact::BackupJob;
use groma_model::virtualization::{
    AffinitySort, Cluster, Datastore, DatastoreSort, DiskController, DiskFormat, Firmware, Guest,
    GuestSort, Hypervisor, PassthroughSort, Power,
};

macro_rules! answer {
    ($name:literal) => {
        include_bytes!(concat!("../../tests/fixtures/proxmox/", $name))
    };
}

const CLUSTER: &[(ClusterQuestion, &[u8])] = &[
    (ClusterQuestion::Status, answer!("cluster-status.json")),
    (
        ClusterQuestion::Resources,
        answer!("cluster-resources.json"),
    ),
    (ClusterQuestion::Storages, answer!("storage.json")),
    (ClusterQuestion::Backups, answer!("cluster-backup.json")),
    (ClusterQuestion::Watched, answer!("ha-resources.json")),
    (ClusterQuestion::Groups, answer!("ha-groups.json")),
    (ClusterQuestion::Rules, answer!("ha-rules.json")),
    (ClusterQuestion::Keepers, answer!("ha-manager.json")),
];
const NODE: &[(NodeQuestion, &[u8])] = &[
    (NodeQuestion::Status, answer!("node-status.json")),
    (NodeQuestion::Network, answer!("node-network.json")),
    (NodeQuestion::Dns, answer!("node-dns.json")),
    (NodeQuestion::Storage, answer!("node-storage.json")),
];
const GUESTS: &[(&str, GuestQuestion, &[u8])] = &[
    (
        "qemu/104",
        GuestQuestion::Config,
        answer!("qemu-104-config.json"),
    ),
    (
        "qemu/104",
        GuestQuestion::Snapshots,
        answer!("qemu-104-snapshot.json"),
    ),
    (
        "qemu/104",
        GuestQuestion::Load,
        answer!("qemu-104-rrddata.json"),
    ),
    (
        "qemu/104",
        GuestQuestion::AgentInterfaces,
        answer!("agent-interfaces.json"),
    ),
    (
        "qemu/104",
        GuestQuestion::AgentSystem,
        answer!("agent-osinfo.json"),
    ),
    (
        "qemu/104",
        GuestQuestion::AgentHostName,
        answer!("agent-host-name.json"),
    ),
    (
        "lxc/105",
        GuestQuestion::Config,
        answer!("lxc-105-config.json"),
    ),
    (
        "lxc/105",
        GuestQuestion::Interfaces,
        answer!("lxc-105-interfaces.json"),
    ),
    (
        "qemu/106",
        GuestQuestion::Config,
        answer!("qemu-106-config.json"),
    ),
    (
        "qemu/9000",
        GuestQuestion::Config,
        answer!("qemu-9000-config.json"),
    ),
];

fn place(key: &str) -> GuestPlace {
    GuestPlace {
        key: key.to_owned(),
        node: "pve1".to_owned(),
    }
}

fn reader() -> Reader {
    let mut reader = Reader::new();
    for (question, answer) in CLUSTER {
        reader
            .answer(&Question::Cluster(*question), answer)
            .unwrap();
    }
    for (question, answer) in NODE {
        reader
            .answer(&Question::Node("pve1".to_owned(), *question), answer)
            .unwrap();
    }
    for (key, question, answer) in GUESTS {
        reader
            .answer(&Question::Guest(place(key), *question), answer)
            .unwrap();
    }
    reader
}

fn read() -> Read {
    reader().finish()
}

fn guest(read: &Read, key: &str) -> Guest {
    let mut guests = read.facts.iter().filter_map(|fact| match fact {
        Fact::Guest(guest) if guest.key == key => Some((**guest).clone()),
        _ => None,
    });
    guests.next().unwrap()
}

fn node(read: &Read, key: &str) -> Hypervisor {
    let mut nodes = read.facts.iter().filter_map(|fact| match fact {
        Fact::Hypervisor(host) if host.key == key => Some((**host).clone()),
        _ => None,
    });
    nodes.next().unwrap()
}

fn stores(read: &Read) -> Vec<&Datastore> {
    let stores = read.facts.iter().filter_map(|fact| match fact {
        Fact::Datastore(store) => Some(&**store),
        _ => None,
    });
    stores.collect()
}

fn jobs(read: &Read) -> Vec<&BackupJob> {
    let jobs = read.facts.iter().filter_map(|fact| match fact {
        Fact::BackupJob(job) => Some(job),
        _ => None,
    });
    jobs.collect()
}

fn measured(read: &Read, subject: &str, metric: &str) -> Option<f64> {
    read.facts.iter().find_map(|fact| match fact {
        Fact::Measurement(one) if one.metric == metric && one.subject.as_str() == Some(subject) => {
            Some(one.value)
        }
        _ => None,
    })
}

#[test]
fn a_template_never_runs_and_one_whose_memory_lies_on_disk_stands_still() {
    let read = read();
    let template = guest(&read, "qemu/9000");
    assert_eq!((template.sort, template.power), (GuestSort::Template, None));
    assert_eq!(guest(&read, "qemu/106").power, Some(Power::Suspended));
}

#[test]
fn a_guest_whose_settings_nobody_read_is_no_poor_fact_and_in_no_backup() {
    let keys = |read: &Read| -> Vec<String> {
        let guests = read.facts.iter().filter_map(|fact| match fact {
            Fact::Guest(guest) => Some(guest.key.clone()),
            _ => None,
        });
        guests.collect()
    };
    // Its node is off: the list has its name, and nobody was asked for the rest.
    let without = read();
    assert_eq!(
        keys(&without),
        ["lxc/105", "qemu/104", "qemu/106", "qemu/9000"]
    );
    assert_eq!(jobs(&without).len(), 3);
    // The twin: with its settings it is told, whatever state nobody knows it is in.
    let mut reader = reader();
    let question = Question::Guest(place("qemu/107"), GuestQuestion::Config);
    let answer = r#"{"data":{"cores":2,"memory":2048,"net0":"virtio=BC:24:11:0A:0B:0F"}}"#;
    reader.answer(&question, answer.as_bytes()).unwrap();
    let with = reader.finish();
    assert_eq!((keys(&with).len(), jobs(&with).len()), (5, 4));
    let far = guest(&with, "qemu/107");
    assert_eq!((far.power, far.nics.len()), (None, 1));
}

#[test]
fn a_template_is_in_no_backup_and_a_disk_that_is_left_out_makes_the_job_say_less() {
    let read = read();
    let told: Vec<(String, String, usize, bool)> = jobs(&read)
        .iter()
        .map(|job| {
            (
                job.name.to_string(),
                job.of.as_ref().unwrap().to_string(),
                job.covers.len(),
                job.unscheduled,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("backup-1".into(), "dns1".into(), 1, false),
            ("backup-1".into(), "mail1.corp.example".into(), 0, false),
            ("backup-2".into(), "win1".into(), 0, true),
        ]
    );
    let of_dns = jobs(&read)[0];
    assert_eq!(of_dns.excludes, ["/srv/log".into(), "/srv/host".into()]);
    assert_eq!(
        (
            of_dns.rhythm.as_deref(),
            of_dns.peer.as_ref().map(ToString::to_string)
        ),
        (Some("daily"), Some("10.20.0.40".into()))
    );
}

#[test]
fn a_node_tells_its_bridges_down_to_the_cards() {
    let read = read();
    let pve1 = node(&read, "pve1");
    let uplinks: Vec<(&str, Vec<&str>)> = pve1
        .switches
        .iter()
        .map(|s| {
            (
                s.name.as_str(),
                s.uplinks.iter().map(String::as_str).collect(),
            )
        })
        .collect();
    assert_eq!(
        uplinks,
        [
            ("vmbr0", vec!["eno1", "eno2"]),
            ("vmbr1", vec![]),
            ("vmbr2", vec!["eno1", "eno2"])
        ]
    );
    assert_eq!(
        pve1.product.as_deref(),
        Some("Proxmox VE 8.1.3 (b46aac3b42da5d15)")
    );
    assert_eq!(
        (pve1.sockets, pve1.cores, pve1.threads, pve1.core_mhz),
        (Some(1), Some(16), Some(32), None)
    );
    assert_eq!(
        pve1.names.iter().map(|n| n.as_str()).collect::<Vec<_>>(),
        ["pve1.corp.example", "pve1"]
    );
    assert_eq!(pve1.addresses.len(), 1, "loopback is nobody's address");
    assert_eq!(
        pve1.datastores,
        [
            "storage/nas",
            "storage/pve1/local",
            "storage/pve1/local-lvm"
        ]
    );
    assert_eq!(
        measured(&read, "proxmox:prod/pve1", "hypervisor_cpu_used_percent"),
        Some(25.0)
    );
    let pve2 = node(&read, "pve2");
    assert_eq!(
        (pve2.connected, pve2.maintenance, pve2.memory_bytes),
        (Some(false), Some(true), None)
    );
}

#[test]
fn a_storage_that_keeps_backups_alone_holds_no_guests() {
    let read = read();
    let told: Vec<(&str, DatastoreSort, Option<u64>)> = stores(&read)
        .iter()
        .map(|s| (s.key.as_str(), s.sort, s.capacity_bytes))
        .collect();
    assert_eq!(
        told,
        [
            ("storage/pve1/local", DatastoreSort::Directory, None),
            ("storage/pve2/local", DatastoreSort::Directory, None),
            (
                "storage/pve1/local-lvm",
                DatastoreSort::Block,
                Some(1_000_000_000_000)
            ),
            ("storage/nas", DatastoreSort::FileShare, None),
        ]
    );
    let nas = stores(&read)[3];
    assert_eq!(
        nas.server.as_ref().map(ToString::to_string).as_deref(),
        Some("nas1.corp.example")
    );
    assert_eq!(
        measured(
            &read,
            "proxmox:prod/storage/pve1/local-lvm",
            "datastore_free_bytes"
        ),
        Some(6e11)
    );
}

#[test]
fn rules_of_old_and_of_new_versions_are_told() {
    let read = read();
    let clusters: Vec<&Cluster> = read
        .facts
        .iter()
        .filter_map(|f| match f {
            Fact::Cluster(c) => Some(&**c),
            _ => None,
        })
        .collect();
    let [cluster] = clusters.as_slice() else {
        panic!()
    };
    assert_eq!(cluster.restarts_guests, Some(true));
    let told: Vec<_> = cluster
        .rules
        .iter()
        .map(|r| {
            (
                r.name.as_str(),
                r.sort,
                r.enabled,
                r.mandatory,
                r.guests.len(),
                r.hosts.len(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("apart1", AffinitySort::Apart, true, true, 2, 0),
            ("front", AffinitySort::OnHosts, true, true, 1, 2),
            ("near", AffinitySort::OnHosts, false, false, 1, 1),
        ]
    );
}

#[test]
fn no_word_somebody_wrote_and_no_secret_is_kept() {
    let all = format!("{:?}{:?}", read(), of_file(files::FILE, "prod", None));
    assert!(!all.contains("s3cret"));
}

#[test]
fn only_what_runs_is_asked_about_its_inside() {
    let reader = reader();
    let asked = |key: &str| {
        reader
            .further(&place(key))
            .iter()
            .map(Question::path)
            .collect::<Vec<_>>()
    };
    assert_eq!(asked("qemu/104").len(), 5);
    assert_eq!(asked("qemu/9000"), ["/nodes/pve1/qemu/9000/snapshot"]);
    assert_eq!(asked("qemu/106"), ["/nodes/pve1/qemu/106/snapshot"]);
    assert_eq!(asked("lxc/105").len(), 3);
}

#[test]
fn a_lone_node_is_a_platform_by_its_own_name() {
    let mut lone = Reader::new();
    assert_eq!(lone.platform(), None);
    let status =
        br#"{"data":[{"type":"node","name":"pve9","ip":"10.0.0.9","online":1,"local":1}]}"#;
    lone.answer(&Question::Cluster(ClusterQuestion::Status), status)
        .unwrap();
    assert_eq!(lone.platform().unwrap().id, "pve9");
    let dns = Question::Node(lone.lone().unwrap(), NodeQuestion::Dns);
    lone.answer(&dns, answer!("node-dns.json")).unwrap();
    assert_eq!(lone.platform().unwrap().id, "pve9.corp.example");
    assert_eq!(
        reader().platform().unwrap().id,
        "prod",
        "a cluster has a name"
    );
    let read = lone.finish();
    assert!(
        !read
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::Cluster(_)))
    );
}

#[test]
fn a_name_that_is_a_path_is_asked_for_nowhere() {
    let mut reader = Reader::new();
    let resources = br#"{"data":[{"type":"qemu","vmid":1,"node":"../../access","name":"x"},{"type":"qemu","vmid":"1/../2","node":"a","name":"x"},{"type":"node","node":"a/b?x=1","status":"online"}]}"#;
    reader
        .answer(&Question::Cluster(ClusterQuestion::Resources), resources)
        .unwrap();
    assert_eq!((reader.guests(), reader.nodes()), (vec![], vec![]));
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let mut reader = Reader::new();
    let question = Question::Cluster(ClusterQuestion::Status);
    assert!(reader.answer(&question, b"<html>").is_err());
    assert!(reader.answer(&question, b"{}").is_err());
    assert!(reader.answer(&question, b"{\"data\":null}").is_ok());
}

#[test]
fn no_answer_breaks_the_reader() {
    let corpus: Vec<&[u8]> = CLUSTER
        .iter()
        .map(|c| c.1)
        .chain(NODE.iter().map(|n| n.1))
        .chain(GUESTS.iter().map(|g| g.2))
        .collect();
    groma_fuzz::hammer(1500, &corpus, |bytes| {
        let mut reader = reader();
        for question in ClusterQuestion::ALL {
            drop(reader.answer(&Question::Cluster(question), bytes));
        }
        for question in NodeQuestion::ALL {
            drop(reader.answer(&Question::Node("pve1".to_owned(), question), bytes));
        }
        for (key, question, _) in GUESTS {
            drop(reader.answer(&Question::Guest(place(key), *question), bytes));
        }
        drop(reader.finish());
    });
}
