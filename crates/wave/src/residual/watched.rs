//! How an old place was watched: silence counts only where somebody listened.

use std::time::Duration;

use groma_model::fact::SentinelPost;
use groma_model::inventory::{Entity, Inventory};
use groma_model::sentinel::SENTINEL;
use groma_model::{CoverageState, EntityId, Scope, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A look of a machine's own agent at its connections, or one of a sentinel at the address of a machine that is gone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Watch {
    /// The machine.
    pub entity: EntityId,
    /// When the look began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// The machine that stood sentinel there; none for the machine's own agent.
    pub by: Option<EntityId>,
}

/// Longer than this between two looks is a gap that a daily job could hide in.
pub(super) const BLIND_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How long and how closely a place was watched.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    /// How many looks there were.
    pub looks: u64,
    /// How many of them were a sentinel's, at the address of a machine that is gone.
    #[serde(default)]
    pub by_sentinels: u64,
    /// When the watch began: the first look after the switch, or after the last gap of more than a day. None if nobody looked.
    pub from: Option<Timestamp>,
    /// When the last look ended.
    pub to: Option<Timestamp>,
    /// Seconds within looks: what was seen as it happened.
    pub seconds: u64,
    /// The longest time between two looks since `from`, in seconds.
    pub longest_gap_seconds: u64,
    /// Seconds from the last look until the inventory was made.
    pub stale_seconds: u64,
}

impl Watched {
    pub(crate) fn of(
        place: &EntityId,
        since: Timestamp,
        now: Timestamp,
        watches: &[Watch],
    ) -> Self {
        let mut own: Vec<&Watch> = watches
            .iter()
            .filter(|w| w.entity == *place && w.to > since)
            .collect();
        own.sort();
        let mut watched = Self::default();
        for watch in own {
            watched.looked(watch.from.max(since), watch.to);
            watched.by_sentinels += u64::from(watch.by.is_some());
        }
        watched.stale_seconds = watched.to.map_or(0, |to| now.since(to).as_secs());
        watched
    }

    fn looked(&mut self, from: Timestamp, to: Timestamp) {
        let gap = self.to.map(|last| from.since(last));
        match gap.filter(|gap| *gap <= BLIND_MAX) {
            Some(gap) => self.longest_gap_seconds = self.longest_gap_seconds.max(gap.as_secs()),
            // The first look, or the first after a gap that anything may have happened in.
            None => {
                *self = Self {
                    from: Some(from),
                    ..Self::default()
                }
            }
        }
        let before = self.to.map_or(from, |last| last.max(from));
        self.looks += 1;
        self.seconds += to.since(before).as_secs();
        self.to = Some(self.to.map_or(to, |last| last.max(to)));
    }

    /// Whole days from the last call, or from the begin of the watch, to the last look.
    pub(super) fn silent_days(&self, last_call: Option<Timestamp>) -> u64 {
        let (Some(from), Some(to)) = (self.from, self.to) else {
            return 0;
        };
        let quiet = last_call.map_or(from, |call| call.max(from));
        to.since(quiet).as_secs() / 86_400
    }
}

/// Machines that stood sentinel at an address of `place`, and were heard since, by name.
pub(super) fn sentinels(
    inventory: &Inventory,
    place: &EntityId,
    since: Timestamp,
    watches: &[Watch],
) -> Vec<String> {
    let looks = watches
        .iter()
        .filter(|w| w.entity == *place && w.to > since);
    let by = looks.filter_map(|watch| inventory.entity(watch.by.as_ref()?));
    let mut names: Vec<String> = by.map(|sentinel| sentinel.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// What nobody could see of a place since: of its own looks, as far as they count, and of those of sentinels.
pub(super) fn unseen(inventory: &Inventory, place: &Entity, watched: &Watched) -> Vec<String> {
    let mut all = match watched.looks > watched.by_sentinels {
        true => blind(inventory, &place.id),
        false => Vec::new(),
    };
    if watched.by_sentinels > 0 {
        all.extend(unheard(inventory, place));
    }
    all
}

/// What sentinels could not hear: addresses of the machine at which nobody stood, ports nobody asked for, and what was lost at
/// the newest look.
fn unheard(inventory: &Inventory, place: &Entity) -> Vec<String> {
    let others = inventory.entities.iter().filter(|e| e.id != place.id);
    let posts: Vec<(&EntityId, &SentinelPost)> = others
        .flat_map(|e| e.attributes.posts.iter().map(|entry| (&e.id, &entry.post)))
        .collect();
    let mut all = Vec::new();
    for address in &place.addresses {
        let of_it: Vec<_> = posts
            .iter()
            .filter(|(_, p)| p.address == *address)
            .collect();
        if of_it.is_empty() {
            all.push(format!("nobody stands sentinel at {address}"));
        } else if of_it.iter().all(|(_, post)| !post.ports.is_empty()) {
            all.push(format!("at {address} not every port is listened for"));
        }
        let scope = Scope::new("sentinel", &address.to_string());
        let heard = inventory.coverage.iter().filter(|c| {
            let stood = of_it.iter().any(|(sentinel, _)| **sentinel == c.vantage);
            stood && c.source.as_str() == SENTINEL && c.scope == scope.as_str()
        });
        let gaps = heard.flat_map(|c| &c.gaps);
        all.extend(gaps.map(|gap| format!("{} ({})", gap.what, gap.reason)));
    }
    all
}

/// Sources that see who is connected to a machine.
const WATCHING: [&str; 2] = ["host.sockets", "host.flows"];

/// What the newest looks of a machine at its own connections could not see. One of the two ways that sees all is enough.
fn blind(inventory: &Inventory, place: &EntityId) -> Vec<String> {
    let own = inventory.coverage.iter().filter(|c| c.vantage == *place);
    let mut by_source: Vec<(&str, Vec<String>)> = Vec::new();
    for source in WATCHING {
        let of_it: Vec<_> = own
            .clone()
            .filter(|c| c.source.as_str() == source)
            .collect();
        let holes = of_it.iter().filter(|c| c.state == CoverageState::Partial);
        let told = holes
            .flat_map(|c| &c.gaps)
            .map(|gap| format!("{} ({})", gap.what, gap.reason));
        if !of_it.is_empty() {
            by_source.push((source, told.collect()));
        }
    }
    if by_source.iter().any(|(_, holes)| holes.is_empty()) {
        return Vec::new();
    }
    let mut all: Vec<String> = by_source.into_iter().flat_map(|(_, holes)| holes).collect();
    all.sort();
    all.dedup();
    all
}
