//! What all judges of a wave look at: the two inventories, and what the names of the wave file mean in them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use groma_model::inventory::{Dependency, Entity, Inventory};
use groma_model::wave::{Move, Wave};
use groma_model::{EntityId, Timestamp, Witness};

use super::looks::Looks;
use super::names::Names;
use crate::outcome::{PlaceRole, WavePlace};
use crate::pair::Pair;

/// The two inventories and the wave.
pub(crate) struct Case<'a> {
    pub(crate) before: &'a Inventory,
    pub(crate) after: &'a Inventory,
    pub(crate) wave: &'a Wave,
    pub(crate) pair: Pair<'a>,
    pub(crate) old: Names<'a>,
    pub(crate) new: Names<'a>,
    pub(crate) looks: Looks<'a>,
    /// What each move means, in the order of the wave file.
    pub(crate) moves: Vec<Meant<'a>>,
    /// Members that stay where they are: the ones no move takes away.
    pub(crate) members: BTreeSet<EntityId>,
    /// What the wave takes away: what its moves come from, and members that take nobody's place and serve for no expectation.
    pub(crate) leaving: BTreeSet<EntityId>,
    systems: BTreeMap<&'a str, &'a str>,
}

/// A move, and the entities its names mean.
pub(crate) struct Meant<'a> {
    pub(crate) promise: &'a Move,
    /// What goes.
    pub(crate) from: BTreeSet<EntityId>,
    /// What takes its place.
    pub(crate) to: BTreeSet<EntityId>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(before: &'a Inventory, after: &'a Inventory, wave: &'a Wave) -> Self {
        let mut case = Self {
            before,
            after,
            wave,
            pair: Pair::new(before, after),
            old: Names::of(before),
            new: Names::of(after),
            looks: Looks::of(before, after),
            moves: Vec::new(),
            members: BTreeSet::new(),
            leaving: BTreeSet::new(),
            systems: owners_of_systems(before, after),
        };
        let meant = |promise| Meant {
            promise,
            from: case.source(&promise.from),
            to: case.target(&promise.to),
        };
        case.moves = wave.moves.iter().map(meant).collect();
        let members: BTreeSet<EntityId> = wave
            .members
            .iter()
            .flat_map(|name| case.target(name))
            .collect();
        let stays = |id: &EntityId| !case.is_moved_from(id);
        case.members = members.into_iter().filter(stays).collect();
        case.leaving = case.leaving();
        case
    }

    fn leaving(&self) -> BTreeSet<EntityId> {
        let serves = self.wave.expected.iter().map(|e| &e.provider);
        let serves: BTreeSet<EntityId> = serves.flat_map(|name| self.target(name)).collect();
        let goes = self.wave.going(|name| self.source(name));
        let goes = goes.into_values().flatten();
        // A name that follows meant the old place before, and means the new one now.
        let takes_a_place = |id: &EntityId| self.moves.iter().any(|m| m.to.contains(id));
        let retired = goes.filter(|id| !serves.contains(id) && !takes_a_place(id));
        let moved = self.moves.iter().flat_map(|m| m.from.iter().cloned());
        retired.chain(moved).collect()
    }

    /// True if a move takes it away.
    pub(crate) fn is_moved_from(&self, id: &EntityId) -> bool {
        self.moves.iter().any(|m| m.from.contains(id))
    }

    /// True if somebody looked at the machine after the window, or after the earlier look where the wave has none.
    pub(crate) fn was_looked_at_since(&self, machine: &EntityId) -> bool {
        let looked = self.looks.newest(machine);
        looked.is_some_and(|looked| looked > self.moved())
    }

    /// The moment from which on things must be at their new place: the end of the window, else the earlier look.
    pub(crate) fn moved(&self) -> Timestamp {
        let window = self.wave.window.map(|w| w.to);
        window.unwrap_or(self.before.window.to)
    }

    /// A log goes on telling of yesterday: what nobody wrote down and nobody used since the move is no longer there.
    pub(crate) fn is_of_yesterday(&self, d: &Dependency) -> bool {
        let Some(window) = self.wave.window else {
            return false;
        };
        is_unwritten(d) && last_used(d) <= window.to && self.after.window.to > window.to
    }

    /// As [`Case::is_of_yesterday`]; of a wave without a window, what nobody used since the earlier look.
    pub(crate) fn is_unused_since(&self, d: &Dependency) -> bool {
        let moved = self.moved();
        is_unwritten(d) && last_used(d) <= moved && self.after.window.to > moved
    }

    /// True if all that is known of a need is of before the window in which the wave was made.
    pub(crate) fn is_of_before(&self, d: &Dependency) -> bool {
        let window = self.wave.window;
        window.is_some_and(|window| is_unwritten(d) && last_used(d) < window.from)
    }

    /// The entities `name` means on either side.
    pub(crate) fn everywhere(&self, name: &str) -> BTreeSet<EntityId> {
        let mut meant = self.old.meant(name);
        meant.extend(self.new.meant(name));
        meant
    }

    /// What goes: what the name meant before, for afterwards it may be an alias of the new place.
    fn source(&self, name: &str) -> BTreeSet<EntityId> {
        let old = self.old.meant(name);
        if old.is_empty() {
            self.new.meant(name)
        } else {
            old
        }
    }

    /// What takes its place: what the name means now.
    fn target(&self, name: &str) -> BTreeSet<EntityId> {
        let new = self.new.meant(name);
        if new.is_empty() {
            self.old.meant(name)
        } else {
            new
        }
    }

    /// The entity as the later side knows it, else as the earlier one did.
    pub(crate) fn entity(&self, id: &EntityId) -> Option<&'a Entity> {
        let sides = [&self.pair.after, &self.pair.before];
        sides.iter().find_map(|s| s.entities.get(id).copied())
    }

    /// The name of an entity, as the later side knows it.
    pub(crate) fn name(&self, id: &EntityId) -> String {
        self.pair.name(id).to_owned()
    }

    /// Who answers for an entity: its owner, the owner of its system, of the machine it lies on, else of the wave.
    pub(crate) fn owner(&self, id: Option<&EntityId>) -> Option<String> {
        let of_entity = id.and_then(|id| {
            let own = self.owner_of(id);
            let lies_on = || self.entity(id)?.attributes.lies_on.as_ref();
            own.or_else(|| self.owner_of(lies_on()?))
        });
        let owner = of_entity.or(self.wave.owner.as_deref());
        owner.filter(|o| !o.trim().is_empty()).map(str::to_owned)
    }

    fn owner_of(&self, id: &EntityId) -> Option<&'a str> {
        let entity = self.entity(id)?;
        let system = || self.systems.get(entity.system.as_deref()?).copied();
        entity.owner.as_deref().or_else(system)
    }

    /// The machines of the wave.
    pub(crate) fn places(&self) -> Vec<WavePlace> {
        let place = |role, to: Option<&EntityId>, id: &EntityId| WavePlace {
            entity: id.clone(),
            role,
            name: self.name(id),
            to: to.cloned(),
        };
        let mut places: Vec<WavePlace> = Vec::new();
        for m in &self.moves {
            let to = m.to.first();
            places.extend(m.from.iter().map(|id| place(PlaceRole::From, to, id)));
            places.extend(m.to.iter().map(|id| place(PlaceRole::To, None, id)));
        }
        let members = self.members.iter();
        places.extend(members.map(|id| place(PlaceRole::Member, None, id)));
        places.sort_by(|a, b| (&a.entity, a.role).cmp(&(&b.entity, b.role)));
        places.dedup_by(|a, b| a.entity == b.entity);
        places
    }

    /// The machines of the wave, and those that need them or are needed by them.
    pub(crate) fn concerned(&self) -> BTreeSet<&'a EntityId> {
        let own: HashSet<EntityId> = self.places().into_iter().map(|p| p.entity).collect();
        let both = [&self.pair.before, &self.pair.after];
        let needs = both.into_iter().flat_map(|s| s.dependencies.values());
        let ends = needs
            .filter(|d| own.contains(&d.consumer.entity) || own.contains(&d.provider.entity))
            .flat_map(|d| [&d.consumer.entity, &d.provider.entity]);
        let own = own.iter().filter_map(|id| Some(&self.entity(id)?.id));
        ends.chain(own).collect()
    }

    /// The end of a need that tells of it: the consumer where it has an agent, else the provider.
    pub(crate) fn teller<'d>(&self, need: &'d Dependency) -> Option<&'d EntityId> {
        let watched = |id: &EntityId| {
            let there = [&self.pair.before, &self.pair.after].map(|side| side.entities.get(id));
            there.into_iter().flatten().any(|e| e.has_agent)
        };
        [&need.consumer.entity, &need.provider.entity]
            .into_iter()
            .find(|id| watched(id))
    }

    /// True if neither end that could tell was looked at again.
    pub(crate) fn nobody_looked(&self, need: &Dependency) -> bool {
        let teller = self.teller(need);
        teller.is_some_and(|id| self.looks.is_silent(id))
    }

    /// The last moment of which somebody can tell whether `need` was used.
    pub(crate) fn looked_until(&self, need: &Dependency) -> Timestamp {
        let look = self.teller(need).and_then(|id| self.looks.newest(id));
        look.unwrap_or(self.after.window.to)
    }
}

fn is_unwritten(d: &Dependency) -> bool {
    let written = |w: &Witness| matches!(w, Witness::Written | Witness::Declared);
    !d.witnesses.iter().any(written)
}

pub(crate) fn last_used(d: &Dependency) -> Timestamp {
    d.details.last_used.unwrap_or(d.last_seen)
}

fn owners_of_systems<'a>(
    before: &'a Inventory,
    after: &'a Inventory,
) -> BTreeMap<&'a str, &'a str> {
    let both = before.systems.iter().chain(&after.systems);
    both.filter_map(|s| Some((s.id.as_str(), s.owner.as_deref()?)))
        .collect()
}
