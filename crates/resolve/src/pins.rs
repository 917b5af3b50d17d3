//! Which certificates of the estate a hash in a file means.

use std::collections::HashMap;

use groma_model::fact::Pin;
use groma_model::{EntityId, Estate};

/// Fills in the certificates of every pin.
pub(crate) fn settle(estate: &mut Estate) {
    let known = Hashes::of(estate);
    let pinning = estate
        .entities
        .values_mut()
        .filter(|e| !e.attributes.pins.is_empty());
    for entity in pinning {
        for entry in &mut entity.attributes.pins {
            entry.certificates = known.meant(&entry.pin);
        }
    }
}

/// Certificates by the hashes a file may hold of them: of the whole certificate, and of its key.
struct Hashes {
    of_certificate: HashMap<String, Vec<EntityId>>,
    of_key: HashMap<String, Vec<EntityId>>,
}

impl Hashes {
    fn of(estate: &Estate) -> Self {
        let mut known = Self {
            of_certificate: HashMap::new(),
            of_key: HashMap::new(),
        };
        for id in estate.certificates.values() {
            let entity = estate.entities.get(id);
            let Some(certificate) = entity.and_then(|e| e.attributes.certificate.as_ref()) else {
                continue;
            };
            let whole = certificate.sha1.iter().chain([&certificate.sha256]);
            for digest in whole {
                known
                    .of_certificate
                    .entry(digest.clone())
                    .or_default()
                    .push(id.clone());
            }
            known
                .of_key
                .entry(certificate.spki_sha256.clone())
                .or_default()
                .push(id.clone());
        }
        known
    }

    fn meant(&self, pin: &Pin) -> Vec<EntityId> {
        let whole = self
            .of_certificate
            .get(&pin.digest)
            .filter(|_| pin.of != "key");
        let mut meant: Vec<EntityId> = whole
            .into_iter()
            .chain(self.of_key.get(&pin.digest))
            .flatten()
            .cloned()
            .collect();
        meant.sort();
        meant.dedup();
        meant
    }
}
