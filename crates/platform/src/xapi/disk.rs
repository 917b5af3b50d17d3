//! Drives of a guest, and what its disks take with their chains.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use groma_model::Foreign;
use groma_model::virtualization::{DiskController, DiskFormat, DiskMode, GuestDisk};
use serde_json::Value;

use super::class::Class;
use super::storage::Stores;
use super::table::{Tables, reference, uuid, within};
use crate::json::{flag, text, whole};

/// Steps along chains of one look; more is a platform that makes fun of us.
const STEPS_MAX: usize = 5_000_000;

/// Disks of a guest by their places, and what is plugged into its other drives.
pub(super) fn drives(
    tables: &Tables,
    stores: &Stores,
    record: &Value,
) -> (Vec<GuestDisk>, Vec<Foreign>) {
    let mut disks: Vec<(u32, GuestDisk)> = own(tables, record)
        .map(|(vbd, vdi)| (place(vbd), disk(stores, vbd, vdi)))
        .collect();
    disks.sort_by(|a, b| (a.0, &a.1.name, &a.1.path).cmp(&(b.0, &b.1.name, &b.1.path)));
    let plugged = tables.each(record, "VBDs", Class::Vbd).filter(|vbd| {
        let is_disk = text(vbd, "type").as_deref() == Some("Disk");
        !is_disk && flag(vbd, "empty") != Some(true)
    });
    let media = plugged.filter_map(|vbd| {
        let vdi = tables.follow(vbd, "VDI", Class::Vdi)?;
        text(vdi, "name_label").or_else(|| text(vdi, "location"))
    });
    let mut media: Vec<Foreign> = media.map(Foreign::from).collect();
    media.sort();
    let disks = disks.into_iter().map(|(_, disk)| disk).collect();
    (disks, media)
}

/// Disks of a guest, each with what lies behind it; `None` where that went away, or may not be seen.
pub(super) fn own<'t>(
    tables: &'t Tables,
    record: &'t Value,
) -> impl Iterator<Item = (&'t Value, Option<&'t Value>)> {
    let drives = tables.each(record, "VBDs", Class::Vbd);
    let disks = drives.filter(|vbd| text(vbd, "type").as_deref() == Some("Disk"));
    disks
        .filter(|vbd| flag(vbd, "empty") != Some(true))
        .map(|vbd| (vbd, tables.follow(vbd, "VDI", Class::Vdi)))
}

fn place(vbd: &Value) -> u32 {
    let number = text(vbd, "userdevice").and_then(|text| text.parse().ok());
    number.unwrap_or(u32::MAX)
}

fn disk(stores: &Stores, vbd: &Value, vdi: Option<&Value>) -> GuestDisk {
    let name = text(vbd, "device").or_else(|| text(vbd, "userdevice"));
    let mut disk = GuestDisk {
        name: name.unwrap_or_default(),
        controller: Some(DiskController::Xen),
        ..GuestDisk::default()
    };
    if text(vbd, "mode").as_deref() == Some("RO") {
        disk.mode = DiskMode::ReadOnly;
    }
    if let Some(vdi) = vdi {
        behind(&mut disk, stores, vdi);
    }
    disk
}

/// What lies behind a drive.
fn behind(disk: &mut GuestDisk, stores: &Stores, vdi: &Value) {
    let store = reference(vdi, "SR").and_then(|at| stores.at(at));
    disk.capacity_bytes = whole(vdi, "virtual_size").filter(|bytes| *bytes > 0);
    disk.path = text(vdi, "location")
        .or_else(|| uuid(vdi))
        .map(Foreign::from);
    disk.shared = flag(vdi, "sharable") == Some(true);
    disk.encrypted = within(vdi, "sm_config", "key_hash").is_some();
    disk.backing = within(vdi, "sm_config", "vhd-parent").map(Foreign::from);
    if flag(vdi, "read_only") == Some(true) {
        disk.mode = DiskMode::ReadOnly;
    }
    // It begins anew at every start: what was written is lost.
    if disk.mode == DiskMode::Dependent && text(vdi, "on_boot").as_deref() == Some("reset") {
        disk.mode = DiskMode::IndependentNonpersistent;
    }
    if let Some(store) = store {
        disk.datastore = store.key.clone().filter(|_| store.is_told());
        disk.raw_device = store.is_raw();
        disk.format = format(vdi, store.kind.as_deref().unwrap_or_default());
        disk.thin = match disk.format {
            DiskFormat::Raw => Some(false),
            _ => store.is_thin(),
        };
    }
}

/// As the driver of its storage marks it; unmarked, as that driver writes all.
fn format(vdi: &Value, store: &str) -> DiskFormat {
    let marks = ["image-format", "vdi_type", "type"];
    let marked = marks.iter().find_map(|key| {
        match within(vdi, "sm_config", key)?.to_ascii_lowercase().as_str() {
            "vhd" => Some(DiskFormat::Vhd),
            "qcow2" => Some(DiskFormat::Qcow2),
            "raw" | "aio" => Some(DiskFormat::Raw),
            _ => None,
        }
    });
    marked.unwrap_or(match store {
        "ext" | "nfs" | "smb" | "file" | "lvm" | "lvhd" | "lvmoiscsi" | "lvhdoiscsi"
        | "lvmohba" | "lvhdohba" => DiskFormat::Vhd,
        "udev" | "iscsi" | "hba" => DiskFormat::Raw,
        _ => DiskFormat::Unknown,
    })
}

/// Disks by what stands below them and what was kept of them.
pub(super) struct Chains<'t> {
    by_uuid: BTreeMap<String, &'t Value>,
    kept: BTreeMap<&'t str, Vec<&'t Value>>,
    steps: Cell<usize>,
}

impl<'t> Chains<'t> {
    pub(super) fn of(tables: &'t Tables) -> Self {
        let mut kept: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for (_, vdi) in tables.all(Class::Vdi) {
            if let Some(of) = reference(vdi, "snapshot_of") {
                kept.entry(of).or_default().push(vdi);
            }
        }
        let all = tables.all(Class::Vdi).map(|(_, vdi)| vdi);
        Self {
            by_uuid: all.filter_map(|vdi| Some((uuid(vdi)?, vdi))).collect(),
            kept,
            steps: Cell::new(0),
        }
    }

    /// What the disks of a guest take: themselves, what was kept of them, and everything below either. `None` where a part of
    /// it is not known; a number that is too small would be worse than none.
    pub(super) fn used(&self, tables: &'t Tables, record: &'t Value) -> Option<f64> {
        let mut counted = BTreeSet::new();
        let mut bytes = 0_u64;
        for (vbd, vdi) in own(tables, record) {
            let of = reference(vbd, "VDI")?;
            let kept = self.kept.get(of).into_iter().flatten().copied();
            for top in std::iter::once(vdi?).chain(kept) {
                bytes = bytes.checked_add(self.below(top, &mut counted)?)?;
            }
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "bytes of disks, to a ten-thousandth of a percent"
        )]
        (bytes > 0).then_some(bytes as f64)
    }

    /// What `top` and all below it take, without what was counted before.
    fn below(&self, top: &Value, counted: &mut BTreeSet<String>) -> Option<u64> {
        let (mut at, mut bytes) = (top, 0_u64);
        loop {
            self.steps.set(self.steps.get().saturating_add(1));
            if self.steps.get() > STEPS_MAX {
                return None;
            }
            if !counted.insert(uuid(at)?) {
                return Some(bytes);
            }
            bytes = bytes.checked_add(whole(at, "physical_utilisation")?)?;
            let Some(parent) = within(at, "sm_config", "vhd-parent") else {
                return Some(bytes);
            };
            at = self.by_uuid.get(&crate::words::uuid(&parent)?)?;
        }
    }
}
