//! Systems, and everything that is no machine, no device and no certificate.

use groma_model::inventory::{Entity, System};

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, ids, list, mark, maybe, text};
use crate::index::{Index, is_host};
use crate::words;

const SYSTEMS: Table<16> = Table {
    name: "systems",
    about: "What people speak of as one thing, with owners and what becomes of it",
    none: "No system was made out.",
    columns: [
        col("Name"),
        col("Functions"),
        wide("Members", 44),
        col("Number of members"),
        col("Product"),
        col("Version"),
        col("Owner"),
        col("Key users"),
        col("On call"),
        col("Criticality"),
        col("Allowed downtime"),
        col("What becomes of it"),
        col("Confirmed by"),
        col("Confirmed on (UTC)"),
        col("Open findings"),
        id("Id"),
    ],
};

pub(super) fn systems(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.systems, |s| (&s.name, &s.id));
    book.table(&SYSTEMS, rows, |s| system(s, index))
}

fn system(s: &System, index: &Index<'_>) -> [Cell; 16] {
    let mut members = index.names(&s.members);
    members.sort_unstable();
    let findings = s.members.iter().map(|id| index.figures(id).findings);
    [
        text(&s.name),
        list(&s.functions),
        list(members),
        count(s.members.len()),
        maybe(&s.product),
        maybe(&s.version),
        maybe(&s.owner),
        maybe(&s.key_users),
        maybe(&s.on_call),
        maybe(&s.criticality),
        maybe(&s.allowed_downtime),
        s.disposition.map(words::disposition).into(),
        maybe(&s.confirmed_by),
        s.confirmed_on.into(),
        count(findings.sum()),
        text(&s.id),
    ]
}

const THINGS: Table<17> = Table {
    name: "other things",
    about: "Shares, databases, archives, directories, accounts, outside services and the like",
    none: "Nothing was found that is no machine, no device and no certificate.",
    columns: [
        col("Name"),
        col("Kind"),
        col("Layer"),
        col("Lies on"),
        col("Addresses"),
        col("Site"),
        col("System"),
        col("Owner"),
        col("Criticality"),
        col("Needed by (things)"),
        col("Needs (things)"),
        col("Name leads nowhere"),
        col("First seen (UTC)"),
        col("Last seen (UTC)"),
        col("All names"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn things(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let all = index.inventory.entities.iter();
    let elsewhere =
        |e: &Entity| is_host(e) || e.kind == "device" || e.attributes.certificate.is_some();
    let rows = sorted(all.filter(|e| !elsewhere(e)), |e| (&e.kind, &e.name, &e.id));
    book.table(&THINGS, rows, |e| thing(e, index))
}

fn thing(e: &Entity, index: &Index<'_>) -> [Cell; 17] {
    let figures = index.figures(&e.id);
    let lies_on = e.attributes.lies_on.as_ref();
    [
        text(&e.name),
        text(&e.kind),
        text(&e.layer),
        lies_on.map(|id| index.name(id)).into(),
        list(&e.addresses),
        text(index.site(&e.site)),
        e.system.as_deref().map(|id| index.subject(id)).into(),
        maybe(&e.owner),
        maybe(&e.criticality),
        count(figures.needed_by),
        count(figures.needs),
        mark(e.attributes.unresolvable),
        e.first_seen.into(),
        e.last_seen.into(),
        list(&e.names),
        text(&e.id),
        ids(&e.evidence),
    ]
}
