//! What runs within the window: a nightly job that meets a half-moved machine.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Entity, JobEntry, TimeWindow};
use groma_model::schedule::{Clock, next_runs};
use groma_model::wording::count;
use groma_model::{EntityId, Timestamp};

use super::item::{Draft, Topic, names};
use super::scene::Scene;

/// What runs more often than this runs in every window; it is held with its machine.
const OFTEN: [&str; 2] = ["minutely", "hourly"];

pub(super) fn look(scene: &Scene<'_>) -> Vec<Draft> {
    let Some(window) = scene.window() else {
        return Vec::new();
    };
    let working = working(scene);
    let mut drafts = Vec::new();
    let (mut quiet, mut own) = (0, 0);
    for machine in &scene.inventory.entities {
        let goes = scene.leaving.contains(&machine.id);
        let parts = working.get(&machine.id);
        if !goes && parts.is_none() || machine.attributes.jobs.is_empty() {
            continue;
        }
        let all = runs(machine, window);
        let (works, rest): (Runs<'_>, Runs<'_>) = all
            .into_iter()
            .partition(|(_, entry)| parts.is_some_and(|parts| is_of(entry, parts)));
        own += if goes { rest.len() } else { 0 };
        match works.is_empty() {
            true => quiet += usize::from(goes),
            false => drafts.push(draft(scene, machine, goes, &works)),
        }
    }
    if quiet > 0 {
        let says = format!(
            "No job of {} that needs or serves another machine begins within the window.",
            count(quiet, "machine of the wave", "machines of the wave")
        );
        let because = format!(
            "{} for the machine itself.",
            count(own, "job runs then", "jobs run then")
        );
        let done = Draft::done(Topic::Schedule, &["quiet"], says);
        drafts.push(if own > 0 { done.because(because) } else { done });
    }
    drafts
}

/// The parts of each machine whose jobs matter to others: those of what goes that need or back up anything, and those of
/// others that need what goes.
type Working<'a> = BTreeMap<&'a EntityId, BTreeSet<String>>;

fn working<'a>(scene: &Scene<'a>) -> Working<'a> {
    let mut working: Working<'a> = BTreeMap::new();
    for need in scene.inward.iter().chain(&scene.outward) {
        let parts = working.entry(&need.consumer.entity).or_default();
        parts.insert(need.consumer.component.name.to_string());
    }
    for backup in &scene.inventory.backups {
        if scene.leaving.contains(&backup.entity) {
            working
                .entry(&backup.entity)
                .or_default()
                .insert(backup.job.clone());
        }
    }
    working
}

fn is_of(entry: &JobEntry, parts: &BTreeSet<String>) -> bool {
    let job = &entry.job;
    let names = [
        Some(&job.name),
        job.starts.as_ref(),
        job.executable.as_ref(),
    ];
    names
        .into_iter()
        .flatten()
        .any(|name| parts.contains(&name.to_string()))
}

type Runs<'a> = BTreeMap<(Timestamp, String), &'a JobEntry>;

/// The first run of each job within the window, of those that run daily or more rarely.
fn runs(machine: &Entity, window: TimeWindow) -> Runs<'_> {
    let system = machine.attributes.operating_system.as_ref();
    let clock = Clock {
        now: Timestamp::from_millis(window.from.millis().saturating_sub(1)),
        zone: system.and_then(|s| s.time_zone.as_deref()),
        booted: None,
        last_run: None,
    };
    let often = |entry: &JobEntry| {
        entry
            .job
            .rhythm
            .as_deref()
            .is_some_and(|word| OFTEN.contains(&word))
    };
    let jobs = machine.attributes.jobs.iter().filter(|entry| !often(entry));
    jobs.filter_map(|entry| {
        let first = next_runs(&entry.job, &clock, 1).at.first().copied()?;
        (first < window.to).then(|| ((first, entry.job.name.to_string()), entry))
    })
    .collect()
}

fn draft(scene: &Scene<'_>, machine: &Entity, goes: bool, runs: &Runs<'_>) -> Draft {
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
