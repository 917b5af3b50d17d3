//! Reading files that strangers made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::{Foreign, Reason};

/// The only way a source touches files. An implementation keeps these promises for all of them:
///
/// - a FIFO, socket, device node or directory is never opened for reading ([`Reason::NotARegularFile`]);
/// - a path on a network, FUSE or autofs mount is refused before it is touched ([`Reason::RemoteFileSystem`]);
/// - at most `limit` bytes are read; a larger file is refused, not cut ([`Reason::TooLarge`]), whatever
///   size it claims (sparse files too);
/// - links are followed a bounded number of times ([`Reason::BrokenLink`]), one by one: none leads from storage to
///   the kernel's tables, none through a mount of another machine, and behind `/proc/PID/root` none out of it;
/// - the access time stays where the kernel allows.
pub trait Disk: Send + Sync {
    /// Reads a whole regular file of at most `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError>;

    /// As [`Disk::read`], into a buffer of the caller's, whose old content is replaced: who reads files by the
    /// thousand keeps one buffer, and the system gives no fresh memory for each.
    fn read_into(
        &self,
        path: &Path,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<FileMet, DiskError> {
        let read = self.read(path, limit)?;
        *buffer = read.bytes;
        Ok(FileMet {
            path: read.path,
            metadata: read.metadata,
            stamp: None,
        })
    }

    /// As [`Disk::list`], with the stamp of every regular file, where the system tells it without opening one.
    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        let identity = self.metadata(path)?.identity;
        let entries = self.list(path, limit)?;
        let entries = entries.into_iter().map(|entry| (entry, None)).collect();
        Ok(Listed { identity, entries })
    }

    /// Opens a regular file to read parts of it: a database too large to hold. The promises above hold,
    /// except the limit, which is the caller's to keep.
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        Err(DiskError::because(path, Reason::Unsupported))
    }

    /// The entries of a directory, sorted by name, at most `limit`; `.` and `..` left out.
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError>;

    /// What stands at `path`; a link itself, not what it leads to.
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError>;

    /// Where a link leads, one step, as written.
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError>;

    /// An extended attribute of what stands at `path` (never of what a link leads to), at most 64 KiB; `None`
    /// where it has none of that name or the file system knows no attributes. Refused for remote ones.
    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        let _ = (path, name);
        Ok(None)
    }

    /// Size and free bytes of the file system at `path`; refused for remote ones.
    fn space(&self, path: &Path) -> Result<Space, DiskError>;

    /// The directory `root` as a disk of its own: absolute paths and links begin there, and nothing leads out,
    /// whatever is renamed meanwhile. For files of somebody who may change them while they are read: a container.
    ///
    /// # Errors
    /// As [`Disk::list`]; `Unsupported` where an implementation cannot promise it.
    fn within(&self, root: &Path) -> Result<Arc<dyn Disk>, DiskError> {
        Err(DiskError::because(root, Reason::Unsupported))
    }
}

/// The name by which [`Disk::attribute`] tells, on Windows, that the system, its administrators and we alone may read or write.
pub const CLOSED: &str = "windows.closed";
/// The same: that the system and its administrators alone may write.
pub const STEADY: &str = "windows.steady";
/// The same: that the content of a file lies elsewhere.
pub const PLACEHOLDER: &str = "windows.placeholder";
/// The same: the SID of the owner.
pub const OWNER: &str = "windows.owner";

/// A directory that was listed with stamps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Device and inode of the directory itself; (0, 0) where the disk knows none.
    pub identity: (u64, u64),
    /// Its entries by name; a stamp for every regular file of this machine.
    pub entries: Vec<(Entry, Option<Stamp>)>,
}

/// A regular file, open for reading here and there.
pub trait OpenFile: Send {
    /// Its metadata when it was opened.
    fn metadata(&self) -> &Metadata;

    /// Its path without any link in it, where that is known.
    fn settled(&self) -> Option<&Path> {
        None
    }

    /// Fills `into` from `offset`; fewer bytes than asked mean the end of the file.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError>;
}

/// A file's bytes, and where they really stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRead {
    /// The path without any link in it.
    pub path: PathBuf,
    /// The content.
    pub bytes: Vec<u8>,
    /// Its metadata.
    pub metadata: Metadata,
}

/// A file that was read into a buffer: all of [`FileRead`] but the bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileMet {
    /// The path after following links at its end.
    pub path: PathBuf,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its stamp from before it was read, where the system has one.
    pub stamp: Option<Stamp>,
}

/// What a file system says of a file that nobody touched in between: while all of it stays, so did the bytes.
///
/// The time of the last write can be set back by anybody (`touch -d`), the time of the last change by nobody
/// short of the system's clock; both are needed, to the nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Device and inode.
    pub identity: (u64, u64),
    /// Size in bytes.
    pub bytes: u64,
    /// Last write of the content, in nanoseconds since 1970.
    pub modified: i64,
    /// Last change of content or metadata, in nanoseconds since 1970.
    pub changed: i64,
}

/// What stands at a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// What sort of thing.
    pub kind: EntryKind,
    /// Bytes it claims to have.
    pub bytes: u64,
    /// Owner (uid), where the platform has one.
    pub owner: Option<u32>,
    /// Group (gid), where the platform has one.
    pub group: Option<u32>,
    /// Permission bits, where the platform has them.
    pub mode: Option<u32>,
    /// Last change in seconds since 1970.
    pub modified: i64,
    /// A number that tells one file from another on this machine (device and inode).
    pub identity: (u64, u64),
}

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Full path.
    pub path: PathBuf,
    /// What sort of thing, as the directory says it.
    pub kind: EntryKind,
}

/// Sorts of things a directory may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything that must not be opened: FIFO, socket, device.
    Special,
}

/// Size of a file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// All bytes.
    pub bytes: u64,
    /// Bytes an ordinary user may still write.
    pub free_bytes: u64,
}

/// A path could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("look at {}: {reason}", path.display())]
pub struct DiskError {
    /// The path that was tried.
    pub path: PathBuf,
    /// Why not.
    pub reason: Reason,
    /// What the system said.
    #[source]
    pub source: Option<std::io::Error>,
}

impl DiskError {
    /// An error with a reason of our own.
    pub fn because(path: &Path, reason: Reason) -> Self {
        Self {
            path: path.to_owned(),
            reason,
            source: None,
        }
    }

    /// An error of the system.
    pub fn of_io(path: &Path, error: std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            reason: Reason::of_io(&error),
            source: Some(error),
        }
    }

    /// True if nothing stands there: most often no gap at all.
    pub fn is_absent(&self) -> bool {
        self.source
            .as_ref()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound)
            || matches!(&self.source, Some(e) if e.kind() == std::io::ErrorKind::NotADirectory)
    }
}

/// The path that foreign text names: its bytes on Unix; elsewhere what is no Unicode becomes U+FFFD, which no file is called.
pub fn path(text: &Foreign) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        PathBuf::from(std::ffi::OsStr::from_bytes(text.as_bytes()))
    }
    #[cfg(not(unix))]
    PathBuf::from(text.lossy().into_owned())
}

/// Drives of Windows that answer, as `C:\`. `A` and `B` are left alone: asking an empty floppy drive takes seconds.
pub fn drives(disk: &dyn Disk) -> Vec<PathBuf> {
    let mark = std::path::MAIN_SEPARATOR;
    let all = ('C'..='Z').map(|letter| PathBuf::from(format!("{letter}:{mark}")));
    let answers = |drive: &PathBuf| {
        let met = disk.metadata(drive);
        met.is_ok_and(|met| met.kind == EntryKind::Directory)
    };
    all.filter(answers).collect()
}

/// A path as foreign text: its bytes on Unix, WTF-8 elsewhere.
pub fn foreign(path: &Path) -> Foreign {
    Foreign::from_bytes(path.as_os_str().as_encoded_bytes())
}
