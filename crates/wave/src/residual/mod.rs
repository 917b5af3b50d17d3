//! After the switch: who still knocks at the old place, and when it may be switched off.
//!
//! The old machine goes on running, with its agent, for as long as people agreed. Whoever still calls it is a need that
//! nobody moved, and is told by name, with the program where it has an agent. When nobody has called for the agreed days,
//! *and somebody was there to see it*, the old place may be certified silent. Silence that nobody watched is none.
//! Where the old machine is gone, a sentinel may stand at its address and tell who calls there.

mod certify;
mod knock;
mod text;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::inventory::Inventory;
use groma_model::wave::Wave;
use groma_model::{EntityId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::machines;
pub use certify::{STATEMENT_SCHEMA, Statement, certify, statement_text};

pub use knock::{Aside, Dismissed, Knock};
pub use text::residual_text;
pub use watched::{Stood, Watch, Watched};

/// So far may two machines' clocks be apart.
const NEAR: Duration = Duration::from_secs(600);

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
    /// Names of the wave file that mean no machine: of them nothing can be said.
    pub unknown: Vec<String>,
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
    /// Who knocked there and meant no service, as a sentinel heard it. It does not end the silence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asides: Vec<Aside>,
    /// Who called it since by a need that a person judged wrong. It does not end the silence, and is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dismissed: Vec<Dismissed>,
    /// Machines that stood sentinel there since, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sentinels: Vec<String>,
    /// How it was watched since.
    pub watched: Watched,
    /// What its newest look at its connections could not see, in words; empty if that saw all of them.
    pub blind: Vec<String>,
    /// Whole days for which it was watched and nobody called, up to the last look.
    pub silent_days: u64,
}

impl Residual {
    /// True if somebody still calls, or if nobody can tell.
    pub fn needs_action(&self) -> bool {
        let tells = |place: &Place| place.knocks.is_empty() && place.watched.looks > 0;
        self.places.is_empty() || !self.unknown.is_empty() || !self.places.iter().all(tells)
    }

    /// Forgets knocks that are questions of groma itself: whoever knocked asked around in these looks.
    pub fn forget_questions(&mut self, asked: &[Watch]) {
        let is_own = |aside: &Aside| {
            asked.iter().any(|look| {
                let during = |at: Timestamp| look.from <= at.plus(NEAR) && at <= look.to.plus(NEAR);
                aside.consumer.as_ref() == Some(&look.entity)
                    && during(aside.first_seen)
                    && during(aside.last_seen)
            })
        };
        for place in &mut self.places {
            place.asides.retain(|aside| !is_own(aside));
        }
    }
}

/// The machines a wave takes away: its members and what its moves come from, as `inventory` knows these names. Of names
/// that follow to the new place, an inventory from before the wave knows the old meaning. A member that takes the place of
/// another stays, and whoever calls it does as was planned.
///
/// Each name with what it means: nothing, where the inventory does not know it.
pub fn old_places(inventory: &Inventory, wave: &Wave) -> BTreeMap<String, BTreeSet<EntityId>> {
    let from = || wave.moves.iter().map(|m| &m.from);
    let to = wave.moves.iter().map(|m| &m.to);
    let meant = machines::meant(inventory, wave.members.iter().chain(from()).chain(to));
    let mut places = wave.going(|name| meant.get(name).cloned().unwrap_or_default());
    // What comes from there goes, whatever else its name means as a member.
    for name in from() {
        let goes = meant.get(name).into_iter().flatten().cloned();
        places.entry(name).or_default().extend(goes);
    }
    places
        .into_iter()
        .map(|(name, ids)| (name.clone(), ids))
        .collect()
}

/// Who called `old` places after `since`. `watches` are the times in which agents looked at the connections of their own
/// machines.
pub fn residual(
    inventory: &Inventory,
    wave: &Wave,
    named: &BTreeMap<String, BTreeSet<EntityId>>,
    since: Timestamp,
    watches: &[Watch],
) -> Residual {
    let old: BTreeSet<EntityId> = named.values().flatten().cloned().collect();
    let is_gone = |ids: &BTreeSet<EntityId>| !ids.iter().any(|id| inventory.entity(id).is_some());
    let unknown = named.iter().filter(|(_, ids)| is_gone(ids));
    let unknown: Vec<String> = unknown.map(|(name, _)| name.clone()).collect();
    let mut places: Vec<Place> = old
        .iter()
        .filter_map(|id| inventory.entity(id))
        .map(|entity| {
            let knocks = knock::knocks(inventory, entity, &old, since);
            let watched = Watched::of(
                &entity.id,
                &entity.addresses,
                since,
                inventory.generated_at,
                watches,
            );
            let last = knocks.iter().map(|k| k.last_seen).max();
            Place {
                silent_days: watched.silent_days(last),
                blind: watched::unseen(inventory, entity, &watched, since, watches),
                asides: knock::asides(inventory, entity, &old, since),
                dismissed: knock::dismissed(inventory, entity, &old, since),
                sentinels: watched::sentinels(inventory, &entity.id, since, watches),
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
        unknown,
        places,
    }
}
