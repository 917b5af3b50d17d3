//! The frames we send and those we understand: Ethernet, ARP (RFC 826), IPv4, ICMP (RFC 792) and TCP (RFC 9293).
//!
//! By hand, because a frame of each kind has a fixed length and stands at fixed places; what other implementations read in
//! them is tested with the kernel's. Nothing here is ever malformed on purpose.

use std::net::Ipv4Addr;

use groma_source::Instruction;
use groma_source::frames::{FRAME_BYTES, Frame, WayOut};

const BROADCAST: [u8; 6] = [0xff; 6];
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const ETHERNET_HEAD: usize = 14;
const IP_HEAD: usize = 20;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
/// What a SYN announces: the segment size of Ethernet.
const LARGEST_SEGMENT: [u8; 4] = [2, 4, 5, 0xb4];
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const ECHO_BYTES: usize = 16;

/// Where frames to one host go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// MAC address of the next hop.
    pub to_mac: [u8; 6],
    /// Ours.
    pub from_mac: [u8; 6],
    /// Our address.
    pub from: Ipv4Addr,
    /// The host's.
    pub to: Ipv4Addr,
}

/// What came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrived {
    /// A machine says its hardware address.
    Link {
        /// Its address.
        address: Ipv4Addr,
        /// Its MAC address.
        mac: [u8; 6],
    },
    /// An answer to a SYN.
    Segment {
        /// Who.
        from: Ipv4Addr,
        /// Its port.
        port: u16,
        /// Ours.
        own_port: u16,
        /// What it acknowledges.
        acknowledges: u32,
        /// True if it accepts, false if it refuses.
        accepts: bool,
    },
    /// An answer to an echo request.
    Echo {
        /// Who.
        from: Ipv4Addr,
        /// What the request was marked with.
        mark: u16,
        /// Its number.
        number: u16,
    },
    /// A router or the host itself reports that a packet of ours got nowhere.
    Error {
        /// Who reports.
        by: Ipv4Addr,
        /// Type and code (RFC 792).
        kind: (u8, u8),
        /// To whom the packet was sent.
        about: Ipv4Addr,
        /// Ports of it, ours first, and the sequence number of a SYN.
        asked: Option<(u16, u16, u32)>,
    },
}

/// Asks who has `to`, at everybody on the link.
pub fn ask_link(way: &WayOut, from_mac: [u8; 6], to: Ipv4Addr) -> Frame {
    let mut bytes = [0; FRAME_BYTES];
    let mut at = Writer::new(&mut bytes);
    at.put(&BROADCAST).put(&from_mac).put(&ARP.to_be_bytes());
    // Ethernet, IPv4, their lengths, a request.
    at.put(&[0, 1, 8, 0, 6, 4, 0, 1]);
    at.put(&from_mac).put(&way.own.octets());
    at.put(&[0; 6]).put(&to.octets());
    let length = at.length;
    Frame::new(bytes, length)
}

/// A call.
pub fn syn(course: &Course, own_port: u16, port: u16, sequence: u32) -> Frame {
    segment(course, own_port, port, sequence, SYN)
}

/// Takes back a call that was accepted.
pub fn reset(course: &Course, own_port: u16, port: u16, sequence: u32) -> Frame {
    segment(course, own_port, port, sequence, RST)
}

fn segment(course: &Course, own_port: u16, port: u16, sequence: u32, flags: u8) -> Frame {
    let options: &[u8] = if flags == SYN { &LARGEST_SEGMENT } else { &[] };
    let words = u8::try_from(5 + options.len() / 4).unwrap_or(5);
    let size = 20 + options.len();
    let mut bytes = [0; FRAME_BYTES];
    let mut at = Writer::new(&mut bytes);
    head(&mut at, course, TCP, size);
    at.put(&own_port.to_be_bytes()).put(&port.to_be_bytes());
    at.put(&sequence.to_be_bytes()).put(&[0; 4]);
    let room: u16 = if flags == SYN { 64_240 } else { 0 };
    at.put(&[words << 4, flags]).put(&room.to_be_bytes());
    at.put(&[0; 4]).put(options);
    let length = at.length;
    let begin = ETHERNET_HEAD + IP_HEAD;
    let sum = pseudo(course, TCP, size) + ones(bytes.get(begin..length).unwrap_or_default());
    set(&mut bytes, begin + 16, folded(sum));
    Frame::new(bytes, length)
}

/// An echo request.
pub fn echo(course: &Course, mark: u16, number: u16) -> Frame {
    let mut bytes = [0; FRAME_BYTES];
    let mut at = Writer::new(&mut bytes);
    head(&mut at, course, ICMP, 8 + ECHO_BYTES);
    at.put(&[8, 0, 0, 0])
        .put(&mark.to_be_bytes())
        .put(&number.to_be_bytes());
    at.put(&[0x67; ECHO_BYTES]);
    let length = at.length;
    let begin = ETHERNET_HEAD + IP_HEAD;
    let sum = ones(bytes.get(begin..length).unwrap_or_default());
    set(&mut bytes, begin + 2, folded(sum));
    Frame::new(bytes, length)
}

/// Ethernet and IPv4, do not fragment, 64 hops.
fn head(at: &mut Writer<'_>, course: &Course, protocol: u8, size: usize) {
    let whole = u16::try_from(IP_HEAD + size).unwrap_or(u16::MAX);
    at.put(&course.to_mac)
        .put(&course.from_mac)
        .put(&IPV4.to_be_bytes());
    at.put(&[0x45, 0]).put(&whole.to_be_bytes());
    at.put(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
    at.put(&course.from.octets()).put(&course.to.octets());
    let sum = ones(at.bytes.get(ETHERNET_HEAD..at.length).unwrap_or_default());
    set(at.bytes, ETHERNET_HEAD + 10, folded(sum));
}

fn pseudo(course: &Course, protocol: u8, size: usize) -> u32 {
    let size = u32::try_from(size).unwrap_or(0);
    ones(&course.from.octets()) + ones(&course.to.octets()) + u32::from(protocol) + size
}

/// The sum of 16-bit words (RFC 1071), not folded.
fn ones(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    words.sum()
}

fn folded(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

fn set(bytes: &mut [u8; FRAME_BYTES], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

struct Writer<'a> {
    bytes: &'a mut [u8; FRAME_BYTES],
    length: usize,
}

impl<'a> Writer<'a> {
    fn new(bytes: &'a mut [u8; FRAME_BYTES]) -> Self {
        Self { bytes, length: 0 }
    }

    fn put(&mut self, more: &[u8]) -> &mut Self {
        let end = self.length + more.len();
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            place.copy_from_slice(more);
            self.length = end;
        }
        self
    }
}

/// Reads a frame; `None` for what answers nothing of ours.
pub fn read(bytes: &[u8]) -> Option<Arrived> {
    match number(bytes, 12)? {
        ARP => read_link(bytes),
        IPV4 => read_packet(bytes.get(ETHERNET_HEAD..)?),
        _ => None,
    }
}

fn read_link(bytes: &[u8]) -> Option<Arrived> {
    // Ethernet, IPv4, a reply.
    (bytes.get(14..22)? == [0, 1, 8, 0, 6, 4, 0, 2]).then_some(())?;
    Some(Arrived::Link {
        mac: bytes.get(22..28)?.try_into().ok()?,
        address: address(bytes, 28)?,
    })
}

fn read_packet(packet: &[u8]) -> Option<Arrived> {
    let (protocol, from, inner) = opened(packet)?;
    match protocol {
        TCP => {
            let flags = *inner.get(13)?;
            let accepts = flags & (SYN | ACK | RST) == SYN | ACK;
            let refuses = flags & (RST | ACK) == RST | ACK;
            (accepts || refuses).then_some(())?;
            Some(Arrived::Segment {
                from,
                port: number(inner, 0)?,
                own_port: number(inner, 2)?,
                acknowledges: long(inner, 8)?,
                accepts,
            })
        }
        ICMP => match (*inner.first()?, *inner.get(1)?) {
            (0, 0) => Some(Arrived::Echo {
                from,
                mark: number(inner, 4)?,
                number: number(inner, 6)?,
            }),
            // Unreachable, and too many hops.
            kind @ (3 | 11, _) => {
                let (asked, about) = quoted(inner.get(8..)?)?;
                Some(Arrived::Error {
                    by: from,
                    kind,
                    about,
                    asked,
                })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Protocol, sender and content of a packet that is no later fragment.
fn opened(packet: &[u8]) -> Option<(u8, Ipv4Addr, &[u8])> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    let whole = first >> 4 == 4 && length >= IP_HEAD && number(packet, 6)? & 0x1fff == 0;
    whole.then_some(())?;
    Some((*packet.get(9)?, address(packet, 12)?, packet.get(length..)?))
}

type Asked = (u16, u16, u32);

/// Of the packet an error quotes: ports and sequence number if it was TCP or UDP, and to whom it went.
fn quoted(packet: &[u8]) -> Option<(Option<Asked>, Ipv4Addr)> {
    let (protocol, _, inner) = opened(packet)?;
    let about = address(packet, 16)?;
    let asked = match protocol {
        TCP => Some((number(inner, 0)?, number(inner, 2)?, long(inner, 4)?)),
        UDP => Some((number(inner, 0)?, number(inner, 2)?, 0)),
        _ => None,
    };
    Some((asked, about))
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    long(bytes, at).map(Ipv4Addr::from_bits)
}

/// What the kernel lets through: answers to our ports, ICMP, and what machines say of their hardware address.
pub fn filter(ports: &[u16]) -> Vec<Instruction> {
    let load = |code, operand| step(code, 0, 0, operand);
    let is = |operand, yes, no| step(0x15, yes, no, operand);
    let count = u8::try_from(ports.len()).unwrap_or(u8::MAX);
    // The last two instructions: no, and yes.
    let mut program = vec![
        load(0x28, 12),                    // EtherType
        is(u32::from(ARP), 0, 2),          // 1
        load(0x28, 20),                    // 2: what ARP says
        is(2, 9 + count, 8 + count),       // 3: a reply
        is(u32::from(IPV4), 0, 7 + count), // 4
        load(0x30, 23),                    // 5: protocol
        is(u32::from(ICMP), 6 + count, 0), // 6
        is(u32::from(TCP), 0, 4 + count),  // 7
        load(0x28, 20),                    // 8: fragment
        step(0x45, 2 + count, 0, 0x1fff),  // 9
        step(0xb1, 0, 0, 14),              // 10: length of the IPv4 header
        step(0x48, 0, 0, 16),              // 11: destination port
    ];
    for (nth, port) in ports.iter().enumerate() {
        let left = count - u8::try_from(nth).unwrap_or(0);
        program.push(is(u32::from(*port), left, 0));
    }
    program.push(step(0x06, 0, 0, 0));
    program.push(step(0x06, 0, 0, 128));
    program
}

fn step(code: u16, jump_true: u8, jump_false: u8, operand: u32) -> Instruction {
    Instruction {
        code,
        jump_true,
        jump_false,
        operand,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COURSE: Course = Course {
        to_mac: [2, 0, 0, 0, 0, 2],
        from_mac: [2, 0, 0, 0, 0, 1],
        from: Ipv4Addr::new(10, 0, 0, 1),
        to: Ipv4Addr::new(10, 0, 0, 5),
    };

    /// The filter as the kernel runs it.
    fn passes(program: &[Instruction], frame: &[u8]) -> bool {
        let (mut a, mut x, mut at) = (0_u32, 0_usize, 0_usize);
        loop {
            let i = program[at];
            at += 1;
            let k = usize::try_from(i.operand).unwrap();
            match i.code {
                0x28 => a = number(frame, k).map_or(0, u32::from),
                0x30 => a = u32::from(frame[k]),
                0x48 => a = number(frame, x + k).map_or(0, u32::from),
                0xb1 => x = usize::from(frame[k] & 0x0f) * 4,
                0x15 => {
                    at += usize::from(if a == i.operand {
                        i.jump_true
                    } else {
                        i.jump_false
                    })
                }
                0x45 => {
                    at += usize::from(if a & i.operand != 0 {
                        i.jump_true
                    } else {
                        i.jump_false
                    })
                }
                0x06 => return i.operand > 0,
                code => panic!("{code:x}"),
            }
        }
    }

    /// What a host would send back for a frame of ours.
    fn answer(frame: &Frame, flags: u8) -> Vec<u8> {
        let mut back = frame.bytes().to_vec();
        let (from, to) = (back[26..30].to_vec(), back[30..34].to_vec());
        back[26..30].copy_from_slice(&to);
        back[30..34].copy_from_slice(&from);
        let (own, port) = (back[34..36].to_vec(), back[36..38].to_vec());
        back[34..36].copy_from_slice(&port);
        back[36..38].copy_from_slice(&own);
        let sequence = long(&back, 38).unwrap().wrapping_add(1);
        back[42..46].copy_from_slice(&sequence.to_be_bytes());
        back[47] = flags;
        back
    }

    #[test]
    fn sums_are_right_and_lengths_fit() {
        for frame in [
            syn(&COURSE, 40_000, 443, 0xdead_beef),
            reset(&COURSE, 40_000, 443, 7),
            echo(&COURSE, 9, 1),
        ] {
            let bytes = frame.bytes();
            assert_eq!(folded(ones(&bytes[14..34])), 0);
            assert_eq!(usize::from(number(bytes, 16).unwrap()), bytes.len() - 14);
            let inner = &bytes[34..];
            let pseudo = if bytes[23] == TCP {
                pseudo(&COURSE, TCP, inner.len())
            } else {
                0
            };
            assert_eq!(folded(pseudo + ones(inner)), 0);
        }
    }

    #[test]
    fn answers_are_understood_and_let_through() {
        let program = filter(&[40_000, 40_001]);
        let asked = syn(&COURSE, 40_001, 443, 0x0102_0304);
        for (flags, accepts) in [(SYN | ACK, true), (RST | ACK, false)] {
            let back = answer(&asked, flags);
            assert!(passes(&program, &back));
            let wanted = Arrived::Segment {
                from: COURSE.to,
                port: 443,
                own_port: 40_001,
                acknowledges: 0x0102_0305,
                accepts,
            };
            assert_eq!(read(&back), Some(wanted));
        }
        let other = answer(&syn(&COURSE, 40_002, 443, 1), SYN | ACK);
        assert!(!passes(&program, &other));
        assert_eq!(read(&answer(&asked, ACK)), None);
    }

    #[test]
    fn an_error_tells_which_question_it_is_about() {
        let program = filter(&[40_000]);
        let asked = syn(&COURSE, 40_000, 25, 0x0a0b_0c0d);
        let mut error = answer(&asked, 0)[..34].to_vec();
        error[23] = ICMP;
        error.extend([3, 13, 0, 0, 0, 0, 0, 0]);
        error.extend(&asked.bytes()[14..42]);
        assert!(passes(&program, &error));
        let wanted = Arrived::Error {
            by: COURSE.to,
            kind: (3, 13),
            about: COURSE.to,
            asked: Some((40_000, 25, 0x0a0b_0c0d)),
        };
        assert_eq!(read(&error), Some(wanted));
    }

    #[test]
    fn a_machine_says_its_hardware_address() {
        let way = WayOut {
            interface: 1,
            name: "eth0".into(),
            mac: Some(COURSE.from_mac),
            own: COURSE.from,
            router: None,
        };
        let asked = ask_link(&way, COURSE.from_mac, COURSE.to);
        assert_eq!(asked.bytes().len(), 42);
        assert!(!passes(&filter(&[1]), asked.bytes()));
        let mut said = asked.bytes().to_vec();
        said[21] = 2;
        said[22..28].copy_from_slice(&COURSE.to_mac);
        said[28..32].copy_from_slice(&COURSE.to.octets());
        assert!(passes(&filter(&[1]), &said));
        let wanted = Arrived::Link {
            address: COURSE.to,
            mac: COURSE.to_mac,
        };
        assert_eq!(read(&said), Some(wanted));
    }

    #[test]
    fn mutated_frames_are_read_without_harm() {
        let asked = syn(&COURSE, 40_000, 25, 1);
        let mut error = answer(&asked, 0)[..34].to_vec();
        error[23] = ICMP;
        error.extend([3, 13, 0, 0, 0, 0, 0, 0]);
        error.extend(&asked.bytes()[14..42]);
        for seed in [
            answer(&asked, SYN | ACK),
            error,
            echo(&COURSE, 1, 2).bytes().to_vec(),
        ] {
            groma_fuzz::hammer(10_000, &[&seed], |bytes| {
                let _ = read(bytes);
            });
        }
    }
}
