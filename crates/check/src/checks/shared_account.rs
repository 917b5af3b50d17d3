//! `shared-account`: one account that programs on many machines log on with.

use groma_model::inventory::{Likelihood, Severity};

use super::account::{Account, Uses, of_services};
use crate::wording::{count, names};
use crate::{Check, Draft, View};

/// From so many machines on an account is one that nobody can change without the others.
const MACHINES_MIN: usize = 3;
const MACHINES_HIGH: usize = 10;

pub(crate) struct SharedAccount;

impl Check for SharedAccount {
    fn name(&self) -> &'static str {
        "shared-account"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let accounts = of_services(view);
        let drafts = accounts
            .iter()
            .filter(|(_, uses)| uses.consumers().len() >= MACHINES_MIN)
            .map(|(account, uses)| draft(view, account, uses));
        drafts.collect()
    }
}

fn draft(view: &View<'_>, Account { of, name: account }: &Account<'_>, uses: &Uses<'_>) -> Draft {
    let consumers = uses.consumers();
    let mut draft = Draft::about(&[of.as_str(), account]);
    draft.severity = match consumers.len() {
        MACHINES_HIGH.. => Severity::High,
        _ => Severity::Medium,
    };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let machines = count(consumers.len(), "machine", "machines");
    draft.risk = format!(
        "{machines} log on as {account}: a new password, a lock or a rule for one of them is one for all."
    );
    let entities = consumers.iter().filter_map(|id| view.entity(id));
    let from = names(entities.map(|e| e.name.as_str()));
    let towards = uses.needs.iter().map(|d| d.provider.name.as_str());
    draft.indicator = format!("{account} at {}: used from {from}", names(towards));
    "While half of the machines have moved, the password has to be right on both sides; whoever guesses it wrongly often enough locks all of them out.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Give each program an account of its own before the wave, with the rights it really uses.",
        "Until then keep the password as it is over the whole move, and note every place it stands in.",
        "Watch for lock-outs of this account on the day.",
    ];
    for id in consumers {
        view.entity(id).into_iter().for_each(|e| draft.points_at(e));
    }
    uses.needs.iter().for_each(|need| draft.cites(need));
    uses.rows
        .iter()
        .for_each(|row| draft.cites_evidence(&row.evidence));
    draft
}
