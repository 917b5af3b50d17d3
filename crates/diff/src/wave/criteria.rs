//! The numbers that decide: before, after, threshold.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Inventory, MeasurementEntry};
use groma_model::wave::Criterion;
use groma_model::{EntityId, Timestamp};

use super::case::Case;
use super::to_do::{Task, Tasks};
use crate::nearest::nearest;
use crate::outcome::{Because, CriterionRow, Judgement};

/// What looks measure, as far as the words are fixed; a directory counts by words of its own.
const KNOWN: &[&str] = &[
    "backup_age_seconds",
    "backup_last_success_seconds",
    "booted_at_seconds",
    "content_bytes",
    "content_changed_bytes",
    "content_items",
    "content_items_estimated",
    "content_modified_seconds",
    "content_open",
    "content_orphan_items",
    "file_system_free_bytes",
    "file_system_used_bytes",
    "job_last_run_seconds",
    "memory_available_bytes",
    "share_clients",
    "share_open_files",
    "share_sessions",
    "uptime_seconds",
];

/// Of these more is better; a threshold in a wave file is a ceiling.
const MORE_IS_BETTER: &[&str] = &[
    "file_system_free_bytes",
    "memory_available_bytes",
    "uptime_seconds",
    "content_items",
];

/// Moments, in seconds since 1970: a ceiling for them makes no sense.
const MOMENTS: &[&str] = &[
    "backup_last_success_seconds",
    "booted_at_seconds",
    "content_modified_seconds",
    "job_last_run_seconds",
];

/// One number of one machine.
#[derive(Clone)]
struct Number<'a> {
    entity: &'a EntityId,
    subject: &'a str,
    value: f64,
    at: Timestamp,
}

type Numbers<'a> = BTreeMap<&'a str, Vec<Number<'a>>>;

/// One row per criterion, in the order of the wave file.
pub(crate) fn judge(case: &Case<'_>, tasks: &mut Tasks) -> Vec<CriterionRow> {
    if case.wave.criteria.is_empty() {
        return Vec::new();
    }
    let old = with_contents(
        case.before,
        case.moves.iter().flat_map(|m| &m.from).chain(&case.members),
    );
    let new = with_contents(
        case.after,
        case.moves.iter().flat_map(|m| &m.to).chain(&case.members),
    );
    let (before, after) = (numbers(case.before), numbers(case.after));
    let rows = case.wave.criteria.iter().map(|criterion| {
        let metric = criterion.metric.trim();
        let known =
            before.contains_key(metric) || after.contains_key(metric) || KNOWN.contains(&metric);
        let old = worst(before.get(metric), &old, None);
        let measured = worst(after.get(metric), &new, None);
        let since = worst(after.get(metric), &new, Some(case.moved()));
        let mut row = row(case, criterion, old.as_ref(), since.as_ref());
        if !known {
            let all: BTreeSet<&str> = KNOWN
                .iter()
                .copied()
                .chain(before.keys().copied())
                .chain(after.keys().copied())
                .collect();
            row.says = unknown(metric, all.into_iter());
        } else if row.after.is_none() && measured.is_some() {
            row.says = "not measured since the move: look again".to_owned();
        }
        row
    });
    let rows: Vec<CriterionRow> = rows.collect();
    rows.iter().for_each(|row| remind(row, tasks));
    rows
}

/// The machines, and what lies on them.
fn with_contents<'i>(
    inventory: &Inventory,
    machines: impl Iterator<Item = &'i EntityId>,
) -> BTreeSet<EntityId> {
    let mut all: BTreeSet<EntityId> = machines.cloned().collect();
    let lies_there = |id: &&EntityId| all.contains(*id);
    let contents = inventory.entities.iter();
    let contents = contents.filter(|e| e.attributes.lies_on.as_ref().filter(lies_there).is_some());
    let contents: Vec<EntityId> = contents.map(|e| e.id.clone()).collect();
    all.extend(contents);
    all
}

/// All numbers of a document by what they measure: its measurements, its volumes, and what follows from moments.
fn numbers(inventory: &Inventory) -> Numbers<'_> {
    let mut numbers = Numbers::new();
    let mut add = |metric, entity, subject, value: f64, at| {
        let number = Number {
            entity,
            subject,
            value,
            at,
        };
        if value.is_finite() {
            numbers.entry(metric).or_default().push(number);
        }
    };
    for m in &inventory.measurements {
        let MeasurementEntry {
            entity,
            subject,
            at,
            value,
            ..
        } = m;
        add(m.metric.as_str(), entity, subject, *value, *at);
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 are far below 2^53"
        )]
        let age = |at: Timestamp| (at.millis() / 1000) as f64 - value;
        match m.metric.as_str() {
            // A backup grows older after the look that saw it.
            "backup_last_success_seconds" => {
                add(
                    "backup_age_seconds",
                    entity,
                    subject,
                    age(inventory.window.to),
                    inventory.window.to,
                );
            }
            "booted_at_seconds" => add("uptime_seconds", entity, subject, age(*at), *at),
            _ => {}
        }
    }
    for v in &inventory.volumes {
        let is_content = inventory
            .entity(&v.entity)
            .is_some_and(|e| e.attributes.lies_on.is_some());
        let metric = if is_content {
            "content_bytes"
        } else {
            "file_system_used_bytes"
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a few bytes in a petabyte do not matter"
        )]
        let precise = |n: u64| n as f64;
        add(
            metric,
            &v.entity,
            &v.subject,
            precise(v.bytes),
            v.measured_at,
        );
        if let Some(items) = v.items {
            add(
                "content_items",
                &v.entity,
                &v.subject,
                precise(items),
                v.measured_at,
            );
        }
        if let Some(changed) = v.changed_per_day {
            add(
                "content_changed_bytes",
                &v.entity,
                &v.subject,
                changed,
                v.measured_at,
            );
        }
    }
    numbers
}

/// The highest of them, on these machines and after this moment.
fn worst<'a>(
    numbers: Option<&Vec<Number<'a>>>,
    on: &BTreeSet<EntityId>,
    since: Option<Timestamp>,
) -> Option<Number<'a>> {
    let fits = |n: &&Number<'_>| on.contains(n.entity) && since.is_none_or(|since| n.at > since);
    let all = numbers.into_iter().flatten().filter(fits);
    let order = |a: &&Number<'_>, b: &&Number<'_>| {
        let by_value = a.value.total_cmp(&b.value);
        by_value.then_with(|| (b.entity, b.subject).cmp(&(a.entity, a.subject)))
    };
    all.max_by(order).cloned()
}

fn row(
    case: &Case<'_>,
    criterion: &Criterion,
    before: Option<&Number<'_>>,
    after: Option<&Number<'_>>,
) -> CriterionRow {
    let threshold = Some(criterion.threshold).filter(|t| t.is_finite());
    let (verdict, says) = verdict(criterion.metric.trim(), threshold, before, after);
    let named = after.or(before);
    CriterionRow {
        metric: criterion.metric.clone(),
        subject: named.map(|n| subject(case, n)),
        entity: named.map(|n| n.entity.clone()),
        before: before.map(|n| n.value),
        after: after.map(|n| n.value),
        threshold,
        verdict,
        says,
        accepted_by: criterion.accepted_by.clone(),
    }
}

fn subject(case: &Case<'_>, number: &Number<'_>) -> String {
    let name = case.name(number.entity);
    if number.subject.is_empty() || number.subject == name {
        return name;
    }
    format!("{name} {}", number.subject)
}

fn verdict(
    metric: &str,
    threshold: Option<f64>,
    before: Option<&Number<'_>>,
    after: Option<&Number<'_>>,
) -> (Judgement, String) {
    let ask = |says: &str| (Judgement::Ask, says.to_owned());
    let Some(after) = after else {
        return ask("no look measured it");
    };
    let Some(threshold) = threshold else {
        return ask("its threshold is no number: write one into the wave file");
    };
    if MOMENTS.contains(&metric) {
        return ask(
            "it is a moment, and a threshold is a ceiling: ask for its age (backup_age_seconds), or judge it yourself",
        );
    }
    if MORE_IS_BETTER.contains(&metric) {
        return ask("more of it is better, and a threshold is a ceiling: judge it yourself");
    }
    if after.value > threshold {
        return (Judgement::Fail, "above its threshold".to_owned());
    }
    let worse = before.is_some_and(|b| b.value < after.value);
    let says = if worse {
        "within its threshold, and higher than before"
    } else {
        "within its threshold"
    };
    (Judgement::Pass, says.to_owned())
}

fn unknown<'k>(metric: &str, known: impl Iterator<Item = &'k str>) -> String {
    match nearest(metric, known) {
        Some(like) => {
            format!("no look measures it: did you mean {like}?")
        }
        None => "no look measures it".to_owned(),
    }
}

fn remind(row: &CriterionRow, tasks: &mut Tasks) {
    let what = match row.verdict {
        Judgement::Pass => return,
        Judgement::Fail => "bring it down or decide to accept it",
        Judgement::Ask => "find out and write down",
    };
    let on = row
        .subject
        .as_ref()
        .map(|s| format!(" on {s}"))
        .unwrap_or_default();
    let accepts = row
        .accepted_by
        .as_ref()
        .map(|by| format!("; {by} accepts it"))
        .unwrap_or_default();
    let task = Task::of(
        Because::Criterion,
        format!("{what}: {}{on}, {}{accepts}", row.metric, row.says),
    );
    tasks.add(match &row.entity {
        Some(entity) => task.for_owner_of(entity),
        None => task,
    });
}
