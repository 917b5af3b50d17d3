//! Which files a search looks into: more than the look does, and still no samples, copies, documents or logs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use groma_knowledge::rules::SILENCE;
use groma_model::Reason;
use groma_source::{Disk, EntryKind};

use crate::glob::{literal_prefix, matches};
use crate::judged::{is_on_a_drive, judged};
use crate::roots::{is_drive, of_drives};
use crate::silence::{is_copy, is_silent_path};
use crate::text::lines;

/// Where a machine keeps what somebody wrote.
pub(super) const ROOTS: &[&str] = &[
    "/etc",
    "/opt",
    "/srv",
    "/usr/local",
    "/home",
    "/root",
    "/var/www",
    "/var/spool/cron",
    "/var/spool/at",
    "/var/spool/hylafax/etc",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/var/lib/postgresql",
    "/var/lib/pgsql",
    "/var/lib/jenkins",
    "/var/lib/tomcat8",
    "/var/lib/tomcat9",
    "/var/lib/tomcat10",
    "/var/lib/nextcloud",
    "/var/lib/rundeck",
    "/var/lib/gitea",
    "/var/lib/awx",
    "/var/lib/samba/sysvol",
    "/usr/openv/netbackup",
    "/usr/lib/oracle",
    "/var/ossec/etc",
];

const DEPTH_MAX: usize = 32;
const LISTED_MAX: usize = 100_000;
/// Accounts whose homes are looked into.
const ACCOUNTS_MAX: usize = 1_000;

/// The usual places, and what begins with a dot in the homes of accounts that live elsewhere.
pub(super) fn roots(disk: &dyn Disk) -> Vec<PathBuf> {
    if cfg!(windows) {
        return on_drives(disk, &groma_source::disk::drives(disk));
    }
    let mut roots: Vec<PathBuf> = ROOTS.iter().map(PathBuf::from).collect();
    let read = disk.read(Path::new("/etc/passwd"), 1 << 20);
    let text = read.map(|r| String::from_utf8_lossy(&r.bytes).into_owned());
    let mut seen = HashSet::new();
    for (_, line) in lines(&text.unwrap_or_default()).take(ACCOUNTS_MAX) {
        let home = line.split(':').nth(5).unwrap_or_default();
        let elsewhere = home.matches('/').count() >= 2
            && !["/run", "/proc", "/sys", "/dev", "/usr", "/nonexistent"]
                .iter()
                .any(|not| home.starts_with(not))
            && !roots.iter().any(|root| Path::new(home).starts_with(root));
        if !elsewhere || !seen.insert(home.to_owned()) {
            continue;
        }
        let listed = disk.list(Path::new(home), LISTED_MAX).unwrap_or_default();
        let dotted = |path: &Path| {
            path.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| n.starts_with('.'))
        };
        let entries = listed.into_iter().filter(|e| dotted(&e.path));
        roots.extend(
            entries
                .filter(|e| matches!(e.kind, EntryKind::File | EntryKind::Directory))
                .map(|e| e.path),
        );
    }
    roots
}

/// The same on a machine of Windows.
fn on_drives(disk: &dyn Disk, drives: &[PathBuf]) -> Vec<PathBuf> {
    let mut roots = of_drives(disk, drives);
    roots.retain(|root| !is_silent_path(&judged(root)));
    roots
}

/// True if the walk meets `path` by itself.
pub(super) fn is_met(path: &Path) -> bool {
    let is_below = is_on_a_drive(&judged(path)) || ROOTS.iter().any(|root| path.starts_with(root));
    is_below
        && !path
            .ancestors()
            .skip(1)
            .any(|a| is_silent_directory(&judged(a)))
}

fn is_silent_directory(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is = |list: &[String]| list.iter().any(|d| d == name);
    (is(&SILENCE.directories) && !is(&SILENCE.searched_directories)) || is_unsearched(path)
}

fn is_unsearched(path: &str) -> bool {
    // What is Windows' own names nobody of the house, however widely one looks.
    let of_windows = is_on_a_drive(path) && is_silent_path(path);
    of_windows
        || SILENCE
            .unsearched_paths
            .iter()
            .any(|glob| path.starts_with(literal_prefix(glob)) && matches(glob, path))
}

/// True for a file that is no configuration even when everything is searched.
fn is_silent_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let ends = |list: &[String]| list.iter().any(|e| name.ends_with(e.as_str()));
    let silent = ends(&SILENCE.endings) && !ends(&SILENCE.searched_endings);
    let plain = name.split('.').next().unwrap_or(&name);
    let document = [
        "readme",
        "changelog",
        "license",
        "licence",
        "copying",
        "news",
    ]
    .contains(&plain);
    silent || document || SILENCE.names.contains(&name) || is_copy(path) || is_unsearched(path)
}

/// The files below one root, in order.
pub(super) struct Files<'d> {
    disk: &'d dyn Disk,
    ahead: Vec<(PathBuf, usize)>,
    ready: Vec<PathBuf>,
    visited: HashSet<(u64, u64)>,
    /// What could not be looked at.
    pub(super) missed: Vec<(PathBuf, Reason)>,
    /// Entries that may still be visited.
    pub(super) entries_left: u64,
}

impl<'d> Files<'d> {
    pub(super) fn below(root: &Path, disk: &'d dyn Disk, entries_left: u64) -> Self {
        Self {
            disk,
            ahead: vec![(root.to_owned(), 0)],
            ready: Vec::new(),
            visited: HashSet::new(),
            missed: Vec::new(),
            entries_left,
        }
    }

    /// True if the walk ended because the budget is used up.
    pub(super) fn is_cut(&self) -> bool {
        self.entries_left == 0 && !self.ahead.is_empty()
    }

    fn enter(&mut self, directory: &Path, depth: usize) {
        let known = match self.disk.metadata(directory) {
            Ok(known) => known,
            Err(error) if error.is_absent() => return,
            Err(error) => return self.missed.push((directory.to_owned(), error.reason)),
        };
        match known.kind {
            EntryKind::File => return self.ready.push(directory.to_owned()),
            EntryKind::Directory => {}
            EntryKind::Link | EntryKind::Special => return,
        }
        let again = known.identity != (0, 0) && !self.visited.insert(known.identity);
        if again {
            return;
        }
        let listed = match self.disk.list(directory, LISTED_MAX) {
            Ok(listed) => listed,
            Err(error) if error.is_absent() => return,
            Err(error) => return self.missed.push((directory.to_owned(), error.reason)),
        };
        if listed.len() >= LISTED_MAX || depth >= DEPTH_MAX {
            self.missed
                .push((directory.to_owned(), Reason::BudgetExhausted));
        }
        let count = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        self.entries_left = self.entries_left.saturating_sub(count);
        let mut below = Vec::new();
        for entry in listed {
            let path = judged(&entry.path);
            match entry.kind {
                // The directories of a drive are roots of their own.
                EntryKind::Directory if is_drive(directory) => {}
                EntryKind::Directory if path.ends_with("/.git") => {
                    self.ready.push(entry.path.join("config"));
                }
                EntryKind::Directory if depth < DEPTH_MAX && !is_silent_directory(&path) => {
                    below.push((entry.path, depth + 1));
                }
                EntryKind::File | EntryKind::Link if !is_silent_file(&path) => {
                    self.ready.push(entry.path);
                }
                _ => {}
            }
        }
        self.ready.reverse();
        self.ahead.extend(below.into_iter().rev());
    }
}

impl Iterator for Files<'_> {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        while self.ready.is_empty() && self.entries_left > 0 {
            let (directory, depth) = self.ahead.pop()?;
            self.enter(&directory, depth);
        }
        self.ready.pop()
    }
}

#[cfg(test)]
mod tests {
    use groma_source::testing::FakeDisk;

    use super::*;

    fn met(disk: &FakeDisk, root: &str) -> Vec<String> {
        Files::below(Path::new(root), disk, 1_000)
            .map(|p| p.display().to_string())
            .collect()
    }

    #[test]
    fn a_search_is_wider_than_a_look_and_still_no_library() {
        let disk = FakeDisk::new()
            .file("/etc/nftables.conf", "")
            .file("/etc/app.conf", "")
            .file("/etc/app.conf.bak", "")
            .file("/etc/app.conf.dpkg-dist", "")
            .file("/etc/README", "")
            .file("/etc/shadow", "")
            .file("/etc/doc/a.conf", "")
            .file("/etc/ansible/host_vars/web1", "")
            .file("/etc/a/.git/config", "")
            .file("/etc/a/.git/objects/x", "")
            .file("/etc/list.txt", "")
            .special("/etc/pipe");
        assert_eq!(
            met(&disk, "/etc"),
            [
                "/etc/app.conf",
                "/etc/list.txt",
                "/etc/nftables.conf",
                "/etc/a/.git/config",
                "/etc/ansible/host_vars/web1"
            ]
        );
    }

    #[test]
    fn a_drive_of_windows_is_searched_without_the_system_itself() {
        let disk = FakeDisk::new()
            .file("C:/backup.cmd", "")
            .file("C:/Windows/a.ini", "")
            .file("D:/Apps/Erp/Erp.ini", "")
            .file("D:/Apps/node_modules/a.ini", "")
            .file("D:/Apps/Erp.DLL", "");
        let roots = on_drives(&disk, &groma_source::disk::drives(&disk));
        let found: Vec<String> = roots
            .iter()
            .flat_map(|root| Files::below(root, &disk, 1000))
            .map(|path| path.display().to_string())
            .collect();
        assert_eq!(found, ["C:/backup.cmd", "D:/Apps/Erp/Erp.ini"]);
        assert!(is_met(Path::new("D:/Apps/Erp/Erp.ini")));
        assert!(!is_met(Path::new("C:/Windows/a.ini")));
    }

    #[test]
    fn dotfiles_of_service_accounts_are_roots() {
        let disk = FakeDisk::new()
            .file(
                "/etc/passwd",
                "a:x:1:1::/var/lib/a:/bin/sh\nb:x:2:2::/nonexistent:\nc:x:3:3::/home/c:/bin/sh\n",
            )
            .file("/var/lib/a/.netrc", "")
            .file("/var/lib/a/data", "");
        let roots = roots(&disk);
        assert!(roots.contains(&PathBuf::from("/var/lib/a/.netrc")));
        assert_eq!(roots.len(), ROOTS.len() + 1);
        assert_eq!(met(&disk, "/var/lib/a/.netrc"), ["/var/lib/a/.netrc"]);
    }

    #[test]
    fn a_budget_ends_the_walk() {
        let disk = FakeDisk::new().file("/srv/a/x", "").file("/srv/b/y", "");
        let mut files = Files::below(Path::new("/srv"), &disk, 1);
        assert_eq!(files.by_ref().count(), 0);
        assert!(files.is_cut());
    }
}
