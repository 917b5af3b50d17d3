//! `cleartext-mail-submission`: mail, or the password that sends it, travels in clear text.

use groma_model::inventory::{Dependency, Likelihood, Severity};
use groma_model::name::Protection;

use crate::view::consumers;
use crate::wording::{agree, consumers_of, without_tls};
use crate::{Check, Draft, View};

pub(crate) struct CleartextMailSubmission;

impl Check for CleartextMailSubmission {
    fn name(&self) -> &'static str {
        "cleartext-mail-submission"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(is_open);
        groups
            .values()
            .map(|dependencies| draft(view, dependencies))
            .collect()
    }
}

fn has_account(d: &Dependency) -> bool {
    d.details.account.is_some() || !d.details.accounts.is_empty()
}

/// Local mail without a password is how every machine sends its own; it is no finding.
fn is_open(d: &Dependency) -> bool {
    let mail = matches!(d.kind.as_str(), "smtp-submission" | "smtp-relay");
    mail && d.details.protection == Some(Protection::None) && (has_account(d) || !d.details.local)
}

fn draft(view: &View<'_>, dependencies: &[&Dependency]) -> Draft {
    let Some(first) = dependencies.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let machines = consumers(dependencies);
    let remote = dependencies.iter().any(|d| !d.details.local);
    let password = dependencies
        .iter()
        .any(|d| has_account(d) && (!d.details.local || !remote));
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    draft.severity = match (remote, password) {
        (true, true) => Severity::High,
        (true, false) => Severity::Medium,
        (false, _) => Severity::Low,
    };
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = if remote {
        Likelihood::Medium
    } else {
        Likelihood::Low
    };
    let whose = format!(
        "{} {}",
        consumers_of(dependencies),
        agree(machines, "hands", "hand")
    );
    draft.risk = match (remote, password) {
        (true, true) => format!(
            "{whose} mail to {} in clear text, with a password: anybody on the way can send in that name.",
            provider.name
        ),
        (true, false) => format!(
            "{whose} mail to {} in clear text: anybody on the way can read and change it.",
            provider.name
        ),
        (false, _) => format!(
            "{} sends mail to itself with an open password: harmless until the mail server moves to another machine.",
            provider.name
        ),
    };
    draft.indicator = without_tls(dependencies);
    "Reports, invoices and alarms can be read or forged; a new mail system usually refuses unprotected submission, and then they stop.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Switch the senders to STARTTLS or TLS while the old server still allows both.",
        "For machines that cannot: a small relay beside them that speaks TLS onwards.",
        "Change the passwords that travelled openly, after the switch.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    dependencies.iter().for_each(|d| draft.cites(d));
    draft
}
