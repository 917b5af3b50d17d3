//! DHCP (RFC 2131, RFC 2132): who got which address from whom, what it says it is, and whom it is told to use: a whole network
//! asks that name server, that time server and that proxy until its last lease is renewed.

use std::net::{IpAddr, Ipv4Addr};

use groma_model::Peer;
use groma_model::name::{HostName, Port, Transport};

use crate::text::plain;

/// Options of one message.
const OPTIONS_MAX: usize = 64;
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const REQUEST: u8 = 3;
const ACKNOWLEDGED: u8 = 5;
const INFORM: u8 = 8;

/// Machines one option names that are taken up.
const HANDED_MAX: usize = 8;

/// A machine that whoever gets an address is told to use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandedOut {
    /// Who.
    pub peer: Peer,
    /// What for: a kind of the registry.
    pub kind: &'static str,
    /// Where, if the option or the kind says.
    pub port: Option<Port>,
    /// Transport.
    pub transport: Transport,
    /// The option that says so, in words.
    pub option: &'static str,
}

/// Whose message it is, and what it settles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// A client asks, or says who it is.
    Asks,
    /// A server says that the address is the client's now.
    Given,
    /// A server tells a client that has its address from elsewhere what to use (RFC 2131 §3.4).
    Informed,
}

/// One message of a client or a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// Whose it is.
    pub part: Part,
    /// The client's address, where it has one.
    pub address: Option<IpAddr>,
    /// Who gives it.
    pub server: Option<IpAddr>,
    /// What the client calls itself (option 12).
    pub name: Option<HostName>,
    /// What the client says it is (option 60).
    pub says_it_is: Option<String>,
    /// Whom it is told to use.
    pub handed_out: Vec<HandedOut>,
}

/// Reads a message from or to a client; nothing for those that settle nothing.
pub fn lease(message: &[u8]) -> Option<Lease> {
    if message.get(1..3)? != [1, 6] || message.get(236..240)? != MAGIC {
        return None;
    }
    let address = |bytes: &[u8]| {
        let bytes: [u8; 4] = bytes.try_into().ok()?;
        let address = Ipv4Addr::from(bytes);
        (!address.is_unspecified()).then_some(IpAddr::V4(address))
    };
    let (has, gets) = (address(message.get(12..16)?), address(message.get(16..20)?));
    let mut lease = Lease {
        mac: message.get(28..34)?.try_into().ok()?,
        part: Part::Asks,
        address: None,
        server: None,
        name: None,
        says_it_is: None,
        handed_out: Vec::new(),
    };
    let mut kind = 0;
    let mut rest = message.get(240..)?;
    for _ in 0..OPTIONS_MAX {
        let (code, value) = match rest {
            [0, more @ ..] => {
                rest = more;
                continue;
            }
            [255, ..] | [] | [_] => break,
            [code, length, more @ ..] => {
                let Some((value, more)) = more.split_at_checked(usize::from(*length)) else {
                    break;
                };
                rest = more;
                (*code, value)
            }
        };
        match code {
            53 => kind = value.first().copied().unwrap_or_default(),
            54 => lease.server = address(value),
            12 => lease.name = plain(value).and_then(HostName::parse),
            60 => lease.says_it_is = plain(value).filter(|t| t.len() <= 80).map(str::to_owned),
            _ => lease.handed_out.extend(handed_out(code, value)),
        }
    }
    match kind {
        ACKNOWLEDGED => {
            lease.part = match gets {
                Some(_) => Part::Given,
                None => Part::Informed,
            };
            lease.address = gets.or(has);
        }
        REQUEST => {}
        INFORM => lease.address = has,
        _ => return None,
    }
    Some(lease)
}

/// Options whose value is a list of addresses, with what is done there; zero for no port.
const LISTS: &[(u8, &str, u16, Transport, &str)] = &[
    (3, "gateway", 0, Transport::Udp, "option 3, routers"),
    (6, "dns", 53, Transport::Udp, "option 6, name servers"),
    (7, "syslog", 514, Transport::Udp, "option 7, log servers"),
    (9, "print", 515, Transport::Tcp, "option 9, print servers"),
    (42, "ntp", 123, Transport::Udp, "option 42, time servers"),
    (
        44,
        "other",
        137,
        Transport::Udp,
        "option 44, NetBIOS name servers",
    ),
    (
        69,
        "smtp-relay",
        25,
        Transport::Tcp,
        "option 69, mail servers",
    ),
    (70, "pop3", 110, Transport::Tcp, "option 70, mailboxes"),
    (
        150,
        "other",
        69,
        Transport::Udp,
        "option 150, boot servers (TFTP)",
    ),
];

fn handed_out(code: u8, value: &[u8]) -> Vec<HandedOut> {
    if let Some(&(_, kind, port, transport, option)) = LISTS.iter().find(|row| row.0 == code) {
        let addresses = value.as_chunks::<4>().0.iter();
        let addresses = addresses.map(|bytes| Ipv4Addr::from(*bytes));
        let good =
            addresses.filter(|a| !(a.is_unspecified() || a.is_loopback() || a.is_multicast()));
        let each = good.take(HANDED_MAX).map(|address| HandedOut {
            peer: Peer::Address(IpAddr::V4(address)),
            kind,
            port: (port != 0).then_some(Port(port)),
            transport,
            option,
        });
        return each.collect();
    }
    let one = match code {
        66 => boot_server(value),
        252 => proxy_script(value),
        _ => None,
    };
    one.into_iter().collect()
}

/// A name or an address, as text; some servers end it with a zero.
fn boot_server(value: &[u8]) -> Option<HandedOut> {
    Some(HandedOut {
        peer: Peer::parse(plain(without_zero(value))?)?,
        kind: "other",
        port: Some(Port(69)),
        transport: Transport::Udp,
        option: "option 66, boot server (TFTP)",
    })
}

/// Where the script lies that says which proxy to use (WPAD): of the address only machine and port.
fn proxy_script(value: &[u8]) -> Option<HandedOut> {
    let url = plain(without_zero(value))?;
    let (scheme, rest) = url.split_once("://")?;
    let habit = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let place = rest.split(['/', '?', '#']).next()?;
    // Before an at sign may stand a password.
    let place = place.rsplit('@').next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse().ok()?),
        _ => (place, habit),
    };
    Some(HandedOut {
        peer: Peer::parse(host)?,
        kind: "http",
        port: Some(Port(port)),
        transport: Transport::Tcp,
        option: "option 252, proxy script (WPAD)",
    })
}

fn without_zero(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    value.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that gives 10.0.0.9, with these options.
    fn given(options: &[(u8, &[u8])]) -> Lease {
        let mut message = vec![2, 1, 6, 0];
        message.resize(240, 0);
        message[16..20].copy_from_slice(&[10, 0, 0, 9]);
        message[236..240].copy_from_slice(&MAGIC);
        message.extend([53, 1, ACKNOWLEDGED]);
        for (code, value) in options {
            message.extend([*code, value.len() as u8]);
            message.extend_from_slice(value);
        }
        message.push(255);
        lease(&message).unwrap()
    }

    fn told(options: &[(u8, &[u8])]) -> Vec<String> {
        let all = given(options).handed_out;
        all.iter()
            .map(|h| format!("{} {}:{}/{}", h.kind, h.peer, h.port.unwrap(), h.transport))
            .collect()
    }

    #[test]
    fn whom_a_network_is_told_to_use_is_told() {
        let lists = told(&[(6, &[10, 0, 0, 1, 10, 0, 0, 2]), (42, &[10, 0, 0, 1])]);
        assert_eq!(
            lists,
            [
                "dns 10.0.0.1:53/udp",
                "dns 10.0.0.2:53/udp",
                "ntp 10.0.0.1:123/udp"
            ]
        );
        assert_eq!(
            told(&[(252, b"http://user:word@wpad.corp.example:8080/wpad.dat\0")]),
            ["http wpad.corp.example:8080/tcp"]
        );
        assert_eq!(
            told(&[(252, b"https://10.0.0.3/p")]),
            ["http 10.0.0.3:443/tcp"]
        );
        assert_eq!(told(&[(66, b"boot1\0")]), ["other boot1:69/udp"]);
        let out = &given(&[(3, &[10, 0, 0, 1])]).handed_out[0];
        assert_eq!((out.kind, out.port), ("gateway", None));
        assert_eq!(out.peer.to_string(), "10.0.0.1");
    }

    #[test]
    fn what_names_nobody_hands_out_nothing() {
        for silent in [
            (6, &[0, 0, 0, 0][..]),
            (6, &[127, 0, 0, 1]),
            (6, &[10, 0, 0]),
            (252, b"\n"),
            (252, b"file:///wpad.dat"),
            (252, b"http://:80/"),
            (66, b""),
            (15, b"corp.example"),
        ] {
            assert_eq!(told(&[silent]), Vec::<String>::new(), "{silent:?}");
        }
    }
}
