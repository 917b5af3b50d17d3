//! Somebody who called an old place after the switch.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::fact::{Component, KnockWay};
use groma_model::inventory::{Dependency, Entity, Inventory, VerdictWord};
use groma_model::sentinel::KnockEntry;
use groma_model::{DependencyId, EntityId, EvidenceId, Port, Timestamp, Transport};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One consumer that still uses an old place.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Knock {
    /// Who.
    pub consumer: EntityId,
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The part of it that calls, as far as anybody saw.
    pub component: Component,
    /// True if it has an agent: then the part is what the machine itself says.
    pub has_agent: bool,
    /// What for: a dependency kind.
    pub kind: String,
    /// The port.
    pub port: Option<Port>,
    /// Transport.
    pub transport: Option<Transport>,
    /// The name or address it used.
    pub reached_as: Option<String>,
    /// Files that tell it to, sorted.
    pub written_in: Vec<String>,
    /// The last time it was seen to call.
    pub last_seen: Timestamp,
    /// Machines that heard it as sentinels at the old address, by name; empty where the old machine itself saw it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard_by: Vec<String>,
    /// Who answers for the consumer.
    pub owner: Option<String>,
    /// The need behind it.
    pub dependency: DependencyId,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// Somebody who knocked at the address of a machine that is gone and meant no service of it: an echo, or port after port.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Aside {
    /// Who, where that address means somebody.
    pub consumer: Option<EntityId>,
    /// Its name, or its address.
    pub name: String,
    /// The address it came from.
    pub by: IpAddr,
    /// The old address.
    pub at: IpAddr,
    /// At what.
    pub way: KnockWay,
    /// First.
    pub first_seen: Timestamp,
    /// Last.
    pub last_seen: Timestamp,
    /// The machine that heard it, by name.
    pub heard_by: String,
    /// The fact behind it.
    pub evidence: EvidenceId,
}

/// Knocks at `place` after `since` that are no need, the last ones first.
pub(super) fn asides(
    inventory: &Inventory,
    place: &Entity,
    old: &BTreeSet<EntityId>,
    since: Timestamp,
) -> Vec<Aside> {
    let entries = place.attributes.knocks.iter();
    let meant = entries.filter(|entry| {
        let is_old = entry.consumer.as_ref().is_some_and(|id| old.contains(id));
        entry.last_seen > since && !is_old
    });
    let mut asides: Vec<Aside> = meant.map(|entry| aside(inventory, entry)).collect();
    asides.sort_by(|a, b| (b.last_seen, &a.name, a.way).cmp(&(a.last_seen, &b.name, b.way)));
    asides
}

fn aside(inventory: &Inventory, entry: &KnockEntry) -> Aside {
    let name = |id: &EntityId| inventory.entity(id).map(|entity| entity.name.clone());
    Aside {
        consumer: entry.consumer.clone(),
        name: (entry.consumer.as_ref().and_then(name))
            .unwrap_or_else(|| entry.knock.by.to_string()),
        by: entry.knock.by,
        at: entry.knock.at,
        way: entry.knock.way,
        first_seen: entry.first_seen,
        last_seen: entry.last_seen,
        heard_by: name(&entry.sentinel).unwrap_or_default(),
        evidence: entry.evidence.clone(),
    }
}

/// Names of these machines.
fn named(inventory: &Inventory, machines: &[EntityId]) -> Vec<String> {
    let known = machines.iter().filter_map(|id| inventory.entity(id));
    known.map(|entity| entity.name.clone()).collect()
}

/// Needs of others at `place` that were seen in use after `since`, the last ones first.
pub(super) fn knocks(
    inventory: &Inventory,
    place: &Entity,
    old: &BTreeSet<EntityId>,
    since: Timestamp,
) -> Vec<Knock> {
    let called = |d: &&Dependency| {
        let wrong = |v: &groma_model::inventory::Verdict| v.verdict == VerdictWord::Wrong;
        d.provider.entity == place.id
            && !old.contains(&d.consumer.entity)
            && !d.details.local
            && !d.verdict.as_ref().is_some_and(wrong)
    };
    let mut knocks: Vec<Knock> = inventory
        .dependencies
        .iter()
        .filter(called)
        .filter_map(|d| knock(inventory, d, d.details.last_used.filter(|at| *at > since)?))
        .collect();
    knocks.sort_by(|a, b| {
        (b.last_seen, &a.name, &a.dependency).cmp(&(a.last_seen, &b.name, &b.dependency))
    });
    knocks
}

fn knock(inventory: &Inventory, need: &Dependency, last_seen: Timestamp) -> Option<Knock> {
    let consumer = inventory.entity(&need.consumer.entity)?;
    let system = |id: &String| {
        inventory
            .systems
            .iter()
            .find(|s| s.id == *id)?
            .owner
            .clone()
    };
    let owner = consumer.owner.clone();
    Some(Knock {
        consumer: consumer.id.clone(),
        name: need.consumer.name.clone(),
        addresses: need.consumer.addresses.clone(),
        component: need.consumer.component.clone(),
        has_agent: consumer.has_agent,
        kind: need.kind.clone(),
        port: need.provider.port,
        transport: need.provider.transport,
        reached_as: need.reached_as.clone(),
        written_in: need.details.written_in.clone(),
        last_seen,
        heard_by: named(inventory, &need.details.heard_by),
        owner: owner.or_else(|| consumer.system.as_ref().and_then(system)),
        dependency: need.id.clone(),
        evidence: need.evidence.clone(),
    })
}
