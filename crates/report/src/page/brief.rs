//! What a decision maker reads on one page: what breaks, what is ready, whether the audit is finished, who is asked what.

use std::collections::BTreeMap;

use groma_model::inventory::{Dependency, Inventory, Strength};
use groma_model::registry::REGISTRY;
use serde::Serialize;

use super::coverage::GapRow;
use super::front::runs_services;
use super::{Rows, WaveCard, needs, waves};
use crate::human::number;
use crate::index::Index;
use crate::rank;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Hidden needs that are told in sentences.
const BREAKS: usize = 4;
/// Reasons of one sentence.
const REASONS: usize = 2;
/// Risks, waves and persons that have a line.
pub(crate) const LINES: usize = 5;
/// Characters of the estimate on the first page; the section of what is not known has all of it.
const ESTIMATE_MAX: usize = 170;
/// Kinds of gaps that are told.
const GAPS: usize = 2;

/// The executive page, but for the figures above it.
#[derive(Serialize)]
pub(crate) struct Brief {
    /// Whole sentences; empty where nothing hidden was seen.
    pub(crate) breaks: Vec<String>,
    pub(crate) breaks_more: Option<String>,
    pub(crate) waves: Vec<WaveLine>,
    pub(crate) waves_more: Option<String>,
    /// Whether the audit is finished, in sentences.
    pub(crate) finished: Vec<String>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) asked_more: Option<String>,
}

/// A wave in one line.
#[derive(Serialize)]
pub(crate) struct WaveLine {
    pub(crate) anchor: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) when: String,
    /// Blank fields, and needs that cross.
    pub(crate) open: String,
}

/// How much one person is asked.
#[derive(Serialize)]
pub(crate) struct Asked {
    pub(crate) who: String,
    pub(crate) questions: usize,
    pub(crate) line: String,
}

/// The page of one inventory; `cards` and `gaps` are those of the sections below.
pub(crate) fn of(
    index: &Index<'_>,
    cards: &Rows<WaveCard>,
    gaps: &Rows<GapRow>,
    words: &Catalogue,
) -> Brief {
    let hidden = index.hidden();
    let chosen = rank::surprises(&hidden, BREAKS);
    let more = hidden.len() - chosen.len();
    let lines: Vec<WaveLine> = cards
        .rows
        .iter()
        .take(LINES)
        .map(|c| line(c, words))
        .collect();
    let left = cards.total - lines.len();
    let (asked, asked_more) = asked(index, words);
    Brief {
        breaks: chosen.into_iter().map(|d| breaks(d, words)).collect(),
        breaks_more: some(more, words.brief_more_hidden, words),
        waves: lines,
        waves_more: some(left, words.brief_more_waves, words),
        finished: finished(index, gaps, words),
        asked,
        asked_more,
    }
}

fn some(n: usize, forms: &'static str, words: &Catalogue) -> Option<String> {
    (n > 0).then(|| words.count(forms, n))
}

/// `When db1 goes, billing.service on app1 stops: its database is there. No list shows it: only a scheduled job uses it.`
fn breaks(dependency: &Dependency, words: &Catalogue) -> String {
    let name = |text: &str| cut(&visible(text), 60);
    let form = match dependency.strength {
        Strength::Blocking => words.brief_stops,
        Strength::Degrading => words.brief_limps,
        Strength::Unknown => words.brief_unsaid,
    };
    let part = name(&dependency.consumer.component.name.lossy());
    let host = name(&dependency.consumer.name);
    let consumer = match part == host {
        true => host,
        false => fill(words.part_on, &[&part, &host]),
    };
    let title = &REGISTRY.kind(&dependency.kind).title;
    let mut said = fill(form, &[&name(&dependency.provider.name), &consumer, title]);
    let reasons = rank::strongest_reasons(dependency, REASONS);
    let reasons: Vec<String> = reasons.map(|word| cut(&needs::reason(word), 90)).collect();
    if !reasons.is_empty() {
        said.push(' ');
        said.push_str(&fill(words.brief_because, &[&reasons.join("; ")]));
    }
    said
}

fn line(card: &WaveCard, words: &Catalogue) -> WaveLine {
    let when = card.window.as_deref().unwrap_or(words.wave_no_window);
    let crossing = some(card.crossing_total, words.wave_crossing_line, words);
    let open: Vec<&str> = [card.asked_line.as_deref(), crossing.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    WaveLine {
        anchor: card.anchor.clone(),
        name: cut(&card.name, 60),
        state: card.state.clone(),
        when: when.to_owned(),
        open: open.join(", "),
    }
}

/// Whether the audit is finished: the estimate with its interval, then what was not looked at.
fn finished(index: &Index<'_>, gaps: &Rows<GapRow>, words: &Catalogue) -> Vec<String> {
    let inventory = index.inventory;
    let mut said = vec![cut(&estimate(inventory, words), ESTIMATE_MAX)];
    said.push(looked_at(inventory, words));
    let partial = inventory
        .coverage
        .iter()
        .filter(|c| c.state != groma_model::CoverageState::Complete)
        .count();
    let all = inventory.coverage.len();
    if partial > 0 {
        said.push(fill(words.brief_partial, &[&number(partial), &number(all)]));
    }
    let told = gaps.rows.iter().take(GAPS).map(|gap| {
        let remedy = gap.remedy.as_deref().unwrap_or(words.no_remedy);
        let example = gap.examples.first().map_or("", String::as_str);
        let (example, remedy) = (cut(example, 60), cut(remedy, 90));
        fill(words.brief_gap, &[&example, &gap.reason, &remedy])
    });
    said.extend(told);
    said
}

/// The words of whoever estimated it, or why there is no number.
pub(super) fn estimate(inventory: &Inventory, words: &Catalogue) -> String {
    if let Some(unseen) = super::front::unseen(inventory) {
        return unseen;
    }
    let why = inventory.estimate.as_ref().and_then(|e| e.why_not.as_ref());
    match why.map(|why| visible(why)).filter(|why| !why.is_empty()) {
        Some(why) => fill(words.brief_no_estimate_because, &[&why]),
        None => words.brief_no_estimate.to_owned(),
    }
}

fn looked_at(inventory: &Inventory, words: &Catalogue) -> String {
    let hosts = || inventory.entities.iter().filter(|e| runs_services(e));
    let inside = hosts().filter(|e| e.has_agent).count();
    fill(
        words.brief_inside,
        &[&number(inside), &words.count(words.host, hosts().count())],
    )
}

/// Persons by how much they are asked; questions to nobody come first, because somebody must be found.
fn asked(index: &Index<'_>, words: &Catalogue) -> (Vec<Asked>, Option<String>) {
    let mut by: BTreeMap<Option<String>, usize> = waves::asked(index, words);
    for question in index.questions() {
        let to = question.to.as_deref().filter(|to| !to.trim().is_empty());
        *by.entry(to.map(visible)).or_default() += 1;
    }
    let mut all: Vec<(Option<String>, usize)> = by.into_iter().collect();
    all.sort_by(|a, b| {
        let key = |(who, n): &(Option<String>, usize)| (who.is_some(), std::cmp::Reverse(*n));
        key(a).cmp(&key(b)).then_with(|| a.0.cmp(&b.0))
    });
    let left = all.len().saturating_sub(LINES);
    let rows = all.into_iter().take(LINES).map(|(who, questions)| Asked {
        who: who.map_or_else(|| words.to_nobody.to_owned(), |who| cut(&who, 60)),
        questions,
        line: words.count(words.brief_questions, questions),
    });
    (rows.collect(), some(left, words.brief_more_people, words))
}
