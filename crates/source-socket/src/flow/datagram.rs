//! A cooked packet → the UDP datagram in it, pure. IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768).
//!
//! Only first fragments are read, and of IPv6 only packets whose next header is UDP at once: nobody wraps a
//! question for the time of day into extension headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::Port;

/// EtherType of IPv4 and IPv6.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const UDP: u8 = 17;

/// One UDP datagram, perhaps cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'p> {
    /// Who sent it.
    pub source: IpAddr,
    /// From which port.
    pub source_port: Port,
    /// To whom.
    pub destination: IpAddr,
    /// To which port.
    pub destination_port: Port,
    /// Bytes it carries, by its own header.
    pub bytes: u64,
    /// What of them was captured.
    pub content: &'p [u8],
}

impl<'p> Datagram<'p> {
    /// Reads a packet of this EtherType; `None` if it is no whole or first piece of a UDP datagram.
    pub fn read(protocol: u16, packet: &'p [u8]) -> Option<Self> {
        let (source, destination, rest) = match protocol {
            IPV4 => read_v4(packet)?,
            IPV6 => read_v6(packet)?,
            _ => return None,
        };
        let (header, content) = rest.split_first_chunk::<8>()?;
        let word = |at: usize| Some(u16::from_be_bytes(header.get(at..at + 2)?.try_into().ok()?));
        Some(Self {
            source,
            source_port: Port(word(0)?),
            destination,
            destination_port: Port(word(2)?),
            bytes: u64::from(word(4)?).saturating_sub(8),
            content,
        })
    }
}

fn read_v4(packet: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let header = packet.get(..20)?;
    let first = *header.first()?;
    let fragment = u16::from_be_bytes(header.get(6..8)?.try_into().ok()?) & 0x1fff;
    if first >> 4 != 4 || fragment != 0 || *header.get(9)? != UDP {
        return None;
    }
    let address = |at: usize| {
        let bytes: [u8; 4] = header.get(at..at + 4)?.try_into().ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(bytes)))
    };
    let length = usize::from(first & 15) * 4;
    let rest = packet.get(length.max(20)..)?;
    Some((address(12)?, address(16)?, rest))
}

fn read_v6(packet: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let (header, rest) = packet.split_first_chunk::<40>()?;
    if header.first()? >> 4 != 6 || *header.get(6)? != UDP {
        return None;
    }
    let address = |at: usize| {
        let bytes: [u8; 16] = header.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
    };
    Some((address(8)?, address(24)?, rest))
}
