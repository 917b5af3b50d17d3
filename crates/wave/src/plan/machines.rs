//! What moves and what does not: machines with everything that lies on them, and whoever has to do with them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use groma_model::inventory::{Basis, Disposition, Entity, Inventory, System};
use groma_model::{EntityId, EvidenceId};

use super::shape::OutBecause;
use crate::machines::is_machine;

/// Kinds that are words about machines: nothing of them stands anywhere.
const WORDS: &[&str] = &["certificate", "account", "list", "dns-zone", "mail-domain"];

/// How far a thing may lie on a thing that lies on a thing.
const DEPTH_MAX: usize = 8;

/// A machine, or something outside of the waves that machines have to do with.
pub(super) struct Node<'a> {
    pub(super) entity: &'a Entity,
    /// The system it belongs to.
    pub(super) system: Option<&'a System>,
    /// Why it moves with no wave; none if it moves.
    pub(super) out: Option<OutBecause>,
    /// How much it matters.
    pub(super) matters: Matters,
}

/// How much a machine matters, as somebody wrote it. What nobody judged lies between low and medium.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Matters {
    Little,
    NobodySays,
    Some,
    Much,
}

/// All nodes, by the order of their ids, and which node each entity stands on.
pub(super) struct Machines<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    stands_on: BTreeMap<&'a EntityId, usize>,
}

impl<'a> Machines<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let entities: BTreeMap<&EntityId, &Entity> =
            inventory.entities.iter().map(|e| (&e.id, e)).collect();
        let carriers = carriers(inventory, &entities);
        let kept: Vec<&Entity> = entities
            .values()
            .copied()
            .filter(|e| is_machine(e) || may_be_end(e, &entities, &carriers))
            .filter(|e| !(e.id.as_str().trim().is_empty() && e.name.trim().is_empty()))
            .collect();
        let systems = Systems::of(inventory);
        let met = Met::of(inventory);
        let hosts_of_guests = hosts_of_guests(inventory, &entities);
        let nodes: Vec<Node<'_>> = kept
            .iter()
            .map(|entity| {
                let system = systems.of_entity(entity);
                Node {
                    entity,
                    system,
                    out: out_because(entity, system, &met, &hosts_of_guests),
                    matters: matters(criticality(entity, system)),
                }
            })
            .collect();
        let at: BTreeMap<&EntityId, usize> =
            kept.iter().enumerate().map(|(i, e)| (&e.id, i)).collect();
        let stands_on = entities
            .values()
            .filter_map(|e| {
                let machine = machine_under(e, &entities, &carriers);
                let node = at.get(&machine.id).or_else(|| at.get(&e.id))?;
                Some((&e.id, *node))
            })
            .collect();
        Self { nodes, stands_on }
    }

    /// The node this entity is, or lies on.
    pub(super) fn node(&self, id: &EntityId) -> Option<usize> {
        self.stands_on.get(id).copied()
    }

    /// The name of a node.
    pub(super) fn name(&self, node: usize) -> &'a str {
        self.nodes.get(node).map_or("", |n| name(n.entity))
    }

    /// True if it moves with a wave.
    pub(super) fn moves(&self, node: usize) -> bool {
        self.nodes.get(node).is_some_and(|n| n.out.is_none())
    }
}

/// What a person calls it; its id where it has no name.
pub(super) fn name(entity: &Entity) -> &str {
    if entity.name.trim().is_empty() {
        entity.id.as_str()
    } else {
        &entity.name
    }
}

/// Its criticality, else that of its system.
pub(super) fn criticality<'a>(entity: &'a Entity, system: Option<&'a System>) -> Option<&'a str> {
    let own = entity.criticality.as_deref();
    own.or_else(|| system.and_then(|s| s.criticality.as_deref()))
        .filter(|text| !text.trim().is_empty())
}

/// Its owner, else that of its system.
pub(super) fn owner<'a>(entity: &'a Entity, system: Option<&'a System>) -> Option<&'a str> {
    let own = entity.owner.as_deref();
    own.or_else(|| system.and_then(|s| s.owner.as_deref()))
        .filter(|text| !text.trim().is_empty())
}

/// True for what is no machine, lies on none, and can all the same be an end of a dependency.
fn may_be_end(
    entity: &Entity,
    entities: &BTreeMap<&EntityId, &Entity>,
    carriers: &BTreeMap<&EntityId, &EntityId>,
) -> bool {
    !WORDS.contains(&entity.kind.as_str()) && !is_machine(machine_under(entity, entities, carriers))
}

/// On which thing another runs or is stored, where a dependency says so: the first by id.
fn carriers<'a>(
    inventory: &'a Inventory,
    entities: &BTreeMap<&EntityId, &Entity>,
) -> BTreeMap<&'a EntityId, &'a EntityId> {
    let mut carriers: BTreeMap<&EntityId, &EntityId> = BTreeMap::new();
    for d in &inventory.dependencies {
        let carries = matches!(d.kind.as_str(), "runs-on" | "stored-on");
        let (thing, under) = (&d.consumer.entity, &d.provider.entity);
        if carries && !entities.get(thing).is_some_and(|e| is_machine(e)) {
            let slot = carriers.entry(thing).or_insert(under);
            *slot = under.min(slot);
        }
    }
    carriers
}

/// The machine a thing lies on, over at most [`DEPTH_MAX`] steps; the last thing on the way where there is none.
fn machine_under<'a>(
    entity: &'a Entity,
    entities: &BTreeMap<&'a EntityId, &'a Entity>,
    carriers: &BTreeMap<&'a EntityId, &'a EntityId>,
) -> &'a Entity {
    let mut at = entity;
    for _ in 0..DEPTH_MAX {
        if is_machine(at) {
            return at;
        }
        let under = at.attributes.lies_on.as_ref();
        let under = under.or_else(|| carriers.get(&at.id).copied());
        let Some(next) = under.and_then(|id| entities.get(id)) else {
            break;
        };
        at = next;
    }
    at
}

/// Machines on which other machines run.
fn hosts_of_guests<'a>(
    inventory: &'a Inventory,
    entities: &BTreeMap<&EntityId, &Entity>,
) -> BTreeSet<&'a EntityId> {
    let is_guest = |id: &EntityId| entities.get(id).is_some_and(|e| is_machine(e));
    inventory
        .dependencies
        .iter()
        .filter(|d| d.kind == "runs-on" && d.consumer.entity != d.provider.entity)
        .filter(|d| !super::needs::is_wrong(d) && is_guest(&d.consumer.entity))
        .map(|d| &d.provider.entity)
        .collect()
}

fn out_because(
    entity: &Entity,
    system: Option<&System>,
    met: &Met<'_>,
    hosts_of_guests: &BTreeSet<&EntityId>,
) -> Option<OutBecause> {
    let decided = system.and_then(|s| s.disposition);
    match (entity.kind.as_str(), decided) {
        ("external", _) => Some(OutBecause::Outside),
        (_, Some(Disposition::Stay)) => Some(OutBecause::Stays),
        (_, Some(Disposition::Retire)) => Some(OutBecause::Retired),
        ("hypervisor", _) => Some(OutBecause::Hypervisor),
        _ if hosts_of_guests.contains(&entity.id) => Some(OutBecause::Hypervisor),
        _ if !is_machine(entity) => Some(OutBecause::NoMachine),
        _ if met.only_declared(entity) => Some(OutBecause::DeclaredOnly),
        ("device", _) if !entity.has_agent => Some(OutBecause::Device),
        _ => None,
    }
}

/// What was met by a look, and not only by a list.
struct Met<'a> {
    /// Facts that a look told, of what a list names and nothing else is known of.
    facts: BTreeSet<&'a EvidenceId>,
    ends: BTreeSet<&'a EntityId>,
}

impl<'a> Met<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let looked = |e: &&groma_model::inventory::EvidenceEntry| {
            e.witness != groma_model::Witness::Declared
        };
        let listed = inventory.entities.iter().filter(|e| is_listed(e));
        let cited: HashSet<&EvidenceId> = listed.flat_map(|e| &e.evidence).collect();
        // Nearly nothing is cited of all facts there are.
        let facts = match cited.is_empty() {
            true => [].iter(),
            false => inventory.evidence.iter(),
        };
        let facts = facts.filter(|e| cited.contains(&e.id)).filter(looked);
        let observed = inventory.dependencies.iter();
        let observed = observed.filter(|d| d.basis == Basis::Observed);
        Self {
            facts: facts.map(|e| &e.id).collect(),
            ends: observed
                .flat_map(|d| [&d.consumer.entity, &d.provider.entity])
                .collect(),
        }
    }

    fn only_declared(&self, entity: &Entity) -> bool {
        is_listed(entity)
            && !self.ends.contains(&entity.id)
            && !entity.evidence.iter().any(|id| self.facts.contains(id))
    }
}

/// True for what a list names, and neither an agent nor a platform nor anybody on the wire.
fn is_listed(entity: &Entity) -> bool {
    entity.declared
        && !entity.has_agent
        && entity.attributes.guest.is_none()
        && entity.attributes.sightings.is_empty()
}

/// Systems by their id and by their members.
struct Systems<'a> {
    by_id: BTreeMap<&'a str, &'a System>,
    by_member: BTreeMap<&'a EntityId, &'a System>,
}

impl<'a> Systems<'a> {
    fn of(inventory: &'a Inventory) -> Self {
        let by_id: BTreeMap<&str, &System> = inventory
            .systems
            .iter()
            .map(|s| (s.id.as_str(), s))
            .collect();
        let mut by_member = BTreeMap::new();
        // What a person put together counts before what was proposed for one machine alone.
        let together = |s: &&&System| s.confirmed_by.is_some() || s.members.len() > 1;
        let first = by_id.values().filter(together);
        let then = by_id.values().filter(|s| !together(s));
        for system in first.chain(then) {
            for member in &system.members {
                by_member.entry(member).or_insert(*system);
            }
        }
        Self { by_id, by_member }
    }

    fn of_entity(&self, entity: &Entity) -> Option<&'a System> {
        let named = entity.system.as_deref().and_then(|id| self.by_id.get(id));
        named.or_else(|| self.by_member.get(&entity.id)).copied()
    }
}

/// What people write about how much a thing matters. A bare number says nothing: to some 1 is the most, to some the least.
fn matters(written: Option<&str>) -> Matters {
    let text = written.unwrap_or_default().to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    let has = |any: &[&str]| words.iter().any(|w| any.contains(w));
    // A denial is of the very next word: "critical, no downtime" denies nothing that is critical.
    let grave = ["critical", "essential", "important"];
    let mut pairs = words.iter().zip(words.iter().skip(1));
    let denied =
        pairs.any(|(no, what)| ["non", "not", "no", "un"].contains(no) && grave.contains(what));
    match () {
        () if has(&["noncritical", "uncritical"]) => Matters::Little,
        () if denied => Matters::Little,
        () if has(&[
            "high",
            "highest",
            "critical",
            "vital",
            "essential",
            "severe",
            "important",
        ]) =>
        {
            Matters::Much
        }
        () if has(&["medium", "moderate", "normal", "middle", "average"]) => Matters::Some,
        () if has(&[
            "low", "lowest", "minor", "none", "little", "trivial", "test", "lab",
        ]) =>
        {
            Matters::Little
        }
        () => Matters::NobodySays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_about_criticality_is_understood_or_left_open() {
        for (text, expected) in [
            ("Low", Matters::Little),
            ("non-critical", Matters::Little),
            ("not critical", Matters::Little),
            ("HIGH", Matters::Much),
            ("mission critical", Matters::Much),
            ("medium", Matters::Some),
            ("1", Matters::NobodySays),
            ("", Matters::NobodySays),
            ("slow", Matters::NobodySays),
            // A denial is of the word behind it.
            ("critical, no downtime", Matters::Much),
            ("business critical, not before 20:00", Matters::Much),
        ] {
            assert_eq!(matters(Some(text)), expected, "{text}");
        }
    }
}
