//! Pages of evidence in the order of their keys.

use rusqlite::{Connection, OptionalExtension, params};

use super::{looks, rows};
use crate::StoreError;
use crate::evidence::{ATTEMPT, EventRow, PAGE, Reader, ValueRow};
use crate::looks::{Bounds, NewestLook, StreamKey};

impl Reader for Connection {
    fn acts(&self) -> Result<i64, StoreError> {
        super::forget::number_of_acts(self)
    }

    fn newest_looks(&self, bounds: Bounds) -> Result<Vec<NewestLook>, StoreError> {
        looks::newest(self, bounds)
    }

    fn report(&self, site: &str, hash: &[u8]) -> Result<Option<String>, StoreError> {
        let find = "SELECT json FROM report WHERE site_id = ?1 AND hash = ?2";
        self.query_row(find, (site, hash), |r| r.get(0))
            .optional()
            .map_err(StoreError::of(crate::looks::ATTEMPT))
    }

    fn end_before(
        &self,
        stream: &StreamKey,
        moment: i64,
        watermark: i64,
    ) -> Result<i64, StoreError> {
        let sql = "SELECT coalesce(max(ended), ?4) FROM look
                   WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND ended < ?4 AND id <= ?5";
        let key = params![
            stream.site,
            stream.vantage,
            stream.source,
            moment,
            watermark
        ];
        self.query_row(sql, key, |r| r.get(0))
            .map_err(StoreError::of(ATTEMPT))
    }

    fn events_after(
        &self,
        bounds: Bounds,
        after: Option<&EventRow>,
    ) -> Result<Vec<EventRow>, StoreError> {
        event_page(self, bounds, after).map_err(StoreError::of(ATTEMPT))
    }

    fn values_after(
        &self,
        bounds: Bounds,
        after: Option<&ValueRow>,
    ) -> Result<Vec<ValueRow>, StoreError> {
        value_page(self, bounds, after).map_err(StoreError::of(ATTEMPT))
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
    let found = statement.query_map(arguments, |row| {
        Ok(EventRow {
            stream: StreamKey {
                site: row.get(0)?,
                vantage: row.get(1)?,
                source: row.get(2)?,
            },
            fact: row.get(3)?,
            scope: row.get(4)?,
            event: rows::event(row, 5)?,
            json: row.get(15)?,
        })
    })?;
    found.collect()
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
    let found = statement.query_map(arguments, |row| {
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
    found.collect()
}
