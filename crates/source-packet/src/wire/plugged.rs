//! Who is plugged in at the other end: what machines say of themselves on their link (LLDP, CDP).
//!
//! Bridges keep LLDP to themselves, so who hears it is plugged in there; but a mirrored port hears the words of others, and plain
//! switches that speak neither hand both on. Who the neighbour is, only the interface knows that listened for itself: it is added
//! where the rows are said.

use std::net::IpAddr;

use groma_model::device::{LinkSeen, LinkTable};
use groma_model::sighting::Sighting;
use groma_model::{HostName, Peer, Timestamp};

use super::{Wire, mac_text};
use crate::speech::Introduced;

impl Wire {
    /// A machine said who it is, from the port with this hardware address.
    pub(super) fn introduced(
        &mut self,
        said: Option<Introduced>,
        mac: Option<[u8; 6]>,
        at: Timestamp,
    ) {
        let Some(said) = said else { return };
        let is_ours = |address: &&IpAddr| self.tally.is_ours(&Peer::Address(**address));
        let own: Vec<IpAddr> = said.addresses.iter().filter(is_ours).copied().collect();
        // One of its link alone means nobody elsewhere; the older family is what its other witnesses know.
        let of_link = |address: &IpAddr| match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        let address = own
            .iter()
            .min_by_key(|a| (of_link(a), a.is_ipv6()))
            .copied();
        let mac = said.mac.or(mac).map(mac_text);
        // Some add a serial number in brackets to what they call themselves by CDP.
        let name = said.name.as_deref().map(|name| match said.by {
            LinkTable::Cdp => name.split('(').next().unwrap_or(name).trim(),
            _ => name.trim(),
        });
        let name = name.filter(|name| !name.is_empty());
        let link = LinkSeen {
            device: address,
            device_name: name.map(str::to_owned).or_else(|| mac.clone()),
            port: said.port,
            vlan: said.vlan,
            by: said.by,
            mac: None,
            address: None,
            name: None,
            neighbour_port: None,
        };
        self.tally.link(link, at);
        let Some(address) = address.filter(|address| !of_link(address)) else {
            return;
        };
        let name = name.and_then(HostName::parse);
        let sighting = Sighting {
            by: match said.by {
                LinkTable::Cdp => "cdp".to_owned(),
                _ => "lldp".to_owned(),
            },
            address: Some(address),
            mac,
            names: name
                .into_iter()
                .filter(|name| !name.is_loopback())
                .collect(),
            says_it_is: said.says_it_is,
            ..Sighting::default()
        };
        self.tally.met(sighting, at);
    }
}
