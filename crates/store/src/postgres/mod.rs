//! The engine on a server: PostgreSQL, for more than one collector at a time.
//!
//! The same tables as the embedded engine, in a schema `groma` of their own. Any number of stores may be open on one
//! database, in any number of processes: each is one connection, which is opened again when the server was restarted.
//!
//! Calls block, and may not be made from within an asynchronous runtime.

mod address;
mod columns;
mod evidence;
mod fault;
mod fleet;
mod forget;
mod ingest;
mod key;
mod ledger;
mod looks;
mod open;
mod passwords;
mod session;
mod tls;

use std::cell::{Cell, RefCell};
use std::fmt;

use groma_model::batch::BatchHeader;
use groma_model::store::{
    Annotation, EarlierNumber, Identities, LookRecord, LookSpan, NewIdentities, Snapshot,
};
use groma_model::{AgentId, Evidence, SiteId, Timestamp};

use crate::ingest::Writer;
use crate::looks::{Bounds, signed, unsigned};
use crate::{Ingested, Moment, Ready, Records, Store, StoreError};

use address::Address;
use ingest::Gathered;
use session::{Lock, Session, Transaction};

/// A store in a PostgreSQL database; tested with version 15.
pub struct PostgresStore {
    session: RefCell<Session>,
    /// How often something was forgotten before the ledger of identities was read last.
    acts: Cell<Option<i64>>,
}

/// Says where the store is; the password stays inside.
impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.session.borrow().place().to_owned();
        f.debug_struct("PostgresStore")
            .field("place", &place)
            .finish()
    }
}

impl PostgresStore {
    /// Opens the store at `url`, or makes one there: `postgres://user@host:5432/database?setting=value&…`.
    ///
    /// The database has to be there; its schema `groma` is made, or used if it is empty. A server on another machine
    /// has to show a certificate that `sslrootcert=` vouches for; one on this machine may be spoken to in the clear. A
    /// password may stand in the address, or in a file that `passfile=` names, in the format of libpq.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let mut session = Session::new(Address::parse(url)?);
        open::prepare(&mut session)?;
        Ok(Self {
            session: RefCell::new(session),
            acts: Cell::default(),
        })
    }

    /// Host, port and database, for people.
    pub fn place(&self) -> String {
        self.session.borrow().place().to_owned()
    }

    fn bounds(&self, at: &Moment) -> Result<Bounds, StoreError> {
        Ok(match at {
            Moment::Now => Bounds {
                watermark: looks::watermark(&mut *self.session.borrow_mut())?,
                valid_at: i64::MAX,
            },
            Moment::Snapshot(snapshot) => Bounds {
                watermark: signed(snapshot.watermark),
                valid_at: snapshot.valid_at.millis(),
            },
        })
    }

    /// Runs `work` in one transaction: all of it is durable afterwards, or none of it happened.
    fn durably<T>(
        &mut self,
        attempt: &'static str,
        lock: Lock,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut transaction = self.session.get_mut().begin(attempt, lock)?;
        let done = work(&mut transaction)?;
        transaction.commit(attempt)?;
        Ok(done)
    }
}

impl Store for PostgresStore {
    fn ingest_records(
        &mut self,
        header: &BatchHeader,
        records: &mut Records<'_>,
    ) -> Result<Ingested, StoreError> {
        self.durably(crate::ingest::ATTEMPT, ingest::vantage(header), |work| {
            crate::ingest::ingest(&mut Gathered::new(work, header), header, records)
        })
    }

    /// Each in a transaction of its own: whoever held the locks of many vantages at once would wait for a replica that waits for him.
    fn ingest_ready(&mut self, batches: &[Ready]) -> Vec<Result<Ingested, StoreError>> {
        let keep = |ready: &Ready| {
            let header = ready.header();
            self.durably(crate::ingest::ATTEMPT, ingest::vantage(header), |work| {
                let mut rows = Gathered::new(work, header);
                let ingested = crate::ingest::ingest_ready(&mut rows, ready)?;
                rows.finish()?;
                Ok(ingested)
            })
        };
        batches.iter().map(keep).collect()
    }

    fn watermark(&self) -> Result<u64, StoreError> {
        looks::watermark(&mut *self.session.borrow_mut()).map(unsigned)
    }

    fn evidence<'s>(
        &'s self,
        at: &Moment,
    ) -> Result<Box<dyn Iterator<Item = Result<Evidence, StoreError>> + 's>, StoreError> {
        let bounds = self.bounds(at)?;
        Ok(Box::new(crate::evidence::evidence(&self.session, bounds)?))
    }

    fn earlier_numbers(&self, at: &Moment) -> Result<Vec<EarlierNumber>, StoreError> {
        let bounds = self.bounds(at)?;
        evidence::earlier_numbers(&mut *self.session.borrow_mut(), bounds)
    }

    fn looks(&self, at: &Moment) -> Result<Vec<LookRecord>, StoreError> {
        crate::looks::looks(&self.session, self.bounds(at)?)
    }

    fn newest_epoch(&self, site: &SiteId, vantage: &AgentId) -> Result<Option<u64>, StoreError> {
        let found = looks::newest_epoch(&mut *self.session.borrow_mut(), site, vantage)?;
        Ok(found.map(unsigned))
    }

    fn spans(&self, at: &Moment, sources: &[&str]) -> Result<Vec<LookSpan>, StoreError> {
        let bounds = self.bounds(at)?;
        looks::spans(&mut *self.session.borrow_mut(), bounds, sources)
    }

    fn spans_of(
        &self,
        at: &Moment,
        source: &str,
        vantages: &[(SiteId, AgentId)],
        since: Timestamp,
    ) -> Result<Vec<LookSpan>, StoreError> {
        let bounds = self.bounds(at)?;
        let session = &mut *self.session.borrow_mut();
        looks::spans_of(session, bounds, source, vantages, since.millis())
    }

    fn looks_of(
        &self,
        at: &Moment,
        source: &str,
        vantage: &(SiteId, AgentId),
        since: Timestamp,
    ) -> Result<Vec<LookRecord>, StoreError> {
        let bounds = self.bounds(at)?;
        let asked = looks::looks_of(
            &mut *self.session.borrow_mut(),
            bounds,
            source,
            vantage,
            since.millis(),
        )?;
        crate::looks::records(&self.session, &asked)
    }

    fn window(&self, at: &Moment) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let bounds = self.bounds(at)?;
        looks::window(&mut *self.session.borrow_mut(), bounds)
    }

    fn identities(&self) -> Result<Identities, StoreError> {
        let session = &mut *self.session.borrow_mut();
        self.acts.set(Some(looks::acts(session)?));
        ledger::identities(session)
    }

    fn ledger_number(&self) -> Result<u64, StoreError> {
        ledger::number(&mut *self.session.borrow_mut())
    }

    fn ledger_moved_since(&self, number: u64) -> Result<bool, StoreError> {
        ledger::moved_since(&mut *self.session.borrow_mut(), number)
    }

    fn erasures(&self) -> Result<u64, StoreError> {
        looks::acts(&mut *self.session.borrow_mut()).map(unsigned)
    }

    fn remember(&mut self, new: &NewIdentities) -> Result<(), StoreError> {
        let (attempt, before) = ("keep identities", self.acts.get());
        self.durably(attempt, Lock::Ledger, |work| {
            // What was concluded from evidence of before may name whom nobody is to know any more.
            match before {
                Some(before) if looks::acts(work)? != before => {
                    Err(StoreError::Forgotten { attempt })
                }
                _ => ledger::remember(work, new),
            }
        })
    }

    fn take_snapshot(&mut self, name: &str, now: Timestamp) -> Result<Snapshot, StoreError> {
        self.durably("take a snapshot", Lock::Ledger, |work| {
            ledger::take_snapshot(work, name, now)
        })
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>, StoreError> {
        ledger::snapshots(&mut *self.session.borrow_mut())
    }

    fn remove_snapshot(&mut self, name: &str) -> Result<(), StoreError> {
        let found = self.snapshot(name)?;
        self.durably("remove a snapshot", Lock::Ledger, |work| {
            ledger::remove_snapshot(work, &found.name)
        })
    }

    fn annotate(&mut self, annotation: &Annotation) -> Result<(), StoreError> {
        self.durably("keep an annotation", Lock::Ledger, |work| {
            ledger::annotate(work, annotation)
        })
    }

    fn annotations(&self) -> Result<Vec<Annotation>, StoreError> {
        ledger::annotations(&mut *self.session.borrow_mut())
    }

    fn local_agent(
        &mut self,
        site: &SiteId,
        mint: &dyn Fn() -> AgentId,
    ) -> Result<AgentId, StoreError> {
        self.durably("name this installation", Lock::Ledger, |work| {
            ledger::local_agent(work, site, mint)
        })
    }

    fn next_sequence(&mut self, site: &SiteId) -> Result<u64, StoreError> {
        self.durably("count a look", Lock::Ledger, |work| {
            ledger::next_sequence(work, site)
        })
        .map(unsigned)
    }
}
