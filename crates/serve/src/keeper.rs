//! What the listeners ask of whoever keeps things: the collector puts its store behind this.

use groma_model::batch::FactKey;
use groma_model::fleet::{AgentRecord, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};
use groma_wire::Received;

/// Keeps the fleet and its batches. Every call may block; listeners call from threads that may.
pub trait Keeper: Send + Sync + 'static {
    /// Uses a token once and keeps the agent it lets in, both or neither.
    fn enrol(
        &self,
        digest: &str,
        now: Timestamp,
        candidate: &mut dyn FnMut(&TokenRecord) -> AgentRecord,
    ) -> Result<Result<AgentRecord, RefusalWord>, KeepError>;

    /// The agent of this id.
    fn agent(&self, site: &SiteId, agent: &AgentId) -> Result<Option<AgentRecord>, KeepError>;

    /// The same agent and what is asked of it, if that can be told at once: this call never blocks.
    fn at_hand(&self, _site: &SiteId, _agent: &AgentId) -> Option<(AgentRecord, Policy)> {
        None
    }

    /// Keeps the agent that a copy became.
    fn add_agent(&self, agent: &AgentRecord) -> Result<(), KeepError>;

    /// Lets `change` change an agent while nobody else does.
    fn change_agent(
        &self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, KeepError>;

    /// As [`Keeper::change_agent`], for what an agent says: if `change` leaves another moment and another status alone, that is durable soon; all
    /// else is when this returns. `change` may be called twice, with a record as it is each time.
    fn hear(
        &self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, KeepError> {
        self.change_agent(site, agent, change)
    }

    /// As [`Keeper::hear`], if it can be done at once: this call never blocks.
    fn hear_at_hand(
        &self,
        _site: &SiteId,
        _agent: &AgentId,
        _change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Option<AgentRecord> {
        None
    }

    /// What is asked of an agent.
    fn policy(&self, site: &SiteId, agent: &AgentId) -> Result<Policy, KeepError>;

    /// A share of the packets of the estate, of which there are `cap` a second.
    fn lease(
        &self,
        agent: &AgentId,
        asked: u32,
        cap: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u32, KeepError>;

    /// Keeps a batch, a part of which is left as text: when this returns it is durable.
    fn keep(&self, received: Received) -> Result<Durable, KeepError>;

    /// True if something could be kept now; for those who watch the collector.
    fn is_ready(&self) -> bool;

    /// The agents there are, for those who watch the collector.
    fn agents(&self) -> Result<Vec<AgentRecord>, KeepError>;
}

/// A batch that is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Durable {
    /// True if it was kept before.
    pub again: bool,
    /// The keys of its facts, sorted: texts that need not be read again.
    pub keys: Vec<FactKey>,
}

/// Why nothing was kept. Nobody is told that it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeepError {
    /// Somebody else writes; soon.
    #[error("the store is busy")]
    Busy,
    /// The disk is full, read-only or failing; later.
    #[error("the store can keep nothing now: {0}")]
    Full(String),
    /// What was sent cannot be kept, now or later.
    #[error("{0}")]
    Refused(String),
}
