//! Records → what a name or an address resolves to. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::fact::{NameAnswer, NameSource};
use groma_model::{HostName, Peer};

/// Longest chain of aliases that is followed.
const ALIASES_MAX: usize = 16;
/// Records of one answer that are kept.
pub(crate) const RECORDS_MAX: usize = 1_000;

/// One record, as far as it matters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) owner: HostName,
    pub(crate) ttl_seconds: u32,
    pub(crate) value: Value,
}

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Address(IpAddr),
    Alias(HostName),
    Pointer(HostName),
}

/// A resolver's word on one question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// Records, and whether the server speaks for the zone (the AA bit).
    Records {
        records: Vec<Record>,
        authoritative: bool,
    },
    /// The name exists, without records of this type.
    NoData,
    /// The name does not exist.
    NoSuchName,
}

impl Reply {
    fn records(&self) -> &[Record] {
        match self {
            Self::Records { records, .. } => records,
            _ => &[],
        }
    }

    /// True if an address is among the records.
    pub(crate) fn has_address(&self) -> bool {
        self.records()
            .iter()
            .any(|r| matches!(r.value, Value::Address(_)))
    }
}

/// The answer to a forward question that was asked as `candidate`.
///
/// If a search domain completed the name, the completed one is the first alias.
pub(crate) fn forward(asked: &HostName, candidate: &HostName, replies: &[Reply]) -> NameAnswer {
    let records = || replies.iter().flat_map(Reply::records);
    let chain = chain(candidate, records());
    let mut addresses: Vec<IpAddr> = records()
        .filter(|record| record.owner == *candidate || chain.contains(&record.owner))
        .filter_map(|record| match record.value {
            Value::Address(address) => Some(address),
            _ => None,
        })
        .collect();
    addresses.sort();
    addresses.dedup();
    let completed = (candidate != asked).then(|| candidate.clone());
    NameAnswer {
        asked: Peer::Name(asked.clone()),
        by: NameSource::Dns,
        aliases: completed.into_iter().chain(chain).collect(),
        addresses,
        names: Vec::new(),
        ttl_seconds: ttl_of(candidate, replies),
    }
}

/// Where `name` leads, if it is an alias in this answer.
pub(crate) fn target(name: &HostName, reply: &Reply) -> Option<HostName> {
    let own = reply
        .records()
        .iter()
        .filter(|record| record.owner == *name);
    own.filter_map(|record| match &record.value {
        Value::Alias(target) => Some(target.clone()),
        _ => None,
    })
    .next()
}

/// The answer to a reverse question.
pub(crate) fn reverse(asked: IpAddr, reply: &Reply) -> NameAnswer {
    let names: BTreeSet<HostName> = reply
        .records()
        .iter()
        .filter_map(|record| match &record.value {
            Value::Pointer(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let owner = reply.records().first().map(|record| record.owner.clone());
    NameAnswer {
        asked: Peer::Address(asked),
        by: NameSource::Dns,
        aliases: Vec::new(),
        addresses: Vec::new(),
        names: names.into_iter().collect(),
        ttl_seconds: owner.and_then(|owner| ttl_of(&owner, std::slice::from_ref(reply))),
    }
}

/// Follows aliases from `start`; a circle ends where it closes.
fn chain<'a>(start: &HostName, records: impl Iterator<Item = &'a Record>) -> Vec<HostName> {
    let aliases: BTreeMap<&HostName, &HostName> = records
        .filter_map(|record| match &record.value {
            Value::Alias(target) => Some((&record.owner, target)),
            _ => None,
        })
        .collect();
    let mut chain: Vec<HostName> = Vec::new();
    let mut at = start;
    while let Some(&next) = aliases.get(at) {
        if next == start || chain.contains(next) || chain.len() >= ALIASES_MAX {
            break;
        }
        chain.push(next.clone());
        at = next;
    }
    chain
}

/// The zone's own time to live. A cache counts down and would give another fact at each look, so only an
/// authoritative answer counts, and there only the records of the name asked: the AA bit speaks for
/// no other (RFC 1035 §4.1.1).
fn ttl_of(owner: &HostName, replies: &[Reply]) -> Option<u32> {
    let own = replies.iter().filter_map(|reply| match reply {
        Reply::Records {
            records,
            authoritative: true,
        } => Some(records),
        _ => None,
    });
    own.flatten()
        .filter(|record| record.owner == *owner)
        .map(|record| record.ttl_seconds)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HostName {
        HostName::parse(text).unwrap()
    }

    fn alias(owner: &str, target: &str) -> Record {
        Record {
            owner: name(owner),
            ttl_seconds: 300,
            value: Value::Alias(name(target)),
        }
    }

    fn address(owner: &str, text: &str) -> Record {
        Record {
            owner: name(owner),
            ttl_seconds: 60,
            value: Value::Address(text.parse().unwrap()),
        }
    }

    #[test]
    fn a_chain_is_kept_in_order_and_addresses_sorted() {
        let records = vec![
            address("c.example", "10.0.0.9"),
            alias("b.example", "c.example"),
            address("c.example", "10.0.0.1"),
            alias("a.example", "b.example"),
            address("stray.example", "6.6.6.6"),
        ];
        let reply = Reply::Records {
            records,
            authoritative: true,
        };
        let answer = forward(
            &name("a.example"),
            &name("a.example"),
            &[reply, Reply::NoData],
        );
        assert_eq!(answer.aliases, [name("b.example"), name("c.example")]);
        assert_eq!(
            answer
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["10.0.0.1", "10.0.0.9"]
        );
        assert_eq!(answer.ttl_seconds, Some(300));
    }

    #[test]
    fn a_completed_name_is_the_first_alias() {
        let reply = Reply::Records {
            records: vec![address("db1.corp.example", "10.0.0.1")],
            authoritative: false,
        };
        let answer = forward(&name("db1"), &name("db1.corp.example"), &[reply]);
        assert_eq!(answer.aliases, [name("db1.corp.example")]);
        assert_eq!(answer.ttl_seconds, None, "a cache's countdown is no fact");
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let records = vec![
            alias("a.example", "b.example"),
            alias("b.example", "a.example"),
        ];
        let answer = forward(
            &name("a.example"),
            &name("a.example"),
            &[Reply::Records {
                records,
                authoritative: true,
            }],
        );
        assert_eq!(answer.aliases, [name("b.example")]);
        assert!(answer.addresses.is_empty());
    }
}
