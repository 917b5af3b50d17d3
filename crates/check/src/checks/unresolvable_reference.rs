//! `unresolvable-reference`: a configuration names something that leads nowhere.

use groma_model::inventory::{Dependency, Likelihood, Severity, Strength};

use crate::view::{is_written, was_seen_alive};
use crate::wording::{agree, kinds_of, names, who};
use crate::{Check, Draft, View};

pub(crate) struct UnresolvableReference;

impl Check for UnresolvableReference {
    fn name(&self) -> &'static str {
        "unresolvable-reference"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(|d| leads_nowhere(view, d));
        let (outside, inside): (Vec<_>, Vec<_>) = groups
            .values()
            .partition(|group| group.iter().all(|d| is_external(view, d)));
        let mut drafts: Vec<Draft> = inside.into_iter().map(|d| draft(view, d)).collect();
        match outside.as_slice() {
            [] => {}
            [only] => drafts.push(draft(view, only)),
            several => drafts.push(outside_names(several)),
        }
        drafts
    }
}

/// Written, its name resolves to nothing, and nobody was seen reaching it all the same.
pub(super) fn leads_nowhere(view: &View<'_>, d: &Dependency) -> bool {
    let only_told = is_written(d) && !(d.current && was_seen_alive(d));
    only_told
        && view
            .entity(&d.provider.entity)
            .is_some_and(|e| e.attributes.unresolvable)
}

fn is_external(view: &View<'_>, d: &Dependency) -> bool {
    view.entity(&d.provider.entity)
        .is_some_and(|e| e.kind == "external")
}

/// Names of the outside world that do not resolve have one cause more often than many: the name server
/// of the network knows only its own names, and a proxy resolves the rest. So they are one finding.
fn outside_names(groups: &[&Vec<&Dependency>]) -> Draft {
    let mut draft = Draft::about(&["outside"]);
    let dependencies = || groups.iter().flat_map(|group| group.iter().copied());
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Low;
    draft.risk = format!(
        "{} names of the outside world stand in configurations and do not resolve from here.",
        groups.len()
    );
    draft.indicator = names(dependencies().map(|d| d.provider.name.as_str()));
    "Nothing, where a proxy looks names up; otherwise these services do not work today."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask whether this network resolves outside names at all, or leaves that to a proxy.",
        "If it does: ask the owners of these configurations whether the lines are still needed.",
    ];
    dependencies().for_each(|d| draft.cites(d));
    draft
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let blocking = dependencies
        .iter()
        .any(|d| d.strength == Strength::Blocking);
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    draft.severity = if blocking {
        Severity::Medium
    } else {
        Severity::Low
    };
    draft.layer.clone_from(&first.layer);
    draft.likelihood = Likelihood::Medium;
    let consumers = names(dependencies.iter().map(|d| d.consumer.name.as_str()));
    let number = crate::view::consumers(dependencies);
    draft.risk = format!(
        "{consumers} {} told to use {}, and that name leads nowhere.",
        agree(number, "is", "are"),
        provider.name
    );
    let files: Vec<&String> = dependencies
        .iter()
        .flat_map(|d| &d.details.written_in)
        .collect();
    let files = if files.is_empty() {
        String::new()
    } else {
        format!("; written in {}", names(files))
    };
    draft.indicator = format!(
        "{} does not resolve; {} for {}{files}",
        provider.name,
        kinds_of(dependencies),
        who(dependencies)
    );
    "Something that should work does not, perhaps unnoticed for long; or the name exists only where nobody looked.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask the owner whether it is still needed.",
        "If it is: find what the name once meant, and give it to the new system. If not: take the line out.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
