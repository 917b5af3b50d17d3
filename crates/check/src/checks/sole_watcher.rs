//! `sole-watcher`: machines that one machine alone watches, or keeps the logs of.

use groma_model::fact::WatchPurpose;
use groma_model::inventory::{Disposition, Entity, Likelihood, Severity, Watching};

use crate::wording::{count, names};
use crate::{Check, Draft, View};

/// From this many machines on it is no small matter, whatever becomes of the watcher.
const MACHINES_MANY: usize = 5;

pub(crate) struct SoleWatcher;

impl Check for SoleWatcher {
    fn name(&self) -> &'static str {
        "sole-watcher"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        view.watched_alone()
            .into_iter()
            .filter_map(|(id, rows)| {
                let of = |purpose| move |row: &&Watching| row.purpose == purpose;
                let (logs, watched): (Vec<_>, Vec<_>) =
                    rows.into_iter().partition(of(WatchPurpose::LogsTo));
                Some(draft(view, view.entity(id)?, &watched, &logs))
            })
            .collect()
    }
}

fn draft(view: &View<'_>, watcher: &Entity, watched: &[&Watching], logs: &[&Watching]) -> Draft {
    let machines = |rows: &[&Watching]| {
        let all = rows.iter().filter_map(|row| view.entity(&row.entity));
        names(all.map(|e| &e.name))
    };
    let mut draft = Draft::about(&[watcher.id.as_str()]);
    draft.severity = severity(view, watcher, watched.len() + logs.len());
    "monitoring".clone_into(&mut draft.layer);
    draft.likelihood = match draft.severity {
        Severity::High => Likelihood::High,
        _ => Likelihood::Medium,
    };
    let watched_line = || {
        format!(
            "nobody watches {}",
            count(watched.len(), "machine", "machines")
        )
    };
    let logs_line = || {
        format!(
            "the logs of {} have nowhere to go",
            count(logs.len(), "machine", "machines")
        )
    };
    let lost = match (watched.is_empty(), logs.is_empty()) {
        (false, false) => format!("{}, and {}", watched_line(), logs_line()),
        (false, true) => watched_line(),
        _ => logs_line(),
    };
    draft.risk = format!("When {} is switched off, {lost}.", watcher.name);
    let mut shown = Vec::new();
    if !watched.is_empty() {
        shown.push(format!("watched by it alone: {}", machines(watched)));
    }
    if !logs.is_empty() {
        shown.push(format!("logs to it alone: {}", machines(logs)));
    }
    draft.indicator = shown.join("; ");
    "A full disk or a stopped service is noticed by the users first, at the time when most is being changed; what happened then is written nowhere else.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Build the new watcher first, and let both watch until the move is over.",
        "Change who may ask on every agent, and where logs are sent, before the old one is switched off.",
        "Carry over its history and its list of machines: the list is worth comparing with this report.",
    ];
    draft.points_at(watcher);
    for row in watched.iter().chain(logs) {
        if let Some(machine) = view.entity(&row.entity) {
            draft.subjects.insert(machine.id.to_string());
        }
        draft.cites_evidence(&row.evidence);
    }
    draft
}

/// High where somebody said that it goes.
fn severity(view: &View<'_>, watcher: &Entity, machines: usize) -> Severity {
    let goes = view.systems_of(&watcher.id).any(|s| {
        matches!(
            s.disposition,
            Some(Disposition::Retire | Disposition::Replace)
        )
    });
    match (goes, machines >= MACHINES_MANY) {
        (true, _) => Severity::High,
        (false, true) => Severity::Medium,
        (false, false) => Severity::Low,
    }
}
