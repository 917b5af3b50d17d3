//! A platform, its hosts, clusters and datastores.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{HostName, Peer};
use crate::{Foreign, Timestamp};

/// What makes a platform.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PlatformKind {
    /// libvirt: KVM, QEMU, LXC, Xen.
    Libvirt,
    /// VMware vCenter, or a lone ESXi.
    Vsphere,
    /// Proxmox VE.
    Proxmox,
    /// Microsoft Hyper-V.
    HyperV,
    /// XCP-ng and XenServer, by XAPI.
    Xapi,
    /// oVirt and RHV.
    Ovirt,
    /// Another one, told by an imported document.
    #[default]
    Other,
}

/// One installation of a platform: a vCenter, a cluster of Proxmox VE, a lone host.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Platform {
    /// What makes it.
    pub kind: PlatformKind,
    /// What tells it from others of its kind and stays when its address changes: a vCenter's instance UUID, a cluster's
    /// name, the UUID or name of a lone host. Whoever reads one installation by two ways finds the same.
    pub id: String,
}

/// A host that carries guests.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Hypervisor {
    /// Where it belongs.
    pub platform: Platform,
    /// See the [module](crate::virtualization).
    pub key: String,
    /// As the platform shows it.
    pub name: Foreign,
    /// Names by which the network knows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<HostName>,
    /// Addresses of its own, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// UUID of its own SMBIOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Product, version and build, as a person reads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Maker of the hardware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Model of the hardware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Processor model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sockets: Option<u32>,
    /// Cores of all sockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// Threads of all cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Clock of a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_mhz: Option<u32>,
    /// Main memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Key of its cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// True while somebody works on it and guests are kept away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<bool>,
    /// False where the platform cannot reach it: what is told of it is old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// Servers it asks for names, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns_servers: Vec<Peer>,
    /// Servers it takes its time from, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ntp_servers: Vec<Peer>,
    /// Its network cards, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nics: Vec<HypervisorNic>,
    /// Its virtual switches, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<VirtualSwitch>,
    /// Keys of the datastores it reaches, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datastores: Vec<String>,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
}

/// A network card of a host.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct HypervisorNic {
    /// `vmnic0`, `eno1`.
    pub name: String,
    /// Lower case with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Its driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Speed of the link; `None` where it is down or not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_mbps: Option<u32>,
}

/// A switch within a host, or one that spans several.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct VirtualSwitch {
    /// `vSwitch0`, `vmbr0`, `br0`.
    pub name: String,
    /// What the platform itself tells it from another one of that name by: a distributed switch's UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// True for one that spans hosts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub distributed: bool,
    /// Names of the cards that lead out of it, sorted. Without one, and with no
    /// other way out, guests on it reach each other alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uplinks: Vec<String>,
    /// How guests leave it where that is not by a card plugged into it: the platform's word (`nat`, `route`, `open` where the
    /// host leads them, `bridge` where the host's own settings decide).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_out: Option<String>,
    /// Largest frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Its port groups, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port_groups: Vec<PortGroup>,
}

/// Ports of a switch that are alike.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct PortGroup {
    /// Its name.
    pub name: String,
    /// The VLAN; `None` for untagged, a text for a trunk (`1-100,200`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<String>,
}

/// Hosts that share their guests.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Where it belongs.
    pub platform: Platform,
    /// See the [module](crate::virtualization).
    pub key: String,
    /// As the platform shows it.
    pub name: Foreign,
    /// True if guests of a host that fails are started on another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts_guests: Option<bool>,
    /// How guests are spread: `manual`, `partially-automated`, `fully-automated`; `None` where nobody spreads them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spreads_guests: Option<String>,
    /// Who must or must not run beside whom, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AffinityRule>,
}

/// Who must or must not run beside whom.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct AffinityRule {
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub sort: AffinitySort,
    /// False for one that is switched off.
    pub enabled: bool,
    /// True if the platform rather does not start a guest than break it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mandatory: bool,
    /// Keys of the guests, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<String>,
    /// Keys of the hosts, sorted; for rules about hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

/// What a rule asks for.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AffinitySort {
    /// Never two of the guests on one host.
    #[default]
    Apart,
    /// All of the guests on one host.
    Together,
    /// The guests on these hosts.
    OnHosts,
    /// The guests not on these hosts.
    OffHosts,
}

/// Where disks of guests lie.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Datastore {
    /// Where it belongs.
    pub platform: Platform,
    /// See the [module](crate::virtualization).
    pub key: String,
    /// As the platform shows it.
    pub name: Foreign,
    /// What it is made of.
    pub sort: DatastoreSort,
    /// As the platform calls that: `VMFS-6`, `zfspool`, `lvmthin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The server behind it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Peer>,
    /// The path there, or on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Foreign>,
    /// What fits in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_bytes: Option<u64>,
    /// True if several hosts reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<bool>,
    /// Keys of the hosts that reach it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

/// What a datastore is made of.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DatastoreSort {
    /// A directory of a host.
    Directory,
    /// A disk or volume of a host: LVM, ZFS, VMFS on a disk of its own.
    Block,
    /// A file share: NFS, SMB.
    FileShare,
    /// Blocks over the network or a fabric: iSCSI, Fibre Channel.
    Fabric,
    /// Spread over the disks of many hosts: vSAN, Ceph, Gluster.
    Spread,
    /// The platform does not tell.
    #[default]
    Unknown,
}
