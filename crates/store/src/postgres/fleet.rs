//! The fleet in PostgreSQL: the same documents under the same keys as in the embedded engine.

use groma_model::fleet::{AgentRecord, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PostgresStore;
use super::columns::Columns;
use super::session::{Ask, Lock, Transaction, Values};
use crate::StoreError;
use crate::fleet::{Fleet, Heard, refused};
use crate::ledger::EVERYWHERE;

/// Under this agent stands what is asked of a whole site.
const WHOLE_SITE: &str = "";

const TOKEN: &str = "SELECT json FROM token WHERE site_id = $1 AND digest = $2";
const PUT_TOKEN: &str = "INSERT INTO token (site_id, digest, json) VALUES ($1, $2, $3)
    ON CONFLICT (site_id, digest) DO UPDATE SET json = excluded.json";
const AGENT: &str = "SELECT json FROM agent WHERE site_id = $1 AND agent = $2";
const AGENT_ALONE: &str = "SELECT json FROM agent WHERE site_id = $1 AND agent = $2 FOR UPDATE";
const PUT_AGENT: &str = "INSERT INTO agent (site_id, agent, json) VALUES ($1, $2, $3)
    ON CONFLICT (site_id, agent) DO UPDATE SET json = excluded.json";
const PUT_POLICY: &str = "INSERT INTO policy (site_id, agent, json) VALUES ($1, $2, $3)
    ON CONFLICT (site_id, agent) DO UPDATE SET json = excluded.json";

impl Fleet for PostgresStore {
    fn add_token(&mut self, token: &TokenRecord) -> Result<(), StoreError> {
        let attempt = "keep a token";
        self.durably(attempt, Lock::Ledger, |work| {
            put_token(work, token, attempt)
        })
    }

    fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError> {
        let session = &mut *self.session.borrow_mut();
        let mut all: Vec<TokenRecord> =
            rows(session, "SELECT json FROM token", &[], "read tokens")?;
        all.sort_by(|a, b| (a.made_at, &a.digest).cmp(&(b.made_at, &b.digest)));
        Ok(all)
    }

    fn end_token(&mut self, digest: &str, now: Timestamp) -> Result<(), StoreError> {
        let attempt = "end a token";
        self.durably(attempt, Lock::Ledger, |work| {
            let found: Option<TokenRecord> = one(work, TOKEN, &[&EVERYWHERE, &digest], attempt)?;
            found.map_or(Ok(()), |mut token| {
                token.ends_at = token.ends_at.min(now);
                put_token(work, &token, attempt)
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
        self.durably(attempt, Lock::Ledger, |work| {
            let mut found: Option<TokenRecord> =
                one(work, TOKEN, &[&EVERYWHERE, &digest], attempt)?;
            if let Some(why) = refused(found.as_ref(), now) {
                return Ok(Err(why));
            }
            let Some(token) = found.as_mut() else {
                return Ok(Err(RefusalWord::TokenUnknown));
            };
            let agent = candidate(token);
            token.uses += 1;
            put_token(work, token, attempt)?;
            put_agent(work, &agent, attempt)?;
            Ok(Ok(agent))
        })
    }

    fn add_agent(&mut self, agent: &AgentRecord) -> Result<(), StoreError> {
        let attempt = "keep an agent";
        self.durably(attempt, Lock::Ledger, |work| {
            put_agent(work, agent, attempt)
        })
    }

    fn agent(&self, site: &SiteId, agent: &AgentId) -> Result<Option<AgentRecord>, StoreError> {
        let session = &mut *self.session.borrow_mut();
        one(
            session,
            AGENT,
            &[&site.as_str(), &agent.as_str()],
            "find an agent",
        )
    }

    fn agents(&self) -> Result<Vec<AgentRecord>, StoreError> {
        let sql = "SELECT json FROM agent ORDER BY site_id, agent";
        rows(&mut *self.session.borrow_mut(), sql, &[], "read agents")
    }

    /// The row is locked, not the fleet: a thousand agents may say that they are there at once.
    fn change_agent(
        &mut self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, StoreError> {
        let attempt = "change an agent";
        self.durably(attempt, Lock::None, |work| {
            let key: Values<'_> = &[&site.as_str(), &agent.as_str()];
            let Some(mut found) = one::<AgentRecord>(work, AGENT_ALONE, key, attempt)? else {
                return Ok(None);
            };
            let before = found.clone();
            change(&mut found);
            if found != before {
                put_agent(work, &found, attempt)?;
            }
            Ok(Some(found))
        })
    }

    /// In the order of their keys: of two collectors that keep the same agents' words one waits, and none for the other.
    fn hear(&mut self, heard: &[Heard]) -> Result<(), StoreError> {
        let attempt = "keep what agents said of themselves";
        let mut heard: Vec<&Heard> = heard.iter().collect();
        heard.sort_by_key(|one| (&one.site, &one.agent));
        self.durably(attempt, Lock::None, |work| {
            for one in heard {
                let key: Values<'_> = &[&one.site.as_str(), &one.agent.as_str()];
                let Some(mut found) = self::one::<AgentRecord>(work, AGENT_ALONE, key, attempt)?
                else {
                    continue;
                };
                one.tell(&mut found);
                put_agent(work, &found, attempt)?;
            }
            Ok(())
        })
    }

    fn changes_of_others(&self) -> Result<Option<i64>, StoreError> {
        Ok(None)
    }

    fn policy(&self, site: &SiteId, agent: &AgentId) -> Result<Policy, StoreError> {
        let sql = "SELECT json FROM policy WHERE site_id = $1 AND agent IN ($2, '') ORDER BY agent DESC LIMIT 1";
        let session = &mut *self.session.borrow_mut();
        let found = one(
            session,
            sql,
            &[&site.as_str(), &agent.as_str()],
            "read a policy",
        )?;
        Ok(found.unwrap_or_default())
    }

    fn set_policy(
        &mut self,
        site: &SiteId,
        agent: Option<&AgentId>,
        policy: &Policy,
    ) -> Result<Policy, StoreError> {
        let attempt = "keep a policy";
        self.durably(attempt, Lock::Ledger, |work| {
            let all: Vec<Policy> = rows(work, "SELECT json FROM policy", &[], attempt)?;
            let newest = all.iter().map(|policy| policy.version).max().unwrap_or(0);
            let policy = Policy {
                version: newest + 1,
                ..policy.clone()
            };
            let agent = agent.map_or(WHOLE_SITE, AgentId::as_str);
            work.run(
                attempt,
                PUT_POLICY,
                &[&site.as_str(), &agent, &json(&policy)],
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
        self.durably(attempt, Lock::Ledger, |work| {
            let gone = "DELETE FROM lease WHERE site_id = $1 AND (agent = $2 OR ends <= $3)";
            work.run(
                attempt,
                gone,
                &[&EVERYWHERE, &agent.as_str(), &now.millis()],
            )?;
            let sum = "SELECT coalesce(sum(packets), 0)::bigint FROM lease WHERE site_id = $1";
            let taken: i64 = match work.ask_one(attempt, sum, &[&EVERYWHERE])? {
                Some(row) => Columns::of(&row, attempt).plain(0)?,
                None => 0,
            };
            let given = asked.min(cap.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX)));
            if given > 0 {
                let keep =
                    "INSERT INTO lease (site_id, agent, packets, ends) VALUES ($1, $2, $3, $4)";
                let row: Values<'_> = &[
                    &EVERYWHERE,
                    &agent.as_str(),
                    &i64::from(given),
                    &until.millis(),
                ];
                work.run(attempt, keep, row)?;
            }
            Ok(given)
        })
    }
}

fn put_token(
    work: &mut Transaction<'_>,
    token: &TokenRecord,
    attempt: &'static str,
) -> Result<(), StoreError> {
    work.run(
        attempt,
        PUT_TOKEN,
        &[&EVERYWHERE, &token.digest, &json(token)],
    )
    .map(drop)
}

fn put_agent(
    work: &mut Transaction<'_>,
    agent: &AgentRecord,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let row: Values<'_> = &[&agent.site.as_str(), &agent.agent.as_str(), &json(agent)];
    work.run(attempt, PUT_AGENT, row).map(drop)
}

fn one<T: DeserializeOwned>(
    ask: &mut impl Ask,
    sql: &'static str,
    values: Values<'_>,
    attempt: &'static str,
) -> Result<Option<T>, StoreError> {
    Ok(rows(ask, sql, values, attempt)?.into_iter().next())
}

fn rows<T: DeserializeOwned>(
    ask: &mut impl Ask,
    sql: &'static str,
    values: Values<'_>,
    attempt: &'static str,
) -> Result<Vec<T>, StoreError> {
    let read = |json: String| {
        serde_json::from_str(&json).map_err(|error| StoreError::Damaged {
            attempt,
            why: error.to_string(),
        })
    };
    let found = ask.ask(attempt, sql, values)?;
    found
        .iter()
        .map(|row| read(Columns::of(row, attempt).plain(0)?))
        .collect()
}

fn json(record: &impl Serialize) -> String {
    serde_json::to_string(record)
        .expect("records of the fleet are plain values, which JSON can hold")
}
