//! What a wave means in an inventory: who goes, who takes the place, who needs them and whom they need.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{
    Dependency, Entity, Inventory, ListenerEntry, System, TimeWindow, VerdictWord,
};
use groma_model::wave::{Move, Wave};
use groma_model::{EntityId, Timestamp};

use crate::machines;
use crate::residual::Watch;

/// A wave in its inventory.
pub(super) struct Scene<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) wave: &'a Wave,
    /// The other waves that are known.
    pub(super) others: Vec<&'a Wave>,
    pub(super) now: Timestamp,
    /// When agents looked at the connections of their own machines.
    pub(super) watches: &'a [Watch],
    /// What each name of the wave file means.
    meant: BTreeMap<&'a String, BTreeSet<EntityId>>,
    /// The machines that go: members, and what something else takes the place of. Who takes a place stays.
    pub(super) leaving: BTreeSet<EntityId>,
    pub(super) moves: Vec<Moving<'a>>,
    /// Needs of others at what goes.
    pub(super) inward: Vec<&'a Dependency>,
    /// Needs of what goes at others.
    pub(super) outward: Vec<&'a Dependency>,
    systems: BTreeMap<&'a str, &'a System>,
}

/// One move, and what it means.
pub(super) struct Moving<'a> {
    pub(super) promise: &'a Move,
    pub(super) old: BTreeSet<EntityId>,
    pub(super) new: BTreeSet<EntityId>,
}

impl<'a> Scene<'a> {
    pub(super) fn of(
        inventory: &'a Inventory,
        wave: &'a Wave,
        others: &'a [Wave],
        watches: &'a [Watch],
    ) -> Self {
        let meant = machines::meant(inventory, names(wave));
        let of = |name: &String| meant.get(name).cloned().unwrap_or_default();
        let moves: Vec<Moving<'a>> = wave
            .moves
            .iter()
            .map(|promise| Moving {
                promise,
                old: of(&promise.from),
                new: of(&promise.to),
            })
            .collect();
        let goes = wave.going(of);
        let goes = goes.into_values().flatten();
        let leaving: BTreeSet<EntityId> = goes
            .chain(moves.iter().flat_map(|m| m.old.iter().cloned()))
            .collect();
        let is_true = |d: &&Dependency| {
            let wrong = |v: &groma_model::inventory::Verdict| v.verdict == VerdictWord::Wrong;
            !d.details.local && !d.verdict.as_ref().is_some_and(wrong)
        };
        // What is set up between the old place and the new one is the move itself.
        let arriving: BTreeSet<&EntityId> = moves.iter().flat_map(|m| &m.new).collect();
        let (mut inward, mut outward) = (Vec::new(), Vec::new());
        for d in inventory.dependencies.iter().filter(is_true) {
            let (from, to) = (&d.consumer.entity, &d.provider.entity);
            match (leaving.contains(from), leaving.contains(to)) {
                (false, true) if !arriving.contains(from) => inward.push(d),
                (true, false) if !arriving.contains(to) => outward.push(d),
                _ => {}
            }
        }
        Self {
            now: inventory.generated_at,
            others: others.iter().filter(|o| o.name != wave.name).collect(),
            systems: inventory
                .systems
                .iter()
                .map(|s| (s.id.as_str(), s))
                .collect(),
            inventory,
            wave,
            watches,
            meant,
            leaving,
            moves,
            inward,
            outward,
        }
    }

    pub(super) fn window(&self) -> Option<TimeWindow> {
        self.wave.window
    }

    /// When the window begins.
    pub(super) fn begins(&self) -> Option<Timestamp> {
        self.wave.window.map(|window| window.from)
    }

    /// What a name of the wave file means.
    pub(super) fn meant(&self, name: &String) -> Option<&BTreeSet<EntityId>> {
        self.meant.get(name)
    }

    /// The entities that go.
    pub(super) fn machines(&self) -> impl Iterator<Item = &'a Entity> {
        self.leaving
            .iter()
            .filter_map(|id| self.inventory.entity(id))
    }

    pub(super) fn machine_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.machines().map(|e| e.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The move that takes this machine away.
    pub(super) fn move_of(&self, old: &EntityId) -> Option<&Moving<'a>> {
        self.moves.iter().find(|m| m.old.contains(old))
    }

    /// What takes its place, by name; else the words for a place nobody has named.
    pub(super) fn new_place(&self, old: &EntityId) -> String {
        match (self.move_of(old), self.inventory.entity(old)) {
            (Some(moving), _) => moving.promise.to.clone(),
            (None, Some(old)) => format!("the new place of {}", old.name),
            (None, None) => "the new place".to_owned(),
        }
    }

    /// Who answers for an entity: its own owner, or that of its system.
    pub(super) fn owner_of(&self, entity: &EntityId) -> Option<String> {
        let entity = self.inventory.entity(entity)?;
        let system = entity
            .system
            .as_ref()
            .and_then(|id| self.systems.get(id.as_str()));
        entity
            .owner
            .clone()
            .or_else(|| system.and_then(|system| system.owner.clone()))
    }

    /// The one owner of all of these; none if they have several, or one has none.
    pub(super) fn owner_of_all<'e>(
        &self,
        entities: impl IntoIterator<Item = &'e EntityId>,
    ) -> Option<String> {
        let mut owners = entities.into_iter().map(|id| self.owner_of(id));
        let first = owners.next()??;
        owners
            .all(|owner| owner.as_ref() == Some(&first))
            .then_some(first)
    }

    /// The endpoints of one machine.
    pub(super) fn listeners(&self, of: &EntityId) -> impl Iterator<Item = &'a ListenerEntry> {
        let listeners = self.inventory.listeners.iter();
        let of = of.clone();
        listeners.filter(move |l| l.entity == of)
    }

    /// Moving machines and everything that lies on them: archives, databases, shares.
    pub(super) fn held(&self) -> impl Iterator<Item = (&'a Entity, &'a Entity)> {
        self.inventory.entities.iter().filter_map(|entity| {
            let on = entity.attributes.lies_on.as_ref()?;
            let machine = self.leaving.contains(on).then_some(on)?;
            Some((self.inventory.entity(machine)?, entity))
        })
    }
}

/// Every name in the file that should mean something.
fn names(wave: &Wave) -> impl Iterator<Item = &String> {
    let moves = wave.moves.iter().flat_map(|m| [&m.from, &m.to]);
    let expected = wave
        .expected
        .iter()
        .flat_map(|e| e.consumer.iter().chain([&e.provider]));
    wave.members
        .iter()
        .chain(moves)
        .chain(&wave.exclusions)
        .chain(expected)
}
