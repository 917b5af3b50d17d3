//! chronyd's command protocol, version 6 (chrony's `candm.h` describes it): the few questions that only read.
//!
//! All numbers are big-endian. A request is as long as its longest answer, so that nobody can be flooded with answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const VERSION: u8 = 6;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const REQUEST_HEADER: usize = 20;
const REPLY_HEADER: usize = 28;
/// Longest answer that is taken.
pub(crate) const ANSWER_MAX: usize = 2_048;
/// Clients one answer may hold.
const CLIENTS_EACH: u32 = 8;
/// "Never", where seconds since something are told.
const NEVER: u32 = u32::MAX;

/// A question that changes nothing. There is no other: what this type cannot say, is never sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// How many sources it has.
    SourceCount,
    /// One of its sources, counted from 0.
    Source(u32),
    /// The name by which it knows a source.
    SourceName(IpAddr),
    /// How often it was asked, and how many clients had no room in its list.
    Statistics,
    /// Clients from this place of its list on.
    Clients(u32),
    /// The same of chronyd before 4.0.
    ClientsBefore4(u32),
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// See [`Question::SourceCount`].
    SourceCount(u32),
    /// See [`Question::Source`].
    Source(ClockSource),
    /// See [`Question::SourceName`].
    SourceName(String),
    /// Clients it had no room to remember.
    Forgotten(u64),
    /// See [`Question::Clients`].
    Clients(Clients),
    /// It will not say, and why not.
    Refused(Refusal),
}

/// Why it will not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Not to whoever asks here.
    NotAllowed,
    /// It keeps no list of clients.
    Inactive,
    /// Anything else, by number: also a question it does not know.
    Other(u16),
}

/// A source of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockSource {
    /// Its address; `None` for a clock of the machine's own.
    pub address: Option<IpAddr>,
    /// True for the one the clock follows.
    pub is_selected: bool,
    /// True if any of the last eight questions was answered.
    pub answers: bool,
    /// Seconds since the last answer.
    pub seconds_ago: Option<u32>,
    /// How far this machine's clock was from it then, in nanoseconds.
    pub offset_nanos: Option<i64>,
}

/// A part of the list of clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clients {
    /// Places of the whole list.
    pub places: u32,
    /// Where the next part begins.
    pub next: u32,
    /// Who asked for the time.
    pub clients: Vec<Client>,
}

/// One client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// How often it asked for the time.
    pub count: u32,
    /// Seconds since it last did.
    pub seconds_ago: Option<u32>,
}

impl Question {
    fn command(self) -> u16 {
        match self {
            Self::SourceCount => 14,
            Self::Source(_) => 15,
            Self::Statistics => 54,
            Self::ClientsBefore4(_) => 55,
            Self::SourceName(_) => 65,
            Self::Clients(_) => 68,
        }
    }

    /// Octets of the longest answer's content.
    fn answer_length(self) -> usize {
        match self {
            Self::SourceCount => 8,
            Self::Source(_) => 52,
            Self::Statistics => 140,
            Self::SourceName(_) => 260,
            Self::ClientsBefore4(_) => 16 + CLIENTS_EACH as usize * 48,
            Self::Clients(_) => 16 + CLIENTS_EACH as usize * 60,
        }
    }

    /// The datagram that asks it. `sequence` comes back in the answer.
    pub fn to_datagram(self, sequence: u32) -> Vec<u8> {
        let mut bytes = vec![VERSION, REQUEST, 0, 0];
        bytes.extend(self.command().to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(sequence.to_be_bytes());
        bytes.resize(REQUEST_HEADER, 0);
        match self {
            Self::SourceCount | Self::Statistics => {}
            Self::Source(index) => bytes.extend(index.to_be_bytes()),
            Self::SourceName(address) => bytes.extend(octets(address)),
            Self::Clients(first) | Self::ClientsBefore4(first) => {
                bytes.extend(first.to_be_bytes());
                bytes.extend(CLIENTS_EACH.to_be_bytes());
                // However few times a client came. The number behind would reset the list: always 0.
                bytes.extend([0; 8]);
            }
        }
        bytes.resize(REPLY_HEADER + self.answer_length(), 0);
        bytes
    }

    /// Reads the answer to it; `None` if the datagram is none, or not to this question.
    pub fn answer(self, sequence: u32, bytes: &[u8]) -> Option<Answer> {
        let mut read = Reader(bytes);
        let [VERSION, REPLY, ..] = read.take(4)? else {
            return None;
        };
        let (command, reply, status) = (read.u16()?, read.u16()?, read.u16()?);
        read.take(6)?;
        if command != self.command() || read.u32()? != sequence {
            return None;
        }
        read.take(8)?;
        match status {
            0 => content(self, reply, &mut read),
            2 => Some(Answer::Refused(Refusal::NotAllowed)),
            15 => Some(Answer::Refused(Refusal::Inactive)),
            other => Some(Answer::Refused(Refusal::Other(other))),
        }
    }
}

fn content(question: Question, reply: u16, read: &mut Reader<'_>) -> Option<Answer> {
    match (question, reply) {
        (Question::SourceCount, 2) => read.u32().map(Answer::SourceCount),
        (Question::Source(_), 3) => source(read).map(Answer::Source),
        (Question::SourceName(_), 19) => {
            let name = read.take(256)?;
            let end = name.iter().position(|byte| *byte == 0)?;
            let name = std::str::from_utf8(name.get(..end)?).ok()?;
            Some(Answer::SourceName(name.to_owned()))
        }
        (Question::Statistics, 14) => read.u32_at(4).map(|n| Answer::Forgotten(n.into())),
        (Question::Statistics, 22 | 24) => read.u32_at(6).map(|n| Answer::Forgotten(n.into())),
        (Question::Statistics, 25) => {
            let high = u64::from(read.u32_at(12)?) << 32;
            Some(Answer::Forgotten(high | u64::from(read.u32()?)))
        }
        (Question::ClientsBefore4(_), 15) => clients(read, before_4).map(Answer::Clients),
        (Question::Clients(_), 21) => clients(read, client).map(Answer::Clients),
        _ => None,
    }
}

fn source(read: &mut Reader<'_>) -> Option<ClockSource> {
    let address = read.address()?;
    read.take(4)?;
    let (state, mode) = (read.u16()?, read.u16()?);
    read.take(2)?;
    let reachability = read.u16()?;
    let ago = read.u32()?;
    // As measured, then as it is since the clock was brought nearer; an answer may end before.
    let offset = read.u32().and_then(|_| read.u32()).map(nanos);
    Some(ClockSource {
        // Mode 2 is a clock plugged into the machine; its "address" is its name.
        address: address.filter(|_| mode != 2),
        is_selected: state == 0,
        answers: reachability != 0,
        seconds_ago: Some(ago).filter(|ago| *ago != NEVER),
        offset_nanos: offset,
    })
}

/// Seconds in chronyd's own format, in nanoseconds: seven bits of a signed exponent, 25 of a signed coefficient (`candm.h`).
fn nanos(bits: u32) -> i64 {
    const COEFFICIENT: u32 = 25;
    let signed = |value: u32, bits: u32| {
        let value = i64::from(value);
        value
            - if value >> (bits - 1) == 1 {
                1 << bits
            } else {
                0
            }
    };
    let exponent = signed(bits >> COEFFICIENT, 7);
    let coefficient = i128::from(signed(bits & ((1 << COEFFICIENT) - 1), COEFFICIENT));
    // At most 2^24 times 10^9 times 2^38: whole numbers hold it.
    let scaled = coefficient * 1_000_000_000;
    let shift = exponent - i64::from(COEFFICIENT);
    let nanos = match u32::try_from(shift) {
        Ok(left) => scaled.checked_shl(left).unwrap_or_default(),
        Err(_) => scaled / (1_i128 << u32::try_from(-shift).unwrap_or_default().min(120)),
    };
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

type ReadClient = fn(&mut Reader<'_>) -> Option<Option<Client>>;

fn clients(read: &mut Reader<'_>, one: ReadClient) -> Option<Clients> {
    let (places, next, count) = (read.u32()?, read.u32()?, read.u32()?);
    if count > CLIENTS_EACH {
        return None;
    }
    let mut clients = Vec::new();
    for _ in 0..count {
        clients.extend(one(read)?);
    }
    Some(Clients {
        places,
        next,
        clients,
    })
}

/// A client; the inner `None` for one that never asked for the time.
fn client(read: &mut Reader<'_>) -> Option<Option<Client>> {
    let address = read.address()?;
    let count = read.u32()?;
    // Key exchanges, commands, what was dropped of each; four intervals.
    read.take(20 + 4)?;
    let ago = read.u32()?;
    read.take(8)?;
    Some(asked(address, count, ago))
}

fn before_4(read: &mut Reader<'_>) -> Option<Option<Client>> {
    let address = read.address()?;
    let count = read.u32()?;
    read.take(12 + 4)?;
    let ago = read.u32()?;
    read.take(4)?;
    Some(asked(address, count, ago))
}

fn asked(address: Option<IpAddr>, count: u32, ago: u32) -> Option<Client> {
    let seconds_ago = Some(ago).filter(|ago| *ago != NEVER);
    address.filter(|_| count > 0).map(|address| Client {
        address,
        count,
        seconds_ago,
    })
}

/// Sixteen octets of an address, its family, and two unused.
fn octets(address: IpAddr) -> [u8; 20] {
    let mut bytes = [0; 20];
    let (family, octets) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    bytes
        .iter_mut()
        .zip(octets)
        .for_each(|(slot, octet)| *slot = octet);
    if let Some(slot) = bytes.get_mut(17) {
        *slot = family;
    }
    bytes
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The number behind `count` others.
    fn u32_at(&mut self, count: usize) -> Option<u32> {
        self.take(count * 4)?;
        self.u32()
    }

    /// An address; the inner `None` for none, or for a number that stands for a source without one yet.
    fn address(&mut self) -> Option<Option<IpAddr>> {
        let octets: [u8; 16] = self.take(16)?.try_into().ok()?;
        let family = self.u16()?;
        self.take(2)?;
        let [a, b, c, d, ..] = octets;
        Some(match family {
            1 => Some(Ipv4Addr::new(a, b, c, d).into()),
            2 => Some(Ipv6Addr::from(octets).to_canonical()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Question; 6] = [
        Question::SourceCount,
        Question::Source(3),
        Question::SourceName(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))),
        Question::Statistics,
        Question::Clients(8),
        Question::ClientsBefore4(8),
    ];

    /// What chronyd 4.3 answered to the question for its clients, with one client (`tests/recorded`).
    fn recorded() -> Vec<u8> {
        include_bytes!("../tests/recorded/clients-4.3.bin").to_vec()
    }

    #[test]
    fn a_question_asks_for_nothing_but_reading() {
        for question in ALL {
            let bytes = question.to_datagram(7);
            assert_eq!(&bytes[..4], [6, 1, 0, 0]);
            let command = u16::from_be_bytes([bytes[4], bytes[5]]);
            assert!([14, 15, 54, 55, 65, 68].contains(&command), "{command}");
            if let Question::Clients(_) | Question::ClientsBefore4(_) = question {
                assert_eq!(&bytes[28..36], [0; 8], "no minimum, and no reset");
            }
        }
    }

    #[test]
    fn an_offset_is_read_in_chronyds_own_format() {
        for (bits, seconds) in [
            (0, 0.0),
            // 2^24 - 1 of 2^25 with exponent 1, and the lowest coefficient, which is negative.
            (0x0200_0000 | 0x0080_0000, 0.5),
            (0x0300_0000, -1.0),
            // -20: a millionth is about 2^-20.
            ((128 - 19) << 25 | 0x0080_0000, 0.25 * f64::powi(2.0, -19)),
            (0x1400_0000 | 0x00a0_0000, 320.0),
        ] {
            let told = nanos(bits) as f64 / 1e9;
            assert!(
                (told - seconds).abs() <= 1e-9,
                "{bits:#x}: {told} for {seconds}"
            );
        }
        for bits in [u32::MAX, 0x7fff_ffff, 0x7eff_ffff, 1 << 31] {
            let _ = nanos(bits);
        }
    }

    #[test]
    fn a_question_is_as_long_as_its_answer() {
        assert_eq!(Question::Clients(0).to_datagram(0).len(), 524);
        assert!(recorded().len() <= 524);
    }

    #[test]
    fn the_list_of_a_real_server_is_read() {
        let sequence = u32::from_be_bytes(recorded()[16..20].try_into().unwrap_or_default());
        let Some(Answer::Clients(list)) = Question::Clients(0).answer(sequence, &recorded()) else {
            panic!("no clients");
        };
        assert_eq!((list.places, list.next), (16, 16));
        assert_eq!(
            list.clients,
            [Client {
                address: "10.77.0.5".parse().expect("an address"),
                count: 4,
                seconds_ago: Some(3)
            }]
        );
        assert_eq!(Question::Clients(0).answer(sequence + 1, &recorded()), None);
        assert_eq!(Question::SourceCount.answer(sequence, &recorded()), None);
    }

    #[test]
    fn no_bytes_bring_it_down() {
        let recorded = recorded();
        groma_fuzz::hammer(20_000, &[&recorded], |bytes| {
            for question in ALL {
                let _ = question.answer(0, bytes);
            }
        });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..700), reply in 0u16..30) {
            let mut bytes = bytes;
            if let Some(head) = bytes.get_mut(..20) {
                head.copy_from_slice(&[6, 2, 0, 0, 0, 68, 0, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
            for question in ALL {
                if let Some(slot) = bytes.get_mut(4..8) {
                    let [a, b] = question.command().to_be_bytes();
                    let [c, d] = reply.to_be_bytes();
                    slot.copy_from_slice(&[a, b, c, d]);
                }
                let _ = question.answer(0, &bytes);
            }
        }
    }
}
