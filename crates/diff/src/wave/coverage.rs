//! What the two moments do not have in common: one row per machine, never one per thing.

use std::collections::BTreeMap;

use groma_model::EntityId;

use super::case::Case;
use super::looks::Difference;
use super::rest::Untold;
use super::to_do::{Task, Tasks};
use crate::outcome::{Because, CoverageGap, GapKind};

/// Machines without a part in the wave that have rows of their own; of more there is one row for all.
const STRANGERS_MAX: usize = 5;

/// The rows, those of the wave's machines and of whoever needs them first.
pub(crate) fn gaps(case: &Case<'_>, untold: &Untold, tasks: &mut Tasks) -> Vec<CoverageGap> {
    let rows = rows(case, untold);
    let concerned = case.concerned();
    let has_part = |row: &CoverageGap| row.vantage.as_ref().is_some_and(|v| concerned.contains(v));
    let (mut shown, strangers): (Vec<_>, Vec<_>) = rows.into_iter().partition(has_part);
    if strangers.len() <= STRANGERS_MAX {
        shown.extend(strangers);
    } else {
        shown.extend(folded(strangers));
    }
    for row in &shown {
        remind(row, tasks);
    }
    shown
}

fn remind(row: &CoverageGap, tasks: &mut Tasks) {
    let asks = matches!(row.kind, GapKind::NotLookedAgain | GapKind::Partial);
    let Some(remedy) = row.remedy.as_ref().filter(|_| asks) else {
        return;
    };
    let task = Task::of(Because::CoverageGap, remedy);
    tasks.add(match &row.vantage {
        Some(vantage) => task.on(&row.name, vantage),
        None => task,
    });
}

fn rows(case: &Case<'_>, untold: &Untold) -> Vec<CoverageGap> {
    let differences = case.looks.differences();
    let mut rows = Vec::new();
    for (machine, difference) in &differences {
        let lost = untold.not_seen.get(*machine).copied().unwrap_or(0);
        rows.push(row_of(case, machine, difference, lost));
    }
    for (machine, number) in &untold.not_seen {
        if !differences.contains_key(machine) {
            rows.push(not_again(case, machine, *number));
        }
    }
    for (machine, number) in &untold.newly_looked {
        rows.push(newly_looked(case, machine, *number));
    }
    for (machine, number) in &untold.of_before {
        rows.push(of_before(case, machine, *number));
    }
    rows.sort_by(|a, b| (&a.name, a.kind, &a.vantage).cmp(&(&b.name, b.kind, &b.vantage)));
    rows
}

fn things(number: usize) -> String {
    match number {
        1 => "1 thing".to_owned(),
        n => format!("{n} things"),
    }
}

/// What was looked at less than before.
fn row_of(
    case: &Case<'_>,
    machine: &EntityId,
    difference: &Difference<'_>,
    lost: usize,
) -> CoverageGap {
    let name = case.name(machine);
    let (not_again, partial) = (&difference.not_again, &difference.partial);
    let mut sources: Vec<_> = not_again
        .keys()
        .chain(partial.keys())
        .map(|s| (*s).clone())
        .collect();
    sources.sort();
    sources.dedup();
    let words = sources
        .iter()
        .map(|s| s.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let since = not_again
        .values()
        .max()
        .map(|t| t.minute())
        .unwrap_or_default();
    let gap = partial.values().flatten().next();
    let mut says = match (difference.is_silent, not_again.is_empty()) {
        (true, _) => format!("{name} was not looked at since {since} UTC"),
        (false, false) => format!("{name} was looked at again, but not by {words}"),
        (false, true) => {
            format!("{name} was seen completely before, and only in part now, by {words}")
        }
    };
    if let Some(gap) = gap {
        says.push_str(&format!(": {} ({})", gap.what, gap.reason));
    }
    if lost > 0 {
        says.push_str(&format!("; {} known before not compared", things(lost)));
    }
    let remedy = gap.and_then(|g| g.remedy.clone());
    let again = match difference.is_silent {
        true => "look at it again: nobody has since the earlier snapshot".to_owned(),
        false => format!("look again, by the same ways as before: {words}"),
    };
    CoverageGap {
        vantage: Some(machine.clone()),
        name,
        kind: if not_again.is_empty() {
            GapKind::Partial
        } else {
            GapKind::NotLookedAgain
        },
        sources,
        not_compared: lost,
        says,
        remedy: Some(remedy.unwrap_or(again)),
    }
}

fn not_again(case: &Case<'_>, machine: &EntityId, number: usize) -> CoverageGap {
    let name = case.name(machine);
    let says = format!(
        "{name} was looked at, but {} known before not seen again, and nothing says that they are gone",
        things(number)
    );
    CoverageGap {
        vantage: Some(machine.clone()),
        name,
        kind: GapKind::NotSeenAgain,
        sources: Vec::new(),
        not_compared: number,
        says,
        remedy: Some("look for as long as before".to_owned()),
    }
}

fn newly_looked(case: &Case<'_>, machine: &EntityId, number: usize) -> CoverageGap {
    let name = case.name(machine);
    let says = format!(
        "{name} was not looked at in this way before: {} seen now not counted as new",
        things(number)
    );
    CoverageGap {
        vantage: Some(machine.clone()),
        name,
        kind: GapKind::NotLookedBefore,
        sources: Vec::new(),
        not_compared: number,
        says,
        remedy: None,
    }
}

fn of_before(case: &Case<'_>, machine: &EntityId, number: usize) -> CoverageGap {
    let name = case.name(machine);
    let says = format!(
        "{name} was seen with {} that came before the window and was not used since: not counted as of this wave",
        things(number)
    );
    CoverageGap {
        vantage: Some(machine.clone()),
        name,
        kind: GapKind::OfBefore,
        sources: Vec::new(),
        not_compared: number,
        says,
        remedy: None,
    }
}

/// One row for all machines of a kind that have no part in the wave.
fn folded(rows: Vec<CoverageGap>) -> Vec<CoverageGap> {
    let mut kinds: BTreeMap<GapKind, Vec<CoverageGap>> = BTreeMap::new();
    for row in rows {
        kinds.entry(row.kind).or_default().push(row);
    }
    kinds
        .into_iter()
        .map(|(kind, rows)| all_of(kind, rows))
        .collect()
}

fn all_of(kind: GapKind, rows: Vec<CoverageGap>) -> CoverageGap {
    let number = rows.len();
    let what = match kind {
        GapKind::NotLookedAgain => "were not looked at again as before",
        GapKind::Partial => "were seen only in part",
        GapKind::NotSeenAgain => "were looked at, and not all was seen again",
        GapKind::OfBefore => "were seen with new things of before the window",
        GapKind::NotLookedBefore => "were not looked at in this way before",
    };
    let not_compared = rows.iter().map(|r| r.not_compared).sum();
    let first: Vec<&str> = rows.iter().take(3).map(|r| r.name.as_str()).collect();
    let first = first.join(", ");
    let machines = if number == 1 { "machine" } else { "machines" };
    let says = format!(
        "{number} {machines} without a part in this wave {what} ({first}, …); {} not compared",
        things(not_compared)
    );
    let mut sources: Vec<_> = rows.iter().flat_map(|r| r.sources.clone()).collect();
    sources.sort();
    sources.dedup();
    let asks = matches!(kind, GapKind::NotLookedAgain | GapKind::Partial);
    CoverageGap {
        vantage: None,
        name: format!("{number} {machines}"),
        kind,
        sources,
        not_compared,
        says,
        remedy: asks.then(|| {
            format!("look again at {number} {machines} without a part in this wave ({first}, …)")
        }),
    }
}
