//! What is said of each wave, and of what moves with none.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Inventory, Strength};
use groma_model::registry::REGISTRY;
use rayon::prelude::*;

use super::calendar::{Calendar, Slot};
use super::carried::Loads;
use super::cuts::says;
use super::machines::{Machines, Matters, criticality, name, owner};
use super::needs::{Need, served};
use super::people::{Asked, parts, people, sizes};
use super::radius::radii;
use super::schedule::Ground;
use super::shape::{CutEdge, Member, PlannedWave, Ring, RingEdge, Serves, Stage, WaveVolume};
use super::sharing::Sharing;
use super::shown::{count, shown};
use super::written::Meanings;

/// Dependencies of a ring that are told.
const RING_EDGES: usize = 50;

/// Providers that a wave is explained with.
const PROVIDERS: usize = 3;

/// All waves in words.
pub(super) fn waves(
    inventory: &Inventory,
    ground: &Ground<'_, '_>,
    calendar: &Calendar,
    sharing: &Sharing,
    cut: &[CutEdge],
) -> Vec<PlannedWave> {
    let teller = Teller {
        ground,
        sharing,
        served: served(ground.needs, ground.machines.nodes.len()),
        meanings: Meanings::of(inventory),
        loads: Loads::of(inventory, ground.machines),
        asked: Asked::of(inventory),
        sizes: sizes(ground.machines),
        rings: rings(ground),
    };
    let requires = calendar.requires(ground.needs);
    let radii = radii(ground.machines, ground.needs, calendar);
    let slots = calendar.slots.par_iter().zip(requires).zip(radii);
    let told = slots.map(|((slot, requires), radius)| {
        let mut wave = teller.wave(slot, requires);
        wave.blast_radius = radius;
        wave
    });
    let mut waves: Vec<PlannedWave> = told.collect();
    bridges(&mut waves, cut);
    waves
}

/// Notes with each wave which coexistence begins and ends there.
fn bridges(waves: &mut [PlannedWave], cut: &[CutEdge]) {
    let at: BTreeMap<u32, usize> = waves
        .iter()
        .enumerate()
        .map(|(at, wave)| (wave.order, at))
        .collect();
    for edge in cut {
        if let Some(wave) = at.get(&edge.from).and_then(|at| waves.get_mut(*at)) {
            wave.opens.push(edge.dependency.clone());
        }
        let until = edge.until.and_then(|until| at.get(&until));
        if let Some(wave) = until.and_then(|at| waves.get_mut(*at)) {
            wave.closes.push(edge.dependency.clone());
        }
    }
}

/// The blocking needs inside of each ring, by ring.
fn rings(ground: &Ground<'_, '_>) -> Vec<Ring> {
    let mut ring_of: BTreeMap<usize, usize> = BTreeMap::new();
    let machines = ground.machines;
    let mut rings: Vec<Ring> = Vec::new();
    for (at, nodes) in ground.groups.rings.iter().enumerate() {
        ring_of.extend(nodes.iter().map(|n| (*n, at)));
        let entities = nodes.iter().filter_map(|n| machines.nodes.get(*n));
        rings.push(Ring {
            members: entities.map(|n| n.entity.id.clone()).collect(),
            names: nodes.iter().map(|n| machines.name(*n).to_owned()).collect(),
            edges: Vec::new(),
            edges_total: 0,
        });
    }
    for need in ground.needs {
        let (a, b) = (ring_of.get(&need.consumer), ring_of.get(&need.provider));
        let inside = a.is_some() && a == b && need.dependency.strength == Strength::Blocking;
        let Some(ring) = a.filter(|_| inside).and_then(|at| rings.get_mut(*at)) else {
            continue;
        };
        ring.edges_total += 1;
        if ring.edges.len() < RING_EDGES {
            ring.edges.push(RingEdge {
                dependency: need.dependency.id.clone(),
                says: says(machines, need),
            });
        }
    }
    rings
}

/// Everything that is looked up for a wave.
struct Teller<'p, 'a> {
    ground: &'p Ground<'p, 'a>,
    sharing: &'p Sharing,
    served: Vec<BTreeMap<&'a str, BTreeSet<usize>>>,
    meanings: Meanings<'a>,
    loads: Loads,
    asked: Asked<'a>,
    sizes: BTreeMap<&'a str, usize>,
    rings: Vec<Ring>,
}

impl Teller<'_, '_> {
    fn wave(&self, slot: &Slot, requires: Vec<String>) -> PlannedWave {
        let machines = self.ground.machines;
        let mut members: Vec<Member> = slot.nodes.iter().filter_map(|n| self.member(*n)).collect();
        members.sort_by(|a, b| (&a.name, &a.entity).cmp(&(&b.name, &b.entity)));
        let sites: BTreeSet<_> = members.iter().map(|m| m.site.clone()).collect();
        let together_because: Vec<Ring> = (self.ground.groups.rings.iter().zip(&self.rings))
            .filter(|(nodes, _)| {
                slot.stage.moves() && nodes.iter().all(|n| slot.nodes.binary_search(n).is_ok())
            })
            .map(|(_, ring)| ring.clone())
            .collect();
        PlannedWave {
            name: slot.name(),
            order: slot.order,
            stage: slot.stage,
            why: self.why(slot, &together_because),
            sites: sites.into_iter().collect(),
            members,
            requires,
            systems: parts(machines, &slot.nodes, &self.sizes),
            together_because,
            opens: Vec::new(),
            closes: Vec::new(),
            blast_radius: super::shape::BlastRadius::default(),
            volume: match slot.stage {
                Stage::Retire => WaveVolume::default(),
                _ => self.loads.together(machines, &slot.nodes),
            },
            people: people(machines, &slot.nodes),
            questions: self.asked.about(machines, &slot.nodes),
        }
    }

    fn member(&self, at: usize) -> Option<Member> {
        let node = self.ground.machines.nodes.get(at)?;
        Some(Member {
            entity: node.entity.id.clone(),
            name: name(node.entity).to_owned(),
            written: self.meanings.written(node.entity),
            kind: node.entity.kind.clone(),
            site: node.entity.site.clone(),
            owner: owner(node.entity, node.system).map(str::to_owned),
            criticality: criticality(node.entity, node.system).map(str::to_owned),
            has_agent: node.entity.has_agent,
            serves: serves(self.served.get(at)),
        })
    }

    fn why(&self, slot: &Slot, rings: &[Ring]) -> Vec<String> {
        let mut why = match slot.stage {
            Stage::Beside => return beside(self.sharing.because.len()),
            Stage::Retire => return retire(),
            Stage::Pilot => pilot(self.ground.machines, slot),
            _ => vec![self.stage(slot)],
        };
        if slot.much {
            why.push("what matters much shares no wave with the rest".to_owned());
        }
        if slot.pieces > 1 {
            why.push(format!(
                "{} groups that do not need each other share it, because there is room",
                slot.pieces
            ));
        }
        for ring in rings {
            why.push(format!(
                "{} need each other in a circle: none can go first",
                count(ring.members.len(), "machine", "machines")
            ));
        }
        if self.ground.options.sites_apart && self.sites(slot) > 1 {
            why.push("it reaches over several sites, because what needs each other in a circle cannot be divided".to_owned());
        }
        why
    }

    fn sites(&self, slot: &Slot) -> usize {
        let nodes = slot.nodes.iter();
        let sites: BTreeSet<&str> = nodes
            .filter_map(|n| self.ground.machines.nodes.get(*n))
            .map(|n| n.entity.site.as_str())
            .collect();
        sites.len()
    }

    /// Why a wave stands in its stage: those of it that most others need.
    fn stage(&self, slot: &Slot) -> String {
        let inside = |n: &usize| slot.nodes.binary_search(n).is_ok();
        let mut providers: Vec<(usize, &str, &str)> = Vec::new();
        for node in &slot.nodes {
            let served = self.served.get(*node).into_iter().flatten();
            let missed = |kind: &str| REGISTRY.kind(kind).strength != "degrading";
            for (kind, consumers) in served.filter(|(kind, _)| missed(kind)) {
                let outside = consumers.iter().filter(|c| !inside(c)).count();
                if outside > 0 {
                    providers.push((outside, self.ground.machines.name(*node), kind));
                }
            }
        }
        providers.sort_by(|a, b| (b.0, a.1, a.2).cmp(&(a.0, b.1, b.2)));
        let says: Vec<String> = providers
            .iter()
            .take(PROVIDERS)
            .map(|(outside, name, kind)| {
                let others = count(*outside, "other needs", "others need");
                format!("{others} {} of {}", REGISTRY.kind(kind).title, shown(name))
            })
            .collect();
        match says.as_slice() {
            [] => format!(
                "{}: nobody outside of this wave needs it",
                slot.stage.words()
            ),
            says => format!("{}: {}", slot.stage.words(), says.join("; ")),
        }
    }
}

fn beside(machines: usize) -> Vec<String> {
    vec![
        format!(
            "nearly everybody needs {}, so whatever moves, somebody still needs the old one",
            if machines == 1 { "it" } else { "these" }
        ),
        "a new one is built beside each, with the same content; nothing moves yet and the old ones go on".to_owned(),
    ]
}

fn retire() -> Vec<String> {
    vec![
        "the old shared services go when nobody asks them any more: look who still does, before they are switched off".to_owned(),
    ]
}

fn pilot(machines: &Machines<'_>, slot: &Slot) -> Vec<String> {
    let nodes = slot.nodes.iter().filter_map(|n| machines.nodes.get(*n));
    let judged = nodes.map(|n| n.matters).max() != Some(Matters::NobodySays);
    vec![
        if judged {
            "pilot: what people say matters least, and what few others need"
        } else {
            "pilot: what few others need; nobody said how much these machines matter, so ask before believing it"
        }
        .to_owned(),
    ]
}

/// What a node does for others, most consumers first.
pub(super) fn serves(served: Option<&BTreeMap<&str, BTreeSet<usize>>>) -> Vec<Serves> {
    let mut serves: Vec<Serves> = served
        .into_iter()
        .flatten()
        .map(|(kind, consumers)| Serves {
            kind: (*kind).to_owned(),
            consumers: consumers.len(),
        })
        .collect();
    serves.sort_by(|a, b| (b.consumers, &a.kind).cmp(&(a.consumers, &b.kind)));
    serves
}

/// The weight of all needs between machines that move, and of those that are cut.
pub(super) fn quality(ground: &Ground<'_, '_>, calendar: &Calendar) -> super::shape::Quality {
    let moving = |n: usize| calendar.order(n).filter(|_| !calendar.is_shared(n));
    let nodes = 0..ground.machines.nodes.len();
    let mut quality = super::shape::Quality {
        machines: nodes.filter(|n| moving(*n).is_some()).count(),
        ..Default::default()
    };
    for Need {
        consumer,
        provider,
        weight,
        dependency,
    } in ground.needs
    {
        if let (Some(a), Some(b)) = (moving(*consumer), moving(*provider)) {
            quality.edges_total += 1;
            quality.weight_total += weight;
            if a != b {
                quality.edges_cut += 1;
                quality.weight_cut += weight;
                let stops = dependency.strength != Strength::Degrading;
                quality.consumers_first += usize::from(a < b && stops);
            }
        }
    }
    quality
}
