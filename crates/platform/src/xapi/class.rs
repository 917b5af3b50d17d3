//! What may be asked: the classes, their calls, and the fields that are kept.

/// A class of records. There is no other way to make the name of a call, and every call reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// The pool: one record.
    Pool,
    /// Hosts.
    Host,
    /// What hosts have and whether they are alive.
    HostMetrics,
    /// Cards and VLANs of hosts.
    Pif,
    /// Speeds of cards.
    PifMetrics,
    /// Cards that are bound together.
    Bond,
    /// Networks: each a bridge on every host that has a way to it.
    Network,
    /// Devices on the PCI buses of hosts.
    Pci,
    /// USB devices of hosts.
    Pusb,
    /// Graphics cards that are alike.
    GpuGroup,
    /// Storage repositories.
    Sr,
    /// How a host reaches a repository.
    Pbd,
    /// Guests, snapshots, templates and control domains.
    Vm,
    /// What is told from inside guests.
    VmGuestMetrics,
    /// Cards of guests.
    Vif,
    /// Drives of guests.
    Vbd,
    /// Disks.
    Vdi,
    /// Parts of graphics cards that guests have.
    Vgpu,
    /// USB devices that guests have.
    Vusb,
    /// Guests that are started together.
    VmAppliance,
    /// Guests that are kept apart.
    VmGroup,
}

/// What is kept of one field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kept {
    /// All of it.
    All,
    /// These entries of a map.
    These(&'static [&'static str]),
}

type Fields = &'static [(&'static str, Kept)];

use Kept::{All, These};

impl Class {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 21] = [
        Self::Pool,
        Self::Host,
        Self::HostMetrics,
        Self::Pif,
        Self::PifMetrics,
        Self::Bond,
        Self::Network,
        Self::Pci,
        Self::Pusb,
        Self::GpuGroup,
        Self::Sr,
        Self::Pbd,
        Self::Vm,
        Self::VmGuestMetrics,
        Self::Vif,
        Self::Vbd,
        Self::Vdi,
        Self::Vgpu,
        Self::Vusb,
        Self::VmAppliance,
        Self::VmGroup,
    ];

    /// Its name in calls: `VM` of `VM.get_all_records`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::Host => "host",
            Self::HostMetrics => "host_metrics",
            Self::Pif => "PIF",
            Self::PifMetrics => "PIF_metrics",
            Self::Bond => "Bond",
            Self::Network => "network",
            Self::Pci => "PCI",
            Self::Pusb => "PUSB",
            Self::GpuGroup => "GPU_group",
            Self::Sr => "SR",
            Self::Pbd => "PBD",
            Self::Vm => "VM",
            Self::VmGuestMetrics => "VM_guest_metrics",
            Self::Vif => "VIF",
            Self::Vbd => "VBD",
            Self::Vdi => "VDI",
            Self::Vgpu => "VGPU",
            Self::Vusb => "VUSB",
            Self::VmAppliance => "VM_appliance",
            Self::VmGroup => "VM_group",
        }
    }

    /// True for a class that came with a later version than the oldest that is in use.
    pub fn may_be_absent(self) -> bool {
        matches!(self, Self::Pusb | Self::Vusb | Self::VmGroup | Self::Pci)
    }

    /// The call that tells all records.
    pub fn all_records(self) -> String {
        format!("{}.get_all_records", self.word())
    }

    /// The call that tells all references.
    pub fn all_references(self) -> String {
        format!("{}.get_all", self.word())
    }

    /// The call that tells one record.
    pub fn one_record(self) -> String {
        format!("{}.get_record", self.word())
    }

    /// The fields that are kept.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        self.kept_fields().iter().map(|(name, _)| *name)
    }

    /// What is kept of `field`; `None` for nothing.
    pub(super) fn keeps(self, field: &str) -> Option<Kept> {
        let mut fields = self.kept_fields().iter();
        fields
            .find(|(name, _)| *name == field)
            .map(|(_, kept)| *kept)
    }

    fn kept_fields(self) -> Fields {
        match self {
            Self::Pool => POOL,
            Self::Host => HOST,
            Self::HostMetrics => &[("memory_total", All), ("memory_free", All), ("live", All)],
            Self::Pif => PIF,
            Self::PifMetrics => &[("speed", All), ("carrier", All)],
            Self::Bond => &[("master", All), ("slaves", All)],
            Self::Network => &[("name_label", All), ("bridge", All), ("MTU", All)],
            Self::Pci => &[("pci_id", All), ("class_name", All), ("driver_name", All)],
            Self::Pusb => PUSB,
            Self::GpuGroup => &[("name_label", All)],
            Self::Sr => SR,
            Self::Pbd => PBD,
            Self::Vm => VM,
            Self::VmGuestMetrics => VM_GUEST_METRICS,
            Self::Vif => VIF,
            Self::Vbd => VBD,
            Self::Vdi => VDI,
            Self::Vgpu => &[("VM", All), ("GPU_group", All), ("PCI", All)],
            Self::Vusb => &[("VM", All), ("USB_group", All)],
            Self::VmAppliance => &[("name_label", All)],
            Self::VmGroup => &[("name_label", All), ("placement", All), ("VMs", All)],
        }
    }
}

const POOL: Fields = &[
    ("uuid", All),
    ("name_label", All),
    ("ha_enabled", All),
    ("other_config", These(&["auto_poweron"])),
];

const HOST: Fields = &[
    ("uuid", All),
    ("name_label", All),
    ("hostname", All),
    ("address", All),
    ("enabled", All),
    ("metrics", All),
    (
        "software_version",
        These(&["product_brand", "product_version", "build_number"]),
    ),
    (
        "cpu_info",
        These(&["cpu_count", "socket_count", "threads_per_core", "modelname"]),
    ),
    (
        "bios_strings",
        These(&["system-manufacturer", "system-product-name"]),
    ),
    ("other_config", These(&["boot_time"])),
    ("ntp_mode", All),
    ("ntp_custom_servers", All),
];

const PIF: Fields = &[
    ("host", All),
    ("network", All),
    ("device", All),
    ("MAC", All),
    ("VLAN", All),
    ("IP", All),
    ("IPv6", All),
    ("DNS", All),
    ("physical", All),
    ("management", All),
    ("metrics", All),
    ("PCI", All),
    ("sriov_logical_PIF_of", All),
    ("tunnel_access_PIF_of", All),
    ("other_config", These(&["domain"])),
];

const PUSB: Fields = &[
    ("USB_group", All),
    ("vendor_id", All),
    ("product_id", All),
    ("description", All),
    ("serial", All),
];

const SR: Fields = &[
    ("uuid", All),
    ("name_label", All),
    ("type", All),
    ("shared", All),
    ("physical_size", All),
    ("physical_utilisation", All),
    ("is_tools_sr", All),
];

/// `username`, `password`, `cifspassword`, `chapuser`, `chappassword` stand beside these, and are never kept.
const PBD: Fields = &[
    ("host", All),
    ("SR", All),
    ("currently_attached", All),
    (
        "device_config",
        These(&[
            "server",
            "serverpath",
            "location",
            "type",
            "legacy_mode",
            "target",
            "targetIQN",
            "SCSIid",
            "device",
        ]),
    ),
];

const VM: Fields = &[
    ("uuid", All),
    ("name_label", All),
    ("power_state", All),
    ("is_a_template", All),
    ("is_default_template", All),
    ("is_a_snapshot", All),
    ("is_control_domain", All),
    ("snapshot_of", All),
    ("snapshot_time", All),
    ("parent", All),
    ("resident_on", All),
    ("affinity", All),
    ("memory_dynamic_max", All),
    ("memory_static_max", All),
    ("VCPUs_max", All),
    ("VCPUs_at_startup", All),
    ("VCPUs_params", These(&["mask"])),
    ("VIFs", All),
    ("VBDs", All),
    ("VTPMs", All),
    ("VGPUs", All),
    ("VUSBs", All),
    ("attached_PCIs", All),
    ("HVM_boot_policy", All),
    ("HVM_boot_params", These(&["firmware"])),
    (
        "platform",
        These(&["secureboot", "vtpm", "cores-per-socket"]),
    ),
    (
        "other_config",
        These(&[
            "pci",
            "folder",
            "auto_poweron",
            "base_template_name",
            "default_template",
        ]),
    ),
    ("guest_metrics", All),
    ("ha_restart_priority", All),
    ("appliance", All),
    ("hardware_platform_version", All),
    ("domain_type", All),
    ("reference_label", All),
];

const VM_GUEST_METRICS: Fields = &[
    ("os_version", These(&["name", "distro", "major", "minor"])),
    (
        "PV_drivers_version",
        These(&["major", "minor", "micro", "build"]),
    ),
    ("PV_drivers_detected", All),
    ("networks", All),
    ("netbios_name", These(&["host_name", "dns_domain"])),
    ("live", All),
];

const VIF: Fields = &[
    ("device", All),
    ("network", All),
    ("MAC", All),
    ("currently_attached", All),
];

const VBD: Fields = &[
    ("VDI", All),
    ("device", All),
    ("userdevice", All),
    ("mode", All),
    ("type", All),
    ("empty", All),
];

const VDI: Fields = &[
    ("uuid", All),
    ("name_label", All),
    ("SR", All),
    ("virtual_size", All),
    ("physical_utilisation", All),
    ("sharable", All),
    ("read_only", All),
    ("location", All),
    ("snapshot_of", All),
    ("on_boot", All),
    ("cbt_enabled", All),
    (
        "sm_config",
        These(&["vhd-parent", "vdi_type", "type", "image-format", "key_hash"]),
    ),
];
