//! What is remembered beside the evidence: identities, named moments, people's words, who we are.

use groma_model::store::{Annotation, Identities, IdentityKey, NewIdentities, Snapshot};
use groma_model::{AgentId, EntityId, SiteId, Timestamp};

use super::columns::Columns;
use super::key::cut;
use super::looks;
use super::session::{Ask, Transaction};
use crate::StoreError;
use crate::ledger::{self, EVERYWHERE};
use crate::looks::{signed, unsigned};

pub(super) fn identities(ask: &mut impl Ask) -> Result<Identities, StoreError> {
    let attempt = "read the identity ledger";
    let marks =
        "SELECT DISTINCT ON (site_id, kind, value) site_id, kind, value, value_whole, entity
        FROM identity ORDER BY site_id, kind, value, number DESC";
    let mut known = Identities::default();
    for row in ask.ask(attempt, marks, &[])? {
        let columns = Columns::of(&row, attempt);
        let key = IdentityKey {
            site: columns.site(0)?,
            kind: columns.text(1)?,
            value: columns.whole_text(2)?,
        };
        known.known.insert(key, EntityId::new(columns.text(4)?));
    }
    let merges = "SELECT DISTINCT ON (site_id, entity) entity, survivor
        FROM merge ORDER BY site_id, entity, number DESC";
    for row in ask.ask(attempt, merges, &[])? {
        let columns = Columns::of(&row, attempt);
        let (entity, survivor) = (columns.text(0)?, columns.text(1)?);
        known
            .merged
            .insert(EntityId::new(entity), EntityId::new(survivor));
    }
    Ok(known)
}

pub(super) fn number(ask: &mut impl Ask) -> Result<u64, StoreError> {
    let attempt = "read the identity ledger";
    let newest = "SELECT greatest((SELECT coalesce(max(number), 0) FROM identity), (SELECT coalesce(max(number), 0) FROM merge))";
    Ok(match ask.ask_one(attempt, newest, &[])? {
        Some(row) => unsigned(Columns::of(&row, attempt).plain::<i64>(0)?),
        None => 0,
    })
}

pub(super) fn moved_since(ask: &mut impl Ask, number: u64) -> Result<bool, StoreError> {
    let attempt = "read the identity ledger";
    let moved = "SELECT EXISTS (SELECT 1 FROM merge WHERE number > $1) OR EXISTS (
        SELECT 1 FROM identity AS later JOIN identity AS earlier USING (site_id, kind, value)
        WHERE later.number > $1 AND earlier.number < later.number)";
    match ask.ask_one(attempt, moved, &[&signed(number)])? {
        Some(row) => Columns::of(&row, attempt).plain(0),
        None => Ok(false),
    }
}

/// Marks and merges each go in one statement: the first survey of an estate has a million of them.
pub(super) fn remember(work: &mut Transaction<'_>, new: &NewIdentities) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let attempt = "keep identities";
    let known = identities(work)?;
    let number = signed(number(work)?);
    let marks = ledger::new_marks(&known, new);
    let sql = "INSERT INTO identity (site_id, kind, value, value_whole, number, entity)
        SELECT site, kind, value, whole, $1 + number, entity
        FROM unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
            WITH ORDINALITY AS mark (site, kind, value, whole, entity, number)";
    let mut given = number;
    for load in marks.chunks(super::ingest::ROWS) {
        let bytes = |text: &dyn Fn(&(&IdentityKey, &EntityId)) -> Vec<u8>| {
            load.iter().map(text).collect::<Vec<_>>()
        };
        let sites = bytes(&|(key, _)| key.site.as_str().into());
        let kinds = bytes(&|(key, _)| key.kind.as_bytes().to_vec());
        let values = bytes(&|(key, _)| cut(key.value.as_bytes()).0.into_owned());
        let wholes: Vec<_> = load
            .iter()
            .map(|(key, _)| cut(key.value.as_bytes()).1)
            .collect();
        let entities = bytes(&|(_, entity)| entity.as_str().into());
        let row = [&sites, &kinds, &values];
        let [sites, kinds, values] = row;
        work.run(
            attempt,
            sql,
            &[&given, sites, kinds, values, &wholes, &entities],
        )?;
        given += i64::try_from(load.len()).unwrap_or(i64::MAX);
    }
    for merge in ledger::new_merges(&known, new) {
        given += 1;
        let sql = "INSERT INTO merge (site_id, entity, number, survivor, why) VALUES ($1, $2, $3, $4, $5)";
        let bytes = |text: &str| text.as_bytes().to_vec();
        let (site, entity) = (bytes(&merge.site), bytes(merge.entity.as_str()));
        let (survivor, why) = (bytes(merge.survivor.as_str()), bytes(merge.why));
        work.run(attempt, sql, &[&site, &entity, &given, &survivor, &why])?;
    }
    Ok(())
}

pub(super) fn take_snapshot(
    work: &mut Transaction<'_>,
    name: &str,
    now: Timestamp,
) -> Result<Snapshot, StoreError> {
    let attempt = "take a snapshot";
    ledger::check_name(name, snapshots(work)?)?;
    let watermark = looks::watermark(work)?;
    // All that is known belongs to the moment, also from a host whose clock is ahead of ours; what comes in meanwhile
    // does not.
    let newest = "SELECT coalesce(max(at), 0) FROM (
            SELECT max(ended) AS at FROM look WHERE id <= $1
            UNION ALL SELECT max(at) FROM event WHERE look <= $1) moments";
    let newest = match work.ask_one(attempt, newest, &[&watermark])? {
        Some(row) => Columns::of(&row, attempt).plain(0)?,
        None => 0,
    };
    let valid_at = now.max(Timestamp::from_millis(newest));
    let sql = "INSERT INTO snapshot (site_id, name, valid_at, watermark, taken_at) VALUES ($1, $2, $3, $4, $5)";
    work.run(
        attempt,
        sql,
        &[
            &EVERYWHERE.as_bytes(),
            &name,
            &valid_at.millis(),
            &watermark,
            &now.millis(),
        ],
    )?;
    Ok(Snapshot {
        name: name.to_owned(),
        valid_at,
        watermark: unsigned(watermark),
        taken_at: now,
    })
}

pub(super) fn snapshots(ask: &mut impl Ask) -> Result<Vec<Snapshot>, StoreError> {
    let attempt = "read snapshots";
    let sql = "SELECT name, valid_at, watermark, taken_at FROM snapshot ORDER BY taken_at, name";
    let rows = ask.ask(attempt, sql, &[])?;
    let rows = rows.iter().map(|row| {
        let columns = Columns::of(row, attempt);
        Ok(Snapshot {
            name: columns.plain(0)?,
            valid_at: Timestamp::from_millis(columns.plain(1)?),
            watermark: unsigned(columns.plain(2)?),
            taken_at: Timestamp::from_millis(columns.plain(3)?),
        })
    });
    rows.collect()
}

pub(super) fn remove_snapshot(work: &mut Transaction<'_>, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM snapshot WHERE site_id = $1 AND name = $2";
    let gone = work.run("remove a snapshot", sql, &[&EVERYWHERE.as_bytes(), &name]);
    gone.map(drop)
}

pub(super) fn annotate(
    work: &mut Transaction<'_>,
    annotation: &Annotation,
) -> Result<(), StoreError> {
    let word = serde_json::to_string(&annotation.word)
        .map_err(|error| StoreError::Input(Box::new(error)))?;
    let sql = "INSERT INTO annotation (site_id, number, about, said_by, at, word)
        VALUES ($1, (SELECT coalesce(max(number), 0) + 1 FROM annotation WHERE site_id = $1), $2, $3, $4, $5)";
    let (about, by) = (annotation.about.as_bytes(), annotation.by.as_bytes());
    let at = annotation.at.millis();
    let values: [&(dyn postgres::types::ToSql + Sync); 5] =
        [&EVERYWHERE.as_bytes(), &about, &by, &at, &word];
    work.run("keep an annotation", sql, &values).map(drop)
}

pub(super) fn annotations(ask: &mut impl Ask) -> Result<Vec<Annotation>, StoreError> {
    let attempt = "read annotations";
    let sql = "SELECT about, said_by, at, word FROM annotation ORDER BY site_id, number";
    let rows = ask.ask(attempt, sql, &[])?;
    let rows = rows.iter().map(|row| {
        let columns = Columns::of(row, attempt);
        ledger::annotation(
            columns.text(0)?,
            columns.text(1)?,
            columns.plain(2)?,
            columns.plain(3)?,
        )
    });
    rows.collect()
}

pub(super) fn local_agent(
    work: &mut Transaction<'_>,
    site: &SiteId,
    mint: &dyn Fn() -> AgentId,
) -> Result<AgentId, StoreError> {
    let attempt = "name this installation";
    let find = "SELECT agent FROM local_agent WHERE site_id = $1";
    let site = site.as_str().as_bytes();
    if let Some(row) = work.ask_one(attempt, find, &[&site])? {
        return Columns::of(&row, attempt).agent(0);
    }
    let agent = mint();
    let sql = "INSERT INTO local_agent (site_id, agent, sequence) VALUES ($1, $2, $3)";
    let values: [&(dyn postgres::types::ToSql + Sync); 3] =
        [&site, &agent.as_str().as_bytes(), &signed(0)];
    work.run(attempt, sql, &values)?;
    Ok(agent)
}

pub(super) fn next_sequence(work: &mut Transaction<'_>, site: &SiteId) -> Result<i64, StoreError> {
    let attempt = "count a look";
    let sql =
        "UPDATE local_agent SET sequence = sequence + 1 WHERE site_id = $1 RETURNING sequence";
    match work.ask_one(attempt, sql, &[&site.as_str().as_bytes()])? {
        Some(row) => Columns::of(&row, attempt).plain(0),
        None => Err(StoreError::NoLocalAgent {
            site: site.to_string(),
        }),
    }
}
