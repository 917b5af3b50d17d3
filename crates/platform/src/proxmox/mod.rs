//! Proxmox VE: the answers of its REST interface, and the files guests are configured by.
//!
//! A [`Question`] knows its path; what came back goes to the [`Reader`] (the cluster's answers in the
//! order of [`ClusterQuestion::ALL`], then those of nodes and guests), and [`Reader::finish`] makes facts of it, sorted by key.
//! Every key is what the cluster itself tells things by:
//!
//! | of what | key |
//! | --- | --- |
//! | the platform | the name of the cluster; of a node without one the name of the node |
//! | a node | its name |
//! | a guest | `qemu/104`, `lxc/105` |
//! | a storage all nodes share | `storage/NAME` |
//! | a storage of one node | `storage/NODE/NAME` |
//! | the cluster | `cluster` |
//!
//! A configuration file names neither cluster nor node nor number, so whoever imports one says them ([`of_file`]); a guest that
//! is read both ways is the same by the same words.
//!
//! Never kept: descriptions, and what cloud-init is given (passwords, keys, users).
//!
//! Shapes are those of the maker's own description (pve.proxmox.com/pve-docs/api-viewer, qm.conf(5), pct.conf(5), versions 7 to
//! 9). **Never run against a real Proxmox VE.**

mod backup;
mod container;
mod disk;
mod file;
mod inside;
mod load;
mod machine;
mod node;
mod property;
mod question;
mod reader;
mod rights;
mod rules;
mod settings;
mod storage;
#[cfg(test)]
mod tests;

pub use file::{is_file, of_file};
pub use question::{ClusterQuestion, GuestPlace, GuestQuestion, NodeQuestion, Question};
pub use reader::Reader;

/// The key of the one cluster of a platform.
const CLUSTER_KEY: &str = "cluster";

/// The number in `qemu/104`.
fn id_of(key: &str) -> Option<u32> {
    key.split_once('/')?.1.parse().ok()
}
