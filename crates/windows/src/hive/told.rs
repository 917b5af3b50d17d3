//! What is said of a hive that is not as it should be.

use std::fmt;

use groma_model::Reason;

/// Why a hive cannot be read at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// It does not begin as a hive does.
    NotAHive,
    /// A version of the format that is not known: major, minor.
    Version(u32, u32),
    /// Its first key is not where it should be.
    NoRoot,
}

/// What a hive that could be read may lack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Doubt {
    /// It was not closed, and there is no log.
    LogsMissing,
    /// It was not closed, and its logs belong to another moment or are damaged.
    LogsDoNotFit,
    /// It was completed from its logs, but parts of them are damaged or gone.
    LogTorn,
    /// The file is shorter than it says.
    Cut,
    /// Parts of it are damaged.
    Bins,
}

impl Damage {
    /// The word of a gap for it.
    pub fn reason(self) -> Reason {
        match self {
            Self::NotAHive | Self::NoRoot => Reason::Malformed,
            Self::Version(..) => Reason::Unsupported,
        }
    }
}

impl Doubt {
    /// The word of a gap for it.
    pub fn reason(self) -> Reason {
        match self {
            Self::LogsMissing => Reason::NotPresent,
            _ => Reason::Malformed,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAHive => f.write_str("no hive"),
            Self::Version(major, minor) => write!(f, "a hive of version {major}.{minor}"),
            Self::NoRoot => f.write_str("a hive without its first key"),
        }
    }
}

impl std::error::Error for Damage {}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LogsMissing => {
                "hive was not closed; the newest changes are not in it (it has no log)"
            }
            Self::LogsDoNotFit => {
                "hive was not closed; the newest changes are not in it (its logs do not fit)"
            }
            Self::LogTorn => "hive was not closed; some of its newest changes are damaged or gone",
            Self::Cut => "hive is shorter than it says",
            Self::Bins => "parts of the hive are damaged",
        })
    }
}
