//! The nouns of groma.
//!
//! Everything the other crates say to each other is said in these words: an [`Observation`] is what a
//! source saw, [`Evidence`] is that fact kept with its provenance, an [`inventory::Entity`] is what
//! several pieces of evidence are about, an [`inventory::Dependency`] says who needs whom, a
//! [`inventory::Finding`] says what to mind. The nouns know nothing of colours, layout, files, sockets
//! or the clock: this crate is pure, and everything in it serialises.
//!
//! The words for kinds are not free text: [`registry`] reads them from one versioned file.
#![forbid(unsafe_code)]

pub mod admission;
pub mod batch;
pub mod contained;
pub mod content;
pub mod device;
pub mod device_verdict;
pub mod directory;
pub mod estate;
pub mod evidence;
pub mod fact;
pub mod fleet;
pub mod foreign;
pub mod found;
pub mod hours;
pub mod id;
pub mod inventory;
pub mod ledger;
pub mod logged;
pub mod mail;
pub mod mail_ledger;
pub mod mail_reader;
pub mod mail_use;
pub mod mailbox;
pub mod measured;
mod mere_names;
pub mod met;
mod moment;
pub mod name;
pub mod observation;
pub mod outside;
pub mod path;
pub mod protocol;
pub mod questionnaire;
pub mod register;
pub mod registry;
pub mod relying;
pub mod remembered;
pub mod reported;
pub mod route;
pub mod says;
pub mod schedule;
mod seen_service;
pub mod sentinel;
pub mod sheet;
mod short_text;
pub mod sighting;
pub mod smbios;
mod stated;
pub mod store;
pub mod time;
mod told;
pub mod virtualization;
pub mod visible;
pub mod watched;
pub mod watching;
pub mod wave;
pub mod wording;
pub mod zone;

pub use batch::{Batch, BatchHeader, Record};
pub use estate::{Estate, Meaning};
pub use evidence::{Evidence, EvidenceState, Witness};
pub use fact::Fact;
pub use foreign::Foreign;
pub use hours::{Hours, Lasted};
pub use id::{AgentId, DependencyId, EntityId, EvidenceId, FindingId, SiteId, SourceName};
pub use name::{HostName, Peer, Port, Transport};
pub use observation::{Coverage, CoverageState, Gap, Observation, Reason, Scope, Seen};
pub use stated::Stated;
pub use time::Timestamp;
