//! The map by waves: columns are waves in their order, what is in none comes last, and lines that cross are marked.
//!
//! Only what matters for the cut is drawn box by box: of a wave those with the most needs across it, of what is in no
//! wave only what some wave needs or serves. The rest is counted in a box of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::EntityId;
use groma_model::inventory::{Dependency, Entity};

use super::picture::{layers, short_name};
use crate::index::{Index, is_wrong};
use crate::page::anchor;
use crate::plan::Plan;
use crate::text::Catalogue;
use crate::visible::visible;

/// Columns of waves; later ones share the last.
const COLUMNS_MAX: usize = 12;
/// Boxes of one column, before the rest is counted.
const BOXES_MAX: usize = 16;
/// Lines, those that cross first.
const LINES_MAX: usize = 120;

/// What is drawn, not placed yet.
pub(crate) struct WavePicture {
    pub(crate) columns: Vec<Column>,
    pub(crate) boxes: Vec<WaveBox>,
    pub(crate) lines: Vec<Line>,
    pub(crate) lines_left_out: usize,
}

/// A wave, several late ones, or what is in none.
pub(crate) struct Column {
    pub(crate) heading: String,
    /// State and window.
    pub(crate) below: String,
    /// The wave's section, where it is one wave.
    pub(crate) anchor: Option<String>,
    /// True for what is in no wave.
    pub(crate) apart: bool,
    /// Positions in `boxes`, from the top.
    pub(crate) boxes: Vec<usize>,
}

/// A thing, or how many more there are.
pub(crate) struct WaveBox {
    pub(crate) column: usize,
    /// The id of the one thing it is.
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) full: String,
}

/// Needs from one box to another.
pub(crate) struct Line {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) count: usize,
    pub(crate) hidden: bool,
    pub(crate) crosses: bool,
    pub(crate) kinds: BTreeSet<String>,
}

impl WavePicture {
    /// `None` where no wave is known.
    pub(crate) fn of(index: &Index<'_>, words: &Catalogue) -> Option<Self> {
        let plan = index.plan();
        if plan.len() == 0 {
            return None;
        }
        let mut making = Making::of(index, plan, words);
        for column in 0..making.columns() {
            making.fill(column);
        }
        making.connect();
        // Nobody is left behind: the last column would be empty.
        making.picture.columns.pop_if(|last| last.boxes.is_empty());
        Some(making.picture)
    }
}

struct Making<'a> {
    index: &'a Index<'a>,
    plan: &'a Plan,
    words: &'a Catalogue,
    layers: Vec<String>,
    /// Needs across waves by position of the entity.
    crossing: HashMap<usize, usize>,
    /// Box by position of the entity.
    boxed: HashMap<usize, usize>,
    /// Entities of each column.
    members: Vec<Vec<usize>>,
    picture: WavePicture,
}

impl<'a> Making<'a> {
    fn of(index: &'a Index<'a>, plan: &'a Plan, words: &'a Catalogue) -> Self {
        let mut making = Self {
            index,
            plan,
            words,
            layers: layers(index),
            crossing: crossing(index, plan),
            boxed: HashMap::new(),
            members: Vec::new(),
            picture: WavePicture {
                columns: headings(index, plan, words),
                boxes: Vec::new(),
                lines: Vec::new(),
                lines_left_out: 0,
            },
        };
        making.members = vec![Vec::new(); making.columns()];
        making.assign();
        making
    }

    fn columns(&self) -> usize {
        self.picture.columns.len()
    }

    fn assign(&mut self) {
        for (at, entity) in self.index.inventory.entities.iter().enumerate() {
            let column = match self.plan.wave_of(at) {
                Some(place) => self.column(place),
                None if self.crossing.contains_key(&at) => self.columns() - 1,
                None => continue,
            };
            let listed = matches!(entity.kind.as_str(), "certificate" | "account");
            let lies = entity.attributes.lies_on.is_some();
            let drawn = self.crossing.contains_key(&at) || !(listed || lies);
            if let Some(members) = self.members.get_mut(column).filter(|_| drawn) {
                members.push(at);
            }
        }
    }

    /// The column of the wave at this place: the last but one holds all later waves.
    fn column(&self, place: usize) -> usize {
        place.min(self.columns().saturating_sub(2))
    }

    /// Makes the boxes of one column: those with most needs across, the upper layers on top.
    fn fill(&mut self, column: usize) {
        let mut members = self.members.get(column).cloned().unwrap_or_default();
        members.sort_by_key(|at| {
            let crossing = self.crossing.get(at).copied().unwrap_or(0);
            (std::cmp::Reverse(crossing), *at)
        });
        let more = match members.len() {
            many if many > BOXES_MAX => members.split_off(BOXES_MAX - 1),
            _ => Vec::new(),
        };
        members.sort_by_key(|at| {
            let entity = self.entity(*at);
            let rank = entity.map(|e| self.rank(e));
            (std::cmp::Reverse(rank), entity.map(|e| &e.name), *at)
        });
        for at in members {
            if let Some(entity) = self.entity(at) {
                let thing = self.thing(entity, column);
                self.add(thing, [at]);
            }
        }
        if !more.is_empty() {
            let title = self.words.count(self.words.waves_map_more, more.len());
            let rest = WaveBox {
                column,
                key: None,
                full: title.clone(),
                title,
                subtitle: String::new(),
            };
            self.add(rest, more);
        }
    }

    fn add(&mut self, one: WaveBox, members: impl IntoIterator<Item = usize>) {
        let place = self.picture.boxes.len();
        self.boxed.extend(members.into_iter().map(|at| (at, place)));
        if let Some(column) = self.picture.columns.get_mut(one.column) {
            column.boxes.push(place);
        }
        self.picture.boxes.push(one);
    }

    fn entity(&self, at: usize) -> Option<&'a Entity> {
        self.index.inventory.entities.get(at)
    }

    fn rank(&self, entity: &Entity) -> Option<usize> {
        self.layers.iter().position(|layer| *layer == entity.layer)
    }

    fn thing(&self, entity: &Entity, column: usize) -> WaveBox {
        let layer = visible(self.words.layer(&entity.layer));
        WaveBox {
            column,
            key: Some(entity.id.as_str().to_owned()),
            title: short_name(&entity.name),
            full: format!(
                "{} ({layer}, {})",
                visible(&entity.name),
                visible(&entity.kind)
            ),
            subtitle: layer,
        }
    }

    /// Lines between boxes: what crosses first, then the widest.
    fn connect(&mut self) {
        let mut lines: BTreeMap<(usize, usize), Line> = BTreeMap::new();
        let needs = self.index.inventory.dependencies.iter();
        for need in needs.filter(|d| !is_wrong(d) && !d.shared_service) {
            let Some((from, to)) = self.ends(need).filter(|(from, to)| from != to) else {
                continue;
            };
            let column = |at: usize| self.picture.boxes.get(at).map(|b| b.column);
            let line = lines.entry((from, to)).or_insert_with(|| Line {
                from,
                to,
                count: 0,
                hidden: false,
                crosses: column(from) != column(to),
                kinds: BTreeSet::new(),
            });
            line.count += 1;
            line.hidden |= need.hidden;
            line.kinds
                .insert(visible(self.words.short_kind(&need.kind)));
        }
        let mut lines: Vec<Line> = lines.into_values().collect();
        lines.sort_by_key(|l| (!l.crosses, std::cmp::Reverse(l.count), l.from, l.to));
        self.picture.lines_left_out = lines.len().saturating_sub(LINES_MAX);
        lines.truncate(LINES_MAX);
        lines.sort_by_key(|l| (l.crosses, l.from, l.to));
        self.picture.lines = lines;
    }

    fn ends(&self, need: &Dependency) -> Option<(usize, usize)> {
        let boxed = |id: &EntityId| self.boxed.get(&self.index.place(id)?).copied();
        Some((boxed(&need.consumer.entity)?, boxed(&need.provider.entity)?))
    }
}

/// How many needs of each entity cross.
fn crossing(index: &Index<'_>, plan: &Plan) -> HashMap<usize, usize> {
    let mut counted = HashMap::new();
    for crossing in &plan.crossing {
        let Some(need) = index.inventory.dependencies.get(crossing.dependency) else {
            continue;
        };
        for id in [&need.consumer.entity, &need.provider.entity] {
            if let Some(at) = index.place(id) {
                *counted.entry(at).or_default() += 1;
            }
        }
    }
    counted
}

/// The columns without their boxes: waves, later waves in one, and none.
fn headings(index: &Index<'_>, plan: &Plan, words: &Catalogue) -> Vec<Column> {
    let alone = match plan.len() {
        many if many > COLUMNS_MAX => COLUMNS_MAX - 1,
        few => few,
    };
    let empty = |heading: String| Column {
        heading,
        below: String::new(),
        anchor: None,
        apart: false,
        boxes: Vec::new(),
    };
    let waves = plan.waves(index.inventory).take(alone);
    let mut columns: Vec<Column> = waves
        .map(|(place, wave)| {
            let begins = wave.window.map(|window| window.from.minute());
            let when = begins.unwrap_or_else(|| words.wave_no_window.to_owned());
            Column {
                below: format!("{}, {when}", visible(&wave.state)),
                anchor: Some(anchor(place)),
                ..empty(visible(&wave.name))
            }
        })
        .collect();
    let later = plan.len() - columns.len();
    if later > 0 {
        columns.push(empty(words.count(words.waves_map_later, later)));
    }
    columns.push(Column {
        apart: true,
        ..empty(words.waves_map_none.to_owned())
    });
    columns
}
