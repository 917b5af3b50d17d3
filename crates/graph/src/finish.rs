//! Drafts to dependencies: ids, reasons, and everything ready to print.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use groma_model::fact::ComponentClass;
use groma_model::inventory::{
    Basis, Consumer, Dependency, DependencyDetails, Entity, Provider, ReachedBy, Strength,
};
use groma_model::registry::REGISTRY;
use groma_model::{DependencyId, EntityId, Estate, Witness};
use rayon::prelude::*;

use crate::draft::{Draft, Drafts, Place};
use crate::few::Few;
use crate::gather::Gathered;
use crate::hidden;
use crate::join::join;
use crate::live::Listeners;
use crate::published::Call;
use crate::relay::{End, Relays, is_the_relay};
use crate::rhythm;

/// Joins the drafts of every place and makes a dependency of each that is left, in order with those that are `ready`.
/// Places know nothing of each other, so all cores work on them.
pub(crate) fn finish(
    drafts: Drafts,
    ready: Vec<Dependency>,
    gathered: &Gathered,
    estate: &Estate,
    listeners: &Listeners<'_>,
    relays: &Relays,
) -> Vec<Dependency> {
    let sources = Sources {
        gathered,
        estate,
        listeners,
        relays,
    };
    let places: Vec<(Place, Vec<Draft>)> = drafts.places.into_iter().collect();
    let entities: HashMap<&EntityId, &Entity> = estate.entities.iter().collect();
    // Boxed until they are in order: sorting moves ids and pointers, and reads nothing else.
    let mut done: Vec<(DependencyId, Box<Dependency>)> = places
        .into_par_iter()
        .flat_map_iter(|(place, drafts)| {
            let mut finished = Vec::new();
            for draft in join(drafts) {
                let (Some(consumer), Some(provider)) =
                    (entities.get(&place.consumer), entities.get(&place.provider))
                else {
                    continue;
                };
                let ends = Ends { consumer, provider };
                if relays.is_empty() {
                    finished.push(dependency(&place, draft, &ends, &sources));
                } else {
                    behind(&place, draft, &ends, &entities, &sources, &mut finished);
                }
            }
            finished.into_iter().map(with_id).collect::<Vec<_>>()
        })
        .collect();
    done.extend(ready.into_iter().map(with_id));
    done.par_sort_by(|(id, a), (other, b)| id.cmp(other).then_with(|| order(a).cmp(&order(b))));
    done.dedup_by(|(_, later), (_, kept)| {
        let same = later.id == kept.id;
        if same && kept.basis == Basis::Inferred {
            also(kept, later);
        }
        same
    });
    let in_order = done.into_par_iter();
    in_order.map(|(_, dependency)| *dependency).collect()
}

fn with_id(dependency: Dependency) -> (DependencyId, Box<Dependency>) {
    (dependency.id.clone(), Box::new(dependency))
}

/// Of several with one id: an edge somebody stated stands before one that was concluded.
fn order(d: &Dependency) -> impl Ord + '_ {
    (d.basis == Basis::Inferred, &d.details.through, &d.evidence)
}

/// Two ways lead to the same conclusion.
fn also(kept: &mut Dependency, other: &Dependency) {
    let evidence = kept.evidence.iter().chain(&other.evidence).cloned();
    kept.evidence = evidence.collect::<BTreeSet<_>>().into_iter().collect();
    let witnesses = kept.witnesses.iter().chain(&other.witnesses).copied();
    kept.witnesses = witnesses.collect::<BTreeSet<_>>().into_iter().collect();
    kept.current |= other.current;
    kept.details.one_of_several &= other.details.one_of_several;
    kept.strength = kept.strength.min(other.strength);
}

/// The edge of a draft, and those to whom it leads behind a relay.
fn behind(
    place: &Place,
    draft: Draft,
    ends: &Ends<'_>,
    entities: &HashMap<&EntityId, &Entity>,
    sources: &Sources<'_>,
    finished: &mut Vec<Dependency>,
) {
    let relays = sources.relays;
    let followed = relays.follow(place, &draft);
    for end in &followed.ends {
        if let Some(provider) = entities.get(&end.provider)
            && !is_the_relay(&draft, &end.through, &place.consumer)
        {
            let ends = Ends {
                consumer: ends.consumer,
                provider,
            };
            finished.push(concluded(place, &draft, end, &ends, sources));
        }
    }
    let mut direct = dependency(place, draft, ends, sources);
    direct.details.onward = followed.onward.into_iter().collect();
    direct.details.through = relays.carrier(place, ends.provider).into_iter().collect();
    if relays.has_peers(place) {
        direct.details.one_of_several = true;
        direct.strength = direct.strength.max(Strength::Degrading);
    }
    finished.push(direct);
}

/// What follows from a need that ends at a relay.
fn concluded(
    place: &Place,
    direct: &Draft,
    end: &End,
    ends: &Ends<'_>,
    sources: &Sources<'_>,
) -> Dependency {
    let (draft, transport) = end.draft(direct, sources.listeners);
    let place = Place {
        consumer: place.consumer.clone(),
        provider: end.provider.clone(),
        port: end.port,
        transport: Some(transport),
    };
    let mut edge = dependency(&place, draft, ends, sources);
    edge.basis = Basis::Inferred;
    edge.hidden = true;
    edge.hidden_because.push("behind-relay".to_owned());
    edge.hidden_because.sort();
    edge.details.through.clone_from(&end.through);
    edge.details.one_of_several = end.one_of_several;
    // What went over the wire was counted between the consumer and the relay.
    edge.details.bytes = None;
    edge.details.lasted = None;
    if end.one_of_several {
        edge.strength = edge.strength.max(Strength::Degrading);
    }
    edge
}

/// What everything is made of.
struct Sources<'a> {
    gathered: &'a Gathered,
    estate: &'a Estate,
    listeners: &'a Listeners<'a>,
    relays: &'a Relays,
}

/// The two machines of a place.
struct Ends<'a> {
    consumer: &'a Entity,
    provider: &'a Entity,
}

fn dependency(
    place: &Place,
    mut draft: Draft,
    ends: &Ends<'_>,
    sources: &Sources<'_>,
) -> Dependency {
    let Ends { consumer, provider } = *ends;
    let Sources {
        gathered,
        estate,
        listeners,
        ..
    } = sources;
    if draft.rhythm.is_none() {
        let watched = [&place.consumer, &place.provider]
            .into_iter()
            .find_map(|host| gathered.watched.get(host));
        draft.rhythm = watched
            .and_then(|watched| rhythm::of(&draft.seen, *watched))
            .map(str::to_owned);
    }
    let samples = gathered.samples.get(&place.consumer).copied().unwrap_or(0);
    let reasons = hidden::reasons(&hidden::Case {
        place,
        draft: &draft,
        consumer,
        provider,
        estate,
        samples,
    });
    let kind = REGISTRY.kind(&draft.kind);
    let (reached_by, reached_as) = hardest_to_move(&draft);
    Dependency {
        id: id(place, &draft),
        layer: kind.layer.clone(),
        strength: strength(&kind.strength),
        shared_service: kind.shared,
        basis: basis(&draft),
        hidden: !reasons.is_empty(),
        hidden_because: reasons,
        reached_by,
        reached_as,
        first_seen: draft.seen.first,
        last_seen: draft.seen.last,
        current: draft.current,
        count: if draft.calls > 0 {
            draft.calls
        } else {
            draft.alive
        },
        next_due: None,
        verdict: None,
        consumer: Consumer {
            entity: consumer.id.clone(),
            name: consumer.name.clone(),
            addresses: consumer.addresses.clone(),
            component: draft.component,
        },
        provider: provider_end(place, provider, &draft.called, listeners),
        kind: draft.kind,
        rhythm: draft.rhythm,
        details: DependencyDetails {
            account: None,
            accounts: draft.accounts.into_iter().collect(),
            mechanism: one_of(draft.mechanisms),
            protection: draft.protection,
            resources: draft.resources.into_iter().collect(),
            written_in: draft.written_in.into_iter().collect(),
            programs: draft
                .programs
                .iter()
                .map(groma_model::fact::Program::label)
                .collect(),
            secret_in_file: draft.secret,
            local: is_local(&place.consumer, &place.provider),
            bytes: draft.seen.bytes,
            hours: draft.seen.hours,
            lasted: draft.seen.lasted,
            last_used: draft.used,
            heard_by: draft.heard_by.into_iter().collect(),
            ..DependencyDetails::default()
        },
        witnesses: draft.witnesses.into_iter().collect(),
        evidence: draft.evidence.into_iter().collect(),
    }
}

/// How it logs on, if all who say so say the same.
fn one_of(mechanisms: Few<String>) -> Option<String> {
    let mut said = mechanisms.into_iter();
    said.next().filter(|_| said.next().is_none())
}

fn provider_end(
    place: &Place,
    provider: &Entity,
    called: &Few<IpAddr>,
    listeners: &Listeners<'_>,
) -> Provider {
    let call = Call {
        local: is_local(&place.consumer, &place.provider),
        addresses: called.as_slice(),
    };
    Provider {
        entity: provider.id.clone(),
        name: provider.name.clone(),
        addresses: provider.addresses.clone(),
        port: place.port,
        transport: place.transport,
        component: listeners.component(&provider.id, place.port, place.transport, &call),
    }
}

fn id(place: &Place, draft: &Draft) -> DependencyId {
    let port = place.port.map(|p| p.to_string()).unwrap_or_default();
    let transport = place.transport.map(|t| t.to_string()).unwrap_or_default();
    // The name of a whole machine may change; its id does not.
    let part = match draft.component.class {
        ComponentClass::Device => String::new(),
        _ => serde_name(&draft.component.name),
    };
    let class = format!("{:?}", draft.component.class);
    DependencyId::of(&[
        place.consumer.as_str(),
        &class,
        &part,
        &draft.kind,
        place.provider.as_str(),
        &port,
        &transport,
    ])
}

/// Bytes of a name as text that no other bytes share.
fn serde_name(name: &groma_model::Foreign) -> String {
    name.as_str()
        .map_or_else(|| groma_model::foreign::hex(name.as_bytes()), str::to_owned)
}

/// Of all ways the provider is reached, the one that follows a move least easily.
fn hardest_to_move(draft: &Draft) -> (Option<ReachedBy>, Option<String>) {
    let order = |by: ReachedBy| match by {
        ReachedBy::AddressLiteral => 0,
        ReachedBy::HostsFile => 1,
        ReachedBy::Alias => 2,
        ReachedBy::Broadcast => 3,
        ReachedBy::Name => 4,
    };
    match draft
        .reached
        .iter()
        .min_by_key(|(by, text)| (order(*by), text.clone()))
    {
        Some((by, text)) => (Some(*by), Some(text.clone())),
        None => (None, None),
    }
}

fn basis(draft: &Draft) -> Basis {
    let observed = draft
        .witnesses
        .iter()
        .any(|w| matches!(w, Witness::Live | Witness::History | Witness::Network));
    if observed {
        Basis::Observed
    } else {
        Basis::Declared
    }
}

/// The registry's word for what is lost.
pub(crate) fn strength(word: &str) -> Strength {
    match word {
        "blocking" => Strength::Blocking,
        "degrading" => Strength::Degrading,
        _ => Strength::Unknown,
    }
}

fn is_local(consumer: &EntityId, provider: &EntityId) -> bool {
    consumer == provider
}
