//! How an old place was watched: silence counts only where somebody listened.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use groma_model::inventory::{Entity, Inventory};
use groma_model::sentinel::SENTINEL;
use groma_model::watched::{BLIND_MAX, Span, stretches, within_and_between};
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
    /// Who stood sentinel, and where; none for the machine's own agent.
    pub by: Option<Stood>,
}

/// A sentinel at one address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Stood {
    /// The machine that stood there.
    pub entity: EntityId,
    /// The old address.
    pub address: IpAddr,
    /// True if every port was listened for: silence at ports nobody listened for is none.
    pub every_port: bool,
}

/// Longer than this between two looks of a sentinel begins its watch anew: it has no log of what came while it did not listen.
/// Under `groma-agent run` one look of ten minutes follows the other within seconds; this is as long as a restart of the machine
/// takes, and shorter than one look, so that a look that is missing, or is not counted because it lost something, is not bridged.
pub(super) const DEAF_MAX: Duration = Duration::from_secs(9 * 60);

/// How long and how closely a place was watched: of its addresses the one that was watched worst.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Watched {
    /// How many looks there were.
    pub looks: u64,
    /// How many of them were a sentinel's, at the address of a machine that is gone.
    #[serde(default)]
    pub by_sentinels: u64,
    /// When the watch began: the first look after the switch, or after the last gap that a call could hide in (more than a
    /// day between looks of its own agent, more than nine minutes between those of sentinels). None if nobody looked.
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
    /// How each address of `place` was watched, put together so that the worst holds. Looks of its own agent see all of them,
    /// those of a sentinel the one it stood at.
    pub(crate) fn of(
        place: &EntityId,
        addresses: &[IpAddr],
        since: Timestamp,
        now: Timestamp,
        watches: &[Watch],
    ) -> Self {
        let of_it = watches
            .iter()
            .filter(|w| w.entity == *place && w.to > since);
        let of_it: Vec<&Watch> = of_it.collect();
        let at = |address: Option<IpAddr>| {
            let sees = |watch: &Watch| match &watch.by {
                None => true,
                Some(stood) => stood.every_port && Some(stood.address) == address,
            };
            let looks = of_it.iter().copied().filter(|watch| sees(watch));
            Self::of_looks(looks.collect(), since, now)
        };
        let addresses: BTreeSet<IpAddr> = addresses.iter().map(IpAddr::to_canonical).collect();
        let each = addresses.iter().map(|address| at(Some(*address)));
        each.reduce(Self::worse).unwrap_or_else(|| at(None))
    }

    fn of_looks(looks: Vec<&Watch>, since: Timestamp, now: Timestamp) -> Self {
        let span = |watch: &&Watch| (watch.from.max(since), watch.to);
        let (theirs, own): (Vec<&Watch>, Vec<&Watch>) =
            looks.iter().copied().partition(|watch| watch.by.is_some());
        let mut whole = stretches(own.iter().map(span).collect(), BLIND_MAX);
        whole.extend(stretches(theirs.iter().map(span).collect(), DEAF_MAX));
        // Where one watch follows the other, nobody's log tells what came between them.
        let Some((from, to)) = stretches(whole, DEAF_MAX).pop() else {
            return Self::default();
        };
        let counted = |looks: &[&Watch]| {
            let within = looks.iter().filter(|watch| watch.to >= from);
            u64::try_from(within.count()).unwrap_or(u64::MAX)
        };
        let seen = stretches(looks.iter().map(span).collect(), Duration::ZERO);
        let seen: Vec<Span> = seen.into_iter().filter(|(_, to)| *to >= from).collect();
        let (seconds, longest_gap_seconds) = within_and_between(&seen);
        Self {
            looks: counted(&looks),
            by_sentinels: counted(&theirs),
            from: Some(from),
            to: Some(to),
            seconds,
            longest_gap_seconds,
            stale_seconds: now.since(to).as_secs(),
        }
    }

    /// Of two addresses of one machine: what holds for both.
    fn worse(self, other: Self) -> Self {
        let (Some(from), Some(to), Some(their_from), Some(their_to)) =
            (self.from, self.to, other.from, other.to)
        else {
            return Self::default();
        };
        Self {
            looks: self.looks.min(other.looks),
            by_sentinels: match self.looks <= other.looks {
                true => self.by_sentinels,
                false => other.by_sentinels,
            },
            from: Some(from.max(their_from)),
            to: Some(to.min(their_to)),
            seconds: self.seconds.min(other.seconds),
            longest_gap_seconds: self.longest_gap_seconds.max(other.longest_gap_seconds),
            stale_seconds: self.stale_seconds.max(other.stale_seconds),
        }
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
    let by = looks.filter_map(|watch| inventory.entity(&watch.by.as_ref()?.entity));
    let mut names: Vec<String> = by.map(|sentinel| sentinel.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// What nobody could see of a place since: of its own looks, as far as they count, and of those of sentinels.
pub(super) fn unseen(
    inventory: &Inventory,
    place: &Entity,
    watched: &Watched,
    since: Timestamp,
    watches: &[Watch],
) -> Vec<String> {
    let mut all = match watched.looks > watched.by_sentinels {
        true => blind(inventory, &place.id),
        false => Vec::new(),
    };
    let of_it = watches
        .iter()
        .filter(|w| w.entity == place.id && w.to > since);
    let stood: BTreeSet<&Stood> = of_it.filter_map(|watch| watch.by.as_ref()).collect();
    if !stood.is_empty() {
        all.extend(unheard(inventory, place, &stood));
    }
    all
}

/// What sentinels could not hear: addresses of the machine at which nobody stood, ports nobody asked for, and what was lost at
/// the newest look.
fn unheard(inventory: &Inventory, place: &Entity, stood: &BTreeSet<&Stood>) -> Vec<String> {
    let mut all = Vec::new();
    for address in &place.addresses {
        let canonical = address.to_canonical();
        let of_it = || stood.iter().filter(|one| one.address == canonical);
        if of_it().next().is_none() {
            all.push(format!("nobody stands sentinel at {address}"));
        } else if !of_it().any(|one| one.every_port) {
            all.push(format!("at {address} not every port is listened for"));
        }
        let scope = Scope::new("sentinel", &address.to_string());
        let heard = inventory.coverage.iter().filter(|c| {
            let stood = of_it().any(|one| one.entity == c.vantage);
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
