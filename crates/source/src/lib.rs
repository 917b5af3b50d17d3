//! The contract every way of looking keeps, and the four things a source may not reach for by itself.
//!
//! A [`Source`] tells a [`Sink`] what it saw, what it missed and how much of each scope it covered. It
//! cannot fail as a whole, it never writes, restarts or logs in uninvited, it runs nothing it finds, and
//! it stops when its [`Window`] closes or its [`Budget`] is used up. Clock, disk, network and randomness
//! reach it through [`World`], so a test can hand it a made-up machine, and one place enforces what no
//! source may ever do (open a FIFO, walk a network file system, send a byte to a print port).
//!
//! Nothing specific to one operating system appears here.
#![forbid(unsafe_code)]

pub mod access;
pub mod ber;
pub mod budget;
pub mod conversation;
pub mod disk;
pub mod dns_name;
pub mod ears;
pub mod frames;
pub mod ipv6;
pub mod kernel;
pub mod manners;
pub mod memory;
pub mod names;
pub mod network;
pub mod sink;
pub mod testing;
pub mod window;
pub mod world;

pub use budget::Budget;
pub use conversation::Conversation;
pub use disk::{
    Disk, DiskError, Entry, EntryKind, FileMet, FileRead, Listed, Metadata, OpenFile, Space, Stamp,
};
pub use kernel::{Arrival, Events, Instruction, KernelEvents, NetworkRoom, SilentKernel, Trace};
pub use memory::{Doubt, Memory};
pub use names::NoAddress;
pub use network::{
    Datagrams, Dialled, Dialler, Dialling, LocalDoor, Network, Stream, forbidden_port,
    steers_machines,
};
pub use sink::{Recorder, Sink, SinkExt};
pub use window::{Clock, Stop, Window};
pub use world::{Randomness, World};

use groma_model::SourceName;
use serde::{Deserialize, Serialize};

/// One way of learning about the estate. Reads; never writes, restarts or logs in uninvited.
///
/// `look` is called once, or again and again with the state it keeps. Everything it says crosses as
/// serde values, so it may run in another process.
pub trait Source: Send {
    /// The permanent name, as `host.sockets`: it is written into evidence.
    fn name(&self) -> SourceName;

    /// What it would read, contact and say, before it does: `groma-agent explain` prints it.
    fn explain(&self) -> Explanation;

    /// Where it finds what it kept at its last look ([`Sink::keeps`]), before it looks. Most keep nothing.
    fn remember(&mut self, memory: Memory) {
        let _ = memory;
    }

    /// Looks once. Every scope it touches ends in [`Sink::covered`]; a scope nobody closed counts as partial.
    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink);
}

/// What a source does to a machine, in words a security officer can check.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Explanation {
    /// One sentence: what it is for.
    pub purpose: String,
    /// Files, tables and interfaces it reads.
    pub reads: Vec<String>,
    /// Whom it sends a packet to; empty for most.
    pub contacts: Vec<String>,
    /// What it says about them.
    pub sends: Vec<String>,
    /// What it sees in passing and never says.
    pub never_sends: Vec<String>,
    /// The least rights, and what is missing without them.
    pub rights: Vec<String>,
    /// What it costs the host.
    pub cost: String,
}
