//! `address-literal`: a provider is reached by its address, so a name change will not move anybody.

use groma_model::inventory::{Dependency, Likelihood, ReachedBy, Severity, Strength};

use crate::view::{consumers, is_loopback_or_link, is_outside};
use crate::wording::{agree, consumers_of, count, kinds_of, names, who};
use crate::{Check, Draft, View};

/// From this many consumers on, a move by name alone is sure to break something that matters.
const CONSUMERS_MANY: usize = 5;

pub(crate) struct AddressLiteral;

impl Check for AddressLiteral {
    fn name(&self) -> &'static str {
        "address-literal"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(|d| is_literal(view, d));
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

/// Public resolvers and time servers are always written as addresses, and nobody is going to move them.
fn is_literal(view: &View<'_>, d: &Dependency) -> bool {
    if d.reached_by != Some(ReachedBy::AddressLiteral) || d.details.local {
        return false;
    }
    let used = d.reached_as.as_deref().and_then(|text| text.parse().ok());
    let here = used.as_ref().is_some_and(is_loopback_or_link);
    let outside = is_outside(view.entity(&d.provider.entity), &d.provider.addresses);
    let never_leaves =
        !d.provider.addresses.is_empty() && d.provider.addresses.iter().all(is_loopback_or_link);
    let folded = outside && d.shared_service;
    !(here || never_leaves || folded)
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let machines = consumers(dependencies);
    let blocking = dependencies
        .iter()
        .any(|d| d.strength == Strength::Blocking && !d.shared_service);
    let outside = is_outside(view.entity(&provider.entity), &provider.addresses);
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    draft.severity = match (blocking, outside) {
        (true, false) if machines >= CONSUMERS_MANY => Severity::High,
        (true, false) => Severity::Medium,
        _ => Severity::Low,
    };
    draft.layer.clone_from(&first.layer);
    draft.likelihood = if outside {
        Likelihood::Low
    } else {
        Likelihood::High
    };
    draft.risk = format!(
        "{} {} {} by its address: when it moves, {} calling the old address, and a changed name helps nobody.",
        consumers_of(dependencies),
        agree(machines, "reaches", "reach"),
        provider.name,
        agree(machines, "it keeps", "they keep")
    );
    let used = names(dependencies.iter().filter_map(|d| d.reached_as.as_deref()));
    let kinds = kinds_of(dependencies);
    draft.indicator = format!(
        "{} written as {used} for {kinds}: {}",
        count(dependencies.len(), "dependency", "dependencies"),
        who(dependencies)
    );
    draft.impact = match blocking {
        true => format!(
            "On the day the address changes, {} ({kinds}).",
            agree(machines, "it stops", "all of them stop")
        ),
        false => format!(
            "On the day the address changes, {kinds} fails or slows down, perhaps without anybody noticing."
        ),
    };
    draft.mitigations = vec![
        "Give the service a name of its own, and write that name wherever the address stands.",
        "What cannot be changed before the wave: keep the old address on the new system, or forward it.",
        "After the move, listen on the old address for who still calls it.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
