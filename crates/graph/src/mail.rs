//! What the domain name system says about mail, one row for each answer; who was told something else has a row of its own.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::fact::{MailPurpose, MailRecord};
use groma_model::inventory::MailRecordEntry;
use groma_model::{EntityId, Estate, EvidenceId, HostName};

use crate::gather::Raws;

/// Domain, purpose, name and values: what makes an answer.
type Key<'a> = (&'a HostName, MailPurpose, &'a HostName, &'a [String]);

#[derive(Default)]
struct Row {
    ttl_seconds: Option<u32>,
    lookups: Option<u32>,
    /// With how many facts say so.
    faults: BTreeMap<String, usize>,
    told: usize,
    machines: BTreeSet<EntityId>,
    seen_from: BTreeSet<EntityId>,
    evidence: BTreeSet<EvidenceId>,
}

/// The rows of everything that still stands there.
pub(crate) fn rows(records: &Raws<MailRecord>, estate: &Estate) -> Vec<MailRecordEntry> {
    let mut rows: BTreeMap<Key<'_>, Row> = BTreeMap::new();
    for raw in records.iter().filter(|raw| raw.current) {
        let fact = &raw.fact;
        let key = (
            &fact.domain,
            fact.purpose,
            &fact.asked,
            fact.values.as_slice(),
        );
        let row = rows.entry(key).or_default();
        row.ttl_seconds = row.ttl_seconds.max(fact.ttl_seconds);
        row.lookups = row.lookups.max(fact.lookups);
        row.told += 1;
        for fault in &fact.faults {
            *row.faults.entry(fault.clone()).or_default() += 1;
        }
        let meant = |peer| estate.locate(&raw.site, &raw.vantage, peer);
        row.machines.extend(
            fact.peers
                .iter()
                .filter_map(meant)
                .map(|meaning| meaning.entity),
        );
        row.seen_from.insert(raw.host.clone());
        row.evidence.insert(raw.id.clone());
    }
    rows.into_iter().map(entry).collect()
}

fn entry(((domain, purpose, asked, values), row): (Key<'_>, Row)) -> MailRecordEntry {
    // A name that leads back from somewhere leads back: inside another address may be told.
    let counts = |said: &usize| purpose != MailPurpose::Reverse || *said == row.told;
    let faults = row.faults.iter().filter(|(_, said)| counts(said));
    let faults = faults.map(|(fault, _)| fault.clone()).collect();
    MailRecordEntry {
        domain: domain.clone(),
        purpose,
        asked: asked.clone(),
        values: values.to_vec(),
        ttl_seconds: row.ttl_seconds,
        lookups: row.lookups,
        faults,
        machines: row.machines.into_iter().collect(),
        seen_from: row.seen_from.into_iter().collect(),
        evidence: row.evidence.into_iter().collect(),
    }
}
