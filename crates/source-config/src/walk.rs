//! The way through the file systems: directory by directory, in order, never twice, never too deep.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{Disk, DiskError, Entry, EntryKind, Stamp};

use crate::judged::judged;
use crate::leads::{is_named, leads_to_rule};
use crate::roots::is_drive;
use crate::silence::{is_silent_directory, is_silent_path};

/// Directories below each other.
const DEPTH_MAX: usize = 32;
/// Entries of one directory.
const LISTED_MAX: usize = 100_000;

/// A step of the walk.
pub(crate) enum Step {
    /// A directory, and files and links in it that may be of interest.
    Files(PathBuf, Vec<(Entry, Option<Stamp>)>),
    /// Something that could not be looked at.
    Missed(PathBuf, Reason),
}

/// Walks below one root, depth first, names in order.
pub(crate) struct Walk<'d> {
    disk: &'d dyn Disk,
    /// Directories, how deep they are, and whether only what a rule names is looked at there.
    ahead: Vec<(PathBuf, usize, bool)>,
    visited: HashSet<(u64, u64)>,
    missed: Vec<(PathBuf, Reason)>,
    /// True if files are wanted with their stamps.
    stamped: bool,
    /// True for a whole drive, whose directories are roots of their own.
    shallow: bool,
    /// Entries that may still be visited; shared over all roots by the caller.
    pub(crate) entries_left: u64,
}

impl<'d> Walk<'d> {
    pub(crate) fn below(root: &Path, disk: &'d dyn Disk, entries_left: u64) -> Self {
        Self {
            disk,
            ahead: vec![(root.to_owned(), 0, is_silent_path(&judged(root)))],
            visited: HashSet::new(),
            missed: Vec::new(),
            stamped: false,
            shallow: is_drive(root),
            entries_left,
        }
    }

    /// The same way, with the stamp of every file the disk can tell.
    pub(crate) fn stamped(self, stamped: bool) -> Self {
        Self { stamped, ..self }
    }

    /// What stands in `directory`; nothing, if it was listed before under another name (bind mounts).
    fn list(&mut self, directory: &Path) -> Result<Vec<(Entry, Option<Stamp>)>, DiskError> {
        if self.stamped {
            let listed = self.disk.list_stamped(directory, LISTED_MAX)?;
            let is_new = self.is_new(listed.identity);
            return Ok(if is_new { listed.entries } else { Vec::new() });
        }
        let identity = self.disk.metadata(directory)?.identity;
        if !self.is_new(identity) {
            return Ok(Vec::new());
        }
        let listed = self.disk.list(directory, LISTED_MAX)?;
        Ok(listed.into_iter().map(|entry| (entry, None)).collect())
    }

    /// A disk without identities says (0, 0) of all.
    fn is_new(&mut self, identity: (u64, u64)) -> bool {
        identity == (0, 0) || self.visited.insert(identity)
    }

    /// True if the walk is over because there is nothing more, not because the budget is used up.
    pub(crate) fn is_done(&self) -> bool {
        self.ahead.is_empty() && self.missed.is_empty()
    }

    fn enter(
        &mut self,
        directory: &Path,
        depth: usize,
        quiet: bool,
    ) -> Result<Vec<(Entry, Option<Stamp>)>, DiskError> {
        let listed = self.list(directory)?;
        if listed.len() >= LISTED_MAX {
            self.missed
                .push((directory.to_owned(), Reason::BudgetExhausted));
        }
        self.entries_left = self
            .entries_left
            .saturating_sub(u64::try_from(listed.len()).unwrap_or(u64::MAX));
        let mut files = Vec::new();
        let mut below = Vec::new();
        for (entry, stamp) in listed {
            match entry.kind {
                EntryKind::Directory if self.shallow => {}
                EntryKind::Directory => {
                    let path = judged(&entry.path);
                    let hushed = quiet || is_silent_directory(&path);
                    if hushed && !leads_to_rule(&path, quiet) {
                        continue;
                    }
                    if depth >= DEPTH_MAX {
                        self.missed.push((entry.path, Reason::BudgetExhausted));
                    } else {
                        below.push((entry.path, depth + 1, hushed));
                    }
                }
                _ if quiet && !is_named(&judged(&entry.path)) => {}
                EntryKind::Special => self.missed.push((entry.path, Reason::NotARegularFile)),
                EntryKind::File | EntryKind::Link => files.push((entry, stamp)),
            }
        }
        self.ahead.extend(below.into_iter().rev());
        Ok(files)
    }
}

impl Iterator for Walk<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if let Some((path, reason)) = self.missed.pop() {
            return Some(Step::Missed(path, reason));
        }
        if self.entries_left == 0 {
            return None;
        }
        let (directory, depth, quiet) = self.ahead.pop()?;
        match self.enter(&directory, depth, quiet) {
            Ok(files) => Some(Step::Files(directory, files)),
            Err(error) if error.is_absent() => Some(Step::Files(directory, Vec::new())),
            Err(error) => Some(Step::Missed(directory, error.reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn files(disk: &FakeDisk) -> Vec<String> {
        let mut out = Vec::new();
        for step in Walk::below(Path::new("/srv"), disk, 1000) {
            match step {
                Step::Files(_, entries) => {
                    out.extend(entries.iter().map(|(e, _)| e.path.display().to_string()))
                }
                Step::Missed(path, reason) => out.push(format!("{} {reason}", path.display())),
            }
        }
        out
    }

    #[test]
    fn the_way_is_ordered_and_leaves_out_what_is_silent() {
        let disk = FakeDisk::new()
            .file("/srv/b/x.conf", "")
            .file("/srv/a/y.conf", "")
            .file("/srv/z.conf", "")
            .file("/srv/a/.svn/config", "")
            .file("/srv/a/tests/t.conf", "")
            .special("/srv/a/pipe");
        assert_eq!(
            files(&disk),
            [
                "/srv/z.conf",
                "/srv/a/y.conf",
                "/srv/a/pipe not a regular file",
                "/srv/b/x.conf"
            ]
        );
    }

    #[test]
    fn in_a_silent_directory_only_what_a_rule_names_is_met() {
        let disk = FakeDisk::new()
            .file("/srv/a/.git/config", "")
            .file("/srv/a/.git/hooks/post-commit", "")
            .file("/srv/a/.git/packed.conf", "");
        assert_eq!(files(&disk), ["/srv/a/.git/config"]);
    }

    #[test]
    fn a_deep_tree_ends_with_a_gap() {
        let disk = FakeDisk::new().file(&format!("/srv{}/x.conf", "/d".repeat(60)), "");
        assert!(files(&disk).iter().any(|f| f.ends_with("budget exhausted")));
    }

    #[test]
    fn a_budget_ends_the_walk_unfinished() {
        let disk = FakeDisk::new().file("/srv/a/x", "").file("/srv/b/x", "");
        let mut walk = Walk::below(Path::new("/srv"), &disk, 1);
        while walk.next().is_some() {}
        assert!(!walk.is_done());
    }
}
