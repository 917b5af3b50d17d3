//! Storages: what `/storage` says of their settings, and `/cluster/resources` and `/nodes/N/storage` of their sizes.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::virtualization::{Datastore, DatastoreSort, Platform};
use groma_model::{Foreign, Peer};
use serde_json::Value;

use crate::Read;
use crate::json::{flag, number, text, whole};
use crate::words::first_peer;

/// Most storages of a platform, and of a node.
const STORES_MAX: usize = 2_000;

/// All storages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stores {
    by_name: BTreeMap<String, Store>,
    is_cut: bool,
}

/// One storage, by its name in the whole cluster.
#[derive(Clone, Debug, Default)]
struct Store {
    kind: Option<String>,
    is_shared: Option<bool>,
    is_thin: Option<bool>,
    content: Option<String>,
    server: Option<Peer>,
    path: Option<String>,
    /// Size and what is free of it, by node.
    nodes: BTreeMap<String, (Option<u64>, Option<f64>)>,
}

/// Kinds that stand on other machines, whatever their settings say.
const ALWAYS_SHARED: &[&str] = &[
    "nfs",
    "cifs",
    "iscsi",
    "iscsidirect",
    "zfs",
    "rbd",
    "cephfs",
    "glusterfs",
    "pbs",
];

/// Kinds whose size is their own. That of all others is what is used and what is free together, and moves with what others
/// write to the same disks: a pool of ZFS or Ceph, a directory on one, a share.
const STEADY: &[&str] = &["lvm", "lvmthin", "iscsi", "iscsidirect"];

impl Stores {
    /// One entry of `/storage`.
    pub(crate) fn configured(&mut self, entry: &Value) {
        let Some(store) = self.store(entry) else {
            return;
        };
        store.kind = text(entry, "type").or(store.kind.take());
        store.is_shared = flag(entry, "shared").or(store.is_shared);
        store.is_thin = flag(entry, "sparse");
        store.content = text(entry, "content");
        // Of several monitors the first stands for all.
        let server = ["server", "portal", "monhost"]
            .iter()
            .find_map(|key| text(entry, key));
        store.server = server.as_deref().and_then(first_peer);
        let keys = [
            "export",
            "path",
            "share",
            "target",
            "pool",
            "vgname",
            "volume",
            "datastore",
        ];
        store.path = keys.iter().find_map(|key| text(entry, key));
    }

    /// One entry of type `storage` of `/cluster/resources`, or of `/nodes/N/storage` of `node`.
    pub(crate) fn sized(&mut self, entry: &Value, node: Option<&str>) {
        let node = node.map(str::to_owned).or_else(|| text(entry, "node"));
        let Some(store) = self.store(entry) else {
            return;
        };
        let kind = text(entry, "plugintype");
        let kind = kind.or_else(|| text(entry, "type").filter(|kind| kind != "storage"));
        store.kind = store.kind.take().or(kind);
        store.is_shared = store.is_shared.or(flag(entry, "shared"));
        store.content = store.content.take().or_else(|| text(entry, "content"));
        let size = whole(entry, "maxdisk").or_else(|| whole(entry, "total"));
        let used = number(entry, "disk").or_else(|| number(entry, "used"));
        #[expect(
            clippy::cast_precision_loss,
            reason = "bytes of a storage, to a ten-thousandth of a percent"
        )]
        let free = number(entry, "avail").or_else(|| Some(size? as f64 - used?));
        let is_off = text(entry, "status").is_some_and(|status| status == "unknown")
            || flag(entry, "active") == Some(false)
            || flag(entry, "enabled") == Some(false);
        if let (Some(node), true) = (node, store.nodes.len() < STORES_MAX) {
            let size = size.filter(|size| *size > 0 && !is_off);
            let free = free.filter(|free| *free >= 0.0 && size.is_some());
            let kept = store.nodes.entry(node).or_default();
            *kept = (size.or(kept.0), free.or(kept.1));
        }
    }

    fn store(&mut self, entry: &Value) -> Option<&mut Store> {
        let name = text(entry, "storage")?;
        let room = self.by_name.len() < STORES_MAX || self.by_name.contains_key(&name);
        self.is_cut |= !room;
        room.then(|| self.by_name.entry(name).or_default())
    }

    /// What was left out for its number.
    pub(crate) fn cut(&self) -> Option<String> {
        self.is_cut
            .then(|| format!("more than {STORES_MAX} storages"))
    }

    /// What the storage `name` is made of, in the words of Proxmox VE.
    pub(crate) fn kind(&self, name: &str) -> Option<&str> {
        self.by_name.get(name)?.kind.as_deref()
    }

    /// Whether space there is taken as it is written.
    pub(crate) fn thin(&self, name: &str) -> Option<bool> {
        let store = self.by_name.get(name)?;
        match store.kind.as_deref()? {
            "lvmthin" | "rbd" => Some(true),
            "lvm" | "iscsi" | "iscsidirect" => Some(false),
            "zfspool" | "zfs" => Some(store.is_thin.unwrap_or_default()),
            _ => None,
        }
    }

    /// The key of the storage `name` as a guest on `node` knows it. `None` where the storage is not known.
    pub(crate) fn key(&self, name: &str, node: Option<&str>) -> Option<String> {
        let store = self.by_name.get(name)?;
        match (store.is_shared(), node) {
            (true, _) => Some(format!("storage/{name}")),
            (false, Some(node)) => Some(format!("storage/{node}/{name}")),
            (false, None) => None,
        }
    }

    /// The server of the storage `name`, and what is asked for there.
    pub(crate) fn target(&self, name: &str) -> Option<&Peer> {
        self.by_name.get(name)?.server.as_ref()
    }

    /// Keys of the storages `node` reaches, sorted.
    pub(crate) fn of_node(&self, node: &str) -> Vec<String> {
        let reached = self
            .by_name
            .iter()
            .filter(|(_, store)| store.holds_guests() && store.nodes.contains_key(node));
        let keys: BTreeSet<String> = reached
            .filter_map(|(name, _)| self.key(name, Some(node)))
            .collect();
        keys.into_iter().collect()
    }

    /// A fact for each shared storage, and one for each node of a local one, with what is free.
    pub(crate) fn tell(&self, platform: &Platform, read: &mut Read) {
        for (name, store) in self
            .by_name
            .iter()
            .filter(|(_, store)| store.holds_guests())
        {
            let nodes: Vec<&str> = store.nodes.keys().map(String::as_str).collect();
            if store.is_shared() {
                self.tell_one(name, store, &nodes, platform, read);
                continue;
            }
            for node in nodes {
                self.tell_one(name, store, &[node], platform, read);
            }
        }
    }

    fn tell_one(
        &self,
        name: &str,
        store: &Store,
        nodes: &[&str],
        platform: &Platform,
        read: &mut Read,
    ) {
        let Some(key) = self.key(name, nodes.first().copied()) else {
            return;
        };
        let sizes: Vec<_> = nodes
            .iter()
            .filter_map(|node| store.nodes.get(*node))
            .collect();
        if let Some(free) = sizes.iter().find_map(|(_, free)| *free) {
            read.measured("datastore_free_bytes", &platform.subject(&key), free);
        }
        let capacity = sizes.iter().find_map(|(size, _)| *size);
        if let Some(moving) = capacity.filter(|_| !store.is_steady()) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "bytes of a storage, to a ten-thousandth of a percent"
            )]
            let moving = moving as f64;
            read.measured("datastore_capacity_bytes", &platform.subject(&key), moving);
        }
        read.facts
            .push(groma_model::Fact::Datastore(Box::new(Datastore {
                platform: platform.clone(),
                key,
                name: Foreign::from(name),
                sort: store.sort(),
                product: store.kind.clone(),
                server: store.server.clone(),
                path: store.path.as_deref().map(Foreign::from),
                capacity_bytes: capacity.filter(|_| store.is_steady()),
                shared: Some(store.is_shared()),
                hosts: nodes.iter().map(|node| (*node).to_owned()).collect(),
            })));
    }
}

impl Store {
    fn is_shared(&self) -> bool {
        let always = self
            .kind
            .as_deref()
            .is_some_and(|kind| ALWAYS_SHARED.contains(&kind));
        always || self.is_shared == Some(true)
    }

    fn is_steady(&self) -> bool {
        let kind = self.kind.as_deref();
        kind.is_some_and(|kind| STEADY.contains(&kind))
    }

    /// False for one that keeps backups alone, or lends machines of another platform.
    fn holds_guests(&self) -> bool {
        let useful = |content: &String| {
            content
                .split(',')
                .any(|word| matches!(word.trim(), "images" | "rootdir" | "iso" | "vztmpl"))
        };
        self.kind.as_deref() != Some("pbs") && self.content.as_ref().is_none_or(useful)
    }

    fn sort(&self) -> DatastoreSort {
        match self.kind.as_deref().unwrap_or_default() {
            "dir" | "btrfs" => DatastoreSort::Directory,
            "nfs" | "cifs" => DatastoreSort::FileShare,
            "iscsi" | "iscsidirect" | "zfs" => DatastoreSort::Fabric,
            // A group of volumes that several nodes reach lies on a disk that several nodes reach.
            "lvm" | "lvmthin" if self.is_shared() => DatastoreSort::Fabric,
            "lvm" | "lvmthin" | "zfspool" => DatastoreSort::Block,
            "rbd" | "cephfs" | "glusterfs" => DatastoreSort::Spread,
            _ => DatastoreSort::Unknown,
        }
    }
}
