//! What clocks start in the days to come, and what it needs: the calendar of a move.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::ComponentClass;
use groma_model::inventory::{Dependency, Entity, JobEntry};
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, Foreign, Timestamp};
use serde::Serialize;

use super::Rows;
use crate::index::{Index, is_wrong};
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// How far ahead is told: every month has its first and its last day in it.
const DAYS: i64 = 35;

/// Jobs that run oftener and need no other machine say nothing about a day.
const OFTEN: &[&str] = &["minutely", "hourly"];

/// One job that is due.
#[derive(Serialize)]
pub(crate) struct RunRow {
    /// The next run, as `2026-12-01 05:15`.
    pub(crate) at: String,
    /// True if that is only about right.
    pub(crate) about: bool,
    /// The run after it, where it lies in the same days.
    pub(crate) then: Option<String>,
    pub(crate) host: String,
    pub(crate) job: String,
    /// The program it starts.
    pub(crate) starts: Option<String>,
    pub(crate) schedule: String,
    pub(crate) rhythm: Option<String>,
    /// `sql at erp-old:1521`, whatever other machines it needs.
    pub(crate) needs: Vec<String>,
}

struct Due<'a> {
    at: Timestamp,
    host: &'a Entity,
    entry: &'a JobEntry,
    needs: BTreeSet<String>,
}

/// The jobs that run between now and the end of those days, by their next run: those that need another machine, and
/// those that run once a day or less often.
pub(crate) fn upcoming(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<RunRow> {
    let now = index.inventory.generated_at;
    let needs = Needs::of(index);
    let mut due: Vec<Due<'_>> = Vec::new();
    for host in &index.inventory.entities {
        for entry in &host.attributes.jobs {
            let Some(at) = entry
                .next_runs
                .first()
                .filter(|at| now.days_until(**at) < DAYS)
            else {
                continue;
            };
            let needs = needs.of_job(host, entry, words);
            let often = entry
                .job
                .rhythm
                .as_deref()
                .is_some_and(|r| OFTEN.contains(&r));
            if !needs.is_empty() || !often {
                due.push(Due {
                    at: *at,
                    host,
                    entry,
                    needs,
                });
            }
        }
    }
    due.sort_by(|a, b| {
        (a.at, &a.host.name, &a.entry.job.name).cmp(&(b.at, &b.host.name, &b.entry.job.name))
    });
    Rows::first(&due, limit, |due| row(due, now))
}

fn row(due: &Due<'_>, now: Timestamp) -> RunRow {
    let job = &due.entry.job;
    let then = due.entry.next_runs.get(1);
    RunRow {
        at: due.at.minute(),
        about: due.entry.next_runs_approximate,
        then: then
            .filter(|at| now.days_until(**at) < DAYS)
            .map(|at| at.minute()),
        host: visible(&due.host.name),
        job: visible(&job.name.lossy()),
        starts: job
            .executable
            .as_ref()
            .map(|program| visible(&program.lossy())),
        schedule: visible(&job.schedule),
        rhythm: job.rhythm.as_deref().map(visible),
        needs: due.needs.iter().cloned().collect(),
    }
}

/// What parts of machines need of others.
struct Needs<'a> {
    by_part: BTreeMap<(&'a EntityId, ComponentClass, &'a Foreign), Vec<&'a Dependency>>,
}

impl<'a> Needs<'a> {
    fn of(index: &Index<'a>) -> Self {
        let mut by_part: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let told = index.inventory.dependencies.iter().filter(|d| {
            !is_wrong(d) && !d.shared_service && !d.details.local && d.next_due.is_some()
        });
        for needed in told {
            let part = &needed.consumer.component;
            by_part
                .entry((&needed.consumer.entity, part.class, &part.name))
                .or_default()
                .push(needed);
        }
        Self { by_part }
    }

    fn of_job(&self, host: &Entity, entry: &JobEntry, words: &Catalogue) -> BTreeSet<String> {
        let name = Some((ComponentClass::ScheduledJob, &entry.job.name));
        let unit = entry
            .job
            .starts
            .as_ref()
            .map(|unit| (ComponentClass::Unit, unit));
        name.into_iter()
            .chain(unit)
            .filter_map(|(class, name)| self.by_part.get(&(&host.id, class, name)))
            .flatten()
            .map(|needed| line(needed, words))
            .collect()
    }
}

fn line(needed: &Dependency, words: &Catalogue) -> String {
    let title = REGISTRY.kind(&needed.kind).title.as_str();
    let provider = visible(&needed.provider.name);
    let place = match needed.provider.port {
        Some(port) if provider.contains(':') => format!("[{provider}]:{port}"),
        Some(port) => format!("{provider}:{port}"),
        None => provider,
    };
    fill(words.run_needs, &[title, &place])
}
