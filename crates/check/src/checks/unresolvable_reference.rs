//! `unresolvable-reference`: a configuration names something that leads nowhere.

use groma_model::inventory::{Dependency, Likelihood, Severity, Strength};

use crate::view::{is_written, was_seen_alive};
use crate::wording::{agree, names, title, who};
use crate::{Check, Draft, View};

pub(crate) struct UnresolvableReference;

impl Check for UnresolvableReference {
    fn name(&self) -> &'static str {
        "unresolvable-reference"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.grouped(|d| leads_nowhere(view, d).then_some(&d.provider.entity));
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

/// Written, its name resolves to nothing, and nobody was seen reaching it all the same.
pub(super) fn leads_nowhere(view: &View<'_>, d: &Dependency) -> bool {
    let unknown = view
        .entity(&d.provider.entity)
        .is_some_and(|e| e.attributes.unresolvable);
    unknown && is_written(d) && !(d.current && was_seen_alive(d))
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
        names(dependencies.iter().map(|d| title(&d.kind))),
        names(dependencies.iter().map(|d| who(d)))
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
