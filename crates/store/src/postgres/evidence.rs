//! Pages of evidence in the order of their keys, and what numbers were before.
//!
//! No transaction stays open between two pages, so a slow reader holds up nobody, neither writers nor the vacuum.

use std::cell::RefCell;

use groma_model::store::EarlierNumber;
use groma_model::{Foreign, Scope, Timestamp};

use super::columns::Columns;
use super::key::cut;
use super::looks;
use super::session::{Ask, Session};
use crate::StoreError;
use crate::evidence::{ATTEMPT, EventRow, PAGE, Reader, ValueRow};
use crate::looks::{Bounds, GROWTH_MILLIS, NewestLook, StreamKey};

impl Reader for RefCell<Session> {
    fn acts(&self) -> Result<i64, StoreError> {
        looks::acts(&mut *self.borrow_mut())
    }

    fn newest_looks(&self, bounds: Bounds) -> Result<Vec<NewestLook>, StoreError> {
        looks::newest(&mut *self.borrow_mut(), bounds)
    }

    fn report(&self, site: &str, hash: &[u8]) -> Result<Option<String>, StoreError> {
        let find = "SELECT json FROM report WHERE site_id = $1 AND hash = $2";
        let attempt = crate::looks::ATTEMPT;
        let site = site.as_bytes();
        let found = self.borrow_mut().ask_one(attempt, find, &[&site, &hash])?;
        found
            .map(|row| Columns::of(&row, attempt).plain(0))
            .transpose()
    }

    fn end_before(
        &self,
        stream: &StreamKey,
        moment: i64,
        watermark: i64,
    ) -> Result<i64, StoreError> {
        let sql = "SELECT max(ended) FROM look
                   WHERE site_id = $1 AND vantage = $2 AND source = $3 AND ended < $4 AND id <= $5";
        let [site, vantage, source] = names(stream);
        let values: [&(dyn postgres::types::ToSql + Sync); 5] =
            [&site, &vantage, &source, &moment, &watermark];
        let found = self.borrow_mut().ask_one(ATTEMPT, sql, &values)?;
        let end = found.map(|row| Columns::of(&row, ATTEMPT).plain::<Option<i64>>(0));
        Ok(end.transpose()?.flatten().unwrap_or(moment))
    }

    fn events_after(
        &self,
        bounds: Bounds,
        after: Option<&EventRow>,
    ) -> Result<Vec<EventRow>, StoreError> {
        // The content is looked up row by row, along a key: a plan that joins would read all facts for each page.
        let sql = "SELECT site_id, vantage, source, fact, scope, scope_whole, look, word, at, first, last, count,
                hours, bytes, shortest_ms, longest_ms,
                (SELECT f.json FROM fact f WHERE f.site_id = event.site_id AND f.hash = event.fact)
            FROM event
            WHERE (site_id, vantage, source, fact, scope, look, word) > ($1, $2, $3, $4, $5, $6, $7)
              AND look <= $8 AND at <= $9
            ORDER BY site_id, vantage, source, fact, scope, look, word LIMIT $10";
        let none = StreamKey::default();
        let [site, vantage, source] = names(after.map_or(&none, |row| &row.stream));
        let fact = after.map_or(&[][..], |row| &row.fact[..]);
        let scope = cut(after.map_or(&[][..], |row| row.scope.as_bytes())).0;
        let (scope, look) = (&*scope, after.map_or(i64::MIN, |row| row.event.look));
        let word = after.map_or("", |row| row.event.word.as_str());
        let rows = self.borrow_mut().ask(
            ATTEMPT,
            sql,
            &[
                &site,
                &vantage,
                &source,
                &fact,
                &scope,
                &look,
                &word,
                &bounds.watermark,
                &bounds.valid_at,
                &PAGE,
            ],
        )?;
        let rows = rows.iter().map(|row| {
            let columns = Columns::of(row, ATTEMPT);
            Ok(EventRow {
                stream: columns.stream()?,
                fact: columns.hash(3)?,
                scope: columns.whole_text(4)?,
                event: columns.event(6)?,
                json: columns.plain(16)?,
            })
        });
        rows.collect()
    }

    fn values_after(
        &self,
        bounds: Bounds,
        after: Option<&ValueRow>,
    ) -> Result<Vec<ValueRow>, StoreError> {
        let sql = "SELECT s.site_id, s.vantage, s.source, s.scope, s.scope_whole, s.metric, s.metric_whole,
                s.subject, s.subject_whole, m.look, m.at, m.value
            FROM series s CROSS JOIN LATERAL (
                SELECT n.look, n.at, n.value FROM measurement n
                WHERE n.site_id = s.site_id AND n.series = s.id AND n.look <= $7 AND n.at <= $8
                ORDER BY n.at DESC, n.look DESC LIMIT 1) m
            WHERE (s.site_id, s.vantage, s.source, s.scope, s.metric, s.subject) > ($1, $2, $3, $4, $5, $6)
            ORDER BY s.site_id, s.vantage, s.source, s.scope, s.metric, s.subject LIMIT $9";
        let none = StreamKey::default();
        let [site, vantage, source] = names(after.map_or(&none, |row| &row.stream));
        let scope = cut(after.map_or(&[][..], |row| row.scope.as_bytes())).0;
        let metric = cut(after.map_or(&[][..], |row| row.metric.as_bytes())).0;
        let subject = cut(after.map_or(&[][..], |row| &row.subject)).0;
        let (scope, metric, subject) = (&*scope, &*metric, &*subject);
        let rows = self.borrow_mut().ask(
            ATTEMPT,
            sql,
            &[
                &site,
                &vantage,
                &source,
                &scope,
                &metric,
                &subject,
                &bounds.watermark,
                &bounds.valid_at,
                &PAGE,
            ],
        )?;
        let rows = rows.iter().map(|row| {
            let columns = Columns::of(row, ATTEMPT);
            Ok(ValueRow {
                stream: columns.stream()?,
                scope: columns.whole_text(3)?,
                metric: columns.whole_text(5)?,
                subject: columns.whole(7)?.to_vec(),
                look: columns.plain(9)?,
                at: columns.plain(10)?,
                value: columns.plain(11)?,
            })
        });
        rows.collect()
    }
}

/// The names of a stream as they are kept.
pub(super) fn names(stream: &StreamKey) -> [&[u8]; 3] {
    [
        stream.site.as_bytes(),
        stream.vantage.as_bytes(),
        stream.source.as_bytes(),
    ]
}

/// The oldest value of each number of bytes within reach of its newest one.
pub(super) fn earlier_numbers(
    ask: &mut impl Ask,
    bounds: Bounds,
) -> Result<Vec<EarlierNumber>, StoreError> {
    let attempt = "read earlier numbers";
    let sql = "SELECT s.vantage, s.scope, s.scope_whole, s.metric, s.subject, s.subject_whole, m.at, m.value
        FROM series s CROSS JOIN LATERAL (
            SELECT x.at FROM measurement x
            WHERE x.site_id = s.site_id AND x.series = s.id AND x.look <= $1 AND x.at <= $2
            ORDER BY x.at DESC LIMIT 1) newest
        CROSS JOIN LATERAL (
            SELECT n.at, n.value FROM measurement n
            WHERE n.site_id = s.site_id AND n.series = s.id AND n.look <= $1 AND n.at <= $2 AND n.at >= newest.at - $3
            ORDER BY n.at, n.look LIMIT 1) m
        WHERE s.metric IN ('content_bytes', 'file_system_used_bytes')";
    let values: [&(dyn postgres::types::ToSql + Sync); 3] =
        [&bounds.watermark, &bounds.valid_at, &GROWTH_MILLIS];
    let rows = ask.ask(attempt, sql, &values)?;
    let rows = rows.iter().map(|row| {
        let columns = Columns::of(row, attempt);
        let scope = columns.whole_text(1)?;
        let (space, path) = scope.split_once(':').unwrap_or(("", &scope));
        Ok(EarlierNumber {
            vantage: columns.agent(0)?,
            scope: Scope::new(space, path),
            metric: columns.text(3)?,
            subject: Foreign::from_bytes(columns.whole(4)?),
            at: Timestamp::from_millis(columns.plain(6)?),
            value: columns.plain(7)?,
        })
    });
    rows.collect()
}
