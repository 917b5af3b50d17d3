//! What became of a wave, for a terminal and for a program.

use crate::outcome::{ContentRow, CriterionRow, ToDo, WaveLine, WaveOutcome};
use crate::page::words::{amount, sums, wanted};
use crate::plain::plain;
use crate::text::json;

/// Rows of content that a terminal shows; a wave may carry thousands of mailboxes.
const ROWS_MAX: usize = 40;

/// The outcome for a terminal.
pub fn wave_text(outcome: &WaveOutcome) -> String {
    let mut lines = vec![heading(outcome)];
    lines.extend(
        outcome
            .warnings
            .iter()
            .map(|w| format!("attention: {}", plain(w))),
    );
    lines.extend(crate::page::words::open(outcome).map(|says| plain(&says)));
    to_do(&outcome.to_do, &mut lines);
    criteria(&outcome.criteria, &mut lines);
    contents(&outcome.contents, &mut lines);
    for (mark, word, list) in lists(outcome) {
        section(
            mark,
            word,
            list.iter().map(|line| line.says.as_str()),
            &mut lines,
        );
    }
    let gaps = outcome.coverage_gaps.iter().map(|gap| gap.says.as_str());
    section('?', "looked at differently", gaps, &mut lines);
    lines.join("\n") + "\n"
}

/// The lists in the order of their weight, with mark and word.
pub(crate) fn lists(outcome: &WaveOutcome) -> [(char, &'static str, &[WaveLine]); 7] {
    [
        ('!', "missing", &outcome.missing),
        ('>', "moved elsewhere", &outcome.moved),
        ('+', "unexpected", &outcome.unexpected),
        ('?', "not seen", &outcome.not_seen),
        ('.', "not due yet", &outcome.not_due_yet),
        ('=', "confirmed", &outcome.confirmed),
        ('~', "to be lowered before", &outcome.to_lower),
    ]
}

fn heading(outcome: &WaveOutcome) -> String {
    let counts: Vec<String> = lists(outcome)
        .iter()
        // Who has no records to lower need not hear of them.
        .filter(|(mark, _, list)| *mark != '~' || !list.is_empty())
        .map(|(_, word, list)| format!("{} {word}", list.len()))
        .collect();
    format!("wave {}: {}", plain(&outcome.wave), counts.join(", "))
}

fn section<'l>(
    mark: char,
    title: &str,
    says: impl Iterator<Item = &'l str>,
    lines: &mut Vec<String>,
) {
    let says: Vec<String> = says.map(|s| format!("  {mark} {}", plain(s))).collect();
    if !says.is_empty() {
        lines.push(format!("\n{title}"));
        lines.extend(says);
    }
}

fn to_do(to_do: &[ToDo], lines: &mut Vec<String>) {
    let mut owner: Option<&Option<String>> = None;
    for task in to_do {
        if owner != Some(&task.owner) {
            let name = task.owner.as_deref().unwrap_or("no owner known");
            lines.push(format!("\nto do: {}", plain(name)));
            owner = Some(&task.owner);
        }
        lines.push(format!(
            "  - {} [{}]",
            plain(&task.says),
            task.because.word()
        ));
    }
}

fn criteria(rows: &[CriterionRow], lines: &mut Vec<String>) {
    if rows.is_empty() {
        return;
    }
    lines.push("\ncriteria".to_owned());
    let head = ["metric", "before", "after", "wanted", "verdict"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let on = row
            .subject
            .as_ref()
            .map(|s| format!(" on {s}"))
            .unwrap_or_default();
        [
            format!("{} {}{on}", row.verdict.mark(), row.metric),
            amount(row.before),
            amount(row.after),
            wanted(row),
            format!("{}: {}", row.verdict.word(), row.says),
        ]
    });
    table(std::iter::once(head).chain(cells), lines);
}

fn contents(rows: &[ContentRow], lines: &mut Vec<String>) {
    if rows.is_empty() {
        return;
    }
    lines.push("\ncontents".to_owned());
    let head = ["what", "before", "after", "verdict"].map(str::to_owned);
    let cells = rows.iter().take(ROWS_MAX).map(|row| {
        let (before, after) = sums(row);
        [
            format!("{} {} {}", row.verdict.mark(), row.kind.word(), row.subject),
            before,
            after,
            format!("{}: {}", row.verdict.word(), row.says),
        ]
    });
    table(std::iter::once(head).chain(cells), lines);
    if rows.len() > ROWS_MAX {
        lines.push(format!("  and {} more", rows.len() - ROWS_MAX));
    }
}

/// Columns side by side, each as wide as its longest cell.
fn table<const N: usize>(rows: impl Iterator<Item = [String; N]>, lines: &mut Vec<String>) {
    let rows: Vec<[String; N]> = rows.map(|row| row.map(|cell| plain(&cell))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        lines.push(format!("  {}", cells.join("  ").trim_end()));
    }
}

/// The outcome as `groma.wave-outcome/1`, with a final line break.
pub fn wave_to_json(outcome: &WaveOutcome) -> String {
    json(outcome)
}
