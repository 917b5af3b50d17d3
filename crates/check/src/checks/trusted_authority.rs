//! `trusted-authority`: an authority that somebody added to a system's trust store expires, or is of a system that moves.

use std::collections::BTreeSet;

use groma_model::EntityId;
use groma_model::fact::Certificate;
use groma_model::inventory::{Disposition, Entity, Likelihood, Severity};

use crate::wording::{count, in_days, names};
use crate::{Check, Draft, View};

/// Time to bring a new authority to every machine.
const SOON_DAYS: i64 = 180;

pub(crate) struct TrustedAuthority;

impl Check for TrustedAuthority {
    fn name(&self) -> &'static str {
        "trusted-authority"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let added = |entity: &&Entity| {
            let mut places = entity.attributes.places.iter();
            places.any(|place| place.trust.as_deref() == Some("added"))
        };
        view.entities()
            .filter(added)
            .filter_map(|entity| draft(view, entity, entity.attributes.certificate.as_ref()?))
            .collect()
    }
}

fn draft(view: &View<'_>, entity: &Entity, certificate: &Certificate) -> Option<Draft> {
    let days = view.now.days_until(certificate.not_after);
    let movers = movers(view, entity);
    let expires = days <= SOON_DAYS;
    if !expires && movers.is_empty() {
        return None;
    }
    let trusting: BTreeSet<&EntityId> = entity
        .attributes
        .places
        .iter()
        .filter(|place| place.trust.as_deref() == Some("added"))
        .map(|place| &place.host)
        .collect();
    let hosts: Vec<&Entity> = trusting.iter().filter_map(|id| view.entity(id)).collect();
    let mut draft = Draft::about(&[&certificate.sha256, "trusted"]);
    draft.severity = if days <= 30 {
        Severity::High
    } else {
        Severity::Medium
    };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = if expires {
        Likelihood::High
    } else {
        Likelihood::Medium
    };
    let why = match (expires, movers.is_empty()) {
        (true, _) => format!("expires {}", in_days(days)),
        (false, _) => format!("is kept by {}, which is about to change", names(&movers)),
    };
    let what_then = if expires {
        "every certificate it issued stops being believed there"
    } else {
        "new certificates and revocation lists wait until its key is at the new place"
    };
    draft.risk = format!(
        "The authority {}, which was added to the trust store of {}, {why}: {what_then}.",
        entity.name,
        count(hosts.len(), "machine", "machines")
    );
    draft.indicator = format!(
        "valid until {}; added on {}",
        certificate.not_after.day(),
        names(hosts.iter().map(|h| &h.name))
    );
    let impact = if expires {
        "Programs on these machines refuse connections to everything under this authority at once."
    } else {
        "Should another authority take its place, programs on these machines refuse what it issues until their stores have it."
    };
    impact.clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Bring the next authority to every one of these trust stores before the first certificate is issued under it.",
        "List what stands under this authority, and who renews it.",
    ];
    draft.control_date = expires.then_some(certificate.not_after);
    draft.points_at(entity);
    draft.cites_evidence(&entity.evidence);
    hosts.into_iter().for_each(|host| draft.points_at(host));
    Some(draft)
}

/// Systems that move, are replaced or go, and keep the authority's key.
fn movers(view: &View<'_>, entity: &Entity) -> BTreeSet<String> {
    let places = entity.attributes.places.iter();
    let keys: BTreeSet<&EntityId> = places
        .filter(|place| place.key_present)
        .map(|place| &place.host)
        .collect();
    let leaves = |system: &&groma_model::inventory::System| {
        matches!(
            system.disposition,
            Some(Disposition::Move | Disposition::Replace | Disposition::Retire)
        )
    };
    let systems = keys.into_iter().flat_map(|host| view.systems_of(host));
    systems
        .filter(leaves)
        .map(|system| system.name.clone())
        .collect()
}
