//! Why opening, keeping or freeing failed, and what to do.

use std::io;
use std::path::PathBuf;

/// The spool could not be looked at. Try again later: nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error(
    "list the spool directory: check that the disk is there and may be read, then open the spool again"
)]
pub struct OpenError(#[source] pub io::Error);

/// The spool could not do what was asked. It stays usable, and nothing that was acknowledged is harmed.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The payload is larger than a frame may be.
    #[error(
        "keep frame {epoch:016x}/{sequence}: {bytes} bytes are more than the {bytes_max} of a frame: divide it"
    )]
    TooLarge {
        /// The frame's epoch.
        epoch: u64,
        /// The frame's sequence.
        sequence: u64,
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        bytes_max: u64,
    },
    /// There is no room, and dropping older frames would not make enough of it.
    #[error(
        "keep a frame of {bytes} bytes: the spool may take {room} more: free space on its disk, or raise its limit"
    )]
    Full {
        /// How many bytes are needed.
        bytes: u64,
        /// How many there are, with every older frame dropped.
        room: u64,
    },
    /// The disk refused.
    #[error(
        "{doing} {file} of the spool: free space, or mend the disk, and try again: the spool needs no restart"
    )]
    Disk {
        /// What was attempted.
        doing: &'static str,
        /// On which file of the spool's directory.
        file: String,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

/// The directory cannot be a spool.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It does not exist and cannot be made.
    #[error("make the spool directory {}: make its parent directory, or give the right to write there", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot be looked at or written to.
    #[error("use the spool directory {}: give the agent the right to read and write it, on a disk that may be written", path.display())]
    Use {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something else has its name.
    #[error("{} is not a directory: move it away, or name another spool directory", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else owns it, and could put frames there in our name.
    #[error("the spool directory {} belongs to user {owner}, this agent runs as user {own}: chown it to {own}, or name another", path.display())]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// As whom we run.
        own: u32,
    },
    /// Others may write into it.
    #[error("the spool directory {} has mode {mode:04o}, so others may write into it: chmod 0700 it, look what lies there, and start again", path.display())]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another agent uses it.
    #[error("the spool directory {} is in use by another process that holds its file `lock`: stop that agent, or name another directory", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
}
