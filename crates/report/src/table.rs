//! The dependency table as CSV.

use csv::{QuoteStyle, WriterBuilder};

use crate::page::{Need, Page};
use crate::visible::visible;

/// Column names: words of the inventory document, so that a filter written once keeps working.
const COLUMNS: [&str; 28] = [
    "hidden",
    "hidden_because",
    "consumer",
    "component",
    "kind",
    "provider",
    "endpoint",
    "strength",
    "basis",
    "witnesses",
    "reached",
    "accounts",
    "mechanism",
    "protection",
    "resources",
    "written_in",
    "rhythm",
    "next_due",
    "first_seen",
    "last_seen",
    "count",
    "shared_service",
    "verdict",
    "evidence",
    "through",
    "one_of_several",
    "onward",
    "last_used",
];

/// One header line, then one line per dependency.
pub(crate) fn render(page: &Page) -> String {
    let needs = page.dependencies.rows.iter();
    written(&COLUMNS, needs.map(|need| row(need).to_vec()))
}

/// A header line and `rows` of its width, every cell guarded.
pub(crate) fn written(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let shown = rows.map(|row| row.iter().map(|cell| visible(cell)).collect());
    written_whole(columns, shown)
}

/// The same for rows whose cells were made visible already, however long they are.
pub(crate) fn written_whole(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    let mut write = |cells: Vec<String>| {
        writer
            .write_record(cells)
            .expect("memory takes every record of one width")
    };
    write(columns.iter().map(|name| (*name).to_owned()).collect());
    for row in rows {
        write(row.iter().map(|cell| quoted(cell)).collect());
    }
    let bytes = writer.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("every cell was UTF-8")
}

/// Columns of the table of mail routes: words of the inventory document.
const ROUTE_COLUMNS: [&str; 7] = ["on", "rule", "from", "to", "next", "entries", "written_in"];

/// The mail routes: one header line, then one line per rule.
pub(crate) fn routes(page: &Page) -> String {
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    let mut write = |cells: &[String]| {
        writer
            .write_record(cells)
            .expect("memory takes every record of one width")
    };
    write(&ROUTE_COLUMNS.map(str::to_owned));
    for row in &page.routes.rows {
        let cells = [
            &row.machine,
            &row.rule,
            &row.from,
            &row.to,
            &row.next,
            &row.entries.to_string(),
            &row.written,
        ];
        write(&cells.map(|cell| guarded(cell)));
    }
    let bytes = writer.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("every cell was UTF-8")
}

fn row(need: &Need) -> [String; 28] {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    [
        word(need.hidden),
        need.reasons.join("; "),
        need.consumer.clone(),
        need.component.clone(),
        need.kind.clone(),
        need.provider.clone(),
        text(&need.endpoint),
        need.strength.to_owned(),
        need.basis.to_owned(),
        need.witnesses.join(" "),
        text(&need.reached),
        need.accounts.join("; "),
        text(&need.mechanism),
        need.protection.unwrap_or_default().to_owned(),
        need.resources.join("; "),
        need.written_in.join("; "),
        text(&need.rhythm),
        text(&need.next_due),
        need.first_seen.clone(),
        need.last_seen.clone(),
        need.count.to_string(),
        word(need.shared),
        text(&need.verdict),
        need.because.join("; "),
        need.through.join("; "),
        word(need.one_of_several),
        need.onward.join("; "),
        text(&need.last_used),
    ]
}

/// `cell` as text for every spreadsheet: a quote before whatever it would compute (`= + - @`, TAB, CR, and their
/// full-width forms), also behind spaces. Control characters that reach this far are made visible.
fn guarded(cell: &str) -> String {
    quoted(&visible(cell))
}

/// The quote alone, before text that is visible already. What begins with quotes and would be computed without them gets one
/// more, so that taking one away gives back what stood there.
fn quoted(cell: &str) -> String {
    let first = cell.trim_start_matches([' ', '\'']).chars().next();
    let computes = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '␉' | '␍' | '＝' | '＋' | '－' | '＠')
    );
    if computes {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for hostile in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "  =1",
            "＝1",
        ] {
            assert!(guarded(hostile).starts_with('\''), "{hostile:?}");
        }
    }

    #[test]
    fn plain_cells_stay_as_they_are() {
        for plain in [
            "mail1",
            "10.0.0.5",
            "/etc/app.env:3",
            "",
            "a=b",
            "2026-11-20",
        ] {
            assert_eq!(guarded(plain), plain);
        }
    }
}
