//! `unconstrained-delegation`: a machine or an account may act as anybody who logs on to it, towards everything.

use groma_model::fact::DirectoryObject;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::directory_objects as objects;
use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct UnconstrainedDelegation;

impl Check for UnconstrainedDelegation {
    fn name(&self) -> &'static str {
        "unconstrained-delegation"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let entities = view.entities();
        let trusted: Vec<&Entity> = entities.filter(|e| objects(e).any(is_trusted)).collect();
        match trusted.is_empty() {
            true => Vec::new(),
            false => vec![draft(&trusted)],
        }
    }
}

/// Domain controllers have the flag by design; they are not told it.
fn is_trusted(object: &DirectoryObject) -> bool {
    let said = object.attributes.get("delegation");
    let disabled = object
        .attributes
        .get("state")
        .is_some_and(|s| s.iter().any(|w| w == "disabled"));
    !disabled && said.is_some_and(|d| d.iter().any(|word| word == "to any service"))
}

fn draft(trusted: &[&Entity]) -> Draft {
    let mut draft = Draft::about(&["unconstrained-delegation"]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    let labels: Vec<String> = trusted
        .iter()
        .flat_map(|e| objects(e))
        .filter(|o| is_trusted(o))
        .map(|o| o.name.to_string())
        .collect();
    draft.risk = format!(
        "{} may act as anybody who logs on there, towards every service: whoever takes one over has the domain.",
        count(trusted.len(), "machine or account", "machines and accounts"),
    );
    draft.indicator = format!("trusted for delegation to any service: {}", names(&labels));
    "An application that was moved without it stops logging its users on to what stands behind; one that is moved with it takes the risk along.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find out which services it really acts towards (its connections, its configuration), and list only those.",
        "Give the new machine a delegation to these services before the move, and test a logon through it.",
        "Then take the flag away from the old one.",
    ];
    for entity in trusted {
        draft.points_at(entity);
        draft.cites_evidence(
            entity
                .evidence
                .get(..entity.evidence.len().min(3))
                .unwrap_or_default(),
        );
    }
    draft
}
