//! Storage repositories (SR), and how hosts reach them (PBD).

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{Datastore, DatastoreSort, Platform};
use groma_model::{Fact, Foreign, Peer};
use serde_json::Value;

use super::class::Class;
use super::table::{Tables, reference, uuid};
use crate::Read;
use crate::json::{flag, text, whole};
use crate::words::first_peer;

/// Kinds whose size is their own. That of all others moves with what others write into the same share or pool.
const STEADY: &[&str] = &[
    "lvm",
    "lvhd",
    "lvmoiscsi",
    "lvhdoiscsi",
    "lvmohba",
    "lvhdohba",
    "lvmofcoe",
    "ext",
    "xfs",
    "gfs2",
];

/// What disks need to know of the repositories they lie on.
#[derive(Clone, Debug, Default)]
pub(super) struct Stores {
    by_reference: BTreeMap<String, Store>,
}

/// One repository.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    /// Its UUID.
    pub(super) key: Option<String>,
    /// What it is made of, in the words of XAPI.
    pub(super) kind: Option<String>,
    /// True for the images of the platform's own helpers.
    is_tools: bool,
}

impl Stores {
    pub(super) fn of(tables: &Tables) -> Self {
        let all = tables.all(Class::Sr).map(|(at, record)| {
            let store = Store {
                key: uuid(record),
                kind: text(record, "type"),
                is_tools: flag(record, "is_tools_sr") == Some(true),
            };
            (at.to_owned(), store)
        });
        Self {
            by_reference: all.collect(),
        }
    }

    /// The repository `reference` points to.
    pub(super) fn at(&self, reference: &str) -> Option<&Store> {
        self.by_reference.get(reference)
    }

    /// The key of the repository `reference` points to, if it is told.
    fn key(&self, reference: &str) -> Option<String> {
        let store = self.at(reference)?;
        store.key.clone().filter(|_| store.is_told())
    }
}

impl Store {
    /// False for what is no place to keep disks: drives of a host, and the platform's own images.
    pub(super) fn is_told(&self) -> bool {
        !self.is_tools && self.kind.as_deref() != Some("udev")
    }

    /// True where every disk is a device of the host, or of the storage behind it.
    pub(super) fn is_raw(&self) -> bool {
        matches!(self.kind.as_deref(), Some("udev" | "iscsi" | "hba"))
    }

    /// Whether space there is taken as it is written.
    pub(super) fn is_thin(&self) -> Option<bool> {
        match self.kind.as_deref()? {
            "ext" | "nfs" | "smb" | "file" | "gfs2" => Some(true),
            "lvm" | "lvhd" | "lvmoiscsi" | "lvhdoiscsi" | "lvmohba" | "lvhdohba" | "lvmofcoe" => {
                Some(false)
            }
            _ => None,
        }
    }
}

/// Keys of the repositories each host reaches, by its reference.
pub(super) fn reached(tables: &Tables, stores: &Stores) -> BTreeMap<String, BTreeSet<String>> {
    let mut reached: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, pbd) in tables.all(Class::Pbd) {
        let key = reference(pbd, "SR").and_then(|at| stores.key(at));
        let is_attached = flag(pbd, "currently_attached") != Some(false);
        if let (Some(host), Some(key), true) = (reference(pbd, "host"), key, is_attached) {
            reached.entry(host.to_owned()).or_default().insert(key);
        }
    }
    reached
}

/// The facts of all repositories, with what is free in them.
pub(super) fn tell_stores(tables: &Tables, stores: &Stores, platform: &Platform, read: &mut Read) {
    let mut ways: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (_, pbd) in tables.all(Class::Pbd) {
        if let Some(store) = reference(pbd, "SR") {
            ways.entry(store).or_default().push(pbd);
        }
    }
    let mut told: BTreeMap<String, Datastore> = BTreeMap::new();
    for (at, record) in tables.all(Class::Sr) {
        let ways = ways.get(at).map_or(&[][..], Vec::as_slice);
        if let Some(key) = stores.key(at) {
            measure(record, &key, platform, read);
            told.insert(key.clone(), store(tables, record, key, ways, platform));
        }
    }
    let facts = told.into_values();
    read.facts
        .extend(facts.map(|store| Fact::Datastore(Box::new(store))));
}

fn store(
    tables: &Tables,
    record: &Value,
    key: String,
    ways: &[&Value],
    platform: &Platform,
) -> Datastore {
    let kind = text(record, "type");
    let settings: Vec<&Value> = ways
        .iter()
        .filter_map(|pbd| pbd.get("device_config"))
        .collect();
    let place = settings
        .iter()
        .map(|settings| Place::of(kind.as_deref().unwrap_or_default(), settings))
        .find(|place| place.server.is_some() || place.path.is_some())
        .unwrap_or_default();
    let hosts = ways
        .iter()
        .filter(|pbd| flag(pbd, "currently_attached") != Some(false));
    let hosts: BTreeSet<String> = hosts
        .filter_map(|pbd| tables.key(pbd, "host", Class::Host))
        .collect();
    Datastore {
        platform: platform.clone(),
        name: Foreign::from(text(record, "name_label").unwrap_or_else(|| key.clone())),
        sort: sort(kind.as_deref().unwrap_or_default(), &place),
        server: place.server,
        path: place.path.map(Foreign::from),
        capacity_bytes: size(record).filter(|_| is_steady(record)),
        shared: flag(record, "shared"),
        hosts: hosts.into_iter().collect(),
        product: kind,
        key,
    }
}

fn is_steady(record: &Value) -> bool {
    text(record, "type").is_some_and(|kind| STEADY.contains(&kind.as_str()))
}

fn size(record: &Value) -> Option<u64> {
    whole(record, "physical_size").filter(|bytes| *bytes > 0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes of a storage, to a ten-thousandth of a percent"
)]
fn measure(record: &Value, key: &str, platform: &Platform, read: &mut Read) {
    let subject = platform.subject(key);
    let Some(size) = size(record) else {
        return;
    };
    if let Some(used) = whole(record, "physical_utilisation").filter(|used| *used <= size) {
        let free = size.saturating_sub(used);
        read.measured("datastore_free_bytes", &subject, free as f64);
    }
    if !is_steady(record) {
        read.measured("datastore_capacity_bytes", &subject, size as f64);
    }
}

/// Where a repository leads, as the settings of its driver say.
#[derive(Clone, Debug, Default)]
struct Place {
    server: Option<Peer>,
    path: Option<String>,
}

impl Place {
    fn of(kind: &str, settings: &Value) -> Self {
        let setting = |key: &str| text(settings, key);
        match kind {
            "smb" | "cifs" => {
                setting("server").map_or_else(Self::default, |share| Self::windows(&share))
            }
            "iso" => Self::images(settings),
            "lvmoiscsi" | "lvhdoiscsi" | "iscsi" => Self {
                server: setting("target").and_then(|target| first_peer(&target)),
                path: setting("targetIQN").filter(|name| name != "*"),
            },
            _ => Self {
                server: setting("server").and_then(|server| first_peer(&server)),
                path: ["serverpath", "SCSIid", "device", "location"]
                    .iter()
                    .find_map(|key| setting(key)),
            },
        }
    }

    /// Images: a directory of the host, a share of Windows (`//host/share`), or one of NFS (`host:/path`).
    fn images(settings: &Value) -> Self {
        let Some(location) = text(settings, "location") else {
            return Self::default();
        };
        if text(settings, "type").as_deref() == Some("cifs") {
            return Self::windows(&location);
        }
        let is_local = within_host(settings, &location);
        match location.rsplit_once(":/").filter(|_| !is_local) {
            Some((server, path)) => Self {
                server: first_peer(server),
                path: Some(format!("/{path}")),
            },
            None => Self {
                server: None,
                path: Some(location),
            },
        }
    }

    fn windows(share: &str) -> Self {
        let plain = share.replace('/', "\\");
        let host = plain.trim_start_matches('\\').split('\\').next();
        Self {
            server: host.and_then(Peer::parse),
            path: Some(plain),
        }
    }
}

fn within_host(settings: &Value, location: &str) -> bool {
    text(settings, "legacy_mode").is_some() || location.starts_with('/')
}

fn sort(kind: &str, place: &Place) -> DatastoreSort {
    match kind {
        "nfs" | "smb" | "cifs" => DatastoreSort::FileShare,
        "iso" if place.server.is_some() => DatastoreSort::FileShare,
        "iso" | "ext" | "file" | "xfs" => DatastoreSort::Directory,
        "lvm" | "lvhd" | "zfs" => DatastoreSort::Block,
        "lvmoiscsi" | "lvhdoiscsi" | "lvmohba" | "lvhdohba" | "lvmofcoe" | "iscsi" | "hba"
        | "gfs2" => DatastoreSort::Fabric,
        "cephfs" | "glusterfs" | "moosefs" | "linstor" => DatastoreSort::Spread,
        _ => DatastoreSort::Unknown,
    }
}
