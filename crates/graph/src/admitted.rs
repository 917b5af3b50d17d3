//! Whom servers let in by name: somebody agreed on a secret with each of them, so it is a need of that machine, often one
//! nobody can look at from inside. Such lists keep what was scrapped long ago: a client of which nothing but its line is
//! known (no sighting, no list, no record that leads to it) is evidence, and no need.

use std::collections::HashSet;

use groma_model::fact::Admission;
use groma_model::inventory::Entity;
use groma_model::{EntityId, Estate, Peer};

use crate::directory::alike;
use crate::draft::{Certainty, Draft, Drafts, Place, one_transport};
use crate::gather::{Gathered, Raw};
use crate::live::whole;

/// Adds what servers say of their clients to the drafts of everything else. A network that is let in names nobody.
pub(crate) fn needs(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    if gathered.admissions.is_empty() {
        return;
    }
    // Of an estate of a hundred thousand places only those that are asked about are kept.
    let places = gathered.admissions.iter().map(|raw| place(raw, estate));
    let clients: HashSet<EntityId> = places.flatten().map(|place| place.consumer).collect();
    let met: HashSet<EntityId> = drafts
        .places
        .keys()
        .flat_map(|place| [&place.consumer, &place.provider])
        .filter(|id| clients.contains(*id))
        .cloned()
        .collect();
    for raw in &gathered.admissions {
        let Some(place) = place(raw, estate) else {
            continue;
        };
        if !met.contains(&place.consumer) && is_only_a_line(raw, &place.consumer, estate) {
            continue;
        }
        match alike(drafts, &place, &raw.fact.kind) {
            Some(known) => {
                known.witnesses.insert(raw.witness);
                known.evidence.insert(raw.id.clone());
                known.current |= raw.current;
            }
            None => {
                let draft = draft(raw, &place.consumer, estate);
                drafts.add(place, draft);
            }
        }
    }
}

fn place(raw: &Raw<Admission>, estate: &Estate) -> Option<Place> {
    let admission = &raw.fact;
    let peer = admission.peer.as_ref()?;
    let consumer = estate.locate(&raw.site, &raw.vantage, peer)?.entity;
    // A server may be its own client: for a test, or for what runs beside it.
    (consumer != raw.host).then(|| Place {
        consumer,
        provider: raw.host.clone(),
        port: admission.port,
        transport: Some(one_transport(admission.port, admission.transport)),
    })
}

/// A name that leads to an address is more than its line: somebody keeps a record of it.
fn is_only_a_line(raw: &Raw<Admission>, client: &EntityId, estate: &Estate) -> bool {
    let resolves = |entity: &Entity| {
        matches!(raw.fact.peer, Some(Peer::Name(_))) && !entity.addresses.is_empty()
    };
    estate
        .entities
        .get(client)
        .is_none_or(|entity| entity.is_mere_name() && !resolves(entity))
}

fn draft(raw: &Raw<Admission>, consumer: &EntityId, estate: &Estate) -> Draft {
    let part = whole(consumer, estate);
    let mut draft = Draft::of(raw, part, &raw.fact.kind, Certainty::Stated, raw.witness);
    draft
        .written_in
        .insert(format!("{}:{}", raw.fact.file, raw.fact.line));
    draft
}
