//! `managed-account-hosts`: an account whose password the domain keeps runs only where it is allowed.

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::{told, values};
use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct ManagedAccountHosts;

impl Check for ManagedAccountHosts {
    fn name(&self) -> &'static str {
        "managed-account-hosts"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        told(view, &["managed-service-account"])
            .filter(|(_, entry)| !values(&entry.object, "password-readable-by").is_empty())
            .map(|(account, entry)| draft(account, entry))
            .collect()
    }
}

fn draft(account: &Entity, entry: &DirectoryEntry) -> Draft {
    let allowed = values(&entry.object, "password-readable-by");
    let mut draft = Draft::about(&[account.id.as_str()]);
    draft.severity = Severity::Medium;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "Services that run as {} start only on machines that may fetch its password: on a new machine that is not on the list they do not start at all.",
        account.name
    );
    draft.indicator = format!(
        "{} on the list: {}",
        count(allowed.len(), "machine or group", "machines and groups"),
        names(allowed)
    );
    "The service stays down on the day of the move, with an error that speaks of a wrong password nobody ever knew."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Put the new machine on the list (or into the group on it) before the move, and restart it once so that it knows.",
        "Install the account on the new machine and test that it can log on there.",
        "Take the old machine off the list after its switch-off.",
    ];
    draft.points_at(account);
    draft.cites_evidence(&entry.evidence);
    draft
}
