//! What there is of somebody: every table is read once, a row at a time. What is remembered of it grows with what is found, not with the
//! store.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::Fact;

use super::rows::{Cell, Rows};
use super::spelling::Finder;
use super::text::{Becomes, Rewriter};
use super::{ATTEMPT, MARK, Progress, Traces, Whom, mark};
use crate::StoreError;
use crate::place::{Hash, hash};

/// Rows between two words of how far it has come.
const STEP: u64 = 1 << 16;

/// Content by site and key.
pub(super) type Content = (Cell, Hash);

/// The columns by which a place is found: site, vantage, source, fact, scope as the key holds it.
pub(super) type PlaceKey = [Cell; 5];

/// What is to be done, and what it comes to.
#[derive(Default)]
pub(crate) struct Plan {
    /// The number of the act, and of the mark.
    pub(crate) number: u64,
    pub(crate) traces: Traces,
    /// Facts that say something else now, and under which key; or nothing.
    pub(super) facts: BTreeMap<Content, Option<Hash>>,
    /// Facts that only looks told that go.
    pub(super) orphans: BTreeSet<Content>,
    /// Places that are of another fact now, or called otherwise, or nothing.
    pub(super) places: BTreeMap<PlaceKey, Option<(Hash, Option<Cell>)>>,
    /// Streams that go.
    pub(super) streams: BTreeSet<(Cell, Cell)>,
    pub(super) reports: BTreeMap<Content, Hash>,
    pub(super) orphan_reports: BTreeSet<Content>,
    /// Looks (site, number) that told such a report.
    pub(super) looks: Vec<(Cell, Cell, Hash)>,
    /// Series (site, number) with other scope and subject.
    pub(super) series: Vec<Series>,
    /// Rows of small tables: which table, its key, its texts; nothing for a row that goes.
    pub(super) small: Vec<(&'static Small, SmallRow)>,
    /// Imported lists of which something is changed.
    pub(super) lists: BTreeSet<(Cell, Cell)>,
    /// The oldest look that told what is changed.
    oldest: Option<i64>,
}

/// A series of numbers that is called otherwise.
pub(super) struct Series {
    pub(super) site: Cell,
    pub(super) number: Cell,
    pub(super) vantage: Cell,
    pub(super) source: Cell,
    pub(super) metric: Cell,
    pub(super) scope: Cell,
    pub(super) subject: Cell,
}

/// The key of a row, and its texts; nothing for a row that goes.
type SmallRow = (Vec<Cell>, Option<Vec<Cell>>);

/// A table of few rows, each changed by itself.
pub(super) struct Small {
    pub(super) table: &'static str,
    pub(super) key: &'static [&'static str],
    texts: &'static [(&'static str, Form)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A text.
    Text,
    /// A text of which the key may hold the begin only.
    Whole,
    /// JSON.
    Json,
}

pub(super) const SMALL: &[Small] = &[
    Small {
        table: "identity",
        key: &["site_id", "kind", "value", "number"],
        texts: &[("value", Form::Whole), ("entity", Form::Text)],
    },
    Small {
        table: "merge",
        key: &["site_id", "entity", "number"],
        texts: &[
            ("entity", Form::Text),
            ("survivor", Form::Text),
            ("why", Form::Text),
        ],
    },
    Small {
        table: "annotation",
        key: &["site_id", "number"],
        texts: &[
            ("about", Form::Text),
            ("said_by", Form::Text),
            ("word", Form::Json),
        ],
    },
    Small {
        table: "agent",
        key: &["site_id", "agent"],
        texts: &[("json", Form::Json)],
    },
    Small {
        table: "snapshot",
        key: &["site_id", "name"],
        texts: &[("name", Form::Text)],
    },
    Small {
        table: "forgotten",
        key: &["site_id", "number"],
        texts: &[("said_by", Form::Text)],
    },
];

impl Small {
    /// How the columns are set that hold texts.
    pub(super) fn set(&self, rows: &impl Rows) -> (String, usize) {
        let mut place = 1;
        let mut clauses = Vec::new();
        for (column, form) in self.texts {
            if *form == Form::Whole {
                clauses.push(rows.set(column, place));
                place += rows.cells(Cell::Null).len();
            } else {
                clauses.push(format!("{column} = ${place}"));
                place += 1;
            }
        }
        (clauses.join(", "), place)
    }

    /// The values of these columns.
    pub(super) fn values(&self, rows: &impl Rows, texts: Vec<Cell>) -> Vec<Cell> {
        let pairs = self.texts.iter().zip(texts);
        pairs
            .flat_map(|((_, form), text)| match form {
                Form::Whole => rows.cells(text),
                Form::Text | Form::Json => vec![text],
            })
            .collect()
    }
}

/// Finds all there is of `whom`.
pub(crate) fn plan(
    rows: &mut impl Rows,
    whom: &Whom,
    heard: &mut dyn FnMut(Progress),
) -> Result<Plan, StoreError> {
    let newest = rows.all("SELECT coalesce(max(number), 0) FROM forgotten", &[])?;
    let newest = newest.first().and_then(|row| row.first());
    let newest = newest.map_or(0, Cell::number).unsigned_abs();
    let mut number = newest + 1;
    loop {
        let (plan, taken) = numbered(rows, whom, number, heard)?;
        if !taken.contains(&number) {
            return Ok(plan);
        }
        // Something is called like the mark.
        while taken.contains(&number) {
            number += 1;
        }
    }
}

/// As [`plan`], under this number, and the numbers of marks that texts say already.
fn numbered(
    rows: &mut impl Rows,
    whom: &Whom,
    number: u64,
    heard: &mut dyn FnMut(Progress),
) -> Result<(Plan, BTreeSet<u64>), StoreError> {
    let mark = mark(number);
    let finder = Finder::new(&whom.spellings);
    let rewriter = Rewriter::new(whom, &finder, &mark);
    let mut reading = Reading {
        rows,
        whom,
        rewriter: &rewriter,
        taken: BTreeSet::new(),
        plan: Plan {
            number,
            ..Plan::default()
        },
        heard,
    };
    reading.streams()?;
    reading.facts()?;
    reading.events()?;
    reading.reports()?;
    reading.series()?;
    for small in SMALL {
        reading.small(small)?;
    }
    reading.snapshots()?;
    let taken = reading.taken;
    let mut plan = reading.plan;
    plan.traces.imports = plan.lists.len() as u64;
    plan.traces.near = finder.near();
    Ok((plan, taken))
}

struct Reading<'r, R> {
    rows: &'r mut R,
    whom: &'r Whom,
    rewriter: &'r Rewriter<'r>,
    /// Numbers of marks that texts say already.
    taken: BTreeSet<u64>,
    plan: Plan,
    heard: &'r mut dyn FnMut(Progress),
}

impl<R: Rows> Reading<'_, R> {
    /// The streams that go as a whole.
    fn streams(&mut self) -> Result<(), StoreError> {
        let found = self
            .rows
            .all("SELECT DISTINCT site_id, vantage FROM stream", &[])?;
        let goes = |vantage: &Cell| {
            let vantages = self.whom.vantages.iter();
            vantages
                .into_iter()
                .any(|agent| agent.as_str().as_bytes() == vantage.bytes())
        };
        for row in found {
            if let [site, vantage] = row.as_slice()
                && goes(vantage)
            {
                self.plan.streams.insert((site.clone(), vantage.clone()));
            }
        }
        Ok(())
    }

    fn facts(&mut self) -> Result<(), StoreError> {
        let rewriter = self.rewriter;
        let mut many = 0;
        let taken = &mut self.taken;
        let (plan, heard) = (&mut self.plan, &mut *self.heard);
        self.rows
            .each("SELECT site_id, hash, json FROM fact", &[], &mut |row| {
                let [site, key, json] = row else {
                    return Ok(());
                };
                step(heard, "facts", &mut many);
                let json = json.text();
                note_marks(&json, taken);
                let becomes = rewriter.fact(&json);
                if becomes == Becomes::Itself {
                    return Ok(());
                }
                let is_own = Fact::from_json(&json).is_ok_and(|fact| rewriter.is_account(&fact));
                plan.traces.as_person += u64::from(is_own);
                let key = (site.clone(), hash_of(key)?);
                let new = match becomes {
                    Becomes::Other(text) => Some(hash(&text)),
                    Becomes::Itself | Becomes::Nothing => None,
                };
                plan.facts.insert(key, new);
                Ok(())
            })?;
        Ok(())
    }

    fn events(&mut self) -> Result<(), StoreError> {
        let mut erased: BTreeSet<Content> = BTreeSet::new();
        for (site, vantage) in self.plan.streams.clone() {
            let sql = "SELECT fact, look FROM event WHERE site_id = $1 AND vantage = $2";
            let plan = &mut self.plan;
            self.rows.each(sql, &[site.clone(), vantage], &mut |row| {
                let [fact, look] = row else { return Ok(()) };
                plan.traces.sightings_removed += 1;
                plan.tells(look);
                erased.insert((site.clone(), hash_of(fact)?));
                Ok(())
            })?;
        }
        let rewriter = self.rewriter;
        let mut many = 0;
        let taken = &mut self.taken;
        let whole = self.rows.whole("scope");
        let sql = format!("SELECT site_id, vantage, source, fact, scope, {whole}, look FROM event");
        let (plan, heard) = (&mut self.plan, &mut *self.heard);
        self.rows.each(&sql, &[], &mut |row| {
            let [site, vantage, source, fact, key, scope, look] = row else {
                return Ok(());
            };
            step(heard, "sightings", &mut many);
            let goes =
                !plan.streams.is_empty() && plan.streams.contains(&(site.clone(), vantage.clone()));
            if goes {
                return Ok(());
            }
            let content = (site.clone(), hash_of(fact)?);
            erased.remove(&content);
            let text = scope.text();
            note_marks(&text, taken);
            let renamed = rewriter.scope(&text).map(|text| scope.with(text.into()));
            let becomes = match (plan.facts.get(&content), renamed) {
                (None, None) => return Ok(()),
                (Some(None), _) => None,
                (Some(Some(new)), renamed) => Some((*new, renamed)),
                (None, renamed) => Some((content.1, renamed)),
            };
            match becomes {
                Some(_) => plan.traces.sightings_changed += 1,
                None => plan.traces.sightings_removed += 1,
            }
            plan.tells(look);
            if vantage.bytes().starts_with(b"list-") {
                plan.lists.insert((site.clone(), vantage.clone()));
            }
            let place = [site, vantage, source, fact, key].map(Clone::clone);
            plan.places.insert(place, becomes);
            Ok(())
        })?;
        self.plan.orphans = erased;
        self.plan.count_facts();
        Ok(())
    }

    fn reports(&mut self) -> Result<(), StoreError> {
        let rewriter = self.rewriter;
        let taken = &mut self.taken;
        let plan = &mut self.plan;
        self.rows
            .each("SELECT site_id, hash, json FROM report", &[], &mut |row| {
                let [site, key, json] = row else {
                    return Ok(());
                };
                let json = json.text();
                note_marks(&json, taken);
                if let Some(new) = rewriter.json(&json) {
                    let key = (site.clone(), hash_of(key)?);
                    plan.reports.insert(key, hash(&new));
                }
                Ok(())
            })?;
        let (mut erased, mut kept) = (BTreeSet::new(), BTreeSet::new());
        let sql = "SELECT site_id, id, vantage, report FROM look";
        self.rows.each(sql, &[], &mut |row| {
            let [site, id, vantage, report] = row else {
                return Ok(());
            };
            let content = (site.clone(), hash_of(report)?);
            if plan.streams.contains(&(site.clone(), vantage.clone())) {
                plan.traces.looks_removed += 1;
                plan.tells(id);
                erased.insert(content);
                return Ok(());
            }
            if let Some(new) = plan.reports.get(&content) {
                plan.looks.push((site.clone(), id.clone(), *new));
                plan.tells(id);
            }
            kept.insert(content);
            Ok(())
        })?;
        self.plan.orphan_reports = erased.difference(&kept).cloned().collect();
        let goes = |content: &&Content| !self.plan.orphan_reports.contains(*content);
        self.plan.traces.reports_changed = self.plan.reports.keys().filter(goes).count() as u64;
        Ok(())
    }

    fn series(&mut self) -> Result<(), StoreError> {
        let rewriter = self.rewriter;
        let taken = &mut self.taken;
        let [scope, metric, subject] = ["scope", "metric", "subject"].map(|c| self.rows.whole(c));
        let sql = format!(
            "SELECT site_id, id, vantage, source, {metric}, {scope}, {subject} FROM series"
        );
        let plan = &mut self.plan;
        self.rows.each(&sql, &[], &mut |row| {
            let [site, number, vantage, source, metric, scope, subject] = row else {
                return Ok(());
            };
            if plan.streams.contains(&(site.clone(), vantage.clone())) {
                plan.traces.numbers_removed += 1;
                return Ok(());
            }
            note_marks(&scope.text(), taken);
            note_marks(&subject.text(), taken);
            let new_scope = rewriter.scope(&scope.text());
            let new_subject = rewriter.bytes(subject.bytes());
            if new_scope.is_none() && new_subject.is_none() {
                return Ok(());
            }
            plan.traces.numbers_changed += 1;
            plan.series.push(Series {
                site: site.clone(),
                number: number.clone(),
                vantage: vantage.clone(),
                source: source.clone(),
                metric: metric.clone(),
                scope: new_scope.map_or_else(|| scope.clone(), |new| scope.with(new.into())),
                subject: new_subject.map_or_else(|| subject.clone(), |new| subject.with(new)),
            });
            Ok(())
        })?;
        Ok(())
    }

    fn small(&mut self, small: &'static Small) -> Result<(), StoreError> {
        let columns = small.key.iter().map(|column| (*column).to_owned());
        let texts = small.texts.iter().map(|(column, form)| match form {
            Form::Whole => self.rows.whole(column),
            Form::Text | Form::Json => (*column).to_owned(),
        });
        let columns: Vec<String> = columns.chain(texts).collect();
        let sql = format!("SELECT {} FROM {}", columns.join(", "), small.table);
        for row in self.rows.all(&sql, &[])? {
            let (key, texts) = row.split_at(small.key.len());
            for text in texts {
                note_marks(&text.text(), &mut self.taken);
            }
            if self.goes(small, key, texts) {
                self.plan.found(small, true);
                self.plan.small.push((small, (key.to_vec(), None)));
                continue;
            }
            let pairs = small.texts.iter().zip(texts);
            let new: Vec<Option<Vec<u8>>> = pairs
                .map(|((_, form), cell)| match form {
                    Form::Json => self.rewriter.json(&cell.text()).map(String::into_bytes),
                    Form::Text | Form::Whole => self.rewriter.bytes(cell.bytes()),
                })
                .collect();
            if new.iter().all(Option::is_none) {
                continue;
            }
            self.plan.found(small, false);
            self.plan.traces.as_person += u64::from(is_of_person(small, texts, &new));
            let pairs = texts.iter().zip(new);
            let texts = pairs.map(|(cell, new)| new.map_or_else(|| cell.clone(), |n| cell.with(n)));
            let texts = texts.collect();
            self.plan.small.push((small, (key.to_vec(), Some(texts))));
        }
        Ok(())
    }

    /// True if a row of a small table is all about whom is to be forgotten.
    fn goes(&self, small: &Small, key: &[Cell], texts: &[Cell]) -> bool {
        let is_entity = |cell: Option<&Cell>| {
            let text = cell.map(Cell::text).unwrap_or_default();
            self.whom.entities.iter().any(|id| id.as_str() == text)
        };
        match small.table {
            "identity" => is_entity(texts.get(1)),
            "merge" => is_entity(texts.first()) || is_entity(texts.get(1)),
            "annotation" => {
                let about = texts.first().map(Cell::text).unwrap_or_default();
                self.whom.about.contains(&*about)
            }
            "agent" => {
                let agent = key.get(1).map(Cell::text).unwrap_or_default();
                self.whom.vantages.iter().any(|id| id.as_str() == agent)
            }
            _ => false,
        }
    }

    /// Named moments that show something else now.
    fn snapshots(&mut self) -> Result<(), StoreError> {
        let Some(oldest) = self.plan.oldest else {
            return Ok(());
        };
        let sql = "SELECT count(*) FROM snapshot WHERE watermark >= $1";
        let found = self.rows.all(sql, &[Cell::Number(oldest)])?;
        let many = found
            .first()
            .and_then(|row| row.first())
            .map_or(0, Cell::number);
        self.plan.traces.snapshots_affected = many.unsigned_abs();
        Ok(())
    }
}

fn step(heard: &mut dyn FnMut(Progress), what: &'static str, many: &mut u64) {
    *many += 1;
    if many.is_multiple_of(STEP) {
        heard(Progress::Read(what, *many));
    }
}

/// True if a word of people was said by somebody of the name, or names him where a person is named.
fn is_of_person(small: &Small, texts: &[Cell], new: &[Option<Vec<u8>>]) -> bool {
    let is_new = |place: usize| new.get(place).is_some_and(Option::is_some);
    let names_people = texts.get(2).is_some_and(|word| {
        let word = word.text();
        let fields = ["{\"owner\"", "{\"key-users\"", "{\"on-call\""];
        fields.iter().any(|field| word.starts_with(field))
    });
    small.table == "annotation" && (is_new(1) || names_people && is_new(2))
}

/// Remembers the numbers of all marks in `text`.
fn note_marks(text: &str, taken: &mut BTreeSet<u64>) {
    for (at, begin) in text.match_indices(MARK) {
        let rest = text.get(at + begin.len()..).unwrap_or_default();
        let digits = rest.find(|c: char| !c.is_ascii_digit());
        let number = rest.get(..digits.unwrap_or(rest.len()));
        taken.extend(number.and_then(|digits| digits.parse::<u64>().ok()));
    }
}

fn hash_of(cell: &Cell) -> Result<Hash, StoreError> {
    cell.bytes().try_into().map_err(|_| StoreError::Damaged {
        attempt: ATTEMPT,
        why: "a key is not 16 bytes long".to_owned(),
    })
}

impl Plan {
    fn tells(&mut self, look: &Cell) {
        let look = look.number();
        self.oldest = Some(self.oldest.map_or(look, |oldest| oldest.min(look)));
    }

    fn count_facts(&mut self) {
        let stays = |content: &&Content| !self.orphans.contains(*content);
        let others = self.facts.iter().filter(|(content, _)| stays(content));
        let (mut changed, mut removed) = (0, 0);
        for (_, new) in others {
            match new {
                Some(_) => changed += 1,
                None => removed += 1,
            }
        }
        self.traces.facts_changed = changed;
        self.traces.facts_removed = removed + self.orphans.len() as u64;
    }

    fn found(&mut self, small: &Small, goes: bool) {
        let traces = &mut self.traces;
        let counted = match (small.table, goes) {
            ("identity" | "merge", true) => &mut traces.identities_removed,
            ("identity" | "merge", false) => &mut traces.identities_changed,
            ("annotation", true) => &mut traces.annotations_removed,
            ("annotation", false) => &mut traces.annotations_changed,
            ("snapshot", _) => &mut traces.snapshots_renamed,
            ("forgotten", _) => &mut traces.acts_changed,
            _ => &mut traces.agents,
        };
        *counted += 1;
    }
}
