//! Who knows of which machine: the histories of capture, out of the document.
//!
//! A list is a way of *meeting* a machine: its own agent, a sighting on the network, connections that others held with it,
//! logs of others. A name in somebody's configuration, directory or list proves no machine: a stale list would make the
//! estimate frighten, so what is only written or declared is counted apart.

use std::collections::HashMap;

use groma_model::inventory::{Basis, Entity, EvidenceEntry, Inventory};
use groma_model::{EntityId, EvidenceId, Witness};

/// The ways of meeting a machine, in the order of their bits.
pub(crate) const WAYS: [&str; 4] = ["agents", "network", "connections", "logs"];
const AGENT: u32 = 1;
const NETWORK: u32 = 1 << 1;
const CONNECTIONS: u32 = 1 << 2;
const LOGS: u32 = 1 << 3;
const ALL: u32 = AGENT | NETWORK | CONNECTIONS | LOGS;

/// Sources that tell of names, files and lists, whatever their witness is.
const NO_MEETING: [&str; 4] = ["names.", "certificates.", "directory.", "declared."];

/// Machines as the ways of meeting know them.
pub(crate) struct Histories {
    /// One history for each machine that was met.
    pub(crate) met: Vec<u32>,
    /// Machines that stand on a list or in a file and that nobody met.
    pub(crate) only_named: usize,
}

impl Histories {
    pub(crate) fn of(inventory: &Inventory) -> Self {
        let ways: HashMap<&EvidenceId, (u32, &EntityId)> = inventory
            .evidence
            .iter()
            .filter_map(|fact| Some((&fact.id, (way(fact)?, &fact.vantage))))
            .collect();
        // What a machine says of itself is its agent's word, by whatever source.
        let told = |machine: &EntityId, cited: &[EvidenceId]| {
            let facts = cited.iter().filter_map(|id| ways.get(id));
            let of_others = facts.filter(|(_, vantage)| *vantage != machine);
            of_others.fold(0, |all, (way, _)| all | way)
        };
        let machines = inventory.entities.iter().filter(|e| is_machine(e));
        let mut histories: HashMap<&EntityId, u32> = machines
            .map(|entity| {
                let by_others = told(&entity.id, &entity.evidence);
                (&entity.id, by_itself(entity) | by_others)
            })
            .collect();
        // What was concluded from several facts is no meeting of its own.
        let stated = inventory
            .dependencies
            .iter()
            .filter(|d| d.basis != Basis::Inferred);
        for dependency in stated {
            for end in [&dependency.consumer.entity, &dependency.provider.entity] {
                if let Some(history) = histories.get_mut(end).filter(|h| **h != ALL) {
                    *history |= told(end, &dependency.evidence);
                }
            }
        }
        // What only its platform tells of, or a list of it, was named by nobody as a machine that is met.
        let hosts = inventory.entities.iter().filter(|e| e.kind == "host");
        let named = hosts.filter(|host| histories.get(&host.id) == Some(&0));
        let only_named = named.count();
        let mut met: Vec<u32> = histories.into_values().filter(|h| *h != 0).collect();
        met.sort_unstable();
        Self { met, only_named }
    }

    /// The ways that met any machine, as words.
    pub(crate) fn ways(&self) -> Vec<&'static str> {
        let any = self.met.iter().fold(0, |all, history| all | history);
        let ways = WAYS.into_iter().enumerate();
        ways.filter(|(bit, _)| any >> bit & 1 == 1)
            .map(|(_, way)| way)
            .collect()
    }
}

fn is_machine(entity: &Entity) -> bool {
    let machine = matches!(entity.kind.as_str(), "host" | "vm" | "container");
    machine && !entity.attributes.unresolvable
}

/// The ways its own entry tells of.
fn by_itself(entity: &Entity) -> u32 {
    let agent = if entity.has_agent { AGENT } else { 0 };
    let seen = match entity.attributes.sightings.is_empty() {
        true => 0,
        false => NETWORK,
    };
    agent | seen
}

/// The way of meeting a machine that a fact is; none for a name in a file or a list.
fn way(fact: &EvidenceEntry) -> Option<u32> {
    let source = fact.source.as_str();
    if NO_MEETING.iter().any(|prefix| source.starts_with(prefix)) {
        return None;
    }
    match fact.witness {
        Witness::Network => Some(NETWORK),
        Witness::Live => Some(CONNECTIONS),
        Witness::History => Some(LOGS),
        Witness::Written | Witness::Declared => None,
    }
}
