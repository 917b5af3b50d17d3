//! A concluded moment, kept so that two of them can be compared without reading either whole.
//!
//! Concluding a moment of a large estate costs seconds; what differs between two moments is little. So a moment is written
//! down once, row by row, each row with a digest of all that a diff looks at. Two such files are compared by their digests:
//! what is the same on both sides is never unpacked, and what a differing row speaks of is fetched with it. [`compare`]
//! of the two small inventories that come out says the same as of the whole ones.
//!
//! A file: a fixed word, the length of the head, the head (JSON), the rows (fixed width, little endian, sorted by id), and
//! chunks of zstd in which the rows' own texts stand one after the other. It is a cache: whoever cannot read one concludes anew.
//!
//! [`compare`]: crate::compare

mod keep;
mod layout;
mod select;

use std::io::{Read, Seek};

pub use keep::keep;
pub use select::{Selected, select};

use layout::{Head, Row};

/// Why a kept moment is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It could not be read or written.
    #[error("a kept moment: {0}")]
    Io(#[from] std::io::Error),
    /// It is no kept moment, or one of another version, or damaged.
    #[error("a kept moment is damaged: {0}")]
    Damaged(&'static str),
}

/// A kept moment whose rows were read, and whose texts wait in the file.
pub struct Kept<R> {
    file: R,
    head: Head,
    entities: Vec<Row>,
    listeners: Vec<Row>,
    dependencies: Vec<Row>,
}

impl<R: Read + Seek> Kept<R> {
    /// Reads the head and the rows.
    ///
    /// # Errors
    /// It is no kept moment, or not whole.
    pub fn open(file: R) -> Result<Self, KeptError> {
        layout::open(file)
    }

    /// What it was kept under: whoever kept it knows when it is out of date.
    pub fn key(&self) -> &str {
        &self.head.key
    }
}
