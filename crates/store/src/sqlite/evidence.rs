//! Evidence comes out: a sorted stream, a page at a time, of what holds at a moment.
//!
//! No transaction stays open between two pages. Rows are only ever added, and every row carries the
//! number of the look that added it; so the watermark taken at the start is all it needs to see the
//! same store until the end, whatever others write meanwhile.

use std::iter::Peekable;

use groma_model::fact::{Fact, Measurement};
use groma_model::{
    AgentId, Evidence, EvidenceState, Foreign, Scope, Seen, SiteId, SourceName, Timestamp,
};
use rayon::prelude::*;
use rusqlite::{Connection, params};

use super::Bounds;
use super::looks::{self, NewestLook};
use super::place::{Event, Hash, Standing, Word, cited_as};
use crate::StoreError;
use crate::extent::Extent;

const ATTEMPT: &str = "read evidence";

/// Rows fetched at once.
const PAGE: i64 = 4096;

/// Rows read into facts at once.
const LOAD: usize = 2048;

/// The evidence within `bounds`.
pub(super) fn evidence(
    connection: &Connection,
    bounds: Bounds,
) -> Result<EvidenceStream<'_>, StoreError> {
    let facts = Places {
        rows: Pages::new(connection, bounds, event_page).peekable(),
    };
    let numbers = Pages::new(connection, bounds, value_page).peekable();
    let cursor = Cursor {
        connection,
        looks: looks::newest(connection, bounds)?,
        at: 0,
        reach: None,
        end: None,
        watermark: bounds.watermark,
    };
    Ok(EvidenceStream {
        facts: facts.peekable(),
        numbers,
        cursor,
        waiting: Vec::new(),
        ready: Vec::new().into_iter(),
    })
}

/// Facts and numbers of one stream after the other.
pub(super) struct EvidenceStream<'c> {
    facts: Peekable<Places<'c>>,
    numbers: Peekable<Pages<'c, ValueRow>>,
    cursor: Cursor<'c>,
    /// Fetched, to be read next.
    waiting: Vec<Result<Written, StoreError>>,
    ready: std::vec::IntoIter<Result<Evidence, StoreError>>,
}

impl Iterator for EvidenceStream<'_> {
    type Item = Result<Evidence, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.len() == 0 {
            self.turn();
        }
        if self.ready.len() == 0 && !self.waiting.is_empty() {
            self.turn();
        }
        self.ready.next()
    }
}

/// Evidence as it stands in the tables: which row and since when is known, the content is not read yet.
struct Written {
    stream: StreamKey,
    scope: String,
    content: Text,
    seen: Seen,
    state: EvidenceState,
}

enum Text {
    Fact(String),
    Number(ValueRow),
}

impl Written {
    /// The costly half, which needs nothing but the row: all cores do it.
    fn read(self) -> Result<Evidence, StoreError> {
        let (fact, key) = match self.content {
            Text::Fact(json) => (Fact::from_json(&json).map_err(damaged)?, json),
            Text::Number(value) => value.fact()?,
        };
        let stream = self.stream;
        Ok(stream.evidence(self.scope, fact, &key, self.seen, self.state))
    }
}

impl EvidenceStream<'_> {
    /// Reads what waits, and fetches what is to wait next while others read.
    fn turn(&mut self) {
        let load = std::mem::take(&mut self.waiting);
        let mut read = Vec::new();
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                let each = load.into_par_iter();
                read = each.map(|row| row.and_then(Written::read)).collect();
            });
            self.waiting = std::iter::from_fn(|| self.written()).take(LOAD).collect();
        });
        self.ready = read.into_iter();
    }

    /// The next row that holds.
    fn written(&mut self) -> Option<Result<Written, StoreError>> {
        loop {
            let step = match (self.facts.peek(), self.numbers.peek()) {
                (None, None) => return None,
                (Some(Ok(place)), Some(Ok(value))) if place.row.stream > value.stream => {
                    self.next_number()?
                }
                (None, Some(_)) => self.next_number()?,
                _ => self.next_fact()?,
            };
            if let Some(item) = step.transpose() {
                return Some(item);
            }
        }
    }

    /// The next fact; `Ok(None)` if it does not hold any more.
    fn next_fact(&mut self) -> Option<Result<Option<Written>, StoreError>> {
        Some(self.facts.next()?.and_then(|place| self.cursor.fact(place)))
    }

    /// The next number; `Ok(None)` if it is not measured any more.
    fn next_number(&mut self) -> Option<Result<Option<Written>, StoreError>> {
        Some(
            self.numbers
                .next()?
                .and_then(|value| self.cursor.number(value)),
        )
    }
}

/// Walks along the newest looks as the sorted evidence goes by.
struct Cursor<'c> {
    connection: &'c Connection,
    looks: Vec<NewestLook>,
    at: usize,
    /// How far the newest look of a stream reached, by its place in `looks`, once somebody asked.
    reach: Option<(usize, Extent)>,
    /// The answer given last by [`Self::end_before`]: place in `looks`, moment asked, end.
    end: Option<(usize, i64, i64)>,
    watermark: i64,
}

impl Cursor<'_> {
    fn fact(&mut self, place: Place) -> Result<Option<Written>, StoreError> {
        let Place { row, standing } = place;
        let (state, last) = match (standing.word, standing.last) {
            (Word::Removed, _) => return Ok(None),
            (Word::Seen, Some(last)) => (EvidenceState::Current, last),
            (Word::Seen, None) => (
                EvidenceState::Current,
                self.look_of(&row.stream)
                    .map_or(standing.at, |look| look.span.ended),
            ),
            (Word::NotSeen, Some(last)) => (EvidenceState::NotSeen, last),
            (Word::NotSeen, None) => (
                EvidenceState::NotSeen,
                self.end_before(&row.stream, standing.at)?,
            ),
        };
        let seen = standing.seen(last);
        Ok(Some(Written {
            stream: row.stream,
            scope: row.scope,
            content: Text::Fact(row.json),
            seen,
            state,
        }))
    }

    /// The end of the last look of `stream` before `moment`: the last one to see what was not seen from then on.
    fn end_before(&mut self, stream: &StreamKey, moment: i64) -> Result<i64, StoreError> {
        self.look_of(stream);
        if let Some((_, _, end)) = self
            .end
            .filter(|(at, closed, _)| (*at, *closed) == (self.at, moment))
        {
            return Ok(end);
        }
        let sql = "SELECT coalesce(max(ended), ?4) FROM look
                   WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND ended < ?4 AND id <= ?5";
        let key = params![
            stream.site,
            stream.vantage,
            stream.source,
            moment,
            self.watermark
        ];
        let end = self
            .connection
            .query_row(sql, key, |r| r.get(0))
            .map_err(StoreError::of(ATTEMPT))?;
        self.end = Some((self.at, moment, end));
        Ok(end)
    }

    fn number(&mut self, value: ValueRow) -> Result<Option<Written>, StoreError> {
        let newest = self.look_of(&value.stream).map(|look| look.id);
        let state = if newest == Some(value.look) {
            EvidenceState::Current
        } else {
            EvidenceState::NotSeen
        };
        if state == EvidenceState::NotSeen && self.reach()?.is_complete(&value.scope) {
            return Ok(None);
        }
        Ok(Some(Written {
            stream: value.stream.clone(),
            scope: value.scope.clone(),
            seen: Seen::once(Timestamp::from_millis(value.at)),
            content: Text::Number(value),
            state,
        }))
    }

    /// The newest look of `stream`; the cursor only moves forward, as the evidence does.
    fn look_of(&mut self, stream: &StreamKey) -> Option<&NewestLook> {
        let key = (&stream.site, &stream.vantage, &stream.source);
        while self
            .looks
            .get(self.at)
            .is_some_and(|look| (&look.site, &look.vantage, &look.source) < key)
        {
            self.at += 1;
        }
        self.looks
            .get(self.at)
            .filter(|look| (&look.site, &look.vantage, &look.source) == key)
    }

    /// How far the look the cursor stands at reached.
    fn reach(&mut self) -> Result<&Extent, StoreError> {
        let known = self.reach.take().filter(|(at, _)| *at == self.at);
        let reach = match (known, self.looks.get(self.at)) {
            (Some(known), _) => known,
            (None, Some(look)) => {
                let record = looks::record(self.connection, look)?;
                (self.at, Extent::of(&record.coverage, &record.gaps))
            }
            (None, None) => (self.at, Extent::of(&[], &[])),
        };
        Ok(&self.reach.insert(reach).1)
    }
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged {
        attempt: ATTEMPT,
        why: error.to_string(),
    }
}

/// Which stream a row belongs to; ordered as the tables are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct StreamKey {
    site: String,
    vantage: String,
    source: String,
}

impl StreamKey {
    fn evidence(
        &self,
        scope: String,
        fact: Fact,
        json: &str,
        seen: Seen,
        state: EvidenceState,
    ) -> Evidence {
        let (site, vantage, source) = (
            SiteId::new(&self.site),
            AgentId::new(&self.vantage),
            SourceName::new(&self.source),
        );
        let scope = scope_of(scope);
        let id = Evidence::id_of(&site, &vantage, &source, &scope, json);
        Evidence {
            id,
            site,
            vantage,
            source,
            scope,
            fact,
            seen,
            state,
        }
    }
}

/// A scope as it was written; [`Scope::new`] would drop a final slash that a source wrote on purpose.
fn scope_of(text: String) -> Scope {
    let (space, path) = text.split_once(':').unwrap_or(("", &text));
    let plain = Scope::new(space, path);
    if plain.as_str() == text {
        return plain;
    }
    serde_json::from_value(serde_json::Value::String(text)).unwrap_or(plain)
}

/// A fact at a place with what became of it.
struct Place {
    row: EventRow,
    standing: Standing,
}

/// Joins the events of one place, which stand together in the table.
struct Places<'c> {
    rows: Peekable<Pages<'c, EventRow>>,
}

impl Iterator for Places<'_> {
    type Item = Result<Place, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
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
        match Standing::of(&mut events) {
            Some(standing) => Some(Ok(Place { row, standing })),
            None => self.next(),
        }
    }
}

#[derive(Clone)]
struct EventRow {
    stream: StreamKey,
    fact: Hash,
    scope: String,
    event: Event,
    json: String,
}

impl EventRow {
    fn is_same_place(&self, other: &Self) -> bool {
        self.fact == other.fact && self.scope == other.scope && self.stream == other.stream
    }
}

#[derive(Clone)]
struct ValueRow {
    stream: StreamKey,
    scope: String,
    metric: String,
    subject: Vec<u8>,
    look: i64,
    at: i64,
    value: f64,
}

impl ValueRow {
    /// The number as a fact, and the text its id is made of.
    fn fact(self) -> Result<(Fact, String), StoreError> {
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

fn event_page(
    connection: &Connection,
    bounds: Bounds,
    after: Option<&EventRow>,
) -> rusqlite::Result<Vec<EventRow>> {
    let sql = "SELECT e.site_id, e.vantage, e.source, e.fact, e.scope, e.look, e.word, e.at, e.first, e.last, e.count,
               e.hours, e.bytes, e.shortest_ms, e.longest_ms, f.json
        FROM event e CROSS JOIN fact f ON f.site_id = e.site_id AND f.hash = e.fact
        WHERE (e.site_id, e.vantage, e.source, e.fact, e.scope, e.look, e.word) > (?1, ?2, ?3, ?4, ?5, ?6, ?7)
          AND e.look <= ?8 AND e.at <= ?9
        ORDER BY e.site_id, e.vantage, e.source, e.fact, e.scope, e.look, e.word LIMIT ?10";
    let none = StreamKey::default();
    let key = after.map_or(&none, |row| &row.stream);
    let fact = after.map_or(&[][..], |row| &row.fact[..]);
    let (scope, look, word) = after.map_or(("", i64::MIN, ""), |row| {
        (&row.scope, row.event.look, row.event.word.as_str())
    });
    let mut statement = connection.prepare(sql)?;
    let arguments = params![
        key.site,
        key.vantage,
        key.source,
        fact,
        scope,
        look,
        word,
        bounds.watermark,
        bounds.valid_at,
        PAGE
    ];
    let rows = statement.query_map(arguments, |row| {
        Ok(EventRow {
            stream: StreamKey {
                site: row.get(0)?,
                vantage: row.get(1)?,
                source: row.get(2)?,
            },
            fact: row.get(3)?,
            scope: row.get(4)?,
            event: Event::read(row, 5)?,
            json: row.get(15)?,
        })
    })?;
    rows.collect()
}

fn value_page(
    connection: &Connection,
    bounds: Bounds,
    after: Option<&ValueRow>,
) -> rusqlite::Result<Vec<ValueRow>> {
    let sql = "SELECT s.site_id, s.vantage, s.source, s.scope, s.metric, s.subject, m.look, m.at, m.value
        FROM series s CROSS JOIN measurement m ON m.site_id = s.site_id AND m.series = s.id AND (m.at, m.look) = (
            SELECT n.at, n.look FROM measurement n
            WHERE n.site_id = s.site_id AND n.series = s.id AND n.look <= ?7 AND n.at <= ?8
            ORDER BY n.at DESC, n.look DESC LIMIT 1)
        WHERE (s.site_id, s.vantage, s.source, s.scope, s.metric, s.subject) > (?1, ?2, ?3, ?4, ?5, ?6)
        ORDER BY s.site_id, s.vantage, s.source, s.scope, s.metric, s.subject LIMIT ?9";
    let none = StreamKey::default();
    let key = after.map_or(&none, |row| &row.stream);
    let (scope, metric) = after.map_or(("", ""), |row| (&row.scope, &row.metric));
    let subject = after.map_or(&[][..], |row| &row.subject[..]);
    let mut statement = connection.prepare(sql)?;
    let arguments = params![
        key.site,
        key.vantage,
        key.source,
        scope,
        metric,
        subject,
        bounds.watermark,
        bounds.valid_at,
        PAGE
    ];
    let rows = statement.query_map(arguments, |row| {
        Ok(ValueRow {
            stream: StreamKey {
                site: row.get(0)?,
                vantage: row.get(1)?,
                source: row.get(2)?,
            },
            scope: row.get(3)?,
            metric: row.get(4)?,
            subject: row.get(5)?,
            look: row.get(6)?,
            at: row.get(7)?,
            value: row.get(8)?,
        })
    })?;
    rows.collect()
}

/// Rows of a table in the order of its key, a page at a time. An error is the last item.
struct Pages<'c, T> {
    connection: &'c Connection,
    bounds: Bounds,
    fetch: Fetch<T>,
    page: std::vec::IntoIter<T>,
    last: Option<T>,
    done: bool,
}

/// Reads the rows after a row, or the first ones.
type Fetch<T> = fn(&Connection, Bounds, Option<&T>) -> rusqlite::Result<Vec<T>>;

impl<'c, T: Clone> Pages<'c, T> {
    fn new(connection: &'c Connection, bounds: Bounds, fetch: Fetch<T>) -> Self {
        Self {
            connection,
            bounds,
            fetch,
            page: Vec::new().into_iter(),
            last: None,
            done: false,
        }
    }

    fn turn(&mut self) -> Result<(), StoreError> {
        let rows = (self.fetch)(self.connection, self.bounds, self.last.as_ref());
        let rows = rows
            .inspect_err(|_| self.done = true)
            .map_err(StoreError::of(ATTEMPT))?;
        self.done = i64::try_from(rows.len()).unwrap_or(PAGE) < PAGE;
        self.last = rows.last().cloned();
        self.page = rows.into_iter();
        Ok(())
    }
}

impl<T: Clone> Iterator for Pages<'_, T> {
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
