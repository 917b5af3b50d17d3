//! What stands between: relays with whom they lead to, for whom, and where nothing tells.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::inventory::Basis;
use serde::Serialize;

use super::Rows;
use super::needs::{between, place};
use crate::index::{Index, is_wrong};
use crate::markdown::way;
use crate::text::{Catalogue, fill};
use crate::visible::visible;

/// Names one cell prints.
const NAMES_MAX: usize = 6;

/// One door, and one machine behind it, or all that may be behind it.
#[derive(Serialize)]
pub(crate) struct BetweenRow {
    /// `reverse proxy nginx.service on web1:443`; of a door that leads nobody knows where, `web1:80`.
    pub(crate) door: String,
    /// `app1:8001`, or what may be.
    pub(crate) behind: String,
    /// Who calls there.
    pub(crate) consumers: String,
}

/// Doors by machine, those whose way is known first.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<BetweenRow> {
    let mut known: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let mut open: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for d in index.inventory.dependencies.iter().filter(|d| !is_wrong(d)) {
        let provider = || place(&d.provider.name, d.provider.port);
        if d.basis == Basis::Inferred {
            for through in &d.details.through {
                let consumers = known.entry((between(through), provider())).or_default();
                consumers.insert(visible(&d.consumer.name));
            }
        }
        if !d.details.onward.is_empty() {
            let (ways, consumers) = open.entry(provider()).or_default();
            ways.extend(d.details.onward.iter().map(|line| visible(way(line))));
            consumers.insert(visible(&d.consumer.name));
        }
    }
    let known = known
        .into_iter()
        .map(|((door, behind), consumers)| (door, behind, consumers));
    let open = open.into_iter().map(|(door, (ways, consumers))| {
        let behind = fill(words.between_maybe, &[&few(&ways, words)]);
        (door, behind, consumers)
    });
    let all: Vec<(String, String, BTreeSet<String>)> = known.chain(open).collect();
    Rows::first(&all, limit, |(door, behind, consumers)| BetweenRow {
        door: door.clone(),
        behind: behind.clone(),
        consumers: few(consumers, words),
    })
}

/// The first of them, and how many are left.
fn few(all: &BTreeSet<String>, words: &Catalogue) -> String {
    let mut told: Vec<String> = all.iter().take(NAMES_MAX).cloned().collect();
    let more = all.len().saturating_sub(NAMES_MAX);
    if more > 0 {
        told.push(words.count(words.more, more));
    }
    told.join(", ")
}
