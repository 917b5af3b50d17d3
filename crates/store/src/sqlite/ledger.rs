//! What is remembered beside the evidence: identities, named moments, people's words, who we are.

use groma_model::store::{Annotation, Identities, IdentityKey, NewIdentities, Snapshot};
use groma_model::{AgentId, EntityId, SiteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{looks, signed, unsigned};
use crate::StoreError;
use crate::ledger::{self, EVERYWHERE};

pub(super) fn identities(connection: &Connection) -> Result<Identities, StoreError> {
    let attempt = "read the identity ledger";
    // With max() alone, SQLite takes the other columns from the row that has it.
    let marks = "SELECT site_id, kind, value, entity, max(number) FROM identity GROUP BY site_id, kind, value";
    let merges = "SELECT entity, survivor, max(number) FROM merge GROUP BY site_id, entity";
    let mark = |r: &Row<'_>| {
        let key = IdentityKey {
            site: SiteId::new(r.get::<_, String>(0)?),
            kind: r.get(1)?,
            value: r.get(2)?,
        };
        Ok((key, EntityId::new(r.get::<_, String>(3)?)))
    };
    let merge = |r: &Row<'_>| {
        Ok((
            EntityId::new(r.get::<_, String>(0)?),
            EntityId::new(r.get::<_, String>(1)?),
        ))
    };
    let known = rows(connection, attempt, marks, mark)?
        .into_iter()
        .collect();
    let merged = rows(connection, attempt, merges, merge)?
        .into_iter()
        .collect();
    Ok(Identities { known, merged })
}

pub(super) fn number(connection: &Connection) -> Result<u64, StoreError> {
    let newest = "SELECT max((SELECT coalesce(max(number), 0) FROM identity), (SELECT coalesce(max(number), 0) FROM merge))";
    let number = connection.query_row(newest, [], |r| r.get(0));
    number
        .map(unsigned)
        .map_err(StoreError::of("read the identity ledger"))
}

pub(super) fn moved_since(connection: &Connection, number: u64) -> Result<bool, StoreError> {
    let moved = "SELECT EXISTS (SELECT 1 FROM merge WHERE number > ?1) OR EXISTS (
        SELECT 1 FROM identity AS later JOIN identity AS earlier USING (site_id, kind, value)
        WHERE later.number > ?1 AND earlier.number < later.number)";
    let moved = connection.query_row(moved, [signed(number)], |r| r.get(0));
    moved.map_err(StoreError::of("read the identity ledger"))
}

pub(super) fn remember(connection: &Connection, new: &NewIdentities) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let attempt = "keep identities";
    let known = identities(connection)?;
    let mut number = signed(number(connection)?);
    let mut insert = connection
        .prepare("INSERT INTO identity (site_id, kind, value, number, entity) VALUES (?1, ?2, ?3, ?4, ?5)")
        .map_err(StoreError::of(attempt))?;
    for (key, entity) in ledger::new_marks(&known, new) {
        number += 1;
        let row = params![
            key.site.as_str(),
            key.kind,
            key.value,
            number,
            entity.as_str()
        ];
        insert.execute(row).map_err(StoreError::of(attempt))?;
    }
    for merge in ledger::new_merges(&known, new) {
        number += 1;
        let sql = "INSERT INTO merge (site_id, entity, number, survivor, why) VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![
            merge.site,
            merge.entity.as_str(),
            number,
            merge.survivor.as_str(),
            merge.why
        ];
        connection
            .execute(sql, row)
            .map_err(StoreError::of(attempt))?;
    }
    Ok(())
}

pub(super) fn take_snapshot(
    connection: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<Snapshot, StoreError> {
    let attempt = "take a snapshot";
    ledger::check_name(name, snapshots(connection)?)?;
    let watermark = looks::watermark(connection)?;
    // All that is known belongs to the moment, also from a host whose clock is ahead of ours.
    let newest = "SELECT coalesce(max(at), 0) FROM (SELECT max(ended) AS at FROM look UNION ALL SELECT max(at) FROM event)";
    let newest: i64 = connection
        .query_row(newest, [], |r| r.get(0))
        .map_err(StoreError::of(attempt))?;
    let valid_at = now.max(Timestamp::from_millis(newest));
    let sql = "INSERT INTO snapshot (site_id, name, valid_at, watermark, taken_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![EVERYWHERE, name, valid_at.millis(), watermark, now.millis()];
    connection
        .execute(sql, row)
        .map_err(StoreError::of(attempt))?;
    Ok(Snapshot {
        name: name.to_owned(),
        valid_at,
        watermark: unsigned(watermark),
        taken_at: now,
    })
}

pub(super) fn snapshots(connection: &Connection) -> Result<Vec<Snapshot>, StoreError> {
    let sql = "SELECT name, valid_at, watermark, taken_at FROM snapshot ORDER BY taken_at, name";
    rows(connection, "read snapshots", sql, |r| {
        Ok(Snapshot {
            name: r.get(0)?,
            valid_at: Timestamp::from_millis(r.get(1)?),
            watermark: unsigned(r.get(2)?),
            taken_at: Timestamp::from_millis(r.get(3)?),
        })
    })
}

pub(super) fn remove_snapshot(connection: &Connection, name: &str) -> Result<(), StoreError> {
    let gone = connection.execute(
        "DELETE FROM snapshot WHERE site_id = ?1 AND name = ?2",
        [EVERYWHERE, name],
    );
    gone.map(drop).map_err(StoreError::of("remove a snapshot"))
}

pub(super) fn annotate(connection: &Connection, annotation: &Annotation) -> Result<(), StoreError> {
    let attempt = "keep an annotation";
    let word = serde_json::to_string(&annotation.word)
        .map_err(|error| StoreError::Input(Box::new(error)))?;
    let sql = "INSERT INTO annotation (site_id, number, about, said_by, at, word)
               VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM annotation WHERE site_id = ?1), ?2, ?3, ?4, ?5)";
    let row = params![
        EVERYWHERE,
        annotation.about,
        annotation.by,
        annotation.at.millis(),
        word
    ];
    connection
        .execute(sql, row)
        .map(drop)
        .map_err(StoreError::of(attempt))
}

pub(super) fn annotations(connection: &Connection) -> Result<Vec<Annotation>, StoreError> {
    let attempt = "read annotations";
    let sql = "SELECT about, said_by, at, word FROM annotation ORDER BY site_id, number";
    let read = |r: &Row<'_>| {
        Ok((
            r.get(0)?,
            r.get(1)?,
            r.get::<_, i64>(2)?,
            r.get::<_, String>(3)?,
        ))
    };
    let said = rows(connection, attempt, sql, read)?;
    said.into_iter()
        .map(|(about, by, at, word)| ledger::annotation(about, by, at, &word))
        .collect()
}

pub(super) fn local_agent(
    connection: &Connection,
    site: &SiteId,
    mint: &dyn Fn() -> AgentId,
) -> Result<AgentId, StoreError> {
    let attempt = "name this installation";
    let find = "SELECT agent FROM local_agent WHERE site_id = ?1";
    let known: Option<String> = connection
        .query_row(find, [site.as_str()], |r| r.get(0))
        .optional()
        .map_err(StoreError::of(attempt))?;
    if let Some(agent) = known {
        return Ok(AgentId::new(agent));
    }
    let agent = mint();
    let sql = "INSERT INTO local_agent (site_id, agent, sequence) VALUES (?1, ?2, ?3)";
    connection
        .execute(sql, params![site.as_str(), agent.as_str(), signed(0)])
        .map_err(StoreError::of(attempt))?;
    Ok(agent)
}

pub(super) fn next_sequence(connection: &Connection, site: &SiteId) -> Result<i64, StoreError> {
    let sql =
        "UPDATE local_agent SET sequence = sequence + 1 WHERE site_id = ?1 RETURNING sequence";
    let next = connection
        .query_row(sql, [site.as_str()], |r| r.get(0))
        .optional();
    let next = next.map_err(StoreError::of("count a look"))?;
    next.ok_or_else(|| StoreError::NoLocalAgent {
        site: site.to_string(),
    })
}

fn rows<T>(
    connection: &Connection,
    attempt: &'static str,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare(sql).map_err(StoreError::of(attempt))?;
    let found = statement
        .query_map([], read)
        .map_err(StoreError::of(attempt))?;
    found
        .collect::<Result<_, _>>()
        .map_err(StoreError::of(attempt))
}
