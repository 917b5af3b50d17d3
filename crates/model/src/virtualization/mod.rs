//! What carries machines: platforms of virtualization, their hosts, the guests on them, and what those lie on.
//!
//! A platform is asked by one vantage, or its own export is imported; both make the same facts. Every thing has a `key`, which
//! no other one of its kind has at the same time: a managed object's id (`vm-42`), a UUID, `qemu/104`. Most platforms never give
//! it to another one; Proxmox VE gives the number of a guest that was removed to a later one. Keys mean something within their
//! [`Platform`] alone.
//!
//! None of it holds a number that moves; those stand in [`Measurement`](crate::fact::Measurement)s whose subject is
//! [`Platform::subject`] of the key:
//!
//! | metric | of what |
//! | --- | --- |
//! | `vm_disk_used_bytes` | what a guest's disks take on their datastores |
//! | `vm_cpu_peak_percent`, `vm_cpu_p95_percent` | processor time of a guest, of what it may take, over `vm_load_period_seconds` |
//! | `vm_memory_peak_bytes`, `vm_memory_p95_bytes` | memory a guest used over the same period |
//! | `vm_disk_written_bytes_per_day` | what a guest writes, which a copy of the running guest has to follow |
//! | `vm_disk_iops_peak`, `vm_disk_latency_ms_peak` | of all disks of a guest together |
//! | `vm_load_period_seconds` | how long these were watched |
//! | `datastore_free_bytes` | of a datastore |
//! | `datastore_capacity_bytes` | of a datastore whose size moves with what others write into the same file system; its fact has none then |
//! | `hypervisor_cpu_used_percent`, `hypervisor_memory_used_bytes` | of a host |

mod carried;
mod document;
mod guest;
mod headroom;
mod index;
mod moving;
mod platform;
mod words;

pub use carried::{ATTACHED_TO, RUNS_ON, STORED_ON, is_carried, is_foundation};
pub use document::{PLATFORM_SCHEMA, PlatformDocument};
pub use guest::{
    DiskController, DiskFormat, DiskMode, Firmware, Guest, GuestDisk, GuestNic, GuestSnapshot,
    GuestSort, Passthrough, PassthroughSort, Power, Tools,
};
pub use headroom::Headroom;
pub use index::{At, Load, Numbers, Platforms, Told};
pub use moving::{Blocker, BlockerSeverity, GuestRow, MoveWay, Way};
pub use platform::{
    AffinityRule, AffinitySort, Cluster, Datastore, DatastoreSort, Hypervisor, HypervisorNic,
    Platform, PlatformKind, PortGroup, VirtualSwitch,
};

/// The source that asks platforms.
pub const PLATFORM_SOURCE: &str = "hypervisor.platform";
