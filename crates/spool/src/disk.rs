//! What a spool asks of a disk, call by call, so that a test can fail each of them.

use std::io;

/// How large the file system is and how much of it anybody may still fill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Bytes of the whole file system.
    pub bytes: u64,
    /// Bytes a program without special rights may still write.
    pub free: u64,
}

/// One flat directory of files that are only ever appended to.
///
/// A name is a plain file name. What [`Self::create_new`] opened stays open until [`Self::close`], [`Self::rename`] or
/// [`Self::unlink`]: whether a write reached the disk is told to the very descriptor that wrote (Linux keeps the error per open
/// file), so an implementation must not open a file anew to sync it.
pub trait SpoolDisk: Send {
    /// Names of everything in the directory, in any order. Names that are not UTF-8 are not ours and may be left out.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// Bytes of a file. An error for whatever is not a regular file: a spool never opens a FIFO or a device.
    fn length(&mut self, name: &str) -> io::Result<u64>;

    /// Reads at `offset` into `buffer`; fewer bytes than asked, or none, at the end of the file.
    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes an empty file and keeps it open for appending; an error if anything has that name.
    fn create_new(&mut self, name: &str) -> io::Result<()>;

    /// Appends to a file that [`Self::create_new`] opened and says how many bytes of it were taken.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<usize>;

    /// Returns when bytes and length are on the disk (`fdatasync`). After an error the caller must not ask again for this file.
    fn sync_data(&mut self, name: &str) -> io::Result<()>;

    /// Lets go of a file that [`Self::create_new`] opened; it is read-only from now on.
    fn close(&mut self, name: &str);

    /// Writes over the begin of a file that exists, and returns when that is on the disk. It needs no new room: the way out of a
    /// full disk.
    fn overwrite(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Renames within the directory, replacing what is there.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn unlink(&mut self, name: &str) -> io::Result<()>;

    /// Returns when names made, changed and removed are on the disk (`fsync` of the directory).
    fn sync_dir(&mut self) -> io::Result<()>;

    /// How much room the file system has.
    fn space(&mut self) -> io::Result<Space>;
}
