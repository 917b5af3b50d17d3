//! Doors of machines nobody looked at from inside: as they say themselves, or as a scan found them open. A row names a service
//! only where it was heard: the number of a port says nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::Program;
use groma_model::inventory::ListenerEntry;
use groma_model::name::{Port, Transport};
use groma_model::sighting::Sighting;
use groma_model::{EntityId, Estate, EvidenceId, Peer};

use crate::gather::Raws;
use crate::met::spoken;

/// Doors one machine may have in the table: whoever answers at every port answers for others.
const DOORS_MAX: usize = 200;

/// Adds the doors of machines without an agent to `listeners`.
pub(crate) fn doors(met: &Raws<Sighting>, estate: &Estate, listeners: &mut Vec<ListenerEntry>) {
    type Place = (EntityId, IpAddr, Port, Transport);
    let mut found: BTreeMap<Place, (BTreeSet<&str>, BTreeSet<EvidenceId>)> = BTreeMap::new();
    for raw in met.iter().filter(|raw| raw.current) {
        let Some(address) = raw.fact.address else {
            continue;
        };
        let machine = estate.locate(&raw.site, &raw.vantage, &Peer::Address(address));
        let Some(machine) = machine.map(|machine| machine.entity) else {
            continue;
        };
        let is_seen_inside = estate.entities.get(&machine).is_some_and(|e| e.has_agent);
        if is_seen_inside || raw.fact.doors.len() > DOORS_MAX {
            continue;
        }
        for door in &raw.fact.doors {
            let place = (machine.clone(), address, door.port, door.transport);
            let (heard, evidence) = found.entry(place).or_default();
            let service = door.service.as_deref();
            heard.extend(service.and_then(|word| spoken(word, door.port)));
            evidence.insert(raw.id.clone());
        }
    }
    let known: BTreeSet<(EntityId, Port, Transport)> = listeners
        .iter()
        .map(|row| (row.entity.clone(), row.port, row.transport))
        .collect();
    let new = found
        .into_iter()
        .filter(|((entity, _, port, transport), _)| {
            !known.contains(&(entity.clone(), *port, *transport))
        });
    listeners.extend(
        new.map(
            |((entity, address, port, transport), (heard, evidence))| ListenerEntry {
                entity,
                address,
                port,
                transport,
                process: Program::default(),
                service: heard.first().map(|kind| (*kind).to_owned()),
                certificate: None,
                answer: None,
                evidence: evidence.into_iter().collect(),
            },
        ),
    );
}
