//! Who uses which service in which way, zones, sign-in, and who watches.

use groma_model::inventory::Watching;
use groma_model::ledger::LedgerEntry;
use groma_model::relying::RelyingPartyEntry;
use groma_model::zone::ZoneRecordEntry;

use super::mail::hours;
use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, ids, list, mark, maybe, text};
use crate::index::Index;
use crate::words;

const WATCHING: Table<8> = Table {
    name: "watching",
    about: "Who watches which machine, and where logs go",
    none: "Nobody was found to watch a machine or to take its logs.",
    columns: [
        col("Machine"),
        col("Way"),
        col("Who"),
        col("Products"),
        col("Witnesses"),
        id("Id of the machine"),
        id("Id of who"),
        id("Evidence"),
    ],
};

pub(super) fn watching(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.watching, |w| (index.name(&w.entity), w));
    book.table(&WATCHING, rows, |w: &Watching| {
        [
            text(index.name(&w.entity)),
            text(words::watch(w.purpose)),
            text(&w.name),
            list(&w.products),
            list(w.witnesses.iter().map(|witness| witness.as_str())),
            text(&w.entity),
            maybe(&w.by),
            ids(&w.evidence),
        ]
    })
}

const LEDGER: Table<32> = Table {
    name: "ledger",
    about: "Who uses which service in which way: logons, binds, searches",
    none: "No log, flow or setting told who uses which service.",
    columns: [
        col("Consumer"),
        col("What it is"),
        col("Service on"),
        col("Kind"),
        col("Port"),
        col("Called by the name"),
        col("Account"),
        col("Account of a machine"),
        col("Mechanism"),
        col("Protection"),
        col("Refused"),
        col("Uses there"),
        col("Searches"),
        col("Searches in"),
        col("Searches by"),
        col("Says it is"),
        col("Reached by"),
        col("Reached as"),
        col("Programs"),
        col("Written in"),
        col("Times"),
        col("First seen (UTC)"),
        col("Last seen (UTC)"),
        col("Rhythm"),
        col("Next due (UTC)"),
        col("Hours of the week"),
        col("Witnesses"),
        col("Logs"),
        id("Hours, one bit each"),
        id("Id of the consumer"),
        id("Id of the provider"),
        id("Evidence"),
    ],
};

pub(super) fn ledger(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.ledger, |r| {
        (index.name(&r.provider), index.name(&r.consumer), r)
    });
    book.table(&LEDGER, rows, |r| logon(r, index))
}

fn logon(r: &LedgerEntry, index: &Index<'_>) -> [Cell; 32] {
    [
        text(index.name(&r.consumer)),
        text(words::consumer(r.class)),
        text(index.name(&r.provider)),
        text(&r.kind),
        r.port.into(),
        maybe(&r.name),
        account(r),
        mark(r.machine_account),
        maybe(&r.mechanism),
        r.protection.map(words::protection).into(),
        mark(r.refused),
        maybe(&r.service),
        maybe(&r.asks),
        list(&r.bases),
        list(&r.searches_by),
        maybe(&r.says_it_is),
        r.reached_by.map(words::reached_by).into(),
        maybe(&r.reached_as),
        list(&r.programs),
        list(&r.written_in),
        r.count.into(),
        r.first_seen.into(),
        r.last_seen.into(),
        maybe(&r.rhythm),
        r.next_due.into(),
        count(r.hours.len()),
        list(r.witnesses.iter().map(|witness| witness.as_str())),
        list(&r.logs),
        hours(r.hours),
        text(&r.consumer),
        text(&r.provider),
        ids(&r.evidence),
    ]
}

/// The account; an empty one stands for nobody.
fn account(r: &LedgerEntry) -> Cell {
    match r.account.as_deref() {
        Some("") => text("(anonymous)"),
        account => account.into(),
    }
}

const ZONES: Table<18> = Table {
    name: "zones",
    about: "Names that name servers keep, where they lead, and whether anybody asks for them",
    none: "No zone of a name server was read.",
    columns: [
        col("Zone"),
        col("Name"),
        col("Record"),
        col("Values"),
        col("Remembered for (seconds)"),
        col("View"),
        col("By way of"),
        col("Machines"),
        col("Addresses of nobody"),
        col("Leads nowhere"),
        col("Times asked"),
        col("First asked (UTC)"),
        col("Last asked (UTC)"),
        col("Answered by"),
        col("Kept by"),
        col("Files"),
        id("Ids of the machines"),
        id("Evidence"),
    ],
};

pub(super) fn zones(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.zone_records, |z| {
        let said = (&z.values, &z.view, z.ttl_seconds, &z.served_by);
        (&z.zone, &z.owner, &z.kind, said, &z.evidence)
    });
    book.table(&ZONES, rows, |z| zone(z, index))
}

fn zone(z: &ZoneRecordEntry, index: &Index<'_>) -> [Cell; 18] {
    [
        text(&z.zone),
        text(&z.owner),
        text(&z.kind),
        list(&z.values),
        z.ttl_seconds.into(),
        maybe(&z.view),
        list(&z.through),
        list(index.names(&z.machines)),
        list(&z.nobodys),
        list(&z.nowhere),
        z.asked.map(|asked| asked.count).into(),
        z.asked.map(|asked| asked.first_seen).into(),
        z.asked.map(|asked| asked.last_seen).into(),
        list(index.names(&z.served_by)),
        list(index.names(&z.kept_by)),
        list(&z.files),
        ids(&z.machines),
        ids(&z.evidence),
    ]
}

const RELYING: Table<11> = Table {
    name: "relying parties",
    about: "Which services sign people in through which identity provider",
    none: "No list or setting of an identity provider was read.",
    columns: [
        col("Service"),
        col("Identity provider"),
        col("Product"),
        col("Language"),
        col("Known to each other by"),
        wide("People are sent back to", 40),
        col("Machines there"),
        col("Told by"),
        col("Written in"),
        id("Ids of the machines"),
        id("Evidence"),
    ],
};

pub(super) fn relying_parties(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.relying_parties, |party| party);
    book.table(&RELYING, rows, |p: &RelyingPartyEntry| {
        [
            text(&p.name),
            p.provider.as_ref().map(|id| index.name(id)).into(),
            text(&p.product),
            text(p.way.as_str()),
            maybe(&p.identifier),
            list(&p.places),
            list(index.names(&p.consumers)),
            list(index.names(&p.told_by)),
            list(&p.written_in),
            ids(&p.consumers),
            ids(&p.evidence),
        ]
    })
}
