//! The way through the file tree: data first, one directory at a time, never onto what is not this machine's.

use std::path::{Path, PathBuf};

use groma_model::Reason;
use groma_source::{DiskError, Entry, EntryKind};

use crate::mounts::Mounts;
use crate::reading::Reading;
use crate::text::file_name;

/// Directories in the root whose content is programs, tables of the kernel, or gone at the next boot.
const NEVER: &[&str] = &[
    "proc",
    "sys",
    "dev",
    "run",
    "boot",
    "bin",
    "sbin",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "snap",
    "tmp",
    "etc",
    "lost+found",
];
/// Directories that are looked at first: where people's data lies.
const FIRST: &[&str] = &[
    "home", "root", "srv", "data", "export", "exports", "mnt", "media", "var",
];
/// Trees that hold programs, caches and layers of containers, not data of their own.
const CLOSED: &[&str] = &[
    "/usr/bin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/sbin",
    "/usr/share",
    "/usr/include",
    "/usr/src",
    "/var/cache",
    "/var/lib/docker/overlay2",
    "/var/lib/containers/storage/overlay",
    "/var/lib/dpkg",
    "/var/lib/apt",
    "/var/lib/containerd",
    "/var/lib/flatpak",
    "/var/lib/snapd",
    "/var/tmp",
];
/// Directories of any place that hold copies or parts of other things.
const PASSED: &[&[u8]] = &[
    b".git",
    b".svn",
    b".hg",
    b"node_modules",
    b"__pycache__",
    b".cache",
    b".snapshot",
    b".snapshots",
    b".zfs",
    b"lost+found",
    b".Trash",
    b"$RECYCLE.BIN",
];
const DEPTH_MAX: usize = 48;

/// The trees of the root that are walked, data first.
pub(crate) fn roots(reading: &mut Reading<'_>, mounts: &Mounts) -> Result<Vec<PathBuf>, DiskError> {
    let entries = reading.list(Path::new("/"))?;
    let wanted = |e: &&Entry| {
        let name = file_name(&e.path);
        e.kind == EntryKind::Directory
            && !NEVER.iter().any(|n| n.as_bytes() == name)
            && !mounts.is_closed(&e.path)
    };
    let mut roots: Vec<PathBuf> = entries
        .iter()
        .filter(wanted)
        .map(|e| e.path.clone())
        .collect();
    let rank = |path: &PathBuf| {
        let name = file_name(path);
        FIRST
            .iter()
            .position(|n| n.as_bytes() == name)
            .unwrap_or(FIRST.len())
    };
    roots.sort_by_key(|path| (rank(path), path.clone()));
    Ok(roots)
}

/// What became of a tree.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Walked {
    /// Where the budget or the time ended; the next look goes on there.
    pub(crate) stopped_at: Option<PathBuf>,
    /// Directories that could not be read, the first of them, and why.
    pub(crate) refused: Option<(usize, PathBuf, Reason)>,
}

/// Shows every directory of `root` with its entries to `visit`, in the order of names; where `visit` says
/// `false`, nothing below it is walked. What sorts before `from` is left out.
pub(crate) fn walk(
    reading: &mut Reading<'_>,
    mounts: &Mounts,
    root: &Path,
    from: Option<&Path>,
    visit: &mut dyn FnMut(&mut Reading<'_>, &Path, &[Entry]) -> bool,
) -> Walked {
    let mut walked = Walked::default();
    let mut open = vec![(root.to_owned(), 0)];
    while let Some((at, depth)) = open.pop() {
        let entries = match reading.list(&at) {
            Ok(entries) => entries,
            Err(error) if error.reason == Reason::BudgetExhausted => {
                walked.stopped_at = Some(at);
                return walked;
            }
            Err(error) => {
                refuse(&mut walked, at, error.reason);
                continue;
            }
        };
        let done = from.is_some_and(|from| from > at.as_path());
        if !done && !visit(reading, &at, &entries) {
            continue;
        }
        if reading.is_spent() {
            walked.stopped_at = Some(at);
            return walked;
        }
        let below = entries.into_iter().rev().filter(|e| {
            e.kind == EntryKind::Directory && depth < DEPTH_MAX && is_open(&e.path, mounts)
        });
        let ahead = |path: &PathBuf| {
            from.is_none_or(|from| path.as_path() >= from || from.starts_with(path))
        };
        open.extend(
            below
                .map(|e| e.path)
                .filter(ahead)
                .map(|path| (path, depth + 1)),
        );
    }
    walked
}

fn is_open(path: &Path, mounts: &Mounts) -> bool {
    !mounts.is_closed(path)
        && !PASSED.contains(&file_name(path))
        && !CLOSED.iter().any(|closed| path == Path::new(closed))
}

fn refuse(walked: &mut Walked, at: PathBuf, reason: Reason) {
    // A folder that went away while we walked is no hole.
    if reason == Reason::Vanished {
        return;
    }
    match &mut walked.refused {
        Some((count, _, _)) => *count += 1,
        None => walked.refused = Some((1, at, reason)),
    }
}
