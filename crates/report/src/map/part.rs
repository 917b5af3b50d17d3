//! A few hosts, opened: one box per program, job or file.

use std::collections::{BTreeMap, HashMap};

use groma_model::fact::{Component, ComponentClass, Program};
use groma_model::name::{Port, Transport};
use groma_model::registry::REGISTRY;

use super::picture::{Boxes, offers};
use super::{Band, Node, Shape};
use crate::index::{Index, is_wrong};
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// The programs of the opened hosts.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) nodes: Vec<Part>,
    of_consumer: HashMap<usize, usize>,
    of_provider: HashMap<usize, usize>,
    opened: Vec<usize>,
}

/// One program.
pub(super) struct Part {
    host: usize,
    name: String,
    full: String,
    shape: Shape,
    ports: Vec<(Port, Transport)>,
    /// Layers of what it serves, with how often.
    layers: BTreeMap<String, usize>,
    connected: bool,
}

struct Builder<'i, 'w> {
    index: &'i Index<'i>,
    words: &'w Catalogue,
    parts: Parts,
    by_name: BTreeMap<(usize, String), usize>,
    /// Unit of an executable or script, where a listener told both.
    units: HashMap<(usize, Vec<u8>), String>,
    by_port: HashMap<(usize, Port, Transport), usize>,
}

impl Parts {
    /// The programs of the hosts at `opened`: who listens, and who needs something.
    pub(super) fn of(index: &Index<'_>, opened: &[usize], words: &Catalogue) -> Self {
        let parts = Self {
            opened: opened.to_vec(),
            ..Self::default()
        };
        let (by_name, units, by_port) = (BTreeMap::new(), HashMap::new(), HashMap::new());
        let mut builder = Builder {
            index,
            words,
            parts,
            by_name,
            units,
            by_port,
        };
        builder.listeners();
        builder.dependencies();
        builder.parts
    }
}

impl Builder<'_, '_> {
    fn opened(&self, id: &str) -> Option<usize> {
        self.index
            .position(id)
            .filter(|at| self.parts.opened.contains(at))
    }

    fn listeners(&mut self) {
        for listener in &self.index.inventory.listeners {
            let Some(host) = self.opened(listener.entity.as_str()) else {
                continue;
            };
            let program = &listener.process;
            if let Some(unit) = &program.unit {
                for path in [&program.executable, &program.script].into_iter().flatten() {
                    self.units
                        .insert((host, path.as_bytes().to_vec()), unit.clone());
                }
            }
            let name = program_name(program).unwrap_or_else(|| {
                fill(
                    self.words.listens_on,
                    &[&format!("{}/{}", listener.port, listener.transport)],
                )
            });
            let full = program
                .executable
                .as_ref()
                .map_or_else(|| name.clone(), |e| visible(&e.lossy()));
            let part = self.part(host, name, full, Shape::Part);
            self.by_port
                .insert((host, listener.port, listener.transport), part);
            let kind = listener.service.as_deref().map(|s| REGISTRY.kind(s));
            let kind = kind.or_else(|| REGISTRY.kind_by_port(listener.port, listener.transport));
            if let Some(part) = self.parts.nodes.get_mut(part) {
                if !part.ports.contains(&(listener.port, listener.transport)) {
                    part.ports.push((listener.port, listener.transport));
                }
                *part
                    .layers
                    .entry(kind.map_or("application", |k| k.layer.as_str()).to_owned())
                    .or_default() += 1;
            }
        }
    }

    fn dependencies(&mut self) {
        for (at, dependency) in self
            .index
            .inventory
            .dependencies
            .iter()
            .enumerate()
            .filter(|(_, d)| !is_wrong(d))
        {
            if let Some(host) = self.opened(dependency.consumer.entity.as_str()) {
                let part = self.component(host, &dependency.consumer.component);
                self.parts.of_consumer.insert(at, part);
                self.connect(part, None);
            }
            let provider = &dependency.provider;
            let Some(host) = self.opened(provider.entity.as_str()) else {
                continue;
            };
            let listening = provider
                .port
                .zip(provider.transport)
                .and_then(|(p, t)| self.by_port.get(&(host, p, t)).copied());
            let part = match (&provider.component, listening, provider.port) {
                (_, Some(part), _) => part,
                (Some(component), _, _) => self.component(host, component),
                (None, None, Some(port)) => {
                    let transport = provider.transport.unwrap_or(Transport::Tcp);
                    let name = fill(self.words.listens_on, &[&format!("{port}/{transport}")]);
                    self.part(host, name.clone(), name, Shape::Part)
                }
                (None, None, None) => continue,
            };
            self.parts.of_provider.insert(at, part);
            self.connect(part, Some(&dependency.layer));
        }
    }

    fn connect(&mut self, part: usize, serves: Option<&str>) {
        if let Some(part) = self.parts.nodes.get_mut(part) {
            part.connected = true;
            if let Some(layer) = serves {
                *part.layers.entry(layer.to_owned()).or_default() += 100;
            }
        }
    }

    fn component(&mut self, host: usize, component: &Component) -> usize {
        let unit = self
            .units
            .get(&(host, component.name.as_bytes().to_vec()))
            .cloned();
        let full = visible(&component.name.lossy());
        let (name, shape) = match (component.class, unit) {
            (_, Some(unit)) => (unit_name(&unit), Shape::Part),
            (ComponentClass::Unit, None) => (unit_name(&full), Shape::Part),
            (
                ComponentClass::Executable | ComponentClass::Device | ComponentClass::Container,
                None,
            ) => (file_name(&full), Shape::Part),
            (ComponentClass::ScheduledJob, None) => (file_name(&unit_name(&full)), Shape::Job),
            (ComponentClass::File, None) => (file_name(&full), Shape::File),
        };
        self.part(host, name, full, shape)
    }

    fn part(&mut self, host: usize, name: String, full: String, shape: Shape) -> usize {
        if let Some(known) = self.by_name.get(&(host, name.clone())) {
            return *known;
        }
        let at = self.parts.nodes.len();
        self.by_name.insert((host, name.clone()), at);
        let (ports, layers) = (Vec::new(), BTreeMap::new());
        self.parts.nodes.push(Part {
            host,
            name,
            full,
            shape,
            ports,
            layers,
            connected: false,
        });
        at
    }
}

fn program_name(program: &Program) -> Option<String> {
    let unit = program.unit.as_deref().filter(|u| u.ends_with(".service"));
    let path = program.script.as_ref().or(program.executable.as_ref());
    unit.map(unit_name)
        .or_else(|| path.map(|p| visible(&p.file_name().lossy())))
}

fn unit_name(unit: &str) -> String {
    visible(
        unit.trim_end_matches(".service")
            .trim_end_matches(".timer")
            .trim_end_matches("@-"),
    )
}

/// The part after the last slash, of a path of Windows the last of either kind; `crontab:3` keeps its line.
fn file_name(path: &str) -> String {
    visible(groma_model::path::file_name(path.trim_end_matches('/')))
}

/// The boxes of the parts, and one for every thing that is not opened.
pub(super) fn boxes(
    parts: Parts,
    index: &Index<'_>,
    things: &[usize],
    bands: &[Band],
    words: &Catalogue,
) -> Boxes {
    let mut boxes = Boxes {
        of_consumer: parts.of_consumer,
        of_provider: parts.of_provider,
        ..Boxes::default()
    };
    let many = parts.opened.len() > 1;
    for part in parts.nodes {
        boxes.nodes.push(part_node(part, many, index, words));
    }
    let offers = offers(index, words);
    for at in things.iter().filter(|at| !parts.opened.contains(at)) {
        boxes.add_thing(index, *at, bands, &offers, words);
    }
    boxes
}

fn part_node(part: Part, many: bool, index: &Index<'_>, words: &Catalogue) -> Node {
    let host = index.inventory.entities.get(part.host);
    let name = host
        .map(|e| super::picture::short_name(&e.name))
        .unwrap_or_default();
    let mut ports: Vec<String> = part
        .ports
        .iter()
        .map(|(port, _)| format!(":{port}"))
        .collect();
    ports.dedup();
    let mut subtitle = ports.into_iter().take(4).collect::<Vec<_>>().join(" ");
    if subtitle.is_empty() {
        subtitle = words.shape(part.shape).to_owned();
    }
    if many {
        subtitle = format!("{name} {subtitle}").trim_end().to_owned();
    }
    let layer = part
        .layers
        .iter()
        .max_by_key(|(layer, uses)| (**uses, REGISTRY.rank(layer)));
    let layer = layer.map_or("application", |(layer, _)| layer.as_str());
    let id = host.map_or("", |e| e.id.as_str());
    Node {
        key: visible(&format!("{id}/{}", part.name)),
        title: part.name,
        subtitle,
        full: format!("{} ({name}, {})", part.full, visible(words.layer(layer))),
        band: layer_band(layer, index),
        shape: part.shape,
        members: vec![part.host],
        badges: Vec::new(),
    }
}

/// The band of a layer by rank; the picture numbers layers in the same order.
fn layer_band(layer: &str, index: &Index<'_>) -> Band {
    let layers = super::picture::layers(index);
    Band::Layer(
        layers
            .iter()
            .position(|l| l == layer)
            .unwrap_or(layers.len()),
    )
}
