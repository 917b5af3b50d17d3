//! `service-record-names-host`: records by which others find the directory, the calls or the zone itself name a machine.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::MailPurpose;
use groma_model::inventory::{Entity, Likelihood, MailRecordEntry, Severity};

use crate::view::is_outside;
use crate::wording::{agree, count, lasting, names};
use crate::{Check, Draft, View};

pub(crate) struct ServiceRecordNamesHost;

impl Check for ServiceRecordNamesHost {
    fn name(&self) -> &'static str {
        "service-record-names-host"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut by_machine: BTreeMap<&EntityId, Vec<&MailRecordEntry>> = BTreeMap::new();
        let records = view.all(|i| &i.mail_records);
        for record in records.filter(|record| !record.purpose.is_of_mail()) {
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
    // Where another one is named beside it, whoever is in need goes there.
    let is_alone = |r: &&&MailRecordEntry| r.purpose != MailPurpose::Origin && r.values.len() == 1;
    let alone = records.iter().filter(is_alone).count();
    draft.severity = match alone {
        0 => Severity::Low,
        _ => Severity::Medium,
    };
    let names_directory = has(records, MailPurpose::DirectoryService);
    match names_directory {
        true => "identity",
        false => "network",
    }
    .clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} by which others find services of {} {} {}: they go on asking it after it has moved.",
        count(records.len(), "record", "records"),
        names(records.iter().map(|r| r.domain.as_str())),
        agree(records.len(), "names", "name"),
        machine.name
    );
    draft.indicator = names(records.iter().map(|record| said(record)));
    draft.impact = impact(records);
    draft.mitigations = mitigations(records);
    draft.points_at(machine);
    records
        .iter()
        .for_each(|r| draft.cites_evidence(&r.evidence));
    draft
}

fn has(records: &[&MailRecordEntry], purpose: MailPurpose) -> bool {
    records.iter().any(|record| record.purpose == purpose)
}

fn said(record: &MailRecordEntry) -> String {
    let what = format!("{} at {}", record.purpose.as_str(), record.asked);
    match record.ttl_seconds {
        Some(seconds) => format!("{what} (remembered for {})", lasting(seconds)),
        None => what,
    }
}

/// What stops, for each sort of record there is.
fn impact(records: &[&MailRecordEntry]) -> String {
    let words = [
        (
            MailPurpose::DirectoryService,
            "Logons and look-ups wait for a machine that no longer answers, and fail where no other one is named.",
        ),
        (
            MailPurpose::CallService,
            "Calls and chats from outside do not arrive.",
        ),
        (
            MailPurpose::Origin,
            "Machines that write their own names into the zone go on sending them there, and are refused.",
        ),
    ];
    let there = words
        .into_iter()
        .filter(|(purpose, _)| has(records, *purpose));
    let there: Vec<&str> = there.map(|(_, text)| text).collect();
    there.join(" ")
}

fn mitigations(records: &[&MailRecordEntry]) -> Vec<&'static str> {
    let mut out = vec![
        "Lower the time to live first, and change the records in the same step as the service.",
    ];
    if has(records, MailPurpose::DirectoryService) {
        out.push("A controller of Active Directory writes its own records: let the new one register before the old one is demoted, and look afterwards whether the old records are gone.");
    }
    if has(records, MailPurpose::Origin) {
        out.push("Name the new primary in the SOA, and let the other name servers fetch the zone from it before the old one stops.");
    }
    out
}
