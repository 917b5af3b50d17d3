//! A node: its state, its networks, its names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::virtualization::{Hypervisor, HypervisorNic, Platform, VirtualSwitch};
use groma_model::{Foreign, HostName, Peer};
use serde_json::Value;

use crate::Read;
use crate::json::{as_text, items, number, small, text, whole};
use crate::words::{reachable, sold_mhz};

/// Most network devices of a node.
const DEVICES_MAX: usize = 4_000;
/// Most ports that are followed below one bridge.
const PORTS_MAX: usize = 256;

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
        // `mhz` follows the load; what the model is sold with does not.
        self.host.core_mhz = self.host.processor.as_deref().and_then(sold_mhz);
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
                maintenance: Some(self.in_maintenance),
                connected: self.is_online,
                datastores,
                ..self.host.clone()
            })));
    }

    /// Its name with its domain, in lower case; the name alone where no domain is told.
    pub(crate) fn whole_name(&self, name: &str) -> String {
        match self.own_names(name).first() {
            Some(first) if self.search.is_some() => first.as_str().to_owned(),
            _ => name.to_owned(),
        }
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
                let ports = words(device, &["bridge_ports", "ovs_ports"]);
                VirtualSwitch {
                    name: name.clone(),
                    uplinks: self.cards_below(ports).into_iter().collect(),
                    mtu: small(device, "mtu"),
                    ..VirtualSwitch::default()
                }
            })
            .collect()
    }

    /// The cards `ports` are, or are VLANs or bonds of. Each port is followed once: two may name each other.
    fn cards_below(&self, mut ports: Vec<String>) -> BTreeSet<String> {
        let (mut followed, mut found) = (BTreeSet::new(), BTreeSet::new());
        while let Some(port) = ports.pop() {
            if followed.len() >= PORTS_MAX || !followed.insert(port.clone()) {
                continue;
            }
            match self.below(&port) {
                Some(next) if next.is_empty() => drop(found.insert(port)),
                Some(next) => ports.extend(next),
                None => {}
            }
        }
        found
    }

    /// What `port` stands upon: nothing for a card. `None` for a port that leads to the host itself, which is no way out.
    fn below(&self, port: &str) -> Option<Vec<String>> {
        let device = self.0.get(port);
        let kind = device.map(|device| kind(device)).unwrap_or_default();
        if kind.starts_with("OVSInt") {
            return None;
        }
        let mut next = device.map_or_else(Vec::new, |device| {
            words(device, &["slaves", "ovs_bonds", "vlan-raw-device"])
        });
        if next.is_empty() && kind != "eth" {
            next.extend(port.rsplit_once('.').map(|(parent, _)| parent.to_owned()));
        }
        Some(next)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn uplinks(answer: &Value) -> Vec<String> {
        let mut node = Node::default();
        node.network(answer);
        let switches = node.host.switches.into_iter();
        switches.flat_map(|switch| switch.uplinks).collect()
    }

    #[test]
    fn bonds_that_name_each_other_are_followed_once() {
        let all: Vec<String> = (0..64).map(|number| format!("bond{number}")).collect();
        let all = all.join(" ");
        let bond = |number| serde_json::json!({"iface": format!("bond{number}"), "type": "bond", "slaves": all});
        let mut devices: Vec<Value> = (0..64).map(bond).collect();
        devices.push(serde_json::json!({"iface": "vmbr0", "type": "bridge", "bridge_ports": all}));
        assert_eq!(uplinks(&Value::from(devices)), [""; 0]);
    }

    #[test]
    fn a_vlan_on_a_bond_leads_to_its_cards() {
        let devices = serde_json::json!([
            {"iface": "vmbr0", "type": "bridge", "bridge_ports": "bond0.50"},
            {"iface": "bond0", "type": "bond", "slaves": "eno1 eno2"},
            {"iface": "eno1", "type": "eth"},
        ]);
        assert_eq!(uplinks(&devices), ["eno1", "eno2"]);
    }

    #[test]
    fn the_clock_is_that_of_the_model_and_not_that_of_the_moment() {
        let of = |model: &str, mhz: &str| {
            let mut node = Node::default();
            node.state(&serde_json::json!({"cpuinfo": {"model": model, "mhz": mhz}}));
            node.host.core_mhz
        };
        let xeon = "Intel(R) Xeon(R) CPU E5-2620 v4 @ 2.10GHz";
        assert_eq!(of(xeon, "1200.1"), Some(2100));
        assert_eq!(of(xeon, "2994.4"), Some(2100));
        assert_eq!(of("AMD EPYC 7302P 16-Core Processor", "2994.4"), None);
        assert_eq!(of("@ infGHz", "1"), None);
    }
}
