//! When each dependency was first met, counted from when its witness began to watch.
//!
//! The document says of each dependency when it was first and last seen, and by whose evidence. A machine's watch began with
//! the first thing its agent saw there; a log's with the first thing of that kind in it. Machines were not watched for the
//! same time, so each discovery is placed by the *share* of its own watch that had passed: for rates of use it is the same
//! whether one machine was watched for ten days or another for five.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Basis, Dependency, EvidenceEntry, Inventory, VerdictWord};
use groma_model::{EntityId, EvidenceId, Timestamp, Witness};

use crate::curve::DAYS_MIN;
use crate::silence::{Days, Silence};

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;
/// Days on which somebody must be known to have looked: half of the span, within these.
const LOOKS: (usize, usize) = (2, 5);

/// Days before the end on which looks are counted at most: enough for any watch, and an end for a hostile document.
const DAYS_READ: usize = 4000;

/// What a curve is drawn through.
pub(crate) struct Discoveries {
    /// Days after the begin of the watch, on the scale of [`Self::watched_days`].
    pub(crate) discovered: Vec<f64>,
    /// The median watch in days, by dependencies.
    pub(crate) watched_days: f64,
    /// Dependencies that are left out: their witness watched too short a time.
    pub(crate) fresh: usize,
}

impl Discoveries {
    /// Reads them from the document.
    pub(crate) fn of(inventory: &Inventory) -> Result<Self, Silence> {
        let evidence: BTreeMap<&EvidenceId, &EvidenceEntry> =
            inventory.evidence.iter().map(|e| (&e.id, e)).collect();
        let mut met: Vec<Met<'_>> = inventory
            .dependencies
            .iter()
            .filter(|d| is_use(d))
            .filter_map(|d| Met::of(d, &evidence))
            .collect();
        met.sort_by(|a, b| (a.watch, a.first).cmp(&(b.watch, b.first)));
        let spans = spans(&met, inventory);
        let Some(end) = spans.values().map(|(_, end)| *end).max() else {
            return Err(Silence::FewDiscoveries(0));
        };
        let of = |m: &Met<'_>| {
            let (begin, end) = spans.get(&m.watch).copied().unwrap_or((m.first, m.last));
            (days(begin, m.first), days(begin, end))
        };
        let placed: Vec<(f64, f64)> = met.iter().map(of).collect();
        let longest = placed.iter().map(|(_, watch)| *watch).fold(0.0, f64::max);
        let long = placed.iter().filter(|(_, watch)| *watch >= DAYS_MIN);
        let mut watches: Vec<f64> = long.clone().map(|(_, watch)| *watch).collect();
        watches.sort_by(f64::total_cmp);
        let Some(watched_days) = watches.get(watches.len() / 2).copied() else {
            return Err(Silence::ShortWatch(Days(longest)));
        };
        looked(&met, inventory, end, watched_days)?;
        Ok(Self {
            fresh: placed.len() - watches.len(),
            discovered: long.map(|(at, watch)| at / watch * watched_days).collect(),
            watched_days,
        })
    }
}

/// A dependency that was seen in use.
struct Met<'a> {
    watch: Watch<'a>,
    first: Timestamp,
    last: Timestamp,
}

/// Who watched: a machine, or the logs it holds of one kind of use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Watch<'a> {
    vantage: &'a EntityId,
    log_of: Option<&'a str>,
}

impl<'a> Met<'a> {
    fn of(
        dependency: &'a Dependency,
        evidence: &BTreeMap<&EvidenceId, &'a EvidenceEntry>,
    ) -> Option<Self> {
        let cited = dependency.evidence.iter().filter_map(|id| evidence.get(id));
        // A log reaches back further than any agent, so where there is one it says since when.
        let log = |e: &EvidenceEntry| e.witness == Witness::History;
        let seen =
            cited.filter(|e| log(e) || matches!(e.witness, Witness::Live | Witness::Network));
        let best = seen.min_by_key(|e| (!log(e), &e.vantage))?;
        Some(Self {
            watch: Watch {
                vantage: &best.vantage,
                log_of: log(best).then_some(dependency.kind.as_str()),
            },
            first: dependency.first_seen,
            last: dependency.details.last_used.unwrap_or(dependency.last_seen),
        })
    }
}

/// True for what was seen in use between two machines, and nobody called wrong.
fn is_use(dependency: &Dependency) -> bool {
    let wrong = |verdict: &groma_model::inventory::Verdict| verdict.verdict == VerdictWord::Wrong;
    dependency.basis == Basis::Observed
        && !dependency.details.local
        && !dependency.verdict.as_ref().is_some_and(wrong)
}

/// True for sources that watch, not read.
fn is_live(source: &str) -> bool {
    matches!(source, "host.flows" | "host.sockets" | "network.packets")
}

/// From when to when each watch lasted: from the first thing met to the last one, and through the newest look. Nothing is
/// later than the document: a clock that goes ahead makes no watch longer.
fn spans<'a>(
    met: &[Met<'a>],
    inventory: &'a Inventory,
) -> BTreeMap<Watch<'a>, (Timestamp, Timestamp)> {
    let looks = inventory
        .coverage
        .iter()
        .filter(|c| is_live(c.source.as_str()));
    let looks = looks.map(|c| {
        let watch = Watch {
            vantage: &c.vantage,
            log_of: None,
        };
        (watch, c.from, c.to)
    });
    let mut spans = BTreeMap::new();
    for (watch, from, to) in met.iter().map(|m| (m.watch, m.first, m.last)).chain(looks) {
        let to = to.min(inventory.generated_at);
        let (begin, end) = spans.entry(watch).or_insert((from, to));
        *begin = from.min(*begin);
        *end = to.max(*end);
    }
    spans
}

/// Says no where the document does not show that somebody looked on enough days.
fn looked(
    met: &[Met<'_>],
    inventory: &Inventory,
    end: Timestamp,
    watched: f64,
) -> Result<(), Silence> {
    let number = |at: Timestamp| at.millis().div_euclid(86_400_000);
    let oldest = number(end).saturating_sub(whole(watched).min(DAYS_READ) as i64);
    let mut on: BTreeSet<i64> = met
        .iter()
        .flat_map(|m| [number(m.first), number(m.last)])
        .collect();
    for look in inventory
        .coverage
        .iter()
        .filter(|c| is_live(c.source.as_str()))
    {
        on.extend(number(look.from).max(oldest)..=number(look.to).min(number(end)));
    }
    on.retain(|day| (oldest..=number(end)).contains(day));
    let hours = inventory
        .dependencies
        .iter()
        .flat_map(|d| d.details.hours.iter());
    let weekdays: BTreeSet<usize> = hours.map(|hour| hour / 24).collect();
    let (days, span) = (on.len().max(weekdays.len()), whole(watched));
    if days < (span / 2).clamp(LOOKS.0, LOOKS.1) {
        return Err(Silence::RareLooks { days, span });
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "days between two moments of a calendar"
)]
fn whole(days: f64) -> usize {
    days.ceil().max(0.0) as usize
}

fn days(from: Timestamp, to: Timestamp) -> f64 {
    to.since(from).as_millis() as f64 / DAY
}
