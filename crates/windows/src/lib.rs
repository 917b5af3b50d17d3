//! What a Windows machine writes about itself, read into facts: registry, files, and the tables the system keeps.
//!
//! Pure: three traits and one struct stand for the machine ([`Registry`], [`Files`], [`Rows`]), so the same readers serve an
//! agent that asks the system, a document that a script wrote on a machine where no agent may go, and hives of people who
//! are not logged on. Every reader runs on every platform.
//!
//! Nothing here is believed: depth, length and number are limited, and what makes no sense is a gap. Registry values are
//! read by name; a value nobody names never leaves the machine.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

mod adapter;
mod addressed;
mod archives;
mod areas;
mod certificates;
mod databases;
mod devices;
mod disk_of;
pub mod document;
mod files;
mod hive;
mod host;
mod iis;
pub mod keys;
mod machine;
mod markup;
mod needs;
mod noted;
mod part;
mod path;
pub mod profiles;
mod registry;
mod rows;
mod security;
mod shares;
mod sockets;
pub mod tables;
mod tasks;
mod written;

pub use adapter::{AdapterParts, UnicastPart, adapter_of};
pub use areas::AREAS;
pub use disk_of::disk_of;
pub use files::{Files, FolderEntry, Kind, WrittenFiles};
pub use hive::{Damage, Doubt, Hive, Hives};
pub use machine::{Area, Machine, ReadCertificate, is_of_a_person, look};
pub use noted::Noted;
pub use part::{Part, Said};
pub use path::{Expand, base_name, folder_of, joined, program_of, settled};
pub use registry::{Key, LeftOut, Registry, Value};
pub use rows::DeviceRow;
pub use rows::{
    Adapter, AdapterKind, DiskRow, Missing, NeighbourRow, Process, RouteRow, Rows, SessionRow,
    ShareRow, SocketRow, StoredCertificate, System, User, Volume, VolumeKind,
};
pub use sockets::{Sockets, tell_services};
pub use written::{Unreadable, WrittenRegistry};
