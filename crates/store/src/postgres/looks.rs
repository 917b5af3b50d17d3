//! Which looks there were.

use std::collections::BTreeSet;

use groma_model::store::LookSpan;
use groma_model::{AgentId, SiteId, Timestamp};
use postgres::Row;
use postgres::types::ToSql;

use super::columns::Columns;
use super::session::Ask;
use crate::StoreError;
use crate::looks::{ATTEMPT, Bounds, NewestLook};

/// Asks for the number of the newest look.
// One step into the key for each site: a GROUP BY would read every look there ever was, at every ingest.
pub(super) const NEWEST: &str = "WITH RECURSIVE sites (site) AS (
        (SELECT site_id FROM look ORDER BY site_id LIMIT 1)
        UNION ALL
        SELECT (SELECT site_id FROM look WHERE site_id > site ORDER BY site_id LIMIT 1) FROM sites WHERE site IS NOT NULL)
    SELECT greatest(
        (SELECT max((SELECT id FROM look WHERE site_id = site ORDER BY site_id DESC, id DESC LIMIT 1))
            FROM sites WHERE site IS NOT NULL),
        (SELECT max(watermark) FROM forgotten),
        0)";

/// The number of the newest look.
///
/// Numbers are given under [`Lock::Numbers`](super::session::Lock), which is held until the transaction that was given
/// them has ended for everybody to see. So whoever sees look N sees each look below N that will ever be.
pub(super) fn watermark(ask: &mut impl Ask) -> Result<i64, StoreError> {
    match ask.ask_one(ATTEMPT, NEWEST, &[])? {
        Some(row) => Columns::of(&row, ATTEMPT).plain(0),
        None => Ok(0),
    }
}

/// How often something was forgotten.
pub(super) fn acts(ask: &mut impl Ask) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(number), 0) FROM forgotten";
    match ask.ask_one(ATTEMPT, sql, &[])? {
        Some(row) => Columns::of(&row, ATTEMPT).plain(0),
        None => Ok(0),
    }
}

/// The newest look of every stream within `bounds`, sorted by site, vantage and source.
pub(super) fn newest(ask: &mut impl Ask, bounds: Bounds) -> Result<Vec<NewestLook>, StoreError> {
    let sql = "SELECT s.site_id, s.vantage, s.source, l.id, l.started, l.ended, l.report
        FROM stream s CROSS JOIN LATERAL (
            SELECT n.id, n.started, n.ended, n.report FROM look n
            WHERE n.site_id = s.site_id AND n.vantage = s.vantage AND n.source = s.source AND n.ended <= $2 AND n.id <= $1
            ORDER BY n.ended DESC, n.id DESC LIMIT 1) l
        ORDER BY s.site_id, s.vantage, s.source";
    let rows = ask.ask(ATTEMPT, sql, &[&bounds.watermark, &bounds.valid_at])?;
    rows.iter().map(look).collect()
}

fn look(row: &Row) -> Result<NewestLook, StoreError> {
    let columns = Columns::of(row, ATTEMPT);
    Ok(NewestLook {
        stream: columns.stream()?,
        id: columns.plain(3)?,
        span: columns.span(4)?,
        report: columns.plain(6)?,
    })
}

pub(super) fn newest_epoch(
    ask: &mut impl Ask,
    site: &SiteId,
    vantage: &AgentId,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT epoch FROM look WHERE site_id = $1 AND vantage = $2 ORDER BY ended DESC, id DESC LIMIT 1";
    let key: [&[u8]; 2] = [site.as_str().as_bytes(), vantage.as_str().as_bytes()];
    let [site, vantage] = &key;
    let found = ask.ask_one(ATTEMPT, sql, &[site, vantage])?;
    found
        .map(|row| Columns::of(&row, ATTEMPT).plain(0))
        .transpose()
}

pub(super) fn spans(
    ask: &mut impl Ask,
    bounds: Bounds,
    sources: &[&str],
) -> Result<Vec<LookSpan>, StoreError> {
    let sql = "SELECT DISTINCT site_id, vantage, started, ended FROM look
        WHERE id <= $1 AND ended <= $2 AND source = ANY ($3)
        ORDER BY site_id, vantage, started, ended";
    let sources: Vec<&[u8]> = sources.iter().map(|source| source.as_bytes()).collect();
    let rows = ask.ask(
        ATTEMPT,
        sql,
        &[&bounds.watermark, &bounds.valid_at, &sources],
    )?;
    rows.iter().map(span).collect()
}

fn span(row: &Row) -> Result<LookSpan, StoreError> {
    let columns = Columns::of(row, ATTEMPT);
    let span = columns.span(2)?;
    Ok(LookSpan {
        site: columns.site(0)?,
        vantage: columns.agent(1)?,
        started: Timestamp::from_millis(span.started),
        ended: Timestamp::from_millis(span.ended),
    })
}

/// Vantages whose looks are asked for at once: what comes back in one piece stays small.
const VANTAGES_AT_ONCE: usize = 16;

/// Looks through `source` of these vantages that ended after `since`.
pub(super) fn spans_of(
    ask: &mut impl Ask,
    bounds: Bounds,
    source: &str,
    vantages: &[(SiteId, AgentId)],
    since: i64,
) -> Result<Vec<LookSpan>, StoreError> {
    let sql = "SELECT l.site_id, l.vantage, l.started, l.ended
        FROM unnest($1::bytea[], $2::bytea[]) AS asked (site_id, vantage) CROSS JOIN LATERAL (
            SELECT n.site_id, n.vantage, n.started, n.ended FROM look n
            WHERE n.site_id = asked.site_id AND n.vantage = asked.vantage AND n.source = $3
                AND n.ended > $4 AND n.ended <= $5 AND n.id <= $6) l";
    let source = source.as_bytes();
    let mut out = BTreeSet::new();
    for some in vantages.chunks(VANTAGES_AT_ONCE) {
        let sites: Vec<&[u8]> = some
            .iter()
            .map(|(site, _)| site.as_str().as_bytes())
            .collect();
        let agents: Vec<&[u8]> = some
            .iter()
            .map(|(_, agent)| agent.as_str().as_bytes())
            .collect();
        let asked: [&(dyn ToSql + Sync); 6] = [
            &sites,
            &agents,
            &source,
            &since,
            &bounds.valid_at,
            &bounds.watermark,
        ];
        for row in &ask.ask(ATTEMPT, sql, &asked)? {
            out.insert(span(row)?);
        }
    }
    Ok(out.into_iter().collect())
}

/// The same of one vantage, the earliest first, with the key of what each said.
pub(super) fn looks_of(
    ask: &mut impl Ask,
    bounds: Bounds,
    source: &str,
    (site, vantage): &(SiteId, AgentId),
    since: i64,
) -> Result<Vec<NewestLook>, StoreError> {
    let sql = "SELECT site_id, vantage, source, id, started, ended, report FROM look
        WHERE site_id = $1 AND vantage = $2 AND source = $3 AND ended > $4 AND ended <= $5 AND id <= $6
        ORDER BY ended, id";
    let (site, vantage) = (site.as_str().as_bytes(), vantage.as_str().as_bytes());
    let source = source.as_bytes();
    let asked: [&(dyn ToSql + Sync); 6] = [
        &site,
        &vantage,
        &source,
        &since,
        &bounds.valid_at,
        &bounds.watermark,
    ];
    let rows = ask.ask(ATTEMPT, sql, &asked)?;
    rows.iter().map(look).collect()
}

pub(super) fn window(
    ask: &mut impl Ask,
    bounds: Bounds,
) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
    let sql = "SELECT min(started), max(ended) FROM look WHERE id <= $1 AND ended <= $2";
    let found = ask.ask_one(ATTEMPT, sql, &[&bounds.watermark, &bounds.valid_at])?;
    let Some(row) = found else { return Ok(None) };
    let columns = Columns::of(&row, ATTEMPT);
    let (first, last): (Option<i64>, Option<i64>) = (columns.plain(0)?, columns.plain(1)?);
    let moments = first.zip(last);
    Ok(moments.map(|(first, last)| (Timestamp::from_millis(first), Timestamp::from_millis(last))))
}
