//! Files of this machine, opened so that nothing planted among them can hurt anybody.
//!
//! A path is first opened with `O_PATH`, which touches nothing, then examined, and only a regular file
//! is opened again through its descriptor, non-blocking and without changing its access time. A FIFO
//! with a waiting writer (a make jobserver, say) is therefore never disturbed, and a rename between the
//! two steps changes nothing: the descriptor is what was examined.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{Disk, DiskError, Entry, EntryKind, FileRead, Metadata, OpenFile, Space};
use rustix::fs::{Mode, OFlags, Stat};

const LINKS_MAX: u32 = 16;

/// XATTR_SIZE_MAX of the kernel (xattr(7)).
const ATTRIBUTE_BYTES_MAX: usize = 65_536;

/// The file systems of this machine, without the ones that lie on another.
#[derive(Debug)]
pub struct LocalDisk {
    remote: Vec<PathBuf>,
}

impl LocalDisk {
    /// Reads the mount table once, to know what must not be touched.
    pub fn of_this_machine() -> Self {
        let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        Self {
            remote: remote_mounts(&table),
        }
    }

    fn is_remote(&self, path: &Path) -> bool {
        self.remote.iter().any(|mount| path.starts_with(mount))
    }

    /// Follows links at the end of `path` until something else stands there.
    fn settle(&self, path: &Path) -> Result<PathBuf, DiskError> {
        let mut at = path.to_owned();
        for _ in 0..LINKS_MAX {
            if self.is_remote(&at) {
                return Err(DiskError::because(path, Reason::RemoteFileSystem));
            }
            match rustix::fs::readlink(&at, Vec::new()) {
                Ok(to) => {
                    let to = PathBuf::from(OsString::from_vec(to.into_bytes()));
                    at = normal(&at.parent().unwrap_or(Path::new("/")).join(to));
                }
                Err(rustix::io::Errno::INVAL) => return Ok(at),
                Err(error) if at == path => return Err(DiskError::of_io(path, error.into())),
                Err(_) => return Err(DiskError::because(path, Reason::BrokenLink)),
            }
        }
        Err(DiskError::because(path, Reason::BrokenLink))
    }
}

impl Disk for LocalDisk {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let settled = self.settle(path)?;
        let (file, metadata) = open_regular(&settled)?;
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

    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        let (file, metadata) = open_regular(&self.settle(path)?)?;
        Ok(Box::new(Opened {
            path: path.to_owned(),
            file,
            metadata,
        }))
    }

    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        if self.is_remote(path) {
            return Err(DiskError::because(path, Reason::RemoteFileSystem));
        }
        let read = std::fs::read_dir(path).map_err(|e| DiskError::of_io(path, e))?;
        let mut entries = Vec::new();
        for entry in read.take(limit) {
            let entry = entry.map_err(|e| DiskError::of_io(path, e))?;
            let kind = entry.file_type().map_or(EntryKind::Special, |t| match () {
                () if t.is_file() => EntryKind::File,
                () if t.is_dir() => EntryKind::Directory,
                () if t.is_symlink() => EntryKind::Link,
                () => EntryKind::Special,
            });
            entries.push(Entry {
                path: entry.path(),
                kind,
            });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        if self.is_remote(path) {
            return Err(DiskError::because(path, Reason::RemoteFileSystem));
        }
        let stat = rustix::fs::lstat(path).map_err(|e| DiskError::of_io(path, e.into()))?;
        Ok(metadata(&stat))
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        let to =
            rustix::fs::readlink(path, Vec::new()).map_err(|e| DiskError::of_io(path, e.into()))?;
        Ok(PathBuf::from(OsString::from_vec(to.into_bytes())))
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        if self.is_remote(path) {
            return Err(DiskError::because(path, Reason::RemoteFileSystem));
        }
        use rustix::io::Errno;
        let mut bytes = vec![0; ATTRIBUTE_BYTES_MAX];
        match rustix::fs::lgetxattr(path, name, &mut bytes) {
            Ok(length) => {
                bytes.truncate(length);
                Ok(Some(bytes))
            }
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(Errno::RANGE) => Err(DiskError::because(path, Reason::TooLarge)),
            Err(error) => Err(DiskError::of_io(path, error.into())),
        }
    }

    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        if self.is_remote(path) {
            return Err(DiskError::because(path, Reason::RemoteFileSystem));
        }
        let stat = rustix::fs::statvfs(path).map_err(|e| DiskError::of_io(path, e.into()))?;
        Ok(Space {
            bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_bytes: stat.f_bavail.saturating_mul(stat.f_frsize),
        })
    }
}

/// A regular file of this machine, open.
struct Opened {
    path: PathBuf,
    file: File,
    metadata: Metadata,
}

impl OpenFile for Opened {
    fn metadata(&self) -> &Metadata {
        &self.metadata
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

fn open_regular(path: &Path) -> Result<(File, Metadata), DiskError> {
    let fail = |e: rustix::io::Errno| DiskError::of_io(path, e.into());
    let looked = rustix::fs::open(
        path,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(fail)?;
    let stat = rustix::fs::fstat(&looked).map_err(fail)?;
    let metadata = metadata(&stat);
    if metadata.kind != EntryKind::File {
        return Err(DiskError::because(path, Reason::NotARegularFile));
    }
    let opened = reopen(&looked).map_err(|e| DiskError::of_io(path, e))?;
    Ok((File::from(opened), metadata))
}

/// Opens what an `O_PATH` descriptor stands for. `O_NOATIME` is refused for files of others: then without.
fn reopen(looked: &OwnedFd) -> io::Result<OwnedFd> {
    let through = format!("/proc/self/fd/{}", looked.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(&through, flags | OFlags::NOATIME, Mode::empty())
        .or_else(|_| rustix::fs::open(&through, flags, Mode::empty()))
        .map_err(io::Error::from)
}

fn metadata(stat: &Stat) -> Metadata {
    use rustix::fs::FileType;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Special,
    };
    Metadata {
        kind,
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        owner: Some(stat.st_uid),
        group: Some(stat.st_gid),
        mode: Some(stat.st_mode & 0o7777),
        modified: stat.st_mtime,
        identity: (stat.st_dev, stat.st_ino),
    }
}

/// Removes `.` and `..` by their letters, as a shell's `cd` does.
fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
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

/// Mount points of network, FUSE and autofs file systems in a mountinfo table (proc(5)).
fn remote_mounts(table: &[u8]) -> Vec<PathBuf> {
    table
        .split(|b| *b == b'\n')
        .filter_map(|line| {
            let words: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
            let dash = words.iter().position(|w| *w == b"-")?;
            let kind = words.get(dash + 1)?;
            let remote = is_remote_kind(&String::from_utf8_lossy(kind));
            remote.then(|| {
                PathBuf::from(OsString::from_vec(unescape(
                    words.get(4).copied().unwrap_or_default(),
                )))
            })
        })
        .filter(|path| path != Path::new("/"))
        .collect()
}

fn is_remote_kind(kind: &str) -> bool {
    matches!(
        kind,
        "nfs"
            | "nfs4"
            | "cifs"
            | "smb3"
            | "smbfs"
            | "ceph"
            | "glusterfs"
            | "afs"
            | "9p"
            | "ncpfs"
            | "coda"
            | "autofs"
            | "lustre"
            | "ocfs2"
            | "gfs2"
            | "davfs"
    ) || kind.starts_with("fuse")
}

/// Octal escapes of the mount table, as `\040` for a space.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| *first == b'\\').and_then(|d| {
            std::str::from_utf8(d)
                .ok()
                .and_then(|d| u8::from_str_radix(d, 8).ok())
        });
        match octal {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(3..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_read_and_an_absent_one_is_none() {
        let file = std::env::temp_dir().join(format!("groma-attribute-{}", std::process::id()));
        std::fs::write(&file, b"x").expect("a temporary file");
        let disk = LocalDisk::of_this_machine();
        let name = "user.groma";
        let set = rustix::fs::setxattr(&file, name, b"seen", rustix::fs::XattrFlags::empty());
        let read = disk.attribute(&file, name);
        let absent = disk.attribute(&file, "user.other");
        std::fs::remove_file(&file).expect("it was made above");
        assert_eq!(absent.expect("nothing refuses"), None);
        match set {
            Ok(()) => assert_eq!(
                read.expect("nothing refuses").as_deref(),
                Some(&b"seen"[..])
            ),
            Err(error) => println!("skipped: no attributes here ({error})"),
        }
    }

    #[test]
    fn network_mounts_are_known_before_they_are_touched() {
        let table = b"36 35 98:0 / / rw - ext4 /dev/root rw\n\
            40 35 0:44 / /srv/old\\040files rw - nfs4 nas:/x rw\n41 35 0:45 / /mnt/w rw - fuse.sshfs u@h: rw\n";
        assert_eq!(
            remote_mounts(table),
            [PathBuf::from("/srv/old files"), PathBuf::from("/mnt/w")]
        );
    }
}
