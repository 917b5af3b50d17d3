//! Machines of which nothing that is known says that somebody needs them.
//!
//! That nothing is known proves nothing: whether anybody would have been seen, the watch of the machine says, and the check
//! `nobody-seen-to-use` asks it. What speaks for a machine here is deliberately much: a proposal to leave behind what
//! somebody uses costs more than one that is never made.

mod estate;
mod own;

use std::time::Duration;

use groma_model::inventory::{Dependency, Entity};
use groma_model::ledger::LedgerEntry;
use groma_model::schedule::round_days;
use groma_model::{Timestamp, Witness};

use crate::View;
use crate::view::was_seen_alive;

use estate::Estate;
use own::{is_work, may_be_judged};

/// For so many days nobody may have come. Five weeks: then every day of a month and every Monday of one has come round,
/// also the first working day of it, and what runs once a month had its turn.
pub(crate) const DAYS: u64 = 35;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// A machine of which nothing says that it is needed.
pub(crate) struct Quiet<'a> {
    pub(crate) machine: &'a Entity,
    /// Needs of it that were last seen in use before the days that count, the last one first.
    pub(crate) before: Vec<&'a Dependency>,
    /// Who came only to look after it.
    pub(crate) looked_after: Vec<&'a Dependency>,
}

/// Every machine of which nothing says that it is needed, in the order of the document.
pub(crate) fn quiet<'a>(view: &View<'a>) -> Vec<Quiet<'a>> {
    let mut machines: Vec<&Entity> = view.entities().filter(|e| may_be_judged(view, e)).collect();
    if machines.is_empty() {
        return Vec::new();
    }
    let estate = Estate::of(view);
    machines.retain(|machine| !estate.names(machine));
    machines
        .into_iter()
        .filter_map(|machine| judged(view, &estate, machine))
        .collect()
}

/// `machine`, if nobody needs it as far as is known, and it does no work that needs others.
fn judged<'a>(view: &View<'a>, estate: &Estate<'a>, machine: &'a Entity) -> Option<Quiet<'a>> {
    let mut needs = view.needs_of(&machine.id);
    if needs.any(|d| !is_itself(d) && is_work(view, d)) {
        return None;
    }
    let counts = |row: &LedgerEntry| row.consumer != machine.id && !estate.only_kept(machine, row);
    let mut rows = estate.used(machine).filter(|row| counts(row));
    if rows.any(|row| is_lately(view, row.last_seen)) {
        return None;
    }
    let mut quiet = Quiet {
        machine,
        before: Vec::new(),
        looked_after: Vec::new(),
    };
    for need in view.needs_for(&machine.id).filter(|d| !is_itself(d)) {
        if estate.only_keeps(machine, need) {
            quiet.looked_after.push(need);
        } else if is_over(view, need) {
            quiet.before.push(need);
        } else {
            return None;
        }
    }
    quiet
        .before
        .sort_by_key(|d| (std::cmp::Reverse(used_last(d)), &d.id));
    quiet.looked_after.sort_by_key(|d| &d.id);
    Some(quiet)
}

fn is_itself(d: &Dependency) -> bool {
    d.details.local || d.consumer.entity == d.provider.entity
}

/// When a need was last seen in use.
pub(crate) fn used_last(d: &Dependency) -> Timestamp {
    d.details.last_used.unwrap_or(d.last_seen)
}

fn is_lately(view: &View<'_>, moment: Timestamp) -> bool {
    moment.plus(Duration::from_secs(DAYS * DAY)) > view.now
}

/// True if a need was seen in use, and nothing says that it will come again: nobody wrote it down or declared it, and no rhythm
/// of it is still to come round.
fn is_over(view: &View<'_>, d: &Dependency) -> bool {
    let is_stated = d
        .witnesses
        .iter()
        .any(|w| !matches!(w, Witness::Live | Witness::History | Witness::Network));
    let comes_again = match (&d.rhythm, d.next_due) {
        (_, Some(due)) if due > view.now => true,
        (Some(rhythm), _) => round_days(rhythm).is_none_or(|days| {
            let round = Duration::from_secs(days * DAY);
            used_last(d).plus(round) > view.now
        }),
        (None, _) => false,
    };
    was_seen_alive(d) && !is_stated && !comes_again && !is_lately(view, used_last(d))
}
