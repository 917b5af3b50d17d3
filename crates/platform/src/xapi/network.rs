//! Networks: each is a bridge on every host, and leads out by the card (PIF) that host has in it.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{PortGroup, VirtualSwitch};
use serde_json::Value;

use super::class::Class;
use super::table::{Tables, reference, references};
use crate::json::{flag, small, text, whole};

/// Most cards of one name on one host, and of one bond.
const CARDS_MAX: usize = 64;

/// Records with their references.
type Referred<'t> = Vec<(&'t str, &'t Value)>;

/// The cards of hosts, by what they are looked up by.
pub(super) struct Networks<'t> {
    tables: &'t Tables,
    by_network: BTreeMap<&'t str, Vec<&'t Value>>,
    /// Cards and bonds, without VLANs, by host and name.
    by_name: BTreeMap<(Option<&'t str>, String), Referred<'t>>,
    /// Bonds by the card that stands for them.
    bonds: BTreeMap<&'t str, &'t Value>,
}

impl<'t> Networks<'t> {
    pub(super) fn of(tables: &'t Tables) -> Self {
        let mut networks = Self {
            tables,
            by_network: BTreeMap::new(),
            by_name: BTreeMap::new(),
            bonds: BTreeMap::new(),
        };
        for (at, pif) in tables.all(Class::Pif) {
            if let Some(network) = reference(pif, "network") {
                networks.by_network.entry(network).or_default().push(pif);
            }
            if let (None, Some(device)) = (tag(pif), text(pif, "device")) {
                let place = (reference(pif, "host"), device);
                networks.by_name.entry(place).or_default().push((at, pif));
            }
        }
        let bonds = tables.all(Class::Bond);
        networks.bonds = bonds
            .filter_map(|(_, bond)| Some((reference(bond, "master")?, bond)))
            .collect();
        networks
    }

    /// The cards by which hosts are in the network `at`.
    pub(super) fn ways(&self, at: &str) -> &[&'t Value] {
        self.by_network.get(at).map_or(&[], Vec::as_slice)
    }

    /// True for a network no host has a card in: guests on it reach each other alone.
    pub(super) fn is_alone(&self, at: &str) -> bool {
        self.ways(at).is_empty()
    }

    /// The bridge of the network `at` on a host that is in it by `pif`.
    pub(super) fn switch(&self, at: &str, pif: Option<&Value>) -> Option<VirtualSwitch> {
        let network = self.tables.at(Class::Network, at)?;
        let tunnels = pif.map(|pif| references(pif, "tunnel_access_PIF_of").count());
        let uplinks = pif.map(|pif| self.cards_below(pif)).unwrap_or_default();
        Some(VirtualSwitch {
            name: text(network, "bridge")?,
            uplinks: uplinks.into_iter().collect(),
            leads_out: tunnels
                .is_some_and(|count| count > 0)
                .then(|| "tunnel".to_owned()),
            mtu: small(network, "MTU").filter(|mtu| *mtu > 0),
            port_groups: text(network, "name_label")
                .map(|name| PortGroup {
                    name,
                    vlan: pif.and_then(tag),
                })
                .into_iter()
                .collect(),
            ..VirtualSwitch::default()
        })
    }

    /// The cards `pif` is, is a VLAN of, or binds together. A VLAN has the name of the card or bond it is on.
    fn cards_below(&self, pif: &Value) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let Some(device) = text(pif, "device") else {
            return found;
        };
        let below = self.by_name.get(&(reference(pif, "host"), device));
        for (at, below) in below.into_iter().flatten().take(CARDS_MAX) {
            if flag(below, "physical") == Some(true) {
                found.extend(text(below, "device"));
            }
            if let Some(bond) = self.bonds.get(at) {
                let bound = self.tables.each(bond, "slaves", Class::Pif);
                found.extend(
                    bound
                        .take(CARDS_MAX)
                        .filter_map(|card| text(card, "device")),
                );
            }
        }
        found
    }
}

/// The VLAN of a network: on the host a guest is on, else the one all hosts agree on.
pub(super) fn vlan(ways: &[&Value], host: Option<&str>) -> Option<String> {
    let is_here = |pif: &&&Value| host.is_some() && reference(pif, "host") == host;
    if let Some(here) = ways.iter().find(is_here) {
        return tag(here);
    }
    let tags: BTreeSet<Option<String>> = ways.iter().map(|pif| tag(pif)).collect();
    match tags.len() {
        1 => tags.into_iter().next().flatten(),
        _ => None,
    }
}

/// `-1` stands for none.
fn tag(pif: &Value) -> Option<String> {
    let tag = whole(pif, "VLAN").filter(|tag| *tag <= 4094)?;
    Some(tag.to_string())
}

/// True for a network whose cards are parts of a physical one (SR-IOV).
pub(super) fn is_split(ways: &[&Value]) -> bool {
    let mut parts = ways
        .iter()
        .take(CARDS_MAX)
        .flat_map(|pif| references(pif, "sriov_logical_PIF_of"));
    parts.next().is_some()
}
