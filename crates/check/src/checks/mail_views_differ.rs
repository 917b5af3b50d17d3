//! `mail-views-differ`: two machines were told different things about the mail of one domain.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::MailPurpose;
use groma_model::inventory::{Likelihood, MailRecordEntry, Severity};
use groma_model::{EntityId, HostName};

use crate::view::is_outside;
use crate::wording::names;
use crate::{Check, Draft, View};

pub(crate) struct MailViewsDiffer;

/// What was asked: a domain, for what, at which name.
type Asked<'a> = (&'a HostName, MailPurpose, &'a HostName);

impl Check for MailViewsDiffer {
    fn name(&self) -> &'static str {
        "mail-views-differ"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut answers: BTreeMap<Asked<'_>, Vec<&MailRecordEntry>> = BTreeMap::new();
        // Each controller of a directory calls itself the primary of its zones: that differs wherever it is asked.
        let records = view.all(|i| &i.mail_records);
        for record in records.filter(|record| record.purpose != MailPurpose::Origin) {
            let asked = (&record.domain, record.purpose, &record.asked);
            answers.entry(asked).or_default().push(record);
        }
        answers
            .into_values()
            .filter(|records| records.len() > 1 && concerns_us(view, records))
            .map(|records| draft(view, &records))
            .collect()
    }
}

/// Addresses of other people's machines change by time and place; only where ours are among them is it our zone.
fn concerns_us(view: &View<'_>, records: &[&MailRecordEntry]) -> bool {
    let of_a_machine = |purpose| {
        matches!(
            purpose,
            MailPurpose::Address
                | MailPurpose::Autodiscover
                | MailPurpose::MtaSts
                | MailPurpose::Reverse
        )
    };
    if !records.iter().all(|r| of_a_machine(r.purpose)) {
        return true;
    }
    let machines = records.iter().flat_map(|r| &r.machines);
    machines
        .filter_map(|id| view.entity(id))
        .any(|machine| !is_outside(Some(machine), &machine.addresses))
}

fn draft(view: &View<'_>, records: &[&MailRecordEntry]) -> Draft {
    let Some(first) = records.first() else {
        return Draft::about(&[]);
    };
    let asked = first.asked.as_str();
    let mut draft = Draft::about(&[first.domain.as_str(), first.purpose.as_str(), asked]);
    draft.severity = Severity::Low;
    let layer = match first.purpose.is_of_mail() {
        true => "mail",
        false => "network",
    };
    layer.clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "What {} at {asked} says depends on where it is asked: a change made in one place leaves the other as it was.",
        first.purpose.as_str()
    );
    let name = |id: &EntityId| view.entity(id).map(|e| e.name.clone());
    let told = records.iter().map(|record| {
        let from = names(record.seen_from.iter().filter_map(name));
        match record.values.as_slice() {
            [] => format!("{from} is told of none"),
            values => format!("{from} is told {}", names(values)),
        }
    });
    draft.indicator = told.collect::<Vec<_>>().join("; ");
    "After the move one half of the users or senders reaches the new system and the other half the old one.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Find both zones, inside and outside, and put the change of each on the list for the night of the move.",
        "If they are meant to be alike, find out why they are not.",
    ];
    let machines: BTreeSet<&EntityId> = records.iter().flat_map(|r| &r.seen_from).collect();
    for machine in machines.into_iter().filter_map(|id| view.entity(id)) {
        draft.points_at(machine);
    }
    records
        .iter()
        .for_each(|r| draft.cites_evidence(&r.evidence));
    draft
}
