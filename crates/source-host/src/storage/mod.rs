//! `host.storage`: file systems, mounted now or due at boot, and how full they are.

mod device;
mod parse;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use groma_model::fact::{FileSystem, Measurement, RemoteStorage};
use groma_model::{Fact, Foreign, Peer, Port, Reason, Scope, SourceName};
use groma_source::{Budget, EntryKind, Explanation, Sink, Source, Window, World};

use crate::part::Part;
use crate::reader::{Reader, file_name, joined};
use crate::text::lossy;
use parse::Mount;

/// File systems of this machine.
pub struct StorageSource {
    world: World,
}

impl StorageSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for StorageSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.storage")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which file systems the machine has, which of them live on another machine, and how full the local ones are.".into(),
            reads: words(&[
                "/proc/self/mountinfo, /etc/fstab",
                "/dev/disk/by-path (names of links only), /sys/class/iscsi_session, /sys/class/iscsi_connection",
                "size and free space of local file systems (statvfs); a remote one is never asked, it may hang",
            ]),
            contacts: Vec::new(),
            sends: words(&["mount point, type, device, size, used and free bytes", "for NFS, SMB, sshfs and iSCSI: server, port, export or share or target, account name"]),
            never_sends: words(&["passwords in mount options or devices (cut out while reading)", "credential files (never opened)", "names of files in a file system"]),
            rights: words(&["none"]),
            cost: "two tables and one system call per local file system".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let iscsi = iscsi_disks(&mut reader);
        let told = look_at_mounts(window, sink, &mut reader, &iscsi);
        look_at_fstab(window, sink, &mut reader, &told);
        look_at_sessions(window, sink, &mut reader);
    }
}

/// Mount points that were told, with the path of the device behind each.
type Told = BTreeMap<Vec<u8>, Vec<u8>>;

fn look_at_mounts(
    window: &Window,
    sink: &mut dyn Sink,
    reader: &mut Reader<'_>,
    iscsi: &BTreeMap<PathBuf, RemoteStorage>,
) -> Told {
    let mut part = Part::begin(window, sink, Scope::new("mounts", "/"));
    let mut told = Told::new();
    match reader.read(Path::new("/proc/self/mountinfo")) {
        Ok(table) => {
            let (mounts, unread) = parse::mountinfo(&table.bytes);
            if unread > 0 {
                part.missed(
                    format!("{unread} lines of the mount table"),
                    Reason::Malformed,
                );
            }
            for mount in parse::storage(mounts) {
                if is_a_file(reader, &mount) {
                    continue;
                }
                tell_mount(&mut part, reader, &mount, iscsi);
                told.insert(mount.mount_point, mount.device);
            }
        }
        Err(error) => part.refused("mounted file systems", &error),
    }
    part.close();
    told
}

/// Single files are mounted into containers (`/etc/hosts`); they are no file systems.
fn is_a_file(reader: &Reader<'_>, mount: &Mount) -> bool {
    let partial = mount.root != b"/" && !parse::is_remote(mount);
    partial
        && reader
            .disk()
            .metadata(&path(&mount.mount_point))
            .is_ok_and(|m| m.kind == EntryKind::File)
}

fn tell_mount(
    part: &mut Part<'_>,
    reader: &Reader<'_>,
    mount: &Mount,
    iscsi: &BTreeMap<PathBuf, RemoteStorage>,
) {
    let device = device::read(&mount.kind, &mount.device, &mount.options);
    let remote = device
        .remote
        .or_else(|| iscsi.get(&path(&mount.device)).cloned());
    let mount_point = Foreign::from_bytes(mount.mount_point.clone());
    let away = parse::is_remote(mount);
    if away && remote.is_none() {
        part.missed(
            format!("the server of {mount_point} ({})", mount.kind),
            Reason::Unsupported,
        );
    }
    let space = if away {
        None
    } else {
        space(part, reader, mount)
    };
    // The size of a ZFS data set moves with its neighbours: it is measured, not stated.
    let bytes = space.filter(|_| mount.kind != "zfs").map(|s| s.bytes);
    part.saw(Fact::FileSystem(FileSystem {
        mount_point: mount_point.clone(),
        device: device.text,
        kind: mount.kind.clone(),
        bytes,
        remote,
    }));
    let Some(space) = space else { return };
    for (metric, value) in [
        (
            "file_system_used_bytes",
            space.bytes.saturating_sub(space.free_bytes),
        ),
        ("file_system_free_bytes", space.free_bytes),
    ] {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a measurement is a floating number; a few bytes in a petabyte do not matter"
        )]
        let value = value as f64;
        part.saw(Fact::Measurement(Measurement {
            metric: metric.into(),
            subject: mount_point.clone(),
            value,
        }));
    }
}

fn space(part: &mut Part<'_>, reader: &Reader<'_>, mount: &Mount) -> Option<groma_source::Space> {
    match reader.disk().space(&path(&mount.mount_point)) {
        Ok(space) => Some(space),
        // Shared folders and cluster file systems may hang: the disk refuses them, as it should.
        Err(error) if error.reason == Reason::RemoteFileSystem => None,
        Err(error) => {
            part.refused("size of a file system", &error);
            None
        }
    }
}

fn look_at_fstab(window: &Window, sink: &mut dyn Sink, reader: &mut Reader<'_>, told: &Told) {
    let mut part = Part::begin(window, sink, Scope::new("file", "/etc/fstab"));
    match reader.read_if_there("/etc/fstab") {
        Ok(bytes) => {
            let (mounts, unread) = parse::fstab(&bytes.unwrap_or_default());
            if unread > 0 {
                part.missed(format!("{unread} lines of /etc/fstab"), Reason::Malformed);
            }
            for mount in mounts
                .iter()
                .filter(|m| parse::is_due(m) && !told.contains_key(&m.mount_point))
            {
                let device = device::read(&mount.kind, &mount.device, &mount.options);
                part.saw(Fact::FileSystem(FileSystem {
                    mount_point: Foreign::from_bytes(mount.mount_point.clone()),
                    device: device.text,
                    kind: mount.kind.clone(),
                    bytes: None,
                    remote: device.remote,
                }));
            }
        }
        Err(error) => part.refused("file systems due at boot", &error),
    }
    part.close();
}

/// Disks and partitions that are reached over iSCSI, by device path, from the names udev gives them.
fn iscsi_disks(reader: &mut Reader<'_>) -> BTreeMap<PathBuf, RemoteStorage> {
    let mut disks = BTreeMap::new();
    for entry in reader
        .list(Path::new("/dev/disk/by-path"))
        .unwrap_or_default()
    {
        let Some(remote) = device::iscsi(file_name(&entry.path)) else {
            continue;
        };
        if let Ok(to) = reader.disk().read_link(&entry.path) {
            disks.insert(joined(&entry.path, &to), remote);
        }
    }
    disks
}

/// iSCSI sessions, also those whose disks are not mounted by themselves (volume groups, raw disks).
fn look_at_sessions(window: &Window, sink: &mut dyn Sink, reader: &mut Reader<'_>) {
    let mut part = Part::begin(window, sink, Scope::new("iscsi", "/"));
    match reader.list(Path::new("/sys/class/iscsi_connection")) {
        Ok(connections) => {
            for connection in connections {
                // `connection3:0` is a connection of `session3`.
                let name = lossy(file_name(&connection.path));
                let number = name
                    .trim_start_matches("connection")
                    .split(':')
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                if let Some(fact) = session(reader, &connection.path, &number) {
                    part.saw(Fact::FileSystem(fact));
                } else {
                    part.missed(format!("iSCSI session {number}"), Reason::Malformed);
                }
            }
        }
        Err(error) => part.refused("iSCSI sessions", &error),
    }
    part.close();
}

fn session(reader: &mut Reader<'_>, connection: &Path, number: &str) -> Option<FileSystem> {
    let at = connection.to_string_lossy().into_owned();
    let target = reader.word(&format!(
        "/sys/class/iscsi_session/session{number}/targetname"
    ))?;
    let address = reader.word(&format!("{at}/persistent_address"))?;
    let port: u16 = reader
        .word(&format!("{at}/persistent_port"))?
        .parse()
        .ok()?;
    let remote = RemoteStorage {
        kind: "iscsi".into(),
        peer: Peer::parse(&address)?,
        port: Some(Port(port)),
        resource: target.as_str().into(),
        account: None,
    };
    Some(FileSystem {
        mount_point: Foreign::default(),
        device: target.into(),
        kind: "iscsi".into(),
        bytes: None,
        remote: Some(remote),
    })
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}
