//! A guest: a virtual machine, a container of a platform, or a template of either.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Platform;
use crate::name::HostName;
use crate::{Foreign, Timestamp};

/// A virtual machine, a system container, or a template, as its platform tells of it.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Guest {
    /// Where it belongs.
    pub platform: Platform,
    /// See the [module](crate::virtualization).
    pub key: String,
    /// As the platform shows it; need not be what it calls itself.
    pub name: Foreign,
    /// What it is.
    pub sort: GuestSort,
    /// The SMBIOS UUID the platform gives it, lower case with dashes, as the platform writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// What the platform itself tells it from all others by (vSphere `instanceUuid`, Proxmox `vmgenid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_uuid: Option<String>,
    /// Whether it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
    /// Key of the host it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Folder or pool people keep it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<Foreign>,
    /// Virtual processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processors: Option<u32>,
    /// Cores that look like one socket to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores_per_socket: Option<u32>,
    /// Its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Its disks, in the platform's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<GuestDisk>,
    /// Its network cards, in the platform's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nics: Vec<GuestNic>,
    /// Its snapshots, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<GuestSnapshot>,
    /// What starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Firmware>,
    /// True if it starts signed programs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secure_boot: Option<bool>,
    /// True if it has a trusted platform module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<bool>,
    /// Version of the virtual hardware or machine type (`vmx-19`, `pc-q35-8.1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_version: Option<String>,
    /// Devices of the host that it has for itself, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passthrough: Vec<Passthrough>,
    /// Images and drives that are plugged into its optical and floppy drives, sorted; empty drives are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Foreign>,
    /// Processors of the host it is bound to, as the platform writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_affinity: Option<String>,
    /// NUMA nodes of the host it is bound to, as the platform writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numa_affinity: Option<String>,
    /// True if a second one follows its every step (vSphere Fault Tolerance).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault_tolerance: Option<bool>,
    /// True if its platform keeps an account of the blocks that change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_block_tracking: Option<bool>,
    /// True if removed snapshots have left files behind that must be joined first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consolidation_needed: Option<bool>,
    /// True if its platform starts it again elsewhere when its host fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_elsewhere: Option<bool>,
    /// True if it is started with its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with_host: Option<bool>,
    /// The operating system its settings name, as the platform writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured_os: Option<String>,
    /// The operating system that was seen from inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_os: Option<String>,
    /// What it calls itself, told from inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<HostName>,
    /// The platform's helper inside it (VMware Tools, QEMU guest agent, integration services).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Tools>,
}

/// What a guest is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GuestSort {
    /// A virtual machine.
    #[default]
    Machine,
    /// A system container (LXC): it shares the kernel and the UUID of its host.
    Container,
    /// What machines are made from; it never runs.
    Template,
}

/// Whether a guest runs.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// It runs.
    On,
    /// It is off.
    Off,
    /// It stands still, its memory kept.
    Suspended,
}

/// What starts a guest.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// BIOS.
    Bios,
    /// UEFI.
    Efi,
}

/// A disk of a guest.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct GuestDisk {
    /// As the guest's settings call it: `Hard disk 1`, `vda`, `scsi0`.
    pub name: String,
    /// How its blocks are written.
    pub format: DiskFormat,
    /// What the guest sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_bytes: Option<u64>,
    /// True if space is taken as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thin: Option<bool>,
    /// Key of the datastore it lies on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datastore: Option<String>,
    /// Its file or volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Foreign>,
    /// What it is plugged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<DiskController>,
    /// Whether snapshots hold it.
    #[serde(default, skip_serializing_if = "DiskMode::is_usual")]
    pub mode: DiskMode,
    /// True if another guest may write to it at the same time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// True for a disk of the storage that is handed through whole (RDM, pass-through disk, a host's block device).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw_device: bool,
    /// True if its blocks are encrypted by the platform.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub encrypted: bool,
    /// The file below it that it holds the changes of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backing: Option<Foreign>,
    /// True if backups of the platform leave it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out_of_backup: bool,
}

/// How the blocks of a disk are written.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFormat {
    /// VMware.
    Vmdk,
    /// QEMU.
    Qcow2,
    /// As they are: a file, a volume or a device.
    Raw,
    /// Hyper-V, of Windows Server 2012 and later.
    Vhdx,
    /// Virtual PC, Xen, Azure and early Hyper-V.
    Vhd,
    /// VirtualBox.
    Vdi,
    /// The platform does not tell.
    #[default]
    Unknown,
}

/// What a disk is plugged into.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DiskController {
    /// IDE.
    Ide,
    /// SATA.
    Sata,
    /// SCSI that real hardware has: LSI Logic, BusLogic.
    Scsi,
    /// VMware's own SCSI.
    Pvscsi,
    /// virtio over SCSI.
    VirtioScsi,
    /// virtio as a block device.
    Virtio,
    /// NVMe.
    Nvme,
    /// A block device of Xen.
    Xen,
    /// USB.
    Usb,
    /// Floppy.
    Floppy,
}

/// Whether snapshots hold a disk.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DiskMode {
    /// They do.
    #[default]
    Dependent,
    /// They leave it out.
    IndependentPersistent,
    /// They leave it out, and what is written is lost when the guest goes off.
    IndependentNonpersistent,
    /// Nothing is ever written.
    ReadOnly,
}

impl DiskMode {
    fn is_usual(&self) -> bool {
        *self == Self::Dependent
    }
}

/// A network card of a guest.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct GuestNic {
    /// As the guest's settings call it: `Network adapter 1`, `net0`.
    pub name: String,
    /// Lower case with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// What it looks like to the guest: `vmxnet3`, `e1000`, `virtio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The switch or bridge it is plugged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<String>,
    /// The port group or network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// The VLAN, where its settings or its port group name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<String>,
    /// False while its cable is unplugged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// Its addresses, told from inside or by the platform's leases, sorted. Without those of its link alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
}

/// A state of a guest that somebody kept.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct GuestSnapshot {
    /// Its name.
    pub name: Foreign,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// True if the memory was kept too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_memory: bool,
    /// True if the guest goes on from this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub current: bool,
}

/// A device of the host that a guest has for itself.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Passthrough {
    /// What it is.
    pub sort: PassthroughSort,
    /// Which: its address or name on the host, as the platform writes it.
    pub what: String,
}

/// What a device is that is handed through.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PassthroughSort {
    /// A device on the PCI bus.
    #[default]
    Pci,
    /// A virtual function of a network card (SR-IOV).
    Sriov,
    /// A USB device: a dongle, a modem.
    Usb,
    /// A graphics card, or a part of one.
    Gpu,
    /// A serial or parallel port.
    Port,
    /// A SCSI device that is no disk: a tape drive, a changer.
    Scsi,
}

/// The platform's helper inside a guest.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Tools {
    /// False where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<bool>,
    /// True if it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<bool>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// True if the platform asks for a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outdated: Option<bool>,
}
