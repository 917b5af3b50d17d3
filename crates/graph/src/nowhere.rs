//! What is not in a zone is only known of a zone that was read as a whole.
//!
//! Machines that get their address by DHCP stand in a dynamic zone's journal until the server writes it into the file, and
//! lines that were not understood may hold any name: an alias to such a name leads somewhere, and nobody here knows where.

use std::collections::BTreeSet;

use groma_model::CoverageState;
use groma_model::inventory::Inventory;
use groma_model::zone::ZoneRecordEntry;

/// Takes back that a name leads nowhere where its zone was read in part. A circle stays one: its names are there.
pub fn mark(inventory: &mut Inventory) {
    let in_part = in_part(inventory);
    if in_part.is_empty() {
        return;
    }
    let rows = &inventory.zone_records;
    let there: BTreeSet<String> = rows.iter().map(|row| row.owner.clone()).collect();
    let zones: BTreeSet<String> = rows.iter().map(|row| row.zone.to_string()).collect();
    let is_known = |name: &String| {
        there.contains(name) || zone_of(name, &zones).is_none_or(|zone| !in_part.contains(zone))
    };
    let unsure = |row: &&mut ZoneRecordEntry| !row.nowhere.is_empty();
    for row in inventory.zone_records.iter_mut().filter(unsure) {
        row.nowhere.retain(is_known);
    }
}

/// Zones of which a server said that not all was read. A view is left out: the zone is unsure in all of them.
fn in_part(inventory: &Inventory) -> BTreeSet<String> {
    let told = inventory.coverage.iter();
    told.filter(|entry| entry.state != CoverageState::Complete)
        .filter_map(|entry| entry.scope.strip_prefix("zone:"))
        .map(|place| place.split_once('/').map_or(place, |(zone, _)| zone))
        .map(str::to_owned)
        .collect()
}

/// The narrowest zone that `name` belongs to.
fn zone_of<'z>(name: &str, zones: &'z BTreeSet<String>) -> Option<&'z str> {
    let mut rest = name;
    loop {
        if let Some(zone) = zones.get(rest) {
            return Some(zone);
        }
        rest = rest.split_once('.')?.1;
    }
}
