//! The thin shell over the disk: every file once, everything counted against the budget.

use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{
    Budget, Disk, DiskError, Entry, EntryKind, FileRead, Metadata, OpenFile, Window,
};

/// Links followed before a path counts as a circle.
const LINKS_MAX: u32 = 8;

/// Entries of one directory that are looked at.
const DIRECTORY_ENTRIES_MAX: usize = 65_536;

/// Reads files for one source until its budget or its time is used up.
pub(crate) struct Reader<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    file_bytes_max: u64,
    bytes_left: u64,
    entries_left: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, window: &'a Window, budget: &Budget) -> Self {
        Self {
            disk,
            window,
            file_bytes_max: budget.file_bytes_max,
            bytes_left: budget.total_bytes_max,
            entries_left: budget.entries_max,
        }
    }

    /// True once nothing more may be read.
    pub(crate) fn is_spent(&self) -> bool {
        self.window.is_over() || self.bytes_left == 0 || self.entries_left == 0
    }

    fn allow(&self, path: &Path) -> Result<(), DiskError> {
        match self.is_spent() {
            true => Err(DiskError::because(path, Reason::BudgetExhausted)),
            false => Ok(()),
        }
    }

    /// A whole file.
    pub(crate) fn read(&mut self, path: &Path) -> Result<FileRead, DiskError> {
        self.allow(path)?;
        let read = self
            .disk
            .read(path, self.file_bytes_max.min(self.bytes_left))?;
        self.spend(read.bytes.len());
        Ok(read)
    }

    /// A whole file, or `None` where nothing stands.
    pub(crate) fn read_if_there(&mut self, path: &str) -> Result<Option<Vec<u8>>, DiskError> {
        match self.read(Path::new(path)) {
            Ok(read) => Ok(Some(read.bytes)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A small text file without white space around it; `None` where it cannot be had for any reason.
    pub(crate) fn word(&mut self, path: &str) -> Option<String> {
        let bytes = self.read_if_there(path).ok()??;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The entries of a directory; an absent one is empty.
    pub(crate) fn list(&mut self, path: &Path) -> Result<Vec<Entry>, DiskError> {
        self.allow(path)?;
        let entries = match self.disk.list(path, DIRECTORY_ENTRIES_MAX) {
            Ok(entries) => entries,
            Err(error) if error.is_absent() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let many = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        self.entries_left = self.entries_left.saturating_sub(many);
        Ok(entries)
    }

    /// A file to be read in parts.
    pub(crate) fn open(&mut self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.allow(path)?;
        self.disk.open(path)
    }

    /// Counts bytes read through [`Self::open`].
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.bytes_left = self
            .bytes_left
            .saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Where a path ends after following links, and what stands there.
    pub(crate) fn settle(&self, path: &Path) -> Result<(PathBuf, Metadata), DiskError> {
        let mut at = path.to_owned();
        for _ in 0..LINKS_MAX {
            let metadata = self.disk.metadata(&at)?;
            if metadata.kind != EntryKind::Link {
                return Ok((at, metadata));
            }
            at = joined(&at, &self.disk.read_link(&at)?);
        }
        Err(DiskError::because(path, Reason::BrokenLink))
    }

    /// The disk itself, for what is neither counted nor bounded.
    pub(crate) fn disk(&self) -> &'a dyn Disk {
        self.disk
    }
}

/// What a link at `link` that says `to` means, by its letters.
pub(crate) fn joined(link: &Path, to: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in link
        .parent()
        .unwrap_or(Path::new("/"))
        .join(to)
        .components()
    {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The last part of a path, as bytes.
pub(crate) fn file_name(path: &Path) -> &[u8] {
    path.file_name()
        .map_or(&[], std::ffi::OsStr::as_encoded_bytes)
}
