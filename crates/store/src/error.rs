//! Why keeping or reading failed, and what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Whatever failed on the side of whoever hands in records.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A store could not do what was asked. Nothing half-done is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or the file cannot be opened.
    #[error("open the store in {}: give another directory with --data, or the right to write there", path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// Something is there that must not be overwritten.
    #[error("{} is there already: name another place, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else, or damaged.
    #[error("{} is not a groma store ({why}): move it away, or restore the store from its backup", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The address of a database cannot be used. The address itself is not repeated: it may hold a password.
    #[error(
        "the address of the database cannot be used: {why}; it is written postgres://user@host:5432/database?sslrootcert=/path/to/ca.pem&passfile=/path/to/passwords, or postgres:///database?host=/run/postgresql&user=groma for a socket of this machine"
    )]
    BadAddress {
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// No database answers, or it went away.
    #[error(
        "{attempt}: the database does not answer: see that PostgreSQL runs and can be reached from here, then do it again (what was kept before is not kept twice)"
    )]
    Unreachable {
        /// What was attempted.
        attempt: &'static str,
        /// How it failed, and where.
        #[source]
        source: BoxError,
    },
    /// The database answers and does not let us in, or is not let in by us.
    #[error(
        "open the store: {place} does not let groma in ({why}): give the name, password and database in the address, and that role the right to make the schema groma"
    )]
    Refused {
        /// Where.
        place: String,
        /// What was said.
        why: String,
    },
    /// There is no telling who answers: its certificate is not of the authority that was named.
    #[error(
        "open the store: {place} cannot show that it is the server it is taken for ({why}): give the certificate of the authority that signed its own with sslrootcert=, and the host by the name that stands in it"
    )]
    Untrusted {
        /// Where.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The database is another program's, or made in a way that cannot hold a store.
    #[error(
        "{place} cannot hold a groma store ({why}): give groma a database of its own, made with CREATE DATABASE groma ENCODING 'UTF8' TEMPLATE template0"
    )]
    NotForUs {
        /// Where.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A newer program made the store.
    #[error("the store has format {found} (made by groma {made_by}), this groma {} reads up to format {known}: upgrade groma", env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format this program knows.
        known: u32,
        /// The version of the program that made it.
        made_by: String,
    },
    /// The disk is full, or the file has reached its limit.
    #[error("{attempt}: the disk is full; nothing of it was kept: free some space and do it again")]
    Full {
        /// What was attempted.
        attempt: &'static str,
    },
    /// The store may be read only.
    #[error(
        "{attempt}: the store is read-only: give the right to write, or another directory with --data"
    )]
    ReadOnly {
        /// What was attempted.
        attempt: &'static str,
    },
    /// Another process holds the store.
    #[error("{attempt}: another groma is writing to the store: wait for it to end")]
    Busy {
        /// What was attempted.
        attempt: &'static str,
    },
    /// The engine failed.
    #[error("{attempt}")]
    Engine {
        /// What was attempted.
        attempt: &'static str,
        /// How it failed.
        #[source]
        source: BoxError,
    },
    /// A row says what this program cannot read.
    #[error("{attempt}: the store is damaged ({why}): restore it from its backup")]
    Damaged {
        /// What was attempted.
        attempt: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Somebody was forgotten while this was under way.
    #[error("{attempt}: something was erased from the store meanwhile: do it again")]
    Forgotten {
        /// What was attempted.
        attempt: &'static str,
    },
    /// Somebody is forgotten, but the files of the engine may still hold what nobody reads any more.
    #[error(
        "it is erased, but not yet swept out of the store's files, which another program uses: let it end, and run `groma forget --sweep`"
    )]
    NotSwept {
        /// Why.
        #[source]
        source: Box<Self>,
    },
    /// The records that were handed in ended in an error; nothing of the batch was kept.
    #[error("keep a batch: nothing of it was kept")]
    Input(#[source] BoxError),
    /// A snapshot may not have this name.
    #[error(
        "{name:?} cannot name a snapshot: use 1 to 64 letters, digits, dots, dashes or underscores, as before-w1"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// There is a snapshot of this name.
    #[error(
        "there is a snapshot named {name} already, taken {taken_at}: choose another name, or remove that one first"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// When it was taken.
        taken_at: groma_model::Timestamp,
    },
    /// There is no snapshot of this name.
    #[error("there is no snapshot named {name}; there are: {known}")]
    NoSuchSnapshot {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A sequence was asked for before an agent was minted.
    #[error("this installation has no agent at site {site} yet")]
    NoLocalAgent {
        /// The site.
        site: String,
    },
}

impl StoreError {
    /// The error for a failed statement.
    pub(crate) fn of(attempt: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| match error.sqlite_error_code() {
            _ if is_full(&error) => Self::Full { attempt },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { attempt },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { attempt },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                attempt,
                why: error.to_string(),
            },
            _ => Self::Engine {
                attempt,
                source: Box::new(error),
            },
        }
    }

    /// The error for a failure while opening `path`.
    pub(crate) fn opening(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self + '_ {
        move |error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NotAStore {
                path: path.to_owned(),
                why: error.to_string(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy {
                attempt: "open the store",
            },
            _ if is_full(&error) => Self::Full {
                attempt: "open the store",
            },
            _ => Self::Open {
                path: path.to_owned(),
                source: Box::new(error),
            },
        }
    }
}

/// True if there is no room. While the shared memory of the write-ahead log is laid out, the engine calls that
/// an I/O error.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        e.code == ErrorCode::DiskFull || e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    })
}
