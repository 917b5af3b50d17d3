//! `scheduled-only`: only a job that runs now and then needs it, so nobody notices on the day of the move.

use groma_model::Timestamp;
use groma_model::fact::ComponentClass;
use groma_model::inventory::{Dependency, Likelihood, Severity};

use crate::wording::{agree, count, kinds_of, names, place};
use crate::{Check, Draft, View};

/// Jobs that run oftener are noticed within the day.
const RARE: &[&str] = &["weekly", "monthly", "yearly", "once"];

pub(crate) struct ScheduledOnly;

impl Check for ScheduledOnly {
    fn name(&self) -> &'static str {
        "scheduled-only"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(is_rare_job);
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

fn is_rare_job(d: &Dependency) -> bool {
    let by_job = d.consumer.component.class == ComponentClass::ScheduledJob
        || d.hidden_because.iter().any(|w| w == "scheduled");
    let rare = d.rhythm.as_deref().is_some_and(|r| RARE.contains(&r));
    by_job && rare && !d.details.local && !d.shared_service
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let jobs = dependencies.len();
    let seldom = dependencies
        .iter()
        .any(|d| matches!(d.rhythm.as_deref(), Some("monthly" | "yearly")));
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    draft.severity = if seldom {
        Severity::Medium
    } else {
        Severity::Low
    };
    draft.layer.clone_from(&first.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} that {} only now and then {} {}: if it breaks in the move, nobody notices until the next run.",
        count(jobs, "job", "jobs"),
        agree(jobs, "runs", "run"),
        agree(jobs, "needs", "need"),
        provider.name
    );
    let line = |d: &&Dependency| {
        let rhythm = d.rhythm.as_deref().unwrap_or_default();
        let due = d
            .next_due
            .map_or_else(String::new, |at| format!(", next on {}", at.day()));
        format!(
            "{} on {} ({rhythm}{due}) to {}",
            d.consumer.component.name.file_name(),
            d.consumer.name,
            place(&d.provider)
        )
    };
    draft.indicator = names(dependencies.iter().map(line));
    let kinds = kinds_of(dependencies);
    draft.impact = format!(
        "A report, transfer or closing run ({kinds}) is missing days or weeks after everybody went home satisfied."
    );
    draft.mitigations = vec![
        "Put each job on the acceptance list of the wave, with its owner and its next date.",
        "Run it once by hand after the move, before the old system is switched off.",
    ];
    draft.control_date = next_due(view.now, dependencies);
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}

fn next_due(now: Timestamp, dependencies: &[&Dependency]) -> Option<Timestamp> {
    dependencies
        .iter()
        .filter_map(|d| d.next_due)
        .filter(|at| *at >= now)
        .min()
}
