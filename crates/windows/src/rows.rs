//! Tables the system keeps: what no key and no file says. An agent fills them by calls, a script by cmdlets.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::Reason;
use serde::{Deserialize, Serialize};

/// All tables. An empty one that stands in [`Rows::missing`] could not be asked.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rows {
    /// The machine as a whole.
    pub system: System,
    /// Processes, by id.
    pub processes: Vec<Process>,
    /// Sockets of TCP and UDP.
    pub sockets: Vec<SocketRow>,
    /// Network adapters.
    pub adapters: Vec<Adapter>,
    /// Routes.
    pub routes: Vec<RouteRow>,
    /// Machines on the same link.
    pub neighbours: Vec<NeighbourRow>,
    /// Drives.
    pub volumes: Vec<Volume>,
    /// Shares.
    pub shares: Vec<ShareRow>,
    /// Who uses a share now.
    pub sessions: Vec<SessionRow>,
    /// Local accounts.
    pub users: Vec<User>,
    /// Certificates of stores that stand in no registry key (smart cards, services, those a policy brings stand there).
    pub certificates: Vec<StoredCertificate>,
    /// Devices that are there now: what the registry says of devices (`Enum`) it never forgets.
    pub devices: Vec<DeviceRow>,
    /// Names of SIDs, as `DOMAIN\name`.
    pub names: BTreeMap<String, String>,
    /// Tables that could not be asked.
    pub missing: Vec<Missing>,
}

/// A table that could not be asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Missing {
    /// The field of [`Rows`], as `sockets`.
    pub table: String,
    /// Why.
    pub reason: Reason,
}

impl Rows {
    /// Why a table is empty, where it could not be asked.
    pub fn missing(&self, table: &str) -> Option<&Reason> {
        let missing = self.missing.iter().find(|missing| missing.table == table);
        missing.map(|missing| &missing.reason)
    }

    /// The process with this id.
    pub fn process(&self, id: u32) -> Option<&Process> {
        self.processes.iter().find(|process| process.id == id)
    }
}

/// The machine as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    /// Host name (`ComputerNamePhysicalDnsHostname`).
    pub host_name: String,
    /// `x86_64`, `aarch64`, `x86`.
    pub architecture: String,
    /// Processors that run threads.
    pub processors: u32,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Memory free for use in bytes; it moves.
    pub memory_available_bytes: u64,
    /// The SMBIOS structures as the firmware wrote them (`GetSystemFirmwareTable('RSMB')` without its first eight bytes).
    #[serde(with = "hex")]
    pub smbios: Vec<u8>,
    /// SID of the machine's own account in its domain.
    pub directory_sid: Option<String>,
    /// Disks.
    pub disks: Vec<DiskRow>,
    /// Seconds since 1970 at which the machine started; it moves.
    pub booted: Option<i64>,
    /// True if the reader has the rights of an administrator.
    pub is_administrator: bool,
}

/// A disk.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskRow {
    /// As the system calls it: `PhysicalDrive0`.
    pub name: String,
    /// Model as the device says it.
    pub model: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
}

/// A process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// File name of its program, as `svchost.exe`.
    pub name: String,
    /// Full path of its program, where the rights sufficed.
    pub executable: Option<String>,
    /// SID of the account it runs as.
    pub user: Option<String>,
    /// Its command line, for the words that name an application pool or a script; it leaves the machine in no fact. A
    /// collector that writes documents keeps only those words.
    pub command: Option<String>,
    /// Services it hosts, by key name.
    pub services: Vec<String>,
    /// Seconds since 1970 at which it began.
    pub began: Option<i64>,
}

/// A socket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SocketRow {
    /// `tcp` or `udp`.
    pub transport: String,
    /// `listen`, `established`, `time-wait`, …; empty for UDP.
    #[serde(default)]
    pub state: String,
    /// Address on this machine.
    pub local: IpAddr,
    /// Port on this machine.
    pub local_port: u16,
    /// The other end, where there is one.
    #[serde(default)]
    pub remote: Option<IpAddr>,
    /// Its port.
    #[serde(default)]
    pub remote_port: u16,
    /// Process that owns it; 0 where the system no longer knows.
    #[serde(default)]
    pub process: u32,
    /// The service among those the process hosts, where the system tells it (`GetOwnerModuleFromTcpEntry`).
    #[serde(default)]
    pub service: Option<String>,
}

/// A network adapter.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Adapter {
    /// As a person calls it: `Ethernet 2`.
    pub name: String,
    /// Its number among adapters (`IfIndex`).
    pub index: u32,
    /// MAC address, lower case with colons.
    pub mac: Option<String>,
    /// What sort of adapter.
    pub kind: AdapterKind,
    /// True if it is up.
    pub up: bool,
    /// Addresses with prefix length, as `10.0.0.5/24`; no temporary ones.
    pub addresses: Vec<String>,
    /// Name servers.
    pub name_servers: Vec<IpAddr>,
    /// Suffix of names on this link.
    pub suffix: Option<String>,
    /// Its key below `…\Tcpip\Parameters\Interfaces`: `{GUID}`.
    pub guid: Option<String>,
}

/// Sorts of adapters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdapterKind {
    /// A card, or what a virtual machine takes for one.
    #[default]
    Physical,
    /// The machine itself.
    Loopback,
    /// A tunnel or a VPN.
    Tunnel,
    /// A switch or adapter made by software.
    Virtual,
}

/// A route.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RouteRow {
    /// Destination as `10.0.0.0/8`.
    pub destination: String,
    /// Next hop; none for what lies on the link.
    #[serde(default)]
    pub gateway: Option<IpAddr>,
    /// Number of the adapter.
    #[serde(default)]
    pub adapter: u32,
}

/// A machine on the same link.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NeighbourRow {
    /// Its address.
    pub address: IpAddr,
    /// Its MAC address, lower case with colons.
    pub mac: String,
    /// Number of the adapter.
    #[serde(default)]
    pub adapter: u32,
}

/// A drive.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// Where it is mounted: `C:\`, or a folder.
    pub mount_point: String,
    /// What is mounted: `\\?\Volume{…}\`, or `\\server\share` of a remote one.
    pub device: String,
    /// What sort of drive.
    pub kind: VolumeKind,
    /// `NTFS`, `ReFS`, …; empty where it was not asked.
    pub file_system: String,
    /// Size in bytes; never asked of a remote one.
    pub bytes: Option<u64>,
    /// Free bytes; they move.
    pub free_bytes: Option<u64>,
}

/// Sorts of drives (`GetDriveTypeW`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeKind {
    /// Built in.
    #[default]
    Fixed,
    /// May be taken out.
    Removable,
    /// A disc.
    Optical,
    /// Of another machine: never entered.
    Remote,
    /// In memory.
    Memory,
    /// Unknown.
    Other,
}

/// A share.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ShareRow {
    /// Its name.
    pub name: String,
    /// The folder; empty for `IPC$`.
    pub path: String,
    /// `disk`, `printer`, `ipc`, `device`.
    pub kind: String,
    /// True if the system made it for administration (`C$`).
    pub administrative: bool,
    /// What somebody wrote about it.
    pub remark: Option<String>,
    /// Who may use it, as SDDL.
    pub rights: Option<String>,
    /// Rights on its folder, as SDDL with the owner.
    pub folder_rights: Option<String>,
}

/// Somebody who uses a share now.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionRow {
    /// Machine it comes from: a name, or an address.
    pub from: String,
    /// Account.
    pub user: String,
    /// Files open.
    pub open_files: u32,
}

/// A local account.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// Name.
    pub name: String,
    /// SID.
    pub sid: String,
    /// True if it is switched off.
    pub disabled: bool,
    /// Home directory, where one is set.
    pub home: Option<String>,
}

/// A device (`SetupDiGetClassDevsW` with `DIGCF_PRESENT`, `Get-PnpDevice -PresentOnly`).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceRow {
    /// Its instance: `USB\VID_0529&PID_0001\5&1`. The last part may be a serial number, and leaves the machine in no fact.
    pub instance: String,
    /// True if it is there now.
    pub present: bool,
    /// Its class by name, the same in every language: `Ports`, `Modem`, `SmartCardReader`.
    pub class: Option<String>,
    /// What it is called.
    pub friendly_name: Option<String>,
    /// The service that drives it, as `usbser`.
    pub service: Option<String>,
    /// Its maker.
    pub manufacturer: Option<String>,
}

/// A certificate of a store.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredCertificate {
    /// Where: `LocalMachine\My`, `CurrentUser\My`, `Services\NTDS\My`.
    pub store: String,
    /// Its DER bytes.
    #[serde(with = "hex")]
    pub der: Vec<u8>,
    /// True if the store says a private key belongs to it.
    pub has_key: bool,
    /// What somebody called it.
    pub friendly_name: Option<String>,
}

/// Bytes as hexadecimal digits; dashes between them are passed over (`[BitConverter]::ToString`).
pub(crate) mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&digits)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = Option::<String>::deserialize(from)?.unwrap_or_default();
        of_text(&text).ok_or_else(|| D::Error::custom("expected hexadecimal digits"))
    }

    /// The bytes; `None` where a letter is no digit or one is missing.
    pub(crate) fn of_text(text: &str) -> Option<Vec<u8>> {
        let digits = text.bytes().filter(|byte| *byte != b'-');
        let digits: Option<Vec<u8>> = digits.map(digit).collect();
        let pairs = digits?;
        let (pairs, rest) = pairs.as_chunks::<2>();
        let join = |[high, low]: &[u8; 2]| (high << 4) | low;
        rest.is_empty().then(|| pairs.iter().map(join).collect())
    }

    fn digit(byte: u8) -> Option<u8> {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_an_older_script_is_read() {
        let rows: Rows = serde_json::from_str(
            r#"{"system":{"host_name":"a","smbios":"01-FF"},"sockets":[{"transport":"tcp","local":"::","local_port":445}],
               "missing":[{"table":"shares","reason":"permission-denied"}],"of tomorrow":1}"#,
        )
        .unwrap();
        assert_eq!(rows.system.smbios, [1, 255]);
        assert_eq!(rows.missing("shares"), Some(&Reason::PermissionDenied));
        let again: Rows = serde_json::from_str(&serde_json::to_string(&rows).unwrap()).unwrap();
        assert_eq!(again, rows);
    }
}
