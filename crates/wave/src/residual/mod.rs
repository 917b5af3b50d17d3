//! After the switch: who still knocks at the old place, and when it may be switched off.
//!
//! The old machine goes on running, with its agent, for as long as people agreed. Whoever still calls it is a need that
//! nobody moved, and is told by name, with the program where it has an agent. When nobody has called for the agreed days,
//! *and somebody was there to see it*, the old place may be certified silent. Silence that nobody watched is none.

mod certify;
mod knock;
mod text;
mod watched;

use std::collections::BTreeSet;

use groma_model::inventory::Inventory;
use groma_model::wave::Wave;
use groma_model::{EntityId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use certify::{STATEMENT_SCHEMA, Statement, certify, statement_text};
pub use knock::Knock;
pub use text::residual_text;
pub use watched::{Watch, Watched};

/// The schema word of [`Residual`].
pub const RESIDUAL_SCHEMA: &str = "groma.wave-residual/1";

/// Who still knocks after a wave.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Residual {
    /// Always [`RESIDUAL_SCHEMA`].
    pub schema: String,
    /// The wave.
    pub wave: String,
    /// What came before this moment is no knock: the end of the window, or a moment that was named.
    pub since: Timestamp,
    /// The moment of the inventory it was made from.
    pub at: Timestamp,
    /// The old places, by name.
    pub places: Vec<Place>,
}

/// An old place.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The machine.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// Who called it since, the last ones first.
    pub knocks: Vec<Knock>,
    /// How it was watched since.
    pub watched: Watched,
    /// Whole days for which it was watched and nobody called, up to the last look.
    pub silent_days: u64,
}

impl Residual {
    /// True if somebody still calls.
    pub fn needs_action(&self) -> bool {
        self.places.iter().any(|place| !place.knocks.is_empty())
    }
}

/// The machines a wave takes away: its members and what its moves come from, as `inventory` knows these names. Of names
/// that follow to the new place, an inventory from before the wave knows the old meaning.
pub fn old_places(inventory: &Inventory, wave: &Wave) -> BTreeSet<EntityId> {
    let names = wave
        .members
        .iter()
        .chain(wave.moves.iter().map(|m| &m.from));
    let meant = groma_model::remembered::meant(inventory, names);
    meant.into_values().flatten().collect()
}

/// Who called `old` places after `since`. `watches` are the times in which agents looked at the connections of their own
/// machines.
pub fn residual(
    inventory: &Inventory,
    wave: &Wave,
    old: &BTreeSet<EntityId>,
    since: Timestamp,
    watches: &[Watch],
) -> Residual {
    let mut places: Vec<Place> = old
        .iter()
        .filter_map(|id| inventory.entity(id))
        .map(|entity| {
            let knocks = knock::knocks(inventory, entity, old, since);
            let watched = Watched::of(&entity.id, since, inventory.generated_at, watches);
            let last = knocks.iter().map(|k| k.last_seen).max();
            Place {
                silent_days: watched.silent_days(last),
                entity: entity.id.clone(),
                name: entity.name.clone(),
                knocks,
                watched,
            }
        })
        .collect();
    places.sort_by(|a, b| (&a.name, &a.entity).cmp(&(&b.name, &b.entity)));
    Residual {
        schema: RESIDUAL_SCHEMA.to_owned(),
        wave: wave.name.clone(),
        since,
        at: inventory.generated_at,
        places,
    }
}
