//! Files of this machine, opened so that nothing planted among them can hurt anybody.
//!
//! A path is first held by a descriptor that touches nothing (`O_PATH`), with no link on the way followed
//! blindly ([`crate::path`]) and no mount of another machine crossed ([`crate::mounts`]). What is held is then
//! examined, and only a regular file is opened, through that descriptor, non-blocking and without changing its
//! access time. A FIFO with a waiting writer (a make jobserver, say) is therefore never disturbed, and a rename
//! between the steps changes nothing: what was examined is what is opened.

use std::cmp::Ordering;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use groma_model::Reason;
use groma_source::{
    Disk, DiskError, Entry, EntryKind, FileMet, FileRead, Listed, Metadata, OpenFile, Space, Stamp,
};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;

use crate::mounts::{Class, MountTable, is_drained_by_reading};
use crate::path::{Found, Last, Map, Root, find};
use crate::silent::Silent;

/// XATTR_SIZE_MAX of the kernel (xattr(7)).
const ATTRIBUTE_BYTES_MAX: usize = 65_536;
/// Bytes in which the kernel tells entries of a directory; the C library asks for as many.
const LISTED_AT_ONCE: usize = 32 << 10;

/// The file systems of this machine, without the ones that lie on another.
#[derive(Clone, Debug)]
pub struct LocalDisk {
    /// The kernel's mount table, open: it tells when it changed (proc(5), `mounts`).
    table: Option<Arc<File>>,
    mounts: Arc<RwLock<Arc<MountTable>>>,
    /// Where paths count from, if not from our own root.
    root: Option<Arc<Root>>,
    /// Where nobody goes any more.
    silent: Arc<Silent>,
}

impl LocalDisk {
    /// Reads the mount table, to know what must not be touched; and again whenever it changes.
    pub fn of_this_machine() -> Self {
        let disk = Self {
            table: File::open("/proc/self/mountinfo").ok().map(Arc::new),
            mounts: Arc::default(),
            root: None,
            silent: Arc::default(),
        };
        disk.read_mounts();
        disk
    }

    /// The same disk without what lies at and below `places`: they did not answer somebody, and whoever wants to go
    /// there is told so at once ([`Reason::TimedOut`]).
    #[must_use]
    pub fn passing_over(self, places: Vec<PathBuf>) -> Self {
        Self {
            silent: Arc::new(Silent::of(places)),
            ..self
        }
    }

    /// True if somebody wanted to go to a place that is passed over, since [`Self::take_passed_over`] told them.
    pub fn has_passed_over(&self) -> bool {
        self.silent.is_met()
    }

    /// The places somebody wanted to go to and that were passed over, since this was asked for the last time.
    pub fn take_passed_over(&self) -> Vec<PathBuf> {
        self.silent.take_met()
    }

    /// The file system at fault when `path` does not answer, by where it is mounted; where it is the one that holds
    /// the whole machine, the path alone. To find that out, the way is gone again, by a thread that is left behind
    /// if it does not come back within `patience`.
    pub fn place_of(&self, path: &Path, patience: Duration) -> PathBuf {
        let (tell, heard) = std::sync::mpsc::channel();
        let (disk, way) = (self.clone(), path.to_owned());
        let thread = std::thread::Builder::new().name("groma-way".to_owned());
        let started = thread.spawn(move || {
            let step = |place: PathBuf| {
                // Nobody may be listening any more.
                let _ = tell.send(place);
            };
            let map = Map {
                mounts: &disk.mounts(),
                root: disk.root.as_deref(),
                silent: &disk.silent,
                steps: Some(&step),
            };
            let _ = find(&way, Last::Follow, map);
        });
        let mut place = path.to_owned();
        let begin = Instant::now();
        while started.is_ok()
            && let Ok(next) = heard.recv_timeout(patience.saturating_sub(begin.elapsed()))
        {
            place = next;
        }
        place
    }

    fn read_mounts(&self) {
        let Some(table) = &self.table else { return };
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        while let Ok(many @ 1..) =
            table.read_at(&mut chunk, bytes.len().try_into().unwrap_or(u64::MAX))
        {
            bytes.extend_from_slice(chunk.get(..many).unwrap_or_default());
        }
        let fresh = Arc::new(MountTable::parse(&bytes));
        *self.mounts.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// The mounts as they are now. Asking whether they changed costs one system call that looks at nothing.
    fn mounts(&self) -> Arc<MountTable> {
        if let Some(table) = &self.table {
            let mut asked = [PollFd::new(table.as_ref(), PollFlags::PRI)];
            let at_once = Timespec::default();
            if rustix::event::poll(&mut asked, Some(&at_once)).is_ok_and(|changed| changed > 0) {
                self.read_mounts();
            }
        }
        self.mounts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn find(&self, path: &Path, last: Last) -> Result<Found, DiskError> {
        let map = Map {
            mounts: &self.mounts(),
            root: self.root.as_deref(),
            silent: &self.silent,
            steps: None,
        };
        let found = find(path, last, map)?;
        match found.class {
            Class::Instruments => Err(DiskError::because(path, Reason::NotARegularFile)),
            _ => Ok(found),
        }
    }

    /// Where `path` stands for the mount table.
    fn stands(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.stands(path),
            None => path.to_owned(),
        }
    }

    fn regular(&self, path: &Path) -> Result<(File, Metadata, PathBuf), DiskError> {
        let found = self.find(path, Last::Follow)?;
        let (file, metadata) = open_found(path, &found)?;
        Ok((file, metadata, found.path))
    }
}

impl Disk for LocalDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let (file, metadata, settled) = self.regular(path)?;
        // A sparse file of a terabyte is refused by what it claims; /proc claims 0 and is cut by what it gives.
        if metadata.bytes > limit {
            return Err(DiskError::because(path, Reason::TooLarge));
        }
        let mut bytes =
            Vec::with_capacity(usize::try_from(metadata.bytes).unwrap_or(0).min(1 << 20));
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| DiskError::of_io(path, e))?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
            return Err(DiskError::because(path, Reason::TooLarge));
        }
        Ok(FileRead {
            path: settled,
            bytes,
            metadata,
        })
    }

    fn read_into(
        &self,
        path: &Path,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<FileMet, DiskError> {
        buffer.clear();
        let found = self.find(path, Last::Follow)?;
        let (file, metadata) = open_found(path, &found)?;
        if metadata.bytes > limit {
            return Err(DiskError::because(path, Reason::TooLarge));
        }
        fill(&file, metadata.bytes, limit, buffer).map_err(|e| DiskError::of_io(path, e.into()))?;
        if u64::try_from(buffer.len()).unwrap_or(u64::MAX) > limit {
            return Err(DiskError::because(path, Reason::TooLarge));
        }
        Ok(FileMet {
            metadata,
            stamp: Some(stamp(&found.stat)),
            path: found.path,
        })
    }

    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        let found = self.find(path, Last::Follow)?;
        let mounts = self.mounts();
        // A file that another machine answers for may be mounted over one of ours.
        let are_mounts_near = mounts.are_in(&self.stands(path));
        let here = match &self.root {
            Some(root) => root.ours(&found.path),
            None => found.path.clone(),
        };
        let stamped = |entry: Entry, name: &CStr| {
            let is_ours = !are_mounts_near || !mounts.is_remote(&self.stands(&entry.path));
            let answers = || {
                self.silent.is_empty()
                    || !self
                        .silent
                        .refuses(&here.join(OsStr::from_bytes(name.to_bytes())))
            };
            let is_asked = entry.kind == EntryKind::File && is_ours && answers();
            let stamp = is_asked.then(|| stamp_of(&found.held, name)).flatten();
            (entry, stamp)
        };
        let mut entries = listed(path, &found, limit, stamped)?;
        entries.sort_unstable_by(|(a, _), (b, _)| by_letters(a, b));
        let identity = (found.stat.st_dev, found.stat.st_ino);
        Ok(Listed { identity, entries })
    }

    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        let (file, metadata, settled) = self.regular(path)?;
        Ok(Box::new(Opened {
            path: path.to_owned(),
            settled,
            file,
            metadata,
        }))
    }

    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let found = self.find(path, Last::Follow)?;
        let mut entries = listed(path, &found, limit, |entry, _| entry)?;
        entries.sort_unstable_by(by_letters);
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        Ok(metadata(&self.find(path, Last::Keep)?.stat))
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let found = self.find(path, Last::Keep)?;
        let mut bytes = vec![0; ATTRIBUTE_BYTES_MAX];
        match rustix::fs::getxattr(through(&found.held), name, &mut bytes) {
            Ok(length) => {
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(Errno::RANGE) => Err(DiskError::because(path, Reason::TooLarge)),
            Err(error) => Err(DiskError::of_io(path, error.into())),
        }
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        let found = self.find(path, Last::Keep)?;
        let to = rustix::fs::readlinkat(&found.held, c"", Vec::new()).map_err(|e| match e {
            // By descriptor the kernel says "nothing there" of what is no link; by name, "no link".
            Errno::NOENT => DiskError::of_io(path, io::ErrorKind::InvalidInput.into()),
            other => DiskError::of_io(path, other.into()),
        })?;
        Ok(PathBuf::from(OsString::from_vec(to.into_bytes())))
    }

    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        let found = self.find(path, Last::Follow)?;
        let stat =
            rustix::fs::fstatvfs(&found.held).map_err(|e| DiskError::of_io(path, e.into()))?;
        Ok(Space {
            bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }

    fn within(&self, root: &Path) -> Result<Arc<dyn Disk>, DiskError> {
        let found = self.find(root, Last::Follow)?;
        if metadata(&found.stat).kind != EntryKind::Directory || self.root.is_some() {
            return Err(DiskError::because(root, Reason::Unsupported));
        }
        Ok(Arc::new(Self {
            root: Some(Arc::new(Root::of(found))),
            ..self.clone()
        }))
    }
}

/// A regular file of this machine, open.
struct Opened {
    path: PathBuf,
    settled: PathBuf,
    file: File,
    metadata: Metadata,
}

impl OpenFile for Opened {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn settled(&self) -> Option<&Path> {
        Some(&self.settled)
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            match self.file.read_at(rest, at) {
                Ok(0) => break,
                Ok(many) => done += many,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DiskError::of_io(&self.path, error)),
            }
        }
        Ok(done)
    }
}

fn open_found(path: &Path, found: &Found) -> Result<(File, Metadata), DiskError> {
    let metadata = metadata(&found.stat);
    if metadata.kind != EntryKind::File || is_drained(found) {
        return Err(DiskError::because(path, Reason::NotARegularFile));
    }
    let opened = reopen(&found.held, OFlags::empty()).map_err(|e| DiskError::of_io(path, e))?;
    Ok((File::from(opened), metadata))
}

/// The entries of a directory that is held, in the order of the file system, each as `made` of it and its name.
fn listed<T>(
    path: &Path,
    found: &Found,
    limit: usize,
    made: impl Fn(Entry, &CStr) -> T,
) -> Result<Vec<T>, DiskError> {
    let fail = |e: io::Error| DiskError::of_io(path, e);
    let opened = reopen(&found.held, OFlags::DIRECTORY).map_err(fail)?;
    let mut entries = Vec::new();
    let mut buffer = [MaybeUninit::uninit(); LISTED_AT_ONCE];
    let mut told = RawDir::new(opened, &mut buffer);
    while let Some(entry) = told.next() {
        let entry = entry.map_err(|e| fail(e.into()))?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        if entries.len() >= limit {
            break;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => kind_of(&found.held, name),
            known => kind(known),
        };
        let path = joined(path, OsStr::from_bytes(name));
        entries.push(made(Entry { path, kind }, entry.file_name()));
    }
    Ok(entries)
}

/// All of them stand in one directory: their letters are their order.
fn by_letters(a: &Entry, b: &Entry) -> Ordering {
    a.path.as_os_str().cmp(b.path.as_os_str())
}

/// The stamp of a regular file of a directory that is held.
fn stamp_of(directory: &OwnedFd, name: &CStr) -> Option<Stamp> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_regular.then(|| stamp(&stat))
}

/// As [`Path::join`], in one piece of memory.
fn joined(directory: &Path, name: &OsStr) -> PathBuf {
    let mut path = PathBuf::with_capacity(directory.as_os_str().len() + 1 + name.len());
    path.push(directory);
    path.push(name);
    path
}

/// Reads to the end, or one byte past `limit`. A file that gives just what it claims is not asked twice.
fn fill(file: &File, claimed: u64, limit: u64, buffer: &mut Vec<u8>) -> rustix::io::Result<()> {
    let claimed = usize::try_from(claimed).unwrap_or(usize::MAX);
    let most = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX);
    loop {
        let want = claimed.saturating_add(1).saturating_sub(buffer.len());
        buffer.reserve(want.max(4096));
        match rustix::io::read(file, rustix::buffer::spare_capacity(buffer)) {
            Ok(0) => return Ok(()),
            Ok(_) if buffer.len() == claimed || buffer.len() >= most => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_drained(found: &Found) -> bool {
    let name = found.path.file_name().unwrap_or_default();
    found.class == Class::Processes && is_drained_by_reading(name.as_bytes())
}

/// Opens what a descriptor that touched nothing stands for. Without changing the access time, which the
/// kernel refuses for files of others to anybody but root: then the reader's mount options decide.
fn reopen(held: &OwnedFd, more: OFlags) -> io::Result<OwnedFd> {
    let through = through(held);
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
    match rustix::fs::open(&through, flags | OFlags::NOATIME, Mode::empty()) {
        Err(Errno::PERM) => rustix::fs::open(&through, flags, Mode::empty()),
        other => other,
    }
    .map_err(io::Error::from)
}

/// A path to what a descriptor stands for, wherever that is by now.
fn through(held: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", held.as_raw_fd())
}

/// For file systems whose directories do not tell the kind of an entry.
fn kind_of(directory: &OwnedFd, name: &[u8]) -> EntryKind {
    rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_or(EntryKind::Special, |stat| metadata(&stat).kind)
}

fn kind(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Special,
    }
}

fn stamp(stat: &Stat) -> Stamp {
    let nanoseconds = |seconds: i64, rest: u64| {
        let rest = i64::try_from(rest).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    };
    Stamp {
        identity: (stat.st_dev, stat.st_ino),
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        modified: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        changed: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
    }
}

fn metadata(stat: &Stat) -> Metadata {
    Metadata {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        owner: Some(stat.st_uid),
        group: Some(stat.st_gid),
        mode: Some(stat.st_mode & 0o7777),
        modified: stat.st_mtime,
        identity: (stat.st_dev, stat.st_ino),
    }
}
