//! `domain-trust-unseen`: a domain trusts another one that nobody looked at.

use std::collections::BTreeSet;

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::{told, values};
use crate::{Check, Draft, View};

pub(crate) struct DomainTrustUnseen;

impl Check for DomainTrustUnseen {
    fn name(&self) -> &'static str {
        "domain-trust-unseen"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let asked: BTreeSet<String> = told(view, &["directory"])
            .map(|(_, entry)| entry.object.directory.to_lowercase())
            .collect();
        let is_seen = |name: &str| asked.contains(&name.to_lowercase());
        told(view, &["trust"])
            .filter(|(_, entry)| is_used(entry) && !is_seen(&entry.object.name.lossy()))
            .map(|(domain, entry)| draft(domain, entry))
            .collect()
    }
}

/// A trust that is switched off leads nowhere; one within the forest is the domain's own.
fn is_used(entry: &DirectoryEntry) -> bool {
    let says =
        |attribute: &str, word: &str| values(&entry.object, attribute).iter().any(|v| v == word);
    !says("direction", "disabled") && !says("trustAttributes", "within the forest")
}

fn draft(domain: &Entity, entry: &DirectoryEntry) -> Draft {
    let object = &entry.object;
    let mut draft = Draft::about(&[&object.directory, &object.name.lossy()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} and {} let each other's accounts in, and nobody looked at {}: who logs on across, and to what, is unknown.",
        object.directory, object.name, object.name
    );
    draft.indicator = format!(
        "trust {} ({}, {})",
        object.name,
        values(object, "direction").join(", "),
        values(object, "kind").join(", ")
    );
    "Accounts of the partner lose their shares and applications when a controller or its name goes; the partner's own people find out.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask a directory of the partner too: name it in the access file.",
        "Find the partner's accounts in rights on shares and in logs of logons here.",
        "Keep the controllers and name servers that the partner forwards to until the trust was tested against the new ones.",
    ];
    draft.points_at(domain);
    draft.cites_evidence(&entry.evidence);
    draft
}
