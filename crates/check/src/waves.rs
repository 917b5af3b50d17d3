//! Which machine moves in which wave, among those that have not moved yet.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::inventory::WaveEntry;

use crate::View;

/// The first wave ahead of each machine that has one.
pub(crate) struct Moves<'a>(BTreeMap<EntityId, &'a WaveEntry>);

impl<'a> Moves<'a> {
    /// Of waves that are planned or ready.
    pub(crate) fn ahead(view: &View<'a>) -> Self {
        let mut waves = view.waves();
        waves.retain(|(wave, _)| !matches!(wave.state.as_str(), "moved" | "proven"));
        waves.sort_by_key(|(wave, _)| wave.order);
        let mut moves = BTreeMap::new();
        for (wave, machines) in waves {
            for machine in machines {
                moves.entry(machine).or_insert(wave);
            }
        }
        Self(moves)
    }

    /// True if nothing moves.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The wave of one machine.
    pub(crate) fn of(&self, machine: &EntityId) -> Option<&'a WaveEntry> {
        self.0.get(machine).copied()
    }
}
