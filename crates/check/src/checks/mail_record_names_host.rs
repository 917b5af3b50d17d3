//! `mail-record-names-host`: records about a domain's mail name a machine, and others remember them for a while.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::MailPurpose;
use groma_model::inventory::{Entity, Likelihood, MailRecordEntry, Severity};

use crate::view::is_outside;
use crate::wording::{agree, count, lasting, names};
use crate::{Check, Draft, View};

/// A time to live that is no longer needs no work before the night of the move.
const SHORT_SECONDS: u32 = 600;
/// From here on the record must be changed days before.
const LONG_SECONDS: u32 = 3_600;

pub(crate) struct MailRecordNamesHost;

impl Check for MailRecordNamesHost {
    fn name(&self) -> &'static str {
        "mail-record-names-host"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut by_machine: BTreeMap<&EntityId, Vec<&MailRecordEntry>> = BTreeMap::new();
        let records = view.all(|i| &i.mail_records);
        // The name of an address goes with the address.
        let leads =
            |r: &&MailRecordEntry| r.purpose.is_of_mail() && r.purpose != MailPurpose::Reverse;
        for record in records.filter(leads) {
            for machine in &record.machines {
                by_machine.entry(machine).or_default().push(record);
            }
        }
        by_machine
            .into_iter()
            .filter_map(|(id, records)| Some((view.entity(id)?, records)))
            .filter(|(machine, _)| !is_outside(Some(machine), &machine.addresses))
            .map(|(machine, records)| draft(machine, &records))
            .collect()
    }
}

fn draft(machine: &Entity, records: &[&MailRecordEntry]) -> Draft {
    let mut draft = Draft::about(&[machine.id.as_str()]);
    let leads_mail =
        |r: &&&MailRecordEntry| matches!(r.purpose, MailPurpose::Exchanger | MailPurpose::Address);
    let takes_mail = records.iter().any(|r| leads_mail(&r));
    // Where mail goes, only what leads it there counts: an old SPF record delays none.
    let leading = records.iter().filter(|r| !takes_mail || leads_mail(r));
    let longest = leading.filter_map(|r| r.ttl_seconds).max();
    draft.severity = match (takes_mail, longest) {
        (true, Some(seconds)) if seconds > LONG_SECONDS => Severity::High,
        (true, _) => Severity::Medium,
        (false, _) => Severity::Low,
    };
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let domains = names(records.iter().map(|r| r.domain.as_str()));
    draft.risk = format!(
        "{} about the mail of {domains} {} {}: whoever sends there goes on asking for it after it has moved.",
        count(records.len(), "record", "records"),
        agree(records.len(), "names", "name"),
        machine.name
    );
    draft.indicator = names(records.iter().map(|record| {
        let word = record.purpose.as_str();
        match record.ttl_seconds {
            Some(seconds) => format!(
                "{word} at {} (remembered for {})",
                record.asked,
                lasting(seconds)
            ),
            None => format!("{word} at {}", record.asked),
        }
    }));
    draft.impact = match longest.filter(|seconds| *seconds > SHORT_SECONDS) {
        Some(seconds) => format!(
            "Others hold the old answer for up to {} after it is changed: mail waits, bounces, or is delivered to a machine that nobody reads any more.",
            lasting(seconds)
        ),
        None => "Until the records are changed, mail waits, bounces, or is delivered to a machine that nobody reads any more.".to_owned(),
    };
    draft.mitigations = vec![
        "Lower the time to live to five minutes, at least as long before the move as the old one lasts; raise it again afterwards.",
        "Change the records in the same step as the service, and keep the old machine taking mail until the old answer is forgotten.",
        "Where the new machine sends mail itself, add it to SPF before, and take the old one out after.",
    ];
    draft.points_at(machine);
    records
        .iter()
        .for_each(|r| draft.cites_evidence(&r.evidence));
    draft
}
