//! The engine in one file: SQLite in WAL mode, one durable transaction for each batch.

mod backup;
mod earlier;
mod evidence;
mod fleet;
mod forget;
mod ingest;
mod ledger;
mod looks;
mod open;
mod rows;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use groma_model::batch::BatchHeader;
use groma_model::store::{
    Annotation, EarlierNumber, Identities, LookRecord, LookSpan, NewIdentities, Snapshot,
};
use groma_model::{AgentId, Evidence, SiteId, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use crate::ingest::Standings;
use crate::looks::{Bounds, signed, unsigned};
use crate::{Ingested, Moment, Ready, Records, Store, StoreError};

use ingest::Gathered;

/// A store in one directory, or in memory.
///
/// The directory is created with mode 0700 and its files with mode 0600. Any number of processes may
/// read while one writes; a writer waits ten seconds for another one.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: Option<PathBuf>,
    standings: Standings,
    /// [`data_version`] when `standings` was right.
    written: Option<i64>,
    /// How often something was forgotten before the ledger of identities was read last.
    acts: Cell<Option<i64>>,
}

/// A number that changes whenever another connection has written (<https://www.sqlite.org/pragma.html#pragma_data_version>).
fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    let mut asked = connection
        .prepare_cached("PRAGMA data_version")
        .map_err(StoreError::of(crate::ingest::ATTEMPT))?;
    let number = asked.query_row([], |r| r.get(0));
    number.map_err(StoreError::of(crate::ingest::ATTEMPT))
}

impl SqliteStore {
    /// Keeps all of `batches` in one transaction, or none.
    fn ingest_together(&mut self, batches: &[Ready]) -> Result<Vec<Ingested>, StoreError> {
        self.writing(|connection, standings| {
            let mut rows = Gathered::new(connection, standings);
            let mut vantages = BTreeSet::new();
            let mut done = Vec::with_capacity(batches.len());
            for ready in batches {
                let header = ready.header();
                if !vantages.insert((&header.site, &header.agent)) {
                    rows.write()?;
                }
                done.push(crate::ingest::ingest_ready(&mut rows, ready)?);
            }
            rows.write()?;
            Ok(done)
        })
    }

    /// Keeps each of `batches` in a transaction of its own; after one that was kept waiting in vain the others do not wait as long again.
    fn ingest_alone(&mut self, batches: &[Ready]) -> Vec<Result<Ingested, StoreError>> {
        let mut busy = None;
        let keep = |one: &Ready| {
            if let Some(attempt) = busy {
                return Err(StoreError::Busy { attempt });
            }
            let kept = self.ingest_together(std::slice::from_ref(one));
            if let Err(StoreError::Busy { attempt }) = &kept {
                busy = Some(*attempt);
            }
            Ok(kept?.pop().unwrap_or(Ingested::AlreadyKept))
        };
        batches.iter().map(keep).collect()
    }

    /// Where the file is, if there is one.
    pub fn path(&self) -> Option<&std::path::Path> {
        self.path.as_deref()
    }

    /// Moves everything from the write-ahead log into the one file, as before copying it.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let run = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        run.map_err(StoreError::of("write the log of the store into its file"))
    }

    /// Holds at most `kib` KiB of pages in memory. Whoever writes small batches for months does better with few: SQLite walks all of
    /// them at a commit after a page was split. Whoever reads everything once does better with many, as it is by itself.
    pub fn hold_pages(&self, kib: u32) -> Result<(), StoreError> {
        let set = format!("PRAGMA cache_size = -{kib}");
        let run = self.connection.execute_batch(&set);
        run.map_err(StoreError::of("bound the memory of the store"))
    }

    /// Bounds the file to `bytes`; what would make it larger ends in [`StoreError::Full`].
    pub fn limit_bytes(&self, bytes: u64) -> Result<(), StoreError> {
        let attempt = "bound the size of the store";
        let page: i64 = self
            .connection
            .query_row("PRAGMA page_size", [], |r| r.get(0))
            .map_err(StoreError::of(attempt))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        let set =
            self.connection
                .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
        set.map_err(StoreError::of(attempt))
    }

    fn bounds(&self, at: &Moment) -> Result<Bounds, StoreError> {
        Ok(match at {
            Moment::Now => Bounds {
                watermark: looks::watermark(&self.connection)?,
                valid_at: i64::MAX,
            },
            Moment::Snapshot(snapshot) => Bounds {
                watermark: signed(snapshot.watermark),
                valid_at: snapshot.valid_at.millis(),
            },
        })
    }

    /// Runs `work`, which keeps batches, in one transaction, with what stands in the streams it knows.
    fn writing<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut Standings) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut standings = std::mem::take(&mut self.standings);
        let mut written = self.written;
        let done = self.durably(crate::ingest::ATTEMPT, |connection| {
            // From here to the end nobody else writes.
            let now = Some(data_version(connection)?);
            if written != now {
                standings.forget();
            }
            written = now;
            work(connection, &mut standings)
        });
        match &done {
            Ok(_) => standings.hold(),
            Err(_) => standings.forget(),
        }
        (self.standings, self.written) = (standings, written);
        done
    }

    /// Runs `work` in one transaction: all of it is durable afterwards, or none of it happened.
    fn durably<T>(
        &mut self,
        attempt: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let behaviour = TransactionBehavior::Immediate;
        let transaction = self
            .connection
            .transaction_with_behavior(behaviour)
            .map_err(StoreError::of(attempt))?;
        let done = work(&transaction)?;
        transaction.commit().map_err(StoreError::of(attempt))?;
        Ok(done)
    }
}

impl Store for SqliteStore {
    fn ingest_records(
        &mut self,
        header: &BatchHeader,
        records: &mut Records<'_>,
    ) -> Result<Ingested, StoreError> {
        self.writing(|connection, standings| {
            let mut rows = Gathered::new(connection, standings);
            crate::ingest::ingest(&mut rows, header, records)
        })
    }

    fn ingest_ready(&mut self, batches: &[Ready]) -> Vec<Result<Ingested, StoreError>> {
        match self.ingest_together(batches) {
            Ok(done) => done.into_iter().map(Ok).collect(),
            // Whoever writes now makes all of them wait, not each of them anew.
            Err(StoreError::Busy { attempt }) => {
                let busy = |_: &Ready| Err(StoreError::Busy { attempt });
                batches.iter().map(busy).collect()
            }
            // Nothing was kept. What fails in one of them must not cost the others.
            Err(error) if batches.len() == 1 => vec![Err(error)],
            Err(_) => self.ingest_alone(batches),
        }
    }

    fn watermark(&self) -> Result<u64, StoreError> {
        looks::watermark(&self.connection).map(unsigned)
    }

    fn evidence<'s>(
        &'s self,
        at: &Moment,
    ) -> Result<Box<dyn Iterator<Item = Result<Evidence, StoreError>> + 's>, StoreError> {
        let bounds = self.bounds(at)?;
        Ok(Box::new(crate::evidence::evidence(
            &self.connection,
            bounds,
        )?))
    }

    fn earlier_numbers(&self, at: &Moment) -> Result<Vec<EarlierNumber>, StoreError> {
        earlier::numbers(&self.connection, self.bounds(at)?)
    }

    fn looks(&self, at: &Moment) -> Result<Vec<LookRecord>, StoreError> {
        crate::looks::looks(&self.connection, self.bounds(at)?)
    }

    fn newest_epoch(&self, site: &SiteId, vantage: &AgentId) -> Result<Option<u64>, StoreError> {
        Ok(looks::newest_epoch(&self.connection, site, vantage)?.map(unsigned))
    }

    fn spans(&self, at: &Moment, sources: &[&str]) -> Result<Vec<LookSpan>, StoreError> {
        looks::spans(&self.connection, self.bounds(at)?, sources)
    }

    fn spans_of(
        &self,
        at: &Moment,
        source: &str,
        vantages: &[(SiteId, AgentId)],
        since: Timestamp,
    ) -> Result<Vec<LookSpan>, StoreError> {
        let bounds = self.bounds(at)?;
        looks::spans_of(&self.connection, bounds, source, vantages, since.millis())
    }

    fn looks_of(
        &self,
        at: &Moment,
        source: &str,
        vantage: &(SiteId, AgentId),
        since: Timestamp,
    ) -> Result<Vec<LookRecord>, StoreError> {
        let bounds = self.bounds(at)?;
        let found = looks::looks_of(&self.connection, bounds, source, vantage, since.millis())?;
        crate::looks::records(&self.connection, &found)
    }

    fn window(&self, at: &Moment) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        looks::window(&self.connection, self.bounds(at)?)
    }

    fn identities(&self) -> Result<Identities, StoreError> {
        self.acts
            .set(Some(forget::number_of_acts(&self.connection)?));
        ledger::identities(&self.connection)
    }

    fn ledger_number(&self) -> Result<u64, StoreError> {
        ledger::number(&self.connection)
    }

    fn ledger_moved_since(&self, number: u64) -> Result<bool, StoreError> {
        ledger::moved_since(&self.connection, number)
    }

    fn erasures(&self) -> Result<u64, StoreError> {
        forget::number_of_acts(&self.connection).map(unsigned)
    }

    fn remember(&mut self, new: &NewIdentities) -> Result<(), StoreError> {
        let (attempt, before) = ("keep identities", self.acts.get());
        self.durably(attempt, |connection| {
            // What was concluded from evidence of before may name whom nobody is to know any more.
            match before {
                Some(before) if forget::number_of_acts(connection)? != before => {
                    Err(StoreError::Forgotten { attempt })
                }
                _ => ledger::remember(connection, new),
            }
        })
    }

    fn take_snapshot(&mut self, name: &str, now: Timestamp) -> Result<Snapshot, StoreError> {
        self.durably("take a snapshot", |connection| {
            ledger::take_snapshot(connection, name, now)
        })
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>, StoreError> {
        ledger::snapshots(&self.connection)
    }

    fn remove_snapshot(&mut self, name: &str) -> Result<(), StoreError> {
        let found = self.snapshot(name)?;
        self.durably("remove a snapshot", |connection| {
            ledger::remove_snapshot(connection, &found.name)
        })
    }

    fn annotate(&mut self, annotation: &Annotation) -> Result<(), StoreError> {
        self.durably("keep an annotation", |connection| {
            ledger::annotate(connection, annotation)
        })
    }

    fn annotations(&self) -> Result<Vec<Annotation>, StoreError> {
        ledger::annotations(&self.connection)
    }

    fn local_agent(
        &mut self,
        site: &SiteId,
        mint: &dyn Fn() -> AgentId,
    ) -> Result<AgentId, StoreError> {
        self.durably("name this installation", |connection| {
            ledger::local_agent(connection, site, mint)
        })
    }

    fn next_sequence(&mut self, site: &SiteId) -> Result<u64, StoreError> {
        self.durably("count a look", |connection| {
            ledger::next_sequence(connection, site)
        })
        .map(unsigned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sqlite_engine_passes_the_suite() {
        crate::conformance::run(&|| Box::new(SqliteStore::open_in_memory().unwrap()));
    }

    #[test]
    fn the_sqlite_engine_keeps_a_fleet() {
        crate::fleet_conformance::run(&|| Box::new(SqliteStore::open_in_memory().unwrap()));
    }

    #[test]
    fn the_sqlite_engine_forgets() {
        crate::forget_conformance::run(&|| Box::new(SqliteStore::open_in_memory().unwrap()));
    }
}
