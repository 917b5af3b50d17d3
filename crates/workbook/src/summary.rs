//! The first sheet: what was looked at, the figures, the gravest findings, what is not known, and what stands where.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::inventory::{Finding, Severity};
use rust_xlsxwriter::{Worksheet, XlsxError};

use crate::WorkbookError;
use crate::book::{Book, Look, Written};
use crate::cell::{Cell, count, list, maybe, text};
use crate::index::{Index, is_host, is_wrong};

/// Findings told on the first sheet, each kind of them once.
const FINDINGS: usize = 10;
/// Kinds of gaps told on the first sheet.
const GAPS: usize = 15;
/// A look shorter than this is never an audit.
const AUDIT: Duration = Duration::from_secs(24 * 3_600);
/// A certificate that ends within so many days is told.
const DAYS: i64 = 90;
/// Widths of the four columns, in characters.
const WIDTHS: [u16; 4] = [28, 64, 52, 26];
/// Letters of a found text on this sheet; all of it stands in the sheet it is from.
const LETTERS: usize = 300;

/// Fills the first sheet.
pub(crate) fn write(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    book.summary(|sheet, look, tables| {
        for (at, width) in (0..).zip(WIDTHS) {
            sheet.set_column_width(at, f64::from(width))?;
        }
        let mut page = Page {
            sheet,
            look,
            row: 0,
        };
        page.title("What there is, and what needs what")?;
        page.lines(&looked_at(index))?;
        page.section(["In figures", "", "", ""])?;
        page.lines(&figures(index))?;
        page.section([
            "The gravest findings",
            "Risk",
            "First step",
            "Owner, control date",
        ])?;
        page.lines(&gravest(index))?;
        page.section([
            "What is not known",
            "Why",
            "What would help",
            "Places, machines",
        ])?;
        page.lines(&unknown(index))?;
        page.section(["Sheets", "What they hold", "Rows", ""])?;
        page.lines(&contents(tables))?;
        page.lines(&elsewhere())
    })
}

/// A sheet that is written from the top to the bottom.
struct Page<'a> {
    sheet: &'a mut Worksheet,
    look: &'a Look,
    row: u32,
}

impl Page<'_> {
    fn title(&mut self, title: &str) -> Result<(), XlsxError> {
        let look = &self.look.title;
        self.sheet.write_string_with_format(0, 0, title, look)?;
        self.row = 2;
        Ok(())
    }

    /// A heading, with one over each column.
    fn section(&mut self, heads: [&str; 4]) -> Result<(), XlsxError> {
        self.row += 1;
        for (at, head) in (0..).zip(heads) {
            let look = &self.look.section;
            self.sheet
                .write_string_with_format(self.row, at, head, look)?;
        }
        self.row += 1;
        Ok(())
    }

    fn lines(&mut self, lines: &[[Cell; 4]]) -> Result<(), XlsxError> {
        for line in lines {
            self.look.put(self.sheet, self.row, line, WIDTHS)?;
            self.row += 1;
        }
        Ok(())
    }
}

fn line(label: &str, value: impl Into<Cell>) -> [Cell; 4] {
    [label.into(), value.into(), Cell::Empty, Cell::Empty]
}

fn looked_at(index: &Index<'_>) -> Vec<[Cell; 4]> {
    let inventory = index.inventory;
    let hosts = inventory.entities.iter().filter(|e| is_host(e)).count();
    let inside = vantages(index);
    let snapshot = inventory.snapshot.as_deref();
    let compared = match inventory.compared_with_list {
        true => "yes",
        false => "no list was imported: nothing can be called undeclared",
    };
    let window = inventory.window;
    let sites = inventory.sites.iter().map(|site| site.name.as_str());
    let sites: BTreeSet<&str> = sites.collect();
    let watched = inventory.watched();
    let shared = inventory.shared.as_deref();
    let mut lines: Vec<_> = shared
        .map(|says| line("Shared", says))
        .into_iter()
        .collect();
    lines.extend([
        line("Snapshot", snapshot.unwrap_or("the present")),
        line(
            "Made at",
            format!("{} UTC", inventory.generated_at.minute()),
        ),
        line(
            "Window",
            format!("{} to {} UTC", window.from.minute(), window.to.minute()),
        ),
        line(
            "Looked at from inside",
            format!("{inside} of {}", things(hosts, "machine")),
        ),
        line("Each watched for", length(watched)),
        line("Sites", list(sites)),
        line("Compared with your list", compared),
        line("Data level", inventory.data_level.as_str()),
    ]);
    if watched < AUDIT || inside <= 1 {
        let says = format!(
            "Watched {} on {}: this is a first look, not an audit.",
            length(watched),
            things(inside, "machine")
        );
        lines.push(line("Mind", says));
    }
    lines
}

/// How many machines were looked at from inside.
fn vantages(index: &Index<'_>) -> usize {
    let entities = index.inventory.entities.iter();
    let inside = entities.filter(|e| e.has_agent).map(|e| e.id.as_str());
    let looks = index.inventory.coverage.iter().map(|c| c.vantage.as_str());
    let from_hosts = looks.filter(|id| index.entity(id).is_some_and(is_host));
    inside.chain(from_hosts).collect::<BTreeSet<&str>>().len()
}

fn figures(index: &Index<'_>) -> Vec<[Cell; 4]> {
    let inventory = index.inventory;
    let all = &inventory.entities;
    let of = |kind: &str| count(all.iter().filter(|e| e.kind == kind).count());
    let wrong = inventory
        .dependencies
        .iter()
        .filter(|d| is_wrong(d))
        .count();
    let ending = all.iter().filter(|e| ends_soon(e, index)).count();
    let open = index.open();
    let grave = |severity| count(open.iter().filter(|f| f.severity == severity).count());
    let ours = inventory.dependencies.len() - wrong;
    let judged = (wrong > 0).then(|| format!("{wrong} more that people judged wrong"));
    let soon = format!("ended, or will within {DAYS} days");
    vec![
        line("Machines", count(all.iter().filter(|e| is_host(e)).count())),
        line("Devices", of("device")),
        line("Systems", count(inventory.systems.len())),
        noted("Dependencies", ours, judged.unwrap_or_default()),
        line("of them hidden", count(index.hidden().count())),
        line("Open findings", count(open.len())),
        line("of them critical", grave(Severity::Critical)),
        line("of them high", grave(Severity::High)),
        noted("Certificates that end soon", ending, soon),
        line("Questions for people", count(inventory.questions.len())),
    ]
}

fn noted(label: &str, number: usize, note: String) -> [Cell; 4] {
    [label.into(), count(number), note.into(), Cell::Empty]
}

fn ends_soon(entity: &groma_model::inventory::Entity, index: &Index<'_>) -> bool {
    let known = entity.attributes.certificate.as_ref();
    let now = index.inventory.generated_at;
    known.is_some_and(|c| now.days_until(c.not_after) <= DAYS)
}

/// The gravest of each kind of finding, and how many more of that kind there are.
fn gravest(index: &Index<'_>) -> Vec<[Cell; 4]> {
    let open = index.open();
    let mut kinds: BTreeMap<(&str, Severity), usize> = BTreeMap::new();
    let mut first: Vec<&Finding> = Vec::new();
    for finding in open {
        let alike = kinds.entry((&finding.check, finding.severity)).or_default();
        *alike += 1;
        if *alike == 1 {
            first.push(finding);
        }
    }
    let more = first.len().saturating_sub(FINDINGS);
    let alike = |f: &Finding| kinds.get(&(f.check.as_str(), f.severity)).copied();
    let told = first.iter().take(FINDINGS);
    let mut lines: Vec<[Cell; 4]> = told
        .map(|f| finding(f, alike(f).unwrap_or(1) - 1))
        .collect();
    match (lines.is_empty(), more) {
        (true, _) => lines.push(line("none", "No check found anything open.")),
        (false, 0) => {}
        (false, more) => lines.push(line(
            "",
            format!("{} more: see the sheet findings", things(more, "kind")),
        )),
    }
    lines
}

fn finding(f: &Finding, alike: usize) -> [Cell; 4] {
    let alike = match alike {
        0 => String::new(),
        more => format!(" ({more} more of this kind)"),
    };
    let owner = f.owner.as_deref().unwrap_or("nobody yet");
    let date = f.control_date.map(|date| date.day());
    let date = date.unwrap_or_else(|| "no date".to_owned());
    [
        Cell::Grave(f.severity),
        text(format!("{} {}{alike}", short(&f.risk), short(&f.indicator))),
        maybe(&f.mitigations.first().map(|first| short(first))),
        text(format!("{}, {date}", short(owner))),
    ]
}

/// Gaps with the same reason and remedy once, those at most machines first.
fn unknown(index: &Index<'_>) -> Vec<[Cell; 4]> {
    type Where<'a> = (BTreeSet<&'a str>, BTreeSet<&'a str>);
    let mut kinds: BTreeMap<(&str, &str, Option<&str>), Where<'_>> = BTreeMap::new();
    for look in &index.inventory.coverage {
        for gap in &look.gaps {
            let key = (
                look.source.as_str(),
                gap.reason.as_str(),
                gap.remedy.as_deref(),
            );
            let (places, machines) = kinds.entry(key).or_default();
            places.insert(&gap.what);
            machines.insert(look.vantage.as_str());
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(key, (places, machines))| {
        (Reverse(machines.len()), Reverse(places.len()), *key)
    });
    let mut lines = unseen(index);
    for ((source, reason, remedy), (places, machines)) in kinds.iter().take(GAPS) {
        let how_many = [
            things(places.len(), "place"),
            things(machines.len(), "machine"),
        ];
        let why = format!("{}: {}", reason.replace('-', " "), examples(places));
        let remedy = remedy.map(short);
        lines.push([text(source), text(why), maybe(&remedy), list(how_many)]);
    }
    if let Some(more @ 1..) = kinds.len().checked_sub(GAPS) {
        let says = format!("{} more: see the sheet gaps", things(more, "kind"));
        lines.push(line("", says));
    }
    if kinds.is_empty() {
        let says =
            "No gap was met: what was looked at was seen. What nobody looked at stands nowhere.";
        lines.push(line("Gaps", says));
    }
    lines
}

/// `found`, or its begin where it is longer than this sheet has room for.
fn short(found: &str) -> String {
    match found.char_indices().nth(LETTERS) {
        None => found.to_owned(),
        Some((end, _)) => format!("{}…", found.get(..end).unwrap_or_default()),
    }
}

/// A few of them, and how many more there are.
fn examples(places: &BTreeSet<&str>) -> String {
    let short = |text: &&str| text.chars().take(80).collect::<String>();
    let named: Vec<String> = places.iter().take(3).map(short).collect();
    let more = places.len().saturating_sub(named.len());
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// How much is probably still unseen, where that can be said.
fn unseen(index: &Index<'_>) -> Vec<[Cell; 4]> {
    let Some(estimate) = &index.inventory.estimate else {
        return Vec::new();
    };
    if !estimate.meaningful {
        let says = "How much is still unseen cannot be said yet: too little was watched.";
        return vec![[text("Still unseen"), text(says), Cell::Empty, Cell::Empty]];
    }
    let figures = [
        ("Machines still unseen", estimate.unseen_hosts),
        ("Dependencies still unseen", estimate.unseen_dependencies),
    ];
    let told = figures.into_iter().filter_map(|(label, found)| {
        let [low, middle, high] = found?;
        let says = format!("about {middle:.0}, between {low:.0} and {high:.0}");
        Some([text(label), text(says), text(&estimate.method), Cell::Empty])
    });
    told.collect()
}

fn contents(tables: &[Written]) -> Vec<[Cell; 4]> {
    let line = |table: &Written| {
        let further = match table.sheets {
            1 => Cell::Empty,
            sheets => text(format!(
                "goes on in sheets {} 2 to {} {sheets}",
                table.name, table.name
            )),
        };
        [
            text(table.name),
            text(table.about),
            count(table.rows),
            further,
        ]
    };
    tables.iter().map(line).collect()
}

/// What a reader must know of these sheets, and what is not in them.
fn elsewhere() -> Vec<[Cell; 4]> {
    let notes = [
        (
            "Not in these sheets",
            "Packages, units, accounts, routes, rules of packet filters, pins and directory objects: groma export --format json",
        ),
        ("Times", "All in UTC"),
        (
            "A ' before a text",
            "was put there by groma: a spreadsheet would compute the text once it is saved as CSV",
        ),
        (
            "␛ and [U+202E]",
            "stand for characters that cannot be seen, or that turn text around",
        ),
    ];
    let lines = notes.map(|(label, says)| line(label, says));
    std::iter::once(line("", "")).chain(lines).collect()
}

fn things(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    }
}

/// A length in the largest unit that fits.
fn length(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
