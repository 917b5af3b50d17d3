//! A disk that knows what is being waited for, so that a child that hangs can say where.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use groma_source::{
    Clock, Disk, DiskError, Entry, FileMet, FileRead, Listed, Metadata, OpenFile, Space,
};

/// What each thread waits for, and since when.
#[derive(Default)]
struct Waits(Mutex<HashMap<ThreadId, (Duration, PathBuf)>>);

/// Passes everything on to another disk, and remembers it while it lasts.
#[derive(Clone)]
pub(crate) struct WatchedDisk {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    waits: Arc<Waits>,
    /// Where its paths begin, for somebody outside.
    root: PathBuf,
}

impl WatchedDisk {
    pub(crate) fn new(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>) -> Self {
        Self {
            disk,
            clock,
            waits: Arc::default(),
            root: PathBuf::from("/"),
        }
    }

    /// The path somebody has waited for longer than `limit`, the oldest wait first.
    pub(crate) fn stuck(&self, limit: Duration) -> Option<PathBuf> {
        let now = self.clock.monotonic();
        let waits = self.waits.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = waits.values().min_by_key(|(since, _)| *since);
        oldest
            .filter(|(since, _)| now.saturating_sub(*since) > limit)
            .map(|(_, path)| path.clone())
    }

    /// The clock waits are told by.
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// True if anybody waits for a file now.
    pub(crate) fn is_waiting(&self) -> bool {
        let waits = self.waits.0.lock().unwrap_or_else(PoisonError::into_inner);
        !waits.is_empty()
    }

    fn waiting<T>(&self, path: &Path, act: impl FnOnce() -> T) -> T {
        let thread = std::thread::current().id();
        let inside = path.strip_prefix("/").unwrap_or(path);
        let wait = (self.clock.monotonic(), self.root.join(inside));
        let lock = || self.waits.0.lock().unwrap_or_else(PoisonError::into_inner);
        lock().insert(thread, wait);
        let done = act();
        lock().remove(&thread);
        done
    }
}

impl Disk for WatchedDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.waiting(path, || self.disk.read(path, limit))
    }
    fn read_into(
        &self,
        path: &Path,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<FileMet, DiskError> {
        self.waiting(path, || self.disk.read_into(path, limit, buffer))
    }
    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        self.waiting(path, || self.disk.list_stamped(path, limit))
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        let file = self.waiting(path, || self.disk.open(path))?;
        Ok(Box::new(WatchedFile {
            file,
            path: path.to_owned(),
            disk: self.clone(),
        }))
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.waiting(path, || self.disk.list(path, limit))
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.waiting(path, || self.disk.metadata(path))
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.waiting(path, || self.disk.read_link(path))
    }
    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        self.waiting(path, || self.disk.attribute(path, name))
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.waiting(path, || self.disk.space(path))
    }
    fn within(&self, root: &Path) -> Result<Arc<dyn Disk>, DiskError> {
        let disk = self.waiting(root, || self.disk.within(root))?;
        Ok(Arc::new(Self {
            disk,
            root: root.to_owned(),
            ..self.clone()
        }))
    }
}

struct WatchedFile {
    file: Box<dyn OpenFile>,
    path: PathBuf,
    disk: WatchedDisk,
}

impl OpenFile for WatchedFile {
    fn metadata(&self) -> &Metadata {
        self.file.metadata()
    }
    fn settled(&self) -> Option<&Path> {
        self.file.settled()
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        self.disk
            .waiting(&self.path, || self.file.read_at(offset, into))
    }
}
