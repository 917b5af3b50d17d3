//! What logs tell of uses: a further witness for needs that are known, and the only one for a client that calls
//! once a month.

use groma_model::fact::{ComponentClass, Direction, LoggedUse};
use groma_model::inventory::ReachedBy;
use groma_model::{EntityId, Estate, Peer, Witness};

use crate::draft::{Certainty, Draft, Drafts, Place, component, one_transport, weakest};
use crate::gather::{Gathered, Raw};

/// Adds what logs tell to the drafts of everything else.
pub(crate) fn uses(gathered: &Gathered, estate: &Estate, drafts: &mut Drafts) {
    for raw in &gathered.logged {
        let used = &raw.fact;
        let Some(other) = estate.locate(&raw.site, &raw.vantage, &Peer::Address(used.peer)) else {
            continue;
        };
        // What a machine asks of itself is nobody's need.
        if other.entity == raw.host {
            continue;
        }
        let place = place(raw, &other.entity);
        match drafts.places.get_mut(&place) {
            Some(known) => confirm(known, raw),
            None => {
                let draft = draft(raw, &place, estate);
                drafts.add(place, draft);
            }
        }
    }
}

fn place(raw: &Raw<LoggedUse>, other: &EntityId) -> Place {
    let used = &raw.fact;
    let (consumer, provider) = match used.direction {
        Direction::Incoming => (other, &raw.host),
        Direction::Outgoing => (&raw.host, other),
    };
    Place {
        consumer: consumer.clone(),
        provider: provider.clone(),
        port: Some(used.port),
        transport: Some(one_transport(Some(used.port), used.transport)),
    }
}

/// A log names the client's machine, not the part of it.
fn draft(raw: &Raw<LoggedUse>, place: &Place, estate: &Estate) -> Draft {
    let consumer = &place.consumer;
    let name = estate
        .entities
        .get(consumer)
        .map_or_else(|| consumer.to_string(), |entity| entity.name.clone());
    let part = component(ComponentClass::Device, name);
    let mut draft = Draft::of(
        raw,
        part,
        &raw.fact.kind,
        Certainty::Stated,
        Witness::History,
    );
    tell(&mut draft, raw);
    draft
}

/// Whoever is known to call there gains what the log knows; its own counts stay. Who calls for real is meant before
/// who only might, and one kind before another.
fn confirm(known: &mut [Draft], raw: &Raw<LoggedUse>) {
    let alive = known.iter().any(Draft::is_alive);
    let same_kind = known.iter().any(|draft| draft.kind == raw.fact.kind);
    let meant = |draft: &&mut Draft| {
        (!alive || draft.is_alive()) && (!same_kind || draft.kind == raw.fact.kind)
    };
    for draft in known.iter_mut().filter(meant) {
        draft.witnesses.insert(Witness::History);
        draft.evidence.insert(raw.id.clone());
        draft.current |= raw.current;
        draft.seen = groma_model::Seen {
            count: draft.seen.count,
            bytes: draft.seen.bytes,
            ..draft.seen.joined(raw.seen)
        };
        draft.calls = draft.calls.max(raw.seen.count);
        tell(draft, raw);
    }
}

fn tell(draft: &mut Draft, raw: &Raw<LoggedUse>) {
    let used = &raw.fact;
    let account = used.account.as_ref().filter(|account| !account.is_empty());
    draft
        .accounts
        .extend(account.map(|account| account.lossy().into_owned()));
    draft.protection = weakest(draft.protection, used.protection);
    let name = used.name.as_ref();
    draft
        .reached
        .extend(name.map(|name| (ReachedBy::Name, name.to_string())));
}
