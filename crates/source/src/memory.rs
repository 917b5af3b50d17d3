//! What a source may keep from one look to the next.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a source finds the lines it asked to keep ([`crate::Sink::keeps`]), and whose they must be.
///
/// A file that belongs to somebody else, or that others may write or read, is not believed. Nothing is lost with
/// it: a source that remembers nothing looks at everything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Memory {
    /// The file, read through [`crate::Disk`] like any other.
    pub path: PathBuf,
    /// Who must own it (uid); `None` where the platform has no owners.
    pub owner: Option<u32>,
    /// Which program kept it: another build knows other rules, and believes none of it.
    pub program: String,
}
