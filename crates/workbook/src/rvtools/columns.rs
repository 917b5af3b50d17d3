//! Names of the sheets and of their columns, in the order of RVTools 4.

/// A sheet: its name, and its columns in parts that other sheets have too. A part is one text, its titles between `|`.
pub(super) struct Titles {
    pub(super) name: &'static str,
    parts: &'static [&'static str],
}

impl Titles {
    /// Its columns, from the left.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.parts.iter().flat_map(|part| part.split('|'))
    }
}

/// What each row of a guest begins with.
const HEAD: &str = "VM|Powerstate|Template|SRM Placeholder";

/// What each row of a guest ends with, before its ids.
const TAIL: &str = "Annotation|Datacenter|Cluster|Host|Folder|OS according to the configuration file|\
OS according to the VMware Tools";

/// Ids of a guest. What joins is `VM UUID`; the last one is of the platform.
const IDS: &str = "VM ID|VM UUID|VI SDK Server|VI SDK UUID";

/// The platform.
const SDK: &str = "VI SDK Server|VI SDK UUID";

/// Settings of a switch of one host.
const SHAPING: &str = "Traffic Shaping|Width|Peak|Burst|Policy|Reverse Policy|Notify Switch|Rolling Order|Offload|TSO|\
Zero Copy Xmit";

/// Settings of a switch that spans hosts.
const SPANNING_SHAPING: &str =
    "In Traffic Shaping|In Avg|In Peak|In Burst|Out Traffic Shaping|Out Avg|Out Peak|Out Burst";

pub(super) const INFO: Titles = Titles {
    name: "vInfo",
    parts: &[
        HEAD,
        "Config status|DNS Name|Connection state|Guest state|Heartbeat|Consolidation Needed|PowerOn|\
Suspended To Memory|Suspend time|Suspend Interval|Creation date|Change Version|CPUs|\
Overall Cpu Readiness|Memory|Active Memory|NICs|Disks|Total disk capacity MiB|\
Fixed Passthru HotPlug|min Required EVC Mode Key|Latency Sensitivity|Op Notification Timeout|\
EnableUUID|CBT|Primary IP Address|Network #1|Network #2|Network #3|Network #4|Network #5|Network #6|\
Network #7|Network #8|Num Monitors|Video Ram KiB|Resource pool|Folder ID|Folder|vApp|DAS protection|\
FT State|FT Role|FT Latency|FT Bandwidth|FT Sec. Latency|Vm Failover In Progress|Provisioned MiB|\
In Use MiB|Unshared MiB|HA Restart Priority|HA Isolation Response|HA VM Monitoring|Cluster rule(s)|\
Cluster rule name(s)|Boot Required|Boot delay|Boot retry delay|Boot retry enabled|Boot BIOS setup|\
Reboot PowerOff|EFI Secure boot|Firmware|HW version|HW upgrade status|HW upgrade policy|HW target|\
Path|Log directory|Snapshot directory|Suspend directory|Annotation|Datacenter|Cluster|Host|\
OS according to the configuration file|OS according to the VMware Tools|Customization Info|\
Guest Detailed Data|VM ID|SMBIOS UUID|VM UUID|VI SDK Server type|VI SDK API Version",
        SDK,
    ],
};

pub(super) const CPU: Titles = Titles {
    name: "vCPU",
    parts: &[
        HEAD,
        "CPUs|Sockets|Cores p/s|Max|Overall|Level|Shares|Reservation|Entitlement|DRS Entitlement|Limit|\
Hot Add|Hot Remove|Numa Hotadd Exposed",
        TAIL,
        IDS,
    ],
};

pub(super) const MEMORY: Titles = Titles {
    name: "vMemory",
    parts: &[
        HEAD,
        "Size MiB|Memory Reservation Locked To Max|Overhead|Max|Consumed|Consumed Overhead|Private|Shared|\
Swapped|Ballooned|Active|Entitlement|DRS Entitlement|Level|Shares|Reservation|Limit|Hot Add",
        TAIL,
        IDS,
    ],
};

pub(super) const DISK: Titles = Titles {
    name: "vDisk",
    parts: &[
        HEAD,
        "Disk|Disk Key|Disk UUID|Disk Path|Capacity MiB|Raw|Disk Mode|Sharing mode|Thin|Eagerly Scrub|Split|\
Write Through|Level|Shares|Reservation|Limit|Controller|Label|SCSI Unit #|Unit #|Shared Bus|Path|\
Raw LUN ID|Raw Comp. Mode|Internal Sort Column",
        TAIL,
        IDS,
    ],
};

pub(super) const PARTITION: Titles = Titles {
    name: "vPartition",
    parts: &[
        HEAD,
        "Disk Key|Disk|Capacity MiB|Consumed MiB|Free MiB|Free %|Internal Sort Column",
        TAIL,
        IDS,
    ],
};

pub(super) const NETWORK: Titles = Titles {
    name: "vNetwork",
    parts: &[
        HEAD,
        "NIC label|Adapter|Network|Switch|Connected|Starts Connected|Mac Address|Type|IPv4 Address|\
IPv6 Address|Direct Path IO|Internal Sort Column",
        TAIL,
        IDS,
    ],
};

pub(super) const CD: Titles = Titles {
    name: "vCD",
    parts: &[
        HEAD,
        "Device Node|Connected|Starts Connected|Device Type",
        TAIL,
        "VMRef",
        IDS,
    ],
};

pub(super) const USB: Titles = Titles {
    name: "vUSB",
    parts: &[
        HEAD,
        "Device Node|Device Type|Connected|Family|Speed|EHCI enabled|Auto connect|Bus number|Unit number|\
Annotation|Datacenter|Cluster|Host|Folder|OS according to the configuration file|\
OS according to the VMware tools|VMRef",
        IDS,
    ],
};

pub(super) const SNAPSHOT: Titles = Titles {
    name: "vSnapshot",
    parts: &[
        "VM|Powerstate|Name|Description|Date / time|Filename|Size MiB (vmsn)|Size MiB (total)|Quiesced|State",
        TAIL,
        IDS,
    ],
};

pub(super) const TOOLS: Titles = Titles {
    name: "vTools",
    parts: &[
        HEAD,
        "VM Version|Tools|Tools Version|Required Version|Upgradeable|Upgrade Policy|Sync time|App status|\
Heartbeat status|Kernel Crash state|Operation Ready|State change support|Interactive Guest",
        TAIL,
        "VMRef",
        IDS,
    ],
};

pub(super) const POOL: Titles = Titles {
    name: "vRP",
    parts: &[
        "Resource Pool name|Resource Pool path|Status|# VMs total|# VMs|# vCPUs|CPU limit|CPU overheadLimit|\
CPU reservation|CPU level|CPU shares|CPU expandableReservation|CPU maxUsage|CPU overallUsage|\
CPU reservationUsed|CPU reservationUsedForVm|CPU unreservedForPool|CPU unreservedForVm|\
Mem Configured|Mem limit|Mem overheadLimit|Mem reservation|Mem level|Mem shares|\
Mem expandableReservation|Mem maxUsage|Mem overallUsage|Mem reservationUsed|\
Mem reservationUsedForVm|Mem unreservedForPool|Mem unreservedForVm|QS overallCpuDemand|\
QS overallCpuUsage|QS staticCpuEntitlement|QS distributedCpuEntitlement|QS balloonedMemory|\
QS compressedMemory|QS consumedOverheadMemory|QS distributedMemoryEntitlement|QS guestMemoryUsage|\
QS hostMemoryUsage|QS overheadMemory|QS privateMemory|QS sharedMemory|QS staticMemoryEntitlement|\
QS swappedMemory|Object ID",
        SDK,
    ],
};

pub(super) const CLUSTER: Titles = Titles {
    name: "vCluster",
    parts: &[
        "Name|Config status|OverallStatus|NumHosts|numEffectiveHosts|TotalCpu|NumCpuCores|NumCpuThreads|\
Effective Cpu|TotalMemory|Effective Memory|Num VMotions|HA enabled|Failover Level|\
AdmissionControlEnabled|Host monitoring|HB Datastore Candidate Policy|Isolation Response|\
Restart Priority|Cluster Settings|Max Failures|Max Failure Window|Failure Interval|Min Up Time|\
VM Monitoring|DRS enabled|DRS default VM behavior|DRS vmotion rate|DPM enabled|DPM default behavior|\
DPM Host Power Action Rate|Object ID",
        SDK,
    ],
};

pub(super) const HOST: Titles = Titles {
    name: "vHost",
    parts: &[
        "Host|Datacenter|Cluster|Config status|Compliance Check State|in Maintenance Mode|in Quarantine Mode|\
vSAN Fault Domain Name|CPU Model|Speed|HT Available|HT Active|# CPU|Cores per CPU|# Cores|\
CPU usage %|# Memory|Memory Tiering Type|Memory usage %|Console|# NICs|# HBAs|# VMs total|# VMs|\
VMs per Core|# vCPUs|vCPUs per Core|vRAM|VM Used memory|VM Memory Swapped|VM Memory Ballooned|\
VMotion support|Storage VMotion support|Current EVC|Max EVC|Assigned License(s)|ATS Heartbeat|\
ATS Locking|Current CPU power man. policy|Supported CPU power man.|Host Power Policy|ESX Version|\
Boot time|DNS Servers|DHCP|Domain|Domain List|DNS Search Order|NTP Server(s)|NTPD running|Time Zone|\
Time Zone Name|GMT Offset|Vendor|Model|Serial number|Service tag|OEM specific string|BIOS Vendor|\
BIOS Version|BIOS Date|Certificate Issuer|Certificate Start Date|Certificate Expiry Date|\
Certificate Status|Certificate Subject|Object ID|UUID",
        SDK,
    ],
};

pub(super) const ADAPTER: Titles = Titles {
    name: "vHBA",
    parts: &[
        "Host|Datacenter|Cluster|Device|Type|Status|Bus|Pci|Driver|Model|WWN",
        SDK,
    ],
};

pub(super) const CARD: Titles = Titles {
    name: "vNIC",
    parts: &[
        "Host|Datacenter|Cluster|Network Device|Driver|Speed|Duplex|MAC|Switch|Uplink port|PCI|WakeOn",
        SDK,
    ],
};

pub(super) const SWITCH: Titles = Titles {
    name: "vSwitch",
    parts: &[
        "Host|Datacenter|Cluster|Switch|# Ports|Free Ports|Promiscuous Mode|Mac Changes|Forged Transmits",
        SHAPING,
        "MTU",
        SDK,
    ],
};

pub(super) const PORT: Titles = Titles {
    name: "vPort",
    parts: &[
        "Host|Datacenter|Cluster|Port Group|Switch|VLAN|Promiscuous Mode|Mac Changes|Forged Transmits",
        SHAPING,
        SDK,
    ],
};

pub(super) const SPANNING_SWITCH: Titles = Titles {
    name: "dvSwitch",
    parts: &[
        "Switch|Datacenter|Name|Vendor|Version|Description|Created|Host members|Max Ports|# Ports|# VMs",
        SPANNING_SHAPING,
        "CDP Type|CDP Operation|LACP Name|LACP Mode|LACP Load Balance Alg.|Max MTU|Contact|Admin Name|\
Object ID",
        SDK,
    ],
};

pub(super) const SPANNING_PORT: Titles = Titles {
    name: "dvPort",
    parts: &[
        "Port|Switch|Type|# Ports|VLAN|Speed|Full Duplex|Blocked|Allow Promiscuous|Mac Changes|Active Uplink|\
Standby Uplink|Policy|Forged Transmits",
        SPANNING_SHAPING,
        "Reverse Policy|Notify Switch|Rolling Order|Check Beacon|Live Port Moving|Check Duplex|Check Error %|\
Check Speed|Percentage|Block Override|Config Reset|Shaping Override|Vendor Config Override|\
Sec. Policy Override|Teaming Override|Vlan Override|Object ID",
        SDK,
    ],
};

pub(super) const OWN_ADDRESS: Titles = Titles {
    name: "vSC_VMK",
    parts: &[
        "Host|Datacenter|Cluster|Port Group|Device|Mac Address|DHCP|IP Address|IP 6 Address|Subnet mask|\
Gateway|IP 6 Gateway|MTU",
        SDK,
    ],
};

pub(super) const DATASTORE: Titles = Titles {
    name: "vDatastore",
    parts: &[
        "Name|Config status|Address|Accessible|Type|# VMs total|# VMs|Capacity MiB|Provisioned MiB|\
In Use MiB|Free MiB|Free %|SIOC enabled|SIOC Threshold|# Hosts|Hosts|Cluster name|\
Cluster capacity MiB|Cluster free space MiB|Block size|Max Blocks|# Extents|Major Version|Version|\
VMFS Upgradeable|MHA|URL|Object ID",
        SDK,
    ],
};

pub(super) const PATHS: Titles = Titles {
    name: "vMultiPath",
    parts: &[
        "Host|Cluster|Datacenter|Datastore|Disk|Display name|Policy|Oper. State|Path 1|Path 1 state|Path 2|\
Path 2 state|Path 3|Path 3 state|Path 4|Path 4 state|Path 5|Path 5 state|Path 6|Path 6 state|Path 7|\
Path 7 state|Path 8|Path 8 state|vStorage|Queue depth|Vendor|Model|Revision|Level|Serial #|UUID|\
Object ID",
        SDK,
    ],
};

pub(super) const HEALTH: Titles = Titles {
    name: "vHealth",
    parts: &["Name|Message|Message type", SDK],
};

pub(super) const META: Titles = Titles {
    name: "vMetaData",
    parts: &["RVTools major version|RVTools version|xlsx creation datetime|Server"],
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_sheet_has_a_column_twice() {
        for titles in [
            &INFO,
            &CPU,
            &MEMORY,
            &DISK,
            &NETWORK,
            &TOOLS,
            &HOST,
            &CLUSTER,
            &DATASTORE,
            &SPANNING_PORT,
            &PATHS,
        ] {
            let all: Vec<&str> = titles.columns().collect();
            let once: BTreeSet<&str> = all.iter().copied().collect();
            assert_eq!(all.len(), once.len(), "{}", titles.name);
            assert!(
                all.iter()
                    .all(|title| title.trim() == *title && !title.is_empty()),
                "{}",
                titles.name
            );
        }
    }
}
