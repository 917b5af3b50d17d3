//! `nobody-seen-to-use`: a machine was watched for weeks, and nobody came.
//!
//! The cheapest migration is none. Silence is an answer only where somebody listened (docs/decisions/0085): for five weeks up to
//! now, at every hour of the day, through a source that tells every connection, without a look that lost something.

use groma_model::Timestamp;
use groma_model::inventory::{Dependency, Likelihood, Severity};
use groma_model::watched::{BLIND_MAX, NOBODY_SEEN_TO_USE, OwnWatch};

use super::quiet::{DAYS, Quiet, quiet, used_last};
use crate::wording::{count, title, told};
use crate::{Check, Draft, View};

/// Seconds of the day that must have lain within a look on one day at least: all but a quarter of an hour, so that a
/// restart that comes every night at the same time does not spoil a year.
const DAY_SECONDS_MIN: u64 = 86_400 - 900;
const WEEK_SECONDS: u64 = 7 * 86_400;

pub(crate) struct NobodySeenToUse;

impl Check for NobodySeenToUse {
    fn name(&self) -> &'static str {
        NOBODY_SEEN_TO_USE
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let watched = |quiet: Quiet<'_>| {
            let watch = quiet.machine.attributes.watched.as_ref()?;
            let days = silent_days(&quiet, watch, view.now)?;
            Some(draft(&quiet, watch, days))
        };
        quiet(view).into_iter().filter_map(watched).collect()
    }
}

/// Whole days for which nobody came and somebody watched, if they are enough and reach up to now.
fn silent_days(quiet: &Quiet<'_>, watch: &OwnWatch, now: Timestamp) -> Option<u64> {
    let days = watch.to.since(since(quiet, watch)).as_secs() / 86_400;
    (proves_silence(watch, now) && days >= DAYS).then_some(days)
}

/// True if who came within `watch` was seen: it lasted long enough, at every hour of the day, and reaches up to now.
pub fn proves_silence(watch: &OwnWatch, now: Timestamp) -> bool {
    let is_fresh = watch.to <= now && now.since(watch.to) <= BLIND_MAX;
    let days = watch.to.since(watch.from).as_secs() / 86_400;
    is_fresh && watch.day_seconds >= DAY_SECONDS_MIN && days >= DAYS
}

/// From the last use on, or from the begin of the watch.
fn since(quiet: &Quiet<'_>, watch: &OwnWatch) -> Timestamp {
    let last = quiet.before.iter().map(|d| used_last(d)).max();
    last.map_or(watch.from, |last| last.max(watch.from))
}

fn draft(quiet: &Quiet<'_>, watch: &OwnWatch, days: u64) -> Draft {
    let machine = quiet.machine;
    let mut draft = Draft::about(&[machine.id.as_str()]);
    draft.severity = Severity::Low;
    draft.layer.clone_from(&machine.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} may be moved, paid for and looked after although nobody needs it: in {} nobody was seen to use it.",
        machine.name,
        days_in_words(days)
    );
    draft.indicator = indicator(quiet, watch);
    "Work, licences and a place for something that has no user any more; or, if it has one, somebody who comes less often than that and is on no list."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask its owner whether it has to be moved at all: what is needed once a quarter or once a year was not waited for.",
        "If nobody answers for it, agree on a date and take it off the network for a month with a month's end in it, ready to be brought back within minutes; write down who calls.",
        "Only if nobody did: decommission it, keep its data for as long as its owner or the law asks, and give back its licences, names and addresses.",
    ];
    draft.points_at(machine);
    draft.cites_evidence(&machine.evidence);
    quiet.before.iter().for_each(|d| draft.cites(d));
    draft
}

fn indicator(quiet: &Quiet<'_>, watch: &OwnWatch) -> String {
    let lasted = watch.to.since(watch.from).as_secs().max(1);
    let mut parts = vec![format!(
        "nobody was seen to use it from {} to {}: its own agent told every connection ({}) in {}, {} % of that time, at every hour of the day and at {} % of the hours of the week; the longest time between two looks was {}",
        since(quiet, watch).day(),
        watch.to.day(),
        watch.source,
        count(
            usize::try_from(watch.looks).unwrap_or(usize::MAX),
            "look",
            "looks"
        ),
        (watch.seconds * 100 / lasted).min(100),
        (watch.week_seconds * 100 / WEEK_SECONDS).min(100),
        minutes(watch.longest_gap_seconds),
    )];
    if !quiet.before.is_empty() {
        let who = told(
            quiet.before.iter().map(|d| by_whom(d)),
            |(by, what, day)| format!("{by} ({what}, {day})"),
        );
        parts.push(format!("last used by {who}"));
    }
    if !quiet.looked_after.is_empty() {
        let who = told(
            quiet
                .looked_after
                .iter()
                .map(|d| (d.consumer.name.as_str(), title(&d.kind))),
            |(by, what)| format!("{by} ({what})"),
        );
        parts.push(format!(
            "not counted, because it only looks after it: {who}"
        ));
    }
    parts.push("not seen: calls between two looks and calls nothing answered, people at its console, and what is neither TCP nor a known UDP service".to_owned());
    parts.join("; ")
}

fn by_whom(d: &Dependency) -> (&str, &'static str, String) {
    (d.consumer.name.as_str(), title(&d.kind), used_last(d).day())
}

fn days_in_words(days: u64) -> String {
    count(usize::try_from(days).unwrap_or(usize::MAX), "day", "days")
}

/// `40 minutes`, `23 hours`.
fn minutes(seconds: u64) -> String {
    let whole = |unit: u64| usize::try_from(seconds / unit).unwrap_or(usize::MAX);
    match seconds {
        ..7_200 => count(whole(60), "minute", "minutes"),
        _ => count(whole(3_600), "hour", "hours"),
    }
}
