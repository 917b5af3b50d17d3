//! What routers of IPv6 say holds on this wire: their word is to everybody, so everybody who was heard with an address of the network
//! they speak of is told to use whom they name. A machine that was set up by hand may not listen to them; nobody can hear that.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};

use groma_model::name::{Port, Transport};
use groma_model::{Peer, Seen, Timestamp};

use super::Wire;
use super::leases::Teller;
use crate::speech::{self, Advertised, HandedOut};

/// What different routers say, or one says after the other: beyond this somebody makes them up.
const ADVERTS_MAX: usize = 32;
/// Machines that are remembered until somebody says what holds for them.
const SPEAKERS_MAX: usize = 16_384;

/// What was said, and who heard it.
#[derive(Default)]
pub(super) struct Adverts {
    said: BTreeMap<(Ipv6Addr, Advertised), Advert>,
    speakers: HashSet<Ipv6Addr>,
    /// True once there is no room for another one, and nobody to go.
    is_full: bool,
}

struct Advert {
    mac: Option<[u8; 6]>,
    seen: Seen,
}

/// True for an address of such a network.
pub(crate) fn is_of(address: Ipv6Addr, (first, length): (Ipv6Addr, u8)) -> bool {
    address & speech::mask(length) == first
}

impl Wire {
    /// Somebody spoke from this address.
    pub(super) fn spoke(&mut self, from: IpAddr) {
        let IpAddr::V6(from) = from else { return };
        if from.is_unicast_link_local() || from.is_multicast() || from.is_unspecified() {
            return;
        }
        if self.adverts.is_full || self.adverts.speakers.contains(&from) {
            return;
        }
        if self.adverts.speakers.len() >= SPEAKERS_MAX {
            // Those of the whole internet go first.
            let tally = &self.tally;
            let speakers = &mut self.adverts.speakers;
            speakers.retain(|from| tally.is_ours(&Peer::Address(IpAddr::V6(*from))));
            if speakers.len() >= SPEAKERS_MAX {
                self.adverts.is_full = true;
                return;
            }
        }
        self.adverts.speakers.insert(from);
    }

    /// A router says what holds.
    pub(super) fn router(
        &mut self,
        from: Ipv6Addr,
        mac: Option<[u8; 6]>,
        content: &[u8],
        at: Timestamp,
    ) {
        let Some(said) = speech::advertised(content) else {
            return;
        };
        if let Some(mac) = mac {
            self.tally.has(IpAddr::V6(from), mac, at);
        }
        for network in &said.networks {
            self.tally.has_network(*network);
        }
        let key = (from, said);
        let said = &mut self.adverts.said;
        if said.len() >= ADVERTS_MAX && !said.contains_key(&key) {
            self.tally.left_out += 1;
            return;
        }
        let seen = Seen::once(at);
        let advert = said.entry(key).or_insert(Advert {
            mac,
            seen: Seen { count: 0, ..seen },
        });
        advert.seen = advert.seen.joined(seen);
        advert.mac = advert.mac.or(mac);
    }

    /// Tells everybody's needs by what was said.
    pub(super) fn tell_adverts(&mut self) {
        let Adverts { said, speakers, .. } = std::mem::take(&mut self.adverts);
        let mut speakers: Vec<Ipv6Addr> = speakers.into_iter().collect();
        speakers.sort();
        for ((router, said), advert) in said {
            let out = whom_to_use(router, &said);
            let teller = Teller {
                words: format!("the router {router}"),
                domains: said.domains,
            };
            for speaker in &speakers {
                let hears = said
                    .networks
                    .iter()
                    .any(|network| is_of(*speaker, *network));
                // Routers do not listen to themselves.
                let is_router = advert
                    .mac
                    .is_some_and(|mac| self.tally.is_at(IpAddr::V6(*speaker), mac));
                if !hears || is_router {
                    continue;
                }
                let consumer = Peer::Address(IpAddr::V6(*speaker));
                for need in out.iter().filter_map(|out| teller.need(&consumer, out)) {
                    if !self.tally.stated(need, advert.seen) {
                        return;
                    }
                }
            }
        }
    }
}

/// Whom a router names.
fn whom_to_use(router: Ipv6Addr, said: &Advertised) -> Vec<HandedOut> {
    let way_out = said.leads_out.then_some(HandedOut {
        peer: Peer::Address(IpAddr::V6(router)),
        kind: "gateway",
        port: None,
        transport: Transport::Udp,
        option: "advertisement",
    });
    let servers = said.name_servers.iter().map(|address| HandedOut {
        peer: Peer::Address(IpAddr::V6(*address)),
        kind: "dns",
        port: Some(Port(53)),
        transport: Transport::Udp,
        option: "name servers (RDNSS)",
    });
    way_out.into_iter().chain(servers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_795_250_000 + seconds)
    }

    fn address(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    /// A router of `network` that leads out.
    fn advert(network: &str) -> Vec<u8> {
        let mut out = vec![134, 0, 0, 0, 64, 0, 7, 8];
        out.extend([0; 8]);
        out.extend([3, 4, 64, 0xc0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend(address(network).octets());
        out
    }

    fn told(wire: Wire) -> Vec<String> {
        let (heard, _) = wire.end();
        let each = heard.needs.keys();
        each.map(|need| format!("{} {} {}", need.consumer, need.kind, need.provider))
            .collect()
    }

    #[test]
    fn whoever_speaks_in_the_network_is_told_and_nobody_from_beyond_it_nor_the_router() {
        let mut wire = Wire::default();
        for speaker in ["2001:db8::7", "2001:db8::1", "2001:db8:0:1::7", "fe80::7"] {
            wire.spoke(IpAddr::V6(address(speaker)));
        }
        wire.tally
            .has(IpAddr::V6(address("2001:db8::1")), ROUTER, at(0));
        let said = advert("2001:db8::");
        wire.router(address("fe80::1"), Some(ROUTER), &said, at(1));
        assert_eq!(told(wire), ["2001:db8::7 gateway fe80::1"]);
    }

    #[test]
    fn who_makes_up_routers_takes_no_room() {
        let mut wire = Wire::default();
        wire.spoke(IpAddr::V6(address("fd00::7")));
        for number in 0..200_u16 {
            let router = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, number);
            wire.router(router, None, &advert("fd00::"), at(1));
        }
        assert_eq!(told(wire).len(), ADVERTS_MAX);
    }

    #[test]
    fn addresses_of_the_own_network_are_remembered_and_the_internets_are_not() {
        let mut wire = Wire::default();
        wire.router(address("fe80::1"), None, &advert("2001:db8::"), at(0));
        for number in 0..u32::try_from(2 * SPEAKERS_MAX).unwrap() {
            let [a, b] = [number >> 16, number & 0xffff].map(|n| u16::try_from(n).unwrap());
            let stranger = Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0, a, b);
            wire.spoke(IpAddr::V6(stranger));
        }
        wire.spoke(IpAddr::V6(address("2001:db8::7")));
        assert!(wire.adverts.speakers.len() <= SPEAKERS_MAX);
        assert_eq!(told(wire).len(), 1);
    }
}
