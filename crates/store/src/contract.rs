//! The contract: what a store does, whatever engine is behind it.

use groma_model::batch::{Batch, BatchHeader, Record};
use groma_model::store::{
    Annotation, EarlierNumber, Identities, LookRecord, LookSpan, NewIdentities, Snapshot,
};
use groma_model::{AgentId, Evidence, SiteId, Timestamp};

use crate::{BoxError, Ready, StoreError};

/// The moment one asks about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Moment {
    /// All that is known, as of now.
    Now,
    /// What was valid then, as far as it was known then.
    Snapshot(Snapshot),
}

/// What became of a batch that was handed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ingested {
    /// It is kept, durably.
    Kept(Tally),
    /// It was kept before; nothing changed.
    AlreadyKept,
}

/// What a batch changed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Facts the batch speaks of, each place once.
    pub facts: u64,
    /// Facts that were not there at the look before.
    pub appeared: u64,
    /// Facts known to be gone.
    pub removed: u64,
    /// Facts not seen any more that may still be there.
    pub not_seen: u64,
    /// Values of numbers that move.
    pub measurements: u64,
}

/// The epoch of looks that a survey makes on the machine the store is on.
pub const LOCAL_EPOCH: u64 = 1;

/// The records of a batch on their way in; the first error ends it and nothing of it is kept.
pub type Records<'r> = dyn Iterator<Item = Result<Record, BoxError>> + 'r;

/// Keeps evidence. One writer at a time; a reader sees whole batches only.
pub trait Store: Send {
    /// Keeps a batch in one durable transaction. The same batch twice has no effect.
    fn ingest(&mut self, batch: &Batch) -> Result<Ingested, StoreError> {
        let mut records = batch.records.iter().cloned().map(Ok);
        self.ingest_records(&batch.header, &mut records)
    }

    /// As [`Self::ingest`], for a batch that is still being read.
    fn ingest_records(
        &mut self,
        header: &BatchHeader,
        records: &mut Records<'_>,
    ) -> Result<Ingested, StoreError>;

    /// Keeps batches that were made ready: each in one piece or not at all, and all that were kept are durable when this returns. One
    /// answer for each, in their order. An engine may put them all into one transaction: many small ones then cost as few large ones.
    fn ingest_ready(&mut self, batches: &[Ready]) -> Vec<Result<Ingested, StoreError>>;

    /// The number of the look that arrived last; 0 if there is none.
    fn watermark(&self) -> Result<u64, StoreError>;

    /// The facts that hold or may hold at `at`, sorted by site, vantage, source, content and scope,
    /// numbers after facts. What is ingested while one reads is not shown.
    fn evidence<'s>(
        &'s self,
        at: &Moment,
    ) -> Result<Box<dyn Iterator<Item = Result<Evidence, StoreError>> + 's>, StoreError>;

    /// Of each number that says how many bytes lie somewhere (`content_bytes`, `file_system_used_bytes`): its oldest
    /// value within the thirty days before its newest one, as known at `at`, in any order.
    fn earlier_numbers(&self, at: &Moment) -> Result<Vec<EarlierNumber>, StoreError>;

    /// The newest look of each vantage and source at `at`, sorted.
    fn looks(&self, at: &Moment) -> Result<Vec<LookRecord>, StoreError>;

    /// The newest look at each imported list at `at`; the scope of its coverage is `list:` and its name.
    fn imports(&self, at: &Moment) -> Result<Vec<LookRecord>, StoreError> {
        let mut looks = self.looks(at)?;
        looks.retain(|look| look.source.as_str() == "declared.list");
        Ok(looks)
    }

    /// The epoch of the newest look from `vantage`. An imported list has the digest of its rows there:
    /// if that is the epoch of the batch in hand, the list says nothing new.
    fn newest_epoch(&self, site: &SiteId, vantage: &AgentId) -> Result<Option<u64>, StoreError>;

    /// All looks through any of `sources` that are known at `at`, one for several sources of one batch, sorted.
    fn spans(&self, at: &Moment, sources: &[&str]) -> Result<Vec<LookSpan>, StoreError>;

    /// Looks through `source` of these vantages that ended after `since` and are known at `at`, sorted: what is asked of some
    /// machines costs what these looked, and not what all did.
    fn spans_of(
        &self,
        at: &Moment,
        source: &str,
        vantages: &[(SiteId, AgentId)],
        since: Timestamp,
    ) -> Result<Vec<LookSpan>, StoreError>;

    /// The same of one vantage, with what each look said about how much it saw; the earliest first.
    fn looks_of(
        &self,
        at: &Moment,
        source: &str,
        vantage: &(SiteId, AgentId),
        since: Timestamp,
    ) -> Result<Vec<LookRecord>, StoreError>;

    /// Begin of the first look and end of the last one at `at`; `None` before the first look.
    fn window(&self, at: &Moment) -> Result<Option<(Timestamp, Timestamp)>, StoreError>;

    /// The identity ledger as it stands.
    fn identities(&self) -> Result<Identities, StoreError>;

    /// The number of the newest row of the identity ledger, 0 before the first.
    fn ledger_number(&self) -> Result<u64, StoreError>;

    /// True if a row of the identity ledger after `number` merges entities, or gives a mark to another one than it had: what
    /// was concluded then may be called otherwise now.
    fn ledger_moved_since(&self, number: u64) -> Result<bool, StoreError>;

    /// How often something was erased: what was concluded before may name it still.
    fn erasures(&self) -> Result<u64, StoreError>;

    /// Adds to the identity ledger. A mark that moves to another entity does so by a new row.
    fn remember(&mut self, new: &NewIdentities) -> Result<(), StoreError>;

    /// Names the present moment. A name is 1 to 64 letters, digits, dots, dashes or underscores.
    fn take_snapshot(&mut self, name: &str, now: Timestamp) -> Result<Snapshot, StoreError>;

    /// All named moments, oldest first.
    fn snapshots(&self) -> Result<Vec<Snapshot>, StoreError>;

    /// The moment of this name.
    fn snapshot(&self, name: &str) -> Result<Snapshot, StoreError> {
        let all = self.snapshots()?;
        let names = all
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let found = all.iter().find(|s| s.name == name).cloned();
        found.ok_or_else(|| StoreError::NoSuchSnapshot {
            name: name.to_owned(),
            known: names,
        })
    }

    /// Forgets the name; the evidence stays.
    fn remove_snapshot(&mut self, name: &str) -> Result<(), StoreError>;

    /// Keeps what a person said.
    fn annotate(&mut self, annotation: &Annotation) -> Result<(), StoreError>;

    /// All that persons said, in the order in which it was said to us.
    fn annotations(&self) -> Result<Vec<Annotation>, StoreError>;

    /// The agent that this installation is at `site`; minted at the first call.
    fn local_agent(
        &mut self,
        site: &SiteId,
        mint: &dyn Fn() -> AgentId,
    ) -> Result<AgentId, StoreError>;

    /// The next sequence number of the local agent at `site` within [`LOCAL_EPOCH`], never given twice.
    fn next_sequence(&mut self, site: &SiteId) -> Result<u64, StoreError>;
}
