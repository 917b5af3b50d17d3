//! What a machine says of itself to whoever is plugged in at the other end: LLDP (IEEE 802.1AB, with the additions of IEEE 802.1 and of
//! TIA-1057), and Cisco's discovery (CDP), whose form its maker published and others speak too.
//!
//! Serial numbers, asset numbers and where somebody typed that it stands are passed over: no fact of ours holds them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::device::LinkTable;

use crate::text::plain;
use crate::wire::mac_text;

/// Pieces of one message.
const PIECES_MAX: usize = 128;
/// Addresses one machine names that are taken up.
const ADDRESSES_MAX: usize = 8;
/// Characters of what it says it is: a model, a system. What comes behind them is a build's date and a copyright.
const SAYS_MAX: usize = 120;

/// What a machine says of itself on its link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Introduced {
    /// By which protocol.
    pub by: LinkTable,
    /// Its hardware address, where it goes by that.
    pub mac: Option<[u8; 6]>,
    /// What it calls itself.
    pub name: Option<String>,
    /// What it calls the port it says this from.
    pub port: Option<String>,
    /// The network of that port which bears no tag.
    pub vlan: Option<u16>,
    /// Addresses it can be managed at, in its own order.
    pub addresses: Vec<IpAddr>,
    /// Model or system.
    pub says_it_is: Option<String>,
}

impl Introduced {
    fn new(by: LinkTable) -> Self {
        Self {
            by,
            mac: None,
            name: None,
            port: None,
            vlan: None,
            addresses: Vec::new(),
            says_it_is: None,
        }
    }

    fn managed_at(&mut self, address: Option<IpAddr>) {
        let good = address.filter(|a| !(a.is_unspecified() || a.is_loopback() || a.is_multicast()));
        if self.addresses.len() < ADDRESSES_MAX {
            self.addresses.extend(good);
        }
    }
}

const END: u8 = 0;
const CHASSIS: u8 = 1;
const PORT: u8 = 2;
const LASTS: u8 = 3;
const PORT_WORDS: u8 = 4;
const NAME: u8 = 5;
const DESCRIPTION: u8 = 6;
const MANAGED_AT: u8 = 8;
const OF_OTHERS: u8 = 127;
/// Sub-kinds by which chassis and port are named: a hardware address, an address of the network.
const CHASSIS_BY_MAC: u8 = 4;
const CHASSIS_BY_ADDRESS: u8 = 5;
const PORT_BY_MAC: u8 = 3;
const PORT_BY_ADDRESS: u8 = 4;
/// IEEE 802.1, the VLAN of the port; TIA, maker and model.
const VLAN: [u8; 4] = [0x00, 0x80, 0xc2, 1];
const MAKER: [u8; 4] = [0x00, 0x12, 0xbb, 9];
const MODEL: [u8; 4] = [0x00, 0x12, 0xbb, 10];

/// Reads a message of LLDP; nothing for one that takes back what was said, or that is none.
pub fn lldp(message: &[u8]) -> Option<Introduced> {
    let mut out = Introduced::new(LinkTable::Lldp);
    let mut rest = message;
    let (mut name, mut words, mut description) = (None, None, None);
    let (mut maker, mut model) = (None, None);
    for number in 0..PIECES_MAX {
        let Some((kind, value, more)) = piece(rest) else {
            break;
        };
        rest = more;
        // The first three are these, in this order (IEEE 802.1AB §8.2).
        match (number, kind) {
            (0, CHASSIS) => name = out.chassis(value)?,
            (1, PORT) => out.port = port(value)?,
            // It says goodbye.
            (2, LASTS) if value == [0, 0] => return None,
            (2, LASTS) if value.len() >= 2 => {}
            (0..=2, _) => return None,
            (_, END) => break,
            (_, PORT_WORDS) => words = line(value),
            (_, NAME) => out.name = line(value),
            (_, DESCRIPTION) => description = line(value),
            (_, MANAGED_AT) => out.managed_at(managed_at(value)),
            (_, OF_OTHERS) => match value.split_first_chunk() {
                Some((&VLAN, [a, b])) => out.vlan = vlan(u16::from_be_bytes([*a, *b])),
                Some((&MAKER, text)) => maker = line(text),
                Some((&MODEL, text)) => model = line(text),
                _ => {}
            },
            _ => {}
        }
    }
    // Fewer than three are no message.
    out.port.as_ref()?;
    out.name = out.name.or(name);
    // A port that goes by its hardware address has a name in words.
    let by_mac = out.port.as_ref().is_some_and(|port| is_mac(port));
    if by_mac && words.is_some() {
        out.port = words;
    }
    let made = [maker, model].into_iter().flatten().collect::<Vec<_>>();
    out.says_it_is = match made.is_empty() {
        true => description,
        false => Some(made.join(" ")),
    };
    Some(out)
}

/// One piece: seven bits of kind, nine of length; and what follows.
fn piece(rest: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = rest.split_first_chunk()?;
    let head = u16::from_be_bytes(*head);
    let (value, rest) = rest.split_at_checked(usize::from(head & 0x1ff))?;
    Some((u8::try_from(head >> 9).ok()?, value, rest))
}

impl Introduced {
    /// Takes the name of the chassis, and gives it as a text where it is one; nothing at all if it is empty.
    fn chassis(&mut self, value: &[u8]) -> Option<Option<String>> {
        let (sort, id) = value.split_first()?;
        match *sort {
            CHASSIS_BY_MAC => {
                self.mac = Some(id.try_into().ok()?);
                Some(None)
            }
            CHASSIS_BY_ADDRESS => {
                let address = address(id);
                self.managed_at(address);
                Some(address.map(|address| address.to_string()))
            }
            _ => line(id).map(Some),
        }
    }
}

/// What a port calls itself; nothing at all if it says nothing.
fn port(value: &[u8]) -> Option<Option<String>> {
    let (sort, id) = value.split_first()?;
    let text = match *sort {
        PORT_BY_MAC => mac_text(id.try_into().ok()?),
        PORT_BY_ADDRESS => address(id)?.to_string(),
        _ => line(id)?,
    };
    Some(Some(text))
}

/// True for a hardware address as we write it.
fn is_mac(text: &str) -> bool {
    let mut parts = text.split(':');
    text.len() == 17 && parts.all(|part| part.len() == 2)
}

/// An address behind the number of its family (IANA address family numbers).
fn address(value: &[u8]) -> Option<IpAddr> {
    match value {
        [1, rest @ ..] => four(rest),
        [2, rest @ ..] => six(rest),
        _ => None,
    }
}

fn managed_at(value: &[u8]) -> Option<IpAddr> {
    let (length, rest) = value.split_first()?;
    address(rest.get(..usize::from(*length))?)
}

fn four(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 4] = bytes.try_into().ok()?;
    Some(IpAddr::V4(Ipv4Addr::from(bytes)))
}

fn six(bytes: &[u8]) -> Option<IpAddr> {
    let bytes: [u8; 16] = bytes.try_into().ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
}

fn vlan(number: u16) -> Option<u16> {
    (1..=4094).contains(&number).then_some(number)
}

/// The first line of a text, as far as a fact may hold it.
fn line(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n' | 0));
    let first = bytes.get(..end.unwrap_or(bytes.len()))?;
    let text = plain(first)?.trim();
    let short: String = text.chars().take(SAYS_MAX).collect();
    (!short.is_empty()).then_some(short)
}

const CDP_DEVICE: u16 = 1;
const CDP_ADDRESSES: u16 = 2;
const CDP_PORT: u16 = 3;
const CDP_SOFTWARE: u16 = 5;
const CDP_PLATFORM: u16 = 6;
const CDP_VLAN: u16 = 10;
const CDP_MANAGED_AT: u16 = 22;
/// Which protocol an address is of, as CDP writes it: IPv4, IPv6.
const OF_IPV4: [u8; 3] = [1, 1, 0xcc];
const OF_IPV6: [u8; 10] = [2, 8, 0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd];

/// Reads a message of Cisco's discovery, from its version on; nothing for one that takes back what was said, or that is none.
pub fn cdp(message: &[u8]) -> Option<Introduced> {
    let [1 | 2, lasts, _, _, rest @ ..] = message else {
        return None;
    };
    if *lasts == 0 {
        return None;
    }
    let mut out = Introduced::new(LinkTable::Cdp);
    let mut rest = rest;
    let (mut platform, mut software) = (None, None);
    for _ in 0..PIECES_MAX {
        let [k1, k2, l1, l2, ..] = *rest else {
            break;
        };
        // The length counts the head; behind the last one is padding.
        let length = usize::from(u16::from_be_bytes([l1, l2]));
        let (Some(value), Some(more)) = (rest.get(4..length), rest.get(length..)) else {
            break;
        };
        rest = more;
        match u16::from_be_bytes([k1, k2]) {
            CDP_DEVICE => out.name = line(value),
            CDP_PORT => out.port = line(value),
            CDP_SOFTWARE => software = line(value),
            CDP_PLATFORM => platform = line(value),
            CDP_VLAN => {
                let number = value.try_into().ok().map(u16::from_be_bytes);
                out.vlan = number.and_then(vlan);
            }
            CDP_ADDRESSES | CDP_MANAGED_AT => out.cdp_addresses(value),
            _ => {}
        }
    }
    // Who says neither who nor where it is has introduced nobody.
    out.name.as_ref().or(out.port.as_ref())?;
    out.says_it_is = platform.or(software);
    Some(out)
}

impl Introduced {
    fn cdp_addresses(&mut self, value: &[u8]) {
        let Some((count, mut rest)) = value.split_first_chunk::<4>() else {
            return;
        };
        for _ in 0..u32::from_be_bytes(*count).min(16) {
            let Some((found, more)) = cdp_address(rest) else {
                return;
            };
            if let Some(new) = found.filter(|new| !self.addresses.contains(new)) {
                self.managed_at(Some(new));
            }
            rest = more;
        }
    }
}

/// One address, and what follows it: sort and length of its protocol, the protocol, and the address behind its own length.
fn cdp_address(rest: &[u8]) -> Option<(Option<IpAddr>, &[u8])> {
    let protocol_bytes = usize::from(*rest.get(1)?);
    let (protocol, rest) = rest.split_at_checked(2 + protocol_bytes)?;
    let (length, rest) = rest.split_first_chunk()?;
    let (bytes, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let found = match protocol {
        _ if protocol == OF_IPV4 => four(bytes),
        _ if protocol == OF_IPV6 => six(bytes),
        _ => None,
    };
    Some((found, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
        let head = u16::from(kind) << 9 | u16::try_from(value.len()).unwrap();
        [&head.to_be_bytes(), value].concat()
    }

    fn message(pieces: &[(u8, &[u8])]) -> Vec<u8> {
        let each = pieces.iter().map(|(kind, value)| tlv(*kind, value));
        each.collect::<Vec<_>>().concat()
    }

    const CHASSIS_MAC: (u8, &[u8]) = (CHASSIS, &[4, 2, 0, 0, 0, 0, 9]);
    const PORT_NAME: (u8, &[u8]) = (PORT, b"\x05Gi1/0/12");
    const TWO_MINUTES: (u8, &[u8]) = (LASTS, &[0, 120]);

    #[test]
    fn a_switch_says_who_it_is_and_which_port_this_is() {
        let read = lldp(&message(&[
            CHASSIS_MAC,
            PORT_NAME,
            TWO_MINUTES,
            (NAME, b"switch1.corp.example"),
            (DESCRIPTION, b"Example Switch OS, Version 12\r\nCopyright"),
            (MANAGED_AT, &[5, 1, 10, 0, 0, 2, 2, 0, 0, 0, 1, 0]),
            (OF_OTHERS, &[0x00, 0x80, 0xc2, 1, 0, 20]),
            (END, b""),
            (NAME, b"behind the end"),
        ]))
        .unwrap();
        assert_eq!(read.mac, Some([2, 0, 0, 0, 0, 9]));
        assert_eq!(read.name.as_deref(), Some("switch1.corp.example"));
        assert_eq!(read.port.as_deref(), Some("Gi1/0/12"));
        assert_eq!(read.vlan, Some(20));
        assert_eq!(read.addresses, [IpAddr::from([10, 0, 0, 2])]);
        assert_eq!(
            read.says_it_is.as_deref(),
            Some("Example Switch OS, Version 12")
        );
    }

    #[test]
    fn maker_and_model_come_before_the_system_and_a_ports_words_before_its_hardware_address() {
        let read = lldp(&message(&[
            (CHASSIS, b"\x07phone-3"),
            (PORT, &[3, 2, 0, 0, 0, 0, 7]),
            TWO_MINUTES,
            (PORT_WORDS, b"PC port"),
            (DESCRIPTION, b"a telephone"),
            (OF_OTHERS, b"\x00\x12\xbb\x09Example"),
            (OF_OTHERS, b"\x00\x12\xbb\x0aT 46"),
            (OF_OTHERS, b"\x00\x12\xbb\x08SERIAL-1"),
        ]))
        .unwrap();
        assert_eq!(read.name.as_deref(), Some("phone-3"));
        assert_eq!(read.port.as_deref(), Some("PC port"));
        assert_eq!(read.says_it_is.as_deref(), Some("Example T 46"));
        assert!(!format!("{read:?}").contains("SERIAL"));
    }

    #[test]
    fn whoever_says_goodbye_or_is_not_understood_introduces_nobody() {
        for silent in [
            &[CHASSIS_MAC, PORT_NAME, (LASTS, &[0, 0])][..],
            &[PORT_NAME, CHASSIS_MAC, TWO_MINUTES],
            &[CHASSIS_MAC],
            &[CHASSIS_MAC, TWO_MINUTES, PORT_NAME],
            &[(CHASSIS, b""), PORT_NAME, TWO_MINUTES],
            &[CHASSIS_MAC, (PORT, b"\x05"), TWO_MINUTES],
            &[],
        ] {
            assert_eq!(lldp(&message(silent)), None, "{silent:?}");
        }
        assert_eq!(lldp(b"GET / HTTP/1.1\r\n"), None);
    }

    fn cdp_message(pieces: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = vec![2, 180, 0, 0];
        for (kind, value) in pieces {
            out.extend(kind.to_be_bytes());
            out.extend(u16::try_from(value.len() + 4).unwrap().to_be_bytes());
            out.extend_from_slice(value);
        }
        out
    }

    #[test]
    fn cisco_says_the_same_in_its_own_words() {
        let mut addresses = vec![0, 0, 0, 2, 1, 1, 0xcc, 0, 4, 10, 0, 0, 2];
        addresses.extend(OF_IPV6);
        addresses.extend([0, 16]);
        addresses.extend("fd77::2".parse::<Ipv6Addr>().unwrap().octets());
        let mut bytes = cdp_message(&[
            (CDP_DEVICE, b"switch1.corp.example"),
            (CDP_ADDRESSES, &addresses),
            (CDP_PORT, b"GigabitEthernet1/0/12"),
            (CDP_SOFTWARE, b"Example IOS Software\nCopyright"),
            (CDP_PLATFORM, b"example WS-C2960"),
            (CDP_VLAN, &[0, 20]),
            (CDP_MANAGED_AT, &addresses),
        ]);
        bytes.extend([0; 9]);
        let read = cdp(&bytes).unwrap();
        assert_eq!(read.name.as_deref(), Some("switch1.corp.example"));
        assert_eq!(read.port.as_deref(), Some("GigabitEthernet1/0/12"));
        assert_eq!(read.says_it_is.as_deref(), Some("example WS-C2960"));
        assert_eq!(read.vlan, Some(20));
        let wanted: [IpAddr; 2] = [[10, 0, 0, 2].into(), "fd77::2".parse().unwrap()];
        assert_eq!(read.addresses, wanted);
    }

    #[test]
    fn a_message_of_cisco_that_says_nothing_is_none() {
        let mut gone = cdp_message(&[(CDP_DEVICE, b"switch1")]);
        gone[1] = 0;
        for silent in [
            gone,
            cdp_message(&[]),
            cdp_message(&[(CDP_PLATFORM, b"example")]),
            b"\x03\xb4\0\0\0\x01\0\x0bswitch1".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(cdp(&silent), None);
        }
    }
}
