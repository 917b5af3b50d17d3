//! XCP-ng and XenServer: the records of XAPI, as its JSON-RPC interface tells them.
//!
//! A [`Class`] knows which call tells its records and which fields of them are kept; [`records`] reads an answer piece by piece,
//! and the [`Reader`] takes the records in the order of [`Class::ALL`]. [`Reader::finish`] makes facts of them, sorted by key.
//! Within one look records point to each other by opaque references; a fact is told by what stays:
//!
//! | of what | key |
//! | --- | --- |
//! | the platform | the UUID of the pool; a lone host is a pool of one |
//! | the cluster | the UUID of the pool |
//! | a host, a guest, a storage repository | its UUID |
//!
//! Schedules by which snapshots are taken (VMSS) are not told: a snapshot lies where its disk lies, and is no backup.
//!
//! Snapshots are records of virtual machines too; they are told with the guest they are of. Control domains and the templates
//! every installation has are left out.
//!
//! Never kept: descriptions, notes, variables of firmware, what is handed to a guest (`xenstore_data`), users and passwords of
//! storages. What a record holds beyond the fields named in [`Class::fields`] is not even taken into memory.
//!
//! Field names are those of the maker's own description (github.com/xapi-project/xen-api, `ocaml/idl/datamodel*.ml`), settings of
//! storages those of its drivers (github.com/xapi-project/sm). **Never run against a real XCP-ng or XenServer.**

mod answer;
mod card;
mod class;
mod device;
mod disk;
mod guest;
mod host;
mod inside;
mod network;
mod pool;
mod reader;
mod small;
mod storage;
mod table;
#[cfg(test)]
mod tests;

pub use answer::{Fault, Unread, opened, record, records, references};
pub use class::Class;
pub use reader::Reader;
