//! Changes for a terminal and for a program.

use crate::change::{Change, Changes, Detail, Side};
use crate::plain::plain;

/// Details a line shows before it counts the rest.
const DETAILS_MAX: usize = 6;
/// Consequences a line shows before it counts the rest.
const CONSEQUENCES_MAX: usize = 12;

/// The changes for a terminal: grouped by machine, one line per thing, marks with words, aligned. Empty
/// if nothing is different.
pub fn text(changes: &Changes) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut lines = vec![heading(changes), String::new()];
    let width = changes
        .changes
        .iter()
        .map(|c| c.area.word().len())
        .max()
        .unwrap_or(0);
    let mut place: Option<&str> = None;
    for change in &changes.changes {
        if place != Some(change.on.as_str()) {
            if place.is_some() {
                lines.push(String::new());
            }
            lines.push(plain(&change.on));
            place = Some(&change.on);
        }
        lines.push(line(change, width));
        let act = change.act.as_ref();
        let act = act.map(|act| format!("to do: {}", plain(act)));
        let texts = below(change).into_iter().chain(act);
        lines.extend(texts.map(|text| format!("      {text}")));
    }
    lines.join("\n") + "\n"
}

fn heading(changes: &Changes) -> String {
    format!(
        "{} to {}: {}",
        side(&changes.before),
        side(&changes.after),
        heading_of(changes)
    )
}

/// `3 changes, 1 to act on`.
pub(crate) fn heading_of(changes: &Changes) -> String {
    let number = changes.changes.len();
    let acts = changes.changes.iter().filter(|c| c.act.is_some()).count();
    let one = if number == 1 { "change" } else { "changes" };
    format!("{number} {one}, {acts} to act on")
}

pub(crate) fn side(side: &Side) -> String {
    let name = side.snapshot.as_deref().unwrap_or("now");
    format!("{} ({} UTC)", plain(name), side.at.minute())
}

fn line(change: &Change, width: usize) -> String {
    format!(
        "  {} {:<8}  {:<width$}  {}",
        change.class.mark(),
        change.class.word(),
        change.area.word(),
        plain(&change.says)
    )
}

/// What stands beneath a line: its details and consequences, made safe to show.
pub(crate) fn below(change: &Change) -> Vec<String> {
    let details = cut(
        change.details.iter().map(detail),
        change.details.len(),
        DETAILS_MAX,
    );
    let consequences = change.consequences.iter().map(|c| {
        format!(
            "{}: {}",
            if c.followed {
                "followed"
            } else {
                "left behind"
            },
            plain(&c.says)
        )
    });
    let consequences = cut(consequences, change.consequences.len(), CONSEQUENCES_MAX);
    details.into_iter().chain(consequences).collect()
}

fn cut(lines: impl Iterator<Item = String>, number: usize, most: usize) -> Vec<String> {
    let mut shown: Vec<String> = lines.take(most).collect();
    if number > most {
        shown.push(format!("and {} more", number - most));
    }
    shown
}

fn detail(detail: &Detail) -> String {
    let what = plain(&detail.what);
    match (&detail.before, &detail.after) {
        (Some(before), Some(after)) => {
            format!("{what}: {}, before {}", plain(after), plain(before))
        }
        (Some(before), None) => format!("{what}: no longer {}", plain(before)),
        (None, Some(after)) => format!("{what}: now also {}", plain(after)),
        (None, None) => what,
    }
}

/// The changes as `groma.diff/1`, with a final line break.
pub fn to_json(changes: &Changes) -> String {
    json(changes)
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> String {
    let text = serde_json::to_string_pretty(value);
    text.expect("every key is a string and every number finite, so it is always JSON") + "\n"
}
