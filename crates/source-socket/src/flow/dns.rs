//! DNS answers (RFC 1035, RFC 3596) → which name led to which addresses, pure.
//!
//! What comes over the wire is anybody's: every length is checked, a compression pointer must lead strictly
//! backwards, names and records are counted. Only answers with one question for A or AAAA are read, and of them
//! only the chain that leads from the question to addresses; the question alone names nobody.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use groma_model::HostName;
use groma_source::dns_name;

/// Records of one answer that are read.
const RECORDS_MAX: u16 = 128;
/// Types of records.
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
/// The Internet class.
const INTERNET: u16 = 1;

/// What one answer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The name that was asked for.
    pub asked: HostName,
    /// Where it leads.
    pub addresses: Vec<IpAddr>,
    /// For how many seconds: the shortest time on the way.
    pub ttl_seconds: u32,
}

/// Reads an answer; `None` if it is none, leads to no address, or is not understood.
pub fn read_answer(message: &[u8]) -> Option<Answer> {
    let word = |at: usize| {
        Some(u16::from_be_bytes(
            message.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let flags = word(2)?;
    // An answer (QR) to a standard query without an error, to one question.
    if flags & 0x8000 == 0 || flags & 0x780f != 0 || word(4)? != 1 {
        return None;
    }
    let (asked, mut at) = read_name(message, 12)?;
    let (kind, class) = (word(at)?, word(at + 2)?);
    if !matches!(kind, A | AAAA) || class != INTERNET {
        return None;
    }
    at += 4;
    let mut chain = Chain::from(asked.clone());
    for _ in 0..word(6)?.min(RECORDS_MAX) {
        // A cut packet ends the reading, not what was read.
        let Some(next) = read_record(message, at, &mut chain) else {
            break;
        };
        at = next;
    }
    if chain.addresses.is_empty() {
        return None;
    }
    Some(Answer {
        asked: HostName::parse(std::str::from_utf8(&asked).ok()?)?,
        addresses: chain.addresses,
        ttl_seconds: chain.ttl,
    })
}

/// Every address any record of a message names, also of answers to other questions (SRV, MX): a program that calls
/// one of them did not make it up.
pub fn mentioned(message: &[u8]) -> Vec<IpAddr> {
    let word = |at: usize| {
        Some(u16::from_be_bytes(
            message.get(at..at + 2)?.try_into().ok()?,
        ))
    };
    let mut found = Vec::new();
    let mut read = || {
        let mut at = 12;
        for _ in 0..word(4)?.min(RECORDS_MAX) {
            at = read_name(message, at)?.1 + 4;
        }
        let records = word(6)?.saturating_add(word(8)?).saturating_add(word(10)?);
        for _ in 0..records.min(RECORDS_MAX) {
            let (owner, _) = read_name(message, at)?;
            let mut chain = Chain::from(owner);
            at = read_record(message, at, &mut chain)?;
            found.append(&mut chain.addresses);
        }
        Some(())
    };
    // Cut short or not: what was read counts.
    let _ = read();
    found
}

/// Names that lead from the question on, and the addresses they led to.
struct Chain {
    names: Vec<Vec<u8>>,
    addresses: Vec<IpAddr>,
    ttl: u32,
}

impl From<Vec<u8>> for Chain {
    fn from(asked: Vec<u8>) -> Self {
        Self {
            names: vec![asked],
            addresses: Vec::new(),
            ttl: u32::MAX,
        }
    }
}

/// Takes up the record at `at`; returns where the next one begins.
fn read_record(message: &[u8], at: usize, chain: &mut Chain) -> Option<usize> {
    let (owner, at) = read_name(message, at)?;
    let head: [u8; 10] = message.get(at..at + 10)?.try_into().ok()?;
    let [k1, k2, c1, c2, t1, t2, t3, t4, l1, l2] = head;
    let (kind, class) = (u16::from_be_bytes([k1, k2]), u16::from_be_bytes([c1, c2]));
    let ttl = u32::from_be_bytes([t1, t2, t3, t4]);
    let begin = at + 10;
    let end = begin + usize::from(u16::from_be_bytes([l1, l2]));
    let content = message.get(begin..end)?;
    if class != INTERNET || !chain.names.contains(&owner) {
        return Some(end);
    }
    let address = match kind {
        A => <[u8; 4]>::try_from(content)
            .ok()
            .map(|b| IpAddr::V4(Ipv4Addr::from(b))),
        AAAA => <[u8; 16]>::try_from(content)
            .ok()
            .map(|b| IpAddr::V6(Ipv6Addr::from(b)).to_canonical()),
        CNAME => {
            let (target, _) = read_name(message, begin)?;
            chain.names.push(target);
            chain.ttl = chain.ttl.min(ttl);
            None
        }
        _ => None,
    };
    if let Some(address) = address {
        chain.addresses.push(address);
        chain.ttl = chain.ttl.min(ttl);
    }
    Some(end)
}

/// Reads the name at `at`, in lower case with dots; returns where what follows it begins.
fn read_name(message: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let (name, after) = dns_name::read(message, at)?;
    Some((name.to_ascii_lowercase(), after))
}
