//! What we do not know, and why; and what is real but folded away.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::CoverageState;
use groma_model::inventory::{CoverageEntry, GapEntry, Inventory};
use groma_model::registry::REGISTRY;
use serde::Serialize;

use super::Rows;
use crate::index::{Index, is_wrong};
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Examples per kind of gap.
const EXAMPLES: usize = 4;

/// One way of looking.
#[derive(Serialize)]
pub(crate) struct SourceRow {
    pub(crate) source: String,
    /// In which ways it looked, where there are several.
    pub(crate) how: Vec<String>,
    pub(crate) vantages: usize,
    pub(crate) vantages_line: String,
    pub(crate) complete: usize,
    pub(crate) partial: usize,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// Gaps of one source with the same reason and remedy.
#[derive(Serialize)]
pub(crate) struct GapRow {
    pub(crate) source: String,
    pub(crate) reason: String,
    pub(crate) remedy: Option<String>,
    pub(crate) count: usize,
    pub(crate) count_line: String,
    pub(crate) examples: Vec<String>,
    pub(crate) vantages: usize,
    pub(crate) vantages_line: String,
}

/// Something real that the map folds away.
#[derive(Serialize)]
pub(crate) struct FoldedRow {
    pub(crate) what: String,
    pub(crate) providers: Vec<String>,
    pub(crate) dependencies: usize,
    pub(crate) needed_by: String,
}

/// Coverage by way of looking.
pub(crate) fn sources(inventory: &Inventory, words: &Catalogue) -> Vec<SourceRow> {
    let mut by_source: BTreeMap<&str, Vec<&CoverageEntry>> = BTreeMap::new();
    for entry in &inventory.coverage {
        by_source
            .entry(entry.source.as_str())
            .or_default()
            .push(entry);
    }
    by_source
        .into_iter()
        .map(|(source, entries)| source_row(source, &entries, words))
        .collect()
}

fn source_row(source: &str, entries: &[&CoverageEntry], words: &Catalogue) -> SourceRow {
    let vantages = entries
        .iter()
        .map(|e| &e.vantage)
        .collect::<BTreeSet<_>>()
        .len();
    let complete = entries
        .iter()
        .filter(|e| e.state == CoverageState::Complete)
        .count();
    let how: BTreeSet<&str> = entries.iter().filter_map(|e| e.how.as_deref()).collect();
    let minute = |t: Option<groma_model::Timestamp>| t.map(|t| t.minute()).unwrap_or_default();
    SourceRow {
        source: visible(source),
        how: how
            .into_iter()
            .take(EXAMPLES)
            .map(|how| cut(&visible(how), 240))
            .collect(),
        vantages,
        vantages_line: words.count(words.host, vantages),
        complete,
        partial: entries.len() - complete,
        from: minute(entries.iter().map(|e| e.from).min()),
        to: minute(entries.iter().map(|e| e.to).max()),
    }
}

#[derive(Default)]
struct Gathered<'a> {
    whats: BTreeSet<&'a str>,
    vantages: BTreeSet<&'a str>,
}

/// Gaps with the same source, reason and remedy said once, the largest first.
pub(crate) fn gaps(inventory: &Inventory, words: &Catalogue, limit: usize) -> Rows<GapRow> {
    let mut gathered: BTreeMap<(&str, &str, Option<&str>), Gathered<'_>> = BTreeMap::new();
    for entry in &inventory.coverage {
        for GapEntry {
            what,
            reason,
            remedy,
        } in &entry.gaps
        {
            let group = gathered
                .entry((entry.source.as_str(), reason, remedy.as_deref()))
                .or_default();
            group.whats.insert(what);
            group.vantages.insert(entry.vantage.as_str());
        }
    }
    let mut all: Vec<_> = gathered.into_iter().collect();
    all.sort_by_key(|(key, group)| {
        (
            std::cmp::Reverse(group.vantages.len()),
            std::cmp::Reverse(group.whats.len()),
            *key,
        )
    });
    Rows::first(&all, limit, |((source, reason, remedy), group)| GapRow {
        source: visible(source),
        reason: visible(&reason.replace('-', " ")),
        remedy: remedy.map(visible),
        count: group.whats.len(),
        count_line: words.count(words.places, group.whats.len()),
        examples: group
            .whats
            .iter()
            .take(EXAMPLES)
            .map(|w| cut(&visible(w), 160))
            .collect(),
        vantages: group.vantages.len(),
        vantages_line: words.count(words.host, group.vantages.len()),
    })
}

/// Shared services by kind, and what a host says to itself.
pub(crate) fn folded(index: &Index<'_>, words: &Catalogue) -> Vec<FoldedRow> {
    let mut kinds: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut local: BTreeSet<&str> = BTreeSet::new();
    let mut local_count = 0;
    for d in index.inventory.dependencies.iter().filter(|d| !is_wrong(d)) {
        if d.details.local {
            local.insert(d.consumer.entity.as_str());
            local_count += 1;
        } else if d.shared_service {
            kinds
                .entry(&d.kind)
                .or_default()
                .push((d.consumer.entity.as_str(), d.provider.entity.as_str()));
        }
    }
    let mut rows: Vec<FoldedRow> = kinds
        .into_iter()
        .map(|(kind, ends)| shared_row(kind, &ends, index, words))
        .collect();
    if local_count > 0 {
        rows.push(FoldedRow {
            what: words.folded_local.to_owned(),
            providers: Vec::new(),
            dependencies: local_count,
            needed_by: words.count(words.host, local.len()),
        });
    }
    rows
}

fn shared_row(
    kind: &str,
    ends: &[(&str, &str)],
    index: &Index<'_>,
    words: &Catalogue,
) -> FoldedRow {
    let consumers: BTreeSet<&str> = ends.iter().map(|e| e.0).collect();
    let providers: BTreeSet<&str> = ends.iter().map(|e| e.1).collect();
    let name = |id: &&str| {
        index
            .entity(id)
            .map_or_else(|| visible(id), |e| visible(&e.name))
    };
    FoldedRow {
        what: visible(&REGISTRY.kind(kind).title),
        providers: providers.iter().take(8).map(name).collect(),
        dependencies: ends.len(),
        needed_by: fill(
            words.folded_by,
            &[&words.count(words.host, consumers.len())],
        ),
    }
}
