//! This Windows machine: what its registry, its files and its tables say.
//!
//! **What it sees.** Each [`groma_windows::Area`] is a source ([`AreaSource`]); sockets are watched for as long as a look does
//! ([`SocketWatch`]). People who are not logged on are read from their hives, where they lie.
//!
//! **Where it reads it.** By calls of the system that read: the registry, tables of processes, sockets, adapters, drives and
//! shares, and files of the fixed drives, of which none is fetched from a cloud and no link is followed. No program is run, no
//! service asked that would write.
//!
//! **Which rights it needs.** None for most; an administrator's, or LocalSystem's, for programs of others, rights on shares and
//! hives. Gaps say what is missing.
//!
//! **What it costs the host.** A walk over the names of the fixed drives, some thousand keys, and one table of sockets and
//! processes a sample, each at most a twentieth of the time to the next.
//!
//! All that decides anything is in `groma-windows`, which runs on every platform. **Never run on a real Windows:** see
//! `docs/reference/windows.md`.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod area;
mod files;
mod system;
#[cfg(windows)]
mod this_system;
mod watch;

pub use area::{AreaSource, Certificates};
pub use files::DriveFiles;
pub use groma_windows::{AREAS, Area};
pub use system::{Shared, System};
#[cfg(windows)]
pub use this_system::{ThisSystem, this_machine};
pub use watch::SocketWatch;

/// The area whose tables are watched.
pub const SOCKETS: &str = "host.sockets";
