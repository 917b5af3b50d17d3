//! Machines that were met from outside: on the wire, or by a scan.
//!
//! Where one is met at an address, somebody is there. What it says of itself (its name, its model) describes an entity
//! that nobody looked at from inside and no list names; it never says who is meant by a name elsewhere, for everybody may
//! call himself anything.

use groma_model::Estate;
use groma_model::inventory::Entity;

use crate::gather::{Gathered, Met};
use crate::ledger::Ledger;
use crate::names::name_strangers;
use crate::outside::place_address;

/// Sightings one entity keeps.
const SIGHTINGS_MAX: usize = 50;
/// Layer of things that are no computers.
const ENDPOINT: &str = "endpoint";

/// Makes an entity of every address at which somebody was met.
pub(crate) fn place(gathered: &Gathered, ledger: &mut Ledger<'_>, estate: &mut Estate) {
    for met in &gathered.sightings {
        if let Some(address) = met.sighting.address {
            place_address(&met.site, address, met.seen, gathered, ledger, estate);
        }
    }
}

/// Adds what was said of each to it.
pub(crate) fn describe(gathered: &Gathered, estate: &mut Estate) {
    for met in &gathered.sightings {
        let at = met
            .sighting
            .address
            .map(|address| (met.site.clone(), address.to_canonical()));
        let id = at.and_then(|at| estate.addresses.get(&at).cloned());
        if let Some(entity) = id.and_then(|id| estate.entities.get_mut(&id)) {
            add(entity, met);
        }
    }
    name_strangers(estate);
    for entity in estate.entities.values_mut() {
        entity.attributes.sightings.sort();
        entity.attributes.sightings.dedup();
        entity.attributes.sightings.truncate(SIGHTINGS_MAX);
    }
}

fn add(entity: &mut Entity, met: &Met) {
    entity.evidence.push(met.evidence.clone());
    if met.current {
        entity.attributes.sightings.push(met.sighting.clone());
    }
    if entity.has_agent {
        return;
    }
    let names = met.sighting.names.iter().map(ToString::to_string);
    entity.names.extend(names);
    entity.attributes.macs.extend(met.sighting.mac.clone());
    entity.attributes.macs.sort();
    entity.attributes.macs.dedup();
    // Whoever says that it scans has a glass to lay paper on.
    if met.sighting.scans && entity.kind == "host" && !entity.declared {
        "device".clone_into(&mut entity.kind);
        ENDPOINT.clone_into(&mut entity.layer);
    }
}
