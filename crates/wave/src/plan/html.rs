//! A plan as one page: no script, no request, a policy that names the hash of its own style.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use groma_model::id::sha256;

use super::shape::{Plan, Stage};
use super::shown::shown;
use super::view::{Card, Most, besides, cards, summary};

const STYLE: &str = include_str!("../../templates/plan.css");

/// What a page shows of each list; the JSON form has all.
const MOST: Most = Most {
    members: 60,
    edges: 12,
};

/// Lines of a section beside the waves.
const LINES: usize = 200;

#[derive(Template)]
#[template(path = "plan.html")]
struct Page {
    policy: String,
    style: &'static str,
    made: String,
    summary: Vec<String>,
    notes: Vec<String>,
    columns: Vec<Column>,
    besides: Vec<(&'static str, Vec<String>)>,
}

/// Waves of one stage, one below the other.
struct Column {
    title: &'static str,
    cards: Vec<Card>,
}

/// The plan as HTML: columns from the foundation to the users, one card for each wave.
pub fn html(plan: &Plan) -> String {
    let moment = match &plan.snapshot {
        Some(name) => format!("snapshot {}, ", shown(name)),
        None => String::new(),
    };
    let page = Page {
        policy: policy(),
        style: STYLE,
        made: format!("{moment}{} UTC", plan.generated_at.minute()),
        summary: summary(plan),
        notes: plan.notes.iter().map(|n| shown(n)).collect(),
        columns: columns(cards(plan, MOST)),
        besides: besides(plan, LINES),
    };
    page.render().expect("writing into a string cannot fail")
}

fn columns(cards: Vec<Card>) -> Vec<Column> {
    let stages = [
        Stage::Beside,
        Stage::Pilot,
        Stage::Foundation,
        Stage::Databases,
        Stage::Applications,
        Stage::Users,
        Stage::Retire,
    ];
    let mut columns: Vec<Column> = stages
        .iter()
        .map(|stage| Column {
            title: stage.words(),
            cards: Vec::new(),
        })
        .collect();
    for card in cards {
        let at = stages.iter().position(|s| *s == card.stage);
        if let Some(column) = at.and_then(|at| columns.get_mut(at)) {
            column.cards.push(card);
        }
    }
    columns.retain(|c| !c.cards.is_empty());
    columns
}

/// Nothing may be fetched, sent, framed or run.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(sha256(STYLE.as_bytes())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_fetches_nothing_and_cannot_end_its_element() {
        for forbidden in ["</", "url(", "@import", "http:", "https:"] {
            assert!(!STYLE.contains(forbidden), "{forbidden}");
        }
    }
}
