//! A node: its state, its networks, its names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::virtualization::{Hypervisor, HypervisorNic, Platform, VirtualSwitch};
use groma_model::{Foreign, HostName, Peer};
use serde_json::Value;

use crate::Read;
use crate::json::{as_text, items, number, rounded, small, text, whole};
use crate::words::reachable;

/// Most network devices of a node.
const DEVICES_MAX: usize = 4_000;
/// How many devices may stand upon each other: a VLAN on a bond on a card.
const DEPTH_MAX: usize = 6;

/// A node as the answers tell it, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// False where the cluster does not reach it.
    pub(crate) is_online: Option<bool>,
    /// The address by which the other nodes know it.
    pub(crate) address: Option<IpAddr>,
    pub(crate) in_maintenance: bool,
    host: Hypervisor,
    search: Option<String>,
    cpu_used: Option<f64>,
    memory_used: Option<f64>,
}

impl Node {
    /// An entry of type `node` of `/cluster/resources`.
    pub(crate) fn listed(&mut self, entry: &Value) {
        self.is_online = text(entry, "status").map(|status| status == "online");
        self.host.threads = small(entry, "maxcpu").filter(|count| *count > 0);
        self.host.memory_bytes = whole(entry, "maxmem").filter(|bytes| *bytes > 0);
        self.cpu_used = number(entry, "cpu");
        self.memory_used = number(entry, "mem");
    }

    /// `/nodes/N/status`.
    pub(crate) fn state(&mut self, answer: &Value) {
        let cpu = answer.get("cpuinfo").unwrap_or(&Value::Null);
        self.host.processor = text(cpu, "model");
        self.host.sockets = small(cpu, "sockets");
        self.host.cores = small(cpu, "cores");
        self.host.threads = small(cpu, "cpus").or(self.host.threads);
        // To a hundred: the clock follows the load.
        let clock = number(cpu, "mhz").and_then(|mhz| rounded(mhz / 100.0));
        self.host.core_mhz = clock.and_then(|hundreds| u32::try_from(hundreds * 100).ok());
        let memory = answer.get("memory").unwrap_or(&Value::Null);
        self.host.memory_bytes = whole(memory, "total").or(self.host.memory_bytes);
        self.memory_used = number(memory, "used").or(self.memory_used);
        self.cpu_used = number(answer, "cpu").or(self.cpu_used);
        self.host.product = text(answer, "pveversion").map(|version| product(&version));
    }

    /// `/nodes/N/dns`.
    pub(crate) fn names(&mut self, answer: &Value) {
        self.search = text(answer, "search");
        let servers = ["dns1", "dns2", "dns3"]
            .iter()
            .filter_map(|key| text(answer, key));
        self.host.dns_servers = servers.filter_map(|server| Peer::parse(&server)).collect();
    }

    /// `/nodes/N/network`.
    pub(crate) fn network(&mut self, answer: &Value) {
        let devices = Devices::of(answer);
        self.host.addresses = devices.addresses();
        self.host.nics = devices.cards();
        self.host.switches = devices.switches();
    }

    /// The facts of the node `name`.
    pub(crate) fn tell(
        &self,
        name: &str,
        platform: &Platform,
        cluster: bool,
        read: &mut Read,
        datastores: Vec<String>,
    ) {
        let subject = platform.subject(name);
        let numbers = [
            (
                "hypervisor_cpu_used_percent",
                self.cpu_used.map(|used| used * 100.0),
            ),
            ("hypervisor_memory_used_bytes", self.memory_used),
        ];
        for (metric, value) in numbers {
            if let Some(value) = value.filter(|_| self.is_online != Some(false)) {
                read.measured(metric, &subject, value);
            }
        }
        let mut addresses: BTreeSet<IpAddr> = self.host.addresses.iter().copied().collect();
        addresses.extend(self.address);
        read.facts
            .push(groma_model::Fact::Hypervisor(Box::new(Hypervisor {
                platform: platform.clone(),
                key: name.to_owned(),
                name: Foreign::from(name),
                names: self.own_names(name),
                addresses: addresses.into_iter().collect(),
                cluster: cluster.then(|| super::CLUSTER_KEY.to_owned()),
                maintenance: self.in_maintenance,
                connected: self.is_online,
                datastores,
                ..self.host.clone()
            })));
    }

    fn own_names(&self, name: &str) -> Vec<HostName> {
        let whole = self
            .search
            .as_ref()
            .map(|domain| format!("{name}.{domain}"));
        let names = whole.into_iter().chain([name.to_owned()]);
        names.filter_map(|name| HostName::parse(&name)).collect()
    }
}

/// `pve-manager/8.1.3/b46aac3b42da5d15` as a person says it.
fn product(version: &str) -> String {
    let mut parts = version.split('/').skip(1);
    match (parts.next(), parts.next()) {
        (Some(version), Some(build)) => format!("Proxmox VE {version} ({build})"),
        (Some(version), None) => format!("Proxmox VE {version}"),
        _ => version.to_owned(),
    }
}

/// The network devices of a node by their names.
struct Devices<'v>(BTreeMap<String, &'v Value>);

impl<'v> Devices<'v> {
    fn of(answer: &'v Value) -> Self {
        let named =
            items(answer, DEVICES_MAX).filter_map(|device| Some((text(device, "iface")?, device)));
        Self(named.collect())
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let keys = ["cidr", "address", "cidr6", "address6"];
        let written = self
            .0
            .values()
            .flat_map(|device| keys.iter().filter_map(|key| text(device, key)));
        let all: BTreeSet<IpAddr> = written.filter_map(|text| reachable(&text)).collect();
        all.into_iter().collect()
    }

    fn cards(&self) -> Vec<HypervisorNic> {
        let cards = self.0.iter().filter(|(_, device)| kind(device) == "eth");
        cards
            .map(|(name, _)| HypervisorNic {
                name: name.clone(),
                ..HypervisorNic::default()
            })
            .collect()
    }

    fn switches(&self) -> Vec<VirtualSwitch> {
        let bridges = self
            .0
            .iter()
            .filter(|(_, device)| matches!(kind(device).as_str(), "bridge" | "OVSBridge"));
        bridges
            .map(|(name, device)| {
                let mut uplinks = BTreeSet::new();
                for port in words(device, &["bridge_ports", "ovs_ports"]) {
                    self.below(&port, DEPTH_MAX, &mut uplinks);
                }
                VirtualSwitch {
                    name: name.clone(),
                    uplinks: uplinks.into_iter().collect(),
                    mtu: small(device, "mtu"),
                    ..VirtualSwitch::default()
                }
            })
            .collect()
    }

    /// The cards below `port`: it is one, or a VLAN or a bond of some.
    fn below(&self, port: &str, depth: usize, found: &mut BTreeSet<String>) {
        let device = self.0.get(port);
        let parent = || port.rsplit_once('.').map(|(parent, _)| parent.to_owned());
        let mut next = device.map_or_else(Vec::new, |device| {
            words(device, &["slaves", "ovs_bonds", "vlan-raw-device"])
        });
        let kind = device.map(|device| kind(device)).unwrap_or_default();
        // Within Open vSwitch, ports that lead to the host itself are no way out.
        if kind.starts_with("OVSInt") || depth == 0 {
            return;
        }
        if next.is_empty() && kind != "eth" {
            next.extend(parent());
        }
        if next.is_empty() {
            found.insert(port.to_owned());
        }
        for port in next {
            self.below(&port, depth - 1, found);
        }
    }
}

fn kind(device: &Value) -> String {
    device.get("type").and_then(as_text).unwrap_or_default()
}

fn words(device: &Value, keys: &[&str]) -> Vec<String> {
    let texts = keys.iter().filter_map(|key| text(device, key));
    let words = texts.flat_map(|text| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    words.filter(|word| word != "none").take(64).collect()
}
