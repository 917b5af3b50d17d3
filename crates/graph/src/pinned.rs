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
/// authority; or the hash stands beside the line that names the provider.
pub fn mark(inventory: &mut Inventory) {
    let trusted = Trusted::of(&inventory.entities);
    let hosts: HashMap<&EntityId, &Entity> =
        inventory.entities.iter().map(|e| (&e.id, e)).collect();
    inventory.dependencies.par_iter_mut().for_each(|needed| {
        let host = hosts.get(&needed.consumer.entity).copied();
        let outside = !needed.details.local && !needed.hidden_because.iter().any(|r| r == REASON);
        if outside && (trusted.by(needed) || host.is_some_and(|host| is_beside(host, needed))) {
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

/// True if a hash stands in the file, near the line, that writes the need down.
fn is_beside(host: &Entity, needed: &Dependency) -> bool {
    let near = |written: &String| {
        let Some((file, line)) = written.rsplit_once(':') else {
            return false;
        };
        let line: u32 = line.parse().unwrap_or(0);
        host.attributes.pins.iter().any(|entry| {
            entry.pin.file.to_string() == file && entry.pin.line.abs_diff(line) <= LINES_NEAR
        })
    };
    needed.details.written_in.iter().any(near)
}
