//! What is not ours: public addresses, and services somebody else runs. And whom our own machines alone watch.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::EntityId;
use crate::fact::WatchPurpose;
use crate::inventory::{Entity, Inventory, Watching};

/// True for an address that is routed on the public internet.
pub fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let carrier_grade = a == 100 && (64..128).contains(&b);
            let special =
                v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified();
            !(special || carrier_grade || v4.is_multicast() || v4.is_broadcast())
        }
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|s| s & 0xe000 == 0x2000),
    }
}

/// True if the provider is somebody else's: outside, and only at public addresses.
pub fn is_outside(provider: Option<&Entity>, addresses: &[IpAddr]) -> bool {
    let external = provider.is_some_and(|e| e.kind == "external" && !e.has_agent && !e.declared);
    let public = !addresses.is_empty() && addresses.iter().all(is_public);
    external && (public || addresses.is_empty())
}

/// By watcher, the rows of machines nobody else watches, or keeps the logs of; in the order of the document. A service
/// outside the house is not switched off by us and stands here with nothing.
pub fn watched_alone(inventory: &Inventory) -> BTreeMap<&EntityId, Vec<&Watching>> {
    let mut rows: BTreeMap<(&EntityId, WatchPurpose), Vec<&Watching>> = BTreeMap::new();
    for row in inventory.watching.iter().filter(|row| row.by.is_some()) {
        rows.entry((&row.entity, row.purpose))
            .or_default()
            .push(row);
    }
    let mut alone: BTreeMap<&EntityId, Vec<&Watching>> = BTreeMap::new();
    for rows in rows.into_values() {
        if let [row] = rows.as_slice()
            && let Some(by) = &row.by
            && !is_outside_by_id(inventory, by)
        {
            alone.entry(by).or_default().push(row);
        }
    }
    alone
}

fn is_outside_by_id(inventory: &Inventory, id: &EntityId) -> bool {
    let entity = inventory.entity(id);
    entity.is_some_and(|e| is_outside(Some(e), &e.addresses))
}
