//! The classic BPF program of an ear: what the readers here can use comes through, everything else stays in the kernel, pure.
//!
//! Offsets count from the network header. TCP comes through whole: which protocol it is, its first bytes say and not its port, and
//! how many bytes of a connection came before, no such program can know; what comes behind the first 16 KiB is dropped
//! by [`crate::Wire`]. Of datagrams only those of the services that are read.

use groma_source::Instruction;
use groma_source::ipv6::EXTENSIONS;

use crate::stream::KEPT_BYTES;

/// What is kept of a packet: more than is ever read of one direction, and its headers.
const BYTES: u32 = KEPT_BYTES as u32 + 512;
/// Ports of datagrams that are read, at either end.
pub(crate) const DATAGRAM_PORTS: [u16; 12] =
    [53, 67, 68, 88, 123, 137, 161, 162, 514, 546, 547, 5353];

/// Where the kernel hands out the protocol of the frame (`SKF_AD_OFF + SKF_AD_PROTOCOL`).
pub(crate) const PROTOCOL: u32 = (-0x1000_i32).cast_unsigned();
/// Frames that are read whole: ARP; LLDP; and what bears a tag within a tag, which nobody sends by chance.
const WHOLE: [u32; 5] = [0x0806, 0x88cc, 0x8100, 0x88a8, 0x9100];
pub(crate) const IPV4: u32 = 0x0800;
pub(crate) const IPV6: u32 = 0x86dd;
/// A frame that has a length where others have a protocol (`ETH_P_802_2`), and how one of CDP begins.
const WITH_LENGTH: u32 = 4;
const CDP: [u32; 2] = [0xaaaa_0300, 0x000c_2000];
pub(crate) const TCP: u32 = 6;
pub(crate) const UDP: u32 = 17;
pub(crate) const ICMPV6: u32 = 58;
/// What a router says of itself (RFC 4861 §4.2), and who says which hardware address it has, asking (§4.3) or asked (§4.4).
const FROM_NEIGHBOURS: [u32; 3] = [134, 135, 136];

pub(crate) const LOAD_BYTE: u16 = 0x30;
pub(crate) const LOAD_HALF: u16 = 0x28;
pub(crate) const LOAD_WORD: u16 = 0x20;
const LOAD_HALF_BEHIND: u16 = 0x48; // at X + k
pub(crate) const LOAD_BYTE_BEHIND: u16 = 0x50;
pub(crate) const AND: u16 = 0x54;
pub(crate) const HEADER_LENGTH_TO_X: u16 = 0xb1;
const NUMBER_TO_X: u16 = 0x01;
pub(crate) const IF_EQUAL: u16 = 0x15;
pub(crate) const IF_BITS: u16 = 0x45;
pub(crate) const RETURN: u16 = 0x06;
const GO: u16 = 0x05;

/// A place of the program that jumps lead to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Here,
    V4,
    V6,
    V4Udp,
    V6Udp,
    V6Icmp,
    Cdp,
    Udp,
    Take,
    Drop,
    /// One of a program that is made of pieces.
    Piece(u8),
}

pub(crate) enum Line {
    Do(u16, u32),
    /// Jumps if it holds, and goes on if not; or the other way round.
    When(u16, u32, Place),
    Unless(u16, u32, Place),
    At(Place),
}

/// The program.
pub fn filter() -> Vec<Instruction> {
    assemble(&lines())
}

fn lines() -> Vec<Line> {
    use Line::{At, Do, Unless, When};
    let any = |values: &[u32], to: Place| -> Vec<Line> {
        let each = values.iter();
        each.map(|value| When(IF_EQUAL, *value, to)).collect()
    };
    let mut all = vec![Do(LOAD_HALF, PROTOCOL)];
    all.extend([
        When(IF_EQUAL, IPV4, Place::V4),
        When(IF_EQUAL, IPV6, Place::V6),
    ]);
    all.extend(any(&WHOLE, Place::Take));
    all.push(When(IF_EQUAL, WITH_LENGTH, Place::Cdp));
    all.push(Do(RETURN, 0));
    all.extend([At(Place::Cdp), Do(LOAD_WORD, 0)]);
    all.extend([Unless(IF_EQUAL, CDP[0], Place::Drop), Do(LOAD_WORD, 4)]);
    all.extend([When(IF_EQUAL, CDP[1], Place::Take), Do(RETURN, 0)]);
    all.extend([At(Place::V4), Do(LOAD_HALF, 6)]);
    // Only first pieces: everything that is read stands in the first bytes.
    all.extend([When(IF_BITS, 0x1fff, Place::Drop), Do(LOAD_BYTE, 9)]);
    all.push(When(IF_EQUAL, TCP, Place::Take));
    all.extend([When(IF_EQUAL, UDP, Place::V4Udp), Do(RETURN, 0)]);
    all.extend([At(Place::V6), Do(LOAD_BYTE, 6)]);
    all.push(When(IF_EQUAL, TCP, Place::Take));
    all.push(When(IF_EQUAL, UDP, Place::V6Udp));
    all.push(When(IF_EQUAL, ICMPV6, Place::V6Icmp));
    // Headers in between: what stands behind them no such program finds.
    all.extend(any(&EXTENSIONS.map(u32::from), Place::Take));
    all.push(Do(RETURN, 0));
    all.extend([At(Place::V6Icmp), Do(LOAD_BYTE, 40)]);
    all.extend(any(&FROM_NEIGHBOURS, Place::Take));
    all.push(Do(RETURN, 0));
    all.extend([At(Place::V6Udp), Do(NUMBER_TO_X, 40)]);
    all.push(When(GO, 0, Place::Udp));
    all.extend([At(Place::V4Udp), Do(HEADER_LENGTH_TO_X, 0)]);
    all.push(At(Place::Udp));
    for end in [0, 2] {
        all.push(Do(LOAD_HALF_BEHIND, end));
        all.extend(any(&DATAGRAM_PORTS.map(u32::from), Place::Take));
    }
    all.extend([At(Place::Drop), Do(RETURN, 0)]);
    all.extend([At(Place::Take), Do(RETURN, BYTES)]);
    all
}

/// Instructions with their jumps counted out. All of them lead forward, and fewer than 255 instructions far.
pub(crate) fn assemble(lines: &[Line]) -> Vec<Instruction> {
    let stands = |line: &&Line| !matches!(line, Line::At(_));
    let index = |place: Place| {
        let before = lines
            .iter()
            .take_while(|line| !matches!(line, Line::At(here) if *here == place));
        before.filter(stands).count()
    };
    let instruction = |(at, line): (usize, &Line)| {
        let way = |place: Place| match place {
            Place::Here => 0,
            place => u8::try_from(index(place).saturating_sub(at + 1))
                .expect("the program is shorter than a jump reaches"),
        };
        let (code, operand, yes, no) = match *line {
            Line::When(GO, _, to) => (GO, u32::from(way(to)), Place::Here, Place::Here),
            Line::When(code, operand, to) => (code, operand, to, Place::Here),
            Line::Unless(code, operand, to) => (code, operand, Place::Here, to),
            Line::Do(code, operand) => (code, operand, Place::Here, Place::Here),
            Line::At(_) => (RETURN, 0, Place::Here, Place::Here),
        };
        Instruction {
            code,
            jump_true: way(yes),
            jump_false: way(no),
            operand,
        }
    };
    let standing = lines.iter().filter(stands).enumerate();
    standing.map(instruction).collect()
}

/// Runs programs, for the tests of those that are made here.
#[cfg(test)]
pub(crate) mod machine {
    use super::*;

    /// What the program says of a packet: the instructions above, as the kernel runs them.
    pub(crate) fn run(program: &[Instruction], protocol: u16, packet: &[u8]) -> u32 {
        let (mut a, mut x, mut at) = (0_u32, 0_usize, 0_usize);
        for _ in 0..1000 {
            let i = program[at];
            at += 1;
            let k = i.operand as usize;
            let word = |at: usize, bytes: usize| {
                let read = packet.get(at..at + bytes)?;
                Some(read.iter().fold(0, |sum, b| sum << 8 | u32::from(*b)))
            };
            let loaded = match i.code {
                LOAD_HALF if i.operand == PROTOCOL => Some(u32::from(protocol)),
                LOAD_BYTE => word(k, 1),
                LOAD_HALF => word(k, 2),
                LOAD_WORD => word(k, 4),
                LOAD_BYTE_BEHIND => word(x + k, 1),
                LOAD_HALF_BEHIND => word(x + k, 2),
                AND => Some(a & i.operand),
                _ => Some(a),
            };
            let Some(loaded) = loaded else { return 0 };
            a = loaded;
            let holds = match i.code {
                IF_EQUAL => a == i.operand,
                IF_BITS => a & i.operand != 0,
                GO => {
                    at += k;
                    continue;
                }
                HEADER_LENGTH_TO_X => {
                    let Some(first) = packet.get(k) else { return 0 };
                    x = (*first as usize & 15) * 4;
                    continue;
                }
                NUMBER_TO_X => {
                    x = k;
                    continue;
                }
                RETURN => return i.operand,
                _ => continue,
            };
            at += usize::from(if holds { i.jump_true } else { i.jump_false });
        }
        panic!("it does not end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(protocol: u16, packet: &[u8]) -> u32 {
        machine::run(&filter(), protocol, packet)
    }

    fn v4(protocol: u8, fragment: u16, from: u16, to: u16) -> Vec<u8> {
        let mut packet = vec![0x46, 0, 0, 0, 0, 0];
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol]);
        packet.extend([0; 14]);
        packet.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
        packet.extend([0; 16]);
        packet
    }

    fn v6(next: u8, from: u16, to: u16) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, next];
        packet.extend([0; 33]);
        packet.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
        packet.extend([0; 16]);
        packet
    }

    #[test]
    fn what_can_be_read_comes_through_and_nothing_else() {
        for port in DATAGRAM_PORTS {
            for (from, to) in [(port, 40_000), (40_000, port)] {
                assert_eq!(run(0x0800, &v4(17, 0, from, to)), BYTES, "{port}");
                assert_eq!(run(0x86dd, &v6(17, from, to)), BYTES, "{port}");
            }
        }
        assert_eq!(run(0x0800, &v4(6, 0, 5, 6)), BYTES);
        assert_eq!(run(0x0800, &v4(6, 0x4000, 5, 6)), BYTES, "may not be cut");
        assert_eq!(run(0x86dd, &v6(6, 5, 6)), BYTES);
        for header in [0, 43, 44, 51, 60] {
            assert_eq!(run(0x86dd, &v6(header, 5, 6)), BYTES, "{header}");
        }
        assert_eq!(run(0x86dd, &v6(58, 135 << 8, 0)), BYTES);
        assert_eq!(run(0x86dd, &v6(58, 134 << 8, 0)), BYTES);
        assert_eq!(run(0x0806, &[0; 28]), BYTES);
        assert_eq!(run(0x88cc, &[2]), BYTES);
        let cdp = [0xaa, 0xaa, 3, 0, 0, 12, 0x20, 0, 2];
        assert_eq!(run(4, &cdp), BYTES);
        for (protocol, silent) in [
            (0x0800, v4(17, 0, 40_000, 443)),
            (0x0800, v4(17, 7, 40_000, 53)),
            (0x0800, v4(6, 9, 5, 6)),
            (0x0800, v4(1, 0, 53, 53)),
            (0x86dd, v6(17, 40_000, 443)),
            (0x86dd, v6(58, 128 << 8, 0)),
            (4, vec![0x42, 0x42, 3, 0, 0, 0, 0, 0]),
            (4, vec![0xaa, 0xaa, 3, 0, 0, 12, 1, 4]),
            (0x88e1, vec![0; 40]),
            (0x0800, Vec::new()),
        ] {
            assert_eq!(run(protocol, &silent), 0, "{protocol:#x} {silent:?}");
        }
    }

    #[test]
    fn no_packet_makes_it_go_astray() {
        let seeds = [v4(17, 0, 1, 53), v6(17, 53, 1), v4(6, 0, 1, 1)];
        let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(2_000, &seeds, |bytes| {
            for protocol in [0x0800, 0x86dd, 4] {
                assert!([0, BYTES].contains(&run(protocol, bytes)));
            }
        });
    }
}
