//! Which boxes there are, and which lines between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use groma_model::inventory::{Basis, Dependency, Entity};
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, Port};

use super::{Band, Edge, Node, Shape, group, part};
use crate::index::{Index, is_wrong};
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// More things than this share boxes.
const MOST_THINGS: usize = 400;
/// Lines drawn at most: the widest ones. Between groups nearly everything touches everything, so far fewer.
const MOST_EDGES: usize = 900;
const MOST_GROUP_EDGES: usize = 160;
/// Names of what stands between that a line tells.
const THROUGH_MAX: usize = 3;
/// So few hosts looked at from inside are drawn program by program.
const MOST_OPENED: usize = 3;
/// So many programs are still a picture.
const MOST_PARTS: usize = 120;

/// How finely the estate is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grain {
    /// Programs and jobs.
    Parts,
    /// Hosts and devices.
    Things,
    /// Networks and layers.
    Groups,
}

/// The boxes and lines, not placed yet.
pub(crate) struct Picture {
    pub(crate) grain: Grain,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    /// The two boxes of each dependency of the inventory; `None` where it is not drawn.
    pub(crate) ends: Vec<Option<(usize, usize)>>,
    /// The host the whole picture is about, if it is one: its name.
    pub(crate) inside: Option<String>,
    /// Lines left out for being thin.
    pub(crate) edges_left_out: usize,
    /// Headings of the bands by layer position.
    pub(crate) layers: Vec<String>,
}

impl Picture {
    /// The picture of an inventory.
    pub(crate) fn of(index: &Index<'_>, words: &Catalogue) -> Self {
        let layers = layers(index);
        let things = things(index);
        let opened: Vec<usize> = things
            .iter()
            .copied()
            .filter(|at| is_opened(index, *at))
            .collect();
        let parts = (1..=MOST_OPENED)
            .contains(&opened.len())
            .then(|| part::Parts::of(index, &opened, words));
        let parts = parts.filter(|p| opened.len() == 1 || p.nodes.len() <= MOST_PARTS);
        let grain = match (&parts, things.len()) {
            (_, many) if many > MOST_THINGS => Grain::Groups,
            (Some(_), _) => Grain::Parts,
            (None, _) => Grain::Things,
        };
        let inside = match (grain, opened.as_slice()) {
            (Grain::Parts, [one]) => index.inventory.entities.get(*one).map(|e| visible(&e.name)),
            _ => None,
        };
        let mut bands = bands(index, &layers);
        if inside.is_some() {
            // The frame holds one host: every other machine stands outside of it.
            bands.fill(Band::Outside);
        }
        let placed = match grain {
            Grain::Groups => group::boxes(index, &things, &bands, words),
            Grain::Parts => part::boxes(parts.unwrap_or_default(), index, &things, &bands, words),
            Grain::Things => Boxes::one_each(index, &things, &bands, words),
        };
        let mut picture = placed.connected(index, words);
        picture.grain = grain;
        picture.inside = inside;
        picture.layers = layers;
        picture.fold_shared(index);
        picture.say_what_is_needed(index, words);
        picture
    }

    /// What stands beside a band.
    pub(crate) fn heading(&self, band: Band, words: &Catalogue) -> String {
        match band {
            Band::Shared => words.band_shared.to_owned(),
            Band::Outside if self.inside.is_some() => words.band_elsewhere.to_owned(),
            Band::Outside => words.band_outside.to_owned(),
            Band::Layer(at) => match self.layers.get(at).map_or("", String::as_str) {
                "os" if self.grain == Grain::Parts => words.band_system.to_owned(),
                layer => visible(words.layer(layer)),
            },
        }
    }

    /// What only serves or only uses shared services goes to the folded band, unless somebody looked inside it.
    fn fold_shared(&mut self, index: &Index<'_>) {
        let mut own = vec![false; self.nodes.len()];
        let mut shared = vec![false; self.nodes.len()];
        for edge in &self.edges {
            let marks = if edge.shared { &mut shared } else { &mut own };
            for end in [edge.from, edge.to] {
                if let Some(mark) = marks.get_mut(end) {
                    *mark = true;
                }
            }
        }
        for ((node, own), shared) in self.nodes.iter_mut().zip(own).zip(shared) {
            let looked_into = node.shape == Shape::Thing
                && node.members.iter().any(|at| {
                    index
                        .inventory
                        .entities
                        .get(*at)
                        .is_some_and(|e| e.has_agent)
                });
            if shared && !own && !looked_into && node.shape != Shape::Group {
                node.band = Band::Shared;
            }
        }
    }

    /// Adds "needs DNS, time" to the boxes, and keeps the widest lines only.
    fn say_what_is_needed(&mut self, index: &Index<'_>, words: &Catalogue) {
        for edge in self.edges.iter().filter(|e| e.shared) {
            if let Some(node) = self.nodes.get_mut(edge.from) {
                node.badges.extend(edge.kinds.iter().cloned());
            }
        }
        for node in &mut self.nodes {
            node.badges.sort_by_key(|word| (word.len(), word.clone()));
            node.badges.dedup();
            if !node.badges.is_empty() && node.band != Band::Shared {
                let needs = fill(words.needs_badge, &[&node.badges.join(", ")]);
                if node.subtitle.is_empty() {
                    node.subtitle.clone_from(&needs);
                }
                node.full = format!("{} · {needs}", node.full);
            }
            let only = node
                .members
                .first()
                .and_then(|at| index.inventory.entities.get(*at));
            if let Some(entity) =
                only.filter(|_| node.subtitle.is_empty() && node.shape != Shape::Part)
            {
                node.subtitle = visible(&entity.kind);
            }
        }
        let most = if self.grain == Grain::Groups {
            MOST_GROUP_EDGES
        } else {
            MOST_EDGES
        };
        if self.edges.len() > most {
            self.edges
                .sort_by_key(|e| (std::cmp::Reverse(e.count), e.from, e.to));
            self.edges_left_out = self.edges.len() - most;
            self.edges.truncate(most);
            self.edges.sort_by_key(|e| (e.from, e.to));
        }
    }
}

/// Boxes, and in which one the ends of a dependency lie.
#[derive(Default)]
pub(super) struct Boxes {
    pub(super) nodes: Vec<Node>,
    /// Box by position of the entity.
    pub(super) of_entity: HashMap<usize, usize>,
    /// Boxes by position of the dependency, where parts decide: consumer, provider.
    pub(super) of_consumer: HashMap<usize, usize>,
    pub(super) of_provider: HashMap<usize, usize>,
}

impl Boxes {
    /// One box per thing.
    pub(super) fn one_each(
        index: &Index<'_>,
        things: &[usize],
        bands: &[Band],
        words: &Catalogue,
    ) -> Self {
        let mut boxes = Self::default();
        let offers = offers(index, words);
        for at in things {
            boxes.add_thing(index, *at, bands, &offers, words);
        }
        boxes
    }

    /// Adds the box of one entity.
    pub(super) fn add_thing(
        &mut self,
        index: &Index<'_>,
        at: usize,
        bands: &[Band],
        offers: &Offers,
        words: &Catalogue,
    ) {
        let (Some(entity), Some(band)) = (index.inventory.entities.get(at), bands.get(at)) else {
            return;
        };
        self.of_entity.insert(at, self.nodes.len());
        self.nodes.push(thing(entity, at, *band, offers, words));
    }

    /// The lines between the boxes.
    fn connected(self, index: &Index<'_>, words: &Catalogue) -> Picture {
        let mut lines: BTreeMap<(usize, usize, bool), (Edge, BTreeSet<&str>)> = BTreeMap::new();
        let mut ends = Vec::with_capacity(index.inventory.dependencies.len());
        for (at, dependency) in index.inventory.dependencies.iter().enumerate() {
            let pair = self.ends(at, index).filter(|_| !is_wrong(dependency));
            ends.push(pair);
            let Some((from, to)) = pair.filter(|(from, to)| from != to) else {
                continue;
            };
            let (line, kinds) = lines
                .entry((from, to, dependency.shared_service))
                .or_insert_with(|| {
                    let line = Edge {
                        from,
                        to,
                        count: 0,
                        hidden: 0,
                        concluded: 0,
                        through: Vec::new(),
                        shared: dependency.shared_service,
                        kinds: Vec::new(),
                    };
                    (line, BTreeSet::new())
                });
            line.count += 1;
            line.hidden += usize::from(dependency.hidden);
            line.concluded += usize::from(dependency.basis == Basis::Inferred);
            for between in &dependency.details.through {
                let name = visible(&between.name);
                if line.through.len() < THROUGH_MAX && !line.through.contains(&name) {
                    line.through.push(name);
                }
            }
            // Put into words once: thousands of needs of one kind may be one line.
            if kinds.insert(&dependency.kind) {
                let kind = visible(words.short_kind(&dependency.kind));
                if !line.kinds.contains(&kind) {
                    line.kinds.push(kind);
                }
            }
        }
        Picture {
            grain: Grain::Things,
            nodes: self.nodes,
            edges: lines.into_values().map(|(line, _)| line).collect(),
            ends,
            inside: None,
            edges_left_out: 0,
            layers: Vec::new(),
        }
    }

    fn ends(&self, at: usize, index: &Index<'_>) -> Option<(usize, usize)> {
        let [consumer, provider] = index.ends(at);
        let of = |at: usize| self.of_entity.get(&at).copied();
        let from = self
            .of_consumer
            .get(&at)
            .copied()
            .or_else(|| of(consumer?))?;
        let to = self
            .of_provider
            .get(&at)
            .copied()
            .or_else(|| of(provider?))?;
        Some((from, to))
    }
}

/// Short words of what each entity offers, by position.
pub(super) type Offers = HashMap<usize, BTreeMap<String, usize>>;

/// What others use of each entity, by how many use it; else what it listens for.
pub(super) fn offers(index: &Index<'_>, words: &Catalogue) -> Offers {
    // Counted by kind first: there are few words and many needs.
    let mut kinds: HashMap<usize, BTreeMap<&str, usize>> = HashMap::new();
    let needs = index.inventory.dependencies.iter().enumerate();
    for (at, dependency) in needs.filter(|(_, d)| !is_wrong(d)) {
        if let [_, Some(at)] = index.ends(at) {
            let of_one = kinds.entry(at).or_default();
            *of_one.entry(dependency.kind.as_str()).or_default() += 1;
        }
    }
    for listener in &index.inventory.listeners {
        if let (Some(at), Some(service)) = (index.place(&listener.entity), &listener.service) {
            kinds.entry(at).or_default().entry(service).or_default();
        }
    }
    let mut offers = Offers::new();
    for (at, of_one) in kinds {
        let offered = offers.entry(at).or_default();
        for (kind, uses) in of_one {
            let word = visible(words.short_kind(kind));
            *offered.entry(word).or_default() += uses;
        }
    }
    offers
}

fn thing(entity: &Entity, at: usize, band: Band, offers: &Offers, words: &Catalogue) -> Node {
    let mut offered: Vec<(&String, &usize)> = offers.get(&at).into_iter().flatten().collect();
    offered.sort_by_key(|(word, uses)| (std::cmp::Reverse(**uses), word.as_str()));
    let subtitle: Vec<&str> = offered
        .iter()
        .take(3)
        .map(|(word, _)| word.as_str())
        .collect();
    let kind = visible(&entity.kind);
    let outside = band == Band::Outside;
    Node {
        key: visible(entity.id.as_str()),
        title: if outside {
            visible(&entity.name)
        } else {
            short_name(&entity.name)
        },
        subtitle: visible(&subtitle.join(", ")),
        full: format!(
            "{} ({}, {kind})",
            visible(&entity.name),
            visible(words.layer(&entity.layer))
        ),
        band,
        shape: if outside {
            Shape::Outside
        } else {
            Shape::Thing
        },
        members: vec![at],
        badges: Vec::new(),
    }
}

/// The first label of a host name; addresses and sentences stay whole.
pub(super) fn short_name(name: &str) -> String {
    let label = name.split('.').next().unwrap_or(name);
    let is_name = label.bytes().any(|b| b.is_ascii_alphabetic()) && !name.contains([' ', '/', ':']);
    visible(if is_name { label } else { name })
}

/// The words of the layers, from the foundation up, those of the registry and those only this inventory has.
pub(super) fn layers(index: &Index<'_>) -> Vec<String> {
    let mut ranked: BTreeMap<(u32, &str), ()> = BTreeMap::new();
    for layer in &index.inventory.layers {
        ranked.insert((layer.rank, &layer.name), ());
    }
    let known: BTreeSet<&str> = ranked.keys().map(|(_, name)| *name).collect();
    let mut more: Vec<(u32, &str)> = Vec::new();
    for layer in &REGISTRY.layers {
        if !known.contains(layer.name.as_str()) {
            more.push((layer.rank, &layer.name));
        }
    }
    for name in index
        .inventory
        .entities
        .iter()
        .map(|e| e.layer.as_str())
        .collect::<BTreeSet<_>>()
    {
        if !known.contains(name) && !REGISTRY.layers.iter().any(|l| l.name == name) {
            more.push((u32::MAX, name));
        }
    }
    ranked.extend(more.into_iter().map(|key| (key, ())));
    ranked
        .into_keys()
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Entities that are drawn: what runs, serves or is reached; certificates and accounts have their own tables.
fn things(index: &Index<'_>) -> Vec<usize> {
    let mut connected = vec![false; index.inventory.entities.len()];
    let needs = index.inventory.dependencies.iter().enumerate();
    for (at, _) in needs.filter(|(_, d)| !is_wrong(d)) {
        for end in index.ends(at).into_iter().flatten() {
            if let Some(mark) = connected.get_mut(end) {
                *mark = true;
            }
        }
    }
    let drawn = |connected: bool, entity: &Entity| match entity.kind.as_str() {
        "certificate" | "account" => false,
        kind => REGISTRY.is_machine(kind) || connected,
    };
    let all = index.inventory.entities.iter().zip(connected).enumerate();
    all.filter(|(_, (entity, connected))| drawn(*connected, entity))
        .map(|(at, _)| at)
        .collect()
}

fn is_opened(index: &Index<'_>, at: usize) -> bool {
    index
        .inventory
        .entities
        .get(at)
        .is_some_and(|e| e.has_agent)
}

/// A thing that answers questions about itself is no monitoring; who takes its traps (port 162) is.
fn is_asked_by_snmp(dependency: &Dependency) -> bool {
    dependency.kind == "snmp" && dependency.provider.port == Some(Port(161))
}

/// The band of every entity. A plain host stands where the service most others use it for belongs; whoever calls it only
/// to see whether it is well says nothing of that.
fn bands(index: &Index<'_>, layers: &[String]) -> Vec<Band> {
    let mut used: HashMap<&str, BTreeMap<&str, usize>> = HashMap::new();
    let mut consumes: BTreeSet<&str> = BTreeSet::new();
    let watching = index.inventory.watching.iter();
    let watched: BTreeSet<(&EntityId, &EntityId)> = watching
        .filter_map(|w| Some((&w.entity, w.by.as_ref()?)))
        .collect();
    for d in index
        .inventory
        .dependencies
        .iter()
        .filter(|d| !is_wrong(d) && !d.details.local && !d.shared_service)
    {
        consumes.insert(d.consumer.entity.as_str());
        if watched.contains(&(&d.provider.entity, &d.consumer.entity)) || is_asked_by_snmp(d) {
            continue;
        }
        *used
            .entry(d.provider.entity.as_str())
            .or_default()
            .entry(&d.layer)
            .or_default() += 1;
    }
    let position = |name: &str| {
        Band::Layer(
            layers
                .iter()
                .position(|l| l == name)
                .unwrap_or(layers.len()),
        )
    };
    let band = |entity: &Entity| {
        if entity.kind == "external" {
            return Band::Outside;
        }
        if entity.layer != "os" {
            return position(&entity.layer);
        }
        let id = entity.id.as_str();
        let most = used.get(id).and_then(|layers| {
            layers
                .iter()
                .max_by_key(|(name, uses)| (**uses, std::cmp::Reverse(**name)))
        });
        match most {
            Some((layer, _)) => position(layer),
            None if consumes.contains(id) => position("application"),
            None => position("os"),
        }
    };
    index.inventory.entities.iter().map(band).collect()
}
