//! Evidence kept: append-only facts, the identity ledger, named snapshots.
//!
//! # What is kept
//!
//! A *look* is one source's part of one batch. Looks are numbered in the order of their arrival; the
//! newest number is the *watermark*. A fact's content is stored once under its hash; what became of it
//! at a place (vantage, source, scope) is a row of *events*: `seen`, then perhaps `removed` or
//! `not-seen`, then perhaps `seen` again. A look that sees what the look before it saw adds its own row
//! and nothing per fact, so a daily look that finds nothing new costs nearly nothing.
//!
//! A fact that a look no longer sees is `removed` only if the most specific coverage which that look
//! said about its scope is complete; otherwise it is `not-seen`, and stays evidence with that mark. A
//! gap makes a hole in the coverage around it. A source that did not look touches nothing.
//!
//! Numbers that move ([`Fact::Measurement`](groma_model::Fact)) are series of values; the newest one
//! is evidence, under an id that does not depend on the value.
//!
//! # When
//!
//! Events carry two times: `at`, the end of the look that shows it, and the look that told us. A
//! snapshot is (valid time, watermark), so whatever arrives later never changes what it shows. A look
//! that arrives late (a spool from a host that was offline) adds what was true then, up to the next look
//! that knows better: in whatever order looks arrive, the same looks give the same evidence.
//!
//! A fact is *live* if the look saw it within its own time; then its last moment is the end of the
//! newest look. A log knows better: its own first, last and count are kept, and a new row is written
//! only when they change. The count of a live fact (samples within a look) is news only when it doubles.
//!
//! # Promises
//!
//! One batch is one durable transaction: kept whole exactly once, or not at all. `site_id` leads every
//! key. Nothing true lives in process memory. [`Store`] is the contract; [`SqliteStore`] is the engine
//! in one file and [`PostgresStore`] the one on a server, which several collectors may share. What a batch changes
//! and what evidence shows is decided once for both; an engine has rows. `conformance` (behind the feature of that
//! name) is what an engine has to pass.
//!
//! # Forgetting
//!
//! Rows are only ever added, but for [`Forget`]: it erases somebody's traces from all tables, and adds a row that says so.
#![forbid(unsafe_code)]

mod contract;
mod error;
mod evidence;
mod extent;
mod fleet;
mod forget;
mod ingest;
mod ledger;
mod looks;
mod place;
mod postgres;
mod report;
mod sqlite;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(any(test, feature = "conformance"))]
pub mod fleet_conformance;
#[cfg(any(test, feature = "conformance"))]
pub mod forget_conformance;

pub use contract::{Ingested, LOCAL_EPOCH, Moment, Records, Store, Tally};
pub use error::{BoxError, StoreError};
pub use fleet::{Fleet, Heard};
pub use forget::{Act, Forget, Kind, Progress, Spelling, Traces, Whom};
pub use ingest::Ready;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
