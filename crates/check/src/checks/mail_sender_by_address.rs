//! `mail-sender-by-address`: a mail server lets machines send by their address alone, and the list of them is made by hand.

use groma_model::Witness;
use groma_model::inventory::{Dependency, Likelihood, Severity};

use crate::view::{consumers, was_seen_alive};
use crate::wording::{agree, consumers_of, count, who};
use crate::{Check, Draft, View};

pub(crate) struct MailSenderByAddress;

impl Check for MailSenderByAddress {
    fn name(&self) -> &'static str {
        "mail-sender-by-address"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let groups = view.by_provider(is_listed);
        groups.values().map(|listed| draft(view, listed)).collect()
    }
}

/// Let in by a directory's list of addresses. What a configuration file says has checks of its own.
fn is_listed(d: &Dependency) -> bool {
    d.kind == "smtp-relay"
        && d.witnesses.contains(&Witness::Declared)
        && d.hidden_because
            .iter()
            .any(|r| r == "unauthenticated-relay")
}

fn draft(view: &View<'_>, listed: &[&Dependency]) -> Draft {
    let Some(first) = listed.first() else {
        return Draft::about(&[]);
    };
    let provider = &first.provider;
    let machines = consumers(listed);
    let alive = listed.iter().filter(|d| was_seen_alive(d)).count();
    let mut draft = Draft::about(&[provider.entity.as_str()]);
    draft.severity = Severity::High;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} {} mail through {} because of {} alone: the new mail server does not know them, and a copier tells nobody that its scans are lost.",
        consumers_of(listed),
        agree(machines, "sends", "send"),
        provider.name,
        agree(machines, "its address", "their addresses"),
    );
    draft.indicator = format!(
        "{} on a list of receive connectors or as read off a panel, {alive} of them seen sending: {}",
        count(machines, "single address", "single addresses"),
        who(listed)
    );
    "Scans, alarms and reports stop on the day of the move; who waits for them finds out last."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask for each address what stands there and who owns it; the log of the connector says who still sends.",
        "Carry the list over to the new server before the switch, without those that nobody knows.",
        "Give whatever can log on an account and TLS instead.",
    ];
    view.entity(&provider.entity)
        .into_iter()
        .for_each(|e| draft.points_at(e));
    listed.iter().for_each(|d| draft.cites(d));
    draft
}
