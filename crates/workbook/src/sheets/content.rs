//! What must move: volumes, rights, backups.

use groma_model::inventory::{Backup, Right, Volume};

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id};
use crate::cell::{Cell, gib, ids, list, mark, maybe, text};
use crate::index::Index;

const VOLUMES: Table<15> = Table {
    name: "volumes",
    about: "How much data lies where, and how long carrying it over takes",
    none: "No volume was measured.",
    columns: [
        col("On"),
        col("Part of it"),
        col("Size (GiB)"),
        col("Items"),
        col("Items reckoned"),
        col("Growth (GiB a day)"),
        col("Changed (GiB a day)"),
        col("Hours to carry over, at least"),
        col("Hours to carry over, at most"),
        col("Hours to catch up with a day, at least"),
        col("Hours to catch up with a day, at most"),
        col("Measured at (UTC)"),
        col("Owner"),
        col("Bytes"),
        id("Id"),
    ],
};

pub(super) fn volumes(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.volumes, |v| {
        (
            std::cmp::Reverse(v.bytes),
            index.name(&v.entity),
            &v.entity,
            &v.subject,
            v.measured_at,
        )
    });
    book.table(&VOLUMES, rows, |v| volume(v, index))
}

fn volume(v: &Volume, index: &Index<'_>) -> [Cell; 15] {
    let per_day = |bytes: Option<f64>| bytes.map(|bytes| bytes / f64::from(1 << 30)).into();
    let low = |hours: Option<[f64; 2]>| hours.map(|[low, _]| low).into();
    let high = |hours: Option<[f64; 2]>| hours.map(|[_, high]| high).into();
    [
        text(index.name(&v.entity)),
        text(&v.subject),
        gib(v.bytes),
        v.items.into(),
        mark(v.items_estimated),
        per_day(v.growth_per_day),
        per_day(v.changed_per_day),
        low(v.transfer_hours),
        high(v.transfer_hours),
        low(v.catch_up_hours),
        high(v.catch_up_hours),
        v.measured_at.into(),
        index.owner(&v.entity).into(),
        v.bytes.into(),
        text(&v.entity),
    ]
}

const RIGHTS: Table<8> = Table {
    name: "rights",
    about: "Who may do what with whose data",
    none: "No right was found.",
    columns: [
        col("On"),
        col("Directory"),
        col("Who"),
        col("Right"),
        col("Written as"),
        col("Stands for nobody"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn rights(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.rights, |r| {
        let what = (&r.path, &r.principal, &r.right, &r.written_as);
        (index.name(&r.on), &r.on, what, r.orphan, &r.evidence)
    });
    book.table(&RIGHTS, rows, |r| right(r, index))
}

fn right(r: &Right, index: &Index<'_>) -> [Cell; 8] {
    [
        text(index.name(&r.on)),
        maybe(&r.path),
        text(&r.principal),
        text(&r.right),
        text(&r.written_as),
        mark(r.orphan),
        text(&r.on),
        ids(&r.evidence),
    ]
}

const MAILBOXES: Table<7> = Table {
    name: "mailbox rights",
    about: "Who may use whose mailbox, and whose mail is handed on",
    none: "No list or mail server told of rights in mailboxes.",
    columns: [
        col("Mailbox"),
        col("Also called"),
        col("Who"),
        col("Way"),
        col("Rights"),
        col("Told by"),
        id("Evidence"),
    ],
};

pub(super) fn mailboxes(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.mailbox_ties, |tie| tie);
    book.table(&MAILBOXES, rows, |tie| {
        [
            text(&tie.mailbox),
            list(&tie.names),
            text(&tie.other),
            list(tie.ways.iter().map(|way| way.as_str())),
            list(&tie.rights),
            list(index.names(&tie.lists)),
            ids(&tie.evidence),
        ]
    })
}

const BACKUPS: Table<10> = Table {
    name: "backups",
    about: "What is backed up, by what, and when it last ended well",
    none: "No backup was found.",
    columns: [
        col("Of"),
        col("Job"),
        col("By"),
        col("Rhythm"),
        col("Last ended well (UTC)"),
        col("Nothing starts it"),
        col("Copies to"),
        col("Covers"),
        id("Id"),
        id("Evidence"),
    ],
};

pub(super) fn backups(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.backups, |b| {
        let how = (&b.job, &b.by, &b.target, &b.rhythm, b.last_success);
        (
            index.name(&b.entity),
            &b.entity,
            how,
            &b.covers,
            &b.evidence,
        )
    });
    book.table(&BACKUPS, rows, |b| backup(b, index))
}

fn backup(b: &Backup, index: &Index<'_>) -> [Cell; 10] {
    [
        text(index.name(&b.entity)),
        text(&b.job),
        b.by.as_ref().map(|id| index.name(id)).into(),
        maybe(&b.rhythm),
        b.last_success.into(),
        mark(b.unscheduled),
        maybe(&b.target),
        list(&b.covers),
        text(&b.entity),
        ids(&b.evidence),
    ]
}
