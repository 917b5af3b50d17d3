//! `pinned-certificate`: a program trusts one certificate by its hash, so that its renewal breaks what no name shows.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::CertificatePlace;
use groma_model::inventory::{Entity, Likelihood, PinEntry, Severity};

use crate::wording::{count, names};
use crate::{Check, Draft, View};

/// A certificate that expires within so many days is renewed in any project that moves it.
const SOON_DAYS: i64 = 90;

pub(crate) struct PinnedCertificate;

impl Check for PinnedCertificate {
    fn name(&self) -> &'static str {
        "pinned-certificate"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut pinned: BTreeMap<&EntityId, Vec<(&Entity, &PinEntry)>> = BTreeMap::new();
        for host in view.entities() {
            for entry in &host.attributes.pins {
                for certificate in &entry.certificates {
                    pinned.entry(certificate).or_default().push((host, entry));
                }
            }
        }
        pinned
            .iter()
            .filter_map(|(id, pins)| draft(view, view.entity(id)?, pins))
            .collect()
    }
}

fn draft(view: &View<'_>, entity: &Entity, pins: &[(&Entity, &PinEntry)]) -> Option<Draft> {
    let certificate = entity.attributes.certificate.as_ref()?;
    let hosts: BTreeSet<&str> = pins.iter().map(|(host, _)| host.name.as_str()).collect();
    let days = view.now.days_until(certificate.not_after);
    // The hash of a key outlives the certificate, as long as the key is kept.
    let keys_only = pins.iter().all(|(_, entry)| entry.pin.of == "key");
    let mut draft = Draft::about(&[&certificate.sha256, "pinned"]);
    draft.severity = if days <= SOON_DAYS && !keys_only {
        Severity::High
    } else {
        Severity::Medium
    };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = if keys_only {
        Likelihood::Medium
    } else {
        Likelihood::High
    };
    draft.risk = format!(
        "{} on {} {} the certificate of {} by its hash: when it is renewed or moved to a new key, {} stop.",
        count(pins.len(), "setting", "settings"),
        names(&hosts),
        if pins.len() == 1 { "trusts" } else { "trust" },
        entity.name,
        if pins.len() == 1 {
            "what uses it will"
        } else {
            "what uses them will"
        },
    );
    let places = pins.iter().map(|(host, entry)| {
        format!(
            "{}:{} on {} ({})",
            entry.pin.file, entry.pin.line, host.name, entry.pin.key
        )
    });
    draft.indicator = format!(
        "{}; valid until {}{}",
        names(places),
        certificate.not_after.day(),
        presented(view, entity)
    );
    draft.impact = if keys_only {
        "The connection is refused as soon as the other side has a new key, without a word about names or dates."
    } else {
        "The connection is refused on the day of the renewal, although the new certificate is good."
    }
    .to_owned();
    draft.mitigations = vec![
        "Put the hash of the new certificate beside the old one before the renewal, and take the old one out after it.",
        "Or trust the authority and the name instead of one certificate.",
        "Write the renewal date and these files into the plan of the wave.",
    ];
    draft.control_date = Some(certificate.not_after);
    draft.points_at(entity);
    for (host, entry) in pins {
        draft.points_at(host);
        draft.cites_evidence(std::slice::from_ref(&entry.evidence));
    }
    Some(draft)
}

fn presented(view: &View<'_>, entity: &Entity) -> String {
    let at = entity.attributes.places.iter().filter_map(|place| {
        let CertificatePlace::Endpoint { port, .. } = place.place else {
            return None;
        };
        Some(format!("{}:{port}", view.entity(&place.host)?.name))
    });
    let at = names(at);
    if at.is_empty() {
        at
    } else {
        format!("; presented at {at}")
    }
}
