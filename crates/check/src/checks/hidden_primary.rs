//! `hidden-primary`: a zone is kept on a server that none of its own records names.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::{Entity, Likelihood, Severity};
use groma_model::zone::ZoneRecordEntry;
use groma_model::{EntityId, HostName};

use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct HiddenPrimary;

/// What is known of one zone.
#[derive(Default)]
struct Zone<'a> {
    named: BTreeSet<&'a EntityId>,
    kept_by: BTreeSet<&'a EntityId>,
    records: Vec<&'a ZoneRecordEntry>,
}

impl Check for HiddenPrimary {
    fn name(&self) -> &'static str {
        "hidden-primary"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut zones: BTreeMap<&HostName, Zone<'_>> = BTreeMap::new();
        for record in view.all(|i| &i.zone_records) {
            let zone = zones.entry(&record.zone).or_default();
            zone.kept_by.extend(&record.kept_by);
            if record.kind == "NS" && record.owner == record.zone.as_str() {
                zone.named.extend(&record.machines);
                zone.records.push(record);
            }
        }
        let mut hidden: BTreeMap<&EntityId, Vec<(&HostName, &Zone<'_>)>> = BTreeMap::new();
        for (name, zone) in &zones {
            // A zone whose name servers are nobody we know tells nothing of this one.
            if zone.named.is_empty() || zone.kept_by.iter().any(|id| zone.named.contains(*id)) {
                continue;
            }
            for keeper in &zone.kept_by {
                hidden.entry(keeper).or_default().push((name, zone));
            }
        }
        hidden
            .into_iter()
            .filter_map(|(keeper, zones)| Some(draft(view, view.entity(keeper)?, &zones)))
            .collect()
    }
}

fn draft(view: &View<'_>, keeper: &Entity, zones: &[(&HostName, &Zone<'_>)]) -> Draft {
    let mut draft = Draft::about(&[keeper.id.as_str()]);
    draft.severity = Severity::High;
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let servers: BTreeSet<&EntityId> = zones
        .iter()
        .flat_map(|(_, zone)| zone.named.iter().copied())
        .collect();
    let servers = names(
        servers
            .iter()
            .filter_map(|id| view.entity(id))
            .map(|e| e.name.as_str()),
    );
    draft.risk = format!(
        "{} is where {} kept, and no record of theirs names it: {servers} copy them from there, and go on answering for a while after it is gone.",
        keeper.name,
        count(zones.len(), "zone is", "zones are"),
    );
    draft.indicator = names(zones.iter().map(|(name, _)| name.as_str()));
    "Nothing fails on the day. Changes stop reaching the servers that answer, and when the copies expire, most often after a week or more, all names of the zone are gone at once.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Move the primary first: give the servers that answer the new one's address (primaries, TSIG key, allow-transfer), and let each take a copy from it.",
        "Check on every one of them that a change of the serial number arrives before the old machine is switched off.",
        "Look up how long a copy is good for (the fourth number of the SOA record): that is the day on which it would fail.",
    ];
    draft.points_at(keeper);
    for (_, zone) in zones {
        zone.records
            .iter()
            .for_each(|r| draft.cites_evidence(&r.evidence));
    }
    draft
}
