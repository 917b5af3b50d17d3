//! The wave's machines with those who need them and those they need, before and after, box beside box.
//!
//! A machine stands at the same height on both sides, so that the eye sees which lines went elsewhere. What became of a
//! line is told by its colour, by its stroke and by a mark: each of them is enough alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::inventory::{Dependency, Inventory};
use groma_model::{DependencyId, EntityId};

use crate::outcome::{PlaceRole, WaveOutcome};
use crate::plain::plain;

/// Boxes of one column; of more the rest is one box.
const BOXES_MAX: usize = 14;
/// Letters that fit into a box.
const LETTERS_MAX: usize = 20;
const BOX_WIDTH: i64 = 152;
const BOX_HEIGHT: i64 = 36;
const STEP: i64 = 48;
const COLUMNS: [i64; 3] = [2, 246, 490];
const TOP: i64 = 30;

/// What became of a line, the gravest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum State {
    Kept,
    New,
    Confirmed,
    NotDue,
    NotSeen,
    Goes,
    Moved,
    Missing,
}

impl State {
    /// Class, mark and word of each.
    pub(crate) fn style(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Kept => ("kept", "", "as before"),
            Self::New => ("new", "*", "new on a machine of the wave"),
            Self::Confirmed => ("confirmed", "=", "confirmed at the new place"),
            Self::NotDue => ("due", ".", "not due yet"),
            Self::NotSeen => ("unseen", "?", "not seen"),
            Self::Goes => ("goes", "", "to be moved"),
            Self::Moved => ("moved", ">", "moved elsewhere"),
            Self::Missing => (
                "missing",
                "!",
                "missing: still at the old place, or nowhere",
            ),
        }
    }
}

/// Both panels.
pub(crate) struct Drawing {
    pub(crate) height: i64,
    pub(crate) panels: [Panel; 2],
    pub(crate) legend: Vec<(&'static str, &'static str, &'static str)>,
}

/// One side.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) id: &'static str,
    pub(crate) lines: Vec<Line>,
    pub(crate) boxes: Vec<Box>,
    pub(crate) says: String,
}

/// One line.
pub(crate) struct Line {
    pub(crate) class: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) path: String,
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) title: String,
}

/// One box.
pub(crate) struct Box {
    pub(crate) class: &'static str,
    pub(crate) x: i64,
    pub(crate) y: i64,
    pub(crate) title: String,
    pub(crate) sub: String,
    pub(crate) full: String,
}

/// The machines of one column, and where everybody stands.
#[derive(Default)]
struct Layout<'a> {
    /// Column and row of each machine; of the folded ones that of the box for the rest.
    at: BTreeMap<&'a EntityId, (usize, usize)>,
    /// How many stand behind the last box of a column.
    folded: [usize; 3],
    shown: [Vec<&'a EntityId>; 3],
}

impl Layout<'_> {
    fn rows(&self, column: usize) -> usize {
        let shown = self.shown.get(column).map_or(0, Vec::len);
        shown + usize::from(self.folded.get(column).is_some_and(|n| *n > 0))
    }

    /// The upper left corner of a box. A short column stands in the middle of a tall one, so that lines part sooner.
    fn corner(&self, (column, row): (usize, usize)) -> (i64, i64) {
        let whole = |n: usize| i64::try_from(n).unwrap_or(0);
        let tallest = (0..3).map(|c| self.rows(c)).max().unwrap_or(0);
        let free = whole(tallest - self.rows(column).min(tallest));
        let x = COLUMNS.get(column).copied().unwrap_or(0);
        (x, TOP + STEP * whole(row) + STEP * free / 2)
    }
}

/// A line between two machines, before it is placed.
struct Need<'a> {
    consumer: &'a EntityId,
    provider: &'a EntityId,
    kind: &'a str,
    state: State,
}

impl<'a> Need<'a> {
    fn consumer(&self) -> &'a EntityId {
        self.consumer
    }

    fn provider(&self) -> &'a EntityId {
        self.provider
    }
}

struct Sides<'a> {
    before: &'a Inventory,
    after: &'a Inventory,
    places: HashMap<&'a EntityId, (PlaceRole, Option<&'a EntityId>)>,
}

/// The drawing; none where the wave names no machine that is known.
pub(crate) fn draw(
    outcome: &WaveOutcome,
    before: &Inventory,
    after: &Inventory,
) -> Option<Drawing> {
    let places = outcome
        .places
        .iter()
        .map(|p| (&p.entity, (p.role, p.to.as_ref())));
    let sides = Sides {
        before,
        after,
        places: places.collect(),
    };
    if sides.places.is_empty() {
        return None;
    }
    let (old, new) = (sides.earlier(), sides.later(&states(outcome)));
    let names = sides.names();
    let layout = sides.layout(&old, &new, &names);
    let rows = (0..3).map(|column| layout.rows(column)).max().unwrap_or(1);
    let legend = legend(old.iter().chain(&new));
    let panel = |title, id, needs: &[Need<'_>], inventory| Panel {
        title,
        id,
        lines: lines(&layout, needs, &names),
        boxes: sides.boxes(&layout, inventory, &names),
        says: spoken(title, needs),
    };
    Some(Drawing {
        height: TOP + STEP * i64::try_from(rows).unwrap_or(1) + 4,
        panels: [
            panel("Before", "before", &old, before),
            panel("After", "after", &new, after),
        ],
        legend,
    })
}

/// For those who cannot see the drawing.
fn spoken(title: &str, needs: &[Need<'_>]) -> String {
    let mut counts: BTreeMap<State, usize> = BTreeMap::new();
    for need in needs {
        *counts.entry(need.state).or_default() += 1;
    }
    let said: Vec<String> = counts
        .iter()
        .map(|(s, n)| format!("{n} {}", s.style().2))
        .collect();
    format!("{title}: {}", said.join(", "))
}

fn legend<'n>(
    needs: impl Iterator<Item = &'n Need<'n>>,
) -> Vec<(&'static str, &'static str, &'static str)> {
    let states: BTreeSet<State> = needs.map(|n| n.state).collect();
    states.into_iter().map(State::style).collect()
}

/// What the outcome says of each dependency.
fn states(outcome: &WaveOutcome) -> HashMap<&DependencyId, State> {
    let lists = [
        (State::Confirmed, &outcome.confirmed),
        (State::NotDue, &outcome.not_due_yet),
        (State::NotSeen, &outcome.not_seen),
        (State::Moved, &outcome.moved),
        (State::Missing, &outcome.missing),
    ];
    let mut states = HashMap::new();
    for (state, list) in lists {
        for id in list.iter().filter_map(|line| line.dependency.as_ref()) {
            states.insert(id, state);
        }
    }
    states
}

impl<'a> Sides<'a> {
    fn touches(&self, d: &Dependency) -> bool {
        let place = |id: &EntityId| self.places.contains_key(id);
        !d.details.local && (place(&d.consumer.entity) || place(&d.provider.entity))
    }

    /// What everybody needs is folded away, unless it is the wave's own service.
    fn is_told(&self, d: &Dependency) -> bool {
        self.touches(d) && (!d.shared_service || self.places.contains_key(&d.provider.entity))
    }

    fn earlier(&self) -> Vec<Need<'a>> {
        let goes = |id| {
            self.places
                .get(id)
                .is_some_and(|(role, _)| *role == PlaceRole::From)
        };
        let needs = self.before.dependencies.iter().filter(|d| self.is_told(d));
        needs
            .map(|d| Need {
                consumer: &d.consumer.entity,
                provider: &d.provider.entity,
                kind: &d.kind,
                state: if goes(&d.provider.entity) {
                    State::Goes
                } else {
                    State::Kept
                },
            })
            .collect()
    }

    fn later(&self, states: &HashMap<&DependencyId, State>) -> Vec<Need<'a>> {
        let told = self.before.dependencies.iter().filter(|d| self.is_told(d));
        let known: HashSet<&DependencyId> = told.map(|d| &d.id).collect();
        let mut drawn: HashSet<&DependencyId> = HashSet::new();
        let mut needs = Vec::new();
        for d in &self.after.dependencies {
            let state = states.get(&d.id);
            if !self.is_told(d) && state.is_none() {
                continue;
            }
            drawn.insert(&d.id);
            let usual = match (d.current, known.contains(&d.id)) {
                (false, _) => State::NotSeen,
                (true, true) => State::Kept,
                (true, false) => State::New,
            };
            needs.push(Need {
                consumer: &d.consumer.entity,
                provider: &d.provider.entity,
                kind: &d.kind,
                state: state.copied().unwrap_or(usual),
            });
        }
        // What is at neither place is drawn to where it should be.
        for d in &self.before.dependencies {
            let Some(state) = states.get(&d.id).filter(|_| !drawn.contains(&d.id)) else {
                continue;
            };
            let place = self.places.get(&d.provider.entity).and_then(|(_, to)| *to);
            needs.push(Need {
                consumer: &d.consumer.entity,
                provider: place.unwrap_or(&d.provider.entity),
                kind: &d.kind,
                state: *state,
            });
        }
        needs
    }

    fn names(&self) -> BTreeMap<&'a EntityId, &'a str> {
        let both = self.before.entities.iter().chain(&self.after.entities);
        both.map(|e| (&e.id, e.name.as_str())).collect()
    }

    /// The gravest first, then by name: what is folded away is what nobody has to look at.
    fn layout(
        &self,
        old: &[Need<'a>],
        new: &[Need<'a>],
        names: &BTreeMap<&'a EntityId, &'a str>,
    ) -> Layout<'a> {
        let mut columns: [BTreeMap<&'a EntityId, State>; 3] = Default::default();
        for (id, (role, _)) in &self.places {
            let weight = if *role == PlaceRole::Member {
                State::Kept
            } else {
                State::Missing
            };
            columns[1].insert(id, weight);
        }
        // Who both needs a machine of the wave and is needed by one stands on the left.
        for (number, end) in [
            (0, Need::consumer as fn(&Need<'a>) -> &'a EntityId),
            (2, Need::provider),
        ] {
            for need in old.iter().chain(new) {
                let id = end(need);
                let column = match number {
                    _ if self.places.contains_key(id) => 1,
                    2 if columns[0].contains_key(id) => 0,
                    number => number,
                };
                let state = if need.state == State::Goes {
                    State::Kept
                } else {
                    need.state
                };
                let slot = columns[column].entry(id).or_insert(State::Kept);
                *slot = (*slot).max(state);
            }
        }
        let mut layout = Layout::default();
        for (number, column) in columns.into_iter().enumerate() {
            let role = |id| self.places.get(id).map(|(role, _)| *role);
            let mut ranked: Vec<_> = column
                .into_iter()
                .map(|(id, state)| (std::cmp::Reverse(state), role(id), names.get(id), id))
                .collect();
            ranked.sort();
            let fits = if ranked.len() > BOXES_MAX {
                BOXES_MAX - 1
            } else {
                ranked.len()
            };
            let mut shown: Vec<&'a EntityId> = ranked.iter().take(fits).map(|r| r.3).collect();
            shown.sort_by_key(|id| (role(id), names.get(id), *id));
            for (row, id) in shown.iter().enumerate() {
                layout.at.insert(id, (number, row));
            }
            for (_, _, _, id) in ranked.iter().skip(fits) {
                layout.at.entry(id).or_insert((number, fits));
            }
            layout.folded[number] = ranked.len() - fits;
            layout.shown[number] = shown;
        }
        layout
    }

    fn boxes(
        &self,
        layout: &Layout<'a>,
        inventory: &Inventory,
        names: &BTreeMap<&'a EntityId, &'a str>,
    ) -> Vec<Box> {
        let there: BTreeMap<&EntityId, &str> = inventory
            .entities
            .iter()
            .map(|e| (&e.id, e.kind.as_str()))
            .collect();
        let mut boxes = Vec::new();
        for (column, ids) in layout.shown.iter().enumerate() {
            for (row, id) in ids.iter().enumerate() {
                let name = plain(names.get(id).copied().unwrap_or(id.as_str()));
                let kind = there.get(id).copied();
                let (class, sub) = match self.places.get(id) {
                    Some((PlaceRole::From, _)) => ("from", "goes"),
                    Some((PlaceRole::To, _)) => ("to", "takes its place"),
                    Some((PlaceRole::Member, _)) => ("member", "in the wave"),
                    None => ("other", kind.unwrap_or("")),
                };
                let (class, sub) = if kind.is_none() {
                    ("absent", "not there")
                } else {
                    (class, sub)
                };
                let (x, y) = layout.corner((column, row));
                boxes.push(Box {
                    class,
                    x,
                    y,
                    title: cut(&name),
                    sub: plain(sub),
                    full: name,
                });
            }
            let folded = layout.folded.get(column).copied().unwrap_or(0);
            if folded > 0 {
                let (x, y) = layout.corner((column, ids.len()));
                let title = format!("and {folded} more");
                boxes.push(Box {
                    class: "rest",
                    x,
                    y,
                    full: title.clone(),
                    title,
                    sub: "drawn as one".to_owned(),
                });
            }
        }
        boxes
    }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LETTERS_MAX {
        return name.to_owned();
    }
    let first: String = name.chars().take(LETTERS_MAX - 1).collect();
    format!("{first}…")
}

/// One line per pair of boxes and state, with the kinds it stands for.
fn lines(layout: &Layout<'_>, needs: &[Need<'_>], names: &BTreeMap<&EntityId, &str>) -> Vec<Line> {
    type Ends = ((usize, usize), (usize, usize));
    let mut groups: BTreeMap<(State, Ends), Vec<&Need<'_>>> = BTreeMap::new();
    for need in needs {
        let ends = layout
            .at
            .get(need.consumer)
            .copied()
            .zip(layout.at.get(need.provider).copied());
        if let Some(ends) = ends.filter(|(a, b)| a != b) {
            groups.entry((need.state, ends)).or_default().push(need);
        }
    }
    groups
        .into_iter()
        .map(|((state, ends), needs)| line(layout, state, ends, &needs, names))
        .collect()
}

fn line(
    layout: &Layout<'_>,
    state: State,
    (from, to): ((usize, usize), (usize, usize)),
    needs: &[&Need<'_>],
    names: &BTreeMap<&EntityId, &str>,
) -> Line {
    let ((x1, y1), (x2, y2)) = (layout.corner(from), layout.corner(to));
    let (y1, y2) = (y1 + BOX_HEIGHT / 2, y2 + BOX_HEIGHT / 2);
    let backwards = from.0 > to.0;
    let beside = from.0 == to.0;
    let (x1, x2) = match (backwards, beside) {
        (true, _) => (x1, x2 + BOX_WIDTH),
        (_, true) => (x1 + BOX_WIDTH, x2 + BOX_WIDTH),
        _ => (x1 + BOX_WIDTH, x2),
    };
    let bend = if beside { 36 } else { (x2 - x1) / 2 };
    let c2 = if beside { x2 + bend } else { x2 - bend };
    let (class, mark, word) = state.style();
    let kinds: BTreeSet<&str> = needs.iter().map(|n| n.kind).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
    let who = |id: &EntityId| names.get(id).copied().unwrap_or_default().to_owned();
    let title = match needs {
        [only] => format!(
            "{} needs {}, {kinds}: {word}",
            who(only.consumer),
            who(only.provider)
        ),
        many => format!("{} needs, {kinds}: {word}", many.len()),
    };
    // A fifth along the curve: near the consumer, where the lines of one provider have not met yet.
    let along = |a: i64, b: i64, c: i64, d: i64| (64 * a + 48 * b + 12 * c + d) / 125;
    Line {
        class,
        mark,
        path: format!("M{x1} {y1}C{} {y1} {c2} {y2} {x2} {y2}", x1 + bend),
        x: along(x1, x1 + bend, c2, x2),
        y: along(y1, y1, y2, y2),
        title: plain(&title),
    }
}
