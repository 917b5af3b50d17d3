//! What is copied away, by which job, and when that last ended well.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::BackupJob;
use groma_model::inventory::{Backup, Entity, MeasurementEntry};
use groma_model::{EntityId, Estate, Foreign, Timestamp};

use crate::gather::{Gathered, Raw};

/// One row for each job about its machine, and one for each archive, database and share that it covers. Sorted.
pub(crate) fn made(
    gathered: &Gathered,
    estate: &Estate,
    measurements: &[MeasurementEntry],
) -> Vec<Backup> {
    let successes: BTreeMap<(&EntityId, &str), Timestamp> = measurements
        .iter()
        .filter(|m| m.metric == "backup_last_success_seconds")
        .map(|m| ((&m.entity, m.subject.as_str()), seconds(m.value)))
        .collect();
    let mut held: BTreeMap<&EntityId, Vec<&Entity>> = BTreeMap::new();
    for entity in estate.entities.values() {
        if let Some(host) = &entity.attributes.lies_on {
            held.entry(host).or_default().push(entity);
        }
    }
    let of_machine = |raw: &Raw<BackupJob>| match &raw.fact.of {
        Some(peer) => Some(estate.locate(&raw.site, &raw.vantage, peer)?.entity),
        None => Some(raw.host.clone()),
    };
    let mut dumped: BTreeMap<EntityId, BTreeSet<String>> = BTreeMap::new();
    for raw in gathered.backups.iter().filter(|raw| !raw.fact.unscheduled) {
        let databases = raw.fact.databases.iter().map(ToString::to_string);
        let machine = of_machine(raw).unwrap_or_else(|| raw.host.clone());
        dumped.entry(machine).or_default().extend(databases);
    }
    let mut rows = Vec::new();
    for raw in &gathered.backups {
        let name = raw.fact.name.to_string();
        let success = successes.get(&(&raw.host, name.as_str())).copied();
        // Whom a name stands for that leads nowhere, nobody knows: the job is its own machine's.
        let machine = of_machine(raw).unwrap_or_else(|| raw.host.clone());
        rows.push(row(raw, &machine, success, estate));
        let together = dumped.get(&machine);
        let things = held.get(&machine).into_iter().flatten();
        let covered = things.filter(|entity| covers(&raw.fact, entity, together));
        rows.extend(covered.map(|entity| row(raw, &entity.id, success, estate)));
    }
    rows.sort_by(|a, b| (&a.entity, &a.job, &a.target).cmp(&(&b.entity, &b.job, &b.target)));
    rows.dedup();
    rows
}

fn row(
    raw: &Raw<BackupJob>,
    entity: &EntityId,
    last_success: Option<Timestamp>,
    estate: &Estate,
) -> Backup {
    let job = &raw.fact;
    let by = job.peer.as_ref().and_then(|peer| {
        let meaning = estate.locate(&raw.site, &raw.vantage, peer)?;
        Some(meaning.entity)
    });
    // Who copies from another machine keeps what it copies, unless it says where else.
    let by = by.or_else(|| job.of.is_some().then(|| raw.host.clone()));
    let covers = job.covers.iter().chain(&job.databases);
    Backup {
        entity: entity.clone(),
        by,
        rhythm: job.rhythm.clone(),
        last_success,
        job: format!("{} {}", job.product, job.name),
        target: job.target.as_ref().map(ToString::to_string),
        covers: covers.map(ToString::to_string).collect(),
        unscheduled: job.unscheduled,
        evidence: vec![raw.id.clone()],
    }
}

/// True if the job copies this thing: its path lies at or below one that is covered and none that is left out, or
/// it is a server of which the job dumps something, and all jobs `together` dump everything.
fn covers(job: &BackupJob, entity: &Entity, together: Option<&BTreeSet<String>>) -> bool {
    let attributes = &entity.attributes;
    if let Some(database) = &attributes.database {
        let all = format!("{}/*", database.engine);
        let theirs: BTreeSet<String> = database
            .names
            .iter()
            .filter(|name| !is_made_at_first(name))
            .map(|name| format!("{}/{name}", database.engine))
            .collect();
        let whole = together.is_some_and(|dumped| !theirs.is_empty() && theirs.is_subset(dumped));
        let dumps = |named: &Foreign| {
            let named = named.to_string();
            named == all || (whole && theirs.contains(&named))
        };
        return job.databases.iter().any(dumps) || copies(job, &database.directory);
    }
    let archive = attributes.archive.as_ref().map(|a| &a.path);
    let share = attributes.share.as_ref().map(|s| &s.path);
    archive
        .or(share)
        .is_some_and(|path| !path.is_empty() && copies(job, path))
}

/// Databases every fresh server has; nobody keeps data in them.
fn is_made_at_first(name: &impl ToString) -> bool {
    matches!(name.to_string().as_str(), "postgres" | "test" | "sys")
}

fn copies(job: &BackupJob, path: &Foreign) -> bool {
    let below = |root: &Foreign| is_at_or_below(path.as_bytes(), root.as_bytes());
    job.covers.iter().any(below) && !job.excludes.iter().any(below)
}

fn is_at_or_below(path: &[u8], root: &[u8]) -> bool {
    groma_model::path::below(path, root).is_some()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 are far below 2^53"
)]
fn seconds(value: f64) -> Timestamp {
    Timestamp::from_seconds(value as i64)
}
