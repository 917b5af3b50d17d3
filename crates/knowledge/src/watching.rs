//! What references and ports say about who watches whom, and where logs go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use groma_model::Port;
use groma_model::fact::{Reference, WatchPurpose};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    asked: BTreeSet<u16>,
    told: BTreeSet<u16>,
    said: Vec<Said>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    purpose: WatchPurpose,
    rules: Vec<String>,
    #[serde(default)]
    not_keys: Vec<String>,
}

struct Known {
    asked: BTreeSet<u16>,
    told: BTreeSet<u16>,
    by_rule: BTreeMap<String, (WatchPurpose, Vec<String>)>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/watching.toml"))
        .expect("data/watching.toml is compiled in and a test parses it");
    let by_rule = file.said.into_iter().flat_map(|said| {
        let (purpose, not_keys) = (said.purpose, said.not_keys);
        said.rules
            .into_iter()
            .map(move |rule| (rule, (purpose, not_keys.clone())))
    });
    Known {
        by_rule: by_rule.collect(),
        asked: file.asked,
        told: file.told,
    }
});

/// What a reference says about watching; `None` for nearly all of them.
pub fn said_by(reference: &Reference) -> Option<WatchPurpose> {
    let (purpose, not_keys) = KNOWN.by_rule.get(&reference.rule)?;
    let other = not_keys.iter().any(|key| reference.key.starts_with(key));
    (!other).then_some(*purpose)
}

/// What a need of kind `monitoring` or `snmp` says of the one who calls `port`.
pub fn said_by_port(port: Port) -> Option<WatchPurpose> {
    match port.0 {
        port if KNOWN.asked.contains(&port) => Some(WatchPurpose::Watches),
        port if KNOWN.told.contains(&port) => Some(WatchPurpose::WatchedBy),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RULES;

    #[test]
    fn every_rule_it_names_exists() {
        let takes = RULES.iter().flat_map(|rule| {
            let named = |take: &crate::rules::Take| match &take.id {
                Some(id) => format!("{}-{id}", rule.id),
                None => rule.id.clone(),
            };
            rule.take.iter().map(named)
        });
        let known: BTreeSet<String> = takes.collect();
        for rule in KNOWN.by_rule.keys() {
            assert!(known.contains(rule), "{rule}");
        }
    }

    #[test]
    fn a_port_says_who_watches_whom() {
        assert_eq!(said_by_port(Port(10050)), Some(WatchPurpose::Watches));
        assert_eq!(said_by_port(Port(10051)), Some(WatchPurpose::WatchedBy));
        assert_eq!(said_by_port(Port(443)), None);
    }
}
