//! What every format asks of an inventory: who is who, what is needed, where a machine is reached.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::Interface;
use groma_model::id::digest;
use groma_model::inventory::{Dependency, Entity, Inventory, System, VerdictWord};
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, HostName};

use crate::visible::visible;

/// An inventory with its lists in order.
pub(crate) struct View<'i> {
    pub(crate) inventory: &'i Inventory,
    entities: BTreeMap<&'i str, &'i Entity>,
    systems: BTreeMap<&'i str, &'i System>,
    members: BTreeMap<&'i str, &'i System>,
    sites: BTreeMap<&'i str, &'i str>,
    /// What nobody judged wrong, by id.
    pub(crate) needs: Vec<&'i Dependency>,
}

/// A line that says whose names these are not, between these marks of a comment; nothing where the document stays here.
pub(crate) fn shared_note(inventory: &Inventory, open: &str, close: &str) -> String {
    let says = "names, addresses and accounts are pseudonyms, the key to them stays with whoever made this";
    let line = || format!("{open}{says}{close}");
    inventory
        .shared
        .as_ref()
        .map_or_else(String::new, |_| line())
}

/// Something on a picture: an entity, or an end of a need that the inventory holds no entity for.
pub(crate) struct Node<'i> {
    pub(crate) id: &'i EntityId,
    pub(crate) name: &'i str,
    pub(crate) layer: &'i str,
    pub(crate) entity: Option<&'i Entity>,
}

impl<'i> View<'i> {
    pub(crate) fn of(inventory: &'i Inventory) -> Self {
        let mut needs: Vec<&Dependency> = inventory.dependencies.iter().collect();
        needs.retain(|need| !is_wrong(need));
        needs.sort_by_key(|need| need.id.as_str());
        let systems: BTreeMap<&str, &System> = inventory
            .systems
            .iter()
            .map(|system| (system.id.as_str(), system))
            .collect();
        let mut members = BTreeMap::new();
        for system in systems.values() {
            for member in &system.members {
                members.entry(member.as_str()).or_insert(*system);
            }
        }
        let sites = inventory.sites.iter();
        Self {
            inventory,
            entities: inventory
                .entities
                .iter()
                .map(|e| (e.id.as_str(), e))
                .collect(),
            systems,
            members,
            sites: sites.map(|s| (s.id.as_str(), s.name.as_str())).collect(),
            needs,
        }
    }

    pub(crate) fn entity(&self, id: &EntityId) -> Option<&'i Entity> {
        self.entities.get(id.as_str()).copied()
    }

    /// Everything there is, by id.
    pub(crate) fn entities(&self) -> impl Iterator<Item = &'i Entity> + '_ {
        self.entities.values().copied()
    }

    /// What one could log in to, by id.
    pub(crate) fn machines(&self) -> impl Iterator<Item = &'i Entity> + '_ {
        self.entities().filter(|entity| is_machine(entity))
    }

    /// The name of the site an entity stands at: its id where nobody named it.
    pub(crate) fn site(&self, entity: &'i Entity) -> &'i str {
        let named = self.sites.get(entity.site.as_str()).copied();
        named
            .filter(|name| !name.is_empty())
            .unwrap_or(entity.site.as_str())
    }

    /// The system an entity belongs to: by its own word, or because the system counts it in.
    pub(crate) fn system(&self, entity: &Entity) -> Option<&'i System> {
        let own = entity.system.as_deref();
        own.and_then(|id| self.systems.get(id))
            .or_else(|| self.members.get(entity.id.as_str()))
            .copied()
    }

    /// What each consumer needs, by its id.
    pub(crate) fn by_consumer(&self) -> BTreeMap<&'i str, Vec<&'i Dependency>> {
        let mut found: BTreeMap<&str, Vec<&Dependency>> = BTreeMap::new();
        for need in &self.needs {
            let consumer = need.consumer.entity.as_str();
            found.entry(consumer).or_default().push(need);
        }
        found
    }

    /// What belongs on a picture, by id.
    pub(crate) fn nodes(&self) -> Vec<Node<'i>> {
        let alone = self.entities().filter(|entity| shown_alone(entity));
        let mut nodes: BTreeMap<&str, Node<'i>> = alone
            .map(|entity| (entity.id.as_str(), node_of(entity)))
            .collect();
        for need in &self.needs {
            let ends = [
                (&need.consumer.entity, need.consumer.name.as_str(), ""),
                (
                    &need.provider.entity,
                    need.provider.name.as_str(),
                    need.layer.as_str(),
                ),
            ];
            for (id, name, layer) in ends {
                let found = self.entity(id).map(node_of);
                nodes.entry(id.as_str()).or_insert_with(|| {
                    found.unwrap_or(Node {
                        id,
                        name,
                        layer,
                        entity: None,
                    })
                });
            }
        }
        nodes.into_values().collect()
    }

    /// The layers that `nodes` stand in, from the foundation up.
    pub(crate) fn layers(&self, nodes: &[Node<'i>]) -> Vec<&'i str> {
        let names: BTreeSet<&str> = nodes.iter().map(|node| node.layer).collect();
        let mut layers: Vec<&str> = names.into_iter().collect();
        layers.sort_by_key(|layer| (self.rank(layer), *layer));
        layers
    }

    fn rank(&self, layer: &str) -> u32 {
        let told = self.inventory.layers.iter();
        let told = told
            .filter(|entry| entry.name == layer)
            .map(|e| e.rank)
            .min();
        told.unwrap_or_else(|| REGISTRY.rank(layer))
    }
}

fn node_of(entity: &Entity) -> Node<'_> {
    Node {
        id: &entity.id,
        name: &entity.name,
        layer: &entity.layer,
        entity: Some(entity),
    }
}

impl Node<'_> {
    /// Its name, or its id where it has none.
    pub(crate) fn called(&self) -> String {
        called(self.name, self.id)
    }
}

/// `name` made visible; the id where there is no name.
pub(crate) fn called(name: &str, id: &EntityId) -> String {
    let name = visible(name);
    match name.trim().is_empty() {
        true => visible(id.as_str()),
        false => name,
    }
}

/// True for what one could log in to: no device.
pub(crate) fn is_machine(entity: &Entity) -> bool {
    REGISTRY.is_machine(&entity.kind) && entity.kind != "device"
}

/// True for what is shown on a picture although nothing needs it and it needs nothing.
fn shown_alone(entity: &Entity) -> bool {
    REGISTRY.is_machine(&entity.kind) || entity.kind == "service"
}

fn is_wrong(need: &Dependency) -> bool {
    let verdict = need.verdict.as_ref();
    verdict.is_some_and(|verdict| verdict.verdict == VerdictWord::Wrong)
}

/// The word of the document for an enumeration of the model.
pub(crate) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Where others reach this machine: an address of an interface that is up and looks physical first, IPv4 before IPv6.
/// Addresses that mean something else on every machine (loopback, link-local, multicast) are none.
pub(crate) fn reached_at(entity: &Entity) -> Option<IpAddr> {
    let physical: BTreeSet<IpAddr> = entity
        .attributes
        .interfaces
        .iter()
        .filter(|interface| interface.up && interface.kind == "physical")
        .flat_map(addresses_of)
        .map(|(address, _)| address)
        .collect();
    let reachable = entity.addresses.iter().copied().filter(is_reachable);
    reachable.min_by_key(|address| (!physical.contains(address), address.is_ipv6(), *address))
}

/// A qualified name of this machine that everybody could look up.
pub(crate) fn qualified_name(entity: &Entity) -> Option<HostName> {
    let names = entity.names.iter().chain([&entity.name]);
    let parsed = names.filter_map(|name| HostName::parse(name));
    parsed
        .filter(|name| name.is_qualified() && !name.is_loopback())
        .min()
}

/// The addresses of an interface with their prefix lengths; what is no address is left out.
pub(crate) fn addresses_of(interface: &Interface) -> impl Iterator<Item = (IpAddr, u8)> + '_ {
    interface.addresses.iter().filter_map(|text| {
        let (address, length) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv6() { 128 } else { 32 };
        let length = length.parse().unwrap_or(most);
        Some((address, length)).filter(|_| (1..=most).contains(&length))
    })
}

/// True for an address that others could send to.
pub(crate) fn is_reachable(address: &IpAddr) -> bool {
    let on_link = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(on_link || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// `text` as a word of `[a-z0-9]` and `join`; empty if nothing of it is left.
pub(crate) fn plain_word(text: &str, join: char) -> String {
    let mut word = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if !word.is_empty() && !word.ends_with(join) {
            word.push(join);
        }
    }
    word.trim_end_matches(join).to_owned()
}

/// Eight digits that stand for `text` and, practically, for no other.
pub(crate) fn mark(text: &str) -> String {
    digest(&[text]).chars().take(8).collect()
}
