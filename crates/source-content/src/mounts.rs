//! The mount table: what is never walked, what lies elsewhere, what may be pulled out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groma_source::DiskError;

use crate::reading::Reading;
use crate::text::{lossy, meaningful, path, unescaped, words};

/// Mounts of one table that are read at all.
const MOUNTS_MAX: usize = 20_000;

/// Where file systems are mounted, by what a look may do with them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts {
    /// The kernel's own tables, memory, read-only images, layers of containers.
    skipped: BTreeSet<PathBuf>,
    /// Other machines' file systems and FUSE.
    pub(crate) remote: BTreeSet<PathBuf>,
    removable: BTreeSet<PathBuf>,
}

impl Mounts {
    /// Reads `/proc/self/mountinfo`, and for each device whether its medium may be pulled out.
    pub(crate) fn read(reading: &mut Reading<'_>) -> Result<Self, DiskError> {
        let table = reading.read(Path::new("/proc/self/mountinfo"))?;
        let mut mounts = Self::default();
        for mount in parse(&table) {
            if is_remote(&mount.kind) {
                mounts.remote.insert(mount.point);
            } else if is_skipped(&mount) {
                mounts.skipped.insert(mount.point);
            } else if is_removable(reading, &mount) {
                mounts.removable.insert(mount.point);
            }
        }
        Ok(mounts)
    }

    /// True if nothing at or below `path` is to be walked.
    pub(crate) fn is_closed(&self, path: &Path) -> bool {
        self.skipped.contains(path) || self.remote.contains(path)
    }

    /// True if `path` lies on a medium that somebody may pull out.
    pub(crate) fn is_removable(&self, path: &Path) -> bool {
        path.ancestors().any(|at| self.removable.contains(at))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Mount {
    point: PathBuf,
    kind: String,
    device: Vec<u8>,
    /// Device number, as `254:0`.
    number: String,
}

/// mountinfo of proc(5).
fn parse(table: &[u8]) -> Vec<Mount> {
    let mount = |line: &[u8]| {
        let words: Vec<&[u8]> = words(line).collect();
        let dash = words.iter().position(|w| *w == b"-")?;
        Some(Mount {
            number: lossy(words.get(2)?),
            point: path(&unescaped(words.get(4)?)),
            kind: lossy(words.get(dash + 1)?),
            device: unescaped(words.get(dash + 2)?),
        })
    };
    meaningful(table, b"#")
        .take(MOUNTS_MAX)
        .filter_map(|(_, line)| mount(line))
        .collect()
}

fn is_remote(kind: &str) -> bool {
    kind.starts_with("fuse.")
        || matches!(
            kind,
            "nfs"
                | "nfs4"
                | "cifs"
                | "smb3"
                | "smbfs"
                | "ceph"
                | "glusterfs"
                | "afs"
                | "9p"
                | "ncpfs"
                | "coda"
                | "autofs"
                | "lustre"
                | "ocfs2"
                | "gfs2"
                | "davfs"
                | "fuse"
        )
}

/// What holds nobody's data: neither a device nor a pool stands behind it, or only an image that never changes.
fn is_skipped(mount: &Mount) -> bool {
    if mount.point == Path::new("/") {
        return false;
    }
    let image = matches!(
        mount.kind.as_str(),
        "squashfs" | "erofs" | "devtmpfs" | "overlay" | "tmpfs" | "ramfs"
    );
    let pool = matches!(
        mount.kind.as_str(),
        "zfs" | "btrfs" | "bcachefs" | "virtiofs"
    );
    image || !(mount.device.starts_with(b"/") || pool)
}

/// `/media` and its like, or a disk that says so itself (sysfs `removable`, also behind USB).
fn is_removable(reading: &mut Reading<'_>, mount: &Mount) -> bool {
    if mount.point.starts_with("/media") || mount.point.starts_with("/run/media") {
        return true;
    }
    let at = format!("/sys/dev/block/{}", mount.number);
    [format!("{at}/removable"), format!("{at}/../removable")]
        .iter()
        .any(|file| {
            reading
                .read(Path::new(file))
                .is_ok_and(|b| b.trim_ascii() == b"1")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_holds_data_here_is_walked() {
        let table = b"1 0 254:0 / / rw - ext4 /dev/vda1 rw\n2 1 0:5 / /proc rw - proc proc rw\n\
            3 1 0:6 / /tmp rw - tmpfs tmpfs rw\n4 1 0:7 / /srv/nas rw - nfs4 nas:/x rw\n\
            5 1 254:1 / /srv/data rw - xfs /dev/vdb rw\n6 1 0:9 / /tank rw - zfs tank rw\n";
        let mounts = parse(table);
        let open: Vec<&Path> = mounts
            .iter()
            .filter(|m| !is_remote(&m.kind) && !is_skipped(m))
            .map(|m| m.point.as_path())
            .collect();
        assert_eq!(
            open,
            [Path::new("/"), Path::new("/srv/data"), Path::new("/tank")]
        );
        assert!(is_remote("nfs4") && is_remote("fuse.sshfs") && !is_remote("fuseblk"));
    }
}
