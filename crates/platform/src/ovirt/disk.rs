//! Disks of machines and templates.

use groma_model::Foreign;
use groma_model::virtualization::{DiskController, DiskFormat, DiskMode, GuestDisk};
use serde_json::Value;

use super::answer::{at, id, within, word};
use crate::json::{flag, text, whole};

/// Most disks of a guest.
const DISKS_MAX: usize = 1_000;

/// The disks of a guest.
#[derive(Clone, Debug, Default)]
pub(super) struct Disks {
    pub(super) all: Vec<GuestDisk>,
    /// What they take on their storage domains, snapshots with them; `None` where that of one is not told.
    pub(super) used: Option<u64>,
    /// Whether the engine keeps account of blocks that change, of all of them.
    pub(super) tracked: Option<bool>,
}

impl Disks {
    /// What stands in `disk_attachments`, with the disks put in.
    pub(super) fn of(guest: &Value) -> Self {
        let (mut all, mut used, mut tracked) = (Vec::new(), Some(0_u64), None);
        for attachment in within(guest, "disk_attachments", "disk_attachment", DISKS_MAX) {
            let disk = at(attachment, "disk");
            let Some(made) = made(attachment, disk) else {
                continue;
            };
            if !made.raw_device {
                let takes = whole(disk, "total_size").filter(|bytes| *bytes > 0);
                let takes = takes.or_else(|| whole(disk, "actual_size"));
                used = used.and_then(|used| used.checked_add(takes?));
                let told = word(disk, "backup").map(|word| word == "incremental");
                tracked = told.map(|told| told && tracked != Some(false)).or(tracked);
            }
            all.push(made);
        }
        let used = used.filter(|bytes| *bytes > 0 && !all.is_empty());
        Self { all, used, tracked }
    }
}

/// `None` for one that has no id.
fn made(attachment: &Value, disk: &Value) -> Option<GuestDisk> {
    let own = id(disk).or_else(|| id(attachment))?;
    let is_unit = word(disk, "storage_type").as_deref() == Some("lun");
    let unit = within(at(disk, "lun_storage"), "logical_units", "logical_unit", 1).next();
    let unit = unit.filter(|_| is_unit).unwrap_or(&Value::Null);
    let is_read_only = flag(attachment, "read_only") == Some(true);
    let alias = text(disk, "alias").or_else(|| text(disk, "name"));
    let path = text(unit, "id").unwrap_or_else(|| own.clone());
    Some(GuestDisk {
        name: alias.unwrap_or(own),
        format: match word(disk, "format").as_deref() {
            Some("cow") => DiskFormat::Qcow2,
            Some("raw") => DiskFormat::Raw,
            // A unit of the storage has no format of its own.
            _ if is_unit => DiskFormat::Raw,
            _ => DiskFormat::Unknown,
        },
        capacity_bytes: whole(disk, "provisioned_size").or_else(|| whole(unit, "size")),
        thin: flag(disk, "sparse").filter(|_| !is_unit),
        datastore: within(disk, "storage_domains", "storage_domain", 1)
            .next()
            .and_then(id),
        path: Some(Foreign::from(path)),
        controller: word(attachment, "interface")
            .as_deref()
            .and_then(controller),
        mode: match is_read_only {
            true => DiskMode::ReadOnly,
            false => DiskMode::Dependent,
        },
        shared: flag(disk, "shareable") == Some(true),
        raw_device: is_unit,
        ..GuestDisk::default()
    })
}

fn controller(word: &str) -> Option<DiskController> {
    Some(match word {
        "virtio" => DiskController::Virtio,
        "virtio_scsi" => DiskController::VirtioScsi,
        "ide" => DiskController::Ide,
        "sata" => DiskController::Sata,
        "spapr_vscsi" => DiskController::Scsi,
        _ => return None,
    })
}
