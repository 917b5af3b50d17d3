//! What the side panel reads: entities, dependencies in columns, and evidence for the first of them.
//!
//! Columns of small numbers keep 200 000 dependencies below a few megabytes; every text is written once.

use std::collections::{BTreeMap, HashMap};

use groma_model::inventory::Dependency;
use groma_model::registry::REGISTRY;
use serde::Serialize;

use super::{Node, Picture};
use crate::index::{Index, is_wrong};
use crate::markdown::facts;
use crate::page::{Need, evidence_lines};
use crate::text::Catalogue;
use crate::visible::{cut, visible};

/// Dependencies that carry their evidence.
const TOLD: usize = 2_500;
/// Dependencies listed at all.
const LISTED: usize = 250_000;
/// Risks the panel can show.
const RISKS: usize = 1_000;
/// Above this many dependencies the box of an end is that of its entity: boxes per end are not written.
const PLACED: usize = 20_000;

/// Flags of a dependency.
const HIDDEN: u8 = 1;
const SHARED: u8 = 2;

/// All of it.
#[derive(Serialize)]
pub(crate) struct PanelData<'a> {
    words: &'a Catalogue,
    /// Key, title, what it is in full, heading of the band, how many things it stands for.
    nodes: Vec<(&'a str, &'a str, &'a str, String, usize)>,
    /// Id, name, kind, addresses, what it runs, box or -1.
    entities: Vec<(String, String, String, String, String, i64)>,
    kinds: Vec<String>,
    components: Vec<String>,
    edges: Columns,
    told: Vec<Told>,
    /// Entity, severity, risk.
    risks: Vec<(usize, &'static str, String)>,
}

/// One number per dependency and column.
#[derive(Serialize, Default)]
struct Columns {
    consumer: Vec<usize>,
    provider: Vec<usize>,
    kind: Vec<usize>,
    component: Vec<usize>,
    port: Vec<u16>,
    flags: Vec<u8>,
    from: Vec<i64>,
    to: Vec<i64>,
}

/// Why we believe one dependency: reasons, facts with their labels, evidence.
#[derive(Serialize)]
struct Told {
    reasons: Vec<String>,
    facts: Vec<String>,
    because: Vec<String>,
}

#[derive(Default)]
struct Numbering {
    of: HashMap<String, usize>,
    texts: Vec<String>,
}

impl Numbering {
    fn number(&mut self, text: String) -> usize {
        if let Some(known) = self.of.get(&text) {
            return *known;
        }
        self.of.insert(text.clone(), self.texts.len());
        self.texts.push(text);
        self.texts.len() - 1
    }
}

impl<'a> PanelData<'a> {
    /// The data of one picture.
    pub(crate) fn of(index: &'a Index<'a>, picture: &'a Picture, words: &'a Catalogue) -> Self {
        let order = order(index);
        let (mut kinds, mut components) = (Numbering::default(), Numbering::default());
        let mut entities = Entities {
            index,
            words,
            boxes: boxes(picture),
            rows: Vec::new(),
            of: BTreeMap::new(),
        };
        let mut edges = Columns::default();
        let placed = order.len() <= PLACED;
        for (at, dependency) in &order {
            let (Some(consumer), Some(provider)) = (
                index.position(dependency.consumer.entity.as_str()),
                index.position(dependency.provider.entity.as_str()),
            ) else {
                continue;
            };
            edges.consumer.push(entities.row(consumer));
            edges.provider.push(entities.row(provider));
            edges
                .kind
                .push(kinds.number(visible(&REGISTRY.kind(&dependency.kind).title)));
            edges.component.push(components.number(cut(
                &visible(&dependency.consumer.component.name.lossy()),
                120,
            )));
            edges.port.push(dependency.provider.port.map_or(0, |p| p.0));
            edges
                .flags
                .push(flag(dependency.hidden, HIDDEN) | flag(dependency.shared_service, SHARED));
            if placed {
                let ends = picture.ends.get(*at).copied().flatten();
                edges.from.push(ends.map_or(-1, |e| e.0 as i64));
                edges.to.push(ends.map_or(-1, |e| e.1 as i64));
            }
        }
        for member in picture.nodes.iter().flat_map(|n| &n.members) {
            entities.row(*member);
        }
        let told = order
            .iter()
            .take(TOLD)
            .map(|(_, d)| told(d, index, words))
            .collect();
        let risks = risks(index, &entities, words);
        Self {
            words,
            nodes: picture
                .nodes
                .iter()
                .map(|n| panel_node(n, picture, words))
                .collect(),
            entities: entities.rows,
            kinds: kinds.texts,
            components: components.texts,
            edges,
            told,
            risks,
        }
    }
}

fn panel_node<'a>(
    node: &'a Node,
    picture: &Picture,
    words: &Catalogue,
) -> (&'a str, &'a str, &'a str, String, usize) {
    (
        &node.key,
        &node.title,
        &node.full,
        picture.heading(node.band, words),
        node.members.len(),
    )
}

/// Dependencies in the order they are listed: hidden ones by surprise, then the others, shared services last.
fn order<'a>(index: &Index<'a>) -> Vec<(usize, &'a Dependency)> {
    let positions: HashMap<&str, usize> = index
        .inventory
        .dependencies
        .iter()
        .enumerate()
        .map(|(at, d)| (d.id.as_str(), at))
        .collect();
    let known = |d: &&Dependency| {
        index.position(d.consumer.entity.as_str()).is_some()
            && index.position(d.provider.entity.as_str()).is_some()
    };
    let plain = index
        .inventory
        .dependencies
        .iter()
        .filter(|d| !d.hidden && !is_wrong(d));
    let (own, shared): (Vec<&Dependency>, Vec<&Dependency>) =
        plain.partition(|d| !d.shared_service);
    let all = index
        .hidden()
        .into_iter()
        .chain(own)
        .chain(shared)
        .filter(known);
    all.filter_map(|d| Some((*positions.get(d.id.as_str())?, d)))
        .take(LISTED)
        .collect()
}

fn flag(yes: bool, bit: u8) -> u8 {
    if yes { bit } else { 0 }
}

/// The box of each entity that has one of its own or shares one.
fn boxes(picture: &Picture) -> HashMap<usize, usize> {
    let mut boxes = HashMap::new();
    for (at, node) in picture.nodes.iter().enumerate() {
        for member in &node.members {
            boxes.entry(*member).or_insert(at);
        }
    }
    boxes
}

struct Entities<'a> {
    index: &'a Index<'a>,
    words: &'a Catalogue,
    boxes: HashMap<usize, usize>,
    rows: Vec<(String, String, String, String, String, i64)>,
    of: BTreeMap<usize, usize>,
}

impl Entities<'_> {
    /// The row of the entity at this position of the inventory.
    fn row(&mut self, position: usize) -> usize {
        if let Some(row) = self.of.get(&position) {
            return *row;
        }
        let row = self.rows.len();
        self.of.insert(position, row);
        if let Some(entity) = self.index.inventory.entities.get(position) {
            let addresses: Vec<String> = entity
                .addresses
                .iter()
                .take(4)
                .map(ToString::to_string)
                .collect();
            let runs = entity
                .attributes
                .operating_system
                .as_ref()
                .map(|os| visible(&os.pretty_name));
            self.rows.push((
                visible(entity.id.as_str()),
                cut(&visible(&entity.name), 120),
                visible(&entity.kind),
                addresses.join(", "),
                runs.unwrap_or_else(|| visible(self.words.layer(&entity.layer))),
                self.boxes.get(&position).map_or(-1, |at| *at as i64),
            ));
        }
        row
    }
}

fn told(dependency: &Dependency, index: &Index<'_>, words: &Catalogue) -> Told {
    let need = Need::plain(dependency, words);
    let facts = facts(&need, words)
        .into_iter()
        .map(|(label, value)| cut(&format!("{label}: {value}"), 200));
    Told {
        facts: facts.collect(),
        reasons: need.reasons,
        because: evidence_lines(index, &dependency.evidence, 3)
            .iter()
            .map(|line| cut(line, 240))
            .collect(),
    }
}

fn risks(
    index: &Index<'_>,
    entities: &Entities<'_>,
    words: &Catalogue,
) -> Vec<(usize, &'static str, String)> {
    let ranked = index.risks();
    let about = ranked
        .iter()
        .flat_map(|r| r.finding.subjects.iter().map(move |s| (s, r.finding)));
    let known = about.filter_map(|(subject, finding)| {
        let row = entities.of.get(&index.position(subject)?)?;
        Some((
            *row,
            words.severity(finding.severity),
            cut(&visible(&finding.risk), 240),
        ))
    });
    known.take(RISKS).collect()
}
