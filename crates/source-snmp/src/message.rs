//! Questions and answers as bytes: SNMP version 1 (RFC 1157), version 2 with communities (RFC 1901, RFC 3416), and what version 3
//! wraps in its own way ([`crate::usm`]).
//!
//! **There is no question here that changes anything**: the three kinds of [`Ask`] are all there are, and a test reads every file
//! of this crate for the tag of another.

use std::net::Ipv4Addr;

use groma_source::ber::{self, Element};

use crate::oid::Oid;

/// Bindings of one answer that are read; a datagram of 64 KiB holds no more than 5,000 of the shortest.
const BINDINGS_MAX: usize = 5_000;
/// A text longer than this is cut.
const TEXT_MAX: usize = 1_024;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NULL: u8 = 0x05;
const NAME: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
/// The tags of questions: get, get-next, get-bulk.
const GET: u8 = 0xa0;
const NEXT: u8 = 0xa1;
const BULK: u8 = 0xa5;
/// The tags of what comes back: a response, a report (version 3).
const RESPONSE: u8 = 0xa2;
const REPORT: u8 = 0xa8;

/// Which version of the protocol, of those with a community.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    /// RFC 1157: no get-bulk, no 64 bit.
    V1,
    /// RFC 1901.
    V2c,
}

impl Version {
    fn number(self) -> i64 {
        match self {
            Self::V1 => 0,
            Self::V2c => 1,
        }
    }
}

/// A question. None of them changes anything at the device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// These very objects.
    Get(Vec<Oid>),
    /// The object that follows.
    Next(Oid),
    /// So many objects that follow.
    Bulk(Oid, u32),
}

/// What an object holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A number with a sign.
    Integer(i64),
    /// A counter, a gauge, ticks.
    Count(u64),
    /// Octets: a text, an address.
    Octets(Vec<u8>),
    /// The name of another object.
    Name(Oid),
    /// An IPv4 address.
    Address(Ipv4Addr),
    /// There is no such object.
    Missing,
    /// There is nothing behind.
    End,
    /// Something else, which nobody asks for.
    Other,
}

impl Value {
    /// As a number.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Count(count) => i64::try_from(*count).ok(),
            _ => None,
        }
    }

    /// As octets.
    pub fn octets(&self) -> Option<&[u8]> {
        match self {
            Self::Octets(octets) => Some(octets),
            _ => None,
        }
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// To which question.
    pub request: i32,
    /// The agent's error status; 0 for none.
    pub error: i64,
    /// True for a report of version 3, which answers no question.
    pub is_report: bool,
    /// Objects and what they hold.
    pub bindings: Vec<(Oid, Value)>,
}

/// One element.
pub(crate) fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match value.len() {
        short @ 0..=127 => out.push(u8::try_from(short).unwrap_or_default()),
        long => {
            let octets = long.to_be_bytes();
            let octets: Vec<u8> = octets.into_iter().skip_while(|o| *o == 0).collect();
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or_default());
            out.extend(octets);
        }
    }
    out.extend_from_slice(value);
    out
}

/// A number, in as few octets as it needs.
pub(crate) fn integer(number: i64) -> Vec<u8> {
    let octets = number.to_be_bytes();
    let mut short = &octets[..];
    while let [first, next, ..] = short
        && ((*first == 0 && next & 0x80 == 0) || (*first == 0xff && next & 0x80 != 0))
    {
        short = short.get(1..).unwrap_or_default();
    }
    tagged(INTEGER, short)
}

pub(crate) fn octets(value: &[u8]) -> Vec<u8> {
    tagged(OCTETS, value)
}

/// The question itself, without what wraps it.
pub(crate) fn question(request: i32, ask: &Ask) -> Vec<u8> {
    let (tag, second, third, names) = match ask {
        Ask::Get(names) => (GET, 0, 0, names.as_slice()),
        Ask::Next(name) => (NEXT, 0, 0, std::slice::from_ref(name)),
        Ask::Bulk(name, most) => (BULK, 0, i64::from(*most), std::slice::from_ref(name)),
    };
    let bindings: Vec<u8> = names
        .iter()
        .flat_map(|name| {
            let binding = [tagged(NAME, &name.encoded()), tagged(NULL, b"")].concat();
            tagged(SEQUENCE, &binding)
        })
        .collect();
    let content = [
        integer(request.into()),
        integer(second),
        integer(third),
        tagged(SEQUENCE, &bindings),
    ]
    .concat();
    tagged(tag, &content)
}

/// A question with a community.
pub(crate) fn wrapped(version: Version, community: &[u8], question: &[u8]) -> Vec<u8> {
    let content = [
        integer(version.number()),
        octets(community),
        question.to_vec(),
    ]
    .concat();
    tagged(SEQUENCE, &content)
}

/// Reads an answer that came with a community; none if it is no answer in this version, to this community.
pub(crate) fn unwrapped(version: Version, community: &[u8], datagram: &[u8]) -> Option<Answer> {
    let (outer, _) = ber::element(datagram)?;
    let parts = ber::elements(content(outer, SEQUENCE)?, 3)?;
    let [is, of, inner] = parts.as_slice() else {
        return None;
    };
    if number(*is)? != version.number() || content(*of, OCTETS)? != community {
        return None;
    }
    answer(*inner)
}

/// Reads an answer itself.
pub(crate) fn answer(element: Element<'_>) -> Option<Answer> {
    if !matches!(element.tag, RESPONSE | REPORT) {
        return None;
    }
    let parts = ber::elements(element.value, 4)?;
    let [request, error, _index, bindings] = parts.as_slice() else {
        return None;
    };
    let mut all = Vec::new();
    for each in ber::elements(content(*bindings, SEQUENCE)?, BINDINGS_MAX)? {
        let pair = ber::elements(content(each, SEQUENCE)?, 2)?;
        let [name, value] = pair.as_slice() else {
            return None;
        };
        all.push((Oid::decode(content(*name, NAME)?)?, read(*value)));
    }
    Some(Answer {
        request: i32::try_from(number(*request)?).ok()?,
        error: number(*error)?,
        is_report: element.tag == REPORT,
        bindings: all,
    })
}

/// What an object holds. Whatever does not fit its type is something nobody asks for.
fn read(element: Element<'_>) -> Value {
    let value = match element.tag {
        INTEGER => signed(element.value).map(Value::Integer),
        // Counter32, Gauge32, TimeTicks, Counter64.
        0x41 | 0x42 | 0x43 | 0x46 => unsigned(element.value).map(Value::Count),
        OCTETS => Some(Value::Octets(
            element
                .value
                .get(..TEXT_MAX)
                .unwrap_or(element.value)
                .to_vec(),
        )),
        NAME => Oid::decode(element.value).map(Value::Name),
        0x40 => <[u8; 4]>::try_from(element.value)
            .ok()
            .map(|octets| Value::Address(octets.into())),
        0x80 | 0x81 => Some(Value::Missing),
        0x82 => Some(Value::End),
        // RFC 1157 knows no such word: an agent that fills in nothing has nothing.
        NULL => Some(Value::Missing),
        _ => None,
    };
    value.unwrap_or(Value::Other)
}

/// The content of an element of this tag.
pub(crate) fn content(element: Element<'_>, tag: u8) -> Option<&[u8]> {
    (element.tag == tag).then_some(element.value)
}

pub(crate) fn number(element: Element<'_>) -> Option<i64> {
    signed(content(element, INTEGER)?)
}

pub(crate) fn text(element: Element<'_>) -> Option<&[u8]> {
    content(element, OCTETS)
}

fn signed(octets: &[u8]) -> Option<i64> {
    let first = *octets.first().filter(|_| octets.len() <= 8)?;
    let start: i64 = if first & 0x80 == 0 { 0 } else { -1 };
    Some(
        octets
            .iter()
            .fold(start, |sum, o| (sum << 8) | i64::from(*o)),
    )
}

fn unsigned(octets: &[u8]) -> Option<u64> {
    // Nine octets, the first of them zero, is how the largest are written. Some agents leave the zero out.
    let octets = match octets {
        [0, rest @ ..] if rest.len() == 8 => rest,
        all => all,
    };
    let fits = (1..=8).contains(&octets.len());
    fits.then(|| octets.iter().fold(0, |sum, o| (sum << 8) | u64::from(*o)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(text: &str) -> Oid {
        Oid::parse(text).unwrap()
    }

    /// The bytes net-snmp's `snmpget -v2c -c public HOST 1.3.6.1.2.1.1.2.0` sends, but for its number.
    #[test]
    fn a_question_is_written_as_others_write_it() {
        let ask = Ask::Get(vec![oid("1.3.6.1.2.1.1.2.0")]);
        let bytes = wrapped(Version::V2c, b"public", &question(0x1234_5678, &ask));
        let sent: &[u8] = b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x12\x34\x56\x78\x02\x01\x00\x02\x01\x00\
            \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x02\x00\x05\x00";
        assert_eq!(bytes, sent);
    }

    #[test]
    fn every_question_is_one_of_three_and_none_is_a_response() {
        for ask in [
            Ask::Get(vec![oid("1.3.6.1"), oid("1.3.6.2")]),
            Ask::Next(oid("1.3.6.1")),
            Ask::Bulk(oid("1.3.6.1"), 25),
        ] {
            let bytes = question(7, &ask);
            assert!(matches!(bytes[0], 0xa0 | 0xa1 | 0xa5));
            let (element, rest) = ber::element(&bytes).unwrap();
            assert!(rest.is_empty() && answer(element).is_none());
        }
    }

    fn response(version: i64, community: &[u8], error: i64, value: &[u8]) -> Vec<u8> {
        let binding = [tagged(NAME, &oid("1.3.6.1").encoded()), value.to_vec()].concat();
        let bindings = tagged(SEQUENCE, &tagged(SEQUENCE, &binding));
        let inner = [integer(9), integer(error), integer(0), bindings].concat();
        let inner = tagged(RESPONSE, &inner);
        tagged(
            SEQUENCE,
            &[integer(version), octets(community), inner].concat(),
        )
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let cases: [(&[u8], Value); 9] = [
            (b"\x02\x01\xff", Value::Integer(-1)),
            (
                b"\x41\x05\x00\xff\xff\xff\xff",
                Value::Count(u32::MAX.into()),
            ),
            (
                b"\x46\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff",
                Value::Count(u64::MAX),
            ),
            (b"\x04\x02hi", Value::Octets(b"hi".to_vec())),
            (b"\x06\x01\x2b", Value::Name(oid("1.3"))),
            (
                b"\x40\x04\xc0\x00\x02\x01",
                Value::Address([192, 0, 2, 1].into()),
            ),
            (b"\x80\x00", Value::Missing),
            (b"\x82\x00", Value::End),
            (b"\x44\x01\x00", Value::Other),
        ];
        for (bytes, value) in cases {
            let read = unwrapped(Version::V2c, b"c", &response(1, b"c", 0, bytes)).unwrap();
            assert_eq!(read.bindings, [(oid("1.3.6.1"), value)]);
            assert_eq!((read.request, read.error), (9, 0));
        }
    }

    #[test]
    fn another_version_or_community_is_no_answer() {
        let bytes = response(1, b"c", 0, b"\x05\x00");
        assert!(unwrapped(Version::V1, b"c", &bytes).is_none());
        assert!(unwrapped(Version::V2c, b"d", &bytes).is_none());
    }

    #[test]
    fn numbers_are_written_short_and_read_back() {
        for number in [0, 1, 127, 128, 255, 256, -1, -128, -129, i64::MAX, i64::MIN] {
            let bytes = integer(number);
            let (element, _) = ber::element(&bytes).unwrap();
            assert_eq!(super::number(element), Some(number));
        }
        assert_eq!(integer(128), [2, 2, 0, 0x80]);
    }

    #[test]
    fn any_bytes_are_read_without_harm() {
        let seeds = [
            response(1, b"public", 0, b"\x04\x02hi"),
            response(
                0,
                b"public",
                2,
                b"\x46\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff",
            ),
        ];
        let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
        groma_fuzz::hammer(10_000, &seeds, |bytes| {
            let _ = unwrapped(Version::V2c, b"public", bytes);
            let _ = unwrapped(Version::V1, b"public", bytes);
        });
    }
}
