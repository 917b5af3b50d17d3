//! What devices tell of themselves by SNMP: a copier takes no agent, but it knows who made it, what it can, and whom it talks to.
//!
//! **What it sees.** One source, `network.snmp`. For each machine that answers: class, maker, model, serial number, version, name
//! and place (system group, HOST-RESOURCES-MIB, Printer-MIB, the IEEE 1284 identity, UPS-MIB, ENTITY-MIB, objects of makers that
//! knowledge lists); its own table of TCP connections, in which a row to port 25 of the mail server proves a need that nobody
//! listed, and its listening ports; and who is plugged in where (LLDP, CDP, forwarding tables with VLANs, address tables).
//!
//! **How it asks.** Get, get-next and get-bulk of versions 1, 2c and 3, over a socket of ours: one question at a time to a device,
//! each granted by the manners ([`groma_source::manners`]), twice at most. Until it is known what a device is, and to printers,
//! power supplies and whoever stays unknown, two a second. There is no question that changes anything: [`message::Ask`] has three
//! kinds, and a test reads the files of this crate for the tag of a fourth.
//!
//! **As whom.** As the `[[snmp]]` tables of the access file say, each for its own range; as `public` only where that was asked for.
//! No community is guessed. Communities, passwords and keys have no type that leaves, and are overwritten when they are let go.
//!
//! **Which rights it needs.** None here; at the device, to read.
//!
//! **What it costs.** About 30 datagrams a device, one for 25 rows of a switch's tables, at most three minutes; four for each table
//! of the access file that covers a device which does not answer.
//!
//! Agents are written for devices with little of everything, and some lie: a walk ends where names do not grow, where a table
//! is longer than a look takes, and where a device falls silent, and says so; what came before is kept.
//!
//! Not read: sysContact (a person), UDP tables, storage, processes, installed software, settings of mail and address books
//! (they need the device's own log-on).
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
mod connections;
mod identity;
pub mod keys;
mod links;
mod look;
pub mod message;
pub mod oid;
mod reader;
mod secret;
mod session;
pub mod usm;
mod walk;
mod words;

pub use access::{Access, AccessError};
pub use look::{DATAGRAMS_ANSWERED, DATAGRAMS_SILENT, NAME, SnmpSource};
pub use secret::Secret;
