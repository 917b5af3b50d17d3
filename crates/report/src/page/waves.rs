//! Waves in their order: when, who, what moves, the way back, what is measured, and what only a person can fill in.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::WaveEntry;
use groma_model::registry::REGISTRY;
use groma_model::wave::{Coexistence, Criterion, Move, Rollback};
use serde::Serialize;

use super::Rows;
use crate::human::number;
use crate::index::Index;
use crate::plan::Plan;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Members that are named before the rest is counted.
const MEMBERS_NAMED: usize = 60;
/// Needs across waves that are told of one wave.
const CROSSING_TOLD: usize = 12;
/// Values of one field that are printed.
const VALUES_MAX: usize = 40;

/// One wave.
#[derive(Serialize)]
pub(crate) struct WaveCard {
    /// What a link leads to.
    pub(crate) anchor: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) order: u32,
    pub(crate) owner: Option<String>,
    pub(crate) window: Option<String>,
    pub(crate) fields: Vec<WaveField>,
    /// How many fields ask somebody.
    pub(crate) asked: usize,
    /// `3 blank fields`, where there are any.
    pub(crate) asked_line: Option<String>,
    pub(crate) crossing: Vec<String>,
    pub(crate) crossing_total: usize,
    /// `5 needs cross to or from it`.
    pub(crate) crossing_line: String,
    pub(crate) crossing_more: Option<String>,
}

/// One field: what is known, or the question it is.
#[derive(Serialize)]
pub(crate) struct WaveField {
    pub(crate) label: &'static str,
    pub(crate) values: Vec<String>,
    /// `Question for Jo Example: Who decides to go back?`
    pub(crate) question: Option<String>,
}

/// The waves in their order.
pub(crate) fn cards(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<WaveCard> {
    let plan = index.plan();
    let crossing = crossing(index, limit);
    let waves: Vec<(usize, &WaveEntry)> = plan.waves(index.inventory).collect();
    Rows::first(&waves, limit, |(place, wave)| {
        let mut card = card(*place, wave, plan, words);
        if let Some(told) = crossing.get(place) {
            card.tell(told, index, words);
        }
        card
    })
}

/// How many questions of waves each person is asked, and nobody; over all waves.
pub(crate) fn asked(index: &Index<'_>, words: &Catalogue) -> BTreeMap<Option<String>, usize> {
    let plan = index.plan();
    let mut asked = BTreeMap::new();
    for (place, wave) in plan.waves(index.inventory) {
        let card = card(place, wave, plan, words);
        if card.asked > 0 {
            *asked.entry(card.owner).or_default() += card.asked;
        }
    }
    asked
}

impl WaveCard {
    fn tell(&mut self, told: &BTreeMap<Told<'_>, usize>, index: &Index<'_>, words: &Catalogue) {
        let more = told.len().saturating_sub(CROSSING_TOLD);
        let line = |(told, count): (&Told<'_>, &usize)| {
            times((crossing_line(told, index.plan(), index, words), *count))
        };
        self.crossing = told.iter().take(CROSSING_TOLD).map(line).collect();
        self.crossing_more = (more > 0).then(|| words.count(words.more, more));
        self.crossing_total = told.values().sum();
        self.crossing_line = words.count(words.wave_crossing_line, self.crossing_total);
    }
}

fn card(place: usize, wave: &WaveEntry, plan: &Plan, words: &Catalogue) -> WaveCard {
    let fields = Fields { wave, plan, words }.all();
    let asked = fields.iter().filter(|f| f.question.is_some()).count();
    WaveCard {
        anchor: anchor(place),
        name: named(wave, words),
        state: visible(&wave.state),
        order: wave.order,
        owner: filled(wave.owner.as_deref()),
        window: window(wave, words),
        asked,
        asked_line: (asked > 0).then(|| words.count(words.wave_blank, asked)),
        fields,
        crossing_total: 0,
        crossing_line: words.count(words.wave_crossing_line, 0),
        crossing_more: None,
        crossing: Vec::new(),
    }
}

/// `wave-1`: by place, so that no name needs to be escaped in a link.
pub(crate) fn anchor(place: usize) -> String {
    format!("wave-{}", place + 1)
}

/// A name that is nothing but blanks would leave nothing to click.
fn named(wave: &WaveEntry, words: &Catalogue) -> String {
    filled(Some(&wave.name)).unwrap_or_else(|| words.wave_unnamed.to_owned())
}

fn filled(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.trim().is_empty()).map(visible)
}

/// `2026-12-05 19:00 to 2026-12-06 03:00 UTC`.
fn window(wave: &WaveEntry, words: &Catalogue) -> Option<String> {
    let window = wave.window?;
    Some(fill(
        words.wave_from_to,
        &[&window.from.minute(), &window.to.minute()],
    ))
}

fn times((line, count): (String, usize)) -> String {
    match count {
        0 | 1 => line,
        many => format!("{line} × {}", number(many)),
    }
}

/// What one line tells: whether the wave needs it, the two ends, the wave of the other end, the kind.
type Told<'a> = (bool, &'a str, &'a str, Option<usize>, &'a str);

/// What crosses to or from each of the first waves, with how many needs each line stands for.
fn crossing<'a>(index: &Index<'a>, limit: usize) -> BTreeMap<usize, BTreeMap<Told<'a>, usize>> {
    let mut told: BTreeMap<usize, BTreeMap<Told<'a>, usize>> = BTreeMap::new();
    for crossing in &index.plan().crossing {
        let Some(need) = index.inventory.dependencies.get(crossing.dependency) else {
            continue;
        };
        let (consumer, provider) = (need.consumer.name.as_str(), need.provider.name.as_str());
        let ends = [
            (crossing.from, true, crossing.to),
            (crossing.to, false, crossing.from),
        ];
        for (place, needs, other) in ends {
            if let Some(place) = place.filter(|place| *place < limit) {
                let key = (needs, consumer, provider, other, need.kind.as_str());
                *told.entry(place).or_default().entry(key).or_default() += 1;
            }
        }
    }
    told
}

fn wave_name(place: Option<usize>, plan: &Plan, index: &Index<'_>, words: &Catalogue) -> String {
    place.map_or_else(
        || words.wave_none.to_owned(),
        |place| visible(plan.name(place, index.inventory)),
    )
}

fn crossing_line(told: &Told<'_>, plan: &Plan, index: &Index<'_>, words: &Catalogue) -> String {
    let (needs, consumer, provider, other, kind) = *told;
    let name = |text: &str| cut(&visible(text), 80);
    let form = match needs {
        true => words.wave_needs,
        false => words.wave_needed_by,
    };
    let other = wave_name(other, plan, index, words);
    let title = REGISTRY.kind(kind).title.as_str();
    fill(form, &[&name(consumer), &name(provider), &other, title])
}

/// Makes the fields of one wave.
struct Fields<'a> {
    wave: &'a WaveEntry,
    plan: &'a Plan,
    words: &'a Catalogue,
}

impl Fields<'_> {
    fn all(&self) -> Vec<WaveField> {
        let mut fields = self.schedule();
        fields.extend(self.content());
        fields.extend(self.side_by_side());
        fields.extend(self.way_back());
        fields.extend(self.acceptance());
        fields
    }

    fn schedule(&self) -> Vec<WaveField> {
        let (wave, words) = (self.wave, self.words);
        let one = |text: Option<&String>| text.and_then(|t| filled(Some(t)));
        let first = self.none_or(
            words.wave_requires,
            &wave.requires,
            words.wave_requires_none,
        );
        let beside = self.none_or(
            words.wave_parallel,
            &wave.parallel_with,
            words.wave_parallel_none,
        );
        vec![
            self.field(
                words.wave_window,
                window(wave, words),
                words.wave_ask_window,
            ),
            self.field(words.owner, one(wave.owner.as_ref()), words.wave_ask_owner),
            self.field(
                words.wave_change,
                one(wave.change_reference.as_ref()),
                words.wave_ask_change,
            ),
            first,
            beside,
        ]
    }

    fn content(&self) -> Vec<WaveField> {
        let (wave, words) = (self.wave, self.words);
        let expected: Vec<String> = wave.expected.iter().map(ToString::to_string).collect();
        let moves: Vec<String> = wave.moves.iter().map(|m| self.moved(m)).collect();
        vec![
            self.field(words.members, self.members(), words.wave_ask_members),
            self.field(words.wave_moves, moves, words.wave_ask_moves),
            self.field(
                words.wave_expected,
                shown(&expected),
                words.wave_ask_expected,
            ),
            self.none_or(words.wave_exclusions, &wave.exclusions, words.wave_nothing),
        ]
    }

    fn side_by_side(&self) -> Vec<WaveField> {
        let words = self.words;
        let none = Coexistence {
            until: None,
            how: None,
        };
        let beside = self.wave.coexistence.as_ref().unwrap_or(&none);
        vec![
            self.field(
                words.wave_coexistence,
                filled(beside.how.as_deref()),
                words.wave_ask_coexistence,
            ),
            self.field(
                words.wave_until,
                beside.until.map(|t| t.day()),
                words.wave_ask_until,
            ),
        ]
    }

    fn way_back(&self) -> Vec<WaveField> {
        let words = self.words;
        let none = Rollback::default();
        let back = self.wave.rollback.as_ref().unwrap_or(&none);
        let minutes = back.minutes.and_then(|m| usize::try_from(m).ok());
        let minutes = minutes.map(|m| words.count(words.minutes, m));
        let tested = back.restore_tested_on.map(|t| t.day());
        let text = |text: &Option<String>| filled(text.as_deref());
        [
            (words.wave_back, text(&back.what), words.wave_ask_back),
            (
                words.wave_trigger,
                text(&back.trigger),
                words.wave_ask_trigger,
            ),
            (words.wave_minutes, minutes, words.wave_ask_minutes),
            (
                words.wave_decides,
                text(&back.decides),
                words.wave_ask_decides,
            ),
            (words.wave_backup, text(&back.backup), words.wave_ask_backup),
            (words.wave_tested, tested, words.wave_ask_tested),
        ]
        .map(|(label, value, ask)| self.field(label, value, ask))
        .into()
    }

    fn acceptance(&self) -> Vec<WaveField> {
        let (wave, words) = (self.wave, self.words);
        let criteria: Vec<String> = wave.criteria.iter().map(|c| self.criterion(c)).collect();
        let mut measured = self.field(words.wave_criteria, criteria, words.wave_ask_criteria);
        let unaccepted = |c: &&Criterion| filled(c.accepted_by.as_deref()).is_none();
        if let Some(criterion) = wave.criteria.iter().find(unaccepted) {
            let ask = fill(words.wave_ask_accepts, &[&visible(&criterion.metric)]);
            measured.question = Some(self.question(&ask));
        }
        let told = wave.communications.iter();
        let told: Vec<String> = told
            .map(|(who, what)| format!("{}: {}", visible(who), visible(what)))
            .collect();
        vec![
            measured,
            self.field(words.wave_told, told, words.wave_ask_told),
        ]
    }

    /// What is known; else the question.
    fn field(
        &self,
        label: &'static str,
        values: impl IntoIterator<Item = String>,
        ask: &str,
    ) -> WaveField {
        let mut values: Vec<String> = values.into_iter().collect();
        let question = values.is_empty().then(|| self.question(ask));
        let more = values.len().saturating_sub(VALUES_MAX);
        if more > 0 {
            values.truncate(VALUES_MAX);
            values.push(self.words.count(self.words.more, more));
        }
        WaveField {
            label,
            values,
            question,
        }
    }

    /// A list that may well be empty: no question.
    fn none_or(&self, label: &'static str, list: &[String], none: &str) -> WaveField {
        let mut values = shown(list);
        if values.is_empty() {
            values.push(none.to_owned());
        }
        WaveField {
            label,
            values,
            question: None,
        }
    }

    fn question(&self, ask: &str) -> String {
        match filled(self.wave.owner.as_deref()) {
            Some(owner) => fill(self.words.wave_question_for, &[&owner, ask]),
            None => fill(self.words.wave_question, &[ask]),
        }
    }

    fn members(&self) -> Option<String> {
        let members: BTreeSet<&String> = self.wave.members.iter().collect();
        let say = |member: &&String| match self.plan.is_unknown(member) {
            true => fill(self.words.wave_not_here, &[&visible(member)]),
            false => visible(member),
        };
        let mut said: Vec<String> = members.iter().take(MEMBERS_NAMED).map(say).collect();
        let more = members.len().saturating_sub(MEMBERS_NAMED);
        if more > 0 {
            said.push(self.words.count(self.words.more, more));
        }
        let joined = said.join(", ");
        (!joined.is_empty()).then_some(joined)
    }

    fn moved(&self, moved: &Move) -> String {
        let (words, names) = (self.words, shown(&moved.names_that_follow));
        let ends = [visible(&moved.from), visible(&moved.to)];
        match names.is_empty() {
            true => fill(words.wave_move_no_names, &[&ends[0], &ends[1]]),
            false => fill(words.wave_move, &[&ends[0], &ends[1], &names.join(", ")]),
        }
    }

    fn criterion(&self, criterion: &Criterion) -> String {
        let words = self.words;
        let limits = [
            (words.wave_at_least, criterion.at_least),
            (words.wave_at_most, criterion.threshold),
        ];
        let limits = limits.into_iter().filter_map(|(form, limit)| {
            limit.map(|limit| fill(form, &[&visible(&criterion.metric), &limit.to_string()]))
        });
        let mut said = limits.collect::<Vec<_>>().join(", ");
        if let Some(baseline) = filled(criterion.baseline.as_deref()) {
            said.push_str(&fill(words.wave_baseline, &[&baseline]));
        }
        if let Some(by) = filled(criterion.accepted_by.as_deref()) {
            said.push_str(&fill(words.wave_accepted_by, &[&by]));
        }
        said
    }
}

fn shown(list: &[String]) -> Vec<String> {
    let mut values: Vec<String> = list.iter().take(VALUES_MAX).map(|v| visible(v)).collect();
    if list.len() > VALUES_MAX {
        values.push("…".to_owned());
    }
    values
}
