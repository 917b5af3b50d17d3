//! Drives of a machine and mount points of a container.

use groma_model::Foreign;
use groma_model::virtualization::{DiskController, DiskFormat, DiskMode, GuestDisk};

use super::property::{Properties, bytes};
use super::settings::Settings;
use super::storage::Stores;

/// Buses of drives, in the order a person lists them.
const BUSES: &[&str] = &["ide", "sata", "scsi", "virtio"];

/// Where the volumes of a guest lie.
pub(crate) struct Place<'a> {
    /// The storages, where they are known.
    pub(crate) stores: &'a Stores,
    /// The node the guest is on.
    pub(crate) node: Option<&'a str>,
}

/// Disks and media of a machine. A drive without a medium (`none`) is left out, and so are disks that are kept but not
/// attached (`unused0`), and those that hold nothing but settings (`efidisk0`, `tpmstate0`, what cloud-init is given).
pub(crate) fn drives(settings: &Settings, place: &Place<'_>) -> (Vec<GuestDisk>, Vec<Foreign>) {
    let (mut disks, mut media) = (Vec::new(), Vec::new());
    for bus in BUSES {
        for (name, value) in settings.numbered(bus) {
            let properties = Properties::of(value);
            let Some(volume) = properties
                .first_or("file")
                .filter(|volume| *volume != "none" && !is_cloud_init(volume))
            else {
                continue;
            };
            match properties.value("media") == Some("cdrom") {
                true => media.push(Foreign::from(volume)),
                false => disks.push(GuestDisk {
                    controller: controller(bus, settings.value("scsihw")),
                    ..drive(&name, volume, &properties, place)
                }),
            }
        }
    }
    media.sort();
    (disks, media)
}

/// `local-lvm:vm-104-cloudinit`, `local:104/vm-104-cloudinit.qcow2`: the platform makes it anew at each start.
fn is_cloud_init(volume: &str) -> bool {
    let endings = [".qcow2", ".raw"];
    let bare = endings
        .iter()
        .find_map(|ending| volume.strip_suffix(ending));
    bare.unwrap_or(volume).ends_with("cloudinit")
}

fn controller(bus: &str, scsi: Option<&str>) -> Option<DiskController> {
    Some(match (bus, scsi.unwrap_or_default()) {
        ("ide", _) => DiskController::Ide,
        ("sata", _) => DiskController::Sata,
        ("virtio", _) => DiskController::Virtio,
        (_, "pvscsi") => DiskController::Pvscsi,
        (_, hardware) if hardware.starts_with("virtio-scsi") => DiskController::VirtioScsi,
        _ => DiskController::Scsi,
    })
}

fn drive(name: &str, volume: &str, properties: &Properties<'_>, place: &Place<'_>) -> GuestDisk {
    let mode = match (properties.flag("ro"), properties.flag("snapshot")) {
        (Some(true), _) => DiskMode::ReadOnly,
        (_, Some(true)) => DiskMode::IndependentNonpersistent,
        _ => DiskMode::Dependent,
    };
    let mut disk = placed(name, volume, place);
    disk.capacity_bytes = properties.value("size").and_then(bytes);
    disk.mode = mode;
    disk.left_out_of_backup = properties.flag("backup") == Some(false);
    match properties.value("format") {
        Some("qcow2") => disk.format = DiskFormat::Qcow2,
        Some("vmdk") => disk.format = DiskFormat::Vmdk,
        Some("raw") => disk.format = DiskFormat::Raw,
        _ => {}
    }
    if disk.format == DiskFormat::Qcow2 {
        disk.thin = Some(true);
    }
    disk
}

/// The root and the mount points of a container. Of those, the root alone is copied by backups unless a mount point asks for
/// it (pct.conf(5), `backup`); a directory of the host that is bound in never is.
pub(crate) fn mounts(settings: &Settings, place: &Place<'_>) -> Vec<GuestDisk> {
    let root = settings
        .value("rootfs")
        .map(|value| ("rootfs".to_owned(), value));
    let mounts = root.into_iter().chain(settings.numbered("mp"));
    mounts
        .filter_map(|(name, value)| {
            let properties = Properties::of(value);
            let volume = properties.first_or("volume")?;
            let mut disk = drive(&name, volume, &properties, place);
            let is_bound = volume.starts_with('/');
            disk.left_out_of_backup =
                name != "rootfs" && (is_bound || properties.flag("backup") != Some(true));
            Some(disk)
        })
        .collect()
}

/// Where mount points that backups leave out stand within a container.
pub(crate) fn left_out_paths(settings: &Settings) -> Vec<Foreign> {
    let mounts = settings.numbered("mp").into_iter();
    mounts
        .filter_map(|(_, value)| {
            let properties = Properties::of(value);
            let is_bound = properties.first_or("volume")?.starts_with('/');
            let kept = !is_bound && properties.flag("backup") == Some(true);
            (!kept).then(|| properties.value("mp").map(Foreign::from))?
        })
        .collect()
}

/// A volume (`STORAGE:VOLUME`), a device of the host or a path there.
fn placed(name: &str, volume: &str, place: &Place<'_>) -> GuestDisk {
    let mut disk = GuestDisk {
        name: name.to_owned(),
        ..GuestDisk::default()
    };
    let (store, inner) = match volume.split_once(':') {
        Some((store, inner)) if !volume.starts_with('/') => (Some(store), inner),
        _ => (None, volume),
    };
    disk.raw_device = volume.starts_with("/dev/");
    let kind = store.and_then(|store| place.stores.kind(store));
    disk.format = match (by_ending(inner), kind) {
        (Some(format), _) => format,
        (None, _) if disk.raw_device || inner.starts_with("vm-") => DiskFormat::Raw,
        (None, Some(kind)) if is_block(kind) => DiskFormat::Raw,
        _ => DiskFormat::Unknown,
    };
    disk.thin = store.and_then(|store| place.stores.thin(store));
    disk.datastore = store.and_then(|store| place.stores.key(store, place.node));
    // Without its storage, the name of a volume says half.
    let path = if disk.datastore.is_some() {
        inner
    } else {
        volume
    };
    disk.path = Some(Foreign::from(path));
    disk.backing = inner
        .split_once('/')
        .filter(|(base, own)| base.starts_with("base") && own.starts_with("vm-"))
        .or_else(|| linked(inner))
        .map(|(base, _)| Foreign::from(base));
    disk
}

/// A linked clone on a directory: `9000/base-9000-disk-0.qcow2/104/vm-104-disk-0.qcow2`.
fn linked(volume: &str) -> Option<(&str, &str)> {
    let (base, own) = volume
        .rmatch_indices("/vm-")
        .next()
        .map(|(at, _)| volume.split_at(at))?;
    let (base, _) = base.rsplit_once('/')?;
    base.contains("/base-").then_some((base, own))
}

fn by_ending(volume: &str) -> Option<DiskFormat> {
    let (_, ending) = volume.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "qcow2" => DiskFormat::Qcow2,
        "vmdk" => DiskFormat::Vmdk,
        "raw" | "subvol" => DiskFormat::Raw,
        _ => return None,
    })
}

fn is_block(kind: &str) -> bool {
    matches!(
        kind,
        "lvm" | "lvmthin" | "zfspool" | "zfs" | "rbd" | "iscsi" | "iscsidirect"
    )
}
