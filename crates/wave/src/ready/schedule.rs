//! What runs within the window: a nightly job that meets a half-moved machine.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Entity, JobEntry, TimeWindow};
use groma_model::schedule::{Clock, next_runs};
use groma_model::wording::{count, names};
use groma_model::{EntityId, Timestamp};

use super::item::{Draft, Topic};
use super::scene::Scene;

/// What runs more often than this runs in every window; it is held with its machine.
const OFTEN: [&str; 2] = ["minutely", "hourly"];

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let Some(window) = scene.window() else {
        return Vec::new();
    };
    let calling: BTreeSet<&EntityId> = scene.inward.iter().map(|d| &d.consumer.entity).collect();
    let mut drafts = Vec::new();
    let mut quiet = 0;
    for machine in &scene.inventory.entities {
        let goes = scene.leaving.contains(&machine.id);
        if !goes && !calling.contains(&machine.id) || machine.attributes.jobs.is_empty() {
            continue;
        }
        let runs = runs(machine, window, |job| goes || needs(scene, machine, job));
        match runs.is_empty() {
            true => quiet += usize::from(goes),
            false => drafts.push(draft(scene, machine, goes, &runs)),
        }
    }
    if quiet > 0 {
        let says = format!(
            "No daily or rarer job of {} begins within the window.",
            count(quiet, "machine of the wave", "machines of the wave")
        );
        drafts.push(Draft::done(Topic::Schedule, &["quiet"], says));
    }
    drafts
}

/// The first run of each job within the window.
fn runs(
    machine: &Entity,
    window: TimeWindow,
    counts: impl Fn(&JobEntry) -> bool,
) -> BTreeMap<(Timestamp, String), &JobEntry> {
    let system = machine.attributes.operating_system.as_ref();
    let clock = Clock {
        now: Timestamp::from_millis(window.from.millis() - 1),
        zone: system.and_then(|s| s.time_zone.as_deref()),
        booted: None,
        last_run: None,
    };
    let rare = |entry: &&JobEntry| {
        !entry
            .job
            .rhythm
            .as_deref()
            .is_some_and(|word| OFTEN.contains(&word))
    };
    let jobs = machine
        .attributes
        .jobs
        .iter()
        .filter(rare)
        .filter(|entry| counts(entry));
    jobs.filter_map(|entry| {
        let first = next_runs(&entry.job, &clock, 1).at.first().copied()?;
        (first < window.to).then(|| ((first, entry.job.name.to_string()), entry))
    })
    .collect()
}

/// True if the job of a consumer needs what goes.
fn needs(scene: &Scene<'_>, machine: &Entity, entry: &JobEntry) -> bool {
    let job = &entry.job;
    scene.inward.iter().any(|d| {
        let part = &d.consumer.component.name;
        d.consumer.entity == machine.id
            && (*part == job.name
                || Some(part) == job.starts.as_ref()
                || Some(part) == job.executable.as_ref())
    })
}

fn draft(
    scene: &Scene<'_>,
    machine: &Entity,
    goes: bool,
    runs: &BTreeMap<(Timestamp, String), &JobEntry>,
) -> Draft {
    let shown = runs
        .keys()
        .map(|(at, name)| format!("{name} on {} UTC", at.minute()));
    let says = match goes {
        true => format!(
            "Hold {} of {} during the window, or let {} run before: {}.",
            if runs.len() == 1 { "a job" } else { "the jobs" },
            machine.name,
            if runs.len() == 1 { "it" } else { "them" },
            names(shown)
        ),
        false => format!(
            "Tell the owner of {} that {} while its server moves: {}.",
            machine.name,
            if runs.len() == 1 {
                "a job of it runs"
            } else {
                "jobs of it run"
            },
            names(shown)
        ),
    };
    let approximate = runs.values().any(|e| e.next_runs_approximate);
    let because = if approximate {
        "The hours are about right only: a random delay, or a time zone nobody told."
    } else {
        ""
    };
    Draft::to_do(Topic::Schedule, &["job", machine.id.as_str()], says)
        .because(because)
        .who(scene.owner_of(&machine.id))
        .on([&machine.id])
        .by(scene.begins())
}
