//! What became of a wave, as one page: read the morning after by whoever decides and by whoever repairs.

use askama::Template;
use groma_model::inventory::Inventory;

use super::STYLE;
use super::drawing::{Drawing, draw};
use super::policy::policy;
use super::words::{amount, open, sums, verdict, wanted};
use crate::change::Changes;
use crate::outcome::{Because, ContentRow, CriterionRow, Judgement, ToDo, WaveLine, WaveOutcome};
use crate::plain::plain;
use crate::text::{heading_of, side};
use crate::wave_text::lists;

/// Lines of one class on the page, and rows of content; the JSON document has all.
const LINES_MAX: usize = 500;

#[derive(Template)]
#[template(path = "wave.html")]
struct Page {
    policy: String,
    style: &'static str,
    wave: String,
    before: String,
    after: String,
    verdict: String,
    state: &'static str,
    open: Option<String>,
    warnings: Vec<String>,
    lists: Vec<List>,
    drawing: Option<Drawing>,
    owners: Vec<Owner>,
    criteria: Vec<CriterionView>,
    contents: Vec<ContentView>,
    contents_left_out: usize,
    gaps: Vec<String>,
    changes: String,
}

struct List {
    class: &'static str,
    mark: char,
    word: &'static str,
    title: String,
    count: usize,
    open: bool,
    says: Vec<String>,
}

struct Owner {
    name: String,
    tasks: Vec<TaskView>,
    left_out: usize,
}

struct TaskView {
    says: String,
    class: &'static str,
    word: &'static str,
}

struct CriterionView {
    metric: String,
    subject: String,
    before: String,
    after: String,
    wanted: String,
    class: &'static str,
    mark: char,
    verdict: &'static str,
    says: String,
    accepted_by: String,
}

struct ContentView {
    kind: &'static str,
    subject: String,
    places: String,
    before: String,
    after: String,
    class: &'static str,
    mark: char,
    verdict: &'static str,
    says: String,
}

/// The outcome as one self-contained page: no script, no request. `changes` is what [`crate::compare`] made of the same
/// two inventories.
pub fn wave_html(
    changes: &Changes,
    outcome: &WaveOutcome,
    before: &Inventory,
    after: &Inventory,
) -> String {
    let page = Page {
        policy: policy(STYLE),
        style: STYLE,
        wave: plain(&outcome.wave),
        before: side(&changes.before),
        after: side(&changes.after),
        verdict: verdict(outcome),
        state: state(outcome),
        open: open(outcome).map(|says| plain(&capital(&says))),
        warnings: outcome.warnings.iter().map(|w| plain(w)).collect(),
        lists: listed(outcome),
        drawing: draw(outcome, before, after),
        owners: owners(&outcome.to_do),
        criteria: outcome.criteria.iter().map(criterion).collect(),
        contents: outcome
            .contents
            .iter()
            .take(LINES_MAX)
            .map(content)
            .collect(),
        contents_left_out: outcome.contents.len().saturating_sub(LINES_MAX),
        gaps: outcome
            .coverage_gaps
            .iter()
            .map(|g| plain(&g.says))
            .collect(),
        changes: heading_of(changes),
    };
    page.render().expect("writing into a string cannot fail")
}

fn state(outcome: &WaveOutcome) -> &'static str {
    match (outcome.needs_action(), outcome.open_until) {
        (true, _) => "bad",
        (false, Some(_)) => "wait",
        (false, None) => "good",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn listed(outcome: &WaveOutcome) -> Vec<List> {
    let classes = [
        "missing",
        "moved",
        "unexpected",
        "unseen",
        "due",
        "confirmed",
        "lower",
    ];
    let lists = lists(outcome).into_iter().zip(classes);
    // Who has no records to lower need not hear of them.
    let told = lists.filter(|((_, _, list), class)| *class != "lower" || !list.is_empty());
    told.map(|((mark, word, list), class)| self::list(mark, word, class, list))
        .collect()
}

fn list(mark: char, word: &'static str, class: &'static str, lines: &[WaveLine]) -> List {
    List {
        class,
        mark,
        word,
        title: capital(word),
        count: lines.len(),
        open: true,
        says: lines
            .iter()
            .take(LINES_MAX)
            .map(|l| plain(&l.says))
            .collect(),
    }
}

fn owners(to_do: &[ToDo]) -> Vec<Owner> {
    let mut owners: Vec<Owner> = Vec::new();
    let mut last: Option<&Option<String>> = None;
    for task in to_do {
        if last != Some(&task.owner) {
            last = Some(&task.owner);
            let name = task.owner.as_deref().unwrap_or("No owner known");
            owners.push(Owner {
                name: plain(name),
                tasks: Vec::new(),
                left_out: 0,
            });
        }
        let Some(owner) = owners.last_mut() else {
            continue;
        };
        if owner.tasks.len() == LINES_MAX {
            owner.left_out += 1;
            continue;
        }
        owner.tasks.push(TaskView {
            says: plain(&task.says),
            class: css(task.because),
            word: task.because.word(),
        });
    }
    owners
}

fn css(because: Because) -> &'static str {
    match because {
        Because::Missing => "missing",
        Because::Moved => "moved",
        Because::Unexpected => "unexpected",
        Because::Contents => "contents",
        Because::Criterion => "criterion",
        Because::NotSeen => "unseen",
        Because::CoverageGap => "gap",
        Because::NotDueYet | Because::ToLower => "due",
    }
}

fn judged(verdict: Judgement) -> &'static str {
    match verdict {
        Judgement::Fail => "fail",
        Judgement::Ask => "ask",
        Judgement::Pass => "pass",
    }
}

fn criterion(row: &CriterionRow) -> CriterionView {
    CriterionView {
        metric: plain(&row.metric),
        subject: plain(row.subject.as_deref().unwrap_or_default()),
        before: amount(row.before),
        after: amount(row.after),
        wanted: wanted(row),
        class: judged(row.verdict),
        mark: row.verdict.mark(),
        verdict: row.verdict.word(),
        says: plain(&row.says),
        accepted_by: plain(row.accepted_by.as_deref().unwrap_or_default()),
    }
}

fn content(row: &ContentRow) -> ContentView {
    let (before, after) = sums(row);
    let places = if row.from == row.to {
        row.from.clone()
    } else {
        format!("{} to {}", row.from, row.to)
    };
    ContentView {
        kind: row.kind.word(),
        subject: plain(&row.subject),
        places: plain(&places),
        before: plain(&before),
        after: plain(&after),
        class: judged(row.verdict),
        mark: row.verdict.mark(),
        verdict: row.verdict.word(),
        says: plain(&row.says),
    }
}
