//! A checklist on paper: one file, no script, boxes to tick.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::item::{Checklist, Item, ItemState};
use super::text::{about, by_topic, counts, date, shown};

const STYLE: &str = include_str!("../../templates/checklist.css");

#[derive(Template)]
#[template(path = "checklist.html")]
struct Page {
    policy: String,
    style: &'static str,
    wave: String,
    ready: bool,
    about: String,
    counts: String,
    owner: Option<String>,
    made: String,
    snapshot: Option<String>,
    topics: Vec<Section>,
}

struct Section {
    anchor: String,
    title: &'static str,
    open: usize,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    state: &'static str,
    word: &'static str,
    tick: &'static str,
    says: String,
    because: String,
    date: Option<String>,
    overdue: bool,
    who: Option<String>,
    closed: Option<String>,
}

/// The checklist as one self-contained page that prints on A4 and fetches nothing.
pub fn checklist_html(checklist: &Checklist) -> String {
    let page = Page {
        policy: policy(),
        style: STYLE,
        wave: shown(&checklist.wave),
        ready: checklist.ready,
        about: shown(&about(checklist)),
        counts: counts(checklist),
        owner: checklist.owner.as_deref().map(shown),
        made: checklist.at.minute(),
        snapshot: checklist.snapshot.as_deref().map(shown),
        topics: sections(checklist),
    };
    page.render().expect("a checklist is made of text alone")
}

/// Nothing but this very style is let in.
fn policy() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

fn sections(checklist: &Checklist) -> Vec<Section> {
    let section = |(topic, items): (super::Topic, Vec<&Item>)| Section {
        anchor: format!("{topic:?}").to_lowercase(),
        title: topic.title(),
        open: items.iter().filter(|i| i.state != ItemState::Done).count(),
        rows: items.into_iter().map(|item| row(checklist, item)).collect(),
    };
    by_topic(checklist).into_iter().map(section).collect()
}

fn row(checklist: &Checklist, item: &Item) -> Row {
    let (state, word, tick) = match item.state {
        ItemState::Do => ("do", "Do", ""),
        ItemState::Ask => ("ask", "Ask", "?"),
        ItemState::Done => ("done", "Done", "✓"),
    };
    Row {
        id: item.id.clone(),
        state,
        word,
        tick,
        says: shown(&item.says),
        because: shown(&item.because),
        date: date(checklist, item),
        overdue: item.overdue,
        who: item.who.as_deref().map(shown),
        closed: item.closed.as_deref().map(shown),
    }
}
