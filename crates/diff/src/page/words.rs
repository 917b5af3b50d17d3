//! Numbers and sentences that several pages share.

use crate::outcome::{Because, ContentRow, CriterionRow, WaveOutcome};

/// `2.5`, `1536000`, `-` where there is none.
pub(crate) fn amount(value: Option<f64>) -> String {
    match value {
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{value:.0}"),
        Some(value) => {
            let text = format!("{value:.3}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        None => "-".to_owned(),
    }
}

/// What a number must keep to, in one cell.
pub(crate) fn wanted(row: &CriterionRow) -> String {
    match (row.threshold, row.at_least) {
        (Some(_), Some(_)) => format!("{} to {}", amount(row.at_least), amount(row.threshold)),
        (Some(_), None) => format!("at most {}", amount(row.threshold)),
        (None, Some(_)) => format!("at least {}", amount(row.at_least)),
        (None, None) => "-".to_owned(),
    }
}

/// What was there and what is there, in one cell each.
pub(crate) fn sums(row: &ContentRow) -> (String, String) {
    let of = |text: &Option<String>, items: Option<u64>, bytes: Option<u64>| {
        let items = items.map(|n| format!("{n} {}", if n == 1 { "item" } else { "items" }));
        let all: Vec<String> = text
            .clone()
            .into_iter()
            .chain(items)
            .chain(bytes.map(size))
            .collect();
        if all.is_empty() {
            "-".to_owned()
        } else {
            all.join(", ")
        }
    };
    (
        of(&row.before, row.items_before, row.bytes_before),
        of(&row.after, row.items_after, row.bytes_after),
    )
}

pub(crate) use crate::attributes::size;

/// `the wave stays open until 2027-01-01: …`, where something is waited for.
pub(crate) fn open(outcome: &WaveOutcome) -> Option<String> {
    const SHOWN: usize = 3;
    let until = outcome.open_until?;
    let mut waiting: Vec<&crate::WaveLine> = outcome
        .not_due_yet
        .iter()
        .filter(|l| l.due.is_some())
        .collect();
    waiting.sort_by_key(|l| std::cmp::Reverse(l.due));
    let first: Vec<&str> = waiting
        .iter()
        .take(SHOWN)
        .map(|l| l.says.as_str())
        .collect();
    let more = match waiting.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    Some(format!(
        "the wave stays open until {}: {}{more}",
        until.day(),
        first.join("; ")
    ))
}

/// How it stands, in a few words for a director.
pub(crate) fn verdict(outcome: &WaveOutcome) -> String {
    if outcome.needs_action() {
        let urgent = |because: Because| {
            !matches!(
                because,
                Because::NotSeen | Because::CoverageGap | Because::NotDueYet | Because::ToLower
            )
        };
        let number = outcome.to_do.iter().filter(|t| urgent(t.because)).count();
        return match number {
            1 => "Not accepted yet: 1 thing to put right or to explain".to_owned(),
            n => format!("Not accepted yet: {n} things to put right or to explain"),
        };
    }
    match outcome.open_until {
        Some(until) => format!(
            "Open until {}: what comes round has not come yet",
            until.day()
        ),
        None if !outcome.coverage_gaps.is_empty() || !outcome.not_seen.is_empty() => {
            "Nothing is wrong that was seen; not everything was seen".to_owned()
        }
        None => "As planned: nothing to put right".to_owned(),
    }
}
