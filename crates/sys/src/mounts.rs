//! The mount table: what lies on this machine, what on another, and what is no storage at all.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Mounts above each other that are followed to the root.
const DEPTH_MAX: usize = 64;

/// What a mounted file system is to somebody who wants to read a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Storage of this machine.
    Local,
    /// Another machine, or another program, answers every question about it: it may never answer.
    Remote,
    /// The kernel's tables of processes (proc(5)).
    Processes,
    /// Other tables of the kernel.
    Tables,
    /// Reading there takes something away from somebody, or takes effect.
    Instruments,
}

/// Every mount that can be reached by a path, by its mount point.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct MountTable {
    by_point: HashMap<Vec<u8>, Class>,
    /// How many bytes mount points have, the last bit for all that have more: a path is asked for none of the others.
    lengths: u128,
}

impl MountTable {
    /// Reads a table as the kernel prints it (proc(5), `mountinfo`).
    pub(crate) fn parse(table: &[u8]) -> Self {
        Self::parse_with(table, &backing_file)
    }

    fn parse_with(table: &[u8], backing_file: &dyn Fn(&[u8]) -> Option<PathBuf>) -> Self {
        let lines: Vec<Line> = table
            .split(|b| *b == b'\n')
            .filter_map(Line::parse)
            .collect();
        let hidden = hidden(&lines);
        let mut found = Self::default();
        for line in lines
            .iter()
            .zip(&hidden)
            .filter(|(_, h)| !**h)
            .map(|(l, _)| l)
        {
            let mut class = class_of(&line.kind);
            // A table that is drained by reading keeps that habit wherever it is mounted.
            let table = line.root.rsplit(|b| *b == b'/').next().unwrap_or_default();
            if class == Class::Processes && is_drained_by_reading(table) {
                class = Class::Instruments;
            }
            // A container's image or a disk image may itself lie on another machine.
            let beneath = line.beneath(backing_file);
            if class == Class::Local && beneath.iter().any(|path| found.is_remote(path)) {
                class = Class::Remote;
            }
            // Where everything is remote, there is nothing else to look at.
            if line.point == b"/" && class == Class::Remote {
                class = Class::Local;
            }
            found.lengths |= bit_of(&line.point);
            found.by_point.insert(line.point.clone(), class);
        }
        found
    }

    /// True if getting to `path` touches another machine. `path` is absolute and free of links and dots.
    pub(crate) fn is_remote(&self, path: &Path) -> bool {
        self.along(path).any(|class| class == Class::Remote)
    }

    /// What `path` lies on.
    pub(crate) fn class(&self, path: &Path) -> Class {
        self.along(path).last().unwrap_or(Class::Local)
    }

    /// Where the file system is mounted that `path` lies on.
    pub(crate) fn point(&self, path: &Path) -> PathBuf {
        let mut above = path.ancestors();
        let point = above.find(|at| self.by_point.contains_key(at.as_os_str().as_bytes()));
        point.unwrap_or(Path::new("/")).to_owned()
    }

    /// True if something is mounted right in the directory at `path`.
    pub(crate) fn are_in(&self, path: &Path) -> bool {
        let within = path.as_os_str().as_bytes();
        let within = within.strip_suffix(b"/").unwrap_or(within);
        self.by_point.keys().any(|point| {
            let below = point.strip_prefix(within).unwrap_or_default();
            matches!(below, [b'/', name @ ..] if !name.is_empty() && !name.contains(&b'/'))
        })
    }

    /// The classes of the mounts passed on the way to `path`, from the root down.
    fn along(&self, path: &Path) -> impl Iterator<Item = Class> {
        let bytes = path.as_os_str().as_bytes();
        let root = std::iter::once(&b"/"[..]);
        let itself = std::iter::once(bytes).filter(|path| *path != b"/");
        let way = root.chain(prefixes(bytes)).chain(itself);
        way.filter(|part| self.lengths & bit_of(part) != 0)
            .filter_map(|part| self.by_point.get(part).copied())
    }
}

fn bit_of(path: &[u8]) -> u128 {
    1 << path.len().min(127)
}

/// One line of the table.
struct Line {
    id: u64,
    parent: u64,
    /// What of the file system is mounted; `/` for all of it.
    root: Vec<u8>,
    point: Vec<u8>,
    kind: String,
    source: Vec<u8>,
    options: Vec<u8>,
}

impl Line {
    fn parse(line: &[u8]) -> Option<Self> {
        let words: Vec<&[u8]> = line.split(|b| *b == b' ').collect();
        let number = |at: usize| std::str::from_utf8(words.get(at)?).ok()?.parse().ok();
        let dash = words.iter().position(|w| *w == b"-")?;
        Some(Self {
            id: number(0)?,
            parent: number(1)?,
            root: unescape(words.get(3)?),
            point: unescape(words.get(4)?),
            kind: String::from_utf8_lossy(words.get(dash + 1)?).into_owned(),
            source: unescape(words.get(dash + 2).copied().unwrap_or_default()),
            options: words.get(dash + 3).copied().unwrap_or_default().to_vec(),
        })
    }

    /// Where the bytes of this file system come from, if they are files and directories of another one.
    fn beneath(&self, backing_file: &dyn Fn(&[u8]) -> Option<PathBuf>) -> Vec<PathBuf> {
        if self.kind == "overlay" {
            return layers(&self.options);
        }
        backing_file(&self.source).into_iter().collect()
    }
}

/// The directories of an overlay (kernel documentation, `filesystems/overlayfs.rst`).
fn layers(options: &[u8]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for option in options.split(|b| *b == b',') {
        let value = [&b"lowerdir="[..], b"lowerdir+=", b"datadir+=", b"upperdir="]
            .iter()
            .find_map(|name| option.strip_prefix(*name));
        let paths = value.into_iter().flat_map(|v| v.split(|b| *b == b':'));
        all.extend(
            paths
                .filter(|path| path.starts_with(b"/"))
                .map(|path| PathBuf::from(OsString::from_vec(unescape(path)))),
        );
    }
    all
}

/// The file a loop device shows as a disk, as sysfs tells.
fn backing_file(source: &[u8]) -> Option<PathBuf> {
    let name = std::str::from_utf8(source.strip_prefix(b"/dev/loop")?).ok()?;
    let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
    let told = fs::read(format!("/sys/block/loop{digits}/loop/backing_file")).ok()?;
    let told = told.strip_suffix(b"\n").unwrap_or(&told).to_vec();
    Some(PathBuf::from(OsString::from_vec(told)))
}

/// For each line, whether something is mounted over it, so that no path leads there.
fn hidden(lines: &[Line]) -> Vec<bool> {
    let by_id: HashMap<u64, &Line> = lines.iter().map(|line| (line.id, line)).collect();
    let points: HashSet<(u64, &[u8])> = lines
        .iter()
        .map(|line| (line.parent, line.point.as_slice()))
        .collect();
    lines
        .iter()
        .map(|line| is_hidden(line, &by_id, &points))
        .collect()
}

fn is_hidden(line: &Line, by_id: &HashMap<u64, &Line>, points: &HashSet<(u64, &[u8])>) -> bool {
    let mut here = line;
    let mut hidden = points.contains(&(line.id, line.point.as_slice()));
    for _ in 0..DEPTH_MAX {
        // Another mount on the same parent, nearer to the root, stands in the way.
        hidden |= prefixes(&here.point).any(|part| points.contains(&(here.parent, part)));
        let above = by_id.get(&here.parent).filter(|above| above.id != here.id);
        let Some(above) = above else { break };
        // What is mounted exactly on top of a mount is its child, and is what is seen.
        let on_top = here.point == above.point;
        hidden |= !on_top && points.contains(&(above.id, above.point.as_slice()));
        here = above;
    }
    hidden
}

/// The directories above `point`, without the root and itself.
fn prefixes(point: &[u8]) -> impl Iterator<Item = &[u8]> {
    (1..point.len())
        .filter(|end| point.get(*end) == Some(&b'/'))
        .filter_map(|end| point.get(..end))
}

/// Tables of processes that look like files, and of which a reader takes something away (`kmsg`), or which
/// hold the memory of the machine.
pub(crate) fn is_drained_by_reading(name: &[u8]) -> bool {
    matches!(
        name,
        b"kmsg" | b"kcore" | b"mem" | b"pagemap" | b"kpagecount" | b"kpageflags" | b"kpagecgroup"
    )
}

fn class_of(kind: &str) -> Class {
    match kind {
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "ceph" | "glusterfs" | "afs" | "9p"
        | "virtiofs" | "ncpfs" | "coda" | "autofs" | "lustre" | "ocfs2" | "gfs2" | "gfs"
        | "davfs" | "beegfs" | "gpfs" | "panfs" | "pvfs2" | "orangefs" | "wekafs" | "cvfs"
        | "acfs" | "vboxsf" | "vmhgfs" | "prl_fs" | "afpfs" => Class::Remote,
        _ if kind.starts_with("fuse") && kind != "fusectl" => Class::Remote,
        "proc" => Class::Processes,
        "sysfs" | "cgroup" | "cgroup2" | "cpuset" | "securityfs" | "selinuxfs" | "smackfs"
        | "configfs" | "efivarfs" | "pstore" | "binfmt_misc" | "nfsd" | "resctrl" => Class::Tables,
        "tracefs" | "debugfs" | "devpts" | "mqueue" | "rpc_pipefs" | "fusectl" | "bpf"
        | "functionfs" | "usbfs" | "oprofilefs" | "xenfs" => Class::Instruments,
        _ => Class::Local,
    }
}

/// Octal escapes of the mount table, as `\040` for a space.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| *first == b'\\').and_then(|d| {
            std::str::from_utf8(d)
                .ok()
                .and_then(|d| u8::from_str_radix(d, 8).ok())
        });
        out.push(octal.unwrap_or(*first));
        rest = match octal {
            Some(_) => tail.get(3..).unwrap_or_default(),
            None => tail,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> MountTable {
        MountTable::parse_with(text.as_bytes(), &|source| {
            (source == b"/dev/loop7").then(|| PathBuf::from("/srv/nas/disk.img"))
        })
    }

    fn remote(table: &MountTable, path: &str) -> bool {
        table.is_remote(Path::new(path))
    }

    #[test]
    fn network_mounts_are_known_before_they_are_touched() {
        let table = table(
            "36 35 98:0 / / rw - ext4 /dev/root rw\n\
             40 36 0:44 / /srv/old\\040files rw - nfs4 nas:/x rw\n\
             41 36 0:45 / /mnt/w rw - fuse.sshfs u@h: rw\n\
             42 36 0:46 / /misc rw - autofs /etc/auto.misc rw\n",
        );
        for path in [
            "/srv/old files",
            "/srv/old files/a/b",
            "/mnt/w/x",
            "/misc/any",
        ] {
            assert!(remote(&table, path), "{path}");
        }
        for path in [
            "/",
            "/srv",
            "/srv/old",
            "/srv/old files too",
            "/mnt/windows",
        ] {
            assert!(!remote(&table, path), "{path}");
        }
    }

    #[test]
    fn a_local_mount_below_a_remote_one_cannot_be_reached_without_touching_it() {
        let table = table(
            "36 35 98:0 / / rw - ext4 /dev/root rw\n\
             40 36 0:44 / /net rw - nfs nas:/x rw\n41 40 0:45 / /net/tmp rw - tmpfs tmpfs rw\n",
        );
        assert!(remote(&table, "/net/tmp/x"));
    }

    #[test]
    fn what_is_mounted_on_top_is_what_counts() {
        let automounted = table(
            "36 35 98:0 / / rw - ext4 /dev/root rw\n40 36 0:44 / /data rw - autofs systemd-1 rw\n\
             41 40 8:1 / /data rw - ext4 /dev/sda1 rw\n",
        );
        assert!(!remote(&automounted, "/data/x"));
        let overmounted = table(
            "36 35 98:0 / / rw - ext4 /dev/root rw\n40 36 0:44 / /a rw - ext4 /dev/sda1 rw\n\
             41 40 0:45 / /a/b rw - nfs nas:/ rw\n42 40 0:46 / /a rw - tmpfs tmpfs rw\n",
        );
        assert!(
            !remote(&overmounted, "/a/b/x"),
            "no path leads to what lies below"
        );
        let covered_above = table(
            "36 35 98:0 / / rw - ext4 /dev/root rw\n40 36 0:44 / /a/b rw - nfs nas:/ rw\n\
             41 36 0:45 / /a rw - tmpfs tmpfs rw\n",
        );
        assert!(!remote(&covered_above, "/a/b"));
    }

    #[test]
    fn an_image_that_lies_on_another_machine_is_as_remote_as_it() {
        let table = table(
            "36 35 98:0 / / rw - ext4 /dev/root rw\n40 36 0:44 / /srv/nas rw - nfs nas:/ rw\n\
             41 36 7:7 / /mnt/image rw - ext4 /dev/loop7 rw\n42 36 7:8 / /mnt/own rw - ext4 /dev/loop8 rw\n\
             43 36 0:50 / /run/merged rw - overlay overlay rw,lowerdir=/var/l:/srv/nas/l,upperdir=/var/u,workdir=/var/w\n\
             44 36 0:51 / /run/own rw - overlay overlay rw,lowerdir=/var/l,upperdir=/var/u,workdir=/var/w\n",
        );
        assert!(remote(&table, "/mnt/image/etc") && remote(&table, "/run/merged/etc"));
        assert!(!remote(&table, "/mnt/own/etc") && !remote(&table, "/run/own/etc"));
    }

    #[test]
    fn a_machine_that_lies_on_another_one_as_a_whole_is_still_looked_at() {
        let table = table(
            "36 35 0:1 / / rw - 9p root rw\n37 36 0:2 / /proc rw - proc proc rw\n\
             38 37 0:3 / /proc/sys/fs/binfmt_misc rw - binfmt_misc none rw\n",
        );
        assert!(!remote(&table, "/etc/passwd"));
        assert_eq!(table.class(Path::new("/proc/1/stat")), Class::Processes);
        assert_eq!(
            table.class(Path::new("/proc/sys/fs/binfmt_misc/x")),
            Class::Tables
        );
    }

    #[test]
    fn a_table_that_is_drained_by_reading_is_known_wherever_it_is_mounted() {
        let table = table(
            "36 35 0:1 / / rw - ext4 /dev/sda rw\n37 36 0:2 / /proc rw - proc proc rw\n\
             38 36 0:2 /kmsg /etc/app.conf rw - proc proc rw\n39 37 0:2 /sys /proc/sys ro - proc proc rw\n",
        );
        assert_eq!(table.class(Path::new("/etc/app.conf")), Class::Instruments);
        assert_eq!(table.class(Path::new("/proc/sys/kernel")), Class::Processes);
    }

    #[test]
    fn nonsense_in_place_of_a_table_is_an_empty_table() {
        for text in [
            "",
            "\n\n",
            "a b c",
            "1 1 0:0 / / rw - ext4",
            "9 9 0:0 / /x rw - nfs a rw\n9 9",
        ] {
            let _ = table(text);
        }
        assert_eq!(table("garbage - garbage"), MountTable::default());
    }
}
