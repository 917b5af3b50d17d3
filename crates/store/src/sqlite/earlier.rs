//! What numbers were before: growth needs two looks.

use groma_model::store::EarlierNumber;
use groma_model::{AgentId, Foreign, Scope, Timestamp};
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::looks::{Bounds, GROWTH_MILLIS};

/// The oldest value of each number of bytes within reach of its newest one.
pub(super) fn numbers(
    connection: &Connection,
    bounds: Bounds,
) -> Result<Vec<EarlierNumber>, StoreError> {
    read(connection, bounds).map_err(StoreError::of("read earlier numbers"))
}

fn read(connection: &Connection, bounds: Bounds) -> rusqlite::Result<Vec<EarlierNumber>> {
    let sql = "SELECT s.vantage, s.scope, s.metric, s.subject, m.at, m.value
        FROM series s CROSS JOIN measurement m ON m.site_id = s.site_id AND m.series = s.id AND (m.at, m.look) = (
            SELECT n.at, n.look FROM measurement n
            WHERE n.site_id = s.site_id AND n.series = s.id AND n.look <= ?1 AND n.at <= ?2 AND n.at >= (
                SELECT MAX(x.at) FROM measurement x
                WHERE x.site_id = s.site_id AND x.series = s.id AND x.look <= ?1 AND x.at <= ?2) - ?3
            ORDER BY n.at, n.look LIMIT 1)
        WHERE s.metric IN ('content_bytes', 'file_system_used_bytes')";
    let mut statement = connection.prepare(sql)?;
    let arguments = params![bounds.watermark, bounds.valid_at, GROWTH_MILLIS];
    let rows = statement.query_map(arguments, |row| {
        let (vantage, scope): (String, String) = (row.get(0)?, row.get(1)?);
        let (space, path) = scope.split_once(':').unwrap_or(("", &scope));
        Ok(EarlierNumber {
            vantage: AgentId::new(vantage),
            scope: Scope::new(space, path),
            metric: row.get(2)?,
            subject: Foreign::from_bytes(row.get::<_, Vec<u8>>(3)?),
            at: Timestamp::from_millis(row.get(4)?),
            value: row.get(5)?,
        })
    })?;
    rows.collect()
}
