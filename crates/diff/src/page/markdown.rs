//! A diff and a wave as Markdown, for a ticket or a wiki.

use std::fmt::Write as _;

use super::words::{amount, open, sums, verdict, wanted};
use crate::change::Changes;
use crate::outcome::WaveOutcome;
use crate::plain::plain;
use crate::text::{below, heading_of, side};
use crate::wave_text::lists;

/// The escape of this sink: no character of a foreign text begins a list, a table cell, an element or a link.
fn quoted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    // A text may stand at the begin of a list item, where a number with a dot would begin another.
    let mut leads = true;
    for c in plain(text).chars() {
        let steers = matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '#'
                | '|'
                | '~'
                | '!'
                | '&'
                | '@'
                | '$'
        );
        let begins = leads && matches!(c, '-' | '+' | '.' | ')' | '=');
        leads = leads && c.is_ascii_digit();
        if steers || begins {
            safe.push('\\');
        }
        safe.push(c);
    }
    // A bare address would become a link.
    safe.replace("://", "\\://").replace("www.", "www\\.")
}

/// The changes as Markdown, by machine; empty if nothing is different.
pub fn markdown(changes: &Changes) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut page = format!(
        "# {}\n\n{} against {}\n",
        heading_of(changes),
        quoted(&side(&changes.before)),
        quoted(&side(&changes.after))
    );
    let mut on: Option<&str> = None;
    for change in &changes.changes {
        if on != Some(change.on.as_str()) {
            on = Some(&change.on);
            let _ = write!(page, "\n## {}\n\n", quoted(&change.on));
        }
        let (class, area) = (change.class.word(), change.area.word());
        let _ = writeln!(page, "- **{class}** {area}: {}", quoted(&change.says));
        for says in below(change) {
            let _ = writeln!(page, "  - {}", quoted(&says));
        }
        if let Some(act) = &change.act {
            let _ = writeln!(page, "  - **to do:** {}", quoted(act));
        }
    }
    page
}

/// The outcome of a wave as Markdown.
pub fn wave_markdown(outcome: &WaveOutcome) -> String {
    let mut page = format!(
        "# Wave {}\n\n**{}**\n",
        quoted(&outcome.wave),
        verdict(outcome)
    );
    if let Some(open) = open(outcome) {
        let _ = write!(page, "\n{}\n", quoted(&open));
    }
    for warning in &outcome.warnings {
        let _ = write!(page, "\n> **Attention:** {}\n", quoted(warning));
    }
    to_do(outcome, &mut page);
    criteria(outcome, &mut page);
    contents(outcome, &mut page);
    for (_, word, list) in lists(outcome) {
        section(word, list.iter().map(|l| l.says.as_str()), &mut page);
    }
    let gaps = outcome.coverage_gaps.iter().map(|g| g.says.as_str());
    section("looked at differently", gaps, &mut page);
    page
}

fn section<'l>(title: &str, says: impl Iterator<Item = &'l str>, page: &mut String) {
    let lines: Vec<String> = says.map(|s| format!("- {}", quoted(s))).collect();
    if !lines.is_empty() {
        let _ = write!(
            page,
            "\n## {title} ({})\n\n{}\n",
            lines.len(),
            lines.join("\n")
        );
    }
}

fn to_do(outcome: &WaveOutcome, page: &mut String) {
    let mut owner: Option<&Option<String>> = None;
    for task in &outcome.to_do {
        if owner.is_none() {
            page.push_str("\n## to do\n");
        }
        if owner != Some(&task.owner) {
            owner = Some(&task.owner);
            let name = task.owner.as_deref().unwrap_or("no owner known");
            let _ = write!(page, "\n### {}\n\n", quoted(name));
        }
        let _ = writeln!(
            page,
            "- [ ] {} ({})",
            quoted(&task.says),
            task.because.word()
        );
    }
}

fn row(cells: &[String], page: &mut String) {
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn criteria(outcome: &WaveOutcome, page: &mut String) {
    if outcome.criteria.is_empty() {
        return;
    }
    page.push_str("\n## criteria\n\n| metric | on | before | after | wanted | verdict |\n| --- | --- | ---: | ---: | ---: | --- |\n");
    for c in &outcome.criteria {
        let subject = quoted(c.subject.as_deref().unwrap_or("-"));
        let verdict = format!("{}: {}", c.verdict.word(), quoted(&c.says));
        let cells = [
            quoted(&c.metric),
            subject,
            amount(c.before),
            amount(c.after),
            wanted(c),
            verdict,
        ];
        row(&cells, page);
    }
}

fn contents(outcome: &WaveOutcome, page: &mut String) {
    if outcome.contents.is_empty() {
        return;
    }
    page.push_str("\n## contents\n\n| what | which | from | to | before | after | verdict |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for c in &outcome.contents {
        let (before, after) = sums(c);
        let verdict = format!("{}: {}", c.verdict.word(), quoted(&c.says));
        let cells = [
            c.kind.word().to_owned(),
            quoted(&c.subject),
            quoted(&c.from),
            quoted(&c.to),
            quoted(&before),
            quoted(&after),
            verdict,
        ];
        row(&cells, page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_begins_anything() {
        assert_eq!(quoted("- [x](javascript:y)"), "\\- \\[x\\](javascript:y)");
        assert_eq!(quoted("1. <b>|&amp;"), "1\\. \\<b\\>\\|\\&amp;");
        assert_eq!(quoted("a\n# b"), "a\\\\u\\{a\\}\\# b");
        assert_eq!(quoted("www.evil.example @all"), "www\\.evil.example \\@all");
        assert_eq!(quoted("https://evil.example"), "https\\://evil.example");
        assert_eq!(quoted("plain: text, 2.5"), "plain: text, 2.5");
    }
}
