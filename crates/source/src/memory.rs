//! What a source may keep from one look to the next.

use std::path::PathBuf;

use groma_model::SourceName;
use serde::{Deserialize, Serialize};

use crate::{Disk, EntryKind};

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

/// Why nothing kept can be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// There is none, or it is of another program, machine or time.
    Nothing,
    /// Somebody else could have written it.
    NotOurs,
}

impl Memory {
    /// The file of `source`, beside the others': called after the last part of its name.
    #[must_use]
    pub fn of(&self, source: &SourceName) -> Self {
        let name = source.as_str();
        let last = name.rsplit('.').next().unwrap_or(name);
        Self {
            path: self.path.with_file_name(format!("{last}.memory")),
            ..self.clone()
        }
    }

    /// What the file holds, at most `bytes_max`.
    ///
    /// # Errors
    /// There is no such file, or it is not this account's alone.
    pub fn read(&self, disk: &dyn Disk, bytes_max: u64) -> Result<Vec<u8>, Doubt> {
        match disk.metadata(&self.path) {
            Ok(metadata) if metadata.kind != EntryKind::File => return Err(Doubt::NotOurs),
            Ok(_) => {}
            Err(_) => return Err(Doubt::Nothing),
        }
        let read = disk.read(&self.path, bytes_max);
        let read = read.map_err(|_| Doubt::Nothing)?;
        let shared = read.metadata.mode.is_some_and(|mode| mode & 0o077 != 0);
        if read.metadata.owner != self.owner || shared {
            return Err(Doubt::NotOurs);
        }
        Ok(read.bytes)
    }
}
