//! A host of guests: ESXi.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::name::{HostName, Peer};
use groma_model::virtualization::{Hypervisor, HypervisorNic, PortGroup, VirtualSwitch};
use groma_model::{Fact, Foreign};

use super::answer::Object;
use super::element::Element;
use super::inventory::{Inventory, name};
use super::network::{Networks, standard_vlan};
use crate::{Read, mac_address, reachable};

pub(super) const PATHS: &[&str] = &[
    "name",
    "parent",
    "summary.hardware",
    "summary.config.product",
    "summary.quickStats",
    "config.network.vswitch",
    "config.network.proxySwitch",
    "config.network.portgroup",
    "config.network.pnic",
    "config.network.vnic",
    "config.network.dnsConfig",
    "config.dateTimeInfo",
    "config.autoStart",
    "runtime.inMaintenanceMode",
    "runtime.connectionState",
    "runtime.bootTime",
    "datastore",
];

pub(super) fn read(inventory: &mut Inventory, object: &Object, read: &mut Read) {
    let parent = object.value("parent");
    let cluster = parent.filter(|parent| parent.of == "ClusterComputeResource");
    let cluster = cluster.and_then(Element::own_text).map(str::to_owned);
    if let Some(cluster) = &cluster {
        let of_host = inventory.clusters.entry(object.key.clone());
        of_host.insert_entry(cluster.clone());
    }
    note_port_groups(object, &mut inventory.networks);
    if let Some(starts) = object.value("config.autoStart") {
        let starts = starting(starts);
        inventory.starts.insert(object.key.clone(), starts);
    }
    let mut host = Hypervisor {
        platform: inventory.platform.clone(),
        key: object.key.clone(),
        name: Foreign::from(name(object).unwrap_or_default()),
        names: names(object),
        addresses: addresses(object),
        cluster,
        maintenance: object.truth("runtime.inMaintenanceMode"),
        connected: object
            .text("runtime.connectionState")
            .map(|state| state == "connected"),
        dns_servers: peers(object.value("config.network.dnsConfig"), "address"),
        ntp_servers: object
            .value("config.dateTimeInfo")
            .map(|time| peers(time.at("ntpConfig"), "server"))
            .unwrap_or_default(),
        nics: nics(object),
        switches: switches(object, &inventory.networks),
        datastores: references(object.value("datastore")),
        started_at: object
            .text("runtime.bootTime")
            .and_then(|time| time.parse().ok()),
        product: object
            .value("summary.config.product")
            .and_then(|product| product.text("fullName"))
            .map(str::to_owned),
        ..Hypervisor::default()
    };
    if let Some(hardware) = object.value("summary.hardware") {
        describe(hardware, &mut host);
    }
    let load = object.value("summary.quickStats");
    measure(&host, load.filter(|_| host.connected != Some(false)), read);
    read.facts.push(Fact::Hypervisor(Box::new(host)));
}

fn describe(hardware: &Element, host: &mut Hypervisor) {
    let text = |path: &str| hardware.text(path).map(str::to_owned);
    host.uuid = hardware.text("uuid").and_then(crate::own_uuid);
    host.vendor = text("vendor");
    host.model = text("model");
    host.processor = text("cpuModel");
    host.sockets = hardware.number("numCpuPkgs");
    host.cores = hardware.number("numCpuCores");
    host.threads = hardware.number("numCpuThreads");
    host.core_mhz = hardware.number("cpuMhz");
    host.memory_bytes = hardware.number("memorySize");
}

fn measure(host: &Hypervisor, load: Option<&Element>, read: &mut Read) {
    let Some(load) = load else { return };
    let subject = host.platform.subject(&host.key);
    let used: Option<u32> = load.number("overallCpuUsage");
    if let (Some(used), Some(cores), Some(clock)) = (used, host.cores, host.core_mhz)
        && cores > 0
        && clock > 0
    {
        let all = f64::from(cores) * f64::from(clock);
        let percent = f64::from(used) * 100.0 / all;
        read.measured("hypervisor_cpu_used_percent", &subject, percent.min(100.0));
    }
    if let Some(megabytes) = load.number::<u32>("overallMemoryUsage") {
        let bytes = f64::from(megabytes) * 1_048_576.0;
        read.measured("hypervisor_memory_used_bytes", &subject, bytes);
    }
}

/// The name it is listed under, where that is one, and the one it gives itself.
fn names(object: &Object) -> Vec<HostName> {
    let dns = object.value("config.network.dnsConfig");
    let own = dns.and_then(|dns| {
        let host = dns.text("hostName")?;
        Some(match dns.text("domainName") {
            Some(domain) => format!("{host}.{domain}"),
            None => host.to_owned(),
        })
    });
    let listed = object.text("name").map(str::to_owned);
    let mut all: Vec<HostName> = Vec::new();
    let parsed = listed.into_iter().chain(own);
    for name in parsed.filter_map(|name| HostName::parse(&name)) {
        if !name.is_loopback() && !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn addresses(object: &Object) -> Vec<IpAddr> {
    let cards = parts(object, "config.network.vnic", "HostVirtualNic");
    let mut all: Vec<IpAddr> = object
        .text("name")
        .and_then(reachable)
        .into_iter()
        .collect();
    for card in cards {
        let Some(ip) = card.at("spec/ip") else {
            continue;
        };
        let newer = ip.at("ipV6Config").into_iter();
        let newer = newer.flat_map(|six| six.all("ipV6Address"));
        let newer = newer.filter_map(|one| one.text("ipAddress"));
        let told = ip.text("ipAddress").into_iter().chain(newer);
        all.extend(told.filter_map(reachable));
    }
    all.sort();
    all.dedup();
    all
}

fn peers(element: Option<&Element>, name: &str) -> Vec<Peer> {
    let all = element.into_iter().flat_map(|element| element.all(name));
    all.filter_map(|one| Peer::parse(one.own_text()?)).collect()
}

fn references(value: Option<&Element>) -> Vec<String> {
    let all = value
        .into_iter()
        .flat_map(|value| value.all("ManagedObjectReference"));
    let mut all: Vec<String> = all
        .filter_map(|one| one.own_text().map(str::to_owned))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The elements of a property that is a list.
fn parts<'o>(object: &'o Object, path: &str, of: &'o str) -> impl Iterator<Item = &'o Element> {
    let list = object.value(path).into_iter();
    list.flat_map(move |list| list.all(of))
}

fn nics(object: &Object) -> Vec<HypervisorNic> {
    let cards = parts(object, "config.network.pnic", "PhysicalNic");
    let mut all: Vec<HypervisorNic> = cards
        .filter_map(|card| {
            Some(HypervisorNic {
                name: card.text("device")?.to_owned(),
                mac: card.text("mac").and_then(mac_address),
                driver: card.text("driver").map(str::to_owned),
                speed_mbps: card.number("linkSpeed/speedMb"),
            })
        })
        .collect();
    all.sort();
    all
}

/// Name of a card by the key that switches name it with.
fn cards(object: &Object) -> BTreeMap<&str, &str> {
    let cards = parts(object, "config.network.pnic", "PhysicalNic");
    cards
        .filter_map(|card| Some((card.text("key")?, card.text("device")?)))
        .collect()
}

fn switches(object: &Object, networks: &Networks) -> Vec<VirtualSwitch> {
    let cards = cards(object);
    let own = parts(object, "config.network.vswitch", "HostVirtualSwitch");
    let own = own.filter_map(|switch| {
        let name = switch.text("name")?;
        Some(VirtualSwitch {
            name: name.to_owned(),
            uplinks: uplinks(switch, &cards),
            mtu: switch.number("mtu"),
            port_groups: port_groups(object, name),
            ..VirtualSwitch::default()
        })
    });
    let spanning = parts(object, "config.network.proxySwitch", "HostProxySwitch");
    let spanning = spanning.filter_map(|switch| {
        let uuid = switch.text("dvsUuid");
        Some(VirtualSwitch {
            name: switch.text("dvsName")?.to_owned(),
            // Each datacenter of a vCenter may have one of that name.
            key: uuid.and_then(crate::uuid),
            distributed: true,
            uplinks: uplinks(switch, &cards),
            mtu: switch.number("mtu"),
            port_groups: networks.port_groups(uuid.unwrap_or_default()),
            ..VirtualSwitch::default()
        })
    });
    let mut all: Vec<VirtualSwitch> = own.chain(spanning).collect();
    all.sort();
    all
}

fn uplinks(switch: &Element, cards: &BTreeMap<&str, &str>) -> Vec<String> {
    let keys = switch.all("pnic").filter_map(Element::own_text);
    let mut all: Vec<String> = keys
        .map(|key| cards.get(key).copied().unwrap_or(key).to_owned())
        .collect();
    all.sort();
    all
}

fn port_groups(object: &Object, switch: &str) -> Vec<PortGroup> {
    let groups = parts(object, "config.network.portgroup", "HostPortGroup");
    let of_it = groups.filter(|group| group.text("spec/vswitchName") == Some(switch));
    let mut all: Vec<PortGroup> = of_it
        .filter_map(|group| {
            Some(PortGroup {
                name: group.text("spec/name")?.to_owned(),
                vlan: vlan(group),
            })
        })
        .collect();
    all.sort();
    all
}

fn vlan(group: &Element) -> Option<String> {
    group.number("spec/vlanId").and_then(standard_vlan)
}

fn note_port_groups(object: &Object, networks: &mut Networks) {
    for group in parts(object, "config.network.portgroup", "HostPortGroup") {
        let name = group.text("spec/name");
        let switch = group.text("spec/vswitchName");
        if let (Some(name), Some(switch)) = (name, switch) {
            networks.take_on_host(&object.key, name, switch, vlan(group));
        }
    }
}

/// Which guests start with the host: none, unless the host starts any.
fn starting(settings: &Element) -> BTreeMap<String, bool> {
    let is_on = settings.truth("defaults/enabled") == Some(true);
    let all = settings.all("powerInfo").filter_map(|one| {
        let starts = one
            .text("startAction")
            .is_some_and(|word| word.eq_ignore_ascii_case("powerOn"));
        Some((one.text("key")?.to_owned(), is_on && starts))
    });
    all.collect()
}
