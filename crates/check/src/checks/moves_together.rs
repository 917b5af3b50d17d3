//! `moves-together`: machines that need each other in a circle.
//!
//! The circles come from the graph; this says what they mean for a wave.

use std::collections::HashSet;

use groma_model::EntityId;
use groma_model::Timestamp;
use groma_model::inventory::{Dependency, Finding, Inventory, Likelihood, Severity};

use crate::wording::{names, told};
use crate::{Draft, View};

/// Dependencies one circle cites at most; its members say which others there are.
const SUBJECTS_MAX: usize = 200;

/// One finding per circle of machines that need each other, directly or through one another.
///
/// `cycles` are the strongly connected groups of the graph, each member once and in order, local and shared needs left out.
pub fn moves_together(
    inventory: &Inventory,
    cycles: &[Vec<EntityId>],
    now: Timestamp,
) -> Vec<Finding> {
    let view = View::new(inventory, now);
    moves_together_in(&view, cycles)
}

/// The same, in an estate that is already indexed.
pub fn moves_together_in(view: &View<'_>, cycles: &[Vec<EntityId>]) -> Vec<Finding> {
    let drafts = cycles.iter().filter(|circle| circle.len() > 1);
    drafts
        .map(|circle| draft(view, circle).finding("moves-together", view))
        .collect()
}

fn draft(view: &View<'_>, circle: &[EntityId]) -> Draft {
    let about: Vec<&str> = circle.iter().map(EntityId::as_str).collect();
    let mut draft = Draft::about(&about);
    let members: HashSet<&EntityId> = circle.iter().collect();
    let within: Vec<&Dependency> = circle
        .iter()
        .flat_map(|id| view.needs_of(id))
        .filter(|d| members.contains(&d.provider.entity))
        .filter(|d| !d.details.local && !d.shared_service)
        .collect();
    let machines = names(
        circle
            .iter()
            .filter_map(|id| view.entity(id))
            .map(|e| e.name.as_str()),
    );
    draft.severity = Severity::Medium;
    draft.likelihood = Likelihood::High;
    draft.risk =
        format!("{machines} need each other in a circle: none of them can move before the others.");
    let needs = within
        .iter()
        .map(|d| (&d.consumer.name, &d.provider.name, &d.kind));
    draft.indicator = told(needs, |(consumer, provider, kind)| {
        format!("{consumer} needs {provider} ({kind})")
    });
    "Moved apart, each side fails until the other has followed.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Put them into one wave.",
        "Or keep old and new reachable from both sides until the last one has moved, and say until when.",
    ];
    circle
        .iter()
        .filter_map(|id| view.entity(id))
        .for_each(|e| draft.points_at(e));
    within
        .iter()
        .take(SUBJECTS_MAX)
        .for_each(|d| draft.cites(d));
    draft
}
