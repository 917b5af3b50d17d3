//! Who knows of which machine: the histories of capture, out of the document.
//!
//! A list is a way of *meeting* a machine: its own agent, a sighting on the network, connections that others held with it,
//! logs of others. A name in somebody's configuration, directory or list proves no machine: a stale list would make the
//! estimate frighten, so what is only written or declared is counted apart.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Basis, Entity, EvidenceEntry, Inventory};
use groma_model::{EntityId, EvidenceId, Witness};

/// The ways of meeting a machine, in the order of their bits.
pub(crate) const WAYS: [&str; 4] = ["agents", "network", "connections", "logs"];
const AGENT: u32 = 1;
const NETWORK: u32 = 1 << 1;
const CONNECTIONS: u32 = 1 << 2;
const LOGS: u32 = 1 << 3;

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
        let evidence: BTreeMap<&EvidenceId, &EvidenceEntry> =
            inventory.evidence.iter().map(|e| (&e.id, e)).collect();
        let mut facts: BTreeMap<&EntityId, BTreeSet<&EvidenceId>> = BTreeMap::new();
        for entity in inventory.entities.iter().filter(|e| is_machine(e)) {
            facts
                .entry(&entity.id)
                .or_default()
                .extend(&entity.evidence);
        }
        // What was concluded from several facts is no meeting of its own.
        let stated = inventory
            .dependencies
            .iter()
            .filter(|d| d.basis != Basis::Inferred);
        for dependency in stated {
            for end in [&dependency.consumer.entity, &dependency.provider.entity] {
                if let Some(facts) = facts.get_mut(end) {
                    facts.extend(&dependency.evidence);
                }
            }
        }
        let mut met = Vec::new();
        let mut only_named = 0;
        for entity in inventory.entities.iter().filter(|e| is_machine(e)) {
            let cited = facts.get(&entity.id).into_iter().flatten();
            let cited = cited.filter_map(|id| evidence.get(id).copied());
            match history(entity, cited) {
                0 => only_named += 1,
                history => met.push(history),
            }
        }
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
    entity.kind == "host" && !entity.attributes.unresolvable
}

fn history<'a>(entity: &Entity, facts: impl Iterator<Item = &'a EvidenceEntry>) -> u32 {
    let mut history = 0;
    if entity.has_agent {
        history |= AGENT;
    }
    if !entity.attributes.sightings.is_empty() {
        history |= NETWORK;
    }
    // What a machine says of itself is its agent's word, by whatever source.
    for fact in facts.filter(|fact| fact.vantage != entity.id) {
        history |= way(fact);
    }
    history
}

fn way(fact: &EvidenceEntry) -> u32 {
    let source = fact.source.as_str();
    if NO_MEETING.iter().any(|prefix| source.starts_with(prefix)) {
        return 0;
    }
    match fact.witness {
        Witness::Network => NETWORK,
        Witness::Live => CONNECTIONS,
        Witness::History => LOGS,
        Witness::Written | Witness::Declared => 0,
    }
}
