//! The mount table and fstab → mounts worth telling. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::{lossy, meaningful_lines, unescaped, words};

/// Mounts of one table that are read at all.
const MOUNTS_MAX: usize = 20_000;

/// One line of a mount table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mount {
    pub(crate) mount_point: Vec<u8>,
    pub(crate) device: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) options: Vec<u8>,
    /// What of the file system is mounted; `/` for all of it.
    pub(crate) root: Vec<u8>,
    /// Device number, as `254:0`.
    pub(crate) number: Vec<u8>,
}

/// Reads `/proc/self/mountinfo` (proc(5)); the number of lines that were not understood comes second.
pub(crate) fn mountinfo(bytes: &[u8]) -> (Vec<Mount>, usize) {
    let (mut mounts, mut unread) = (Vec::new(), 0);
    for (_, line) in meaningful_lines(bytes).take(MOUNTS_MAX) {
        match mountinfo_line(line) {
            Some(mount) => mounts.push(mount),
            None => unread += 1,
        }
    }
    (mounts, unread)
}

fn mountinfo_line(line: &[u8]) -> Option<Mount> {
    let words: Vec<&[u8]> = words(line).collect();
    let dash = words.iter().skip(6).position(|w| *w == b"-")? + 6;
    let super_options = words.get(dash + 3).copied().unwrap_or_default();
    Some(Mount {
        number: words.get(2)?.to_vec(),
        root: unescaped(words.get(3)?),
        mount_point: unescaped(words.get(4)?),
        kind: lossy(words.get(dash + 1)?),
        device: unescaped(words.get(dash + 2)?),
        options: unescaped(super_options),
    })
}

/// Reads fstab(5); lines of fewer than three words are counted as not understood.
pub(crate) fn fstab(bytes: &[u8]) -> (Vec<Mount>, usize) {
    let (mut mounts, mut unread) = (Vec::new(), 0);
    for (_, line) in meaningful_lines(bytes).take(MOUNTS_MAX) {
        let words: Vec<&[u8]> = words(line).collect();
        let (Some(device), Some(mount_point), Some(kind)) =
            (words.first(), words.get(1), words.get(2))
        else {
            unread += 1;
            continue;
        };
        let (kind, device) = behind_fuse(lossy(kind), unescaped(device));
        mounts.push(Mount {
            device,
            mount_point: trimmed(unescaped(mount_point)),
            kind,
            options: unescaped(words.get(3).copied().unwrap_or_default()),
            root: b"/".to_vec(),
            number: Vec::new(),
        });
    }
    (mounts, unread)
}

/// `sshfs#account@host:/path` of kind `fuse` is the older spelling of `fuse.sshfs` (mount.fuse(8)).
fn behind_fuse(kind: String, device: Vec<u8>) -> (String, Vec<u8>) {
    let sign = device.iter().position(|b| *b == b'#');
    match sign.filter(|_| kind == "fuse") {
        Some(at) => {
            let (program, rest) = device.split_at(at);
            let rest = rest.get(1..).unwrap_or_default();
            (format!("fuse.{}", lossy(program)), rest.to_vec())
        }
        None => (kind, device),
    }
}

fn trimmed(mut path: Vec<u8>) -> Vec<u8> {
    while path.len() > 1 && path.last() == Some(&b'/') {
        path.pop();
    }
    path
}

/// Programs behind FUSE that show what lies on this machine, or nothing that lies anywhere.
const LOCAL_FUSE: &[&str] = &[
    "lxcfs",
    "gvfsd-fuse",
    "portal",
    "mergerfs",
    "snapfuse",
    "squashfuse",
    "squashfuse_ll",
    "fuse-overlayfs",
    "unionfs",
    "unionfs-fuse",
    "encfs",
    "gocryptfs",
    "cryfs",
    "securefs",
    "bindfs",
    "ntfs-3g",
    "ext2fs",
    "exfat",
    "zfs-fuse",
    "dislocker",
    "vmware-vmblk",
    "archivemount",
    "fuse-archive",
    "ratarmount",
    "dumpfs",
    "pmxcfs",
    "keyring",
];

/// True for a file system that lives on another machine: what the kernel mounts so, every program behind FUSE that is
/// not known to stay here, and DAV, whose program gives its own name to nobody.
pub(crate) fn is_remote(mount: &Mount) -> bool {
    let behind_fuse = mount.kind.strip_prefix("fuse.");
    let by_url = mount.device.windows(3).any(|w| w == b"://");
    matches!(
        mount.kind.as_str(),
        "nfs"
            | "nfs4"
            | "cifs"
            | "smb3"
            | "smbfs"
            | "ceph"
            | "glusterfs"
            | "afs"
            | "ncpfs"
            | "coda"
            | "lustre"
            | "davfs"
            | "beegfs"
            | "gpfs"
            | "panfs"
            | "pvfs2"
            | "orangefs"
            | "wekafs"
            | "cvfs"
    ) || behind_fuse.is_some_and(|name| !LOCAL_FUSE.contains(&name) && !name.ends_with(".AppImage"))
        || mount.kind == "fuse" && by_url
}

/// True for file systems that hold somebody's bytes: not the kernel's own tables, not memory, not the
/// read-only images of snaps, not the layers of containers.
pub(crate) fn is_storage(mount: &Mount) -> bool {
    let pool = matches!(
        mount.kind.as_str(),
        "zfs" | "btrfs" | "bcachefs" | "virtiofs" | "9p" | "fuse.mergerfs" | "ocfs2" | "gfs2"
    );
    let root_layer = mount.kind == "overlay" && mount.mount_point == b"/";
    let device = mount.device.starts_with(b"/dev/")
        && !matches!(
            mount.kind.as_str(),
            "squashfs" | "erofs" | "devtmpfs" | "overlay"
        );
    pool || root_layer || device || is_remote(mount)
}

/// Real storage among `mounts`, one line per mount point (the last mounted wins) and without bind mounts
/// of what is mounted whole elsewhere, by mount point.
pub(crate) fn storage(mounts: Vec<Mount>) -> Vec<Mount> {
    let mut by_point: BTreeMap<Vec<u8>, Mount> = BTreeMap::new();
    for mount in mounts {
        by_point.insert(mount.mount_point.clone(), mount);
    }
    let kept: Vec<Mount> = by_point.into_values().filter(is_storage).collect();
    let mut whole: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for mount in kept
        .iter()
        .filter(|mount| mount.root == b"/" || keeps_volumes(mount))
    {
        whole
            .entry(mount.number.clone())
            .or_insert_with(|| mount.mount_point.clone());
    }
    let mut told = BTreeSet::new();
    kept.into_iter()
        .filter(|mount| {
            let first = whole
                .get(&mount.number)
                .is_none_or(|point| *point == mount.mount_point);
            (first || keeps_volumes(mount))
                && told.insert((
                    mount.number.clone(),
                    mount.root.clone(),
                    mount.device.clone(),
                ))
        })
        .collect()
}

/// File systems of which parts are mounted by design, under one device number; an NFS export's root is
/// written relative to the server's file system.
fn keeps_volumes(mount: &Mount) -> bool {
    mount.kind == "btrfs" || mount.kind == "bcachefs" || is_remote(mount)
}

/// True for an fstab line that means storage due at boot or, for a remote one, whenever somebody asks.
pub(crate) fn is_due(mount: &Mount) -> bool {
    let options: Vec<&[u8]> = mount.options.split(|b| *b == b',').collect();
    let placed = mount.mount_point.starts_with(b"/");
    let remote = is_remote(mount);
    let bind = options.iter().any(|o| matches!(*o, b"bind" | b"rbind"));
    let local = mount.device.starts_with(b"/dev/")
        || [b"UUID=".as_slice(), b"LABEL=", b"PARTUUID=", b"PARTLABEL="]
            .iter()
            .any(|p| mount.device.starts_with(p));
    let memory = matches!(
        mount.kind.as_str(),
        "swap"
            | "tmpfs"
            | "proc"
            | "sysfs"
            | "none"
            | "iso9660"
            | "udf,iso9660"
            | "udf"
            | "squashfs"
    );
    placed && !bind && (remote || (local && !memory && !options.contains(&b"noauto".as_slice())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(mounts: &[Mount]) -> Vec<String> {
        mounts.iter().map(|m| lossy(&m.mount_point)).collect()
    }

    #[test]
    fn real_storage_is_told_from_the_kernels_tables() {
        let table = include_bytes!("../../tests/fixtures/linux-6.18/mountinfo");
        let (mounts, unread) = mountinfo(table);
        assert_eq!(unread, 0);
        assert_eq!(points(&storage(mounts)), ["/"]);
    }

    #[test]
    fn a_bind_mount_is_not_a_second_file_system() {
        let table = b"27 1 254:0 / / rw - ext4 /dev/vda rw\n\
            40 27 254:0 /srv/www /var/www rw - ext4 /dev/vda rw\n\
            41 27 254:0 /etc/hosts.x /etc/hosts rw - ext4 /dev/vda rw\n\
            42 27 254:16 / /data rw - xfs /dev/vdb rw\n\
            43 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro\n\
            44 27 0:50 / /mnt/nas rw - nfs4 nas1:/vol rw,addr=10.0.0.7\n\
            45 27 0:51 /@ /pool rw - btrfs /dev/vdc rw,subvol=/@\n\
            46 27 0:51 /@home /pool/home rw - btrfs /dev/vdc rw,subvol=/@home\n\
            47 27 0:60 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n\
            48 27 0:61 / /run/user/0/gvfs rw - fuse.gvfsd-fuse gvfsd-fuse rw\n";
        assert_eq!(
            points(&storage(mountinfo(table).0)),
            ["/", "/data", "/mnt/nas", "/pool", "/pool/home"]
        );
    }

    #[test]
    fn a_volume_given_to_a_container_is_its_storage() {
        let table = b"900 800 0:77 / / rw - overlay overlay rw\n\
            901 900 254:0 /volumes/db /var/lib/db rw - ext4 /dev/vda rw\n";
        assert_eq!(points(&storage(mountinfo(table).0)), ["/", "/var/lib/db"]);
    }

    #[test]
    fn fstab_lines_that_mean_nothing_here_are_left_out() {
        let table = b"# /dev/sdz /old ext4 defaults 0 0\nUUID=1 / ext4 defaults 0 1\nnas1:/vol /srv/vol/ nfs noauto,_netdev 0 0\n\
            UUID=2 none swap sw 0 0\n/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\ntmpfs /tmp tmpfs defaults 0 0\n\
            /srv/a /srv/b none bind 0 0\n//files1/my\\040share /mnt/s cifs credentials=/etc/c 0 0\nbroken\n";
        let (mounts, unread) = fstab(table);
        assert_eq!(unread, 1);
        let due: Vec<Mount> = mounts.into_iter().filter(is_due).collect();
        assert_eq!(points(&due), ["/", "/srv/vol", "/mnt/s"]);
        assert_eq!(due[2].device, b"//files1/my share");
    }

    #[test]
    fn whatever_lies_elsewhere_is_storage_and_what_stays_here_is_not_elsewhere() {
        let table = b"48 27 0:61 / /c rw - fuse.ceph-fuse ceph-fuse rw\n\
            49 27 0:62 / /d rw - fuse https://dav.corp.example/x rw\n\
            50 27 0:63 / /g rw - gpfs gpfs0 rw\n\
            51 27 0:64 / /n rw - fuse.somethingnew remote rw\n\
            52 27 0:65 / /l rw - fuse.lxcfs lxcfs rw\n\
            53 27 0:66 / /f rw - fusectl fusectl rw\n\
            54 27 0:67 / /e rw - fuse.gocryptfs /srv/e rw\n";
        let kept = storage(mountinfo(table).0);
        assert_eq!(points(&kept), ["/c", "/d", "/g", "/n"]);
        assert!(kept.iter().all(is_remote));
        let (mounts, _) =
            fstab(b"sshfs#u@h1:/x /mnt fuse defaults 0 0\nlxcfs /l fuse.lxcfs noauto 0 0\n");
        let due: Vec<&Mount> = mounts.iter().filter(|m| is_due(m)).collect();
        assert_eq!(due.len(), 1);
        assert_eq!(
            (due[0].kind.as_str(), due[0].device.as_slice()),
            ("fuse.sshfs", &b"u@h1:/x"[..])
        );
    }

    #[test]
    fn hammered_tables_never_panic() {
        let corpus: &[&[u8]] = &[
            include_bytes!("../../tests/fixtures/linux-6.18/mountinfo"),
            b"nas1:/vol /srv nfs noauto 0 0\n",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            storage(mountinfo(bytes).0);
            let _ = fstab(bytes).0.iter().filter(|m| is_due(m)).count();
        });
    }
}
