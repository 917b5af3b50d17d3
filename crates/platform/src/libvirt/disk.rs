//! Disks of a guest, and what is plugged into its optical and floppy drives.

use groma_model::Foreign;
use groma_model::virtualization::{DiskController, DiskFormat, DiskMode, GuestDisk, GuestSort};

use super::tree::Element;

/// Disks in the order of the description; drives for media are none. The file systems of a container are its disks.
pub(super) fn disks(devices: &Element, sort: GuestSort) -> Vec<GuestDisk> {
    let own = devices.all("disk").filter(|disk| !is_drive(disk));
    let mut all: Vec<GuestDisk> = own.map(|disk| made(disk, devices)).collect();
    if sort == GuestSort::Container {
        all.extend(devices.all("filesystem").filter_map(file_system));
        all.extend(devices.all("hostdev").filter_map(handed_over));
    }
    all
}

/// What is plugged into drives, sorted; an empty drive is nothing.
pub(super) fn media(devices: &Element) -> Vec<Foreign> {
    let drives = devices.all("disk").filter(|disk| is_drive(disk));
    let mut all: Vec<Foreign> = drives.filter_map(path).collect();
    all.sort();
    all.dedup();
    all
}

fn is_drive(disk: &Element) -> bool {
    matches!(disk.attribute("device"), Some("cdrom" | "floppy"))
}

fn made(disk: &Element, devices: &Element) -> GuestDisk {
    let source = disk.child("source");
    let read_only = disk.child("readonly").is_some();
    let target = disk.child("target");
    GuestDisk {
        name: target
            .and_then(|target| target.attribute("dev"))
            .unwrap_or_default()
            .to_owned(),
        format: format(disk),
        path: path(disk),
        controller: controller(disk, devices),
        mode: mode(disk, read_only),
        shared: disk.child("shareable").is_some() && !read_only,
        raw_device: is_raw_device(disk),
        encrypted: disk.child("encryption").is_some()
            || source.is_some_and(|source| source.child("encryption").is_some()),
        backing: disk.child("backingStore").and_then(path),
        ..GuestDisk::default()
    }
}

/// A transient disk forgets what was written; `snapshot='no'` leaves a disk out of snapshots.
fn mode(disk: &Element, read_only: bool) -> DiskMode {
    match () {
        () if disk.child("transient").is_some() => DiskMode::IndependentNonpersistent,
        () if read_only => DiskMode::ReadOnly,
        () if disk.says("snapshot", "no") => DiskMode::IndependentPersistent,
        () => DiskMode::Dependent,
    }
}

/// A device of the host or a whole LUN. A volume that somebody divided (LVM, ZFS, DRBD, Ceph) is a file by another name.
fn is_raw_device(disk: &Element) -> bool {
    let of_source = |name: &str| {
        disk.child("source")
            .and_then(|source| source.attribute(name))
    };
    disk.says("device", "lun")
        || matches!(disk.attribute("type"), Some("nvme" | "vhostvdpa"))
        || of_source("protocol") == Some("iscsi")
        || of_source("dev").is_some_and(names_a_device)
}

/// True for the path of a whole disk, or of a part of one: `/dev/sdb`, `/dev/nvme0n1`, `/dev/disk/by-path/…`,
/// `/dev/mapper/mpatha`. A volume group may be called `sda` too, and has its volumes below it.
fn names_a_device(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/dev/") else {
        return false;
    };
    let by_id = name.strip_prefix("disk/by-id/");
    match (by_id, name.strip_prefix("mapper/")) {
        (Some(id), _) if id.starts_with("dm-uuid-") => id.starts_with("dm-uuid-mpath-"),
        (Some(id), _) => id.strip_prefix("dm-name-").is_none_or(is_multipath),
        (None, Some(mapped)) => is_multipath(mapped),
        (None, None) => {
            let kernel = ["sd", "nvme", "vd", "xvd", "hd", "dasd"];
            let is_disk = kernel.iter().any(|start| name.starts_with(start));
            name.starts_with("disk/by-") || (is_disk && !name.contains('/'))
        }
    }
}

/// `mpatha`, or the number a LUN has in the whole world: 3, and the 16 or 32 digits of its NAA.
fn is_multipath(mapped: &str) -> bool {
    let digits = mapped.strip_prefix('3').unwrap_or_default();
    let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    mapped.starts_with("mpath") || (is_number && matches!(digits.len(), 16 | 32))
}

fn format(disk: &Element) -> DiskFormat {
    let driver = disk.child("driver");
    let word = driver.and_then(|driver| driver.attribute("type"));
    let by_type = match disk.attribute("type") {
        Some("block" | "nvme") => DiskFormat::Raw,
        _ => DiskFormat::Unknown,
    };
    word.map_or(by_type, format_called)
}

/// A format by libvirt's word.
pub(super) fn format_called(word: &str) -> DiskFormat {
    match word {
        "qcow2" => DiskFormat::Qcow2,
        "raw" | "aio" | "iso" => DiskFormat::Raw,
        "vmdk" => DiskFormat::Vmdk,
        "vdi" => DiskFormat::Vdi,
        "vpc" | "vhd" => DiskFormat::Vhd,
        "vhdx" => DiskFormat::Vhdx,
        _ => DiskFormat::Unknown,
    }
}

/// File, device, directory, volume as `pool/volume`, or the address of it in the network. Without a query, which may hold a token.
fn path(holder: &Element) -> Option<Foreign> {
    let source = holder.child("source")?;
    let mut plain = ["file", "dev", "dir", "path"].into_iter();
    let plain = plain.find_map(|name| source.attribute(name));
    if let Some(plain) = plain {
        return Some(Foreign::from(plain));
    }
    if let (Some(pool), Some(volume)) = (source.attribute("pool"), source.attribute("volume")) {
        return Some(Foreign::from(format!("{pool}/{volume}")));
    }
    if holder.says("type", "nvme") {
        return source
            .child("address")
            .and_then(super::device::pci)
            .map(Foreign::from);
    }
    network_path(source).map(Foreign::from)
}

fn network_path(source: &Element) -> Option<String> {
    let protocol = source.attribute("protocol")?;
    let name = source.attribute("name").unwrap_or_default();
    let host = source.child("host").and_then(|host| {
        let name = host
            .attribute("name")
            .or_else(|| host.attribute("socket"))?;
        let name = match name.contains(':') {
            true => format!("[{name}]"),
            false => name.to_owned(),
        };
        Some(match host.attribute("port") {
            Some(port) => format!("{name}:{port}"),
            None => name,
        })
    });
    let name = name.split('?').next().unwrap_or_default();
    Some(match host {
        Some(host) => format!("{protocol}://{host}/{}", name.trim_start_matches('/')),
        None => format!("{protocol}:{name}"),
    })
}

fn controller(disk: &Element, devices: &Element) -> Option<DiskController> {
    let bus = disk
        .child("target")
        .and_then(|target| target.attribute("bus"));
    Some(match bus? {
        "virtio" => DiskController::Virtio,
        "scsi" => scsi(disk, devices),
        "sata" => DiskController::Sata,
        "ide" => DiskController::Ide,
        "xen" => DiskController::Xen,
        "usb" => DiskController::Usb,
        "fdc" => DiskController::Floppy,
        "nvme" => DiskController::Nvme,
        _ => return None,
    })
}

/// By the model of the controller that its address names; real hardware where nothing is said.
fn scsi(disk: &Element, devices: &Element) -> DiskController {
    let address = disk.child("address");
    let index = address
        .and_then(|address| address.attribute("controller"))
        .unwrap_or("0");
    let mut controllers = devices
        .all("controller")
        .filter(|one| one.says("type", "scsi"));
    let own = controllers.find(|one| one.attribute("index").unwrap_or("0") == index);
    match own.and_then(|one| one.attribute("model")) {
        Some(model) if model.starts_with("virtio") => DiskController::VirtioScsi,
        Some("vmpvscsi") => DiskController::Pvscsi,
        _ => DiskController::Scsi,
    }
}

fn file_system(held: &Element) -> Option<GuestDisk> {
    let source = held.child("source")?;
    let where_to = held.child("target")?.attribute("dir")?;
    let mut from = ["dir", "file", "dev", "name"].into_iter();
    let from = from.find_map(|name| source.attribute(name))?;
    let driver = held.child("driver");
    let format = driver.and_then(|driver| driver.attribute("format"));
    Some(GuestDisk {
        name: where_to.to_owned(),
        path: Some(Foreign::from(from)),
        format: format.map_or(DiskFormat::Unknown, format_called),
        mode: mode(held, held.child("readonly").is_some()),
        raw_device: names_a_device(from),
        ..GuestDisk::default()
    })
}

/// A block device of the host that a container has.
fn handed_over(device: &Element) -> Option<GuestDisk> {
    let block = device.text_at(&["source", "block"])?;
    Some(GuestDisk {
        name: block.to_owned(),
        path: Some(Foreign::from(block)),
        format: DiskFormat::Raw,
        raw_device: names_a_device(block),
        ..GuestDisk::default()
    })
}
