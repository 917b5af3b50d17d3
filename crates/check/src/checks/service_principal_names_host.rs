//! `service-principal-names-host`: a service is known to the domain by the name of the machine it runs on.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::told;
use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct ServicePrincipalNamesHost;

impl Check for ServicePrincipalNamesHost {
    fn name(&self) -> &'static str {
        "service-principal-names-host"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut hosts: BTreeMap<&EntityId, Vec<(&Entity, &DirectoryEntry)>> = BTreeMap::new();
        // What nobody found a machine for stands on the directory itself.
        let placed =
            told(view, &["service-principal"]).filter(|(host, _)| host.kind != "directory");
        for principal in placed {
            hosts.entry(&principal.0.id).or_default().push(principal);
        }
        hosts.values().filter_map(|all| draft(all)).collect()
    }
}

fn draft(principals: &[(&Entity, &DirectoryEntry)]) -> Option<Draft> {
    let (host, _) = principals.first()?;
    let mut draft = Draft::about(&[host.id.as_str()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} registered under the name of {}: on a machine with another name its users are asked for passwords, or refused.",
        count(principals.len(), "service", "services"),
        agree(principals.len(), "is", "are"),
        host.name
    );
    let said = principals.iter().map(|(_, entry)| {
        let object = &entry.object;
        let account = object.account.as_ref().map(|a| format!(" as {a}"));
        format!("{}{}", object.name, account.unwrap_or_default())
    });
    draft.indicator = names(said);
    "Single sign-on to the service stops with the name; two accounts with the same registration stop it for everybody."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Register the new name for the same account before the move; never the same name for two accounts.",
        "Test a logon by name from a client that is not the server itself.",
        "Take the old registration away after the switch-off, when no alias leads there any more.",
    ];
    draft.points_at(host);
    for (_, entry) in principals {
        draft.cites_evidence(&entry.evidence);
    }
    Some(draft)
}
