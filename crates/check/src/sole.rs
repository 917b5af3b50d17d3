//! Who has one provider of a kind and no second: clients keep a list of them, and a list of one is none.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Dependency, Disposition};

use crate::View;

/// Needs of `kind` of machines that were looked at and that have one provider of it alone, by that provider.
pub(crate) fn alone<'a>(
    view: &View<'a>,
    kind: &str,
) -> BTreeMap<&'a EntityId, Vec<&'a Dependency>> {
    let counts = |d: &&Dependency| d.kind == kind && !d.details.local && d.current;
    let mut of_consumer: BTreeMap<&EntityId, Vec<&Dependency>> = BTreeMap::new();
    for need in view.dependencies().filter(counts) {
        of_consumer
            .entry(&need.consumer.entity)
            .or_default()
            .push(need);
    }
    let mut by_provider: BTreeMap<&EntityId, Vec<&Dependency>> = BTreeMap::new();
    for (consumer, needs) in of_consumer {
        let providers: BTreeSet<&EntityId> = needs.iter().map(|d| &d.provider.entity).collect();
        let looked_at = view
            .entity(consumer)
            .is_some_and(|machine| machine.has_agent);
        if let (true, Some(only)) = (looked_at && providers.len() == 1, providers.first()) {
            by_provider.entry(only).or_default().extend(needs);
        }
    }
    by_provider
}

/// True if somebody said of the system of this machine that it goes, or moves.
pub(crate) fn is_going(view: &View<'_>, machine: &EntityId) -> bool {
    view.systems_of(machine).any(|system| {
        matches!(
            system.disposition,
            Some(Disposition::Retire | Disposition::Replace | Disposition::Move)
        )
    })
}
