//! On whose behalf a file is read. This program is root; whoever wrote a path into a file of theirs is not, and gets
//! nothing read through it that is not theirs: mail servers read such files with the rights of their owner as well.

use std::path::{Component, PathBuf};

use groma_source::FileRead;

/// Files of addresses that the rules of one user may include.
const INCLUDED_BY_USER_MAX: usize = 16;
/// The same for all lists that one account without a home of its own keeps: a server of mailing lists.
const INCLUDED_BY_OWNER_MAX: usize = 1_000;
/// A rule of a user: Dovecot takes no script beyond 1 MiB either.
const PERSONAL_BYTES_MAX: u64 = 1 << 20;

/// Who chose the path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Reader {
    /// Who administers this machine: any file may be meant.
    Machine,
    /// The owner (uid) of a list that the settings name.
    Owner(u32),
    /// A user, where their number is known, and the home their rules stand in.
    User { owner: Option<u32>, home: PathBuf },
}

impl Reader {
    /// True if they may have meant this file: it is theirs, or truly stands in their home.
    pub(super) fn may_have(&self, read: &FileRead) -> bool {
        let is_of = |owner: u32| owner == 0 || read.metadata.owner == Some(owner);
        match self {
            Self::Machine => true,
            Self::Owner(owner) => is_of(*owner),
            Self::User { owner, home } => {
                let climbs = read.path.components().any(|c| c == Component::ParentDir);
                owner.is_some_and(is_of) || (!climbs && read.path.starts_with(home))
            }
        }
    }

    /// For whom a file is read that a file of `owner` names.
    pub(super) fn narrowed(&self, owner: Option<u32>) -> Self {
        match (self, owner) {
            (Self::Machine, Some(owner)) if owner != 0 => Self::Owner(owner),
            _ => self.clone(),
        }
    }

    /// Bytes of one file.
    pub(super) fn bytes_max(&self) -> u64 {
        match self {
            Self::User { .. } => PERSONAL_BYTES_MAX,
            Self::Machine | Self::Owner(_) => u64::MAX,
        }
    }

    /// Files that are included for them.
    pub(super) fn included_max(&self) -> usize {
        match self {
            Self::User { .. } => INCLUDED_BY_USER_MAX,
            Self::Owner(_) => INCLUDED_BY_OWNER_MAX,
            Self::Machine => usize::MAX,
        }
    }
}
