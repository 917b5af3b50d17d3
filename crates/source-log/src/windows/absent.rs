//! Logs of a domain controller that are not among those somebody brought.
//!
//! Who binds to it, who logs on by NTLM and who gets tickets stands in three logs. Whoever exports one of them and forgets the
//! others would read their silence as peace.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::EVENT_GRAMMARS;

use super::{Log, LogKey};

/// What a controller writes its clients into (grammars).
const OF_A_CONTROLLER: &[&str] = &["directory-service", "ntlm", "security"];
/// Events that nobody but a controller writes: tickets.
const TICKETS: &[u32] = &[4768, 4769, 4771];
/// Controllers that are told one by one.
const CONTROLLERS_MAX: usize = 64;

/// What is missing and how to have it, for each controller of which any of `logs` is.
pub(super) fn logs(logs: &BTreeMap<LogKey, Log>) -> Vec<(String, String)> {
    let mut brought: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut controllers = BTreeSet::new();
    for ((log, machine), told) in logs {
        let grammar = EVENT_GRAMMARS.iter().find(|grammar| grammar.is_of(log));
        let id = grammar.map_or("", |grammar| grammar.id.as_str());
        brought.entry(machine).or_default().insert(id);
        if id == "directory-service" || TICKETS.iter().any(|number| told.told.contains(number)) {
            controllers.insert(machine.as_str());
        }
    }
    let missing = |machine: &str| -> Vec<(String, String)> {
        let known = brought.get(machine);
        let is_missing = |id: &&&str| known.is_none_or(|known| !known.contains(**id));
        let grammars = OF_A_CONTROLLER.iter().filter(is_missing).filter_map(|id| {
            let grammar = EVENT_GRAMMARS.iter().find(|grammar| grammar.id == *id)?;
            let log = grammar.logs.first()?;
            let what = format!("what the log {log} of {machine} tells: it is not among those named");
            let remedy = format!(
                "export it there, wevtutil epl \"{log}\" FILE, and name the file too. Where it is off: {}",
                grammar.enable
            );
            Some((what, remedy))
        });
        grammars.collect()
    };
    controllers
        .into_iter()
        .take(CONTROLLERS_MAX)
        .flat_map(missing)
        .collect()
}
