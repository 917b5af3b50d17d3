//! oVirt, Red Hat Virtualization, Oracle Linux Virtualization Manager: the answers of their REST interface, version 4.
//!
//! A [`Question`] knows its path; what came back goes to the [`Reader`], in any order ([`List::MachineDevices`] last), and
//! [`Reader::finish`] makes facts of it, sorted by key. Every key is the id the engine gives:
//!
//! | of what | key |
//! | --- | --- |
//! | the platform | `instance_id` of the engine; before it told one, the name of its machine |
//! | a host, a guest, a template, a cluster, a storage domain | its `id` |
//!
//! The id of a machine is the UUID it finds in its own SMBIOS.
//!
//! Numbers and yes come as texts (`"4"`, `"true"`) or as themselves: both are taken. A word nobody knows is no word, never a
//! guess. Never kept: descriptions, comments, what cloud-init is given, custom properties but the one that names a part of a
//! graphics card, and names and passwords of storage servers.
//!
//! Shapes are those of the maker's own description (github.com/oVirt/ovirt-engine-api-model) and of the engine that follows
//! it (github.com/oVirt/ovirt-engine). **Never run against a real engine.**

mod answer;
mod disk;
mod host;
mod machine;
mod network;
mod question;
mod reader;
mod rules;
mod storage;
#[cfg(test)]
mod tests;

pub use answer::{Page, Unread};
pub use question::{List, PAGE, Question};
pub use reader::Reader;
