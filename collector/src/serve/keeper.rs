//! The store behind the listeners. One connection writes, one reads: who is admitted need not wait for who is kept.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use groma_model::fleet::{AgentRecord, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use groma_serve::{Durable, KeepError, Keeper};
use groma_store::{Ingested, Ready, StoreError};
use groma_wire::Received;

use super::roster::{Roster, is_small_talk};
use super::together::{Together, held};
use crate::verbs::FleetStore;

/// Two connections to one store, and what is remembered of its fleet.
pub(crate) struct StoreKeeper {
    writer: Mutex<Box<dyn FleetStore>>,
    reader: Mutex<Box<dyn FleetStore>>,
    together: Together,
    roster: Roster,
}

impl StoreKeeper {
    /// A keeper that lets batches wait so long for each other: a store that keeps them one by one has nothing of it.
    pub(crate) fn new(
        writer: Box<dyn FleetStore>,
        reader: Box<dyn FleetStore>,
        patience: Duration,
    ) -> Self {
        let keeper = Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            together: Together::patient(patience),
            roster: Roster::default(),
        };
        keeper.look_after();
        keeper
    }

    fn write(&self) -> MutexGuard<'_, Box<dyn FleetStore>> {
        held(&self.writer)
    }

    fn read(&self) -> MutexGuard<'_, Box<dyn FleetStore>> {
        held(&self.reader)
    }

    /// To be called every second: forgets what others have changed, so that whoever is revoked by hand is so here.
    pub(crate) fn look_after(&self) {
        let writer = self.write();
        let others = writer.changes_of_others().unwrap_or(None);
        self.roster.others(others, Instant::now());
    }

    /// To be called every few seconds, and at the end: keeps what agents said of themselves.
    ///
    /// # Errors
    /// The store takes nothing now; it is tried again at the next call.
    pub(crate) fn keep_heard(&self) -> Result<(), StoreError> {
        // In this order: what is taken is older than any change that comes after it.
        let mut writer = self.write();
        let heard = self.roster.take();
        if heard.is_empty() {
            return Ok(());
        }
        let kept = writer.hear(&heard);
        kept.inspect_err(|_| self.roster.put_back(heard))
    }

    fn known(
        &self,
        site: &SiteId,
        agent: &AgentId,
    ) -> Result<Option<(AgentRecord, Policy)>, KeepError> {
        if let Some(known) = self.at_hand(site, agent) {
            return Ok(Some(known));
        }
        let (turn, store) = (self.roster.turn(), self.read());
        let Some(record) = store.agent(site, agent).map_err(failed)? else {
            return Ok(None);
        };
        let policy = store.policy(site, agent).map_err(failed)?;
        self.roster.was_read(turn, &record, &policy);
        Ok(Some((record, policy)))
    }

    /// Lets `change` change a record that was read, and takes it in if that was the agent's talk of itself alone.
    fn small_talk(
        &self,
        mut record: AgentRecord,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Option<AgentRecord> {
        let before = record.clone();
        change(&mut record);
        is_small_talk(&before, &record).then(|| {
            // A refusal left it as it was: that is nothing heard.
            if record != before {
                self.roster.hears(&record);
            }
            record
        })
    }
}

impl Keeper for StoreKeeper {
    fn enrol(
        &self,
        digest: &str,
        now: Timestamp,
        candidate: &mut dyn FnMut(&TokenRecord) -> AgentRecord,
    ) -> Result<Result<AgentRecord, RefusalWord>, KeepError> {
        self.write().enrol(digest, now, candidate).map_err(failed)
    }

    fn agent(&self, site: &SiteId, agent: &AgentId) -> Result<Option<AgentRecord>, KeepError> {
        Ok(self.known(site, agent)?.map(|(record, _)| record))
    }

    fn at_hand(&self, site: &SiteId, agent: &AgentId) -> Option<(AgentRecord, Policy)> {
        self.roster.at_hand(site, agent, Instant::now())
    }

    fn add_agent(&self, agent: &AgentRecord) -> Result<(), KeepError> {
        self.write().add_agent(agent).map_err(failed)
    }

    fn change_agent(
        &self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, KeepError> {
        let mut writer = self.write();
        let heard = self.roster.take_of(site, agent);
        let mut whole = |record: &mut AgentRecord| {
            if let Some(heard) = &heard {
                heard.tell(record);
            }
            change(record);
        };
        let changed = writer.change_agent(site, agent, &mut whole);
        match &changed {
            Ok(record) => record
                .iter()
                .for_each(|record| self.roster.was_changed(record)),
            Err(_) => self.roster.put_back(heard),
        }
        changed.map_err(failed)
    }

    fn hear(
        &self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, KeepError> {
        let Some((record, _)) = self.known(site, agent)? else {
            return Ok(None);
        };
        match self.small_talk(record, change) {
            Some(record) => Ok(Some(record)),
            None => self.change_agent(site, agent, change),
        }
    }

    fn hear_at_hand(
        &self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Option<AgentRecord> {
        let (record, _) = self.at_hand(site, agent)?;
        self.small_talk(record, change)
    }

    fn policy(&self, site: &SiteId, agent: &AgentId) -> Result<Policy, KeepError> {
        match self.known(site, agent)? {
            Some((_, policy)) => Ok(policy),
            None => self.read().policy(site, agent).map_err(failed),
        }
    }

    fn lease(
        &self,
        agent: &AgentId,
        asked: u32,
        cap: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u32, KeepError> {
        self.write()
            .lease(agent, asked, cap, now, until)
            .map_err(failed)
    }

    fn keep(&self, received: Received) -> Result<Durable, KeepError> {
        let ready = Ready::with(received.batch, received.quoted).map_err(failed)?;
        let keys = ready.keys();
        let ingested = self
            .together
            .keep(ready, &self.writer, |store| store.evidence_store())
            .map_err(failed)?;
        Ok(Durable {
            again: ingested == Ingested::AlreadyKept,
            keys,
        })
    }

    fn is_ready(&self) -> bool {
        self.read().watermark().is_ok()
    }

    fn agents(&self) -> Result<Vec<AgentRecord>, KeepError> {
        self.read().agents().map_err(failed)
    }
}

/// What a failing store means to an agent: nothing was kept, come again. Only what is wrong with the batch itself is said to be so.
fn failed(error: StoreError) -> KeepError {
    match error {
        StoreError::Busy { .. } => KeepError::Busy,
        StoreError::Input(why) => KeepError::Refused(why.to_string()),
        other => KeepError::Full(format!("{:#}", anyhow::Error::from(other))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use groma_model::fleet::AgentState;
    use groma_store::fleet_conformance::{agent, token};
    use groma_store::{Fleet, SqliteStore};

    use super::*;

    fn dawn() -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }

    fn record(number: u8) -> AgentRecord {
        agent(number, &token(1))
    }

    fn keeper(directory: &Path) -> StoreKeeper {
        let open = || Box::new(SqliteStore::open(directory).unwrap());
        StoreKeeper::new(open(), open(), Duration::ZERO)
    }

    /// A batch of these facts, as one line each.
    fn batch(sequence: u64, facts: &[&str]) -> String {
        let seen = r#"{"first":"2026-01-01T00:00:00Z","last":"2026-01-01T00:00:00Z","count":1}"#;
        let mut text = format!(
            r#"{{"schema":"groma.batch/1","agent":"agt-a","site":"default","epoch":1,"sequence":{sequence},"version":"0","started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:0{sequence}:00Z","sources":["test.facts"]}}"#
        );
        for fact in facts {
            let line = format!(
                r#"{{"source":"test.facts","scope":"test:all","seen":{seen},"saw":{fact}}}"#
            );
            text.push('\n');
            text.push_str(&line);
        }
        format!("{text}\n{{\"records\":{}}}\n", facts.len())
    }

    #[test]
    fn what_a_text_that_was_read_before_comes_to_is_what_it_came_to_then() {
        let directory = tempfile::tempdir().unwrap();
        let keeper = keeper(directory.path());
        let limits = groma_wire::Limits::network();
        let account = r#"{"fact":"account","name":"anna","id":"7","can_log_in":true}"#;
        // The same fact written otherwise, one of tomorrow, and one that says something else of the same account.
        let otherwise = account.replace(':', ": ");
        let tomorrow = r#"{"fact":"of tomorrow","says":["anna"]}"#;
        let another = account.replace("true", "false");
        let first = batch(1, &[account, tomorrow]);
        let first = groma_wire::receive_text(first.as_bytes(), &limits, &|_| false).unwrap();
        let keys = keeper.keep(first).unwrap().keys;
        let second = batch(2, &[account, &otherwise, tomorrow, &another]);
        let knows = |key: &groma_model::batch::FactKey| keys.contains(key);
        let second = groma_wire::receive_text(second.as_bytes(), &limits, &knows).unwrap();
        assert_eq!((second.quoted.len(), second.batch.records.len()), (2, 2));
        keeper.keep(second).unwrap();

        let store = SqliteStore::open(directory.path()).unwrap();
        let all: Vec<_> = groma_store::Store::evidence(&store, &groma_store::Moment::Now)
            .unwrap()
            .map(|evidence| serde_json::to_string(&evidence.unwrap().fact).unwrap())
            .collect();
        let mut expected = [account, tomorrow, &another].map(|text| {
            let fact = groma_model::Fact::from_json(text).unwrap();
            serde_json::to_string(&fact).unwrap()
        });
        expected.sort();
        let mut all = all;
        all.sort();
        assert_eq!(all, expected);
        assert_eq!(
            expected.iter().filter(|text| **text == account).count(),
            1,
            "as it is written"
        );
    }

    fn speaks(minute: u32) -> impl FnMut(&mut AgentRecord) {
        move |record| record.seen_at = Some(dawn().plus(Duration::from_secs(60) * minute))
    }

    fn seen_at(minute: u32) -> Option<Timestamp> {
        let mut said = record(0);
        speaks(minute)(&mut said);
        said.seen_at
    }

    #[test]
    fn who_is_revoked_by_another_process_is_so_here_at_the_next_look() {
        let directory = tempfile::tempdir().unwrap();
        let (keeper, known) = (keeper(directory.path()), record(1));
        keeper.add_agent(&known).unwrap();
        assert_eq!(
            keeper.at_hand(&known.site, &known.agent),
            None,
            "not read yet"
        );
        assert_eq!(
            keeper.agent(&known.site, &known.agent).unwrap(),
            Some(known.clone())
        );
        // Our own changes keep what is remembered right.
        keeper
            .change_agent(&known.site, &known.agent, &mut |record| {
                record.generation = 7
            })
            .unwrap();
        keeper.look_after();
        let (at_hand, policy) = keeper.at_hand(&known.site, &known.agent).unwrap();
        assert_eq!((at_hand.generation, policy), (7, Policy::default()));

        let mut other = SqliteStore::open(directory.path()).unwrap();
        let mut revoke = |record: &mut AgentRecord| {
            record.state = AgentState::Revoked {
                at: dawn(),
                because: "stolen".to_owned(),
            };
        };
        other
            .change_agent(&known.site, &known.agent, &mut revoke)
            .unwrap();
        keeper.look_after();
        assert_eq!(keeper.at_hand(&known.site, &known.agent), None);
        let again = keeper.agent(&known.site, &known.agent).unwrap().unwrap();
        assert!(matches!(again.state, AgentState::Revoked { .. }));
    }

    #[test]
    fn talk_of_itself_is_kept_with_that_of_all_others_and_anything_else_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let keeper = keeper(directory.path());
        let other = SqliteStore::open(directory.path()).unwrap();
        let known = record(1);
        keeper.add_agent(&known).unwrap();
        let there = || other.agent(&known.site, &known.agent).unwrap().unwrap();

        assert_eq!(
            keeper.hear_at_hand(&known.site, &known.agent, &mut speaks(1)),
            None
        );
        keeper
            .hear(&known.site, &known.agent, &mut speaks(1))
            .unwrap();
        assert_eq!(there().seen_at, None);
        let at_hand = keeper.hear_at_hand(&known.site, &known.agent, &mut speaks(2));
        assert_eq!(at_hand.unwrap().seen_at, seen_at(2));
        keeper.keep_heard().unwrap();
        assert_eq!(there().seen_at, seen_at(2));

        // Whatever else changes takes with it what was said before.
        keeper
            .hear(&known.site, &known.agent, &mut speaks(3))
            .unwrap();
        let mut begins = |record: &mut AgentRecord| record.run = Some(4);
        assert_eq!(
            keeper.hear_at_hand(&known.site, &known.agent, &mut begins),
            None
        );
        keeper.hear(&known.site, &known.agent, &mut begins).unwrap();
        assert_eq!((there().run, there().seen_at), (Some(4), seen_at(3)));
        let (at_hand, _) = keeper.at_hand(&known.site, &known.agent).unwrap();
        assert_eq!(at_hand, there());
        keeper.keep_heard().unwrap();
        assert_eq!(at_hand, there());
        // A beat that is refused leaves the record as it was, and what waits of others as well.
        keeper
            .hear(&known.site, &known.agent, &mut speaks(4))
            .unwrap();
        keeper.roster.others(None, Instant::now());
        keeper.hear(&known.site, &known.agent, &mut |_| ()).unwrap();
        keeper.keep_heard().unwrap();
        assert_eq!(there().seen_at, seen_at(4));
        let nobody = AgentId::from_random([9; 16]);
        assert_eq!(
            keeper.hear(&known.site, &nobody, &mut begins).unwrap(),
            None
        );
    }
}
