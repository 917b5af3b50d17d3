//! `backup-not-running`: a backup job that nothing starts, or that has not ended well for long.

use std::collections::BTreeMap;

use groma_model::Timestamp;
use groma_model::inventory::{Backup, Likelihood, Severity};

use crate::wording::{in_days, names};
use crate::{Check, Draft, View};

/// Days without success after which a job of this rhythm is late: three times its rhythm, a week at least. Of a
/// rhythm nobody understood nothing is late.
fn days_max(rhythm: Option<&str>) -> Option<i64> {
    match rhythm? {
        "yearly" => None,
        "monthly" => Some(93),
        "weekly" => Some(21),
        _ => Some(7),
    }
}

pub(crate) struct BackupNotRunning;

impl Check for BackupNotRunning {
    fn name(&self) -> &'static str {
        "backup-not-running"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut jobs: BTreeMap<(&str, &str), &Backup> = BTreeMap::new();
        for backup in view.all(|i| &i.backups) {
            let machine = view.entity(&backup.entity).filter(|e| e.has_agent);
            if let Some(machine) = machine.filter(|_| trouble(view, backup).is_some()) {
                jobs.insert((machine.id.as_str(), backup.job.as_str()), backup);
            }
        }
        let drafts = jobs.into_values().filter_map(|backup| draft(view, backup));
        drafts.collect()
    }
}

fn trouble(view: &View<'_>, backup: &Backup) -> Option<String> {
    if backup.unscheduled {
        return Some("nothing was found that starts it".to_owned());
    }
    let last = backup.last_success?;
    let days = last.days_until(looked(view, backup));
    (days > days_max(backup.rhythm.as_deref())?)
        .then(|| format!("it last ended well {}", in_days(-days)))
}

/// When somebody last looked: what came after nobody knows.
fn looked(view: &View<'_>, backup: &Backup) -> Timestamp {
    let coverage = view.coverage(&backup.entity).iter();
    coverage
        .filter(|c| c.source.as_str() == "host.backups")
        .map(|c| c.to)
        .max()
        .map_or(view.now, |looked| looked.min(view.now))
}

fn draft(view: &View<'_>, backup: &Backup) -> Option<Draft> {
    let host = view.entity(&backup.entity)?;
    let trouble = trouble(view, backup)?;
    let mut draft = Draft::about(&[host.id.as_str(), &backup.job]);
    draft.severity = Severity::High;
    "backup".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "The backup of {} that people believe in may not exist: {trouble}.",
        host.name
    );
    let target = backup.target.as_deref().unwrap_or("an unknown place");
    draft.indicator = format!("{} to {target}: {trouble}", backup.job);
    draft.impact = match backup.covers.is_empty() {
        true => "What it copied could not be brought back as of today.".to_owned(),
        false => format!(
            "{} could not be brought back as of today.",
            names(&backup.covers)
        ),
    };
    draft.mitigations = vec![
        "Run it once by hand before the move, read its output, and restore one file from it.",
        "Find out why it stopped and who is told when it fails.",
        "Delete the job if something else took its place.",
    ];
    draft.points_at(host);
    draft.cites_evidence(&backup.evidence);
    Some(draft)
}
