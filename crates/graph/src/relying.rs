//! Who signs people in through which identity provider, as the providers' own lists say.
//!
//! A list keeps partners that left long ago, so the same rule holds as for [`admitted`](crate::admitted): what stands
//! at the address must be known by more than that line, or it is a row of the table and no need.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use groma_model::fact::{RelyingParty, SignInWay};
use groma_model::name::Transport;
use groma_model::relying::RelyingPartyEntry;
use groma_model::{EntityId, Estate, EvidenceId, Peer};

use crate::directory::alike;
use crate::draft::{Certainty, Draft, Drafts, Place, one_transport};
use crate::gather::{Gathered, Raw, Raws};
use crate::live::whole;

const KIND: &str = "federation";

/// Adds what providers say of those they sign people in for to the drafts of everything else.
pub(crate) fn needs(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    if gathered.relying.is_empty() {
        return;
    }
    let met: HashSet<EntityId> = drafts
        .places
        .keys()
        .flat_map(|place| [place.consumer.clone(), place.provider.clone()])
        .collect();
    let mut known = known_sign_ins(drafts);
    for raw in &gathered.relying {
        let Some(provider) = provider(raw, estate) else {
            continue;
        };
        for peer in &raw.fact.places {
            let Some(consumer) = located(raw, peer, estate) else {
                continue;
            };
            let is_known = met.contains(&consumer) || !is_only_a_line(peer, &consumer, estate);
            if consumer != provider && is_known {
                add(
                    raw,
                    (consumer, provider.clone()),
                    &mut known,
                    estate,
                    drafts,
                );
            }
        }
    }
}

/// Where each pair is known to sign in: the service's own side knows the port, the provider's does not.
fn known_sign_ins(drafts: &Drafts) -> HashMap<(EntityId, EntityId), Place> {
    let mut known: HashMap<(EntityId, EntityId), Place> = HashMap::new();
    let sign_ins = drafts
        .places
        .iter()
        .filter(|(_, there)| there.iter().any(|draft| draft.kind == KIND));
    for (place, _) in sign_ins {
        let pair = (place.consumer.clone(), place.provider.clone());
        let slot = known.entry(pair).or_insert_with(|| place.clone());
        if (place.port, place.transport) < (slot.port, slot.transport) {
            *slot = place.clone();
        }
    }
    known
}

fn add(
    raw: &Raw<RelyingParty>,
    pair: (EntityId, EntityId),
    known: &mut HashMap<(EntityId, EntityId), Place>,
    estate: &Estate,
    drafts: &mut Drafts,
) {
    let place = known.entry(pair).or_insert_with_key(|pair| Place {
        consumer: pair.0.clone(),
        provider: pair.1.clone(),
        port: None,
        transport: Some(one_transport(None, Transport::Tcp)),
    });
    match alike(drafts, place, KIND) {
        Some(draft) => {
            draft.witnesses.insert(raw.witness);
            draft.evidence.insert(raw.id.clone());
            draft.current |= raw.current;
            tell(draft, raw);
        }
        None => {
            let part = whole(&place.consumer, estate);
            let mut draft = Draft::of(raw, part, KIND, Certainty::Stated, raw.witness);
            tell(&mut draft, raw);
            drafts.add(place.clone(), draft);
        }
    }
}

fn tell(draft: &mut Draft, raw: &Raw<RelyingParty>) {
    if raw.fact.file.is_some() {
        draft.written_in.insert(raw.fact.place_written());
    }
    draft.resources.insert(raw.fact.name.to_string());
}

/// The machine of the provider: the one a list names, or that on which its file lies.
fn provider(raw: &Raw<RelyingParty>, estate: &Estate) -> Option<EntityId> {
    match (&raw.fact.provider, &raw.fact.file) {
        (Some(peer), _) => located(raw, peer, estate),
        (None, Some(_)) => Some(raw.host.clone()),
        (None, None) => None,
    }
}

fn located(raw: &Raw<RelyingParty>, peer: &Peer, estate: &Estate) -> Option<EntityId> {
    Some(estate.locate(&raw.site, &raw.vantage, peer)?.entity)
}

/// A name that leads to an address is more than its line: somebody keeps a record of it.
fn is_only_a_line(peer: &Peer, consumer: &EntityId, estate: &Estate) -> bool {
    let entity = estate.entities.get(consumer);
    entity.is_none_or(|entity| {
        let resolves = matches!(peer, Peer::Name(_)) && !entity.addresses.is_empty();
        entity.is_mere_name() && !resolves
    })
}

/// One row in the making.
#[derive(Default)]
struct Row {
    product: BTreeSet<String>,
    name: BTreeSet<String>,
    identifier: BTreeSet<String>,
    places: BTreeSet<String>,
    consumers: BTreeSet<EntityId>,
    told_by: BTreeSet<EntityId>,
    written_in: BTreeSet<String>,
    evidence: BTreeSet<EvidenceId>,
}

/// What the newest lists and looks still say, sorted: one row for each service and provider, whoever says so.
pub(crate) fn rows(facts: &Raws<RelyingParty>, estate: &Estate) -> Vec<RelyingPartyEntry> {
    let mut rows: BTreeMap<(Option<EntityId>, String, SignInWay), Row> = BTreeMap::new();
    for raw in facts.iter().filter(|raw| raw.current) {
        let party = &raw.fact;
        let known_by = party.identifier.as_ref().unwrap_or(&party.name);
        let key = known_by.to_string().to_lowercase();
        let row = rows
            .entry((provider(raw, estate), key, party.way))
            .or_default();
        let consumers = party.places.iter().filter_map(|p| located(raw, p, estate));
        row.consumers.extend(consumers);
        row.places
            .extend(party.places.iter().map(ToString::to_string));
        row.product.insert(party.product.clone());
        row.name.insert(party.name.to_string());
        row.identifier
            .extend(party.identifier.as_ref().map(ToString::to_string));
        row.told_by.insert(raw.host.clone());
        row.written_in.insert(party.place_written());
        row.evidence.insert(raw.id.clone());
    }
    let mut out: Vec<RelyingPartyEntry> = rows
        .into_iter()
        .filter_map(|((provider, _, way), row)| entry(provider, way, row))
        .collect();
    out.sort();
    out
}

fn entry(provider: Option<EntityId>, way: SignInWay, mut row: Row) -> Option<RelyingPartyEntry> {
    Some(RelyingPartyEntry {
        provider,
        product: row.product.pop_first()?,
        name: row.name.pop_first()?,
        identifier: row.identifier.pop_first(),
        way,
        places: row.places.into_iter().collect(),
        consumers: row.consumers.into_iter().collect(),
        told_by: row.told_by.into_iter().collect(),
        written_in: row.written_in.into_iter().collect(),
        evidence: row.evidence.into_iter().collect(),
    })
}
