//! Hosts, storage, and rules of clusters.

use super::*;

#[test]
fn a_host_is_told_with_its_hardware_and_its_networks() {
    let kvm = host(&read(), FIRST);
    assert_eq!(kvm.names[0].as_str(), "kvm1.corp.example");
    assert_eq!(
        kvm.addresses,
        ["10.20.0.11".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(
        kvm.uuid.as_deref(),
        Some("4c4c4544-0042-4310-8054-b7c04f4d3333")
    );
    assert_eq!(
        (kvm.sockets, kvm.cores, kvm.threads),
        (Some(2), Some(40), Some(80))
    );
    assert_eq!(
        (kvm.core_mhz, kvm.memory_bytes),
        (Some(2100), Some(252 << 30))
    );
    assert_eq!(
        kvm.product.as_deref(),
        Some("RHEL 8.6 - 1.el8 (vdsm-4.50.3.4-1.el8)")
    );
    assert_eq!((kvm.maintenance, kvm.connected), (Some(false), Some(true)));
    let servers: Vec<String> = kvm.dns_servers.iter().map(ToString::to_string).collect();
    assert_eq!(
        servers,
        ["10.20.0.53", "10.20.0.54"],
        "those of its network"
    );
    let cards: Vec<&str> = kvm.nics.iter().map(|nic| nic.name.as_str()).collect();
    assert_eq!(
        (cards, kvm.nics[0].speed_mbps),
        (vec!["eno1", "eno2"], Some(10_000))
    );
    let switches: Vec<_> = kvm
        .switches
        .iter()
        .map(|switch| (switch.name.as_str(), switch.uplinks.join(" "), switch.mtu))
        .collect();
    let below = "eno1 eno2".to_owned();
    assert_eq!(
        switches,
        [
            ("ovirtmgmt", below.clone(), Some(1500)),
            ("prod", below, Some(9000))
        ]
    );
    assert_eq!(kvm.switches[1].port_groups[0].vlan.as_deref(), Some("120"));
    assert_eq!(kvm.datastores.len(), 3);
}

#[test]
fn a_host_in_maintenance_is_told_so_and_nobody_says_it_answers() {
    let kvm = host(&read(), SECOND);
    assert_eq!((kvm.maintenance, kvm.connected), (Some(true), None));
    assert_eq!(
        kvm.addresses,
        ["10.20.0.12".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!(
        (kvm.names.len(), kvm.cores, kvm.product.as_deref()),
        (0, None, Some("RHEL 8.6 - 1.el8"))
    );
}

#[test]
fn storage_is_told_with_its_server_and_an_image_service_is_none() {
    let read = read();
    let stores = stores(&read);
    assert_eq!(stores.len(), 3, "{stores:?}");
    let share = stores.iter().find(|store| store.key == SHARE).unwrap();
    assert_eq!(
        (share.sort, share.shared),
        (DatastoreSort::FileShare, Some(true))
    );
    assert_eq!(
        share.server.as_ref().unwrap().to_string(),
        "nas1.corp.example"
    );
    assert_eq!(share.path.as_ref().unwrap().to_string(), "/export/data");
    assert_eq!((share.capacity_bytes, share.hosts.len()), (None, 2));
    assert_eq!(
        number(&read, "datastore_capacity_bytes", SHARE),
        Some(536_870_912_000.0)
    );
    assert_eq!(
        number(&read, "datastore_free_bytes", SHARE),
        Some(322_122_547_200.0)
    );
    let fabric = stores.iter().find(|store| store.key == FABRIC).unwrap();
    assert_eq!(
        (fabric.sort, fabric.capacity_bytes),
        (DatastoreSort::Fabric, Some(1536 << 30))
    );
    assert_eq!(fabric.server.as_ref().unwrap().to_string(), "10.20.0.5");
    assert!(
        fabric
            .path
            .as_ref()
            .unwrap()
            .to_string()
            .starts_with("iqn.")
    );
}

#[test]
fn a_file_system_with_its_server_in_its_path_is_taken_apart() {
    let mut reader = Reader::new("engine");
    reader.answer(&Question::Api, GREETING).unwrap();
    let page = br#"{"storage_domain":[{"id":"s","type":"data","storage":{"type":"posixfs","path":"[fd00::1]:/pool","vfs_type":"ceph"}},{"id":"t","type":"data","storage":{"type":"localfs","path":"/data"}}]}"#;
    reader
        .answer(&Question::Page(List::Stores, 1), page)
        .unwrap();
    let stores = stores(&reader.finish());
    assert_eq!(stores[0].server.as_ref().unwrap().to_string(), "fd00::1");
    assert_eq!(
        (stores[0].sort, stores[0].shared),
        (DatastoreSort::Spread, Some(true))
    );
    assert_eq!(
        (stores[1].sort, stores[1].shared),
        (DatastoreSort::Directory, Some(false))
    );
}

#[test]
fn rules_are_told_and_those_that_are_off_are_not() {
    let cluster = cluster(&read());
    let told: Vec<_> = cluster
        .rules
        .iter()
        .map(|rule| {
            (
                rule.name.as_str(),
                rule.sort,
                rule.mandatory,
                rule.guests.len(),
                rule.hosts.len(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("databases apart", AffinitySort::Apart, true, 2, 0),
            ("licence", AffinitySort::OnHosts, false, 1, 1),
            ("placement of db1", AffinitySort::OnHosts, true, 1, 1),
        ]
    );
    assert_eq!(cluster.restarts_guests, Some(true));
}

#[test]
fn a_group_by_labels_is_told_as_half_known() {
    let mut reader = Reader::new("engine");
    reader.answer(&Question::Api, GREETING).unwrap();
    let page = br#"{"cluster":[{"id":"c","name":"c","affinity_groups":{"affinity_group":[{"id":"g","name":"by label","vms_rule":{"positive":"true"},"vm_labels":{"affinity_label":[{"id":"l"}]}}]}}]}"#;
    reader
        .answer(&Question::Page(List::Clusters, 1), page)
        .unwrap();
    let untold = reader.finish().untold;
    assert!(
        untold.len() == 1 && untold[0].contains("by label"),
        "{untold:?}"
    );
}
