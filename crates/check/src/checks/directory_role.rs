//! `directory-role`: a machine holds a role of the domain that somebody must hand over before it goes.

use groma_model::fact::DirectoryObject;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::wording::names;
use crate::{Check, Draft, View};

pub(crate) struct DirectoryRole;

impl Check for DirectoryRole {
    fn name(&self) -> &'static str {
        "directory-role"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let entities = view.entities();
        entities.filter_map(draft).collect()
    }
}

/// The role of an object, for a person.
fn role(object: &DirectoryObject) -> Option<String> {
    match object.class.as_str() {
        "role" => Some(object.name.to_string()),
        "enrolment-service" => Some(format!("certificate authority {}", object.name)),
        "dhcp-server" => Some("authorised DHCP server".to_owned()),
        _ => None,
    }
}

fn draft(host: &Entity) -> Option<Draft> {
    // A directory itself keeps the roles whose holder is not known; nobody can act on those.
    if host.kind == "directory" {
        return None;
    }
    let mut roles: Vec<String> = host
        .attributes
        .directory_objects
        .iter()
        .filter_map(|entry| role(&entry.object))
        .collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() {
        return None;
    }
    let mut draft = Draft::about(&[host.id.as_str()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} holds what the domain has once: switched off before it is handed over, it is missed later and without a warning.",
        host.name
    );
    draft.indicator = names(&roles);
    "New accounts, password changes, certificates or addresses stop some hours or days after the switch-off, when nobody thinks of it any more.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Hand every role over to a machine that stays, and look at the directory again: it says who holds it.",
        "Certificate authority: plan its move on its own, with its name, its lists and its keys.",
        "DHCP: authorise the new server, move the leases, then take the old one's authorisation away.",
    ];
    draft.points_at(host);
    draft.cites_evidence(
        host.evidence
            .get(..host.evidence.len().min(10))
            .unwrap_or_default(),
    );
    Some(draft)
}
