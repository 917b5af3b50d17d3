//! Rows of the tables, a page at a time, and the events of one place joined.

use std::iter::Peekable;

use groma_model::Foreign;
use groma_model::fact::{Fact, Measurement};

use super::{ATTEMPT, Reader, damaged};
use crate::StoreError;
use crate::looks::{Bounds, StreamKey};
use crate::place::{Event, Hash, Standing, cited_as};

/// Rows fetched at once.
pub(crate) const PAGE: i64 = 4096;

/// A fact at a place with what became of it.
pub(super) struct Place {
    pub(super) row: EventRow,
    pub(super) standing: Standing,
}

/// Joins the events of one place, which stand together in the table.
pub(super) struct Places<'c, R: Reader> {
    rows: Peekable<Pages<'c, R, EventRow>>,
}

impl<'c, R: Reader> Places<'c, R> {
    pub(super) fn new(rows: Pages<'c, R, EventRow>) -> Self {
        Self {
            rows: rows.peekable(),
        }
    }
}

impl<R: Reader> Iterator for Places<'_, R> {
    type Item = Result<Place, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match self.rows.next()? {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            let mut events = vec![row.event];
            let same = |next: &Result<EventRow, StoreError>| {
                next.as_ref().is_ok_and(|next| next.is_same_place(&row))
            };
            while let Some(Ok(next)) = self.rows.next_if(same) {
                events.push(next.event);
            }
            if let Some(standing) = Standing::of(&mut events) {
                return Some(Ok(Place { row, standing }));
            }
        }
    }
}

/// An event with the place it belongs to and the content of its fact.
#[derive(Clone)]
pub(crate) struct EventRow {
    pub(crate) stream: StreamKey,
    pub(crate) fact: Hash,
    pub(crate) scope: String,
    pub(crate) event: Event,
    pub(crate) json: String,
}

impl EventRow {
    fn is_same_place(&self, other: &Self) -> bool {
        self.fact == other.fact && self.scope == other.scope && self.stream == other.stream
    }
}

/// A number that moves, with its newest value.
#[derive(Clone)]
pub(crate) struct ValueRow {
    pub(crate) stream: StreamKey,
    pub(crate) scope: String,
    pub(crate) metric: String,
    pub(crate) subject: Vec<u8>,
    pub(crate) look: i64,
    pub(crate) at: i64,
    pub(crate) value: f64,
}

impl ValueRow {
    /// The number as a fact, and the text its id is made of.
    pub(super) fn fact(self) -> Result<(Fact, String), StoreError> {
        let subject = Foreign::from_bytes(self.subject);
        let cited = cited_as(&self.metric, &subject).map_err(damaged)?;
        let number = Measurement {
            metric: self.metric,
            subject,
            value: self.value,
        };
        Ok((Fact::Measurement(number), cited))
    }
}

/// Rows of a table in the order of its key, a page at a time. An error is the last item.
pub(super) struct Pages<'c, R, T> {
    reader: &'c R,
    bounds: Bounds,
    /// How often something had been forgotten when this began.
    acts: i64,
    fetch: Fetch<R, T>,
    page: std::vec::IntoIter<T>,
    last: Option<T>,
    done: bool,
}

/// Reads the rows after a row, or the first ones.
type Fetch<R, T> = fn(&R, Bounds, Option<&T>) -> Result<Vec<T>, StoreError>;

impl<'c, R: Reader, T: Clone> Pages<'c, R, T> {
    pub(super) fn new(reader: &'c R, (bounds, acts): (Bounds, i64), fetch: Fetch<R, T>) -> Self {
        Self {
            reader,
            bounds,
            acts,
            fetch,
            page: Vec::new().into_iter(),
            last: None,
            done: false,
        }
    }

    fn turn(&mut self) -> Result<(), StoreError> {
        let rows = (self.fetch)(self.reader, self.bounds, self.last.as_ref());
        // Asked after the page: it is of before if nothing was forgotten until now.
        let rows = rows.and_then(|rows| match self.reader.acts()? == self.acts {
            true => Ok(rows),
            false => Err(StoreError::Forgotten { attempt: ATTEMPT }),
        });
        let rows = rows.inspect_err(|_| self.done = true)?;
        self.done = i64::try_from(rows.len()).unwrap_or(PAGE) < PAGE;
        self.last = rows.last().cloned();
        self.page = rows.into_iter();
        Ok(())
    }
}

impl<R: Reader, T: Clone> Iterator for Pages<'_, R, T> {
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        if self.done {
            return None;
        }
        match self.turn() {
            Ok(()) => self.page.next().map(Ok),
            Err(error) => Some(Err(error)),
        }
    }
}
