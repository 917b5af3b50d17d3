//! The frames we send and those we understand: Ethernet, ARP (RFC 826), IPv4 and ICMP (RFC 792), IPv6 (RFC 8200), ICMPv6
//! (RFC 4443) and its questions for neighbours (RFC 4861), TCP (RFC 9293).
//!
//! By hand, because a frame of each kind has a fixed length and stands at fixed places; what other implementations read in
//! them is tested with the kernel's. Nothing here is ever malformed on purpose.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_source::Instruction;
use groma_source::frames::{FRAME_BYTES, Frame};
use groma_source::ipv6;

const BROADCAST: [u8; 6] = [0xff; 6];
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const ETHERNET_HEAD: usize = 14;
const IP_HEAD: usize = 20;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Kinds of ICMPv6: unreachable, too many hops, an echo and its answer, a question for a neighbour and its answer.
const UNREACHABLE: u8 = 1;
const HOPS: u8 = 3;
const ECHO6: u8 = 128;
const ECHOED6: u8 = 129;
const SOLICIT: u8 = 135;
const ADVERTISE: u8 = 136;
/// What only comes from the own link has passed no router (RFC 4861 §7.1).
const NO_ROUTER: u8 = 255;
const HOPS_USUAL: u8 = 64;
/// All machines of a link (RFC 4291 §2.7.1).
const EVERYBODY: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Codes of "unreachable" by which a filter says that it forbids (RFC 1812 §5.2.7.1), and the host that a port is closed.
const BY_RULE: [u8; 5] = [3, 9, 10, 13, 2];
/// The same of ICMPv6 (RFC 4443 §3.1): forbidden, closed, against a policy, a route that rejects.
const BY_RULE6: [u8; 4] = [1, 4, 5, 6];
/// What a SYN announces: the segment size of Ethernet.
const LARGEST_SEGMENT: [u8; 4] = [2, 4, 5, 0xb4];
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const ECHO_BYTES: usize = 16;

/// Our address and the host's, of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ends {
    Four(Ipv4Addr, Ipv4Addr),
    Six(Ipv6Addr, Ipv6Addr),
}

/// Where frames to one host go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// MAC address of the next hop.
    to_mac: [u8; 6],
    /// Ours.
    from_mac: [u8; 6],
    ends: Ends,
}

impl Course {
    /// From us to a host: the MAC address of each hop, and the addresses; `None` if those are of two families.
    pub fn new(from: ([u8; 6], IpAddr), to: ([u8; 6], IpAddr)) -> Option<Self> {
        let ends = match (from.1, to.1) {
            (IpAddr::V4(from), IpAddr::V4(to)) => Ends::Four(from, to),
            (IpAddr::V6(from), IpAddr::V6(to)) => Ends::Six(from, to),
            _ => return None,
        };
        Some(Self {
            to_mac: to.0,
            from_mac: from.0,
            ends,
        })
    }
}

/// What came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrived {
    /// A machine says its hardware address.
    Link {
        /// Its address.
        address: IpAddr,
        /// Its MAC address.
        mac: [u8; 6],
    },
    /// An answer to a SYN.
    Segment {
        /// Who.
        from: IpAddr,
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
        from: IpAddr,
        /// What the request was marked with.
        mark: u16,
        /// Its number.
        number: u16,
    },
    /// A router or the host itself reports that a packet of ours got nowhere.
    Error {
        /// True if a filter forbids it, or a host says that a port is closed; false if there is no way.
        by_rule: bool,
        /// To whom the packet was sent.
        about: IpAddr,
        /// Ports of it, ours first, and the sequence number of a SYN.
        asked: Option<(u16, u16, u32)>,
    },
}

/// Asks who has `to`: at everybody on the link in IPv4, at those whose addresses end alike in IPv6. `None` for two families.
pub fn ask_link(own: IpAddr, from_mac: [u8; 6], to: IpAddr) -> Option<Frame> {
    match (own, to) {
        (IpAddr::V4(own), IpAddr::V4(to)) => Some(who_has(own, from_mac, to)),
        (IpAddr::V6(own), IpAddr::V6(to)) => Some(solicit(own, from_mac, to)),
        _ => None,
    }
}

fn who_has(own: Ipv4Addr, from_mac: [u8; 6], to: Ipv4Addr) -> Frame {
    let mut bytes = [0; FRAME_BYTES];
    let mut at = Writer::new(&mut bytes);
    at.put(&BROADCAST).put(&from_mac).put(&ARP.to_be_bytes());
    // Ethernet, IPv4, their lengths, a request.
    at.put(&[0, 1, 8, 0, 6, 4, 0, 1]);
    at.put(&from_mac).put(&own.octets());
    at.put(&[0; 6]).put(&to.octets());
    let length = at.length;
    Frame::new(bytes, length)
}

/// A question for a neighbour (RFC 4861 §4.3), to the group its address ends in.
fn solicit(own: Ipv6Addr, from_mac: [u8; 6], to: Ipv6Addr) -> Frame {
    let [.., a, b, c] = to.octets();
    let low = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, low(0xff, a), low(b, c));
    let course = Course {
        to_mac: group_mac(group),
        from_mac,
        ends: Ends::Six(own, group),
    };
    // Whom we ask for, and the MAC address of who asks (its own option, 8 bytes).
    let [head, whom] = [[0; 4].as_slice(), &to.octets()];
    let body = [head, whom, &[1, 1], &from_mac].concat();
    message(&course, NO_ROUTER, (SOLICIT, 0), &body)
}

/// MAC address of a group (RFC 2464 §7).
fn group_mac(group: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// An echo request to all machines of the link, which routers keep there.
pub fn echo_everybody(own: Ipv6Addr, from_mac: [u8; 6], mark: u16, number: u16) -> Frame {
    let course = Course {
        to_mac: group_mac(EVERYBODY),
        from_mac,
        ends: Ends::Six(own, EVERYBODY),
    };
    message(&course, NO_ROUTER, (ECHO6, 0), &echo_body(mark, number))
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
    head(&mut at, course, TCP, HOPS_USUAL, size);
    let begin = at.length;
    at.put(&own_port.to_be_bytes()).put(&port.to_be_bytes());
    at.put(&sequence.to_be_bytes()).put(&[0; 4]);
    let room: u16 = if flags == SYN { 64_240 } else { 0 };
    at.put(&[words << 4, flags]).put(&room.to_be_bytes());
    at.put(&[0; 4]).put(options);
    let length = at.length;
    let sum = pseudo(course, TCP, size) + ones(bytes.get(begin..length).unwrap_or_default());
    set(&mut bytes, begin + 16, folded(sum));
    Frame::new(bytes, length)
}

/// An echo request.
pub fn echo(course: &Course, mark: u16, number: u16) -> Frame {
    let kind = match course.ends {
        Ends::Four(..) => (8, 0),
        Ends::Six(..) => (ECHO6, 0),
    };
    message(course, HOPS_USUAL, kind, &echo_body(mark, number))
}

fn echo_body(mark: u16, number: u16) -> [u8; 4 + ECHO_BYTES] {
    let mut body = [0x67; 4 + ECHO_BYTES];
    let [a, b] = mark.to_be_bytes();
    let [c, d] = number.to_be_bytes();
    for (place, byte) in body.iter_mut().zip([a, b, c, d]) {
        *place = byte;
    }
    body
}

/// A message of ICMP or ICMPv6: kind and code, a sum, and what follows.
fn message(course: &Course, hops: u8, (kind, code): (u8, u8), body: &[u8]) -> Frame {
    let (protocol, size) = match course.ends {
        Ends::Four(..) => (ICMP, 4 + body.len()),
        Ends::Six(..) => (ICMPV6, 4 + body.len()),
    };
    let mut bytes = [0; FRAME_BYTES];
    let mut at = Writer::new(&mut bytes);
    head(&mut at, course, protocol, hops, size);
    let begin = at.length;
    at.put(&[kind, code, 0, 0]).put(body);
    let length = at.length;
    // Only that of IPv6 counts the addresses in (RFC 4443 §2.3).
    let of_addresses = match course.ends {
        Ends::Four(..) => 0,
        Ends::Six(..) => pseudo(course, protocol, size),
    };
    let sum = of_addresses + ones(bytes.get(begin..length).unwrap_or_default());
    set(&mut bytes, begin + 2, folded(sum));
    Frame::new(bytes, length)
}

/// Ethernet, and IPv4 (do not fragment) or IPv6.
fn head(at: &mut Writer<'_>, course: &Course, protocol: u8, hops: u8, size: usize) {
    at.put(&course.to_mac).put(&course.from_mac);
    match course.ends {
        Ends::Four(from, to) => {
            let whole = u16::try_from(IP_HEAD + size).unwrap_or(u16::MAX);
            at.put(&IPV4.to_be_bytes());
            at.put(&[0x45, 0]).put(&whole.to_be_bytes());
            at.put(&[0, 0, 0x40, 0, hops, protocol, 0, 0]);
            at.put(&from.octets()).put(&to.octets());
            let sum = ones(at.bytes.get(ETHERNET_HEAD..at.length).unwrap_or_default());
            set(at.bytes, ETHERNET_HEAD + 10, folded(sum));
        }
        Ends::Six(from, to) => {
            let size = u16::try_from(size).unwrap_or(u16::MAX);
            at.put(&IPV6.to_be_bytes()).put(&[0x60, 0, 0, 0]);
            at.put(&size.to_be_bytes()).put(&[protocol, hops]);
            at.put(&from.octets()).put(&to.octets());
        }
    }
}

fn pseudo(course: &Course, protocol: u8, size: usize) -> u32 {
    let addresses = match course.ends {
        Ends::Four(from, to) => ones(&from.octets()) + ones(&to.octets()),
        Ends::Six(from, to) => ones(&from.octets()) + ones(&to.octets()),
    };
    addresses + u32::from(protocol) + u32::try_from(size).unwrap_or(0)
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
        IPV4 => read_four(bytes.get(ETHERNET_HEAD..)?),
        IPV6 => read_six(bytes.get(ETHERNET_HEAD..)?),
        _ => None,
    }
}

fn read_link(bytes: &[u8]) -> Option<Arrived> {
    // Ethernet, IPv4, a reply.
    (bytes.get(14..22)? == [0, 1, 8, 0, 6, 4, 0, 2]).then_some(())?;
    Some(Arrived::Link {
        mac: bytes.get(22..28)?.try_into().ok()?,
        address: four(bytes, 28)?,
    })
}

fn read_four(packet: &[u8]) -> Option<Arrived> {
    let Opened {
        protocol,
        from,
        inner,
        ..
    } = opened_four(packet)?;
    match protocol {
        TCP => read_segment(from, inner),
        ICMP => match (*inner.first()?, *inner.get(1)?) {
            (0, 0) => read_echo(from, inner),
            // Unreachable, and too many hops.
            (kind @ (3 | 11), code) => {
                let by_rule = kind == 3 && BY_RULE.contains(&code);
                quoted(opened_four(inner.get(8..)?)?, by_rule)
            }
            _ => None,
        },
        _ => None,
    }
}

fn read_six(packet: &[u8]) -> Option<Arrived> {
    let Opened {
        protocol,
        from,
        inner,
        is_fragment,
        ..
    } = opened_six(packet)?;
    match protocol {
        TCP => read_segment(from, inner),
        ICMPV6 => match (*inner.first()?, *inner.get(1)?) {
            (ECHOED6, 0) => read_echo(from, inner),
            (ADVERTISE, 0) if !is_fragment => {
                // Whose address it is, and the MAC address of whom (option 2, 8 bytes).
                let own = *packet.get(7)? == NO_ROUTER && inner.get(24..26)? == [2, 1];
                own.then_some(())?;
                Some(Arrived::Link {
                    address: six(inner, 8)?,
                    mac: inner.get(26..32)?.try_into().ok()?,
                })
            }
            (kind @ (UNREACHABLE | HOPS), code) => {
                let by_rule = kind == UNREACHABLE && BY_RULE6.contains(&code);
                quoted(opened_six(inner.get(8..)?)?, by_rule)
            }
            _ => None,
        },
        _ => None,
    }
}

fn read_segment(from: IpAddr, inner: &[u8]) -> Option<Arrived> {
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

fn read_echo(from: IpAddr, inner: &[u8]) -> Option<Arrived> {
    Some(Arrived::Echo {
        from,
        mark: number(inner, 4)?,
        number: number(inner, 6)?,
    })
}

/// A packet, taken apart.
struct Opened<'a> {
    protocol: u8,
    from: IpAddr,
    to: IpAddr,
    inner: &'a [u8],
    /// True behind a fragment header: no neighbour speaks so (RFC 6980).
    is_fragment: bool,
}

/// A packet of IPv4 that is no later fragment.
fn opened_four(packet: &[u8]) -> Option<Opened<'_>> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    let whole = first >> 4 == 4 && length >= IP_HEAD && number(packet, 6)? & 0x1fff == 0;
    whole.then_some(())?;
    Some(Opened {
        protocol: *packet.get(9)?,
        from: four(packet, 12)?,
        to: four(packet, 16)?,
        inner: packet.get(length..)?,
        is_fragment: false,
    })
}

/// A packet of IPv6 that is no later fragment, and what stands behind its extension headers: what lies between may add some.
fn opened_six(packet: &[u8]) -> Option<Opened<'_>> {
    (packet.first()? >> 4 == 6).then_some(())?;
    let behind = ipv6::behind_extensions(packet)?;
    Some(Opened {
        protocol: behind.protocol,
        from: six(packet, 8)?,
        to: six(packet, 24)?,
        inner: packet.get(behind.at..)?,
        is_fragment: behind.is_fragment,
    })
}

/// An error about a packet it quotes: ports and sequence number if that was TCP or UDP, and to whom it went.
fn quoted(packet: Opened<'_>, by_rule: bool) -> Option<Arrived> {
    let inner = packet.inner;
    let asked = match packet.protocol {
        TCP => Some((number(inner, 0)?, number(inner, 2)?, long(inner, 4)?)),
        UDP => Some((number(inner, 0)?, number(inner, 2)?, 0)),
        _ => None,
    };
    Some(Arrived::Error {
        by_rule,
        about: packet.to,
        asked,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn four(bytes: &[u8], at: usize) -> Option<IpAddr> {
    Some(IpAddr::V4(Ipv4Addr::from_bits(long(bytes, at)?)))
}

fn six(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(octets)))
}

/// What the kernel lets through: answers to our ports, of both families, ICMP, and what machines say of their hardware address. What stands
/// behind extension headers of IPv6 no such program finds: it comes through, and only what a question of ours is known by is believed.
pub fn filter(ports: &[u16]) -> Vec<Instruction> {
    let ports = ports.get(..64).unwrap_or(ports);
    let load = |code, operand| step(code, 0, 0, operand);
    let is = |operand, yes, no| step(0x15, yes, no, operand);
    let n = u8::try_from(ports.len()).unwrap_or(u8::MAX);
    // Instructions after the ports of IPv4, and after those of IPv6.
    let (no, yes) = (28 + 2 * n, 29 + 2 * n);
    let six = 13 + n;
    let after = |at: u8, to: u8| to - at - 1;
    let mut program = vec![
        load(0x28, 12),                        // EtherType
        is(u32::from(ARP), 0, after(1, 4)),    // 1
        load(0x28, 20),                        // 2: what ARP says
        is(2, after(3, yes), after(3, no)),    // 3: a reply
        is(u32::from(IPV4), 0, after(4, six)), // 4
        load(0x30, 23),                        // 5: protocol
        is(u32::from(ICMP), after(6, yes), 0), // 6
        is(u32::from(TCP), 0, after(7, no)),   // 7
        load(0x28, 20),                        // 8: fragment
        step(0x45, after(9, no), 0, 0x1fff),   // 9
        step(0xb1, 0, 0, 14),                  // 10: length of the IPv4 header
        step(0x48, 0, 0, 16),                  // 11: destination port
    ];
    let of_ports = |program: &mut Vec<Instruction>, from: u8| {
        for (at, port) in (from..).zip(ports) {
            program.push(is(u32::from(*port), after(at, yes), 0));
        }
    };
    of_ports(&mut program, 12);
    program.push(step(0x06, 0, 0, 0));
    program.extend([
        is(u32::from(IPV6), 0, after(six, no)),
        load(0x30, 20), // the next header
        is(u32::from(ICMPV6), 0, after(six + 2, six + 8)),
        load(0x30, 54), // its kind
    ]);
    for (at, kind) in (six + 4..).zip([UNREACHABLE, HOPS, ECHOED6, ADVERTISE]) {
        let last = if kind == ADVERTISE { after(at, no) } else { 0 };
        program.push(is(u32::from(kind), after(at, yes), last));
    }
    program.push(is(u32::from(TCP), after(six + 8, six + 14), 0));
    for (at, header) in (six + 9..).zip(ipv6::EXTENSIONS) {
        let last = if at == six + 13 { after(at, no) } else { 0 };
        program.push(is(u32::from(header), after(at, yes), last));
    }
    program.push(load(0x28, 56)); // destination port
    of_ports(&mut program, six + 15);
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

    const TO: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 5);
    const TO6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xa, 0xb0c);
    const FROM6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const COURSE: Course = Course {
        to_mac: [2, 0, 0, 0, 0, 2],
        from_mac: [2, 0, 0, 0, 0, 1],
        ends: Ends::Four(Ipv4Addr::new(10, 0, 0, 1), TO),
    };
    const COURSE6: Course = Course {
        ends: Ends::Six(FROM6, TO6),
        ..COURSE
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
        let six = back[12..14] == IPV6.to_be_bytes();
        let (at, size) = if six { (22, 16) } else { (26, 4) };
        let tcp = at + 2 * size;
        back[at..tcp].rotate_left(size);
        back[tcp..tcp + 4].rotate_left(2);
        let sequence = long(&back, tcp + 4).unwrap().wrapping_add(1);
        back[tcp + 8..tcp + 12].copy_from_slice(&sequence.to_be_bytes());
        back[tcp + 13] = flags;
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
        for frame in [
            syn(&COURSE6, 40_000, 443, 0xdead_beef),
            reset(&COURSE6, 40_000, 443, 7),
            echo(&COURSE6, 9, 1),
            ask_link(FROM6.into(), COURSE.from_mac, TO6.into()).unwrap(),
            echo_everybody(FROM6, COURSE.from_mac, 9, 1),
        ] {
            let bytes = frame.bytes();
            let inner = &bytes[54..];
            assert_eq!(usize::from(number(bytes, 18).unwrap()), inner.len());
            let size = u32::try_from(inner.len()).unwrap();
            let sum = ones(&bytes[22..54]) + u32::from(bytes[20]) + size + ones(inner);
            assert_eq!(folded(sum), 0);
        }
    }

    #[test]
    fn answers_are_understood_and_let_through() {
        let program = filter(&[40_000, 40_001]);
        for (course, from) in [(COURSE, IpAddr::V4(TO)), (COURSE6, IpAddr::V6(TO6))] {
            let asked = syn(&course, 40_001, 443, 0x0102_0304);
            for (flags, accepts) in [(SYN | ACK, true), (RST | ACK, false)] {
                let back = answer(&asked, flags);
                assert!(passes(&program, &back));
                let wanted = Arrived::Segment {
                    from,
                    port: 443,
                    own_port: 40_001,
                    acknowledges: 0x0102_0305,
                    accepts,
                };
                assert_eq!(read(&back), Some(wanted));
            }
            let other = answer(&syn(&course, 40_002, 443, 1), SYN | ACK);
            assert!(!passes(&program, &other));
            assert_eq!(read(&answer(&asked, ACK)), None);
        }
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
        let wanted = |about| Arrived::Error {
            by_rule: true,
            about,
            asked: Some((40_000, 25, 0x0a0b_0c0d)),
        };
        assert_eq!(read(&error), Some(wanted(TO.into())));
        let asked = syn(&COURSE6, 40_000, 25, 0x0a0b_0c0d);
        let mut error = answer(&asked, 0)[..54].to_vec();
        error[20] = ICMPV6;
        error.extend([UNREACHABLE, 1, 0, 0, 0, 0, 0, 0]);
        error.extend(&asked.bytes()[14..66]);
        assert!(passes(&program, &error));
        assert_eq!(read(&error), Some(wanted(TO6.into())));
    }

    #[test]
    fn a_machine_says_its_hardware_address() {
        let own = IpAddr::from([10, 0, 0, 1]);
        let asked = ask_link(own, COURSE.from_mac, TO.into()).unwrap();
        assert_eq!(asked.bytes().len(), 42);
        assert!(!passes(&filter(&[1]), asked.bytes()));
        let mut said = asked.bytes().to_vec();
        said[21] = 2;
        said[22..28].copy_from_slice(&COURSE.to_mac);
        said[28..32].copy_from_slice(&TO.octets());
        assert!(passes(&filter(&[1]), &said));
        let wanted = Arrived::Link {
            address: TO.into(),
            mac: COURSE.to_mac,
        };
        assert_eq!(read(&said), Some(wanted));
        assert_eq!(ask_link(own, COURSE.from_mac, TO6.into()), None);
    }

    #[test]
    fn a_neighbour_says_its_hardware_address_and_a_stranger_beyond_a_router_is_not_believed() {
        let asked = ask_link(FROM6.into(), COURSE.from_mac, TO6.into()).unwrap();
        let bytes = asked.bytes();
        assert_eq!(
            (bytes.len(), &bytes[..6]),
            (86, &[0x33, 0x33, 0xff, 0xa, 0xb, 0xc][..])
        );
        assert!(!passes(&filter(&[1]), bytes));
        let mut said = bytes.to_vec();
        said[54] = ADVERTISE;
        said[58] = 0x60;
        said[78] = 2;
        said[80..86].copy_from_slice(&COURSE.to_mac);
        assert!(passes(&filter(&[1]), &said));
        let wanted = Arrived::Link {
            address: TO6.into(),
            mac: COURSE.to_mac,
        };
        assert_eq!(read(&said), Some(wanted));
        said[21] = 254;
        assert_eq!(read(&said), None);
    }

    /// The frame with extension headers between IPv6 and what it carries: number, then the header from its second byte on.
    fn behind(frame: &[u8], headers: &[(u8, [u8; 7])]) -> Vec<u8> {
        let mut out = frame.to_vec();
        for (number, rest) in headers.iter().rev() {
            let next = std::mem::replace(&mut out[20], *number);
            out.splice(54..54, [next].into_iter().chain(*rest));
        }
        out
    }

    #[test]
    fn answers_behind_other_headers_are_understood_and_pieces_are_not() {
        let program = filter(&[40_001]);
        let plain = answer(&syn(&COURSE6, 40_001, 443, 7), SYN | ACK);
        let wanted = read(&plain);
        assert!(wanted.is_some());
        let padded = [0, 1, 4, 0, 0, 0, 0];
        let (hop, way, options, piece) = ((0, [0; 7]), (43, [0; 7]), (60, padded), (44, [0; 7]));
        for headers in [
            &[hop][..],
            &[way],
            &[options],
            &[piece],
            &[hop, options, piece],
        ] {
            let said = behind(&plain, headers);
            assert!(passes(&program, &said), "{headers:?}");
            assert_eq!(read(&said), wanted, "{headers:?}");
        }
        // The second piece of something; more headers than anybody means well with.
        assert_eq!(read(&behind(&plain, &[(44, [0, 0, 8, 0, 0, 0, 9])])), None);
        assert_eq!(read(&behind(&plain, &[options; 9])), None);
        // A neighbour says its address whole, or not at all.
        let mut said = ask_link(FROM6.into(), COURSE.from_mac, TO6.into())
            .unwrap()
            .bytes()
            .to_vec();
        said[54] = ADVERTISE;
        said[78] = 2;
        assert!(read(&said).is_some());
        assert_eq!(read(&behind(&said, &[piece])), None);
        // What is quoted of our own call is found where it stands.
        let mut error = answer(&syn(&COURSE6, 40_000, 25, 1), 0)[..54].to_vec();
        error[20] = ICMPV6;
        error.extend([UNREACHABLE, 1, 0, 0, 0, 0, 0, 0]);
        error.extend(&syn(&COURSE6, 40_000, 25, 1).bytes()[14..66]);
        assert_eq!(read(&behind(&error, &[hop])), read(&error));
    }

    #[test]
    fn mutated_frames_are_read_without_harm() {
        let asked = syn(&COURSE, 40_000, 25, 1);
        let mut error = answer(&asked, 0)[..34].to_vec();
        error[23] = ICMP;
        error.extend([3, 13, 0, 0, 0, 0, 0, 0]);
        error.extend(&asked.bytes()[14..42]);
        let six = answer(&syn(&COURSE6, 40_000, 25, 1), SYN | ACK);
        let mut error6 = six[..54].to_vec();
        error6[20] = ICMPV6;
        error6.extend([UNREACHABLE, 1, 0, 0, 0, 0, 0, 0]);
        error6.extend(&syn(&COURSE6, 40_000, 25, 1).bytes()[14..]);
        let mut said = ask_link(FROM6.into(), COURSE.from_mac, TO6.into())
            .unwrap()
            .bytes()
            .to_vec();
        said[54] = ADVERTISE;
        for seed in [
            behind(&six, &[(0, [0; 7]), (44, [0; 7]), (60, [0; 7])]),
            six,
            error6,
            said,
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
