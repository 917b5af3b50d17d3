//! Needs that hang on one certificate: the other side may not renew it without a word.

use std::collections::{HashMap, HashSet};

use groma_model::EntityId;
use groma_model::fact::CertificatePlace;
use groma_model::inventory::{Dependency, Entity, Inventory};
use groma_model::name::Port;
use rayon::prelude::*;

/// The reason this module gives.
const REASON: &str = "pinned-certificate";

/// Lines between a hash and the setting that names the machine, within one file.
const LINES_NEAR: u32 = 12;

/// Gives the reason `pinned-certificate` to every need of a host that trusts one certificate of the provider and not
/// its name: a hash of it stands in a file of the host, or a copy of it does, without a key and without being an
/// authority; or the hash stands beside the line that names the provider, nearer than any other need's.
pub fn mark(inventory: &mut Inventory) {
    let trusted = Trusted::of(&inventory.entities);
    let beside = Beside::of(&inventory.entities, &inventory.dependencies);
    inventory.dependencies.par_iter_mut().for_each(|needed| {
        let outside = !needed.details.local && !needed.hidden_because.iter().any(|r| r == REASON);
        if outside && (trusted.by(needed) || beside.pins(needed)) {
            needed.hidden = true;
            needed.hidden_because.push(REASON.to_owned());
            needed.hidden_because.sort();
        }
    });
}

/// Who trusts exactly which certificate, and who presents it.
struct Trusted {
    by_host: HashMap<EntityId, HashSet<EntityId>>,
    presented: HashMap<(EntityId, Port), HashSet<EntityId>>,
}

impl Trusted {
    fn of(entities: &[Entity]) -> Self {
        let mut trusted = Self {
            by_host: HashMap::new(),
            presented: HashMap::new(),
        };
        for entity in entities {
            for entry in &entity.attributes.pins {
                let known = trusted.by_host.entry(entity.id.clone()).or_default();
                known.extend(entry.certificates.iter().cloned());
            }
            if let Some(certificate) = &entity.attributes.certificate {
                trusted.certificate(entity, certificate.authority);
            }
        }
        trusted
    }

    fn certificate(&mut self, entity: &Entity, authority: bool) {
        for place in &entity.attributes.places {
            match &place.place {
                CertificatePlace::Endpoint {
                    port, position: 0, ..
                } => {
                    let at = (place.host.clone(), *port);
                    self.presented
                        .entry(at)
                        .or_default()
                        .insert(entity.id.clone());
                }
                CertificatePlace::File { .. } if !authority && !place.key_present => {
                    let known = self.by_host.entry(place.host.clone()).or_default();
                    known.insert(entity.id.clone());
                }
                CertificatePlace::Endpoint { .. } | CertificatePlace::File { .. } => {}
            }
        }
    }

    fn by(&self, needed: &Dependency) -> bool {
        let presented = needed
            .provider
            .port
            .and_then(|port| self.presented.get(&(needed.provider.entity.clone(), port)));
        let known = self.by_host.get(&needed.consumer.entity);
        presented
            .zip(known)
            .is_some_and(|(presented, known)| !presented.is_disjoint(known))
    }
}

/// Hashes that stand in a file near lines that write needs down, and how near the nearest of these lines is.
///
/// A file may name ten machines within a screen, each with its own hash: a hash belongs to the machine named nearest.
struct Beside<'a> {
    pins: HashMap<(&'a EntityId, String), Vec<u32>>,
    nearest: HashMap<(EntityId, String, u32), u32>,
}

impl<'a> Beside<'a> {
    fn of(entities: &'a [Entity], dependencies: &[Dependency]) -> Self {
        let mut pins: HashMap<(&EntityId, String), Vec<u32>> = HashMap::new();
        for entity in entities {
            for entry in &entity.attributes.pins {
                let file = (&entity.id, entry.pin.file.to_string());
                pins.entry(file).or_default().push(entry.pin.line);
            }
        }
        let mut beside = Self {
            pins,
            nearest: HashMap::new(),
        };
        if !beside.pins.is_empty() {
            for needed in dependencies.iter().filter(|d| !d.details.local) {
                for (pin, distance) in beside.near(needed) {
                    let nearest = beside.nearest.entry(pin).or_insert(distance);
                    *nearest = distance.min(*nearest);
                }
            }
        }
        beside
    }

    /// The hashes within [`LINES_NEAR`] of where a need is written down, by host, file and line, with the distance.
    fn near(&self, needed: &Dependency) -> Vec<((EntityId, String, u32), u32)> {
        let consumer = &needed.consumer.entity;
        let mut near = Vec::new();
        for written in &needed.details.written_in {
            let Some((file, line)) = written.rsplit_once(':') else {
                continue;
            };
            let line: u32 = line.parse().unwrap_or(0);
            let pins = self.pins.get(&(consumer, file.to_owned()));
            for pin in pins.into_iter().flatten() {
                let distance = pin.abs_diff(line);
                if distance <= LINES_NEAR {
                    near.push(((consumer.clone(), file.to_owned(), *pin), distance));
                }
            }
        }
        near
    }

    /// True if a hash stands beside the line that writes this need down, and no other need is written nearer to it.
    fn pins(&self, needed: &Dependency) -> bool {
        let nearest = |(pin, distance)| self.nearest.get(&pin) == Some(&distance);
        !self.pins.is_empty() && self.near(needed).into_iter().any(nearest)
    }
}
