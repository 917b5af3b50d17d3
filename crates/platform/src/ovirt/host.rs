//! A host: its hardware, its cards, the networks on them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::virtualization::{Hypervisor, HypervisorNic, PortGroup, VirtualSwitch};
use groma_model::{Foreign, Peer};
use serde_json::Value;

use super::answer::{at, id, link, within, word};
use super::network::{Networks, name_servers};
use crate::json::{flag, small, text, whole};
use crate::words::{mac_address, own_uuid, reachable, sold_mhz};

/// Most cards of a host, and networks on them.
const CARDS_MAX: usize = 4_000;

/// A host as its own entry tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    fact: Hypervisor,
    cards: Vec<Card>,
    /// Name servers of the networks it is attached to; where it has none of its own for one, that network.
    names: Vec<(Vec<Peer>, Value)>,
}

/// A card, a bond, or a VLAN on either.
#[derive(Clone, Debug, Default)]
struct Card {
    id: String,
    name: String,
    base: Option<String>,
    slaves: Vec<String>,
    is_bond: bool,
    is_bridged: bool,
    mtu: Option<u32>,
    vlan: Option<String>,
    /// The link to its network.
    network: Value,
    fact: HypervisorNic,
}

impl Host {
    /// An entry of `hosts`.
    pub(super) fn of(entry: &Value) -> Option<Self> {
        let key = id(entry)?;
        let hardware = at(entry, "hardware_information");
        let topology = at(entry, "cpu/topology");
        let status = word(entry, "status").unwrap_or_default();
        let peer = text(entry, "address").and_then(|address| Peer::parse(&address));
        let (name, address) = match peer {
            Some(Peer::Name(name)) => (Some(name), None),
            Some(Peer::Address(address)) => (None, reachable(&address.to_string())),
            None => (None, None),
        };
        let cores = times(small(topology, "sockets"), small(topology, "cores"));
        let processor = text(at(entry, "cpu"), "name");
        let cards: Vec<&Value> = within(entry, "nics", "host_nic", CARDS_MAX).collect();
        let fact = Hypervisor {
            name: Foreign::from(text(entry, "name").unwrap_or_else(|| key.clone())),
            key,
            names: name.into_iter().collect(),
            addresses: addresses(&cards, address),
            uuid: text(hardware, "uuid").and_then(|text| own_uuid(&text)),
            product: product(entry),
            vendor: text(hardware, "manufacturer"),
            model: text(hardware, "product_name"),
            // The clock that is told follows the load; what the model is sold with does not.
            core_mhz: processor.as_deref().and_then(sold_mhz),
            processor,
            sockets: small(topology, "sockets"),
            cores,
            threads: times(cores, small(topology, "threads")),
            memory_bytes: whole(entry, "memory").filter(|bytes| *bytes > 0),
            cluster: link(entry, "cluster"),
            maintenance: Some(matches!(
                status.as_str(),
                "maintenance" | "preparing_for_maintenance"
            )),
            connected: connected(&status),
            ..Hypervisor::default()
        };
        Some(Self {
            fact,
            cards: cards.into_iter().filter_map(Card::of).collect(),
            names: attached(entry),
        })
    }

    /// The cluster it is in.
    pub(super) fn cluster(&self) -> Option<&String> {
        self.fact.cluster.as_ref()
    }

    /// The host, with the networks on its cards.
    pub(super) fn finished(&self, networks: &Networks) -> Hypervisor {
        let mut servers: Vec<Peer> = Vec::new();
        for (own, to) in &self.names {
            let all = match own.is_empty() {
                true => networks.of(to).map(|network| network.name_servers),
                false => Some(own.clone()),
            };
            for server in all.into_iter().flatten() {
                if !servers.contains(&server) {
                    servers.push(server);
                }
            }
        }
        let plain = self
            .cards
            .iter()
            .filter(|card| !card.is_bond && card.base.is_none());
        let mut nics: Vec<HypervisorNic> = plain.map(|card| card.fact.clone()).collect();
        nics.sort();
        Hypervisor {
            dns_servers: servers,
            nics,
            switches: self.switches(networks),
            ..self.fact.clone()
        }
    }

    /// A network with a bridge is a switch of that name.
    fn switches(&self, networks: &Networks) -> Vec<VirtualSwitch> {
        let mut switches = BTreeMap::new();
        for card in self.cards.iter().filter(|card| card.is_bridged) {
            let Some(network) = networks.of(&card.network) else {
                continue;
            };
            let vlan = card.vlan.clone().or(network.vlan);
            let switch = VirtualSwitch {
                name: network.name.clone(),
                uplinks: self.below(card),
                mtu: card.mtu.or(network.mtu),
                port_groups: vec![PortGroup {
                    name: network.name.clone(),
                    vlan,
                }],
                ..VirtualSwitch::default()
            };
            switches.insert(network.name, switch);
        }
        switches.into_values().collect()
    }

    /// The cards that `card` stands upon: its base, and of a bond its slaves.
    fn below(&self, card: &Card) -> Vec<String> {
        let base = card.base.as_ref();
        let base = base.and_then(|base| self.cards.iter().find(|card| card.name == *base));
        let stands_on = base.unwrap_or(card);
        let names: BTreeSet<String> = match (&card.base, stands_on.is_bond) {
            (_, true) => {
                let slaves = self
                    .cards
                    .iter()
                    .filter(|one| stands_on.slaves.contains(&one.id));
                slaves.map(|card| card.name.clone()).collect()
            }
            // A base that is not in the list is told by its name.
            (Some(base), false) => BTreeSet::from([base.clone()]),
            (None, false) => BTreeSet::from([card.name.clone()]),
        };
        names.into_iter().collect()
    }
}

impl Card {
    fn of(entry: &Value) -> Option<Self> {
        let name = text(entry, "name")?;
        let bond = at(entry, "bonding");
        let bits = whole(entry, "speed").map(|bits| bits / 1_000_000);
        Some(Self {
            id: id(entry).unwrap_or_default(),
            base: text(entry, "base_interface"),
            slaves: within(bond, "slaves", "host_nic", CARDS_MAX)
                .filter_map(id)
                .collect(),
            is_bond: bond.is_object(),
            is_bridged: flag(entry, "bridged") == Some(true),
            mtu: small(entry, "mtu").filter(|mtu| *mtu > 0),
            vlan: text(at(entry, "vlan"), "id"),
            network: at(entry, "network").clone(),
            fact: HypervisorNic {
                name: name.clone(),
                mac: text(at(entry, "mac"), "address").and_then(|mac| mac_address(&mac)),
                driver: None,
                speed_mbps: bits
                    .and_then(|speed| u32::try_from(speed).ok())
                    .filter(|s| *s > 0),
            },
            name,
        })
    }
}

fn times(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one?.checked_mul(other?).filter(|count| *count > 0)
}

/// What the engine knows of a host in maintenance was true when it went there: whether it answers, nobody tries.
fn connected(status: &str) -> Option<bool> {
    match status {
        "up" | "non_operational" => Some(true),
        "down" | "non_responsive" | "connecting" | "reboot" | "kdumping" | "install_failed" => {
            Some(false)
        }
        _ => None,
    }
}

/// `RHEL 8.6 - 1.el8 (vdsm-4.50.3.4-1.el8)`.
fn product(entry: &Value) -> Option<String> {
    let os = at(entry, "os");
    let parts = [text(os, "type"), text(at(os, "version"), "full_version")];
    let system: Vec<String> = parts.into_iter().flatten().collect();
    let system = Some(system.join(" ")).filter(|system| !system.is_empty());
    match (system, text(at(entry, "version"), "full_version")) {
        (Some(system), Some(vdsm)) => Some(format!("{system} ({vdsm})")),
        (system, vdsm) => system.or(vdsm),
    }
}

fn addresses(cards: &[&Value], own: Option<IpAddr>) -> Vec<IpAddr> {
    let told = cards.iter().flat_map(|card| {
        let told = ["ip", "ipv6"].map(|key| text(at(card, key), "address"));
        told.into_iter().flatten().collect::<Vec<_>>()
    });
    let mut all: BTreeSet<IpAddr> = told.filter_map(|text| reachable(&text)).collect();
    all.extend(own);
    all.into_iter().collect()
}

fn attached(entry: &Value) -> Vec<(Vec<Peer>, Value)> {
    let all = within(
        entry,
        "network_attachments",
        "network_attachment",
        CARDS_MAX,
    );
    all.map(|attachment| (name_servers(attachment), at(attachment, "network").clone()))
        .collect()
}
