//! A made-up world for tests: files out of a map, a clock that moves when told, no network.
//!
//! It is compiled always, because every source's tests use it; it costs a few hundred lines and
//! pulls in nothing.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use groma_model::{Reason, Timestamp};

use crate::disk::{Disk, DiskError, Entry, EntryKind, FileRead, Metadata, OpenFile, Space};
use crate::{Clock, Network, Randomness, Stop, Stream, Window, World};

/// A clock that stands still until somebody sleeps on it.
#[derive(Debug)]
pub struct FakeClock {
    start: Timestamp,
    passed_ms: AtomicU64,
}

impl FakeClock {
    /// A clock that begins at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self {
            start,
            passed_ms: AtomicU64::new(0),
        }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.start.plus(self.monotonic())
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed_ms.load(Ordering::Relaxed))
    }
    fn sleep(&self, length: Duration) {
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
        self.passed_ms.fetch_add(millis, Ordering::Relaxed);
    }
}

#[derive(Clone)]
enum Node {
    File(Vec<u8>),
    Link(PathBuf),
    Special,
    Refused(Reason),
}

/// A disk out of a map from absolute paths.
#[derive(Default)]
pub struct FakeDisk {
    nodes: Mutex<BTreeMap<PathBuf, Node>>,
    rights: BTreeMap<PathBuf, Rights>,
}

/// What a test says of who may do what at a path.
#[derive(Clone)]
struct Rights {
    mode: u32,
    owner: u32,
    group: u32,
    attributes: BTreeMap<String, Vec<u8>>,
}

impl FakeDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn put(self, path: &str, node: Node) -> Self {
        self.nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.into(), node);
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.put(path, Node::File(content.into()))
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(self, path: &str, to: &str) -> Self {
        self.put(path, Node::Link(to.into()))
    }

    /// Adds a FIFO, socket or device.
    #[must_use]
    pub fn special(self, path: &str) -> Self {
        self.put(path, Node::Special)
    }

    /// Adds a file that cannot be read.
    #[must_use]
    pub fn refused(self, path: &str, reason: Reason) -> Self {
        self.put(path, Node::Refused(reason))
    }

    /// Sets mode, owner and group of what stands at `path`, a directory as well.
    #[must_use]
    pub fn owned(mut self, path: &str, mode: u32, owner: u32, group: u32) -> Self {
        let attributes = BTreeMap::new();
        let rights = Rights {
            mode,
            owner,
            group,
            attributes,
        };
        self.rights.insert(path.into(), rights);
        self
    }

    /// Adds an extended attribute to a path that [`FakeDisk::owned`] was told of.
    #[must_use]
    pub fn attributed(mut self, path: &str, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        if let Some(rights) = self.rights.get_mut(Path::new(path)) {
            rights.attributes.insert(name.to_owned(), bytes.into());
        }
        self
    }

    /// What stands at a path, with the rights a test gave it.
    fn told(&self, path: &Path, plain: Metadata) -> Metadata {
        match self.rights.get(path) {
            Some(rights) => Metadata {
                mode: Some(rights.mode),
                owner: Some(rights.owner),
                group: Some(rights.group),
                ..plain
            },
            None => plain,
        }
    }

    /// Removes whatever stands at `path`.
    pub fn remove(&self, path: &str) {
        self.nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(Path::new(path));
    }

    fn follow(&self, path: &Path, depth: u32) -> Result<(PathBuf, Vec<u8>), DiskError> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match nodes.get(path) {
            Some(Node::File(bytes)) => return Ok((path.to_owned(), bytes.clone())),
            Some(Node::Special) => return Err(DiskError::because(path, Reason::NotARegularFile)),
            Some(Node::Refused(reason)) => return Err(DiskError::because(path, reason.clone())),
            Some(Node::Link(to)) if depth < 16 => path.parent().unwrap_or(Path::new("/")).join(to),
            Some(Node::Link(_)) => return Err(DiskError::because(path, Reason::BrokenLink)),
            None => return Err(DiskError::of_io(path, io::ErrorKind::NotFound.into())),
        };
        drop(nodes);
        self.follow(&next, depth + 1)
            .map_err(|e| match e.is_absent() {
                true => DiskError::because(path, Reason::BrokenLink),
                false => e,
            })
    }
}

impl Disk for FakeDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let (path, bytes) = self.follow(path, 0)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > limit {
            return Err(DiskError::because(&path, Reason::TooLarge));
        }
        Ok(FileRead {
            metadata: metadata(EntryKind::File, length),
            path,
            bytes,
        })
    }

    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.read(path, u64::MAX)
            .map(|read| Box::new(Opened(read)) as Box<dyn OpenFile>)
    }

    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: BTreeMap<PathBuf, EntryKind> = BTreeMap::new();
        for (at, node) in nodes.iter() {
            let Ok(rest) = at.strip_prefix(path) else {
                continue;
            };
            let mut parts = rest.components();
            let Some(first) = parts.next() else { continue };
            let kind = match (parts.next(), node) {
                (Some(_), _) => EntryKind::Directory,
                (None, Node::Link(_)) => EntryKind::Link,
                (None, Node::Special) => EntryKind::Special,
                (None, _) => EntryKind::File,
            };
            found.insert(path.join(first), kind);
        }
        if found.is_empty() {
            return Err(DiskError::of_io(path, io::ErrorKind::NotFound.into()));
        }
        Ok(found
            .into_iter()
            .take(limit)
            .map(|(path, kind)| Entry { path, kind })
            .collect())
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let plain = match nodes.get(path) {
            Some(Node::File(bytes)) => {
                metadata(EntryKind::File, u64::try_from(bytes.len()).unwrap_or(0))
            }
            Some(Node::Link(_)) => metadata(EntryKind::Link, 0),
            Some(Node::Special) => metadata(EntryKind::Special, 0),
            Some(Node::Refused(_)) => metadata(EntryKind::File, 0),
            None if nodes.keys().any(|k| k.starts_with(path)) => Metadata {
                mode: Some(0o755),
                ..metadata(EntryKind::Directory, 0)
            },
            None => return Err(DiskError::of_io(path, io::ErrorKind::NotFound.into())),
        };
        Ok(self.told(path, plain))
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let rights = self.rights.get(path);
        Ok(rights.and_then(|rights| rights.attributes.get(name).cloned()))
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        match nodes.get(path) {
            Some(Node::Link(to)) => Ok(to.clone()),
            _ => Err(DiskError::of_io(path, io::ErrorKind::InvalidInput.into())),
        }
    }

    fn within(&self, root: &Path) -> Result<Arc<dyn Disk>, DiskError> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = nodes.iter().filter_map(|(path, node)| {
            let rest = path.strip_prefix(root).ok()?;
            Some((Path::new("/").join(rest), node.clone()))
        });
        let nodes = Mutex::new(inside.collect());
        Ok(Arc::new(Self {
            nodes,
            rights: BTreeMap::new(),
        }))
    }

    fn space(&self, _: &Path) -> Result<Space, DiskError> {
        Ok(Space {
            bytes: 100 << 30,
            free_bytes: 40 << 30,
        })
    }
}

/// A file of a made-up disk, open.
struct Opened(FileRead);

impl OpenFile for Opened {
    fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }
    fn settled(&self) -> Option<&Path> {
        Some(&self.0.path)
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|at| self.0.bytes.get(at..))
            .unwrap_or_default();
        let many = rest.len().min(into.len());
        into[..many].copy_from_slice(&rest[..many]);
        Ok(many)
    }
}

fn metadata(kind: EntryKind, bytes: u64) -> Metadata {
    Metadata {
        kind,
        bytes,
        owner: Some(0),
        group: Some(0),
        mode: Some(0o644),
        modified: 0,
        identity: (0, 0),
    }
}

/// A network on which nobody answers.
#[derive(Debug)]
pub struct NoNetwork;

impl Network for NoNetwork {
    fn open(&self, _: SocketAddr, _: Duration) -> io::Result<Box<dyn Stream>> {
        Err(io::ErrorKind::ConnectionRefused.into())
    }
    fn is_offline(&self) -> bool {
        true
    }
    fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback()
    }
}

/// Chance that repeats itself: a counter.
#[derive(Debug, Default)]
pub struct FakeRandomness(AtomicU64);

impl Randomness for FakeRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for (at, byte) in bytes.iter_mut().rev().enumerate() {
            *byte = n.get(7usize.wrapping_sub(at)).copied().unwrap_or(0);
        }
    }
}

/// A made-up machine with these files, at 2026-11-20 09:00 UTC.
pub fn world(disk: FakeDisk) -> World {
    World {
        clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_165_200))),
        disk: Arc::new(disk),
        network: Arc::new(NoNetwork),
        randomness: Arc::new(FakeRandomness::default()),
    }
}

/// A window of ten seconds on the world's clock.
pub fn window(world: &World) -> Window {
    Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::from_secs(1),
        Duration::from_secs(10),
    )
}
