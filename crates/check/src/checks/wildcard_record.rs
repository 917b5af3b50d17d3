//! `wildcard-record`: a zone answers for names that nobody wrote down, so a name that was forgotten does not fail.

use std::collections::BTreeMap;

use groma_model::HostName;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::zone::ZoneRecordEntry;

use crate::wording::names;
use crate::{Check, Draft, View};

/// Kinds whose wildcard leads to a machine.
const LEADING: &[&str] = &["A", "AAAA", "CNAME"];

pub(crate) struct WildcardRecord;

impl Check for WildcardRecord {
    fn name(&self) -> &'static str {
        "wildcard-record"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut zones: BTreeMap<&HostName, Vec<&ZoneRecordEntry>> = BTreeMap::new();
        for record in view.all(|i| &i.zone_records) {
            if record.owner.starts_with("*.") && LEADING.contains(&record.kind.as_str()) {
                zones.entry(&record.zone).or_default().push(record);
            }
        }
        zones
            .into_iter()
            .map(|(zone, records)| draft(view, zone, &records))
            .collect()
    }
}

fn draft(view: &View<'_>, zone: &HostName, records: &[&ZoneRecordEntry]) -> Draft {
    let about = records
        .iter()
        .flat_map(|r| r.served_by.iter().chain(&r.machines));
    let ids: Vec<&str> = about.map(|id| id.as_str()).collect();
    let mut draft = Draft::about(&ids);
    draft.about.push(zone.to_string());
    draft.subjects.extend(ids.iter().map(|id| (*id).to_owned()));
    let whole = format!("*.{zone}");
    draft.severity = match records.iter().any(|r| r.owner == whole) {
        true => Severity::Medium,
        false => Severity::Low,
    };
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{zone} answers for names that nobody wrote down: one that is forgotten in the move does not fail, it leads to the wrong machine."
    );
    draft.indicator = names(records.iter().map(|record| {
        let machines = record.machines.iter().filter_map(|id| view.entity(id));
        let led = names(machines.map(|e| e.name.as_str()));
        match led.is_empty() {
            true => format!(
                "{} {} {}",
                record.owner,
                record.kind,
                record.values.join(", ")
            ),
            false => format!("{} {} leads to {led}", record.owner, record.kind),
        }
    }));
    "Tests say that every name is there; users reach a page, a mail server or a log-on of something else, and report it as an odd error days later.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "List the names that are asked for while the wildcard still stands (the query log of the server), and write down those that are needed.",
        "Test every name of the wave for the address it leads to, not for an answer.",
        "Carry the wildcard over only if somebody can say what it is for.",
    ];
    records
        .iter()
        .for_each(|r| draft.cites_evidence(&r.evidence));
    draft
}
