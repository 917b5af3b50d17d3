//! The second contract: who is enrolled, by which token, and what is asked of them.
//!
//! An engine keeps records and promises that each change is one durable transaction; what a change may be is decided by whoever asks
//! for it. `fleet_conformance` (behind the feature `conformance`) is what an engine has to pass.

use groma_model::fleet::{AgentRecord, AgentStatus, Policy, RefusalWord, TokenRecord};
use groma_model::{AgentId, SiteId, Timestamp};

use crate::StoreError;

/// Keeps the fleet. Two processes on one store see one fleet.
pub trait Fleet: Send {
    /// Keeps a new token.
    fn add_token(&mut self, token: &TokenRecord) -> Result<(), StoreError>;

    /// All tokens, also those that are used up or over, the oldest first.
    fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError>;

    /// Ends the token with this digest now, if it did not end before: nobody else comes with it.
    fn end_token(&mut self, digest: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Uses the token with this digest once and keeps the agent that `candidate` makes of it, both or neither: of a hundred who
    /// come at once with a token of one use, one is kept.
    fn enrol(
        &mut self,
        digest: &str,
        now: Timestamp,
        candidate: &mut dyn FnMut(&TokenRecord) -> AgentRecord,
    ) -> Result<Result<AgentRecord, RefusalWord>, StoreError>;

    /// Keeps an agent that came without a token: the copy of one that is enrolled.
    fn add_agent(&mut self, agent: &AgentRecord) -> Result<(), StoreError>;

    /// The agent of this id.
    fn agent(&self, site: &SiteId, agent: &AgentId) -> Result<Option<AgentRecord>, StoreError>;

    /// All agents, revoked ones too, by site and id.
    fn agents(&self) -> Result<Vec<AgentRecord>, StoreError>;

    /// Lets `change` change an agent while nobody else does, and keeps what it left. `None` if there is no such agent.
    fn change_agent(
        &mut self,
        site: &SiteId,
        agent: &AgentId,
        change: &mut dyn FnMut(&mut AgentRecord),
    ) -> Result<Option<AgentRecord>, StoreError>;

    /// Keeps what agents said of themselves, all in one durable transaction. Who is not enrolled says nothing.
    fn hear(&mut self, heard: &[Heard]) -> Result<(), StoreError>;

    /// A number that is another one whenever somebody else has written since it was last asked; `None` if the engine cannot tell.
    fn changes_of_others(&self) -> Result<Option<i64>, StoreError>;

    /// What is asked of an agent: what was said of it, else of its site, else the usual.
    fn policy(&self, site: &SiteId, agent: &AgentId) -> Result<Policy, StoreError>;

    /// Says what is asked of one agent, or of a site. The version is given here: it grows over all policies there are.
    fn set_policy(
        &mut self,
        site: &SiteId,
        agent: Option<&AgentId>,
        policy: &Policy,
    ) -> Result<Policy, StoreError>;

    /// Gives `agent` so many of `cap` packets a second as nobody else has until `until`; what it had before is given back first.
    fn lease(
        &mut self,
        agent: &AgentId,
        asked: u32,
        cap: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u32, StoreError>;
}

/// When an agent last spoke, and what it said of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Its site.
    pub site: SiteId,
    /// Its id.
    pub agent: AgentId,
    /// When it spoke.
    pub seen_at: Timestamp,
    /// What it said.
    pub status: AgentStatus,
}

impl Heard {
    /// Writes it into the agent's record. Whatever comes last is believed, not what has the later moment: clocks are set back.
    pub fn tell(&self, record: &mut AgentRecord) {
        record.seen_at = Some(self.seen_at);
        record.status = self.status.clone();
    }
}

/// Why a token does not let anybody in, if it does not.
pub(crate) fn refused(token: Option<&TokenRecord>, now: Timestamp) -> Option<RefusalWord> {
    match token {
        None => Some(RefusalWord::TokenUnknown),
        Some(token) if token.uses >= token.uses_max => Some(RefusalWord::TokenUsed),
        Some(token) if token.ends_at <= now => Some(RefusalWord::TokenEnded),
        Some(_) => None,
    }
}
