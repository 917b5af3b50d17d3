//! Disks of a guest.

use groma_model::Foreign;
use groma_model::virtualization::{DiskController, DiskFormat, DiskMode, GuestDisk};

use super::element::Element;

/// All disks among `devices`, in their order.
pub(super) fn disks(devices: &[&Element]) -> Vec<GuestDisk> {
    let disks = devices.iter().filter(|device| device.kind == "VirtualDisk");
    disks.map(|device| disk(device, devices)).collect()
}

fn disk(device: &Element, devices: &[&Element]) -> GuestDisk {
    let nothing = Element::default();
    let backing = device.at("backing").unwrap_or(&nothing);
    let key = device.text("controllerKey");
    let controller = devices
        .iter()
        .find(|other| key.is_some() && other.text("key") == key);
    let is_raw = matches!(
        backing.kind.as_str(),
        "VirtualDiskRawDiskMappingVer1BackingInfo"
            | "VirtualDiskRawDiskVer2BackingInfo"
            | "VirtualDiskPartitionedRawDiskVer2BackingInfo"
    );
    // Several guests reach one device by mapping files of their own; what they share is the device.
    let device_name = backing.text("deviceName").filter(|_| is_raw);
    let path = device_name.or_else(|| backing.text("fileName"));
    GuestDisk {
        name: device
            .text("deviceInfo/label")
            .unwrap_or_default()
            .to_owned(),
        format: match (is_raw, backing.kind.is_empty()) {
            (true, _) => DiskFormat::Raw,
            (false, true) => DiskFormat::Unknown,
            (false, false) => DiskFormat::Vmdk,
        },
        capacity_bytes: capacity(device),
        thin: backing
            .truth("thinProvisioned")
            .or_else(|| backing.kind.contains("Sparse").then_some(true)),
        datastore: backing.text("datastore").map(str::to_owned),
        path: path.map(Foreign::from),
        controller: controller.and_then(|controller| sort(&controller.kind)),
        mode: mode(backing.text("diskMode").unwrap_or_default()),
        shared: is_shared(backing, controller.copied()),
        raw_device: is_raw,
        encrypted: backing.at("keyId").is_some(),
        backing: backing.text("parent/fileName").map(Foreign::from),
        left_out_of_backup: false,
    }
}

/// True if a disk holds the changes of one in the folder of another machine: a linked clone. Snapshots of its own stand in its
/// own folder, and are counted with it.
pub(super) fn has_foreign_base(devices: Option<&Element>) -> bool {
    let devices = devices.into_iter().flat_map(|all| all.all("VirtualDevice"));
    let disks = devices.filter(|device| device.kind == "VirtualDisk");
    let mut backings = disks.filter_map(|disk| disk.at("backing"));
    backings.any(|backing| {
        let own = backing.text("fileName").map(folder);
        let below = std::iter::successors(backing.at("parent"), |file| file.at("parent"));
        let mut files = below.map(|file| file.text("fileName").map(folder));
        files.any(|of_it| of_it != own)
    })
}

/// `[store] web1` of `[store] web1/web1-000001.vmdk`.
fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// In bytes since version 5.5, before in units of 1024.
fn capacity(device: &Element) -> Option<u64> {
    let old = || device.number::<u64>("capacityInKB")?.checked_mul(1024);
    device.number("capacityInBytes").or_else(old)
}

fn sort(controller: &str) -> Option<DiskController> {
    Some(match controller {
        "VirtualIDEController" => DiskController::Ide,
        "VirtualAHCIController" | "VirtualSATAController" => DiskController::Sata,
        "ParaVirtualSCSIController" => DiskController::Pvscsi,
        "VirtualLsiLogicController"
        | "VirtualLsiLogicSASController"
        | "VirtualBusLogicController"
        | "VirtualSCSIController" => DiskController::Scsi,
        "VirtualNVMEController" => DiskController::Nvme,
        "VirtualUSBController" | "VirtualUSBXHCIController" => DiskController::Usb,
        _ => return None,
    })
}

/// A disk that snapshots hold although its writes are thrown away is told as what matters more.
fn mode(word: &str) -> DiskMode {
    match word {
        "independent_persistent" => DiskMode::IndependentPersistent,
        "independent_nonpersistent" | "nonpersistent" => DiskMode::IndependentNonpersistent,
        _ => DiskMode::Dependent,
    }
}

/// Either the disk itself may be opened by several, or everything on its bus may: clusters of Windows share the bus and leave the
/// disk at `sharingNone`. A shared bus without disks shares nothing.
fn is_shared(backing: &Element, controller: Option<&Element>) -> bool {
    let by_itself = backing.text("sharing") == Some("sharingMultiWriter");
    let bus = controller.and_then(|controller| controller.text("sharedBus"));
    by_itself || matches!(bus, Some("physicalSharing" | "virtualSharing"))
}
