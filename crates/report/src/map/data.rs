//! What the side panel reads: entities, dependencies in columns, and evidence for the first of them.
//!
//! Columns of small numbers keep 200 000 dependencies below a few megabytes; every text is written once.

use std::collections::HashMap;

use groma_model::inventory::Dependency;
use groma_model::registry::REGISTRY;
use rayon::prelude::*;
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

/// Texts by number, in the order they were met.
#[derive(Default)]
struct Numbering<'t> {
    of: HashMap<&'t str, usize>,
    texts: Vec<&'t str>,
}

impl<'t> Numbering<'t> {
    fn number(&mut self, text: &'t str) -> usize {
        let next = self.texts.len();
        let number = *self.of.entry(text).or_insert(next);
        if number == next {
            self.texts.push(text);
        }
        number
    }
}

impl<'a> PanelData<'a> {
    /// The data of one picture.
    pub(crate) fn of(index: &'a Index<'a>, picture: &'a Picture, words: &'a Catalogue) -> Self {
        let order = order(index);
        let components: Vec<String> = order.par_iter().map(|l| component(l.dependency)).collect();
        let mut entities = Entities {
            index,
            words,
            boxes: boxes(picture),
            rows: Vec::new(),
            of: vec![None; index.inventory.entities.len()],
        };
        let mut edges = Columns::default();
        let mut kinds = Numbering::default();
        let placed = order.len() <= PLACED;
        for listed in &order {
            let dependency = listed.dependency;
            edges.consumer.push(entities.row(listed.consumer));
            edges.provider.push(entities.row(listed.provider));
            edges.kind.push(kinds.number(&dependency.kind));
            edges.port.push(dependency.provider.port.map_or(0, |p| p.0));
            edges
                .flags
                .push(flag(dependency.hidden, HIDDEN) | flag(dependency.shared_service, SHARED));
            if placed {
                let ends = picture.ends.get(listed.at).copied().flatten();
                edges.from.push(ends.map_or(-1, |e| e.0 as i64));
                edges.to.push(ends.map_or(-1, |e| e.1 as i64));
            }
        }
        // Two kinds of one title are one kind to a reader.
        let mut titles = Numbering::default();
        let title = kinds
            .texts
            .iter()
            .map(|kind| titles.number(&REGISTRY.kind(kind).title));
        let title: Vec<usize> = title.collect();
        edges.kind = edges
            .kind
            .iter()
            .filter_map(|kind| title.get(*kind).copied())
            .collect();
        let mut parts = Numbering::default();
        edges.component = components.iter().map(|text| parts.number(text)).collect();
        for member in picture.nodes.iter().flat_map(|n| &n.members) {
            entities.row(*member);
        }
        let told = order
            .par_iter()
            .take(TOLD)
            .map(|l| told(l.dependency, index, words))
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
            kinds: titles.texts.into_iter().map(visible).collect(),
            components: parts.texts.into_iter().map(str::to_owned).collect(),
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

/// A dependency that is listed: its own position in the inventory and those of its two ends.
struct Listed<'a> {
    at: usize,
    consumer: usize,
    provider: usize,
    dependency: &'a Dependency,
}

impl<'a> Listed<'a> {
    /// `None` where the inventory does not hold both ends.
    fn of(index: &Index<'a>, at: usize) -> Option<Self> {
        let [consumer, provider] = index.ends(at);
        Some(Self {
            at,
            consumer: consumer?,
            provider: provider?,
            dependency: index.inventory.dependencies.get(at)?,
        })
    }
}

/// Dependencies in the order they are listed: hidden ones by surprise, then the others, shared services last.
fn order<'a>(index: &Index<'a>) -> Vec<Listed<'a>> {
    let all = index.inventory.dependencies.iter().enumerate();
    let plain = all.filter(|(_, d)| !d.hidden && !is_wrong(d));
    let (own, shared): (Vec<_>, Vec<_>) = plain.partition(|(_, d)| !d.shared_service);
    let hidden = index.hidden_positions().iter().copied();
    let plain = own.into_iter().chain(shared).map(|(at, _)| at);
    let positions: Vec<usize> = hidden.chain(plain).collect();
    let mut listed: Vec<Listed<'a>> = positions
        .into_par_iter()
        .filter_map(|at| Listed::of(index, at))
        .collect();
    listed.truncate(LISTED);
    listed
}

/// The part of the consumer that needs something, as it is shown.
fn component(dependency: &Dependency) -> String {
    cut(&visible(&dependency.consumer.component.name.lossy()), 120)
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
    /// Row by position of the entity.
    of: Vec<Option<usize>>,
}

impl Entities<'_> {
    /// The row of the entity at this position of the inventory.
    fn row(&mut self, position: usize) -> usize {
        let row = self.rows.len();
        match self.of.get_mut(position) {
            Some(Some(known)) => return *known,
            Some(free) => *free = Some(row),
            None => {}
        }
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
        let row = entities.of.get(index.position(subject)?)?.as_ref()?;
        Some((
            *row,
            words.severity(finding.severity),
            cut(&visible(&finding.risk), 240),
        ))
    });
    known.take(RISKS).collect()
}
