//! The classic BPF program of a sentinel, pure: first packets to its addresses, who asks for their hardware address, and what
//! this machine itself sends from there in datagrams, so that an answer to that is known as one.
//!
//! Nothing else leaves the kernel, and of what does no more than headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_source::Instruction;

use crate::filter::{
    AND, HEADER_LENGTH_TO_X, ICMPV6, IF_BITS, IF_EQUAL, IPV4, IPV6, LOAD_BYTE, LOAD_BYTE_BEHIND,
    LOAD_HALF, LOAD_WORD, Line, PROTOCOL, Place, RETURN, TCP, UDP, assemble,
};

/// What is kept of a packet: the longest header of IPv4, or that of IPv6, and that of TCP.
const BYTES: u32 = 96;
const ARP: u32 = 0x0806;
const ICMP: u32 = 1;
/// Bits of TCP's flags: a connection is opened, and nobody has answered yet.
const SYN_AND_ACK: u32 = 0x12;
const SYN: u32 = 0x02;
/// Somebody asks for an echo (RFC 792, RFC 4443 §4.1).
pub(super) const ECHO: u32 = 8;
pub(super) const ECHO_V6: u32 = 128;

/// Places of the program; those behind [`TRY`] are one for each address of IPv6.
const V4: Place = Place::Piece(0);
const V4_TO: Place = Place::Piece(1);
const V4_FROM: Place = Place::Piece(2);
const V4_TCP: Place = Place::Piece(3);
const V4_ICMP: Place = Place::Piece(4);
const ASKED: Place = Place::Piece(5);
const V6: Place = Place::Piece(6);
const V6_TO: Place = Place::Piece(7);
const V6_FROM: Place = Place::Piece(8);
const V6_TCP: Place = Place::Piece(9);
const V6_ICMP: Place = Place::Piece(10);
const TRY: u8 = 11;

/// The program for these addresses. It is short enough for every jump with as many as one agent stands at.
pub fn sieve(addresses: &[IpAddr]) -> Vec<Instruction> {
    let of_v4 = addresses.iter().filter_map(|address| match address {
        IpAddr::V4(v4) => Some(*v4),
        IpAddr::V6(_) => None,
    });
    let of_v6 = addresses.iter().filter_map(|address| match address {
        IpAddr::V6(v6) => Some(*v6),
        IpAddr::V4(_) => None,
    });
    let (of_v4, of_v6): (Vec<Ipv4Addr>, Vec<Ipv6Addr>) = (of_v4.collect(), of_v6.collect());
    let mut lines = vec![
        Line::Do(LOAD_HALF, PROTOCOL),
        Line::When(IF_EQUAL, IPV4, V4),
        Line::When(IF_EQUAL, IPV6, V6),
        Line::When(IF_EQUAL, ARP, ASKED),
        Line::Do(RETURN, 0),
    ];
    lines.extend(v4(&of_v4));
    lines.extend(v6(&of_v6));
    lines.extend([Line::At(Place::Drop), Line::Do(RETURN, 0)]);
    lines.extend([Line::At(Place::Take), Line::Do(RETURN, BYTES)]);
    assemble(&lines)
}

fn v4(addresses: &[Ipv4Addr]) -> Vec<Line> {
    let any = |to: Place| {
        let each = addresses.iter();
        each.map(move |address| Line::When(IF_EQUAL, address.to_bits(), to))
    };
    // Only first pieces: what stands behind the header of a later one is no header.
    let mut lines = vec![Line::At(V4), Line::Do(LOAD_HALF, 6)];
    lines.extend([
        Line::When(IF_BITS, 0x1fff, Place::Drop),
        Line::Do(LOAD_WORD, 16),
    ]);
    lines.extend(any(V4_TO));
    lines.push(Line::Do(LOAD_WORD, 12));
    lines.extend(any(V4_FROM));
    lines.extend([Line::Do(RETURN, 0), Line::At(V4_TO)]);
    lines.extend(by_protocol(9, V4_TCP, (ICMP, V4_ICMP)));
    lines.extend([Line::At(V4_FROM), Line::Do(LOAD_BYTE, 9)]);
    lines.extend([Line::When(IF_EQUAL, UDP, Place::Take), Line::Do(RETURN, 0)]);
    lines.extend([Line::At(V4_TCP), Line::Do(HEADER_LENGTH_TO_X, 0)]);
    lines.extend(opens(Line::Do(LOAD_BYTE_BEHIND, 13)));
    lines.extend([Line::At(V4_ICMP), Line::Do(HEADER_LENGTH_TO_X, 0)]);
    lines.extend([
        Line::Do(LOAD_BYTE_BEHIND, 0),
        Line::When(IF_EQUAL, ECHO, Place::Take),
        Line::Do(RETURN, 0),
    ]);
    // Of a question for a hardware address (RFC 826): whom it is for.
    lines.extend([Line::At(ASKED), Line::Do(LOAD_WORD, 24)]);
    lines.extend(any(Place::Take));
    lines.push(Line::Do(RETURN, 0));
    lines
}

fn v6(addresses: &[Ipv6Addr]) -> Vec<Line> {
    let mut lines = vec![Line::At(V6)];
    let mut place = TRY;
    for (begins, found) in [(24, V6_TO), (8, V6_FROM)] {
        for address in addresses {
            let next = Place::Piece(place);
            place = place.saturating_add(1);
            for (at, word) in (begins..).step_by(4).zip(words(*address)) {
                lines.extend([Line::Do(LOAD_WORD, at), Line::Unless(IF_EQUAL, word, next)]);
            }
            lines.extend([Line::Do(LOAD_BYTE, 6), Line::When(IF_BITS, 0xff, found)]);
            lines.push(Line::At(next));
        }
    }
    lines.extend([Line::Do(RETURN, 0), Line::At(V6_TO)]);
    lines.extend(by_protocol(6, V6_TCP, (ICMPV6, V6_ICMP)));
    lines.extend([Line::At(V6_FROM), Line::Do(LOAD_BYTE, 6)]);
    lines.extend([
        Line::When(IF_EQUAL, UDP, Place::Take),
        Line::Do(RETURN, 0),
        Line::At(V6_TCP),
    ]);
    lines.extend(opens(Line::Do(LOAD_BYTE, 53)));
    lines.extend([Line::At(V6_ICMP), Line::Do(LOAD_BYTE, 40)]);
    lines.extend([
        Line::When(IF_EQUAL, ECHO_V6, Place::Take),
        Line::Do(RETURN, 0),
    ]);
    lines
}

fn by_protocol(at: u32, tcp: Place, (echo, to): (u32, Place)) -> [Line; 5] {
    [
        Line::Do(LOAD_BYTE, at),
        Line::When(IF_EQUAL, TCP, tcp),
        Line::When(IF_EQUAL, UDP, Place::Take),
        Line::When(IF_EQUAL, echo, to),
        Line::Do(RETURN, 0),
    ]
}

fn opens(load_flags: Line) -> [Line; 4] {
    [
        load_flags,
        Line::Do(AND, SYN_AND_ACK),
        Line::When(IF_EQUAL, SYN, Place::Take),
        Line::Do(RETURN, 0),
    ]
}

fn words(address: Ipv6Addr) -> [u32; 4] {
    let bits = address.to_bits();
    [96, 64, 32, 0].map(|shift| u32::try_from((bits >> shift) & 0xffff_ffff).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::machine::run;
    use crate::sentinel::POSTS_MAX;

    fn v4_packet(protocol: u8, from: [u8; 4], to: [u8; 4], rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        packet.extend([from, to].concat());
        packet.extend(rest);
        packet
    }

    fn v6_packet(next: u8, from: &str, to: &str, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 20, next, 64];
        for end in [from, to] {
            packet.extend(end.parse::<Ipv6Addr>().unwrap().octets());
        }
        packet.extend(rest);
        packet
    }

    fn tcp(flags: u8) -> Vec<u8> {
        let mut header = vec![0x9c, 0x40, 1, 0x85, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags];
        header.extend([0; 6]);
        header
    }

    const OLD: [u8; 4] = [10, 0, 0, 5];
    const CALLER: [u8; 4] = [10, 0, 0, 7];
    const OWN: [u8; 4] = [10, 0, 0, 9];

    fn passes(protocol: u16, packet: &[u8]) -> bool {
        let old: Vec<IpAddr> = vec![OLD.into(), "2001:db8::5".parse().unwrap()];
        run(&sieve(&old), protocol, packet) > 0
    }

    #[test]
    fn first_packets_to_the_old_address_pass_and_nothing_else() {
        let udp = [0; 8];
        assert!(passes(0x0800, &v4_packet(6, CALLER, OLD, &tcp(0x02))));
        assert!(
            passes(0x0800, &v4_packet(6, CALLER, OLD, &tcp(0xc2))),
            "with ECN"
        );
        assert!(passes(0x0800, &v4_packet(17, CALLER, OLD, &udp)));
        assert!(passes(0x0800, &v4_packet(1, CALLER, OLD, &[8, 0, 0, 0])));
        assert!(
            passes(0x0800, &v4_packet(17, OLD, CALLER, &udp)),
            "what is sent from there"
        );
        for silent in [
            v4_packet(6, CALLER, OLD, &tcp(0x12)),
            v4_packet(6, CALLER, OLD, &tcp(0x10)),
            v4_packet(6, CALLER, OLD, &tcp(0x04)),
            v4_packet(6, OLD, CALLER, &tcp(0x02)),
            v4_packet(6, CALLER, OWN, &tcp(0x02)),
            v4_packet(17, CALLER, OWN, &udp),
            v4_packet(17, CALLER, [224, 0, 0, 251], &udp),
            v4_packet(17, CALLER, [255; 4], &udp),
            v4_packet(1, CALLER, OLD, &[0, 0, 0, 0]),
            v4_packet(1, CALLER, OLD, &[3, 3, 0, 0]),
            Vec::new(),
        ] {
            assert!(!passes(0x0800, &silent), "{silent:?}");
        }
        let mut piece = v4_packet(17, CALLER, OLD, &udp);
        piece[7] = 9;
        assert!(!passes(0x0800, &piece));
    }

    #[test]
    fn the_same_holds_for_addresses_of_the_newer_family() {
        let (by, at, own) = ("2001:db8::7", "2001:db8::5", "2001:db8::9");
        assert!(passes(0x86dd, &v6_packet(6, by, at, &tcp(0x02))));
        assert!(passes(0x86dd, &v6_packet(17, by, at, &[0; 8])));
        assert!(passes(0x86dd, &v6_packet(58, by, at, &[128, 0, 0, 0])));
        assert!(passes(0x86dd, &v6_packet(17, at, by, &[0; 8])));
        for silent in [
            v6_packet(6, by, at, &tcp(0x12)),
            v6_packet(6, at, by, &tcp(0x02)),
            v6_packet(6, by, own, &tcp(0x02)),
            v6_packet(17, by, "2001:db8::15", &[0; 8]),
            v6_packet(58, by, at, &[135, 0, 0, 0]),
            v6_packet(58, by, "ff02::1", &[128, 0, 0, 0]),
        ] {
            assert!(!passes(0x86dd, &silent), "{silent:?}");
        }
    }

    #[test]
    fn who_asks_for_the_hardware_address_passes_and_who_asks_for_another_does_not() {
        let asks = |target: [u8; 4]| {
            let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 7];
            packet.extend([CALLER.as_slice(), &[0; 6], &target].concat());
            packet
        };
        assert!(passes(0x0806, &asks(OLD)));
        assert!(!passes(0x0806, &asks(OWN)));
        assert!(!passes(0x88cc, &asks(OLD)));
    }

    #[test]
    fn with_all_the_addresses_there_may_be_every_jump_reaches() {
        let all: Vec<IpAddr> = (0..POSTS_MAX)
            .map(|n| format!("2001:db8::{n:x}").parse().unwrap())
            .collect();
        let last = format!("2001:db8::{:x}", POSTS_MAX - 1);
        let packet = v6_packet(6, "2001:db8::77", &last, &tcp(0x02));
        assert!(run(&sieve(&all), 0x86dd, &packet) > 0);
        let packets = [v4_packet(6, CALLER, OLD, &tcp(2)), packet];
        let seeds: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(1_000, &seeds, |bytes| {
            for protocol in [0x0800, 0x86dd, 0x0806] {
                assert!([0, BYTES].contains(&run(&sieve(&all), protocol, bytes)));
            }
        });
    }
}
