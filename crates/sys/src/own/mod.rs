//! Files of one's own: the state of the agent, what it writes where the operator said. Made for its owner alone, replaced as a whole, and
//! believed only while nobody else may write to them.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a folder for us alone, with those above it. One that is there stays as it is.
///
/// # Errors
/// Of the disk.
pub fn folder(path: &Path) -> io::Result<()> {
    system::folder(path)
}

/// A new file for us alone, to be written. No link that stands there is followed.
///
/// # Errors
/// `AlreadyExists` where something stands; those of the disk.
pub fn create_new(path: &Path) -> io::Result<File> {
    system::create_new(path)
}

/// The same, to be read and added to.
///
/// # Errors
/// As [`create_new`].
pub fn create_new_to_append(path: &Path) -> io::Result<File> {
    system::create_new_to_append(path)
}

/// The file that somebody named to be written, emptied where it is there; a new one is for us alone.
///
/// # Errors
/// Of the disk.
pub fn open_out(path: &Path) -> io::Result<File> {
    system::open_out(path)
}

/// The file at `path`, to be read and, if `append`, added to: only if it is a file, no link, without a second name, of this very
/// account, and closed to everybody else. `None` where it is anything else.
pub fn open_alone(path: &Path, append: bool) -> Option<File> {
    system::open_alone(path, append)
}

/// Whoever else may read `path`, in a few words; `None` where nobody may.
pub fn open_to(path: &Path) -> Option<&'static str> {
    system::open_to(path)
}

/// Makes what was renamed or made in a folder last through a power cut.
///
/// # Errors
/// Of the disk.
pub fn settle(folder: &Path) -> io::Result<()> {
    system::settle(folder)
}

/// The number of the account this program runs as, where the system has numbers.
pub fn account() -> Option<u32> {
    system::account()
}

/// What tells this very program from another version of it: the file it was started from.
pub fn program() -> String {
    system::program()
}

/// Where the agent keeps its state: the system's place for the account that runs services, the account's own place for anybody
/// else.
pub fn home() -> PathBuf {
    system::home()
}

/// The name of the program of a process, while it runs.
pub fn name_of_process(process: u32) -> Option<String> {
    system::name_of_process(process)
}

#[cfg(unix)]
fn named(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    Some(PathBuf::from(value))
}
