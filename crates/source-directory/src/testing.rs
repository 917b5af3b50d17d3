//! Entries made by hand, for the tests of this crate.

use groma_model::fact::Fact;
use groma_model::{Peer, Port, Timestamp};

use crate::entry::Entry;
use crate::learnt::Learnt;

/// Nothing learnt yet, of `corp.example`.
pub(crate) fn learnt() -> Learnt {
    let server = (Peer::parse("dc1.corp.example").unwrap(), Port(636));
    Learnt::new(
        "corp.example".to_owned(),
        server,
        Timestamp::from_seconds(1_795_165_200),
    )
}

/// An entry; an attribute that is named twice has two values.
pub(crate) fn entry(dn: &str, attributes: &[(&str, &str)]) -> Entry {
    let mut entry = Entry {
        dn: dn.to_owned(),
        attributes: Vec::new(),
    };
    for (name, value) in attributes {
        let name = name.to_ascii_lowercase();
        let value = value.as_bytes().to_vec();
        match entry.attributes.iter_mut().find(|(n, _)| *n == name) {
            Some((_, values)) => values.push(value),
            None => entry.attributes.push((name, vec![value])),
        }
    }
    entry
}

/// The needs as short lines, sorted.
pub(crate) fn needs(learnt: &Learnt) -> Vec<String> {
    let mut lines: Vec<String> = learnt
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::DirectoryNeed(n) => {
                let port = n.port.map_or_else(String::new, |p| format!(":{p}"));
                let account = n
                    .account
                    .as_ref()
                    .map_or_else(String::new, |a| format!(" as {a}"));
                Some(format!(
                    "{} {} {}{port}{account}",
                    n.consumer, n.kind, n.provider
                ))
            }
            _ => None,
        })
        .collect();
    lines.sort();
    lines
}
