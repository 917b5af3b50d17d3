//! Storage domains.

use groma_model::virtualization::{Datastore, DatastoreSort};
use groma_model::{Foreign, Peer};
use serde_json::Value;

use super::answer::{at, id, link, within, word};
use crate::json::{short, text, whole};

/// Most data centers of a storage domain, and units of its storage.
const CENTERS_MAX: usize = 100;

/// A storage domain, as far as its own entry tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    /// Without platform, `shared` and `hosts`.
    pub(super) fact: Datastore,
    pub(super) centers: Vec<String>,
    /// False where the size moves with what others write into the same file system.
    pub(super) is_steady: bool,
    pub(super) is_local: bool,
    pub(super) free: Option<u64>,
}

impl Store {
    /// An entry of `storagedomains`. `None` for what holds no disks: a service for images (Glance).
    pub(super) fn of(entry: &Value) -> Option<Self> {
        if word(entry, "type").as_deref() == Some("image") {
            return None;
        }
        let key = id(entry)?;
        let storage = at(entry, "storage");
        let kind = word(storage, "type").unwrap_or_default();
        let (server, path) = place(storage);
        let free = whole(entry, "available");
        let used = whole(entry, "used");
        let capacity = free.and_then(|free| free.checked_add(used?));
        Some(Self {
            fact: Datastore {
                name: Foreign::from(text(entry, "name").unwrap_or_else(|| key.clone())),
                key,
                sort: sort(&kind, word(storage, "vfs_type").as_deref()),
                product: short(&kind),
                server,
                path,
                capacity_bytes: capacity.filter(|bytes| *bytes > 0),
                ..Datastore::default()
            },
            centers: centers(entry),
            is_steady: matches!(kind.as_str(), "iscsi" | "fcp"),
            is_local: kind == "localfs",
            free,
        })
    }
}

/// Those it is attached to. One that is attached to none serves nobody.
fn centers(entry: &Value) -> Vec<String> {
    let all = within(entry, "data_centers", "data_center", CENTERS_MAX).filter_map(id);
    let mut all: Vec<String> = all.chain(link(entry, "data_center")).collect();
    all.sort();
    all.dedup();
    all
}

fn sort(kind: &str, file_system: Option<&str>) -> DatastoreSort {
    match (kind, file_system.unwrap_or_default()) {
        ("nfs", _) | ("posixfs", "nfs" | "nfs4" | "cifs" | "smb3") => DatastoreSort::FileShare,
        ("glusterfs", _) | ("posixfs", "ceph" | "glusterfs") => DatastoreSort::Spread,
        ("localfs", _) => DatastoreSort::Directory,
        ("iscsi" | "fcp", _) => DatastoreSort::Fabric,
        _ => DatastoreSort::Unknown,
    }
}

/// The server and the path there: of a share as they are, of iSCSI the first portal and its target, of Fibre Channel the
/// group of volumes.
fn place(storage: &Value) -> (Option<Peer>, Option<Foreign>) {
    let group = at(storage, "volume_group");
    let units = [storage, group].map(|of| within(of, "logical_units", "logical_unit", 1).next());
    let unit = units.into_iter().flatten().next().unwrap_or(&Value::Null);
    let (address, path) = (text(storage, "address"), text(storage, "path"));
    // POSIX file systems have both in one: `nas:/export`, `[fd00::1]:/export`.
    let (address, path) = match (&address, path.as_deref().and_then(|p| p.split_once(":/"))) {
        (None, Some((host, rest))) => (Some(host.to_owned()), Some(format!("/{rest}"))),
        _ => (address, path),
    };
    let address = address.or_else(|| text(unit, "address"));
    let path = path
        .or_else(|| text(unit, "target"))
        .or_else(|| text(group, "id"));
    let server = address.as_deref().and_then(Peer::parse);
    (server, path.map(Foreign::from))
}
