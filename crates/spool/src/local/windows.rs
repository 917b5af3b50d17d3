//! Of a directory on Windows: its rights come down from the folder of the agent's state, which whoever makes that closes to others.
//! The system keeps its journal of names by itself, and knows no call that writes a folder out.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::FileExt as _;
use std::path::Path;

use crate::error::DirectoryError;

pub(super) fn make(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true);
    options
}

/// A handle that may append alone cannot be locked here: LockFileEx wants the right to read or to write.
pub(super) fn to_lock() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

/// With the right to write, too: FlushFileBuffers wants it.
pub(super) fn to_read(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

pub(super) fn inspect(_: &Path, _: &Metadata) -> Result<(), DirectoryError> {
    Ok(())
}

pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek_read(buffer, offset)
}

pub(super) fn write_from_begin(file: &File, bytes: &[u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.seek_write(rest, u64::try_from(done).unwrap_or(u64::MAX))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            many => done += many,
        }
    }
    Ok(())
}

pub(super) fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn sync_above(_: &Path) -> io::Result<()> {
    Ok(())
}
