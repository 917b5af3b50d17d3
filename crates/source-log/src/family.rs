//! Which files are one log: the one that is written now, and what rotation made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use groma_model::{Reason, Timestamp};
use groma_source::{Disk, DiskError, Entry, EntryKind, Stamp};

use crate::kept::{Kept, Rotated};
use crate::lines;

/// Entries of a log directory that are looked at.
const ENTRIES_MAX: usize = 20_000;
/// How much of a file and of what may be a packed copy of it is compared.
const BEGIN: u64 = 4_096;
/// Digits of a time in a name: named writes 17 (yyyymmddhhmmssmmm), logrotate with `-%Y%m%d-%s` 18.
const DIGITS_MAX: usize = 18;
/// Logs one path with a `*` may mean.
pub(crate) const FAMILIES_MAX: usize = 64;

/// A file of a family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// When it was written last: no line in it is younger.
    pub(crate) modified: Timestamp,
    /// What tells that nobody touched it, where the system has that.
    pub(crate) stamp: Option<Stamp>,
}

/// A file of a directory, and what tells that nobody touched it.
type Listed = (PathBuf, Option<Stamp>);

/// A log with its rotations, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Family {
    /// The file that is written now.
    pub(crate) path: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// The families of `paths` that exist. A directory that cannot be listed is an error of its own, and so is a path with a
/// `*` that means more than [`FAMILIES_MAX`] further logs ([`Reason::BudgetExhausted`]).
///
/// What this machine's logrotate puts elsewhere, or calls otherwise, is found by `kept`.
pub(crate) fn families(
    disk: &dyn Disk,
    kept: &Kept,
    paths: &[&str],
) -> (Vec<Family>, Vec<DiskError>) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let mut folders = Folders::new(disk);
    let paths: Vec<PathBuf> = paths
        .iter()
        .flat_map(|path| in_directories(disk, Path::new(path), &mut errors))
        .collect();
    let mut directories: Vec<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    directories.sort_unstable();
    directories.dedup();
    for directory in directories {
        let entries = match disk.list_stamped(directory, ENTRIES_MAX) {
            Ok(listed) => listed.entries,
            Err(error) if error.is_absent() => continue,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let files: Vec<(PathBuf, Option<Stamp>)> = entries
            .into_iter()
            .filter(|(entry, _)| entry.kind == EntryKind::File)
            .map(|(entry, stamp)| (entry.path, stamp))
            .collect();
        let here = |p: &&Path| p.parent() == Some(directory);
        // Logs with a name of their own come first: those of clients, however many, do not push them out.
        let (patterns, named): (Vec<&Path>, Vec<&Path>) = paths
            .iter()
            .map(PathBuf::as_path)
            .filter(here)
            .partition(|path| is_pattern(path));
        let mut bases: BTreeSet<PathBuf> = named.into_iter().map(Path::to_owned).collect();
        for pattern in patterns {
            let mut meant = written_now(pattern, &files);
            meant.retain(|path| !bases.contains(path));
            if meant.len() > FAMILIES_MAX {
                errors.push(DiskError::because(pattern, Reason::BudgetExhausted));
                meant.truncate(FAMILIES_MAX);
            }
            bases.extend(meant);
        }
        for base in bases {
            let rotated = kept.rotated(&base);
            let elsewhere = folders.rotations_of(&base, &rotated, &mut errors);
            out.extend(family(disk, &base, (&files, &elsewhere), &rotated));
        }
    }
    (out, errors)
}

fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().contains(&b'*')
}

/// `path` in every directory that is meant, where a `*` stands in the name of the one it lies in.
fn in_directories(disk: &dyn Disk, path: &Path, errors: &mut Vec<DiskError>) -> Vec<PathBuf> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    if !is_pattern(parent) {
        return vec![path.to_owned()];
    }
    let above = parent.parent().unwrap_or(parent);
    let entries = match disk.list(above, ENTRIES_MAX) {
        Ok(entries) => entries,
        Err(error) => {
            errors.extend((!error.is_absent()).then_some(error));
            return Vec::new();
        }
    };
    let mut out: Vec<PathBuf> = entries
        .into_iter()
        .filter(|entry| entry.kind == EntryKind::Directory && is_meant(parent, &entry.path))
        .map(|entry| entry.path.join(name))
        .collect();
    if out.len() > FAMILIES_MAX {
        errors.push(DiskError::because(path, Reason::BudgetExhausted));
        out.truncate(FAMILIES_MAX);
    }
    out
}

/// The files a path with a `*` means, without the rotations of others.
fn written_now(path: &Path, files: &[(PathBuf, Option<Stamp>)]) -> Vec<PathBuf> {
    let meant: BTreeSet<&str> = files
        .iter()
        .map(|(file, _)| file)
        .filter(|file| is_meant(path, file))
        .filter_map(|file| file.file_name()?.to_str())
        .collect();
    let rotated = |name: &str| {
        let cut = (1..name.len()).filter(|at| name.is_char_boundary(*at));
        cut.map(|at| name.split_at(at))
            .any(|(base, ending)| is_rotation(ending) && meant.contains(base))
    };
    meant
        .iter()
        .filter(|name| !rotated(name))
        .map(|name| path.with_file_name(name))
        .collect()
}

/// True if `pattern`, each part of which may hold one `*`, means `path`.
pub(crate) fn is_meant(pattern: &Path, path: &Path) -> bool {
    fn name(path: &Path) -> Option<&str> {
        path.file_name().and_then(|name| name.to_str())
    }
    let (Some(wanted), Some(name)) = (name(pattern), name(path)) else {
        return pattern == path;
    };
    let (above, here) = (pattern.parent(), path.parent());
    let same_place = match (above, here) {
        (Some(above), Some(here)) if is_pattern(above) => is_meant(above, here),
        _ => above == here,
    };
    same_place
        && match wanted.split_once('*') {
            None => wanted == name,
            Some((before, after)) => name
                .strip_prefix(before)
                .is_some_and(|rest| rest.ends_with(after)),
        }
}

/// Folders that only hold what was rotated, each listed once: many logs share one.
struct Folders<'d> {
    disk: &'d dyn Disk,
    listed: BTreeMap<PathBuf, Vec<Listed>>,
}

impl<'d> Folders<'d> {
    fn new(disk: &'d dyn Disk) -> Self {
        Self {
            disk,
            listed: BTreeMap::new(),
        }
    }

    /// The files of the directory that rotated ones are put into.
    fn rotations_of(
        &mut self,
        path: &Path,
        rotated: &Rotated,
        errors: &mut Vec<DiskError>,
    ) -> Vec<Listed> {
        let folder = rotated.folder.as_deref();
        let Some(folder) = folder.filter(|folder| path.parent() != Some(folder)) else {
            return Vec::new();
        };
        let listed = match self.listed.get(folder) {
            Some(known) => known,
            None => {
                let files = files_in(self.disk, folder, errors);
                self.listed.entry(folder.to_owned()).or_insert(files)
            }
        };
        // What is called like the log itself is none of its rotations.
        let is_other = |(file, _): &&Listed| file.file_name() != path.file_name();
        listed.iter().filter(is_other).cloned().collect()
    }
}

fn files_in(disk: &dyn Disk, folder: &Path, errors: &mut Vec<DiskError>) -> Vec<Listed> {
    match disk.list_stamped(folder, ENTRIES_MAX) {
        Ok(listed) => (listed.entries.into_iter())
            .filter(|(entry, _)| entry.kind == EntryKind::File)
            .map(|(entry, stamp)| (entry.path, stamp))
            .collect(),
        Err(error) => {
            errors.extend((!error.is_absent()).then_some(error));
            Vec::new()
        }
    }
}

/// True if `name` is that of the log `base` or of a rotation of it, which may keep the log's `ending`.
fn is_of(base: &str, name: &str, ending: Option<&str>) -> bool {
    let keeps_ending = || {
        let ending = ending?;
        let rest = name.strip_prefix(base.strip_suffix(ending)?)?;
        let middle = plain(rest).unwrap_or(rest).strip_suffix(ending)?;
        Some(!middle.is_empty() && is_rotation(middle))
    };
    name.strip_prefix(base).is_some_and(is_rotation) || keeps_ending().unwrap_or_default()
}

fn family(
    disk: &dyn Disk,
    path: &Path,
    (files, elsewhere): (&[Listed], &[Listed]),
    rotated: &Rotated,
) -> Option<Family> {
    let base = path.file_name()?.to_str()?;
    let mut members: Vec<Member> = files
        .iter()
        .chain(elsewhere)
        .filter(|(file, _)| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| is_of(base, name, rotated.ending.as_deref()))
        })
        .filter_map(|(file, stamp)| member(disk, file, *stamp))
        .collect();
    without_copies(disk, &mut members);
    members.sort_by(|a, b| (b.modified, &a.path).cmp(&(a.modified, &b.path)));
    (!members.is_empty()).then(|| Family {
        path: path.to_owned(),
        members,
    })
}

/// What a rotation that is compressed ends in.
const PACKINGS: &[&str] = &[".gz", ".zst", ".xz", ".bz2"];

/// The name without the ending of a compression.
fn plain(name: &str) -> Option<&str> {
    PACKINGS.iter().find_map(|ending| name.strip_suffix(ending))
}

/// Leaves out what was, or is just being, compressed and stands there as it was too: its lines are the same.
fn without_copies(disk: &dyn Disk, members: &mut Vec<Member>) {
    let is_copy = |packed: &Member| {
        let path = packed.path.to_str().and_then(plain).map(Path::new);
        let mut others = members.iter().map(|member| member.path.as_path());
        path.is_some_and(|path| {
            others.any(|other| other == path) && begins_alike(disk, &packed.path, path)
        })
    };
    let copies: BTreeSet<PathBuf> = (members.iter().filter(|member| is_copy(member)))
        .map(|member| member.path.clone())
        .collect();
    members.retain(|member| !copies.contains(&member.path));
}

/// True if the begin of `packed`, as far as it can be unpacked, is that of `path`.
fn begins_alike(disk: &dyn Disk, packed: &Path, path: &Path) -> bool {
    let (Ok(packed), Ok(file)) = (disk.open(packed), disk.open(path)) else {
        return false;
    };
    let mut begin = Vec::new();
    let unpacked = lines::unpacked(packed.as_ref(), 0);
    // What cannot be unpacked here stands beside it unpacked, as its gap would ask for; what is cut tells its begin.
    let _ = unpacked.map(|unpacked| unpacked.read.take(BEGIN).read_to_end(&mut begin));
    let mut own = vec![0; begin.len()];
    file.read_at(0, &mut own).is_ok_and(|got| got == own.len()) && own == begin
}

/// Where the journal of systemd lies on a disk, and where until it is flushed to one.
pub(crate) const JOURNAL: &str = "/var/log/journal";
const JOURNALS: &[&str] = &[JOURNAL, "/run/log/journal"];

/// The files of this machine's own journals, newest first; users' own ones are their business.
pub(crate) fn journals(disk: &dyn Disk) -> (Vec<Member>, Vec<DiskError>) {
    let own = own_id(disk);
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let mut list = |path: &Path| match disk.list_stamped(path, ENTRIES_MAX) {
        Ok(listed) => listed.entries,
        Err(error) => {
            errors.extend((!error.is_absent()).then_some(error));
            Vec::new()
        }
    };
    for root in JOURNALS {
        for (machine, _) in list(Path::new(root)) {
            let name = machine.path.file_name().and_then(|name| name.to_str());
            let is_own = name.is_some_and(|name| own.as_ref().is_none_or(|own| own == name));
            if is_own && machine.kind == EntryKind::Directory {
                let files = list(&machine.path).into_iter();
                out.extend(files.filter(|(entry, _)| is_system_journal(entry)));
            }
        }
    }
    let mut out: Vec<Member> = out
        .iter()
        .filter_map(|(file, stamp)| member(disk, &file.path, *stamp))
        .collect();
    out.sort_by(|a, b| (b.modified, &a.path).cmp(&(a.modified, &b.path)));
    (out, errors)
}

fn is_system_journal(entry: &Entry) -> bool {
    let name = entry.path.file_name().and_then(|name| name.to_str());
    let is_journal = |name: &str| {
        (name == "system.journal" || name.starts_with("system@"))
            && (name.ends_with(".journal") || name.ends_with(".journal~"))
    };
    entry.kind == EntryKind::File && name.is_some_and(is_journal)
}

/// Under which name the machine's journals lie; a container's may lie beside them.
fn own_id(disk: &dyn Disk) -> Option<String> {
    let read = disk.read(Path::new("/etc/machine-id"), 64).ok()?;
    let id = std::str::from_utf8(&read.bytes).ok()?.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

fn member(disk: &dyn Disk, path: &Path, stamp: Option<Stamp>) -> Option<Member> {
    let metadata = disk.metadata(path).ok()?;
    (metadata.kind == EntryKind::File).then(|| Member {
        path: path.to_owned(),
        bytes: metadata.bytes,
        modified: Timestamp::from_seconds(metadata.modified),
        stamp,
    })
}

/// True for what stands after a log's name when it is the log itself or a rotation of it: nothing, a number, a date,
/// and the ending of a compression.
fn is_rotation(ending: &str) -> bool {
    let plain = plain(ending).unwrap_or(ending);
    let counted = |s: &str| !s.is_empty() && s.len() <= 3 && s.bytes().all(|b| b.is_ascii_digit());
    let dated = |s: &str| {
        let digits = s.bytes().filter(u8::is_ascii_digit).count();
        (8..=DIGITS_MAX).contains(&digits)
            && s.bytes()
                .all(|b| b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    match plain.split_at_checked(1) {
        None => plain.is_empty() && ending.is_empty(),
        // cupsd calls its one older file so.
        Some((".", "O")) => true,
        Some((".", rest)) => counted(rest) || dated(rest),
        Some(("-" | "_", rest)) => dated(rest),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_means_logs_and_not_their_rotations() {
        let files: Vec<(PathBuf, Option<Stamp>)> = [
            "log.smbd",
            "log.smbd.1",
            "log.10.0.0.1",
            "log.smbd-20261101.gz",
            "smbd.log",
        ]
        .iter()
        .map(|name| (Path::new("/var/log/samba").join(name), None))
        .collect();
        let meant = written_now(Path::new("/var/log/samba/log.*"), &files);
        let want = ["log.10.0.0.1", "log.smbd"].map(|name| Path::new("/var/log/samba").join(name));
        assert_eq!(meant, want);
        assert!(is_meant(
            Path::new("/l/slapd-*/access"),
            Path::new("/l/slapd-one/access")
        ));
        assert!(!is_meant(
            Path::new("/l/slapd-*/access"),
            Path::new("/l/slapd-one/old/access")
        ));
        assert!(!is_meant(
            Path::new("/a/p-*.log"),
            Path::new("/a/p-15.log.1")
        ));
    }

    #[test]
    fn a_rotation_that_keeps_the_ending_of_its_log_is_one() {
        for yes in [
            "mail.log",
            "mail.log.1",
            "mail.1.log",
            "mail-20261101.log.gz",
        ] {
            assert!(is_of("mail.log", yes, Some(".log")), "{yes}");
        }
        for no in [
            "mail.log.log",
            "mail-old.log",
            "mailer-20261101.log",
            "mail.1.txt",
        ] {
            assert!(!is_of("mail.log", no, Some(".log")), "{no}");
        }
        assert!(!is_of("mail.log", "mail.1.log", None));
    }

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
            ".O",
            ".20261101032500123",
            "-20261101-1793491200.gz",
        ] {
            assert!(is_rotation(yes), "{yes}");
        }
        for no in [
            ".gz",
            ".log",
            ".old",
            "-backup",
            ".1.txt",
            "2",
            ".err",
            ".1234",
            "-2026",
            ".OLD",
            ".o",
            "-20261101-1793491200-9",
        ] {
            assert!(!is_rotation(no), "{no}");
        }
    }
}
