//! Somebody who called an old place after the switch.

use std::collections::BTreeSet;
use std::net::IpAddr;

use groma_model::fact::{Component, KnockWay};
use groma_model::inventory::{Dependency, Entity, Inventory, Verdict, VerdictWord};
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

/// Somebody who called an old place by a need that a person judged wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Dismissed {
    /// Who.
    pub consumer: EntityId,
    /// Its name.
    pub name: String,
    /// What for: a dependency kind.
    pub kind: String,
    /// The port.
    pub port: Option<Port>,
    /// The last time it was seen to call.
    pub last_seen: Timestamp,
    /// Who judged it.
    pub judged_by: String,
    /// Why.
    pub because: String,
    /// The need that was judged.
    pub dependency: DependencyId,
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
    let called = used(inventory, place, old, since).filter(|(need, _)| wrong(need).is_none());
    let mut knocks: Vec<Knock> = called
        .filter_map(|(need, at)| knock(inventory, need, at))
        .collect();
    knocks.sort_by(|a, b| {
        (b.last_seen, &a.name, &a.dependency).cmp(&(a.last_seen, &b.name, &b.dependency))
    });
    knocks
}

/// Those of them that a person judged wrong, the last ones first. A verdict has no date: what was seen after it may be what it
/// denies.
pub(super) fn dismissed(
    inventory: &Inventory,
    place: &Entity,
    old: &BTreeSet<EntityId>,
    since: Timestamp,
) -> Vec<Dismissed> {
    let judged = used(inventory, place, old, since);
    let judged = judged.filter_map(|(need, last_seen)| Some((need, wrong(need)?, last_seen)));
    let dismissed = judged.map(|(need, verdict, last_seen)| Dismissed {
        consumer: need.consumer.entity.clone(),
        name: need.consumer.name.clone(),
        kind: need.kind.clone(),
        port: need.provider.port,
        last_seen,
        judged_by: verdict.by.clone(),
        because: verdict.because.clone(),
        dependency: need.id.clone(),
    });
    let mut all: Vec<Dismissed> = dismissed.collect();
    all.sort_by(|a, b| {
        (b.last_seen, &a.name, &a.dependency).cmp(&(a.last_seen, &b.name, &b.dependency))
    });
    all
}

fn wrong(need: &Dependency) -> Option<&Verdict> {
    let verdict = need.verdict.as_ref();
    verdict.filter(|verdict| verdict.verdict == VerdictWord::Wrong)
}

/// Needs of others at `place`, and when they were seen in use after `since`.
fn used<'a>(
    inventory: &'a Inventory,
    place: &'a Entity,
    old: &'a BTreeSet<EntityId>,
    since: Timestamp,
) -> impl Iterator<Item = (&'a Dependency, Timestamp)> {
    let of_others = inventory.dependencies.iter().filter(|need| {
        need.provider.entity == place.id
            && !old.contains(&need.consumer.entity)
            && !need.details.local
    });
    of_others.filter_map(move |need| {
        let last = need.details.last_used.filter(|at| *at > since)?;
        Some((need, last))
    })
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
