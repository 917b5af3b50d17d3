//! Who takes time and names from whom, and where names lead.

use std::collections::BTreeMap;

use groma_model::inventory::Dependency;
use groma_model::zone::ZoneRecordEntry;
use groma_model::{EntityId, Witness};
use serde::Serialize;

use super::Rows;
use crate::human::number;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Values of one record that a row prints, and how long each may be.
const PRINTED_MAX: usize = 6;
const VALUE_MAX: usize = 120;
/// Servers that one machine's row prints.
const SERVERS_MAX: usize = 8;

/// Whom one machine asks.
#[derive(Serialize)]
pub(crate) struct AskingRow {
    pub(crate) machine: String,
    /// Where it takes the time from.
    pub(crate) time: Vec<String>,
    /// Whom it asks for names.
    pub(crate) names: Vec<String>,
}

/// One set of records.
#[derive(Serialize)]
pub(crate) struct NameRow {
    pub(crate) name: String,
    pub(crate) record: String,
    pub(crate) values: Vec<String>,
    pub(crate) remembered: String,
    pub(crate) machines: Vec<String>,
    pub(crate) remarks: Vec<String>,
}

/// Every machine that takes time or names from somebody.
pub(crate) fn asking(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<AskingRow> {
    let mut machines: BTreeMap<&EntityId, Vec<&Dependency>> = BTreeMap::new();
    for need in &index.inventory.dependencies {
        if matches!(need.kind.as_str(), "ntp" | "dns") && !need.details.local {
            machines
                .entry(&need.consumer.entity)
                .or_default()
                .push(need);
        }
    }
    let mut rows: Vec<(String, Vec<&Dependency>)> = machines
        .into_iter()
        .map(|(id, needs)| (index.name(id), needs))
        .collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    Rows::first(&rows, limit, |(machine, needs)| AskingRow {
        machine: visible(machine),
        time: servers(needs, "ntp", words),
        names: servers(needs, "dns", words),
    })
}

fn servers(needs: &[&Dependency], kind: &str, words: &Catalogue) -> Vec<String> {
    let of_kind = needs.iter().filter(|need| need.kind == kind);
    let mut lines: Vec<String> = of_kind.map(|need| server(need, words)).collect();
    lines.sort();
    lines.dedup();
    let more = lines.len().saturating_sub(SERVERS_MAX);
    lines.truncate(SERVERS_MAX);
    if more > 0 {
        lines.push(words.count(words.more, more));
    }
    lines
}

/// Who it is, where that is written, and whether it is used.
fn server(need: &Dependency, words: &Catalogue) -> String {
    let alive = |w: &Witness| matches!(w, Witness::Live | Witness::History | Witness::Network);
    let used = match need.witnesses.iter().any(alive) {
        true => words.names_in_use,
        false => words.names_only_written,
    };
    let written = need
        .details
        .written_in
        .first()
        .map(|place| format!("{place}, "));
    let line = format!(
        "{} ({}{used})",
        need.provider.name,
        written.unwrap_or_default()
    );
    cut(&visible(&line), VALUE_MAX)
}

/// Records that lead to a machine, or to nobody, those with something to mind first.
pub(crate) fn records(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<NameRow> {
    let told = index.inventory.zone_records.iter();
    let mut records: Vec<&ZoneRecordEntry> = told
        .filter(|r| !r.machines.is_empty() || !r.nobodys.is_empty() || !r.nowhere.is_empty())
        .collect();
    records.sort_by_key(|r| {
        (
            r.nobodys.is_empty() && r.nowhere.is_empty(),
            // What people type stands before what only machines ask.
            matches!(r.kind.as_str(), "PTR" | "NS"),
            &r.zone,
            &r.owner,
        )
    });
    Rows::first(&records, limit, |record| row(index, record, words))
}

fn row(index: &Index<'_>, record: &ZoneRecordEntry, words: &Catalogue) -> NameRow {
    let mut values: Vec<String> = (record.values.iter().take(PRINTED_MAX))
        .map(|value| cut(&visible(value), VALUE_MAX))
        .collect();
    let more = record.values.len().saturating_sub(PRINTED_MAX);
    if more > 0 {
        values.push(words.count(words.more, more));
    }
    let view = record.view.as_ref().map(|view| format!(" · {view}"));
    NameRow {
        name: cut(&visible(&record.owner), VALUE_MAX),
        record: visible(&format!("{}{}", record.kind, view.unwrap_or_default())),
        values,
        remembered: (record.ttl_seconds)
            .map(|seconds| super::mail::lasting(seconds, words))
            .unwrap_or_default(),
        machines: record
            .machines
            .iter()
            .map(|id| visible(&index.name(id)))
            .collect(),
        remarks: remarks(record, words),
    }
}

fn remarks(record: &ZoneRecordEntry, words: &Catalogue) -> Vec<String> {
    let mut remarks = Vec::new();
    let list = |items: Vec<String>| cut(&visible(&items.join(", ")), VALUE_MAX);
    if !record.nobodys.is_empty() {
        let addresses = record.nobodys.iter().map(ToString::to_string).collect();
        remarks.push(fill(words.names_nobodys, &[&list(addresses)]));
    }
    if !record.nowhere.is_empty() {
        remarks.push(fill(words.names_nowhere, &[&list(record.nowhere.clone())]));
    }
    if let Some(asked) = record.asked {
        let count = number(usize::try_from(asked.count).unwrap_or(usize::MAX));
        let last = asked.last_seen.minute();
        remarks.push(fill(words.names_asked, &[&count, &last]));
    }
    remarks
}
