//! The fleet in SQLite: a document for each, found by what stands beside it.

use groma_model::fleet::{AgentRecord, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SqliteStore;
use crate::StoreError;
use crate::fleet::{Fleet, Heard, refused};

/// Under this site stands what concerns all of them.
const ALL: &str = "*";
/// Under this agent stands what is asked of a whole site.
const WHOLE_SITE: &str = "";
const TOKEN: &str = "SELECT json FROM token WHERE site_id = ?1 AND digest = ?2";

impl Fleet for SqliteStore {
    fn add_token(&mut self, token: &TokenRecord) -> Result<(), StoreError> {
        let attempt = "keep a token";
        self.durably(attempt, |connection| put_token(connection, token, attempt))
    }

    fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        let mut all: Vec<TokenRecord> =
            rows(&self.connection, "SELECT json FROM token", "read tokens")?;
        all.sort_by(|a, b| (a.made_at, &a.digest).cmp(&(b.made_at, &b.digest)));
        Ok(all)
    }

    fn end_token(&mut self, digest: &str, now: Timestamp) -> Result<(), StoreError> {
        let attempt = "end a token";
        self.durably(attempt, |connection| {
            let found: Option<TokenRecord> = one(connection, TOKEN, [ALL, digest], attempt)?;
            found.map_or(Ok(()), |mut token| {
                token.ends_at = token.ends_at.min(now);
                put_token(connection, &token, attempt)
            })
        })
    }

    fn enrol(
        &mut self,
        digest: &str,
        now: Timestamp,
        candidate: &mut dyn FnMut(&TokenRecord) -> AgentRecord,
    ) -> Result<Result<AgentRecord, RefusalWord>, StoreError> {
        let attempt = "enrol an agent";
        self.durably(attempt, |connection| {
            let mut found: Option<TokenRecord> = one(connection, TOKEN, [ALL, digest], attempt)?;
            if let Some(why) = refused(found.as_ref(), now) {
                return Ok(Err(why));
            }
            let Some(token) = found.as_mut() else {
                return Ok(Err(RefusalWord::TokenUnknown));
            };
            let agent = candidate(token);
            token.uses += 1;
            put_token(connection, token, attempt)?;
            put_agent(connection, &agent, attempt)?;
            Ok(Ok(agent))
        })
    }

    fn add_agent(&mut self, agent: &AgentRecord) -> Result<(), StoreError> {
        let attempt = "keep an agent";
        self.durably(attempt, |connection| put_agent(connection, agent, attempt))
    }

    fn agent(&self, site: &SiteId, agent: &AgentId) -> Result<Option<AgentRecord>, StoreError> {
        found_agent(&self.connection, site, agent, "find an agent")
    }

    fn agents(&self) -> Result<Vec<AgentRecord>, StoreError> {
        let sql = "SELECT json FROM agent ORDER BY site_id, agent";
        rows(&self.connection, sql, "read agents")
    }

    fn change_agent(
        &mut self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, StoreError> {
        let attempt = "change an agent";
        self.durably(attempt, |connection| {
            let Some(mut found) = found_agent(connection, site, agent, attempt)? else {
                return Ok(None);
            };
            let before = found.clone();
            change(&mut found);
            if found != before {
                put_agent(connection, &found, attempt)?;
            }
            Ok(Some(found))
        })
    }

    fn hear(&mut self, heard: &[Heard]) -> Result<(), StoreError> {
        let attempt = "keep what agents said of themselves";
        self.durably(attempt, |connection| {
            for one in heard {
                let Some(mut found) = found_agent(connection, &one.site, &one.agent, attempt)?
                else {
                    continue;
                };
                one.tell(&mut found);
                put_agent(connection, &found, attempt)?;
            }
            Ok(())
        })
    }

    fn changes_of_others(&self) -> Result<Option<i64>, StoreError> {
        super::data_version(&self.connection).map(Some)
    }

    fn policy(&self, site: &SiteId, agent: &AgentId) -> Result<Policy, StoreError> {
        let sql = "SELECT json FROM policy WHERE site_id = ?1 AND agent IN (?2, ?3) ORDER BY agent DESC LIMIT 1";
        let keys = [site.as_str(), agent.as_str(), WHOLE_SITE];
        let found = one(&self.connection, sql, keys, "read a policy")?;
        Ok(found.unwrap_or_default())
    }

    fn set_policy(
        &mut self,
        site: &SiteId,
        agent: Option<&AgentId>,
        policy: &Policy,
    ) -> Result<Policy, StoreError> {
        let attempt = "keep a policy";
        self.durably(attempt, |connection| {
            let all: Vec<Policy> = rows(connection, "SELECT json FROM policy", attempt)?;
            let newest = all.iter().map(|p| p.version).max().unwrap_or(0);
            let policy = Policy {
                version: newest + 1,
                ..policy.clone()
            };
            let sql = "INSERT INTO policy (site_id, agent, json) VALUES (?1, ?2, ?3)
                       ON CONFLICT (site_id, agent) DO UPDATE SET json = excluded.json";
            let agent = agent.map_or(WHOLE_SITE, AgentId::as_str);
            put(
                connection,
                sql,
                [site.as_str(), agent, &json(&policy)],
                attempt,
            )?;
            Ok(policy)
        })
    }

    fn lease(
        &mut self,
        agent: &AgentId,
        asked: u32,
        cap: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u32, StoreError> {
        let attempt = "share out packets";
        self.durably(attempt, |connection| {
            let gone = "DELETE FROM lease WHERE site_id = ?1 AND (agent = ?2 OR ends <= ?3)";
            let failed = || StoreError::of(attempt);
            let key = (ALL, agent.as_str());
            connection
                .execute(gone, params![key.0, key.1, now.millis()])
                .map_err(failed())?;
            let sum = "SELECT coalesce(sum(packets), 0) FROM lease WHERE site_id = ?1";
            let taken: i64 = connection
                .query_row(sum, [ALL], |r| r.get(0))
                .map_err(failed())?;
            let left = cap.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX));
            let given = asked.min(left);
            if given > 0 {
                let keep =
                    "INSERT INTO lease (site_id, agent, packets, ends) VALUES (?1, ?2, ?3, ?4)";
                let row = params![key.0, key.1, given, until.millis()];
                connection.execute(keep, row).map_err(failed())?;
            }
            Ok(given)
        })
    }
}

fn put_token(
    connection: &Connection,
    token: &TokenRecord,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO token (site_id, digest, json) VALUES (?1, ?2, ?3)
               ON CONFLICT (site_id, digest) DO UPDATE SET json = excluded.json";
    put(connection, sql, [ALL, &token.digest, &json(token)], attempt)
}

fn put_agent(
    connection: &Connection,
    agent: &AgentRecord,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO agent (site_id, agent, json) VALUES (?1, ?2, ?3)
               ON CONFLICT (site_id, agent) DO UPDATE SET json = excluded.json";
    let row = [agent.site.as_str(), agent.agent.as_str(), &json(agent)];
    put(connection, sql, row, attempt)
}

fn found_agent(
    connection: &Connection,
    site: &SiteId,
    agent: &AgentId,
    attempt: &'static str,
) -> Result<Option<AgentRecord>, StoreError> {
    let sql = "SELECT json FROM agent WHERE site_id = ?1 AND agent = ?2";
    one(connection, sql, [site.as_str(), agent.as_str()], attempt)
}

fn put(
    connection: &Connection,
    sql: &str,
    row: [&str; 3],
    attempt: &'static str,
) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(StoreError::of(attempt))?;
    statement.execute(row).map_err(StoreError::of(attempt))?;
    Ok(())
}

fn one<T: DeserializeOwned, const N: usize>(
    connection: &Connection,
    sql: &str,
    keys: [&str; N],
    attempt: &'static str,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(StoreError::of(attempt))?;
    let found: Option<String> = statement
        .query_row(rusqlite::params_from_iter(keys), |r| r.get(0))
        .optional()
        .map_err(StoreError::of(attempt))?;
    found.map(|json| read(&json, attempt)).transpose()
}

fn rows<T: DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    attempt: &'static str,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(StoreError::of(attempt))?;
    let found = statement
        .query_map([], |r| r.get::<_, String>(0))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(StoreError::of(attempt))?;
    found.iter().map(|json| read(json, attempt)).collect()
}

fn read<T: DeserializeOwned>(json: &str, attempt: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Damaged {
        attempt,
        why: error.to_string(),
    })
}

fn json(record: &impl Serialize) -> String {
    serde_json::to_string(record)
        .expect("records of the fleet are plain values, which JSON can hold")
}
