//! Which files are one log: the one that is written now, and what rotation made of it.

use std::path::{Path, PathBuf};

use groma_model::Timestamp;
use groma_source::{Disk, DiskError, EntryKind};

/// Entries of a log directory that are looked at.
const ENTRIES_MAX: usize = 20_000;

/// A file of a family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// When it was written last: no line in it is younger.
    pub(crate) modified: Timestamp,
}

/// A log with its rotations, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Family {
    /// The file that is written now.
    pub(crate) path: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// The families of `paths` that exist; a directory that cannot be listed is an error of its own.
pub(crate) fn families(disk: &dyn Disk, paths: &[&str]) -> (Vec<Family>, Vec<DiskError>) {
    let mut directories: Vec<&Path> = paths.iter().filter_map(|p| Path::new(p).parent()).collect();
    directories.sort_unstable();
    directories.dedup();
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    for directory in directories {
        let entries = match disk.list(directory, ENTRIES_MAX) {
            Ok(entries) => entries,
            Err(error) if error.is_absent() => continue,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let files: Vec<PathBuf> = entries
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File)
            .map(|entry| entry.path)
            .collect();
        for path in paths
            .iter()
            .map(Path::new)
            .filter(|p| p.parent() == Some(directory))
        {
            out.extend(family(disk, path, &files));
        }
    }
    (out, errors)
}

fn family(disk: &dyn Disk, path: &Path, files: &[PathBuf]) -> Option<Family> {
    let base = path.file_name()?.to_str()?;
    let mut members: Vec<Member> = files
        .iter()
        .filter(|file| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.strip_prefix(base).is_some_and(is_rotation))
        })
        .filter_map(|file| member(disk, file))
        .collect();
    members.sort_by(|a, b| (b.modified, &a.path).cmp(&(a.modified, &b.path)));
    (!members.is_empty()).then(|| Family {
        path: path.to_owned(),
        members,
    })
}

fn member(disk: &dyn Disk, path: &Path) -> Option<Member> {
    let metadata = disk.metadata(path).ok()?;
    (metadata.kind == EntryKind::File).then(|| Member {
        path: path.to_owned(),
        bytes: metadata.bytes,
        modified: Timestamp::from_seconds(metadata.modified),
    })
}

/// True for what stands after a log's name when it is the log itself or a rotation of it: nothing, a number, a date,
/// and the ending of a compression.
fn is_rotation(ending: &str) -> bool {
    let plain = [".gz", ".zst", ".xz", ".bz2"]
        .iter()
        .find_map(|c| ending.strip_suffix(c))
        .unwrap_or(ending);
    let counted = |s: &str| !s.is_empty() && s.len() <= 3 && s.bytes().all(|b| b.is_ascii_digit());
    let dated = |s: &str| {
        let digits = s.bytes().filter(u8::is_ascii_digit).count();
        (8..=14).contains(&digits)
            && s.bytes()
                .all(|b| b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    match plain.split_at_checked(1) {
        None => plain.is_empty() && ending.is_empty(),
        Some((".", rest)) => counted(rest) || dated(rest),
        Some(("-" | "_", rest)) => dated(rest),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_are_told_from_other_files() {
        for yes in [
            "",
            ".1",
            ".2.gz",
            ".12.zst",
            "-20261101",
            "-20261101.gz",
            "-2026-11-01",
            ".20261101-0325.xz",
        ] {
            assert!(is_rotation(yes), "{yes}");
        }
        for no in [
            ".gz", ".log", ".old", "-backup", ".1.txt", "2", ".err", ".1234", "-2026",
        ] {
            assert!(!is_rotation(no), "{no}");
        }
    }
}
