//! Scanners that are reached through the network by a driver of their maker: the class of imaging devices remembers each with
//! its address. One on a cable is known by its bus.

use groma_model::fact::Attachment;
use groma_model::name::Peer;

use super::blank;
use crate::{Key, Machine, Part};

const SCANNERS: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{6bdd1fc6-810f-11d0-bec7-08002be2092f}";
const ENTRIES_MAX: usize = 1_000;
/// Words in the names of values that hold where a scanner is.
const PLACES: &[&str] = &[
    "ipaddress",
    "ip address",
    "hostname",
    "host name",
    "networkaddress",
];

/// Scanners with an address.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part, found: &mut Vec<Attachment>) {
    let list = part.or_missed("scanners", machine.registry.key(SCANNERS));
    for name in list.unwrap_or_default().keys.into_iter().take(ENTRIES_MAX) {
        let read = |path: &str| {
            machine
                .registry
                .key(path)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let key = read(&format!(r"{SCANNERS}\{name}"));
        let more = read(&format!(r"{SCANNERS}\{name}\DeviceData"));
        let Some(peer) = place(&key).or_else(|| place(&more)) else {
            continue;
        };
        found.push(Attachment {
            vendor: key.text("Vendor").map(str::to_owned),
            product: key.text("FriendlyName").map(str::to_owned),
            at: Some(peer.to_string().into()),
            ..blank("network", "scanner")
        });
    }
}

fn place(key: &Key) -> Option<Peer> {
    let named = key.values.iter().filter(|(name, _)| {
        let name = name.to_lowercase();
        PLACES.iter().any(|place| name.contains(place))
    });
    let mut peers = named.filter_map(|(_, value)| Peer::parse(value.text()?.trim()));
    peers.find(|peer| !peer.is_loopback() && peer.to_string() != "0.0.0.0")
}
