//! What was looked at, what was not, and the facts behind everything.

use groma_model::inventory::{CoverageEntry, EvidenceEntry, GapEntry, MeasurementEntry, WaveEntry};

use super::sorted;
use crate::WorkbookError;
use crate::book::{Book, Table, col, id, wide};
use crate::cell::{Cell, count, list, maybe, text};
use crate::index::Index;
use crate::words;

const MEASUREMENTS: Table<6> = Table {
    name: "measurements",
    about: "Numbers taken by looks",
    none: "Nothing was measured.",
    columns: [
        col("Of"),
        col("Metric"),
        col("Part of it"),
        col("Value"),
        col("At (UTC)"),
        id("Id"),
    ],
};

pub(super) fn measurements(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.measurements, |m| {
        let what = (&m.metric, &m.subject, m.at, m.value.to_bits());
        (index.name(&m.entity), &m.entity, what)
    });
    book.table(&MEASUREMENTS, rows, |m: &MeasurementEntry| {
        [
            text(index.name(&m.entity)),
            text(&m.metric),
            text(&m.subject),
            m.value.into(),
            m.at.into(),
            text(&m.entity),
        ]
    })
}

const WAVES: Table<7> = Table {
    name: "waves",
    about: "Waves that are planned, in their order",
    none: "No wave file is known.",
    columns: [
        col("Order"),
        col("Wave"),
        col("State"),
        col("From (UTC)"),
        col("To (UTC)"),
        wide("Members", 80),
        col("Number of members"),
    ],
};

pub(super) fn waves(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.waves, |w| {
        (w.order, &w.name, &w.members, &w.state)
    });
    book.table(&WAVES, rows, |w: &WaveEntry| {
        [
            w.order.into(),
            text(&w.name),
            text(&w.state),
            w.window.map(|window| window.from).into(),
            w.window.map(|window| window.to).into(),
            list(&w.members),
            count(w.members.len()),
        ]
    })
}

const COVERAGE: Table<9> = Table {
    name: "coverage",
    about: "What was looked at, from where and how completely",
    none: "Nothing was looked at.",
    columns: [
        col("Source"),
        col("From where"),
        col("Scope"),
        col("State"),
        col("Gaps"),
        col("From (UTC)"),
        col("To (UTC)"),
        wide("How", 40),
        id("Id of the vantage"),
    ],
};

fn looks<'a>(index: &Index<'a>) -> Vec<&'a CoverageEntry> {
    sorted(&index.inventory.coverage, |c| {
        let when = (c.from, c.to, &c.how);
        (
            &c.source,
            index.name(&c.vantage).to_owned(),
            &c.vantage,
            &c.scope,
            when,
            &c.gaps,
        )
    })
}

pub(super) fn coverage(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    book.table(&COVERAGE, looks(index), |c| {
        [
            text(&c.source),
            text(index.name(&c.vantage)),
            text(&c.scope),
            text(words::coverage(c.state)),
            count(c.gaps.len()),
            c.from.into(),
            c.to.into(),
            maybe(&c.how),
            text(&c.vantage),
        ]
    })
}

const GAPS: Table<7> = Table {
    name: "gaps",
    about: "What could not be seen, why, and what would help",
    none: "No gap was met: everything that was looked at was seen.",
    columns: [
        col("Source"),
        col("From where"),
        col("What was not seen"),
        col("Why"),
        wide("What would help", 60),
        col("Scope"),
        id("Id of the vantage"),
    ],
};

pub(super) fn gaps(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = looks(index).into_iter().flat_map(|c| {
        let gaps = sorted(&c.gaps, |gap| gap);
        gaps.into_iter().map(move |gap| (c, gap))
    });
    book.table(&GAPS, rows, |(c, gap): (&CoverageEntry, &GapEntry)| {
        [
            text(&c.source),
            text(index.name(&c.vantage)),
            text(&gap.what),
            text(gap.reason.replace('-', " ")),
            maybe(&gap.remedy),
            text(&c.scope),
            text(&c.vantage),
        ]
    })
}

const EVIDENCE: Table<7> = Table {
    name: "evidence",
    about: "The facts behind all of it, one line each",
    none: "There is no evidence.",
    columns: [
        col("Source"),
        col("Witness"),
        col("Seen from"),
        col("Last observed (UTC)"),
        wide("Fact", 110),
        id("Id"),
        id("Id of the vantage"),
    ],
};

pub(super) fn evidence(index: &Index<'_>, book: &mut Book) -> Result<(), WorkbookError> {
    let rows = sorted(&index.inventory.evidence, |e| (&e.source, &e.says, &e.id));
    book.table(&EVIDENCE, rows, |e: &EvidenceEntry| -> [Cell; 7] {
        [
            text(&e.source),
            text(e.witness.as_str()),
            text(index.name(&e.vantage)),
            e.observed_at.into(),
            text(&e.says),
            text(&e.id),
            text(&e.vantage),
        ]
    })
}
