//! The thin shell over the disk: everything counted against the budget, with pauses for the host's own work.

use std::path::Path;
use std::time::Duration;

use groma_model::Reason;
use groma_source::{Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Window};

/// Entries of one directory that are looked at: a mailbox of a quarter of a million messages.
pub(crate) const DIRECTORY_ENTRIES_MAX: usize = 262_144;

/// After this much work the look pauses for a fifth of it, so that the host's own reads come first.
const WORK: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(10);

/// Reads for one source until its budget or its time is used up.
pub(crate) struct Reading<'a> {
    disk: &'a dyn Disk,
    window: &'a Window,
    file_bytes_max: u64,
    bytes_left: u64,
    entries_left: u64,
    ends: Duration,
    paused: Duration,
}

impl<'a> Reading<'a> {
    /// Reads for at most `time`, and never for more than half of what is left of the window: others look too.
    pub(crate) fn begin(
        disk: &'a dyn Disk,
        window: &'a Window,
        budget: &Budget,
        time: Duration,
    ) -> Self {
        let now = window.monotonic();
        Self {
            disk,
            window,
            file_bytes_max: budget.file_bytes_max,
            bytes_left: budget.total_bytes_max,
            entries_left: budget.entries_max,
            ends: now.saturating_add(time.min(window.remaining() / 2)),
            paused: now,
        }
    }

    /// True once nothing more may be read.
    pub(crate) fn is_spent(&self) -> bool {
        self.window.is_over()
            || self.window.monotonic() >= self.ends
            || self.bytes_left == 0
            || self.entries_left == 0
    }

    /// Seconds since 1970 when the look began.
    pub(crate) fn today(&self) -> i64 {
        self.window.started().millis().div_euclid(1000)
    }

    fn allow(&mut self, path: &Path) -> Result<(), DiskError> {
        if self.window.monotonic().saturating_sub(self.paused) >= WORK {
            self.window.sleep(PAUSE);
            self.paused = self.window.monotonic();
        }
        match self.is_spent() {
            true => Err(DiskError::because(path, Reason::BudgetExhausted)),
            false => Ok(()),
        }
    }

    /// A whole file.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Vec<u8>, DiskError> {
        self.read_whole(path, u64::MAX).map(|read| read.bytes)
    }

    /// A whole file of at most `bytes_max`, with where it really stands and whose it is.
    pub(crate) fn read_whole(
        &mut self,
        path: &Path,
        bytes_max: u64,
    ) -> Result<FileRead, DiskError> {
        self.allow(path)?;
        let limit = self.file_bytes_max.min(self.bytes_left).min(bytes_max);
        let read = self.disk.read(path, limit)?;
        self.spend(read.bytes.len());
        Ok(read)
    }

    /// A whole file, or `None` where nothing stands.
    pub(crate) fn read_if_there(
        &mut self,
        path: impl AsRef<Path>,
    ) -> Result<Option<Vec<u8>>, DiskError> {
        match self.read(path.as_ref()) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
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

    /// What stands at a path.
    pub(crate) fn metadata(&mut self, path: &Path) -> Result<Metadata, DiskError> {
        self.allow(path)?;
        self.disk.metadata(path)
    }

    /// A file to be read in parts; what is read of it is told to [`Self::spend`].
    pub(crate) fn open(&mut self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.allow(path)?;
        self.disk.open(path)
    }

    /// Counts bytes that were read.
    pub(crate) fn spend(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }

    /// The disk itself, for what is neither counted nor bounded.
    pub(crate) fn disk(&self) -> &'a dyn Disk {
        self.disk
    }
}

/// Up to `length` bytes from `offset`; fewer at the end of the file.
pub(crate) fn piece(file: &dyn OpenFile, offset: u64, length: usize) -> Result<Vec<u8>, DiskError> {
    let mut bytes = vec![0; length];
    let many = file.read_at(offset, &mut bytes)?;
    bytes.truncate(many);
    Ok(bytes)
}
