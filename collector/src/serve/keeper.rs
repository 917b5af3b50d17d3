//! The store behind the listeners. One connection writes, one reads: who is admitted need not wait for who is kept.

use std::sync::{Mutex, MutexGuard};

use groma_model::fleet::{AgentRecord, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, Batch, SiteId, Timestamp};
use groma_serve::{KeepError, Keeper};
use groma_store::{Ingested, Ready, StoreError};

use super::together::{Together, held};
use crate::verbs::FleetStore;

/// Two connections to one store.
pub(crate) struct StoreKeeper {
    writer: Mutex<Box<dyn FleetStore>>,
    reader: Mutex<Box<dyn FleetStore>>,
    together: Together,
}

impl StoreKeeper {
    pub(crate) fn new(writer: Box<dyn FleetStore>, reader: Box<dyn FleetStore>) -> Self {
        Self {
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
            together: Together::default(),
        }
    }

    fn write(&self) -> MutexGuard<'_, Box<dyn FleetStore>> {
        held(&self.writer)
    }

    fn read(&self) -> MutexGuard<'_, Box<dyn FleetStore>> {
        held(&self.reader)
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
        self.read().agent(site, agent).map_err(failed)
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
        self.write()
            .change_agent(site, agent, change)
            .map_err(failed)
    }

    fn policy(&self, site: &SiteId, agent: &AgentId) -> Result<Policy, KeepError> {
        self.read().policy(site, agent).map_err(failed)
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

    fn keep(&self, batch: Batch) -> Result<bool, KeepError> {
        let ready = Ready::of(batch).map_err(failed)?;
        let ingested = self
            .together
            .keep(ready, &self.writer, |store| store.evidence_store())
            .map_err(failed)?;
        Ok(ingested == Ingested::AlreadyKept)
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
