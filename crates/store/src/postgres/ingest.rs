//! The rows of a batch, gathered and written many at a time: what costs is the way to the server and back.
//!
//! # Two at once
//!
//! Replicas ingest at the same time, and two locks keep what one writer keeps by being alone:
//!
//! - The lock of the *vantage* is held from the begin. A batch is compared with what its vantage said before, so the
//!   batches of one vantage come one after the other; and one that two replicas were handed is kept by one of them
//!   and found by the other.
//! - The lock of the *numbers* is held from the first row that is written until the transaction has ended. Look
//!   numbers are therefore given in the order in which they become visible: whoever has seen look N will never see
//!   a look below N appear. (A sequence of the server would give number 7 to one transaction, 8 to the next, and
//!   show 8 first.) All rows are written under this lock, also facts that two batches share; so no two transactions
//!   can wait for a row of each other.
//!
//! What takes long for a small batch, reading what is known and comparing, is done before the second lock is taken.

use groma_model::batch::BatchHeader;

use super::columns::Columns;
use super::evidence::names;
use super::key::cut;
use super::looks;
use super::session::{Ask, Lock, Transaction};
use crate::StoreError;
use crate::ingest::{ATTEMPT, LookRow, NumberRow, Place, Writer};
use crate::looks::{StreamKey, signed};
use crate::place::{Event, Hash, hash};
use crate::report::Span;

/// Rows of one kind, and bytes of all, that are gathered before they are written.
pub(super) const ROWS: usize = 4096;
const BYTES: usize = 8 << 20;

/// The lock of whoever is the vantage of this batch. Two that share one only wait for each other.
pub(super) fn vantage(header: &BatchHeader) -> Lock {
    let (site, agent) = (header.site.as_str(), header.agent.as_str());
    let [a, b, c, d, ..] = hash(&format!("{}:{site}{agent}", site.len()));
    Lock::Vantage(i32::from_be_bytes([a, b, c, d]))
}

/// What was gathered for one transaction.
pub(super) struct Gathered<'w, 's> {
    work: &'w mut Transaction<'s>,
    /// All of a batch belongs to one vantage at one site.
    site: Vec<u8>,
    vantage: Vec<u8>,
    /// The number of the newest look, once the lock is held under which it stays so.
    newest: Option<i64>,
    bytes: usize,
    facts: Texts,
    /// One for each of `looks`.
    reports: Texts,
    looks: Looks,
    events: Events,
    numbers: Numbers,
}

#[derive(Default)]
struct Texts {
    hash: Vec<Vec<u8>>,
    json: Vec<String>,
}

#[derive(Default)]
struct Looks {
    number: Vec<i64>,
    epoch: Vec<i64>,
    sequence: Vec<i64>,
    source: Vec<Vec<u8>>,
    started: Vec<i64>,
    ended: Vec<i64>,
}

#[derive(Default)]
struct Events {
    source: Vec<Vec<u8>>,
    fact: Vec<Vec<u8>>,
    scope: Vec<Vec<u8>>,
    scope_whole: Vec<Option<Vec<u8>>>,
    look: Vec<i64>,
    word: Vec<&'static str>,
    at: Vec<i64>,
    first: Vec<i64>,
    last: Vec<Option<i64>>,
    count: Vec<i64>,
    hours: Vec<Option<Vec<u8>>>,
    bytes: Vec<Option<i64>>,
    shortest_ms: Vec<Option<i64>>,
    longest_ms: Vec<Option<i64>>,
}

#[derive(Default)]
struct Numbers {
    source: Vec<Vec<u8>>,
    scope: Cut,
    metric: Cut,
    subject: Cut,
    look: Vec<i64>,
    at: Vec<i64>,
    value: Vec<f64>,
}

/// Texts as keys hold them, and the whole of those that are longer.
#[derive(Default)]
struct Cut {
    key: Vec<Vec<u8>>,
    whole: Vec<Option<Vec<u8>>>,
}

impl Cut {
    fn push(&mut self, text: &[u8]) {
        let (key, whole) = cut(text);
        self.key.push(key.into_owned());
        self.whole.push(whole.map(<[u8]>::to_vec));
    }
}

impl<'w, 's> Gathered<'w, 's> {
    pub(super) fn new(work: &'w mut Transaction<'s>, header: &BatchHeader) -> Self {
        Self {
            work,
            site: header.site.as_str().into(),
            vantage: header.agent.as_str().into(),
            newest: None,
            bytes: 0,
            facts: Texts::default(),
            reports: Texts::default(),
            looks: Looks::default(),
            events: Events::default(),
            numbers: Numbers::default(),
        }
    }

    /// Takes the lock of the numbers, once, and tells the newest; on one way, since all others wait meanwhile.
    fn number(&mut self) -> Result<i64, StoreError> {
        let newest = match self.newest {
            Some(newest) => newest,
            None => self
                .work
                .number_under(ATTEMPT, Lock::Numbers, looks::NEWEST)?,
        };
        self.newest = Some(newest);
        Ok(newest)
    }

    fn make_room(&mut self, rows: usize) -> Result<(), StoreError> {
        if rows < ROWS && self.bytes < BYTES {
            return Ok(());
        }
        self.write()
    }

    /// Writes what was gathered; what is cited first.
    fn write(&mut self) -> Result<(), StoreError> {
        self.number()?;
        self.bytes = 0;
        self.write_facts()?;
        self.write_looks()?;
        self.write_events()?;
        self.write_numbers()
    }

    fn write_facts(&mut self) -> Result<(), StoreError> {
        let Texts { hash, json } = std::mem::take(&mut self.facts);
        if hash.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO fact (site_id, hash, json)
            SELECT $1, hash, json FROM unnest($2::bytea[], $3::text[]) AS new (hash, json) ON CONFLICT DO NOTHING";
        let row = self.work.run(ATTEMPT, sql, &[&self.site, &hash, &json]);
        row.map(drop)
    }

    /// Looks with what they cite go in one statement: most batches write nothing else.
    fn write_looks(&mut self) -> Result<(), StoreError> {
        let (new, reports) = (
            std::mem::take(&mut self.looks),
            std::mem::take(&mut self.reports),
        );
        if new.number.is_empty() {
            return Ok(());
        }
        let sql = "WITH reports AS (
                INSERT INTO report (site_id, hash, json)
                SELECT $1, hash, json FROM unnest($9::bytea[], $10::text[]) AS new (hash, json) ON CONFLICT DO NOTHING),
            streams AS (
                INSERT INTO stream (site_id, vantage, source)
                SELECT $1, $2, source FROM unnest($6::bytea[]) AS new (source) ON CONFLICT DO NOTHING)
            INSERT INTO look (site_id, vantage, id, epoch, sequence, source, started, ended, report)
            SELECT $1, $2, new.* FROM unnest($3::int8[], $4::int8[], $5::int8[], $6::bytea[], $7::int8[], $8::int8[], $9::bytea[]) AS new";
        let row = self.work.run(
            ATTEMPT,
            sql,
            &[
                &self.site,
                &self.vantage,
                &new.number,
                &new.epoch,
                &new.sequence,
                &new.source,
                &new.started,
                &new.ended,
                &reports.hash,
                &reports.json,
            ],
        );
        row.map(drop)
    }

    fn write_events(&mut self) -> Result<(), StoreError> {
        let new = std::mem::take(&mut self.events);
        if new.look.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO event (site_id, vantage, source, fact, scope, scope_whole, look, word, at, first, last, count,
                hours, bytes, shortest_ms, longest_ms)
            SELECT $1, $2, new.* FROM unnest($3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::int8[], $8::text[],
                $9::int8[], $10::int8[], $11::int8[], $12::int8[], $13::bytea[], $14::int8[], $15::int8[], $16::int8[]) AS new";
        let row = self.work.run(
            ATTEMPT,
            sql,
            &[
                &self.site,
                &self.vantage,
                &new.source,
                &new.fact,
                &new.scope,
                &new.scope_whole,
                &new.look,
                &new.word,
                &new.at,
                &new.first,
                &new.last,
                &new.count,
                &new.hours,
                &new.bytes,
                &new.shortest_ms,
                &new.longest_ms,
            ],
        );
        row.map(drop)
    }

    /// A series is given its number at its first value.
    fn write_numbers(&mut self) -> Result<(), StoreError> {
        let new = std::mem::take(&mut self.numbers);
        if new.look.is_empty() {
            return Ok(());
        }
        let (site, vantage) = (&self.site, &self.vantage);
        let series = "INSERT INTO series (site_id, id, vantage, source, scope, scope_whole, metric, metric_whole, subject, subject_whole)
            SELECT $1, (SELECT coalesce(max(id), 0) FROM series WHERE site_id = $1) + row_number() OVER (), $2, new.*
            FROM (
                SELECT DISTINCT ON (source, scope, metric, subject) *
                FROM unnest($3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])
                    AS given (source, scope, scope_whole, metric, metric_whole, subject, subject_whole)) new
            WHERE NOT EXISTS (
                SELECT FROM series s WHERE s.site_id = $1 AND s.vantage = $2 AND s.source = new.source
                AND s.scope = new.scope AND s.metric = new.metric AND s.subject = new.subject)";
        self.work.run(
            ATTEMPT,
            series,
            &[
                site,
                vantage,
                &new.source,
                &new.scope.key,
                &new.scope.whole,
                &new.metric.key,
                &new.metric.whole,
                &new.subject.key,
                &new.subject.whole,
            ],
        )?;
        let values = "INSERT INTO measurement (site_id, series, look, at, value)
            SELECT $1, (
                SELECT s.id FROM series s WHERE s.site_id = $1 AND s.vantage = $2 AND s.source = new.source
                AND s.scope = new.scope AND s.metric = new.metric AND s.subject = new.subject), look, at, value
            FROM unnest($3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::int8[], $8::int8[], $9::float8[])
                AS new (source, scope, metric, subject, look, at, value)";
        let row = self.work.run(
            ATTEMPT,
            values,
            &[
                site,
                vantage,
                &new.source,
                &new.scope.key,
                &new.metric.key,
                &new.subject.key,
                &new.look,
                &new.at,
                &new.value,
            ],
        );
        row.map(drop)
    }
}

impl Writer for Gathered<'_, '_> {
    fn is_kept(&mut self, header: &BatchHeader) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM look WHERE site_id = $1 AND vantage = $2 AND epoch = $3 AND sequence = $4 LIMIT 1";
        let (epoch, sequence) = (signed(header.epoch), signed(header.sequence));
        let key: [&(dyn postgres::types::ToSql + Sync); 4] =
            [&self.site, &self.vantage, &epoch, &sequence];
        Ok(self.work.ask_one(ATTEMPT, sql, &key)?.is_some())
    }

    fn later_looks(
        &mut self,
        stream: &StreamKey,
        ended: i64,
    ) -> Result<Vec<(Span, String)>, StoreError> {
        let sql = "SELECT l.started, l.ended, r.json FROM look l JOIN report r ON r.site_id = l.site_id AND r.hash = l.report
            WHERE l.site_id = $1 AND l.vantage = $2 AND l.source = $3 AND l.ended > $4 ORDER BY l.ended, l.id";
        let [site, vantage, source] = names(stream);
        let rows = self
            .work
            .ask(ATTEMPT, sql, &[&site, &vantage, &source, &ended])?;
        let rows = rows.iter().map(|row| {
            let columns = Columns::of(row, ATTEMPT);
            Ok((columns.span(0)?, columns.plain(2)?))
        });
        rows.collect()
    }

    fn events(
        &mut self,
        stream: &StreamKey,
        each: &mut dyn FnMut(Place, Event),
    ) -> Result<(), StoreError> {
        let sql = "SELECT fact, scope, scope_whole, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms
            FROM event WHERE site_id = $1 AND vantage = $2 AND source = $3";
        let [site, vantage, source] = names(stream);
        let values: [&(dyn postgres::types::ToSql + Sync); 3] = [&site, &vantage, &source];
        self.work.each(ATTEMPT, sql, &values, &mut |row| {
            let columns = Columns::of(row, ATTEMPT);
            each(
                (columns.hash(0)?, columns.whole_text(1)?.into()),
                columns.event(3)?,
            );
            Ok(())
        })
    }

    fn watermark(&mut self) -> Result<i64, StoreError> {
        self.number()
    }

    fn add_fact(&mut self, _site: &str, hash: Hash, json: String) -> Result<(), StoreError> {
        self.bytes += json.len();
        self.facts.hash.push(hash.into());
        self.facts.json.push(json);
        self.make_room(self.facts.hash.len())
    }

    fn add_look(&mut self, look: &LookRow<'_>) -> Result<(), StoreError> {
        let (report, json) = &look.report;
        self.bytes += json.len();
        self.reports.hash.push(report.to_vec());
        self.reports.json.push(json.clone());
        let looks = &mut self.looks;
        looks.number.push(look.number);
        looks.epoch.push(look.epoch);
        looks.sequence.push(look.sequence);
        looks.source.push(look.stream.source.as_bytes().to_vec());
        looks.started.push(look.span.started);
        looks.ended.push(look.span.ended);
        self.make_room(self.looks.number.len())
    }

    fn add_event(
        &mut self,
        stream: &StreamKey,
        place: &Place,
        event: &Event,
    ) -> Result<(), StoreError> {
        let (scope, whole) = cut(place.1.as_bytes());
        let flow = &event.flow;
        let hours = (!flow.hours.is_empty()).then(|| flow.hours.as_bytes().to_vec());
        self.bytes += scope.len() + whole.map_or(0, <[u8]>::len);
        let events = &mut self.events;
        events.source.push(stream.source.as_bytes().to_vec());
        events.fact.push(place.0.into());
        events.scope.push(scope.into_owned());
        events.scope_whole.push(whole.map(<[u8]>::to_vec));
        events.look.push(event.look);
        events.word.push(event.word.as_str());
        events.at.push(event.at);
        events.first.push(event.first);
        events.last.push(event.last);
        events.count.push(event.count);
        events.hours.push(hours);
        events.bytes.push(flow.bytes);
        let lasted = flow.lasted;
        events
            .shortest_ms
            .push(lasted.map(|l| l.shortest_ms.into()));
        events.longest_ms.push(lasted.map(|l| l.longest_ms.into()));
        self.make_room(self.events.look.len())
    }

    fn add_number(&mut self, stream: &StreamKey, number: &NumberRow<'_>) -> Result<(), StoreError> {
        self.bytes += number.scope.len() + number.metric.len() + number.subject.len();
        let numbers = &mut self.numbers;
        numbers.source.push(stream.source.as_bytes().to_vec());
        numbers.scope.push(number.scope.as_bytes());
        numbers.metric.push(number.metric.as_bytes());
        numbers.subject.push(number.subject);
        numbers.look.push(number.look);
        numbers.at.push(number.at);
        numbers.value.push(number.value);
        self.make_room(self.numbers.look.len())
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.write()
    }
}
