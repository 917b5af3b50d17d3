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
    asked_by_watchers: BTreeSet<u16>,
    watchers: Vec<String>,
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
    asked_by_watchers: BTreeSet<u16>,
    watchers: Vec<String>,
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
        asked_by_watchers: file.asked_by_watchers,
        watchers: file.watchers,
        told: file.told,
    }
});

/// What a reference says about watching; `None` for nearly all of them.
pub fn said_by(reference: &Reference) -> Option<WatchPurpose> {
    let (purpose, not_keys) = KNOWN.by_rule.get(&reference.rule)?;
    let other = not_keys.iter().any(|key| reference.key.starts_with(key));
    (!other).then_some(*purpose)
}

/// What a need of kind `monitoring` or `snmp` says of the one who calls `port`. `names` are those of the caller: its unit,
/// its programs, its file. They decide at ports that are asked for other reasons than to watch.
pub fn said_by_port<'a>(
    port: Port,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<WatchPurpose> {
    let (port, known) = (port.0, &*KNOWN);
    if known.asked.contains(&port) {
        Some(WatchPurpose::Watches)
    } else if known.told.contains(&port) {
        Some(WatchPurpose::WatchedBy)
    } else {
        let watches = known.asked_by_watchers.contains(&port) && names.into_iter().any(is_watcher);
        watches.then_some(WatchPurpose::Watches)
    }
}

/// True for a name in which a word begins with that of a program that watches: `zabbix_server`, `/opt/librenms/poller.php`.
fn is_watcher(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let begins_word = |at: usize| {
        let before = name.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(char::is_alphanumeric)
    };
    let mut words = KNOWN.watchers.iter();
    words.any(|word| {
        name.match_indices(word.as_str())
            .any(|(at, _)| begins_word(at))
    })
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
        let of = |port| said_by_port(Port(port), []);
        assert_eq!(of(10050), Some(WatchPurpose::Watches));
        assert_eq!(of(10051), Some(WatchPurpose::WatchedBy));
        assert_eq!(of(443), None);
    }

    #[test]
    fn snmp_is_watching_where_a_program_that_watches_asks() {
        let watches = |name| said_by_port(Port(161), [name]).is_some();
        for watcher in [
            "zabbix-server.service",
            "/usr/lib/nagios/plugins/check_snmp",
            "/opt/librenms/poller.php",
            "/usr/local/bin/snmp_exporter",
            "telegraf.service",
        ] {
            assert!(watches(watcher), "{watcher}");
        }
        for other in [
            "cups.service",
            "/usr/lib/cups/backend/snmp",
            "/lib/nut/snmp-ups",
            "nut-driver@ups.service",
            "/usr/bin/snmpwalk",
            "/usr/local/bin/didactics-zoo",
        ] {
            assert!(!watches(other), "{other}");
        }
    }

    #[test]
    fn where_measurements_are_stored_is_not_who_watches() {
        assert!(!KNOWN.by_rule.contains_key("prometheus-remote"));
    }
}
