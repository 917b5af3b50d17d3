//! The rows of a batch, or of several, gathered and written in the order of the tables: a row that comes next to the one before costs a
//! tenth of one that comes anywhere.

use std::rc::Rc;

use groma_model::batch::BatchHeader;
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::looks::watermark;
use super::rows;
use crate::StoreError;
use crate::ingest::{ATTEMPT, Known, LookRow, NumberRow, Place, Standings, Writer};
use crate::looks::{StreamKey, signed};
use crate::place::{Event, Hash};
use crate::report::Span;

/// Rows of all kinds, and bytes of text, that are gathered before they are written.
const ROWS: usize = 1 << 16;
const BYTES: usize = 32 << 20;

/// What was gathered within one transaction.
pub(super) struct Gathered<'c> {
    connection: &'c Connection,
    standings: &'c mut Standings,
    /// The number of the newest look; nobody else gives one, since the transaction was begun as the one writer.
    newest: Option<i64>,
    rows: usize,
    bytes: usize,
    /// Streams that the rows below speak of.
    streams: Vec<Rc<StreamKey>>,
    facts: Vec<Fact>,
    looks: Vec<Look>,
    events: Vec<EventRow>,
    numbers: Vec<Number>,
}

/// Sorted as the table is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fact {
    site: Rc<str>,
    hash: Hash,
    json: String,
}

struct Look {
    stream: Rc<StreamKey>,
    number: i64,
    epoch: i64,
    sequence: i64,
    span: Span,
    report: Hash,
    json: String,
}

struct EventRow {
    stream: Rc<StreamKey>,
    place: Place,
    event: Event,
}

struct Number {
    stream: Rc<StreamKey>,
    scope: String,
    metric: String,
    subject: Vec<u8>,
    look: i64,
    at: i64,
    value: f64,
}

impl<'c> Gathered<'c> {
    pub(super) fn new(connection: &'c Connection, standings: &'c mut Standings) -> Self {
        Self {
            connection,
            standings,
            newest: None,
            rows: 0,
            bytes: 0,
            streams: Vec::new(),
            facts: Vec::new(),
            looks: Vec::new(),
            events: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn stream(&mut self, key: &StreamKey) -> Rc<StreamKey> {
        if let Some(known) = self.streams.last().filter(|last| ***last == *key) {
            return known.clone();
        }
        let new = Rc::new(key.clone());
        self.streams.push(new.clone());
        new
    }

    fn site(&self, site: &str) -> Rc<str> {
        let last = self.facts.last().filter(|last| *last.site == *site);
        last.map_or_else(|| site.into(), |last| last.site.clone())
    }

    fn make_room(&mut self, bytes: usize) -> Result<(), StoreError> {
        self.rows += 1;
        self.bytes += bytes;
        if self.rows < ROWS && self.bytes < BYTES {
            return Ok(());
        }
        self.write()
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .map_err(StoreError::of(ATTEMPT))
    }

    /// Writes what was gathered; what is cited first.
    pub(super) fn write(&mut self) -> Result<(), StoreError> {
        (self.rows, self.bytes) = (0, 0);
        self.streams.clear();
        self.write_facts()?;
        self.write_looks()?;
        self.write_events()?;
        self.write_numbers()
    }

    fn write_facts(&mut self) -> Result<(), StoreError> {
        let mut facts = std::mem::take(&mut self.facts);
        if facts.is_empty() {
            return Ok(());
        }
        facts.sort_unstable();
        facts.dedup_by(|a, b| a.hash == b.hash && a.site == b.site);
        let mut insert =
            self.prepare("INSERT OR IGNORE INTO fact (site_id, hash, json) VALUES (?1, ?2, ?3)")?;
        for Fact { site, hash, json } in &facts {
            run(&mut insert, params![&**site, hash, json])?;
        }
        Ok(())
    }

    fn write_looks(&mut self) -> Result<(), StoreError> {
        let looks = std::mem::take(&mut self.looks);
        if looks.is_empty() {
            return Ok(());
        }
        let mut report =
            self.prepare("INSERT OR IGNORE INTO report (site_id, hash, json) VALUES (?1, ?2, ?3)")?;
        let mut stream = self.prepare(
            "INSERT OR IGNORE INTO stream (site_id, vantage, source) VALUES (?1, ?2, ?3)",
        )?;
        let mut insert = self.prepare(
            "INSERT INTO look (site_id, id, vantage, epoch, sequence, source, started, ended, report)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        for look in &looks {
            let StreamKey {
                site,
                vantage,
                source,
            } = &*look.stream;
            run(&mut report, params![site, look.report, look.json])?;
            run(&mut stream, params![site, vantage, source])?;
            let row = params![
                site,
                look.number,
                vantage,
                look.epoch,
                look.sequence,
                source,
                look.span.started,
                look.span.ended,
                look.report
            ];
            run(&mut insert, row)?;
        }
        Ok(())
    }

    fn write_events(&mut self) -> Result<(), StoreError> {
        let mut events = std::mem::take(&mut self.events);
        if events.is_empty() {
            return Ok(());
        }
        events.sort_by(|a, b| (&a.stream, &a.place).cmp(&(&b.stream, &b.place)));
        let mut insert = self.prepare(
            "INSERT INTO event (site_id, vantage, source, fact, scope, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        for row in &events {
            let EventRow {
                stream,
                place,
                event,
            } = row;
            let flow = &event.flow;
            let hours = (!flow.hours.is_empty()).then(|| flow.hours.as_bytes());
            let row = params![
                stream.site,
                stream.vantage,
                stream.source,
                place.0,
                &*place.1,
                event.look,
                event.word.as_str(),
                event.at,
                event.first,
                event.last,
                event.count,
                hours,
                flow.bytes,
                flow.lasted.map(|l| l.shortest_ms),
                flow.lasted.map(|l| l.longest_ms)
            ];
            run(&mut insert, row)?;
        }
        Ok(())
    }

    /// A series is given its number at its first value.
    fn write_numbers(&mut self) -> Result<(), StoreError> {
        let numbers = std::mem::take(&mut self.numbers);
        if numbers.is_empty() {
            return Ok(());
        }
        let mut find = self.prepare(
            "SELECT id FROM series
             WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND scope = ?4 AND metric = ?5 AND subject = ?6",
        )?;
        let mut new = self.prepare(
            "INSERT INTO series (site_id, id, vantage, source, scope, metric, subject)
             VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM series WHERE site_id = ?1), ?2, ?3, ?4, ?5, ?6) RETURNING id",
        )?;
        let mut insert = self.prepare(
            "INSERT INTO measurement (site_id, series, look, at, value) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for number in &numbers {
            let StreamKey {
                site,
                vantage,
                source,
            } = &*number.stream;
            let key = params![
                site,
                vantage,
                source,
                number.scope,
                number.metric,
                number.subject
            ];
            let found: Option<i64> = find
                .query_row(key, |r| r.get(0))
                .optional()
                .map_err(StoreError::of(ATTEMPT))?;
            let series = match found {
                Some(id) => id,
                None => new
                    .query_row(key, |r| r.get(0))
                    .map_err(StoreError::of(ATTEMPT))?,
            };
            let row = params![site, series, number.look, number.at, number.value];
            run(&mut insert, row)?;
        }
        Ok(())
    }
}

/// What is asked sees the rows that were written, not those that are still gathered: whoever keeps a second batch of one vantage writes
/// the first one before.
impl Writer for Gathered<'_> {
    fn is_kept(&mut self, header: &BatchHeader) -> Result<bool, StoreError> {
        let mut found = self.prepare(
            "SELECT 1 FROM look WHERE site_id = ?1 AND vantage = ?2 AND epoch = ?3 AND sequence = ?4 LIMIT 1",
        )?;
        let key = params![
            header.site.as_str(),
            header.agent.as_str(),
            signed(header.epoch),
            signed(header.sequence)
        ];
        found.exists(key).map_err(StoreError::of(ATTEMPT))
    }

    fn later_looks(
        &mut self,
        stream: &StreamKey,
        ended: i64,
    ) -> Result<Vec<(Span, String)>, StoreError> {
        let mut statement = self.prepare(
            "SELECT l.started, l.ended, r.json FROM look l JOIN report r ON r.site_id = l.site_id AND r.hash = l.report
             WHERE l.site_id = ?1 AND l.vantage = ?2 AND l.source = ?3 AND l.ended > ?4 ORDER BY l.ended, l.id",
        )?;
        let key = params![stream.site, stream.vantage, stream.source, ended];
        let read = |r: &rusqlite::Row<'_>| {
            let (started, ended) = (r.get(0)?, r.get(1)?);
            Ok((Span { started, ended }, r.get::<_, String>(2)?))
        };
        let looks = statement
            .query_map(key, read)
            .map_err(StoreError::of(ATTEMPT))?;
        looks
            .collect::<Result<_, _>>()
            .map_err(StoreError::of(ATTEMPT))
    }

    fn events(
        &mut self,
        stream: &StreamKey,
        each: &mut dyn FnMut(Place, Event),
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare(
            "SELECT fact, scope, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms FROM event
             WHERE site_id = ?1 AND vantage = ?2 AND source = ?3",
        )?;
        let mut found = statement
            .query([&stream.site, &stream.vantage, &stream.source])
            .map_err(StoreError::of(ATTEMPT))?;
        while let Some(row) = found.next().map_err(StoreError::of(ATTEMPT))? {
            let read = || {
                let place = (row.get::<_, Hash>(0)?, row.get::<_, String>(1)?.into());
                Ok::<_, rusqlite::Error>((place, rows::event(row, 2)?))
            };
            let (place, event) = read().map_err(StoreError::of(ATTEMPT))?;
            each(place, event);
        }
        Ok(())
    }

    fn watermark(&mut self) -> Result<i64, StoreError> {
        let newest = match self.newest {
            Some(newest) => newest,
            None => watermark(self.connection)?,
        };
        self.newest = Some(newest);
        Ok(newest)
    }

    fn add_fact(&mut self, site: &str, hash: Hash, json: String) -> Result<(), StoreError> {
        let (site, bytes) = (self.site(site), json.len());
        self.facts.push(Fact { site, hash, json });
        self.make_room(bytes)
    }

    fn add_look(&mut self, look: &LookRow<'_>) -> Result<(), StoreError> {
        let (report, json) = look.report.clone();
        let bytes = json.len();
        let stream = self.stream(look.stream);
        self.newest = self.newest.max(Some(look.number));
        self.looks.push(Look {
            stream,
            number: look.number,
            epoch: look.epoch,
            sequence: look.sequence,
            span: look.span,
            report,
            json,
        });
        self.make_room(bytes)
    }

    fn add_event(
        &mut self,
        stream: &StreamKey,
        place: &Place,
        event: &Event,
    ) -> Result<(), StoreError> {
        let row = EventRow {
            stream: self.stream(stream),
            place: place.clone(),
            event: *event,
        };
        self.events.push(row);
        self.make_room(place.1.len())
    }

    fn add_number(&mut self, stream: &StreamKey, number: &NumberRow<'_>) -> Result<(), StoreError> {
        let row = Number {
            stream: self.stream(stream),
            scope: number.scope.to_owned(),
            metric: number.metric.to_owned(),
            subject: number.subject.to_vec(),
            look: number.look,
            at: number.at,
            value: number.value,
        };
        let bytes = row.scope.len() + row.metric.len() + row.subject.len();
        self.numbers.push(row);
        self.make_room(bytes)
    }

    fn recall(&mut self, stream: &StreamKey) -> Option<Known> {
        self.standings.recall(stream)
    }

    fn remember(&mut self, stream: &StreamKey, known: Known) {
        self.standings.remember(stream, known);
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.write()
    }
}

fn run(
    statement: &mut CachedStatement<'_>,
    row: &[&dyn rusqlite::ToSql],
) -> Result<(), StoreError> {
    let done = statement.execute(row);
    done.map(drop).map_err(StoreError::of(ATTEMPT))
}
