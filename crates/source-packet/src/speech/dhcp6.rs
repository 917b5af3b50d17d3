//! DHCP of IPv6 (RFC 8415): who got which address from whom, what it says it is, and whom it is told to use: name servers (RFC
//! 3646), time servers (RFC 4075, RFC 5908), boot servers (RFC 5970). A relay's wrapping is opened, as deep as such may be.

use std::net::{IpAddr, Ipv6Addr};

use groma_model::Peer;
use groma_model::name::{HostName, Port, Transport};
use groma_source::dns_name;

use super::dhcp::HandedOut;
use crate::text::plain;

/// Options of one message.
const OPTIONS_MAX: usize = 64;
/// Relays around one message (RFC 8415 §7.6).
const RELAYS_MAX: usize = 8;
/// Machines one option names that are taken up.
const HANDED_MAX: usize = 8;
/// Domains of a list that are taken up.
const DOMAINS_MAX: usize = 8;
/// Longest name of a client (RFC 8415 §11.1).
const CLIENT_BYTES_MAX: usize = 130;

const SOLICIT: u8 = 1;
const REQUEST: u8 = 3;
const RENEW: u8 = 5;
const REBIND: u8 = 6;
const REPLY: u8 = 7;
const INFORMATION: u8 = 11;
const FORWARDED: u8 = 12;
const HANDED_BACK: u8 = 13;

/// One message of a client or a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease6 {
    /// True if the server says it, and it holds from now on.
    pub given: bool,
    /// What client and server call this exchange.
    pub number: [u8; 3],
    /// What the client is known by; nobody else.
    pub client: Vec<u8>,
    /// The address it gets.
    pub address: Option<Ipv6Addr>,
    /// The address a relay knows it by, on its own link.
    pub relayed_for: Option<Ipv6Addr>,
    /// What the client calls itself (option 39).
    pub name: Option<HostName>,
    /// What it says it is (option 16).
    pub says_it_is: Option<String>,
    /// Whom it is told to use.
    pub handed_out: Vec<HandedOut>,
    /// Domains in which short names are looked for.
    pub domains: Vec<String>,
}

/// Reads a message from or to a client; nothing for those that settle nothing.
pub fn lease6(message: &[u8]) -> Option<Lease6> {
    let (message, relayed_for) = unwrapped(message)?;
    let (head, options) = message.split_first_chunk::<4>()?;
    let [kind, number @ ..] = *head;
    if !matches!(
        kind,
        SOLICIT | REQUEST | RENEW | REBIND | REPLY | INFORMATION
    ) {
        return None;
    }
    let mut lease = Lease6 {
        given: kind == REPLY,
        number,
        client: Vec::new(),
        address: None,
        relayed_for,
        name: None,
        says_it_is: None,
        handed_out: Vec::new(),
        domains: Vec::new(),
    };
    for (code, value) in Options(options).take(OPTIONS_MAX) {
        match code {
            1 if value.len() <= CLIENT_BYTES_MAX => lease.client = value.to_vec(),
            3 => lease.address = lease.address.or_else(|| address_of(value.get(12..)?)),
            4 => lease.address = lease.address.or_else(|| address_of(value.get(4..)?)),
            16 => lease.says_it_is = says_it_is(value),
            24 => lease.domains.extend(domains(value)),
            39 => lease.name = own_name(value),
            _ => lease.handed_out.extend(handed_out(code, value)),
        }
    }
    lease.domains.truncate(DOMAINS_MAX);
    Some(lease)
}

/// What relays wrapped up, and for whom the nearest of them did.
fn unwrapped(mut message: &[u8]) -> Option<(&[u8], Option<Ipv6Addr>)> {
    let mut relayed_for = None;
    for _ in 0..=RELAYS_MAX {
        let (FORWARDED | HANDED_BACK) = *message.first()? else {
            return Some((message, relayed_for));
        };
        // Kind, number of relays, the network, for whom; then options, one of which is the message.
        let peer: [u8; 16] = message.get(18..34)?.try_into().ok()?;
        relayed_for = Some(Ipv6Addr::from(peer));
        let mut options = Options(message.get(34..)?).take(OPTIONS_MAX);
        message = options.find(|(code, _)| *code == 9)?.1;
    }
    None
}

/// Options, as far as they are whole: code, length, value.
struct Options<'m>(&'m [u8]);

impl<'m> Iterator for Options<'m> {
    type Item = (u16, &'m [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        let [c1, c2, l1, l2] = *head;
        let length = usize::from(u16::from_be_bytes([l1, l2]));
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((u16::from_be_bytes([c1, c2]), value))
    }
}

/// The first address that is given and lasts.
fn address_of(options: &[u8]) -> Option<Ipv6Addr> {
    let given = Options(options)
        .take(OPTIONS_MAX)
        .find(|(code, value)| *code == 5 && value.get(20..24).is_some_and(|lasts| lasts != [0; 4]));
    let bytes: [u8; 16] = given?.1.get(..16)?.try_into().ok()?;
    let address = Ipv6Addr::from(bytes);
    (!address.is_unspecified() && !address.is_multicast()).then_some(address)
}

/// The first text behind the number of the maker (RFC 8415 §21.16).
fn says_it_is(value: &[u8]) -> Option<String> {
    let (length, rest) = value.get(4..)?.split_first_chunk()?;
    let text = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    plain(text)
        .filter(|text| text.len() <= 80)
        .map(str::to_owned)
}

/// The client's own name (RFC 4704), which may be the first labels alone: then no zero ends it.
fn own_name(value: &[u8]) -> Option<HostName> {
    let (_, name) = value.split_first()?;
    let ended = [name, &[0]].concat();
    let (name, _) = dns_name::read(&ended, 0)?;
    HostName::parse(plain(&name)?).filter(|name| !name.is_loopback())
}

/// Addresses that one machine can have.
pub(super) fn servers(value: &[u8]) -> Vec<Ipv6Addr> {
    let all = value.as_chunks::<16>().0.iter();
    let all = all.map(|bytes| Ipv6Addr::from(*bytes));
    let good = all.filter(|a| !(a.is_unspecified() || a.is_loopback() || a.is_multicast()));
    good.take(HANDED_MAX).collect()
}

/// Names one behind the other, as the name system writes them; zeros may fill the end.
pub(super) fn domains(value: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < DOMAINS_MAX {
        let Some((name, after)) = dns_name::read(value, at) else {
            break;
        };
        let name = plain(&name).and_then(HostName::parse);
        // What is empty fills up, and what is no name ends the list.
        let Some(name) = name else { break };
        out.push(name.to_string());
        at = after;
    }
    out
}

fn handed_out(code: u16, value: &[u8]) -> Vec<HandedOut> {
    let (kind, port, option) = match code {
        23 => ("dns", 53, "option 23, name servers"),
        31 => ("ntp", 123, "option 31, time servers (SNTP)"),
        56 => return time_servers(value),
        59 => return boot_server(value).into_iter().collect(),
        _ => return Vec::new(),
    };
    let each = servers(value)
        .into_iter()
        .map(|address| out(Peer::Address(IpAddr::V6(address)), kind, port, option));
    each.collect()
}

fn out(peer: Peer, kind: &'static str, port: u16, option: &'static str) -> HandedOut {
    HandedOut {
        peer,
        kind,
        port: Some(Port(port)),
        transport: Transport::Udp,
        option,
    }
}

/// Servers by address or by name; those that speak to a group are no machine.
fn time_servers(value: &[u8]) -> Vec<HandedOut> {
    let mut all = Vec::new();
    for (code, value) in Options(value).take(HANDED_MAX) {
        let peer = match code {
            1 => servers(value)
                .first()
                .map(|a| Peer::Address(IpAddr::V6(*a))),
            3 => dns_name::read(value, 0)
                .and_then(|(name, _)| HostName::parse(plain(&name)?))
                .map(Peer::Name),
            _ => None,
        };
        all.extend(peer.map(|peer| out(peer, "ntp", 123, "option 56, time servers")));
    }
    all
}

/// Where the file lies that it starts from: of the address only the machine.
fn boot_server(value: &[u8]) -> Option<HandedOut> {
    let (scheme, rest) = plain(value)?.split_once("://")?;
    let (kind, port, transport) = match scheme.to_ascii_lowercase().as_str() {
        "tftp" => ("other", 69, Transport::Udp),
        "http" => ("http", 80, Transport::Tcp),
        "https" => ("http", 443, Transport::Tcp),
        _ => return None,
    };
    let place = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, own)) if !host.contains(':') || host.ends_with(']') => {
            (host, own.parse().ok()?)
        }
        _ => (place, port),
    };
    Some(HandedOut {
        transport,
        ..out(Peer::parse(host)?, kind, port, "option 59, boot server")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(code: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        [&code.to_be_bytes(), &length.to_be_bytes(), value].concat()
    }

    fn message(kind: u8, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = vec![kind, 1, 2, 3];
        for (code, value) in options {
            out.extend(option(*code, value));
        }
        out
    }

    fn octets(text: &str) -> [u8; 16] {
        text.parse::<Ipv6Addr>().unwrap().octets()
    }

    fn told(options: &[(u16, &[u8])]) -> Vec<String> {
        let all = lease6(&message(REPLY, options)).unwrap().handed_out;
        all.iter()
            .map(|h| format!("{} {} {}/{}", h.kind, h.peer, h.port.unwrap(), h.transport))
            .collect()
    }

    #[test]
    fn whom_a_client_is_told_to_use_is_told() {
        let two = [octets("fd77::1"), octets("fd77::2")].concat();
        assert_eq!(
            told(&[(23, &two), (31, &two[..16])]),
            [
                "dns fd77::1 53/udp",
                "dns fd77::2 53/udp",
                "ntp fd77::1 123/udp"
            ]
        );
        let by_address = option(1, &octets("fd77::1"));
        let by_name = option(3, b"\x05clock\x04corp\x07example\0");
        assert_eq!(
            told(&[(56, &[by_address, by_name].concat())]),
            ["ntp fd77::1 123/udp", "ntp clock.corp.example 123/udp"]
        );
        assert_eq!(
            told(&[(59, b"tftp://[fd77::1]/boot.efi")]),
            ["other fd77::1 69/udp"]
        );
        assert_eq!(
            told(&[(59, b"http://user:word@boot1:8080/x")]),
            ["http boot1 8080/tcp"]
        );
    }

    #[test]
    fn what_names_nobody_hands_out_nothing() {
        let group = option(2, &octets("ff05::101"));
        for silent in [
            (23, &octets("::")[..]),
            (23, &octets("::1")),
            (23, &[0xfd; 15]),
            (56, &group),
            (59, b"file:///boot.efi"),
            (7, &[0]),
        ] {
            assert_eq!(told(&[silent]), Vec::<String>::new(), "{silent:?}");
        }
        for kind in [2, 4, 8, 9, 10, 14, 0] {
            assert_eq!(lease6(&message(kind, &[(23, &octets("fd77::1"))])), None);
        }
    }

    /// An address that lasts so long, as a server gives it.
    fn given(lasts: u32) -> Vec<u8> {
        let mut own = octets("fd77::105").to_vec();
        own.extend([0; 4]);
        own.extend(lasts.to_be_bytes());
        [&[0; 12], &option(5, &own)[..]].concat()
    }

    #[test]
    fn a_client_gets_an_address_and_says_who_it_is() {
        let read = lease6(&message(
            REPLY,
            &[
                (1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 7]),
                (3, &given(3600)),
                (24, b"\x04corp\x07example\0\x03lab\0"),
                (39, b"\x01\x07copier7"),
                (16, b"\0\0\0\x09\0\x06camera"),
            ],
        ))
        .unwrap();
        assert!(read.given);
        assert_eq!(read.client.len(), 10);
        assert_eq!(read.address.unwrap().to_string(), "fd77::105");
        assert_eq!(read.domains, ["corp.example", "lab"]);
        assert_eq!(read.name.unwrap().as_str(), "copier7");
        assert_eq!(read.says_it_is.as_deref(), Some("camera"));
        let gone = lease6(&message(REPLY, &[(3, &given(0))])).unwrap();
        assert_eq!(gone.address, None, "taken back");
    }

    fn wrapped(inner: &[u8]) -> Vec<u8> {
        let mut out = vec![HANDED_BACK, 0];
        out.extend(octets("fd77::1"));
        out.extend(octets("fe80::7"));
        out.extend(option(9, inner));
        out
    }

    #[test]
    fn relays_are_looked_through_and_not_for_ever() {
        let inner = message(REPLY, &[(23, &octets("fd77::1"))]);
        let read = lease6(&wrapped(&inner)).unwrap();
        assert_eq!(read.handed_out.len(), 1);
        assert_eq!(read.relayed_for.unwrap().to_string(), "fe80::7");
        let mut deep = inner;
        for _ in 0..RELAYS_MAX {
            deep = wrapped(&deep);
        }
        assert!(lease6(&deep).is_some());
        assert_eq!(lease6(&wrapped(&deep)), None);
    }
}
