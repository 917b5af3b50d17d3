//! Disks, and the places they lie at.

use std::collections::BTreeMap;

use groma_model::virtualization::{
    Datastore, DatastoreSort, DiskController, DiskFormat, GuestDisk, Platform,
};
use groma_model::{Fact, Foreign, Peer};
use serde_json::Value;

use super::{PARTS_MAX, word};
use crate::Read;
use crate::json::{flag, list, number, text, whole};

/// Shares, volumes of the cluster and drives, as paths of disks name them.
pub(super) struct Stores {
    host: String,
    found: BTreeMap<String, Store>,
}

struct Store {
    name: String,
    sort: DatastoreSort,
    server: Option<Peer>,
    is_shared: bool,
}

impl Stores {
    pub(super) fn of(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            found: BTreeMap::new(),
        }
    }

    /// The key of the place `path` lies at: `\\server\share`, `clusterstorage\volume1`, `host\d:`.
    fn key(&mut self, path: &str) -> Option<String> {
        let mut parts = path.trim_start_matches('\\').split('\\');
        let (first, second) = (parts.next()?, parts.next().unwrap_or_default());
        let drive = first.len() == 2 && first.ends_with(':');
        let (key, store) = if path.starts_with("\\\\") && !second.is_empty() {
            let store = Store {
                name: format!("\\\\{first}\\{second}"),
                sort: DatastoreSort::FileShare,
                server: Peer::parse(first),
                is_shared: true,
            };
            (store.name.to_lowercase(), store)
        } else if drive && second.eq_ignore_ascii_case("ClusterStorage") {
            let volume = parts.next()?;
            let store = Store {
                name: format!("ClusterStorage\\{volume}"),
                sort: DatastoreSort::Unknown,
                server: None,
                is_shared: true,
            };
            (store.name.to_lowercase(), store)
        } else if drive {
            let store = Store {
                name: first.to_uppercase(),
                sort: DatastoreSort::Directory,
                server: None,
                is_shared: false,
            };
            (format!("{}\\{}", self.host, first.to_lowercase()), store)
        } else {
            return None;
        };
        self.found.entry(key.clone()).or_insert(store);
        Some(key)
    }

    /// Their facts; the answer is their keys, sorted.
    pub(super) fn tell(self, platform: &Platform, read: &mut Read) -> Vec<String> {
        let keys = self.found.keys().cloned().collect();
        for (key, store) in self.found {
            read.facts.push(Fact::Datastore(Box::new(Datastore {
                platform: platform.clone(),
                key,
                name: Foreign::from(store.name),
                sort: store.sort,
                server: store.server,
                shared: Some(store.is_shared),
                hosts: vec![self.host.clone()],
                ..Datastore::default()
            })));
        }
        keys
    }
}

/// The disks of a machine, and what they take where they lie, if that is known of all.
pub(super) fn disks(machine: &Value, stores: &mut Stores) -> (Vec<GuestDisk>, Option<f64>) {
    let drives = list(machine, "Disks", PARTS_MAX);
    let (disks, taken): (Vec<GuestDisk>, Vec<Option<f64>>) = drives
        .filter_map(|drive| {
            let disk = disk(drive, stores)?;
            let taken = taken(drive, &disk);
            Some((disk, taken))
        })
        .unzip();
    let used: Option<f64> = taken.into_iter().sum();
    let used = used.filter(|_| !disks.is_empty());
    (disks, used)
}

/// What the file of a disk takes. The file of one with a parent holds the changes alone.
fn taken(drive: &Value, disk: &GuestDisk) -> Option<f64> {
    let is_whole = disk.backing.is_none() && sort(drive).as_deref() != Some("differencing");
    number(drive, "FileSize").filter(|_| is_whole)
}

fn sort(drive: &Value) -> Option<String> {
    let words = [(2, "fixed"), (3, "dynamic"), (4, "differencing")];
    word(drive, "VhdType", &words)
}

/// A drive without a path is empty.
fn disk(drive: &Value, stores: &mut Stores) -> Option<GuestDisk> {
    let path = text(drive, "Path")?;
    let bus = word(drive, "ControllerType", &[(0, "ide"), (1, "scsi")]).unwrap_or_default();
    let place = |key: &str| text(drive, key).unwrap_or_default();
    let raw_device = text(drive, "DiskNumber").is_some();
    let is_set = path.to_lowercase().ends_with(".vhds");
    Some(GuestDisk {
        name: format!(
            "{} {}:{}",
            bus.to_uppercase(),
            place("ControllerNumber"),
            place("ControllerLocation")
        )
        .trim()
        .to_owned(),
        format: if raw_device {
            DiskFormat::Raw
        } else {
            format(drive, &path)
        },
        capacity_bytes: whole(drive, "Size"),
        thin: match sort(drive).as_deref() {
            Some("fixed") => Some(false),
            Some("dynamic" | "differencing") => Some(true),
            _ => None,
        },
        datastore: if raw_device { None } else { stores.key(&path) },
        controller: match bus.as_str() {
            "ide" => Some(DiskController::Ide),
            "scsi" => Some(DiskController::Scsi),
            _ => None,
        },
        shared: is_set || flag(drive, "SupportPersistentReservations") == Some(true),
        raw_device,
        backing: text(drive, "ParentPath").map(Foreign::from),
        path: Some(Foreign::from(path)),
        ..GuestDisk::default()
    })
}

fn format(drive: &Value, path: &str) -> DiskFormat {
    let ending = path.rsplit('.').next().unwrap_or_default().to_lowercase();
    let told = word(
        drive,
        "VhdFormat",
        &[(2, "vhd"), (3, "vhdx"), (4, "vhdset")],
    );
    match told.as_deref().unwrap_or(&ending) {
        "vhd" | "avhd" => DiskFormat::Vhd,
        "vhdx" | "avhdx" | "vhdset" | "vhds" => DiskFormat::Vhdx,
        _ => DiskFormat::Unknown,
    }
}
