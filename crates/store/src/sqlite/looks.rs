//! Which looks there were, and what they said about themselves.

use std::collections::BTreeSet;

use groma_model::store::LookSpan;
use groma_model::{AgentId, SiteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row, Statement};

use crate::StoreError;
use crate::looks::{ATTEMPT, Bounds, NewestLook, StreamKey};
use crate::report::Span;

pub(super) fn watermark(connection: &Connection) -> Result<i64, StoreError> {
    // One step into the key for each site: a GROUP BY would read every look there ever was, at every ingest.
    let newest = "WITH RECURSIVE sites (site) AS (
            SELECT min(site_id) FROM look
            UNION ALL
            SELECT (SELECT min(site_id) FROM look WHERE site_id > site) FROM sites WHERE site IS NOT NULL)
        SELECT max(
            coalesce((SELECT max((SELECT max(id) FROM look WHERE site_id = site)) FROM sites WHERE site IS NOT NULL), 0),
            coalesce((SELECT max(watermark) FROM forgotten), 0))";
    let asked = connection.prepare_cached(newest);
    let newest = asked.and_then(|mut asked| asked.query_row([], |r| r.get(0)));
    newest.map_err(StoreError::of(ATTEMPT))
}

/// The newest look of every stream within `bounds`, sorted by site, vantage and source.
pub(super) fn newest(
    connection: &Connection,
    bounds: Bounds,
) -> Result<Vec<NewestLook>, StoreError> {
    let sql = "SELECT s.site_id, s.vantage, s.source, l.id, l.started, l.ended, l.report
        FROM stream s CROSS JOIN look l ON l.site_id = s.site_id AND l.id = (
            SELECT n.id FROM look n
            WHERE n.site_id = s.site_id AND n.vantage = s.vantage AND n.source = s.source AND n.ended <= ?2 AND n.id <= ?1
            ORDER BY n.ended DESC, n.id DESC LIMIT 1)
        ORDER BY s.site_id, s.vantage, s.source";
    let mut statement = connection.prepare(sql).map_err(StoreError::of(ATTEMPT))?;
    let rows = statement
        .query_map([bounds.watermark, bounds.valid_at], read)
        .map_err(StoreError::of(ATTEMPT))?;
    rows.collect::<Result<_, _>>()
        .map_err(StoreError::of(ATTEMPT))
}

fn read(row: &Row<'_>) -> rusqlite::Result<NewestLook> {
    Ok(NewestLook {
        stream: StreamKey {
            site: row.get(0)?,
            vantage: row.get(1)?,
            source: row.get(2)?,
        },
        id: row.get(3)?,
        span: Span {
            started: row.get(4)?,
            ended: row.get(5)?,
        },
        report: row.get(6)?,
    })
}

pub(super) fn newest_epoch(
    connection: &Connection,
    site: &SiteId,
    vantage: &AgentId,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT epoch FROM look WHERE site_id = ?1 AND vantage = ?2 ORDER BY ended DESC, id DESC LIMIT 1";
    let found = connection
        .query_row(sql, [site.as_str(), vantage.as_str()], |r| r.get(0))
        .optional();
    found.map_err(StoreError::of(ATTEMPT))
}

pub(super) fn spans(
    connection: &Connection,
    bounds: Bounds,
    sources: &[&str],
) -> Result<Vec<LookSpan>, StoreError> {
    let sql = "SELECT site_id, vantage, started, ended FROM look WHERE id <= ?1 AND ended <= ?2 AND source = ?3";
    let mut statement = connection.prepare(sql).map_err(StoreError::of(ATTEMPT))?;
    let mut out = BTreeSet::new();
    for source in sources {
        let asked = (bounds.watermark, bounds.valid_at, source);
        take_spans(&mut statement, asked, &mut out)?;
    }
    Ok(out.into_iter().collect())
}

fn take_spans(
    statement: &mut Statement<'_>,
    asked: impl Params,
    out: &mut BTreeSet<LookSpan>,
) -> Result<(), StoreError> {
    let rows = statement.query_map(asked, span);
    for row in rows.map_err(StoreError::of(ATTEMPT))? {
        out.insert(row.map_err(StoreError::of(ATTEMPT))?);
    }
    Ok(())
}

/// Looks through `source` of these vantages that ended after `since`: one step into the index of the newest for each.
pub(super) fn spans_of(
    connection: &Connection,
    bounds: Bounds,
    source: &str,
    vantages: &[(SiteId, AgentId)],
    since: i64,
) -> Result<Vec<LookSpan>, StoreError> {
    let sql = "SELECT site_id, vantage, started, ended FROM look
        WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND ended > ?4 AND ended <= ?5 AND id <= ?6";
    let mut statement = connection.prepare(sql).map_err(StoreError::of(ATTEMPT))?;
    let mut out = BTreeSet::new();
    for (site, vantage) in vantages {
        let asked = (
            site.as_str(),
            vantage.as_str(),
            source,
            since,
            bounds.valid_at,
            bounds.watermark,
        );
        take_spans(&mut statement, asked, &mut out)?;
    }
    Ok(out.into_iter().collect())
}

/// The same of one vantage, the earliest first, with the key of what each said.
pub(super) fn looks_of(
    connection: &Connection,
    bounds: Bounds,
    source: &str,
    (site, vantage): &(SiteId, AgentId),
    since: i64,
) -> Result<Vec<NewestLook>, StoreError> {
    let sql = "SELECT site_id, vantage, source, id, started, ended, report FROM look
        WHERE site_id = ?1 AND vantage = ?2 AND source = ?3 AND ended > ?4 AND ended <= ?5 AND id <= ?6
        ORDER BY ended, id";
    let mut statement = connection.prepare(sql).map_err(StoreError::of(ATTEMPT))?;
    let asked = (
        site.as_str(),
        vantage.as_str(),
        source,
        since,
        bounds.valid_at,
        bounds.watermark,
    );
    let rows = statement
        .query_map(asked, read)
        .map_err(StoreError::of(ATTEMPT))?;
    rows.collect::<Result<_, _>>()
        .map_err(StoreError::of(ATTEMPT))
}

fn span(row: &Row<'_>) -> rusqlite::Result<LookSpan> {
    let (site, vantage): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(LookSpan {
        site: SiteId::new(&site),
        vantage: AgentId::new(&vantage),
        started: Timestamp::from_millis(row.get(2)?),
        ended: Timestamp::from_millis(row.get(3)?),
    })
}

pub(super) fn window(
    connection: &Connection,
    bounds: Bounds,
) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
    let sql = "SELECT min(started), max(ended) FROM look WHERE id <= ?1 AND ended <= ?2";
    let read = |r: &Row<'_>| Ok((r.get::<_, Option<i64>>(0)?, r.get::<_, Option<i64>>(1)?));
    let found = connection
        .query_row(sql, [bounds.watermark, bounds.valid_at], read)
        .map_err(StoreError::of(ATTEMPT))?;
    Ok(match found {
        (Some(first), Some(last)) => {
            Some((Timestamp::from_millis(first), Timestamp::from_millis(last)))
        }
        _ => None,
    })
}
