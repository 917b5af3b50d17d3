//! What a platform of virtualization says about its guests, hosts, clusters and datastores.
//!
//! **What it sees.** One source, `hypervisor.platform`: the guests with their disks, cards, snapshots and what would block a
//! move; the hosts; the datastores. One named vantage asks, never every agent.
//!
//! **How it asks.** Through the interface each platform has for readers, with verbs that change nothing, one question at a time.
//!
//! **As whom.** As the `[[hypervisor]]` tables of the access file say. A password goes only to a server whose certificate is
//! pinned or signed by a named authority, or that stands on this machine; one log-on for each look.
//!
//! **Which rights it needs.** None here beyond the access file; on the platform, a role that may only read.
//!
//! **What it costs.** See each module.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "a test that indexes wrongly fails, and should"
    )
)]

pub mod access;
mod at_most;
mod cause;
mod channel;
mod form;
mod http;
mod libvirt;
mod look;
mod missed;
mod ovirt;
mod parting;
mod proxmox;
#[cfg(test)]
mod testing;
mod twice;
mod vsphere;
mod xapi;

pub use access::{Access, AccessError, Logon};
pub use look::HypervisorSource;

/// The name of the source; it is written into evidence.
pub const NAME: &str = groma_model::virtualization::PLATFORM_SOURCE;
