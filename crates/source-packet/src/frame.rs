//! A frame → what it carries, pure: Ethernet with VLAN tags, Linux "cooked" captures, raw IP; IPv4 and IPv6; TCP, UDP, ARP; what
//! neighbours and routers of IPv6 say (RFC 4861); LLDP, and CDP behind a length (IEEE 802.3).
//!
//! Headers are read by `pnet_packet`; where one ends is counted here, because a length that a stranger wrote must not
//! lead out of what was captured. Only first fragments are read: everything we tell stands in the first bytes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use groma_model::Timestamp;
use groma_source::ipv6;
use pnet_packet::arp::ArpPacket;
use pnet_packet::ethernet::EthernetPacket;
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;
use pnet_packet::tcp::{TcpFlags, TcpPacket};
use pnet_packet::udp::UdpPacket;
use pnet_packet::vlan::VlanPacket;

use crate::file::Frame;

/// Tags of virtual networks around one packet.
const TAGS_MAX: usize = 4;

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const LLDP: u16 = 0x88cc;
/// Up to here the number is no protocol but a length (IEEE 802.3), behind which a header says what follows; `LENGTH` stands for one
/// that is not known.
const LENGTH_MAX: u16 = 1500;
const LENGTH: u16 = 4;
/// That header, where Cisco's discovery follows: SNAP, the maker, the protocol.
const CDP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0];
/// 802.1Q, 802.1ad, and the number used before it.
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// What a router says of its network, a question for a neighbour, and a neighbour's answer (RFC 4861 §4).
const ADVERTISES: u8 = 134;
const SOLICITS: u8 = 135;
const ANSWERS: u8 = 136;
/// What has passed no router.
const HOPS_OF_LINK: u8 = 255;
/// Options that hold the hardware address of who asks, and of who answers.
const ASKER: u8 = 1;
const TARGET: u8 = 2;
/// Options of one message that are looked at.
const OPTIONS_MAX: usize = 32;

/// What a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carried<'p> {
    /// Somebody says which hardware address has a network address.
    Has {
        /// The address it says it has.
        address: IpAddr,
        /// Its hardware address.
        mac: [u8; 6],
    },
    /// A router says what holds in its network.
    Router {
        /// Its address on this link.
        from: Ipv6Addr,
        /// Its hardware address, where the frame or it itself tells one.
        mac: Option<[u8; 6]>,
        /// What it says, from the kind of the message on.
        content: &'p [u8],
    },
    /// A machine says on its link who it is, by LLDP.
    Lldp {
        /// Hardware address of the port it says it from.
        mac: Option<[u8; 6]>,
        /// What it says.
        content: &'p [u8],
    },
    /// The same by Cisco's protocol.
    Cdp {
        /// Hardware address of the port it says it from.
        mac: Option<[u8; 6]>,
        /// What it says.
        content: &'p [u8],
    },
    /// A piece of a TCP stream.
    Tcp(Segment<'p>),
    /// A datagram.
    Udp(Datagram<'p>),
    /// Anything else.
    Other,
}

/// A TCP segment (RFC 9293).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'p> {
    /// When.
    pub at: Timestamp,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// Number of its first byte.
    pub number: u32,
    /// What it acknowledges, if it does.
    pub acknowledges: Option<u32>,
    /// It opens a stream.
    pub opens: bool,
    /// It ends its stream, or breaks both off.
    pub ends: bool,
    /// It breaks the connection off.
    pub resets: bool,
    /// Bytes it carried on the wire.
    pub carried: usize,
    /// What of them was captured.
    pub content: &'p [u8],
}

/// A UDP datagram (RFC 768).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'p> {
    /// When.
    pub at: Timestamp,
    /// Hardware address of whoever put it on this wire, where the capture has it.
    pub mac: Option<[u8; 6]>,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// True if it was cut by the capture.
    pub cut: bool,
    /// What of it was captured.
    pub content: &'p [u8],
}

/// Reads a frame; `None` for a link type that is not known.
pub fn read<'p>(frame: &Frame<'p>) -> Option<Carried<'p>> {
    let bytes = frame.bytes;
    let at = frame.at;
    let (kind, mac, rest) = match frame.link {
        1 => match ethernet(bytes) {
            Some(read) => read,
            None => return Some(Carried::Other),
        },
        // Raw, in all its numbers.
        12 | 14 | 101 | 228 | 229 => (by_version(bytes), None, bytes),
        // Four bytes of a family that differs between systems; the packet says it itself.
        0 | 108 => {
            let rest = bytes.get(4..).unwrap_or_default();
            (by_version(rest), None, rest)
        }
        113 => cooked(bytes, 14, 6, 16),
        276 => cooked(bytes, 0, 12, 20),
        _ => return None,
    };
    Some(inside(kind, rest, at, mac))
}

/// Reads a packet from its network header on, of the protocol that the frame around it named.
pub fn inside(protocol: u16, bytes: &[u8], at: Timestamp, mac: Option<[u8; 6]>) -> Carried<'_> {
    let (kind, rest) = untagged(protocol, bytes);
    network(kind, rest, at, mac).unwrap_or(Carried::Other)
}

type Link<'p> = (u16, Option<[u8; 6]>, &'p [u8]);

fn ethernet(bytes: &[u8]) -> Option<Link<'_>> {
    let header = EthernetPacket::new(bytes)?;
    let mac = header.get_source();
    let mac = [mac.0, mac.1, mac.2, mac.3, mac.4, mac.5];
    Some((header.get_ethertype().0, Some(mac), bytes.get(14..)?))
}

fn by_version(bytes: &[u8]) -> u16 {
    match bytes.first().map(|first| first >> 4) {
        Some(4) => IPV4,
        Some(6) => IPV6,
        _ => 0,
    }
}

/// LINUX_SLL and LINUX_SLL2: where the protocol and the sender's hardware address stand, and where the header ends.
fn cooked(bytes: &[u8], protocol: usize, address: usize, end: usize) -> Link<'_> {
    let half: Option<[u8; 2]> = bytes
        .get(protocol..protocol + 2)
        .and_then(|b| b.try_into().ok());
    let mac = bytes
        .get(address..address + 6)
        .and_then(|b| b.try_into().ok());
    let mac = mac.filter(|mac| *mac != [0; 6]);
    (
        half.map_or(0, u16::from_be_bytes),
        mac,
        bytes.get(end..).unwrap_or_default(),
    )
}

fn untagged(mut kind: u16, mut rest: &[u8]) -> (u16, &[u8]) {
    for _ in 0..TAGS_MAX {
        if !TAGS.contains(&kind) {
            break;
        }
        let Some(tag) = VlanPacket::new(rest) else {
            break;
        };
        kind = tag.get_ethertype().0;
        rest = rest.get(4..).unwrap_or_default();
    }
    (kind, rest)
}

fn network<'p>(
    kind: u16,
    bytes: &'p [u8],
    at: Timestamp,
    mac: Option<[u8; 6]>,
) -> Option<Carried<'p>> {
    match kind {
        IPV4 => {
            let header = Ipv4Packet::new(bytes)?;
            let begin = usize::from(header.get_header_length()) * 4;
            let whole = usize::from(header.get_total_length());
            if header.get_version() != 4 || begin < 20 || header.get_fragment_offset() != 0 {
                return None;
            }
            let ends = (
                IpAddr::V4(header.get_source()),
                IpAddr::V4(header.get_destination()),
            );
            // A card that cuts segments itself leaves the length empty.
            let length = if whole == 0 { bytes.len() } else { whole }.checked_sub(begin)?;
            transport(
                header.get_next_level_protocol().0,
                bytes.get(begin..)?,
                length,
                ends,
                at,
                mac,
            )
        }
        IPV6 => {
            let header = Ipv6Packet::new(bytes)?;
            if header.get_version() != 6 {
                return None;
            }
            let ends = (inner(header.get_source()), inner(header.get_destination()));
            let length = usize::from(header.get_payload_length());
            let length = if length == 0 {
                bytes.len().saturating_sub(ipv6::HEAD_BYTES)
            } else {
                length
            };
            let behind = ipv6::behind_extensions(bytes)?;
            let length = length.checked_sub(behind.at - ipv6::HEAD_BYTES)?;
            let rest = bytes.get(behind.at..)?;
            if behind.protocol == ICMPV6 {
                let of_link = header.get_hop_limit() == HOPS_OF_LINK && !behind.is_fragment;
                let message = rest.get(..length.min(rest.len())).filter(|_| of_link)?;
                return neighbour(header.get_source(), message, mac);
            }
            transport(behind.protocol, rest, length, ends, at, mac)
        }
        ARP => arp(bytes),
        LLDP => Some(Carried::Lldp {
            mac,
            content: bytes,
        }),
        0..=LENGTH_MAX => {
            let told = match kind {
                LENGTH => bytes.len(),
                told => usize::from(told).min(bytes.len()),
            };
            let content = bytes.get(..told)?.strip_prefix(&CDP)?;
            Some(Carried::Cdp { mac, content })
        }
        _ => None,
    }
}

fn inner(address: Ipv6Addr) -> IpAddr {
    IpAddr::V6(address).to_canonical()
}

/// What neighbours and routers say of themselves (RFC 4861). Whoever asks whether an address is free has none yet.
fn neighbour(from: Ipv6Addr, message: &[u8], mac: Option<[u8; 6]>) -> Option<Carried<'_>> {
    let has = |address: Ipv6Addr, mac: Option<[u8; 6]>| {
        let is_one = !address.is_unspecified() && !address.is_multicast();
        let address = IpAddr::V6(address);
        mac.filter(|mac| is_one && *mac != [0; 6])
            .map(|mac| Carried::Has { address, mac })
    };
    match *message {
        [ADVERTISES, 0, ..] if from.is_unicast_link_local() => {
            let said = hardware_address(message.get(16..)?, ASKER);
            Some(Carried::Router {
                from,
                mac: said.or(mac),
                content: message,
            })
        }
        [SOLICITS, 0, ..] => has(from, hardware_address(message.get(24..)?, ASKER)),
        [ANSWERS, 0, ..] => {
            let target: [u8; 16] = message.get(8..24)?.try_into().ok()?;
            // Without the option only who is asked directly answers: it is who sent the frame.
            let said = hardware_address(message.get(24..)?, TARGET);
            has(Ipv6Addr::from(target), said.or(mac))
        }
        _ => None,
    }
}

/// The hardware address among these options.
fn hardware_address(mut options: &[u8], wanted: u8) -> Option<[u8; 6]> {
    for _ in 0..OPTIONS_MAX {
        let [kind, words, ..] = *options else {
            return None;
        };
        let (option, rest) = options.split_at_checked(usize::from(words) * 8)?;
        if kind == wanted && words == 1 {
            return option.get(2..8)?.try_into().ok();
        }
        // One that says it has no length leads nowhere.
        options = (words > 0).then_some(rest)?;
    }
    None
}

fn arp(bytes: &[u8]) -> Option<Carried<'_>> {
    let header = ArpPacket::new(bytes)?;
    let (hardware, protocol) = (header.get_hardware_type().0, header.get_protocol_type().0);
    let address = header.get_sender_proto_addr();
    let mac = header.get_sender_hw_addr();
    let mac = [mac.0, mac.1, mac.2, mac.3, mac.4, mac.5];
    // One that asks whether an address is free has none yet.
    let has_one = !address.is_unspecified() && mac != [0; 6];
    let address = IpAddr::V4(address);
    (hardware == 1 && protocol == IPV4 && has_one).then_some(Carried::Has { address, mac })
}

fn transport<'p>(
    kind: u8,
    bytes: &'p [u8],
    length: usize,
    (from, to): (IpAddr, IpAddr),
    at: Timestamp,
    mac: Option<[u8; 6]>,
) -> Option<Carried<'p>> {
    // Short frames are padded: what stands behind the packet's own end is not its content.
    let bytes = bytes.get(..length.min(bytes.len()))?;
    match kind {
        TCP => {
            let header = TcpPacket::new(bytes)?;
            let begin = usize::from(header.get_data_offset()) * 4;
            let flags = header.get_flags();
            let has = |flag| flags & flag != 0;
            Some(Carried::Tcp(Segment {
                at,
                from: SocketAddr::new(from, header.get_source()),
                to: SocketAddr::new(to, header.get_destination()),
                number: header.get_sequence(),
                acknowledges: has(TcpFlags::ACK).then(|| header.get_acknowledgement()),
                opens: has(TcpFlags::SYN),
                ends: has(TcpFlags::FIN) || has(TcpFlags::RST),
                resets: has(TcpFlags::RST),
                carried: length.checked_sub(begin.max(20))?,
                content: bytes.get(begin.max(20)..).unwrap_or_default(),
            }))
        }
        UDP => {
            let header = UdpPacket::new(bytes)?;
            let told = usize::from(header.get_length()).checked_sub(8)?;
            let content = bytes.get(8..)?;
            Some(Carried::Udp(Datagram {
                at,
                mac,
                from: SocketAddr::new(from, header.get_source()),
                to: SocketAddr::new(to, header.get_destination()),
                cut: content.len() < told,
                content: content.get(..told.min(content.len()))?,
            }))
        }
        _ => None,
    }
}
