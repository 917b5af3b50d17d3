//! Evidence comes out: a sorted stream, a page at a time, of what holds at a moment.
//!
//! No transaction stays open between two pages. Rows are only ever added, and every row carries the
//! number of the look that added it; so the watermark taken at the start is all it needs to see the
//! same store until the end, whatever others write meanwhile. When something is forgotten meanwhile, it ends in an error.

mod order;
mod pages;

use std::iter::Peekable;

use groma_model::fact::Fact;
use groma_model::{AgentId, Evidence, EvidenceState, Scope, Seen, SiteId, SourceName, Timestamp};
use rayon::prelude::*;

use crate::StoreError;
use crate::extent::Extent;
use crate::looks::{self, Bounds, NewestLook, StreamKey};
use crate::place::Word;

pub(crate) use order::KEY_BYTES;
pub(crate) use pages::{EventRow, PAGE, ValueRow};

use order::InOrder;
use pages::{Pages, Place, Places};

pub(crate) const ATTEMPT: &str = "read evidence";

/// Rows read into facts at once.
const LOAD: usize = 2048;

/// What an engine does while evidence is read. Every row it hands out belongs to a look within `bounds`.
pub(crate) trait Reader {
    /// How often something was forgotten.
    fn acts(&self) -> Result<i64, StoreError>;

    /// The newest look of every stream, sorted by site, vantage and source.
    fn newest_looks(&self, bounds: Bounds) -> Result<Vec<NewestLook>, StoreError>;

    /// What looks said about themselves, by its key.
    fn report(&self, site: &str, hash: &[u8]) -> Result<Option<String>, StoreError>;

    /// The end of the last look of `stream` before `moment`, or `moment` if there is none.
    fn end_before(
        &self,
        stream: &StreamKey,
        moment: i64,
        watermark: i64,
    ) -> Result<i64, StoreError>;

    /// At most [`PAGE`] events in the order of their key, from the one after `after` on. Fewer than that are the last.
    fn events_after(
        &self,
        bounds: Bounds,
        after: Option<&EventRow>,
    ) -> Result<Vec<EventRow>, StoreError>;

    /// At most [`PAGE`] series with their newest value, as [`Self::events_after`].
    fn values_after(
        &self,
        bounds: Bounds,
        after: Option<&ValueRow>,
    ) -> Result<Vec<ValueRow>, StoreError>;
}

/// The evidence within `bounds`.
pub(crate) fn evidence<R: Reader>(
    reader: &R,
    bounds: Bounds,
) -> Result<EvidenceStream<'_, R>, StoreError> {
    let acts = reader.acts()?;
    let facts = Pages::new(reader, (bounds, acts), R::events_after);
    let facts = InOrder::new(Places::new(facts));
    let numbers = InOrder::new(Pages::new(reader, (bounds, acts), R::values_after)).peekable();
    let cursor = Cursor {
        reader,
        looks: reader.newest_looks(bounds)?,
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
pub(crate) struct EvidenceStream<'c, R: Reader> {
    facts: Peekable<InOrder<Places<'c, R>>>,
    numbers: Peekable<InOrder<Pages<'c, R, ValueRow>>>,
    cursor: Cursor<'c, R>,
    /// Fetched, to be read next.
    waiting: Vec<Result<Written, StoreError>>,
    ready: std::vec::IntoIter<Result<Evidence, StoreError>>,
}

impl<R: Reader> Iterator for EvidenceStream<'_, R> {
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
        let (site, vantage, source) = (
            SiteId::new(&self.stream.site),
            AgentId::new(&self.stream.vantage),
            SourceName::new(&self.stream.source),
        );
        let scope = scope_of(self.scope);
        Ok(Evidence {
            id: Evidence::id_of(&site, &vantage, &source, &scope, &key),
            site,
            vantage,
            source,
            scope,
            fact,
            seen: self.seen,
            state: self.state,
        })
    }
}

impl<R: Reader> EvidenceStream<'_, R> {
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
struct Cursor<'c, R> {
    reader: &'c R,
    looks: Vec<NewestLook>,
    at: usize,
    /// How far the newest look of a stream reached, by its place in `looks`, once somebody asked.
    reach: Option<(usize, Extent)>,
    /// The answer given last by [`Self::end_before`]: place in `looks`, moment asked, end.
    end: Option<(usize, i64, i64)>,
    watermark: i64,
}

impl<R: Reader> Cursor<'_, R> {
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
        let end = self.reader.end_before(stream, moment, self.watermark)?;
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
        let is_before = |look: &NewestLook| look.stream < *stream;
        while self.looks.get(self.at).is_some_and(is_before) {
            self.at += 1;
        }
        self.looks
            .get(self.at)
            .filter(|look| look.stream == *stream)
    }

    /// How far the look the cursor stands at reached.
    fn reach(&mut self) -> Result<&Extent, StoreError> {
        let known = self.reach.take().filter(|(at, _)| *at == self.at);
        let reach = match (known, self.looks.get(self.at)) {
            (Some(known), _) => known,
            (None, Some(look)) => {
                let record = looks::record(self.reader, look)?;
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

/// A scope as it was written; [`Scope::new`] would drop a final slash that a source wrote on purpose.
fn scope_of(text: String) -> Scope {
    let (space, path) = text.split_once(':').unwrap_or(("", &text));
    let plain = Scope::new(space, path);
    if plain.as_str() == text {
        return plain;
    }
    serde_json::from_value(serde_json::Value::String(text)).unwrap_or(plain)
}
