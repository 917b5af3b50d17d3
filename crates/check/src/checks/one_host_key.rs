//! `one-host-key`: machines that prove one SSH host key: maybe one machine, maybe copies of one.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, ListenerEntry, Severity};

use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct OneHostKey;

impl Check for OneHostKey {
    fn name(&self) -> &'static str {
        "one-host-key"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut by_key: BTreeMap<&str, Vec<&ListenerEntry>> = BTreeMap::new();
        for listener in view.all(|i| &i.listeners) {
            let keys = listener.answer.iter().flat_map(|a| &a.host_keys);
            for key in keys {
                by_key.entry(key).or_default().push(listener);
            }
        }
        // Machines with several keys in common are told of once.
        let mut told: BTreeMap<BTreeSet<&EntityId>, Draft> = BTreeMap::new();
        for (key, listeners) in by_key {
            let hosts: BTreeSet<&EntityId> = listeners.iter().map(|l| &l.entity).collect();
            if hosts.len() > 1 {
                let draft = || draft(view, key, &hosts, &listeners);
                told.entry(hosts.clone()).or_insert_with(draft);
            }
        }
        told.into_values().collect()
    }
}

fn draft(
    view: &View<'_>,
    key: &str,
    hosts: &BTreeSet<&EntityId>,
    listeners: &[&ListenerEntry],
) -> Draft {
    let subjects: Vec<&str> = hosts.iter().map(|id| id.as_str()).collect();
    let mut draft = Draft::about(&subjects);
    let name = |id: &EntityId| view.entity(id).map_or("a machine", |e| e.name.as_str());
    let who = names(hosts.iter().map(|id| name(id)));
    draft.severity = Severity::Low;
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{who} are maybe the same machine: they prove one SSH host key. Or they are copies of one, for a copied machine keeps its key until somebody makes a new one."
    );
    draft.indicator = format!(
        "{} with the host key {key}, each of which proved to hold its private half",
        count(hosts.len(), "machine", "machines"),
    );
    "What is one machine is counted twice, and planned twice; what are copies trust each other's names."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Log on to one of them and look at its addresses; put an agent on it, or name both in an imported list.",
        "Where they are copies: make new host keys on all but one.",
    ];
    for id in hosts {
        view.entity(id).into_iter().for_each(|e| draft.points_at(e));
    }
    for listener in listeners {
        draft.cites_evidence(&listener.evidence);
    }
    draft
}
