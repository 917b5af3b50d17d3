//! The rows of a batch, one prepared statement for each kind.

use groma_model::batch::BatchHeader;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::looks::watermark;
use super::rows;
use crate::StoreError;
use crate::ingest::{ATTEMPT, LookRow, NumberRow, Place, Writer};
use crate::looks::{StreamKey, signed};
use crate::place::{Event, Hash};
use crate::report::Span;

/// The statements of an ingest, prepared once for a batch.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    fact: Statement<'c>,
    report: Statement<'c>,
    stream: Statement<'c>,
    look: Statement<'c>,
    event: Statement<'c>,
    find_series: Statement<'c>,
    new_series: Statement<'c>,
    measurement: Statement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self, StoreError> {
        let prepare = |sql| connection.prepare(sql).map_err(StoreError::of(ATTEMPT));
        Ok(Self {
            connection,
            fact: prepare("INSERT OR IGNORE INTO fact (site_id, hash, json) VALUES (?1, ?2, ?3)")?,
            report: prepare("INSERT OR IGNORE INTO report (site_id, hash, json) VALUES (?1, ?2, ?3)")?,
            stream: prepare("INSERT OR IGNORE INTO stream (site_id, vantage, source) VALUES (?1, ?2, ?3)")?,
            look: prepare(
                "INSERT INTO look (site_id, id, vantage, epoch, sequence, source, started, ended, report)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            event: prepare(
                "INSERT INTO event (site_id, vantage, source, fact, scope, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?,
            find_series: prepare(
                "SELECT id FROM series
                 WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND scope = ?4 AND metric = ?5 AND subject = ?6",
            )?,
            new_series: prepare(
                "INSERT INTO series (site_id, id, vantage, source, scope, metric, subject)
                 VALUES (?1, (SELECT coalesce(max(id), 0) + 1 FROM series WHERE site_id = ?1), ?2, ?3, ?4, ?5, ?6) RETURNING id",
            )?,
            measurement: prepare("INSERT INTO measurement (site_id, series, look, at, value) VALUES (?1, ?2, ?3, ?4, ?5)")?,
        })
    }

    /// The number of a series, given to it at its first value.
    fn series(&mut self, key: &[&dyn rusqlite::ToSql]) -> Result<i64, StoreError> {
        let found = self
            .find_series
            .query_row(key, |r| r.get(0))
            .optional()
            .map_err(StoreError::of(ATTEMPT))?;
        match found {
            Some(id) => Ok(id),
            None => self
                .new_series
                .query_row(key, |r| r.get(0))
                .map_err(StoreError::of(ATTEMPT)),
        }
    }
}

impl Writer for Statements<'_> {
    fn is_kept(&mut self, header: &BatchHeader) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM look WHERE site_id = ?1 AND vantage = ?2 AND epoch = ?3 AND sequence = ?4 LIMIT 1";
        let key = params![
            header.site.as_str(),
            header.agent.as_str(),
            signed(header.epoch),
            signed(header.sequence)
        ];
        let found = self.connection.query_row(sql, key, |_| Ok(())).optional();
        found
            .map(|row| row.is_some())
            .map_err(StoreError::of(ATTEMPT))
    }

    fn later_looks(
        &mut self,
        stream: &StreamKey,
        ended: i64,
    ) -> Result<Vec<(Span, String)>, StoreError> {
        let sql = "SELECT l.started, l.ended, r.json FROM look l JOIN report r ON r.site_id = l.site_id AND r.hash = l.report
             WHERE l.site_id = ?1 AND l.vantage = ?2 AND l.source = ?3 AND l.ended > ?4 ORDER BY l.ended, l.id";
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(StoreError::of(ATTEMPT))?;
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
        let sql = "SELECT fact, scope, look, word, at, first, last, count, hours, bytes, shortest_ms, longest_ms FROM event
                   WHERE site_id = ?1 AND vantage = ?2 AND source = ?3";
        let mut statement = self
            .connection
            .prepare(sql)
            .map_err(StoreError::of(ATTEMPT))?;
        let mut found = statement
            .query([&stream.site, &stream.vantage, &stream.source])
            .map_err(StoreError::of(ATTEMPT))?;
        while let Some(row) = found.next().map_err(StoreError::of(ATTEMPT))? {
            let read = || {
                let place = (row.get::<_, Hash>(0)?, row.get(1)?);
                Ok::<_, rusqlite::Error>((place, rows::event(row, 2)?))
            };
            let (place, event) = read().map_err(StoreError::of(ATTEMPT))?;
            each(place, event);
        }
        Ok(())
    }

    /// The transaction was begun as the one writer, so nobody else gives numbers.
    fn watermark(&mut self) -> Result<i64, StoreError> {
        watermark(self.connection)
    }

    fn add_fact(&mut self, site: &str, hash: Hash, json: String) -> Result<(), StoreError> {
        run(&mut self.fact, params![site, hash, json])
    }

    fn add_look(&mut self, look: &LookRow<'_>) -> Result<(), StoreError> {
        let StreamKey {
            site,
            vantage,
            source,
        } = look.stream;
        let (report, json) = &look.report;
        run(&mut self.report, params![site, report, json])?;
        run(&mut self.stream, params![site, vantage, source])?;
        let row = params![
            site,
            look.number,
            vantage,
            look.epoch,
            look.sequence,
            source,
            look.span.started,
            look.span.ended,
            report
        ];
        run(&mut self.look, row)
    }

    fn add_event(
        &mut self,
        stream: &StreamKey,
        place: &Place,
        event: &Event,
    ) -> Result<(), StoreError> {
        let flow = &event.flow;
        let hours = (!flow.hours.is_empty()).then(|| flow.hours.as_bytes());
        let row = params![
            stream.site,
            stream.vantage,
            stream.source,
            place.0,
            place.1,
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
        run(&mut self.event, row)
    }

    fn add_number(&mut self, stream: &StreamKey, number: &NumberRow<'_>) -> Result<(), StoreError> {
        let key = params![
            stream.site,
            stream.vantage,
            stream.source,
            number.scope,
            number.metric,
            number.subject
        ];
        let series = self.series(key)?;
        let row = params![stream.site, series, number.look, number.at, number.value];
        run(&mut self.measurement, row)
    }

    /// Nothing was gathered.
    fn finish(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn run(statement: &mut Statement<'_>, row: &[&dyn rusqlite::ToSql]) -> Result<(), StoreError> {
    let done = statement.execute(row);
    done.map(drop).map_err(StoreError::of(ATTEMPT))
}
