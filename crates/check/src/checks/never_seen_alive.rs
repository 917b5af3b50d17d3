//! `never-seen-alive`: a configuration needs something that nobody has seen in use.

use groma_model::inventory::{Dependency, Likelihood, Severity, Strength};

use super::target_silent::is_silent;
use super::unresolvable_reference::leads_nowhere;
use crate::view::{is_written, was_seen_alive};
use crate::wording::{count, names, place, title};
use crate::{Check, Draft, View};

pub(crate) struct NeverSeenAlive;

impl Check for NeverSeenAlive {
    fn name(&self) -> &'static str {
        "never-seen-alive"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_consumer(|d| is_unproven(view, d));
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

/// Where another check has a stronger word (nobody listens, the name leads nowhere), this one is silent.
fn is_unproven(view: &View<'_>, d: &Dependency) -> bool {
    let quiet = is_written(d) && !was_seen_alive(d) && d.strength == Strength::Blocking;
    let known_reason = d.details.local || d.shared_service || d.rhythm.is_some();
    quiet && !known_reason && !leads_nowhere(view, d) && !is_silent(view, d)
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let host = &first.consumer;
    let mut draft = Draft::about(&[host.entity.as_str()]);
    draft.severity = Severity::Low;
    draft.layer.clone_from(&first.layer);
    draft.likelihood = Likelihood::Low;
    draft.risk = format!(
        "{} is set up to need {} that nobody has seen in use yet: a test after the move may miss {}.",
        host.name,
        count(dependencies.len(), "service", "services"),
        if dependencies.len() == 1 {
            "it"
        } else {
            "them"
        }
    );
    let line = |d: &&Dependency| format!("{} at {}", title(&d.kind), place(&d.provider));
    draft.indicator = format!(
        "{}; watched for {}",
        names(dependencies.iter().map(line)),
        view.watched_for()
    );
    "If it is real, it breaks quietly; if it is a leftover, somebody moves a need that does not exist.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Watch longer, over a month's end if you can, or read the server's own log.",
        "Then ask the owner, and record the answer with `groma annotate`.",
    ];
    view.entity(&host.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
