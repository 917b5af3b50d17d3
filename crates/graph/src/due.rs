//! When jobs run next, and when what they need is needed next: the needs, and the rows of the ledger that tell their use.

use std::collections::HashMap;

use groma_model::fact::{Component, ComponentClass, Job};
use groma_model::inventory::{Dependency, Entity, Inventory, JobEntry, MeasurementEntry};
use groma_model::schedule::{Clock, next_runs};
use groma_model::{EntityId, Foreign, Timestamp};
use rayon::prelude::*;

use crate::known::Known;
use crate::rhythm;

/// Next runs told of one job.
const RUNS_MAX: usize = 5;

/// Fills in the next runs of every job, and the next due date and the rhythm of every dependency that a job has.
/// Counts from `now`, by the time zone of each machine.
pub fn fill(inventory: &mut Inventory, now: Timestamp) {
    let measured = Measured::of(&inventory.measurements);
    inventory
        .entities
        .par_iter_mut()
        .filter(|entity| !entity.attributes.jobs.is_empty())
        .for_each(|entity| jobs(entity, &measured, now));
    let hosts: HashMap<&EntityId, Calendar<'_>> = inventory
        .entities
        .iter()
        .filter(|entity| !entity.attributes.jobs.is_empty())
        .map(|entity| (&entity.id, Calendar::of(&entity.attributes.jobs)))
        .collect();
    inventory.dependencies.par_iter_mut().for_each(|needed| {
        let calendar = hosts.get(&needed.consumer.entity);
        if let Some(entry) = calendar.and_then(|c| c.job(&needed.consumer.component)) {
            due(needed, entry);
        }
    });
    ledger(inventory, now);
}

/// The rows of the ledger: due when the one need is that they tell, else when they come round by the hours they were seen in.
fn ledger(inventory: &mut Inventory, now: Timestamp) {
    if inventory.ledger.is_empty() {
        return;
    }
    let known = Known::new(&inventory.dependencies, &[]);
    inventory.ledger.par_iter_mut().for_each(|row| {
        let mut needs = known.needs(&row.consumer, &row.provider, &row.kind, row.port);
        // A row that knows its parts is no other part's.
        needs.retain(|need| {
            row.programs
                .contains(&need.consumer.component.name.to_string())
        });
        if let [only] = needs.as_slice() {
            row.next_due = only.next_due;
            row.rhythm = row.rhythm.take().or_else(|| only.rhythm.clone());
        }
        if row.next_due.is_none() && !row.hours.is_empty() {
            let rhythm = row.rhythm.as_deref();
            row.next_due = rhythm.and_then(|word| rhythm::next(word, row.last_seen, now));
        }
    });
}

fn due(needed: &mut Dependency, entry: &JobEntry) {
    needed.next_due = entry.next_runs.first().copied();
    if needed.rhythm.is_none() {
        needed.rhythm.clone_from(&entry.job.rhythm);
    }
}

/// What looks measured of machines and jobs.
struct Measured<'a> {
    booted: HashMap<&'a EntityId, Timestamp>,
    last_runs: HashMap<(&'a EntityId, &'a str), Timestamp>,
}

impl<'a> Measured<'a> {
    fn of(measurements: &'a [MeasurementEntry]) -> Self {
        let seconds = |m: &MeasurementEntry| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float becomes the nearest integer there is"
            )]
            Timestamp::from_seconds(m.value as i64)
        };
        let of = |metric: &'static str| measurements.iter().filter(move |m| m.metric == metric);
        Self {
            booted: of("booted_at_seconds")
                .map(|m| (&m.entity, seconds(m)))
                .collect(),
            last_runs: of("job_last_run_seconds")
                .map(|m| ((&m.entity, m.subject.as_str()), seconds(m)))
                .collect(),
        }
    }
}

fn jobs(entity: &mut Entity, measured: &Measured<'_>, now: Timestamp) {
    let attributes = &mut entity.attributes;
    let zone = attributes
        .operating_system
        .as_ref()
        .and_then(|system| system.time_zone.as_deref());
    for entry in &mut attributes.jobs {
        let name = entry.job.name.to_string();
        let clock = Clock {
            now,
            zone,
            booted: measured.booted.get(&entity.id).copied(),
            last_run: measured
                .last_runs
                .get(&(&entity.id, name.as_str()))
                .copied(),
        };
        let runs = next_runs(&entry.job, &clock, RUNS_MAX);
        (entry.next_runs, entry.next_runs_approximate) = (runs.at, runs.approximate);
    }
}

/// The jobs of a machine, by what a dependency calls them.
struct Calendar<'a> {
    by_name: HashMap<&'a Foreign, &'a JobEntry>,
    by_unit: HashMap<&'a Foreign, &'a JobEntry>,
}

impl<'a> Calendar<'a> {
    fn of(jobs: &'a [JobEntry]) -> Self {
        let mut calendar = Self {
            by_name: HashMap::new(),
            by_unit: HashMap::new(),
        };
        for entry in jobs {
            sooner(&mut calendar.by_name, &entry.job.name, entry);
            if let Some(unit) = &entry.job.starts {
                sooner(&mut calendar.by_unit, unit, entry);
            }
        }
        calendar
    }

    fn job(&self, component: &Component) -> Option<&'a JobEntry> {
        let known = match component.class {
            ComponentClass::ScheduledJob => &self.by_name,
            ComponentClass::Unit => &self.by_unit,
            ComponentClass::Executable
            | ComponentClass::Device
            | ComponentClass::File
            | ComponentClass::Container => {
                return None;
            }
        };
        known.get(&component.name).copied()
    }
}

/// Of two jobs with one name (two timers of one unit), the one that runs sooner counts.
fn sooner<'a>(
    known: &mut HashMap<&'a Foreign, &'a JobEntry>,
    name: &'a Foreign,
    entry: &'a JobEntry,
) {
    let first = |entry: &JobEntry| entry.next_runs.first().copied();
    let slot = known.entry(name).or_insert(entry);
    if let Some(run) = first(entry)
        && first(slot).is_none_or(|other| run < other)
    {
        *slot = entry;
    }
}

/// The job that starts `program` (a script, or a program of its own), where one does. A job of at(1) is a script
/// itself.
pub(crate) fn job_that_starts<'a>(jobs: &'a [Job], program: &Foreign) -> Option<&'a Job> {
    let is_script = |job: &Job| job.scheduler == "at" && job.file == *program;
    let starts = |job: &Job| {
        let file = job.executable.as_ref();
        file.is_some_and(|file| file.is_same_file(program))
    };
    jobs.iter().find(|job| starts(job) || is_script(job))
}

/// The timer that starts `unit`, where one does.
pub(crate) fn timer_of<'a>(jobs: &'a [Job], unit: &str) -> Option<&'a Job> {
    jobs.iter()
        .find(|job| job.starts.as_ref().and_then(Foreign::as_str) == Some(unit))
}
