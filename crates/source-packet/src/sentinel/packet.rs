//! A packet that passed the sieve → what it means to a sentinel, pure. Headers alone are read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use groma_model::fact::KnockWay;
use groma_model::{Port, Transport};
use groma_source::ears::Overheard;

use super::sieve::{ECHO, ECHO_V6};
use crate::frame::{self, Carried};

/// What a packet means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// Somebody begins a conversation.
    Begins {
        by: IpAddr,
        at: IpAddr,
        /// The port it calls from; 0 where there is none.
        from: u16,
        way: KnockWay,
    },
    /// This machine sent a datagram: what comes back is an answer.
    Sent { from: SocketAddr, to: SocketAddr },
    /// Somebody says which hardware address it has.
    Has { address: IpAddr, mac: [u8; 6] },
}

/// What `packet` means; nothing where it cannot be read, or is none of those.
pub(super) fn read(packet: &Overheard<'_>) -> Option<Heard> {
    let carried = frame::inside(packet.protocol, packet.bytes, packet.at, packet.mac);
    match (carried, packet.is_own) {
        (Carried::Udp(sent), true) => Some(Heard::Sent {
            from: sent.from,
            to: sent.to,
        }),
        (_, true) => None,
        (Carried::Tcp(segment), _) if segment.opens && segment.acknowledges.is_none() => {
            Some(begins(segment.from, segment.to, Transport::Tcp))
        }
        (Carried::Udp(datagram), _) => Some(begins(datagram.from, datagram.to, Transport::Udp)),
        (Carried::Has { address, mac }, _) => Some(Heard::Has { address, mac }),
        (Carried::Other, _) => echo(packet.protocol, packet.bytes),
        _ => None,
    }
}

fn begins(from: SocketAddr, to: SocketAddr, transport: Transport) -> Heard {
    Heard::Begins {
        by: from.ip(),
        at: to.ip(),
        from: from.port(),
        way: KnockWay::Port {
            port: Port(to.port()),
            transport,
        },
    }
}

/// A question for an echo, which no other reader here has use for.
fn echo(protocol: u16, bytes: &[u8]) -> Option<Heard> {
    let (by, at): (IpAddr, IpAddr) = match protocol {
        0x0800 if bytes.get(9) == Some(&1) => {
            let header = usize::from(bytes.first()? & 15) * 4;
            let is_first = u16::from_be_bytes(bytes.get(6..8)?.try_into().ok()?) & 0x1fff == 0;
            if !is_first || header < 20 || u32::from(*bytes.get(header)?) != ECHO {
                return None;
            }
            (v4(bytes, 12)?.into(), v4(bytes, 16)?.into())
        }
        0x86dd if bytes.get(6) == Some(&58) => {
            if u32::from(*bytes.get(40)?) != ECHO_V6 {
                return None;
            }
            (v6(bytes, 8)?.into(), v6(bytes, 24)?.into())
        }
        _ => return None,
    };
    Some(Heard::Begins {
        by,
        at,
        from: 0,
        way: KnockWay::Echo,
    })
}

fn v4(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

fn v6(bytes: &[u8], at: usize) -> Option<Ipv6Addr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(octets.into())
}

#[cfg(test)]
mod tests {
    use groma_model::Timestamp;

    use super::*;

    fn heard(protocol: u16, is_own: bool, bytes: &[u8]) -> Option<Heard> {
        read(&Overheard {
            at: Timestamp::from_seconds(1_795_250_000),
            protocol,
            mac: None,
            is_own,
            bytes,
        })
    }

    fn v4_packet(protocol: u8, rest: &[u8]) -> Vec<u8> {
        let length = u8::try_from(20 + rest.len()).unwrap();
        let mut packet = vec![0x45, 0, 0, length, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        packet.extend([10, 0, 0, 7, 10, 0, 0, 5]);
        packet.extend(rest);
        packet
    }

    fn opens(flags: u8) -> Vec<u8> {
        let mut header = vec![0x9c, 0x40, 1, 0x85, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags];
        header.extend([0; 6]);
        v4_packet(6, &header)
    }

    #[test]
    fn a_first_packet_is_a_knock_and_what_this_machine_sends_is_none() {
        let knock = Heard::Begins {
            by: [10, 0, 0, 7].into(),
            at: [10, 0, 0, 5].into(),
            from: 40_000,
            way: KnockWay::Port {
                port: Port(389),
                transport: Transport::Tcp,
            },
        };
        assert_eq!(heard(0x0800, false, &opens(2)), Some(knock));
        assert_eq!(heard(0x0800, false, &opens(0x12)), None);
        assert_eq!(heard(0x0800, true, &opens(2)), None);
        let datagram = v4_packet(17, &[0x9c, 0x40, 0, 53, 0, 8, 0, 0]);
        assert!(matches!(
            heard(0x0800, false, &datagram),
            Some(Heard::Begins { from: 40_000, .. })
        ));
        assert!(matches!(
            heard(0x0800, true, &datagram),
            Some(Heard::Sent { .. })
        ));
        let echo = v4_packet(1, &[8, 0, 0, 0, 0, 1, 0, 1]);
        assert!(matches!(
            heard(0x0800, false, &echo),
            Some(Heard::Begins {
                way: KnockWay::Echo,
                ..
            })
        ));
        assert_eq!(heard(0x0800, true, &echo), None);
    }

    #[test]
    fn no_bytes_make_the_reader_fail() {
        let seeds = [opens(2), v4_packet(1, &[8, 0, 0, 0])];
        let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(2_000, &seeds, |bytes| {
            for protocol in [0x0800, 0x86dd, 0x0806] {
                let _ = heard(protocol, false, bytes);
            }
        });
    }
}
