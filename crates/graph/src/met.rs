//! Ports that answered from outside, beside those an agent saw held open from inside.
//!
//! Where an agent told of the listener, the answer is a further witness of it and no second row. What only answered from
//! outside is a row without a program. A port number says nothing of what is spoken there, so a row names a service only
//! where it was heard.

use std::collections::BTreeMap;

use groma_model::fact::{OpenPort, Program};
use groma_model::inventory::ListenerEntry;
use groma_model::registry::REGISTRY;
use groma_model::{EntityId, Estate, Peer};

use crate::gather::{Raw, Raws};

/// Adds what answered from outside to the listeners.
pub(crate) fn join(listeners: &mut Vec<ListenerEntry>, open: &Raws<OpenPort>, estate: &Estate) {
    let mut rows: BTreeMap<_, ListenerEntry> = BTreeMap::new();
    for raw in open {
        let Some(entity) = behind(raw, estate) else {
            continue;
        };
        if is_witnessed(listeners, &entity, raw) {
            continue;
        }
        let fact = &raw.fact;
        let key = (entity.clone(), fact.address, fact.port, fact.transport);
        let row = rows.entry(key).or_insert_with(|| ListenerEntry {
            entity,
            address: fact.address,
            port: fact.port,
            transport: fact.transport,
            process: Program::default(),
            service: None,
            certificate: None,
            evidence: Vec::new(),
        });
        let heard = fact.speaks.as_deref();
        let kind = heard.filter(|name| REGISTRY.dependencies.contains_key(*name));
        row.service = row.service.take().or(kind.map(str::to_owned));
        row.evidence.push(raw.id.clone());
    }
    if rows.is_empty() {
        return;
    }
    listeners.extend(rows.into_values().map(|mut row| {
        row.evidence.sort();
        row.evidence.dedup();
        row
    }));
    listeners.sort_by(|a, b| key(a).cmp(&key(b)));
}

fn key(row: &ListenerEntry) -> impl Ord + '_ {
    (
        &row.entity,
        row.address,
        row.port,
        row.transport,
        &row.process,
    )
}

fn behind(raw: &Raw<OpenPort>, estate: &Estate) -> Option<EntityId> {
    let peer = Peer::Address(raw.fact.address);
    let meaning = estate.locate(&raw.site, &raw.vantage, &peer)?;
    Some(meaning.entity)
}

/// True, and cited, if an agent told of the listener that answered.
fn is_witnessed(listeners: &mut [ListenerEntry], entity: &EntityId, raw: &Raw<OpenPort>) -> bool {
    let fact = &raw.fact;
    let same = listeners.iter_mut().filter(|row| {
        let here = row.address.is_unspecified() || row.address == fact.address;
        row.entity == *entity && row.port == fact.port && row.transport == fact.transport && here
    });
    let mut witnessed = false;
    for row in same {
        row.evidence.push(raw.id.clone());
        row.evidence.sort();
        row.evidence.dedup();
        witnessed = true;
    }
    witnessed
}
