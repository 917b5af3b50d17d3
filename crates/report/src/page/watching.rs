//! Who watches each machine that was looked at, and where its logs go.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::WatchPurpose;
use groma_model::inventory::{Entity, Watching};
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::text::{Catalogue, fill};
use crate::visible::{cut, visible};

/// Watchers of one machine that a row prints.
const PRINTED_MAX: usize = 6;

/// One machine.
#[derive(Serialize)]
pub(crate) struct WatchRow {
    pub(crate) name: String,
    /// Empty where nobody was found.
    pub(crate) watched_by: Vec<String>,
    /// Empty where they stay on the machine, as far as was found.
    pub(crate) logs_to: Vec<String>,
}

/// The machines that were looked at from inside, those nobody watches first; none where nobody looked for watchers.
pub(crate) fn table(index: &Index<'_>, words: &Catalogue, limit: usize) -> Rows<WatchRow> {
    let inventory = index.inventory;
    let mut said: BTreeMap<(&EntityId, WatchPurpose), Vec<&Watching>> = BTreeMap::new();
    for row in &inventory.watching {
        said.entry((&row.entity, row.purpose))
            .or_default()
            .push(row);
    }
    let looked = inventory
        .coverage
        .iter()
        .any(|c| c.source.as_str() == "host.watching");
    let mut machines: Vec<&Entity> = inventory
        .entities
        .iter()
        // Of a machine nobody looked at, silence says nothing.
        .filter(|e| e.has_agent && (looked || said.contains_key(&(&e.id, WatchPurpose::WatchedBy))))
        .collect();
    let named = |e: &&Entity| {
        let rows = said.get(&(&e.id, WatchPurpose::WatchedBy));
        rows.is_some_and(|rows| rows.iter().any(|row| row.by.is_some()))
    };
    machines.sort_by_key(|e| (named(e), &e.name, &e.id));
    let of = |id, purpose| {
        let rows = said
            .get(&(id, purpose))
            .map(Vec::as_slice)
            .unwrap_or_default();
        printed(rows, words)
    };
    Rows::first(&machines, limit, |machine| WatchRow {
        name: visible(&machine.name),
        watched_by: of(&machine.id, WatchPurpose::WatchedBy),
        logs_to: of(&machine.id, WatchPurpose::LogsTo),
    })
}

fn printed(rows: &[&Watching], words: &Catalogue) -> Vec<String> {
    let mut lines: Vec<String> = rows
        .iter()
        .take(PRINTED_MAX)
        .map(|row| line(row, words))
        .collect();
    let more = rows.len().saturating_sub(PRINTED_MAX);
    if more > 0 {
        lines.push(words.count(words.more, more));
    }
    lines
}

fn line(row: &Watching, words: &Catalogue) -> String {
    let products = row.products.join(", ");
    let said = match (&row.by, row.name.as_str()) {
        (Some(_), name) => format!("{name} ({products})"),
        (None, "*") => fill(words.watch_anybody, &[&products]),
        (None, "this machine") => fill(words.watch_itself, &[&products]),
        (None, network) => fill(words.watch_network, &[network, &products]),
    };
    cut(&visible(&said), 160)
}
