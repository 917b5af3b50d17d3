//! What is asked for, in which order, and what the answers mean together.

use std::collections::BTreeMap;

use groma_model::Fact;
use groma_model::virtualization::{Platform, PlatformKind};

use super::answer::Object;
use super::cluster::Restarts;
use super::network::Networks;
use super::{cluster, datastore, guest, host};
use crate::Read;

/// One question: all objects of a kind, with some of their properties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// The type of managed object.
    pub kind: &'static str,
    /// For a person: one of them, and many.
    pub called: (&'static str, &'static str),
    /// The paths of its properties.
    pub paths: &'static [&'static str],
}

/// Everything that is asked, in an order in which each answer can use those before it. Every path is there since version 5.0;
/// what a newer version adds stands within.
pub const QUESTIONS: &[Question] = &[
    Question {
        kind: "Folder",
        called: ("folder", "folders"),
        paths: &["name", "parent"],
    },
    Question {
        kind: "ResourcePool",
        called: ("resource pool", "resource pools"),
        paths: &["name", "parent"],
    },
    Question {
        kind: "DistributedVirtualSwitch",
        called: ("distributed switch", "distributed switches"),
        paths: &["name", "uuid"],
    },
    Question {
        kind: "Network",
        called: ("network", "networks"),
        paths: &["name", "summary"],
    },
    Question {
        kind: "DistributedVirtualPortgroup",
        called: ("distributed port group", "distributed port groups"),
        paths: &[
            "name",
            "key",
            "config.defaultPortConfig",
            "config.distributedVirtualSwitch",
        ],
    },
    Question {
        kind: "ClusterComputeResource",
        called: ("cluster", "clusters"),
        paths: &["name", "configurationEx"],
    },
    Question {
        kind: "HostSystem",
        called: ("host", "hosts"),
        paths: host::PATHS,
    },
    Question {
        kind: "Datastore",
        called: ("datastore", "datastores"),
        paths: &["summary", "info", "host"],
    },
    Question {
        kind: "VirtualMachine",
        called: ("virtual machine", "virtual machines"),
        paths: guest::PATHS,
    },
];

/// Hidden properties that are told apart.
const HIDDEN_MAX: usize = 500;

/// A property that a role hides, and of how many objects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hidden {
    /// The type of managed object.
    pub kind: String,
    /// The path.
    pub path: String,
    /// The privilege that would show it, where that is told.
    pub privilege: String,
}

/// A name and what is above it.
#[derive(Clone, Debug, Default)]
pub(super) struct Above {
    pub(super) name: String,
    pub(super) parent: Option<String>,
    pub(super) parent_kind: String,
}

/// All answers of one platform, taken one by one. What was told is not kept, but for the names that others refer to.
#[derive(Debug, Default)]
pub struct Inventory {
    pub(super) platform: Platform,
    pub(super) folders: BTreeMap<String, Above>,
    pub(super) pools: BTreeMap<String, Above>,
    pub(super) networks: Networks,
    pub(super) restarts: BTreeMap<String, Restarts>,
    /// The cluster of each host.
    pub(super) clusters: BTreeMap<String, String>,
    /// Whether a guest starts with its host, where its host tells.
    pub(super) starts: BTreeMap<String, BTreeMap<String, bool>>,
    hidden: BTreeMap<Hidden, u64>,
}

impl Inventory {
    /// Of the platform that calls itself `id`: `about.instanceUuid` of a vCenter, the UUID of a lone host.
    pub fn new(id: &str) -> Self {
        Self {
            platform: Platform {
                kind: PlatformKind::Vsphere,
                id: id.to_owned(),
            },
            ..Self::default()
        }
    }

    /// The platform that all of it belongs to.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Takes one object: the facts it is, and what in it makes no sense.
    pub fn take(&mut self, object: &Object) -> Read {
        self.note_missing(object);
        let mut read = Read::default();
        for path in &object.too_long {
            let line = format!("{path} of {} is too long to be read", object.key);
            read.untold.push(line);
        }
        if object.key.is_empty() {
            read.untold.push(format!("a {} without a key", object.kind));
            return read;
        }
        match object.kind.as_str() {
            "Folder" | "StoragePod" => drop(self.folders.insert(object.key.clone(), above(object))),
            "ResourcePool" | "VirtualApp" => {
                drop(self.pools.insert(object.key.clone(), above(object)));
            }
            "DistributedVirtualSwitch" | "VmwareDistributedVirtualSwitch" => {
                self.networks.take_switch(object);
            }
            "Network" | "OpaqueNetwork" => self.networks.take_network(object),
            "DistributedVirtualPortgroup" => self.networks.take_port_group(object),
            "ClusterComputeResource" => {
                let (fact, restarts) = cluster::read(&self.platform, object);
                self.restarts.insert(object.key.clone(), restarts);
                read.facts.push(Fact::Cluster(Box::new(fact)));
            }
            "HostSystem" => host::read(self, object, &mut read),
            "Datastore" => datastore::read(&self.platform, object, &mut read),
            "VirtualMachine" => guest::read(self, object, &mut read),
            _ => {}
        }
        read
    }

    fn note_missing(&mut self, object: &Object) {
        for missing in &object.missing {
            // A version that does not have a property does not hide it, and what was deleted meanwhile has none.
            let is_hidden = !matches!(
                missing.fault.kind.as_str(),
                "InvalidProperty" | "ManagedObjectNotFound"
            );
            if is_hidden {
                let hidden = Hidden {
                    kind: object.kind.clone(),
                    path: missing.path.clone(),
                    privilege: missing.fault.about.clone(),
                };
                if self.hidden.len() < HIDDEN_MAX || self.hidden.contains_key(&hidden) {
                    *self.hidden.entry(hidden).or_default() += 1;
                }
            }
        }
    }

    /// What a role hides, of how many objects, since this was asked the last time.
    pub fn hidden(&mut self) -> BTreeMap<Hidden, u64> {
        std::mem::take(&mut self.hidden)
    }

    /// Folders from the top to `key`, with `/` between; `None` for the one that holds all machines.
    pub(super) fn folder_path(&self, key: &str) -> Option<String> {
        let mut names = Vec::new();
        let mut here = self.folders.get(key);
        while let Some(folder) = here {
            // Below a datacenter stands one folder of each kind that people did not make.
            if folder.parent_kind == "Datacenter" || names.len() > 32 {
                break;
            }
            names.push(folder.name.clone());
            here = folder.parent.as_ref().and_then(|up| self.folders.get(up));
        }
        names.reverse();
        (!names.is_empty()).then(|| names.join("/"))
    }

    /// The name of a pool that people made; the one that every cluster and host has by itself is `None`.
    pub(super) fn pool_name(&self, key: &str) -> Option<String> {
        let pool = self.pools.get(key)?;
        matches!(pool.parent_kind.as_str(), "ResourcePool" | "VirtualApp")
            .then(|| pool.name.clone())
    }
}

fn above(object: &Object) -> Above {
    let parent = object.value("parent");
    Above {
        name: name(object).unwrap_or_default(),
        parent: parent.and_then(|up| up.own_text()).map(str::to_owned),
        parent_kind: parent.map(|up| up.of.clone()).unwrap_or_default(),
    }
}

/// The name of an object. The interface writes `%`, `/` and `\` in names as `%25`, `%2f` and `%5c`.
pub(super) fn name(object: &Object) -> Option<String> {
    object.text("name").map(unescaped)
}

pub(super) fn unescaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (letter, skipped) = match after.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("25") => ('%', 2),
            Some("2f") => ('/', 2),
            Some("5c") => ('\\', 2),
            _ => ('%', 0),
        };
        out.push(letter);
        rest = after.get(skipped..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
