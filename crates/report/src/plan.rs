//! Which thing moves in which wave, and which needs cross from one wave to another.

use std::collections::{HashMap, HashSet};

use groma_model::EntityId;
use groma_model::inventory::{Inventory, WaveEntry};

use crate::index::{Index, is_wrong};

/// The waves of an inventory, in their order, with what belongs to each.
#[derive(Default)]
pub(crate) struct Plan {
    /// Positions of the waves in the inventory: by order, then by name.
    waves: Vec<usize>,
    /// Place of its wave in that order, by position of the entity.
    of: HashMap<usize, usize>,
    /// Names of members that nothing in the inventory has.
    unknown: HashSet<String>,
    /// Needs between two waves, or between a wave and what is in none.
    pub(crate) crossing: Vec<Crossing>,
}

/// A need whose two ends do not move together.
pub(crate) struct Crossing {
    /// Its position in the inventory.
    pub(crate) dependency: usize,
    /// Place of the consumer's wave, where it has one.
    pub(crate) from: Option<usize>,
    /// Place of the provider's wave, where it has one.
    pub(crate) to: Option<usize>,
}

impl Plan {
    pub(crate) fn of(index: &Index<'_>) -> Self {
        let inventory = index.inventory;
        if inventory.waves.is_empty() {
            return Self::default();
        }
        let mut waves: Vec<usize> = (0..inventory.waves.len()).collect();
        waves.sort_by_key(|at| inventory.waves.get(*at).map(|w| (w.order, &w.name)));
        let mut plan = Self {
            waves,
            ..Self::default()
        };
        plan.assign(index);
        plan.follow_hosts(index);
        plan.cross(index);
        plan
    }

    /// The waves in their order.
    pub(crate) fn waves<'a>(
        &self,
        inventory: &'a Inventory,
    ) -> impl Iterator<Item = (usize, &'a WaveEntry)> {
        let waves = self.waves.iter().enumerate();
        waves.filter_map(|(place, at)| Some((place, inventory.waves.get(*at)?)))
    }

    /// How many waves there are.
    pub(crate) fn len(&self) -> usize {
        self.waves.len()
    }

    /// The place of the wave in which the entity at this position moves.
    pub(crate) fn wave_of(&self, position: usize) -> Option<usize> {
        self.of.get(&position).copied()
    }

    /// True if a member of this name is nothing the inventory holds.
    pub(crate) fn is_unknown(&self, member: &str) -> bool {
        self.unknown.contains(member)
    }

    /// The name of the wave at this place.
    pub(crate) fn name<'a>(&self, place: usize, inventory: &'a Inventory) -> &'a str {
        let wave = self
            .waves
            .get(place)
            .and_then(|at| inventory.waves.get(*at));
        wave.map_or("", |wave| wave.name.as_str())
    }

    /// What several waves claim moves in the first of them.
    fn assign(&mut self, index: &Index<'_>) {
        let inventory = index.inventory;
        let names = inventory.waves.iter().flat_map(|wave| &wave.members);
        let meant = groma_model::remembered::meant(inventory, names);
        let waves: Vec<_> = self.waves(inventory).collect();
        for (place, wave) in waves {
            for member in &wave.members {
                match meant.get(member) {
                    Some(ids) => self.take(ids.iter(), place, index),
                    None => {
                        self.unknown.insert(member.clone());
                    }
                }
            }
        }
    }

    fn take<'i>(
        &mut self,
        ids: impl Iterator<Item = &'i EntityId>,
        place: usize,
        index: &Index<'_>,
    ) {
        for position in ids.filter_map(|id| index.place(id)) {
            self.of.entry(position).or_insert(place);
        }
    }

    /// What lies on a machine moves with it, unless it is named itself.
    fn follow_hosts(&mut self, index: &Index<'_>) {
        for (at, entity) in index.inventory.entities.iter().enumerate() {
            let host = entity.attributes.lies_on.as_ref();
            let host = host.and_then(|id| index.place(id));
            if let Some(place) = host.and_then(|host| self.wave_of(host)) {
                self.of.entry(at).or_insert(place);
            }
        }
    }

    /// Needs nobody judged wrong, without those that nearly every host has.
    fn cross(&mut self, index: &Index<'_>) {
        let needs = index.inventory.dependencies.iter().enumerate();
        let needs = needs.filter(|(_, d)| !is_wrong(d) && !d.shared_service);
        let crossing = needs.filter_map(|(dependency, d)| {
            let wave = |id: &EntityId| Some(self.wave_of(index.place(id)?));
            let (from, to) = (wave(&d.consumer.entity)?, wave(&d.provider.entity)?);
            (from != to).then_some(Crossing {
                dependency,
                from,
                to,
            })
        });
        self.crossing = crossing.collect();
    }
}
