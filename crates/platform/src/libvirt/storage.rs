//! Pools and their volumes: what `virsh pool-dumpxml` and `virsh vol-dumpxml` write.

use groma_model::virtualization::{Datastore, DatastoreSort, DiskFormat};
use groma_model::{Foreign, Peer};

use super::disk::format_called;
use super::domain::unit;
use super::tree::Element;

/// A place for volumes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Pool {
    /// As a fact; without a platform and hosts.
    pub datastore: Datastore,
    /// What libvirt calls its sort: `netfs`.
    pub sort: String,
    /// Name of it in what it is made of: a volume group, a pool of Ceph.
    pub source_name: Option<String>,
    /// Where its volumes stand on the host.
    pub target: Option<String>,
    /// Its size, where others write into the same file system and move it (ZFS, btrfs, a share): a number, and no part of the
    /// fact.
    pub shared_capacity_bytes: Option<u64>,
    /// What is free; `None` while the pool is not active.
    pub free_bytes: Option<u64>,
}

/// A disk in a pool.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Volume {
    /// UUID of its pool, where whoever asked knows it; the description does not tell.
    pub pool: Option<String>,
    /// Its name there.
    pub name: String,
    /// Where it stands.
    pub path: String,
    /// How its blocks are written.
    pub format: DiskFormat,
    /// What a guest sees of it.
    pub capacity_bytes: Option<u64>,
    /// What it takes.
    pub allocation_bytes: Option<u64>,
    /// The file it holds the changes of.
    pub backing: Option<String>,
    /// True if its blocks are encrypted.
    pub encrypted: bool,
}

/// A number with a unit; bytes where none is written.
fn size(holder: &Element, name: &str) -> Option<u64> {
    let size = holder.child(name)?;
    let number: u64 = size.text()?.parse().ok()?;
    number.checked_mul(unit(size.attribute("unit").unwrap_or("b"))?)
}

pub(super) fn pool(pool: &Element) -> Option<Pool> {
    let key = crate::uuid(pool.text_at(&["uuid"])?)?;
    let name = pool.text_at(&["name"])?;
    let sort = pool.attribute("type")?;
    let source = pool.child("source");
    let target = pool.text_at(&["target", "path"]);
    let of_source = |name: &str, attribute: &str| source?.child(name)?.attribute(attribute);
    let source_name = source.and_then(|source| source.text_at(&["name"]));
    let format = of_source("format", "type");
    let path = match sort {
        "netfs" => of_source("dir", "path"),
        "iscsi" | "iscsi-direct" => of_source("device", "path"),
        "logical" | "zfs" | "rbd" | "gluster" | "sheepdog" | "vstorage" => source_name,
        _ => target,
    };
    // An inactive pool writes zeros for what it does not know.
    let capacity = size(pool, "capacity").filter(|bytes| *bytes > 0);
    let is_shared = matches!(sort, "dir" | "fs" | "netfs");
    Some(Pool {
        datastore: Datastore {
            key,
            name: Foreign::from(name),
            sort: sort_of(sort, format, of_source("adapter", "type")),
            product: Some(
                format.map_or_else(|| sort.to_owned(), |format| format!("{sort} {format}")),
            ),
            server: of_source("host", "name").and_then(Peer::parse),
            path: path.or(target).map(Foreign::from),
            capacity_bytes: capacity.filter(|_| !is_shared),
            ..Datastore::default()
        },
        sort: sort.to_owned(),
        source_name: source_name.map(str::to_owned),
        target: target.map(str::to_owned),
        shared_capacity_bytes: capacity.filter(|_| is_shared),
        free_bytes: capacity.and_then(|_| size(pool, "available")),
    })
}

fn sort_of(sort: &str, format: Option<&str>, adapter: Option<&str>) -> DatastoreSort {
    match (sort, format, adapter) {
        ("dir", ..) => DatastoreSort::Directory,
        ("netfs", Some("glusterfs"), _) => DatastoreSort::Spread,
        ("netfs", ..) => DatastoreSort::FileShare,
        ("scsi", _, Some("scsi_host")) => DatastoreSort::Block,
        ("iscsi" | "iscsi-direct" | "scsi" | "mpath", ..) => DatastoreSort::Fabric,
        ("fs" | "logical" | "disk" | "zfs", ..) => DatastoreSort::Block,
        ("rbd" | "gluster" | "sheepdog" | "vstorage", ..) => DatastoreSort::Spread,
        _ => DatastoreSort::Unknown,
    }
}

impl Pool {
    /// True if its volumes are whole LUNs, which somebody else divides.
    pub(super) fn hands_out_devices(&self) -> bool {
        matches!(
            self.sort.as_str(),
            "iscsi" | "iscsi-direct" | "scsi" | "mpath"
        )
    }

    /// How much of `path` it explains: the length of the directory both begin with. `/dev` begins too much to explain anything.
    pub(super) fn holds(&self, path: &str) -> Option<usize> {
        if let Some(name) = &self.source_name
            && self.datastore.sort == DatastoreSort::Spread
        {
            let (_, place) = path.split_once(':')?;
            let whole =
                place.contains(&format!("/{name}/")) || place.starts_with(&format!("{name}/"));
            return whole.then_some(name.len());
        }
        let target = self.target.as_deref()?.trim_end_matches('/');
        let rest = path.strip_prefix(target)?;
        let is_wide = target.is_empty() || target == "/dev" || self.hands_out_devices();
        (rest.starts_with('/') && !is_wide).then_some(target.len())
    }
}

pub(super) fn volume(volume: &Element) -> Option<Volume> {
    let target = volume.child("target");
    let of_target = |path: &[&str]| target.and_then(|target| target.text_at(path));
    let path = of_target(&["path"]).or_else(|| volume.text_at(&["key"]))?;
    let format = target.and_then(|target| target.child("format")?.attribute("type"));
    Some(Volume {
        pool: None,
        name: volume.text_at(&["name"])?.to_owned(),
        path: path.to_owned(),
        format: format.map_or(DiskFormat::Unknown, format_called),
        capacity_bytes: size(volume, "capacity"),
        allocation_bytes: size(volume, "allocation"),
        backing: volume.text_at(&["backingStore", "path"]).map(str::to_owned),
        encrypted: target.is_some_and(|target| target.child("encryption").is_some()),
    })
}
