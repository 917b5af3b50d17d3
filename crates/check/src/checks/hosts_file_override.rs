//! `hosts-file-override`: a hosts file decides where a name leads, so a DNS change will not.

use groma_model::inventory::{Dependency, Likelihood, Provider, ReachedBy, Severity, Strength};

use crate::view::consumers;
use crate::wording::{agree, consumers_of, kinds_of, who};
use crate::{Check, Draft, View};

pub(crate) struct HostsFileOverride;

impl Check for HostsFileOverride {
    fn name(&self) -> &'static str {
        "hosts-file-override"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let overridden =
            |d: &Dependency| d.reached_by == Some(ReachedBy::HostsFile) && !d.details.local;
        let groups = view.grouped(|d| {
            overridden(d).then(|| (&d.provider.entity, d.reached_as.clone().unwrap_or_default()))
        });
        groups
            .iter()
            .map(|((_, name), dependencies)| draft(view, name, dependencies))
            .collect()
    }
}

/// Whom the hosts file means: the machine, or its address where the name asked for is all that is known of it.
fn pinned_to(asked: &str, provider: &Provider) -> String {
    match provider.addresses.as_slice() {
        [only] if provider.name.eq_ignore_ascii_case(asked) => only.to_string(),
        _ => provider.name.clone(),
    }
}

fn draft(view: &View<'_>, name: &str, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let asked = if name.is_empty() {
        provider.name.as_str()
    } else {
        name
    };
    let machines = consumers(dependencies);
    let mut draft = Draft::about(&[provider.entity.as_str(), asked]);
    let blocking = dependencies
        .iter()
        .any(|d| d.strength == Strength::Blocking);
    draft.severity = if blocking {
        Severity::Medium
    } else {
        Severity::Low
    };
    draft.layer.clone_from(&first.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "On {} a hosts file decides where {asked} leads: changing the name in DNS moves everybody but {}.",
        consumers_of(dependencies),
        agree(machines, "it", "them")
    );
    draft.indicator = format!(
        "{asked} is pinned to {} for {}: {}",
        pinned_to(asked, provider),
        kinds_of(dependencies),
        who(dependencies)
    );
    draft.impact = format!(
        "{} calling the old place after the move, and the fault looks like a fault of the new system.",
        agree(machines, "It goes on", "They go on")
    );
    draft.mitigations = vec![
        "Ask who wrote the line and why; it often hides a name that DNS never had.",
        "Put the name into DNS, then take the line out, one machine at a time.",
        "If the line must stay, change it in the same hour as the move.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
