//! Is the audit finished? How much of the estate is probably still unseen, and when that may not be said.
//!
//! Two questions, two methods. *Machines*: those that several independent ways of looking met tell by their overlaps how many
//! none of them met ([`unseen_hosts`]). *Dependencies*: the times at which they were first met tell how many more come
//! ([`unseen_dependencies`]). Both give a 90 % interval, and a reason instead of a number where there is none to give
//! ([`Silence`]). [`estimate`] reads both from the inventory document and adds plain words.
//!
//! `docs/reference/estimate.md` tells what is counted as unseen, the literature, and how often the intervals were right over
//! simulated estates (`examples/simulate.rs`).
#![forbid(unsafe_code)]

mod curve;
mod discoveries;
mod ease;
mod hosts;
mod lists;
mod silence;
mod spread;
mod words;

use groma_model::inventory::{Estimate, Inventory};

pub use curve::{Curve, DAYS_MIN, DISCOVERIES_MIN, unseen_dependencies};
pub use hosts::{HOSTS_MIN, Missed, unseen_hosts};
pub use silence::{Days, Machines, Silence};
pub use spread::Interval;

use discoveries::Discoveries;
use lists::Histories;

/// What is said where no list or no curve was good for anything.
const NOTHING: &str = "not estimated";

/// Estimates what is still unseen. Where nothing may be said, `meaningful` is false, no number is given, and `why_not` says
/// why and what would help; where only one of the two may be told, the other is null and `why_not` is about it.
pub fn estimate(inventory: &Inventory) -> Estimate {
    let mut out = Estimate {
        unseen_hosts: None,
        unseen_dependencies: None,
        method: String::new(),
        meaningful: false,
        seen_hosts: None,
        seen_dependencies: None,
        watched_days: None,
        halves_in_days: None,
        says: Vec::new(),
        why_not: None,
    };
    let mut methods = Vec::new();
    let mut silences = Vec::new();
    match dependencies(inventory, &mut out) {
        Ok(method) => methods.push(method),
        Err(silence) => silences.push(format!("dependencies: {silence}")),
    }
    match hosts(inventory, &mut out) {
        Ok(method) => methods.push(method),
        Err(silence) => silences.push(format!("machines: {silence}")),
    }
    out.meaningful = !methods.is_empty();
    out.method = match methods.is_empty() {
        true => NOTHING.to_owned(),
        false => methods.join("; "),
    };
    out.why_not = (!silences.is_empty()).then(|| silences.join("; "));
    out
}

fn dependencies(inventory: &Inventory, out: &mut Estimate) -> Result<String, Silence> {
    let met = Discoveries::of(inventory)?;
    let curve = unseen_dependencies(&met.discovered, met.watched_days)?;
    let seen = met.discovered.len();
    out.unseen_dependencies = Some(curve.unseen.as_array());
    out.seen_dependencies = Some(seen as u64);
    out.watched_days = Some(curve.watched_days);
    out.halves_in_days = curve.halves_in_days;
    out.says
        .extend(words::of_dependencies(&curve, seen, met.fresh));
    let over = Days(curve.watched_days);
    Ok(format!("dependencies by their discovery curve over {over}"))
}

fn hosts(inventory: &Inventory, out: &mut Estimate) -> Result<String, Silence> {
    let histories = Histories::of(inventory);
    let missed = unseen_hosts(&histories.met)?;
    let seen = histories.met.len();
    out.unseen_hosts = Some(missed.unseen.as_array());
    out.seen_hosts = Some(seen as u64);
    out.says
        .extend(words::of_hosts(&missed, seen, histories.only_named));
    let ways = histories.ways().join(", ");
    let merged = match missed.merged {
        0 => String::new(),
        n => format!(", of which {n} repeated or avoided another and counted with it"),
    };
    Ok(format!(
        "machines by capture and recapture over {ways}{merged}"
    ))
}
