//! What a router of IPv6 says to everybody on its link (RFC 4861 §4.2): that it leads out, which addresses are of this network, and
//! whom to ask for names (RFC 8106). Whoever hears it uses that, as those do who get an address from a server.

use std::net::Ipv6Addr;

use super::dhcp6::{domains, servers};

/// Pieces of one message.
const OPTIONS_MAX: usize = 32;
/// Networks one router tells of.
const NETWORKS_MAX: usize = 16;
/// Networks wider than this are no link's, whatever somebody says.
const WIDEST: u8 = 48;

const PREFIX: u8 = 3;
const NAME_SERVERS: u8 = 25;
const DOMAINS: u8 = 31;
/// The addresses of a network are on this link.
const ON_LINK: u8 = 0x80;

/// What a router says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Advertised {
    /// True if it leads out of the network.
    pub leads_out: bool,
    /// Networks whose addresses are on this link: first address and length.
    pub networks: Vec<(Ipv6Addr, u8)>,
    /// Whom to ask for names.
    pub name_servers: Vec<Ipv6Addr>,
    /// Domains in which short names are looked for.
    pub domains: Vec<String>,
}

/// Servers, and domains, that are believed of one message.
const EACH_MAX: usize = 8;

/// The first few, each once.
fn in_order_once<T: PartialEq>(all: &mut Vec<T>) {
    let mut kept: Vec<T> = Vec::new();
    for one in all.drain(..) {
        if kept.len() < EACH_MAX && !kept.contains(&one) {
            kept.push(one);
        }
    }
    *all = kept;
}

/// Reads what a router says, from the kind of the message on. What lasts for no time is taken back, and left out.
pub fn advertised(message: &[u8]) -> Option<Advertised> {
    let lasts: [u8; 2] = message.get(6..8)?.try_into().ok()?;
    let mut out = Advertised {
        leads_out: lasts != [0, 0],
        networks: Vec::new(),
        name_servers: Vec::new(),
        domains: Vec::new(),
    };
    let mut rest = message.get(16..)?;
    for _ in 0..OPTIONS_MAX {
        let [kind, words, ..] = *rest else {
            break;
        };
        let Some((option, more)) = rest.split_at_checked(usize::from(words) * 8) else {
            break;
        };
        // One that says it has no length leads nowhere.
        if words == 0 {
            break;
        }
        rest = more;
        let lasts = option.get(4..8).is_some_and(|lasts| lasts != [0; 4]);
        match kind {
            PREFIX => out.networks.extend(network(option)),
            NAME_SERVERS if lasts => {
                let new = servers(option.get(8..).unwrap_or_default());
                out.name_servers.extend(new);
            }
            DOMAINS if lasts => out
                .domains
                .extend(domains(option.get(8..).unwrap_or_default())),
            _ => {}
        }
    }
    // One message may repeat its options, and point at the same name many times.
    in_order_once(&mut out.name_servers);
    in_order_once(&mut out.domains);
    out.networks.sort();
    out.networks.dedup();
    out.networks.truncate(NETWORKS_MAX);
    Some(out)
}

/// A network whose addresses are on this link (RFC 4861 §4.6.2).
fn network(option: &[u8]) -> Option<(Ipv6Addr, u8)> {
    let [_, _, length, flags, lasts @ ..] = option else {
        return None;
    };
    let first: [u8; 16] = option.get(16..32)?.try_into().ok()?;
    let first = Ipv6Addr::from(first);
    let good = flags & ON_LINK != 0
        && (WIDEST..=126).contains(length)
        && lasts.get(..4)? != [0; 4]
        && !first.is_multicast()
        && !first.is_unicast_link_local()
        && !first.is_loopback();
    good.then(|| (first & mask(*length), *length))
}

/// The bits that all addresses of a network have alike.
pub(crate) fn mask(length: u8) -> Ipv6Addr {
    let bits = u128::MAX.checked_shl(128 - u32::from(length.min(128)));
    Ipv6Addr::from_bits(bits.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(lasts: u16, options: &[Vec<u8>]) -> Vec<u8> {
        let mut out = vec![134, 0, 0, 0, 64, 0];
        out.extend(lasts.to_be_bytes());
        out.extend([0; 8]);
        out.extend(options.concat());
        out
    }

    fn address(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    fn prefix(first: &str, length: u8, flags: u8, lasts: u32) -> Vec<u8> {
        let mut out = vec![PREFIX, 4, length, flags];
        out.extend(lasts.to_be_bytes());
        out.extend([0; 8]);
        out.extend(address(first).octets());
        out
    }

    fn name_servers(lasts: u32, all: &[&str]) -> Vec<u8> {
        let words = u8::try_from(1 + 2 * all.len()).unwrap();
        let mut out = vec![NAME_SERVERS, words, 0, 0];
        out.extend(lasts.to_be_bytes());
        out.extend(all.iter().flat_map(|text| address(text).octets()));
        out
    }

    #[test]
    fn a_router_tells_a_network_whom_to_use() {
        let mut names = vec![DOMAINS, 3, 0, 0, 0, 0, 1, 0];
        names.extend(b"\x04corp\x07example\0\0\0");
        let read = advertised(&message(
            1800,
            &[
                prefix("fd77::9", 64, 0xc0, 86_400),
                name_servers(600, &["fd77::1", "fd77::2"]),
                names,
            ],
        ))
        .unwrap();
        assert!(read.leads_out);
        assert_eq!(read.networks, [(address("fd77::"), 64)]);
        assert_eq!(read.name_servers, [address("fd77::1"), address("fd77::2")]);
        assert_eq!(read.domains, ["corp.example"]);
    }

    #[test]
    fn what_is_taken_back_or_names_nobody_is_left_out() {
        for silent in [
            name_servers(0, &["fd77::1"]),
            name_servers(600, &["::"]),
            name_servers(600, &["ff02::fb"]),
            name_servers(600, &[]),
            prefix("fd77::", 64, 0xc0, 0),
            prefix("fd77::", 64, 0x40, 86_400),
            prefix("::", 0, 0xc0, 86_400),
            prefix("2000::", 3, 0xc0, 86_400),
            prefix("fe80::", 64, 0xc0, 86_400),
            vec![NAME_SERVERS, 0, 0, 0],
            vec![NAME_SERVERS, 9, 0, 0],
        ] {
            let read = advertised(&message(0, std::slice::from_ref(&silent))).unwrap();
            let nothing = Advertised {
                leads_out: false,
                networks: Vec::new(),
                name_servers: Vec::new(),
                domains: Vec::new(),
            };
            assert_eq!(read, nothing, "{silent:?}");
        }
        assert_eq!(advertised(&[134, 0, 0]), None);
    }
}
