//! The host the script ran on, and its cluster.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::virtualization::{Cluster, Hypervisor, HypervisorNic, Platform, VirtualSwitch};
use groma_model::{Fact, Foreign, HostName, Peer};
use serde_json::Value;

use super::PARTS_MAX;
use crate::json::{as_text, list, small, text, whole};
use crate::words::{lasting, mac_address, own_uuid};

/// The key of the one cluster of a platform.
const CLUSTER_KEY: &str = "cluster";

pub(super) fn cluster(platform: &Platform, name: &str) -> Fact {
    Fact::Cluster(Box::new(Cluster {
        platform: platform.clone(),
        key: CLUSTER_KEY.to_owned(),
        name: Foreign::from(name),
        restarts_guests: Some(true),
        ..Cluster::default()
    }))
}

pub(super) fn host(
    value: &Value,
    platform: &Platform,
    key: &str,
    in_cluster: bool,
    datastores: Vec<String>,
) -> Fact {
    let host = value.get("Host").unwrap_or(&Value::Null);
    let names: BTreeSet<HostName> = ["Fqdn", "Name"]
        .iter()
        .filter_map(|key| HostName::parse(&text(host, key)?))
        .collect();
    let nics = nics(host);
    // Nobody says on which card each is.
    let on_any = |text: &str| {
        let of_cards = nics.iter().map(|nic| nic.mac.as_deref());
        of_cards.chain([None]).find_map(|mac| lasting(text, mac))
    };
    let addresses: BTreeSet<IpAddr> = list(host, "Addresses", PARTS_MAX)
        .filter_map(as_text)
        .filter_map(|text| on_any(&text))
        .collect();
    let peers = |key: &str| {
        let texts = list(host, key, PARTS_MAX).filter_map(as_text);
        texts
            .filter_map(|text| Peer::parse(&text))
            .collect::<Vec<_>>()
    };
    Fact::Hypervisor(Box::new(Hypervisor {
        platform: platform.clone(),
        key: key.to_owned(),
        name: Foreign::from(text(host, "Name").unwrap_or_default()),
        names: names.into_iter().collect(),
        addresses: addresses.into_iter().collect(),
        uuid: text(host, "Uuid").as_deref().and_then(own_uuid),
        product: text(host, "Product"),
        vendor: text(host, "Manufacturer"),
        model: text(host, "Model"),
        processor: text(host, "Processor"),
        sockets: small(host, "Sockets"),
        cores: small(host, "Cores"),
        threads: small(host, "LogicalProcessorCount"),
        memory_bytes: whole(host, "MemoryCapacity"),
        cluster: in_cluster.then(|| CLUSTER_KEY.to_owned()),
        dns_servers: peers("DnsServers"),
        ntp_servers: peers("NtpServers"),
        nics,
        switches: switches(value),
        datastores,
        ..Hypervisor::default()
    }))
}

fn nics(host: &Value) -> Vec<HypervisorNic> {
    let mut nics: Vec<HypervisorNic> = list(host, "Nics", PARTS_MAX)
        .filter_map(|nic| {
            Some(HypervisorNic {
                name: text(nic, "InterfaceDescription")?,
                mac: text(nic, "MacAddress").as_deref().and_then(mac_address),
                driver: text(nic, "DriverName"),
                speed_mbps: whole(nic, "Speed")
                    .and_then(|bits| u32::try_from(bits / 1_000_000).ok())
                    .filter(|speed| *speed > 0),
            })
        })
        .collect();
    nics.sort();
    nics
}

fn switches(value: &Value) -> Vec<VirtualSwitch> {
    let mut switches: Vec<VirtualSwitch> = list(value, "Switches", PARTS_MAX)
        .filter_map(|switch| {
            let uplinks: BTreeSet<String> = list(switch, "Uplinks", PARTS_MAX)
                .filter_map(as_text)
                .collect();
            Some(VirtualSwitch {
                name: text(switch, "Name")?,
                uplinks: uplinks.into_iter().collect(),
                ..VirtualSwitch::default()
            })
        })
        .collect();
    switches.sort();
    switches
}
