//! `mail-reverse-fault`: an address that sends mail has no name, or one that does not lead back.

use std::collections::BTreeMap;

use groma_model::HostName;
use groma_model::fact::MailPurpose;
use groma_model::inventory::{Likelihood, MailRecordEntry, Severity};

use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

pub(crate) struct MailReverseFault;

impl Check for MailReverseFault {
    fn name(&self) -> &'static str {
        "mail-reverse-fault"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut answers: BTreeMap<&HostName, Vec<&MailRecordEntry>> = BTreeMap::new();
        let records = view.all(|i| &i.mail_records);
        for record in records.filter(|record| record.purpose == MailPurpose::Reverse) {
            answers.entry(&record.asked).or_default().push(record);
        }
        let mut by: BTreeMap<&HostName, Vec<&MailRecordEntry>> = BTreeMap::new();
        // Who is told a good name, is told it from where it matters: a zone inside need not know addresses of outside.
        answers.retain(|_, records| records.iter().all(|record| !record.faults.is_empty()));
        for record in answers.into_values().flatten() {
            by.entry(&record.domain).or_default().push(record);
        }
        by.into_iter()
            .map(|(domain, records)| draft(view, domain, &records))
            .collect()
    }
}

fn draft(view: &View<'_>, domain: &HostName, records: &[&MailRecordEntry]) -> Draft {
    let mut draft = Draft::about(&[domain.as_str()]);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    let mut addresses: Vec<&HostName> = records.iter().map(|record| &record.asked).collect();
    addresses.sort();
    addresses.dedup();
    draft.risk = format!(
        "{} that {} mail of {domain} {} no name that leads back: many receivers refuse mail from there.",
        count(addresses.len(), "address", "addresses"),
        agree(addresses.len(), "sends", "send"),
        agree(addresses.len(), "has", "have")
    );
    draft.indicator = names(records.iter().flat_map(|record| &record.faults));
    "Mail to some receivers comes back or is taken for junk; after the move the new address has the same need.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask whoever gave the address for its name in the reverse zone (PTR), and let that name lead back to it (A, AAAA).",
        "Order the name of the new address together with the address: it takes days.",
        "Let the new server greet others with that very name (HELO).",
    ];
    let told = records
        .iter()
        .flat_map(|r| r.seen_from.iter().chain(&r.machines));
    for machine in told.filter_map(|id| view.entity(id)) {
        draft.points_at(machine);
    }
    records
        .iter()
        .for_each(|record| draft.cites_evidence(&record.evidence));
    draft
}
