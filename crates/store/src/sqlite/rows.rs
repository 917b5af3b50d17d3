//! Columns as the rest of the crate knows them.

use rusqlite::Row;

use crate::place::{Event, Flow, Word};

/// Reads the columns look, word, at, first, last, count, hours, bytes, shortest, longest from `from` on.
pub(super) fn event(row: &Row<'_>, from: usize) -> rusqlite::Result<Event> {
    Ok(Event {
        look: row.get(from)?,
        word: Word::of(row.get_ref(from + 1)?.as_str()?),
        at: row.get(from + 2)?,
        first: row.get(from + 3)?,
        last: row.get(from + 4)?,
        count: row.get(from + 5)?,
        flow: Flow::of_columns(
            row.get_ref(from + 6)?.as_blob_or_null()?,
            row.get(from + 7)?,
            row.get(from + 8)?,
            row.get(from + 9)?,
        ),
    })
}
