//! The numbers that decide: before, after, threshold.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Inventory, MeasurementEntry};
use groma_model::measured::{self, Better, METRICS};
use groma_model::wave::Criterion;
use groma_model::{EntityId, Timestamp};

use super::case::Case;
use super::names::Names;
use super::to_do::{Task, Tasks};
use crate::nearest::nearest;
use crate::outcome::{Because, CriterionRow, Judgement};

/// What a number must keep to.
#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    /// What a criterion asks for: a ceiling, a floor, or both.
    fn all(criterion: &Criterion) -> Vec<Self> {
        let finite = |limit: Option<f64>| limit.filter(|l| l.is_finite());
        let most = finite(criterion.threshold).map(Self::AtMost);
        let least = finite(criterion.at_least).map(Self::AtLeast);
        most.into_iter().chain(least).collect()
    }

    /// Which of two numbers is the worse one.
    fn order(self, one: f64, other: f64) -> Ordering {
        match self {
            Self::AtMost(_) => one.total_cmp(&other),
            Self::AtLeast(_) => other.total_cmp(&one),
        }
    }

    /// Whether a number of this metric can be held against it; why not, if it cannot.
    fn fits(self, metric: &str) -> Result<(), &'static str> {
        let better = measured::metric(metric).map(|m| m.better);
        match (better, self) {
            (Some(Better::Moment), _) => Err(
                "it is a moment, and a criterion is an amount: ask for its age (backup_age_seconds), or judge it yourself",
            ),
            (Some(Better::More), Self::AtMost(_)) => Err(
                "more of it is better, and a threshold is a ceiling: write at_least, or judge it yourself",
            ),
            (Some(Better::Less), Self::AtLeast(_)) => Err(
                "less of it is better, and at_least is a floor: write threshold, or judge it yourself",
            ),
            _ => Ok(()),
        }
    }

    fn judge(self, before: Option<f64>, after: f64) -> (Judgement, &'static str) {
        let worse = before.is_some_and(|before| self.order(after, before).is_gt());
        match (self, worse) {
            (Self::AtMost(most), _) if after > most => (Judgement::Fail, "above its threshold"),
            (Self::AtLeast(least), _) if after < least => {
                (Judgement::Fail, "below what it must be at least")
            }
            (Self::AtMost(_), true) => (
                Judgement::Pass,
                "within its threshold, and higher than before",
            ),
            (Self::AtMost(_), false) => (Judgement::Pass, "within its threshold"),
            (Self::AtLeast(_), true) => (
                Judgement::Pass,
                "at least what it must be, and lower than before",
            ),
            (Self::AtLeast(_), false) => (Judgement::Pass, "at least what it must be"),
        }
    }
}

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
    let before = numbers(case.before, &case.old);
    let after = numbers(case.after, &case.new);
    let rows = case.wave.criteria.iter().map(|criterion| {
        let metric = criterion.metric.trim();
        let sides = Sides {
            before: before.get(metric),
            old: &old,
            after: after.get(metric),
            new: &new,
        };
        let mut row = worst_row(case, criterion, &sides);
        let taken = before.contains_key(metric) || after.contains_key(metric);
        if !taken && measured::metric(metric).is_none() {
            let known = METRICS.iter().map(|m| m.name);
            let all: BTreeSet<&str> = known
                .chain(before.keys().copied())
                .chain(after.keys().copied())
                .collect();
            row.says = unknown(metric, all.into_iter());
        } else if row.after.is_none() && sides.measured() {
            row.says = match metric {
                "backup_age_seconds" => "no backup since the move",
                _ => "not measured since the move: look again",
            }
            .to_owned();
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

/// A moment that is told in seconds since 1970.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a moment that is out of range is one at its end"
)]
fn moment(seconds: f64) -> Timestamp {
    Timestamp::from_millis((seconds * 1000.0) as i64)
}

/// All numbers of a document by what they measure: its measurements, its volumes, and what follows from moments.
fn numbers<'a>(inventory: &'a Inventory, names: &Names<'_>) -> Numbers<'a> {
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
        let entity = asked(inventory, names, m).unwrap_or(entity);
        add(m.metric.as_str(), entity, subject, *value, *at);
        #[expect(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 are far below 2^53"
        )]
        let age = |at: Timestamp| (at.millis() / 1000) as f64 - value;
        match m.metric.as_str() {
            // A backup grows older after the look that saw it, and one from before the move says nothing of after.
            "backup_last_success_seconds" => {
                let age = age(inventory.window.to);
                add("backup_age_seconds", entity, subject, age, moment(*value));
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

/// Whom a number tells of that somebody else took: `dc1.corp.example 636`.
fn asked<'a>(
    inventory: &'a Inventory,
    names: &Names<'_>,
    number: &MeasurementEntry,
) -> Option<&'a EntityId> {
    if number.metric != "directory_bind_seconds" {
        return None;
    }
    let (server, _port) = number.subject.rsplit_once(' ')?;
    let meant = names.meant(server);
    let mut meant = meant.iter();
    let one = meant.next().filter(|_| meant.next().is_none())?;
    inventory.entity(one).map(|entity| &entity.id)
}

/// The numbers of one metric at both moments, and on whom they count.
struct Sides<'s, 'a> {
    before: Option<&'s Vec<Number<'a>>>,
    old: &'s BTreeSet<EntityId>,
    after: Option<&'s Vec<Number<'a>>>,
    new: &'s BTreeSet<EntityId>,
}

impl<'a> Sides<'_, 'a> {
    fn worst_before(&self, limit: Limit) -> Option<Number<'a>> {
        worst(self.before, self.old, None, limit)
    }

    fn worst_after(&self, limit: Limit, since: Timestamp) -> Option<Number<'a>> {
        worst(self.after, self.new, Some(since), limit)
    }

    /// True if the later document has it at all, whenever it was taken.
    fn measured(&self) -> bool {
        let mut all = self.after.into_iter().flatten();
        all.any(|number| self.new.contains(number.entity))
    }
}

/// The worst of them, on these machines and after this moment.
fn worst<'a>(
    numbers: Option<&Vec<Number<'a>>>,
    on: &BTreeSet<EntityId>,
    since: Option<Timestamp>,
    limit: Limit,
) -> Option<Number<'a>> {
    let fits = |n: &&Number<'_>| on.contains(n.entity) && since.is_none_or(|since| n.at > since);
    let all = numbers.into_iter().flatten().filter(fits);
    let order = |a: &&Number<'_>, b: &&Number<'_>| {
        let by_value = limit.order(a.value, b.value);
        by_value.then_with(|| (b.entity, b.subject).cmp(&(a.entity, a.subject)))
    };
    all.max_by(order).cloned()
}

/// The row of what is furthest from being passed: what is asked for may be a ceiling and a floor.
fn worst_row(case: &Case<'_>, criterion: &Criterion, sides: &Sides<'_, '_>) -> CriterionRow {
    let rows = Limit::all(criterion).into_iter().map(|limit| {
        let before = sides.worst_before(limit);
        let after = sides.worst_after(limit, case.moved());
        let said = verdict(
            criterion.metric.trim(),
            limit,
            before.as_ref(),
            after.as_ref(),
        );
        row(case, criterion, (before, after), said)
    });
    let hardness = |row: &CriterionRow| match row.verdict {
        Judgement::Fail => 0,
        Judgement::Ask => 1,
        Judgement::Pass => 2,
    };
    rows.min_by_key(hardness).unwrap_or_else(|| {
        let any = Limit::AtMost(f64::INFINITY);
        let before = sides.worst_before(any);
        let after = sides.worst_after(any, case.moved());
        let says = "its threshold is no number: write one into the wave file";
        row(case, criterion, (before, after), (Judgement::Ask, says))
    })
}

fn row(
    case: &Case<'_>,
    criterion: &Criterion,
    (before, after): (Option<Number<'_>>, Option<Number<'_>>),
    (verdict, says): (Judgement, &str),
) -> CriterionRow {
    let finite = |limit: Option<f64>| limit.filter(|l| l.is_finite());
    let named = after.as_ref().or(before.as_ref());
    CriterionRow {
        metric: criterion.metric.clone(),
        subject: named.map(|n| subject(case, n)),
        entity: named.map(|n| n.entity.clone()),
        before: before.as_ref().map(|n| n.value),
        after: after.as_ref().map(|n| n.value),
        threshold: finite(criterion.threshold),
        at_least: finite(criterion.at_least),
        verdict,
        says: says.to_owned(),
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
    limit: Limit,
    before: Option<&Number<'_>>,
    after: Option<&Number<'_>>,
) -> (Judgement, &'static str) {
    let Some(after) = after else {
        return (Judgement::Ask, "no look measured it");
    };
    match limit.fits(metric) {
        Err(why) => (Judgement::Ask, why),
        Ok(()) => limit.judge(before.map(|b| b.value), after.value),
    }
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
        Judgement::Fail => "bring it to where it should be or decide to accept it",
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
