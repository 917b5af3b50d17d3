//! `stale-record`: names whose address nobody was seen to have, and for which nobody asked while every question was written
//! down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use groma_model::inventory::{CoverageEntry, Likelihood, Severity};
use groma_model::zone::ZoneRecordEntry;
use groma_model::{CoverageState, EntityId, HostName, Timestamp};

use super::stale_zones::Zones;
use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

/// For how long questions must have been written down before silence means anything.
const DAYS_MIN: u64 = 7;

pub(crate) struct StaleRecord;

impl Check for StaleRecord {
    fn name(&self) -> &'static str {
        "stale-record"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let seen = networks(view);
        let known = Zones::of(view);
        let mut zones: BTreeMap<&HostName, Vec<(&ZoneRecordEntry, Silence)>> = BTreeMap::new();
        for record in view.all(|i| &i.zone_records) {
            let alone = record.machines.is_empty() && record.asked.is_none();
            let ours = !record.nobodys.is_empty()
                && record.nobodys.iter().all(|a| seen.contains(&network(*a)));
            // A pointer tells the name of an address; that nobody has the address is told where the name stands.
            if !alone || !ours || record.kind == "PTR" || record.owner.starts_with("*.") {
                continue;
            }
            if !known.all_servers_are_heard(record) || known.is_given_with_another(record) {
                continue;
            }
            if let Some(silence) = silence(view, record) {
                zones
                    .entry(&record.zone)
                    .or_default()
                    .push((record, silence));
            }
        }
        zones
            .into_iter()
            .map(|(zone, records)| draft(zone, &records))
            .collect()
    }
}

/// From when to when every question to every server of the zone was written down.
type Silence = (Timestamp, Timestamp);

fn silence(view: &View<'_>, record: &ZoneRecordEntry) -> Option<Silence> {
    let of_server = |server: &EntityId| {
        let told = view.coverage(server).iter().filter(|c| is_whole(c));
        told.map(|c| (c.from, c.to))
            .max_by_key(|(from, to)| to.since(*from))
    };
    let mut all = record.served_by.iter().map(of_server);
    let first = all.next()??;
    let common = all.try_fold(first, |(from, to), next| {
        let (begin, end) = next?;
        Some((from.max(begin), to.min(end)))
    })?;
    let (from, to) = common;
    (to > from && to.since(from) >= Duration::from_secs(DAYS_MIN * 86_400)).then_some(common)
}

/// The log of the product whose zones are read: what a resolver beside it was asked says nothing of them.
const QUESTIONS: &str = "asked:bind";

fn is_whole(coverage: &CoverageEntry) -> bool {
    coverage.scope == QUESTIONS && coverage.state == CoverageState::Complete
}

/// The networks in which somebody was looked at from inside: elsewhere, that nobody was seen says nothing.
fn networks(view: &View<'_>) -> BTreeSet<Vec<u8>> {
    let looked_at = view.entities().filter(|e| e.has_agent);
    looked_at
        .flat_map(|e| e.addresses.iter().map(|a| network(*a)))
        .collect()
}

/// The first 24 bits of an address, or the first 64 of an IPv6 one: one link, as most are made.
fn network(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().into_iter().take(3).collect(),
        IpAddr::V6(v6) => v6.octets().into_iter().take(8).collect(),
    }
}

fn draft(zone: &HostName, records: &[(&ZoneRecordEntry, Silence)]) -> Draft {
    let servers: BTreeSet<&EntityId> = records.iter().flat_map(|(r, _)| &r.served_by).collect();
    let subjects: Vec<&str> = servers.iter().map(|id| id.as_str()).collect();
    let mut draft = Draft::about(&subjects);
    draft.about.push(zone.to_string());
    draft
        .subjects
        .extend(subjects.iter().map(|id| (*id).to_owned()));
    draft.severity = Severity::Low;
    "network".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    let owners: BTreeSet<&str> = records.iter().map(|(r, _)| r.owner.as_str()).collect();
    draft.risk = format!(
        "{} of {zone} {} to an address that nobody was seen to have, and nobody asked for {}: perhaps what {} for is gone.",
        count(owners.len(), "name", "names"),
        agree(owners.len(), "leads", "lead"),
        agree(owners.len(), "it", "them"),
        agree(owners.len(), "it stands", "they stand"),
    );
    let (from, to) = records.first().map_or(
        (Timestamp::from_seconds(0), Timestamp::from_seconds(0)),
        |(_, s)| *s,
    );
    let lines = records.iter().map(|(record, _)| {
        let addresses = names(record.nobodys.iter().map(ToString::to_string));
        format!("{} {} ({addresses})", record.owner, record.kind)
    });
    draft.indicator = format!(
        "{}; questions are written down from {} to {}",
        names(lines),
        from.day(),
        to.day()
    );
    "A name that is carried over without a machine behind it hides the day on which somebody needs it, and an address that is given to another machine makes the name lead to that one.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask a person who knows the service before anything is deleted: a machine may ask once a year, or stand in a network nobody looked into.",
        "Do not carry these names into the new zone without an owner for each.",
        "Take a record out only with its old value kept, so that it can be put back within minutes.",
    ];
    records
        .iter()
        .for_each(|(r, _)| draft.cites_evidence(&r.evidence));
    draft
}
