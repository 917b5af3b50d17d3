//! Why a batch was not written or not accepted, where in it, and what to do.

/// A batch could not be written, or was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The receiver of the bytes failed (disk full, connection closed).
    #[error("write a batch")]
    Write(#[source] std::io::Error),
    /// The giver of the bytes failed.
    #[error("read a batch, after line {line}")]
    Read {
        /// The last line that was read whole.
        line: u64,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
    /// These bytes are something else.
    #[error("not a batch ({why}): a batch is what `groma-agent look --out FILE` writes")]
    NotABatch {
        /// What was found instead.
        why: String,
    },
    /// The batch follows a later version of the format.
    #[error(
        "line 1: made by a newer groma ({schema}; this one reads {}): upgrade the collector",
        groma_model::batch::BATCH_SCHEMA
    )]
    Newer {
        /// The schema word found.
        schema: String,
    },
    /// The batch stops before its last line.
    #[error("the batch is cut off after line {line}: fetch or copy it again")]
    Truncated {
        /// The last line that was read whole.
        line: u64,
    },
    /// The compressed data is damaged or asks for more memory than it may.
    #[error("the packed data is damaged after line {line} ({why}): fetch or copy it again")]
    Damaged {
        /// The last line that was read whole.
        line: u64,
        /// What the unpacker says.
        why: String,
    },
    /// One of the [`Limits`](crate::Limits) was passed.
    #[error(
        "line {line}: more than {limit} {what}: refused, no honest look is that large; split the look by source if this one is"
    )]
    TooLarge {
        /// The line at which it was noticed.
        line: u64,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// It unpacks to far more than it weighs.
    #[error(
        "line {line}: unpacks to more than {ratio} times its size: refused as a decompression bomb"
    )]
    Bomb {
        /// The line at which it was noticed.
        line: u64,
        /// The bound.
        ratio: u64,
    },
    /// A line does not say what a batch says.
    #[error("line {line}: {why}: the sender is broken or the file was edited")]
    Malformed {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Something stands behind the end of the batch.
    #[error("there is more after the last line: a file holds exactly one batch")]
    Trailing,
}

/// What a parser says, short and on one line, since it may quote what a stranger wrote.
pub(crate) fn brief(error: &dyn std::fmt::Display) -> String {
    error
        .to_string()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(160)
        .collect()
}
