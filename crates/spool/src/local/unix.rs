//! Of a directory on Unix: modes and owners.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::error::DirectoryError;

const PROBE: &str = "probe";

pub(super) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).mode(0o600);
    options
}

/// How the file is opened that is locked.
pub(super) fn to_lock() -> OpenOptions {
    private()
}

/// A file that is read, and perhaps made durable.
pub(super) fn to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// An error where others may write, or it belongs to somebody else.
pub(super) fn inspect(path: &Path, metadata: &Metadata) -> Result<(), DirectoryError> {
    let path = path.to_owned();
    let mode = metadata.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(DirectoryError::Writable { path, mode });
    }
    let own = match own_user(&path) {
        Ok(own) => own,
        Err(source) => return Err(DirectoryError::Use { path, source }),
    };
    let owner = metadata.uid();
    match owner == own {
        true => Ok(()),
        false => Err(DirectoryError::Owner { path, owner, own }),
    }
}

/// As whom we run, by the owner of a file we make: the standard library does not tell.
fn own_user(path: &Path) -> io::Result<u32> {
    let probe = path.join(PROBE);
    match std::fs::remove_file(&probe) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let own = private().create_new(true).open(&probe)?.metadata()?.uid();
    std::fs::remove_file(&probe)?;
    Ok(own)
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(buffer, offset)
}

pub(super) fn write_from_begin(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)
}

pub(super) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

pub(super) fn sync_above(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    sync(parent.unwrap_or(Path::new(".")))
}
