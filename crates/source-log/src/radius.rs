//! Which address a client of a RADIUS server has: its log knows clients by the names the server's settings give them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use groma_knowledge::radius::{ClientPlace, clients};
use groma_model::Peer;
use groma_source::Disk;

/// Where servers list their clients.
pub(crate) const FILES: &[&str] = &[
    "/etc/freeradius/3.0/clients.conf",
    "/etc/freeradius/clients.conf",
    "/etc/raddb/clients.conf",
];
const BYTES_MAX: u64 = 4 << 20;

/// The address of each client that is one machine with a fixed address. Two clients of one name are neither.
pub(crate) fn addresses(disk: &dyn Disk) -> BTreeMap<String, IpAddr> {
    let mut places: BTreeMap<String, Option<IpAddr>> = BTreeMap::new();
    for file in FILES {
        let Ok(read) = disk.read(Path::new(file), BYTES_MAX) else {
            continue;
        };
        for client in clients(&String::from_utf8_lossy(&read.bytes)) {
            let address = match client.at {
                ClientPlace::Machine(Peer::Address(address)) => Some(address),
                _ => None,
            };
            places
                .entry(client.name)
                .and_modify(|known| *known = known.filter(|known| Some(*known) == address))
                .or_insert(address);
        }
    }
    places
        .into_iter()
        .filter_map(|(name, address)| Some((name, address?)))
        .collect()
}
