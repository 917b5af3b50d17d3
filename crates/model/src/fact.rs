//! What can be seen: one variant per kind of fact, typed, without anything volatile and without a secret.
//!
//! A fact has no "who" and no "when": the vantage and the times stand beside it. Two looks that see the
//! same thing must produce equal facts, or the store grows and the diff lies. So a process id, an
//! ephemeral port, a counter or the free space of a disk never stand in a fact; numbers that move go
//! into [`Fact::Measurement`].

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::admission::Admission;
pub use crate::content::{Access, Archive, BackupJob, Database, Grant, Share};
pub use crate::device::{DeviceSays, LinkSeen};
pub use crate::directory::{DirectoryEntry, DirectoryNeed, DirectoryObject, NeedReason};
pub use crate::logged::{LoggedSearch, LoggedUse, REMOTE_LOGONS};
pub use crate::mail::{MailPurpose, MailRecord};
pub use crate::mail_reader::MailReader;
pub use crate::mail_use::{MailRecipients, MailRefusal, MailServer, MailUse, RelayBy, RelayRule};
pub use crate::mailbox::MailboxTie;
pub use crate::met::{HostMet, OpenPort, Proof};
use crate::name::{HostName, Peer, Port, Protection, Transport};
pub use crate::protocol::{ProtocolSetting, ProtocolSide};
pub use crate::relying::{RelyingParty, SignInWay};
pub use crate::reported::ReportedUse;
pub use crate::route::{MailRoute, RouteRule, RouteTarget};
pub use crate::seen_service::{AnswerBasis, SeenService, ServiceAnswer};
pub use crate::sentinel::{Knock, KnockWay, SentinelPost};
pub use crate::sighting::{Door, Sighting};
pub use crate::virtualization::{Cluster, Datastore, Guest, Hypervisor};
pub use crate::watching::{Watch, WatchPurpose};
pub use crate::zone::{AskedName, ZoneRecord};
use crate::{Foreign, Timestamp};

/// One fact. The tag `fact` names the kind; a kind a newer agent knows is kept as [`Fact::Unknown`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// Who the machine at the vantage is.
    Identity(HostIdentity),
    /// What it runs.
    OperatingSystem(OperatingSystem),
    /// What it is made of.
    Hardware(Hardware),
    /// A mounted or configured file system.
    FileSystem(FileSystem),
    /// A network interface with its addresses.
    Interface(Interface),
    /// A route.
    Route(Route),
    /// A machine on the same link.
    Neighbour(Neighbour),
    /// A local account.
    Account(Account),
    /// An installed package.
    Package(Package),
    /// A service manager's unit.
    Unit(Unit),
    /// Something a clock starts.
    Job(Job),
    /// A container that runs or may run.
    Container(Container),
    /// A program holding an endpoint open.
    Listener(Listener),
    /// A connection, or many alike.
    Connection(Connection),
    /// A certificate and where it was met.
    Certificate(CertificateSighting),
    /// A program that is set up to use a certificate.
    CertificateUse(CertificateUse),
    /// What a name or address resolves to.
    Name(NameAnswer),
    /// A dependency written down in a file.
    Reference(Reference),
    /// A certificate or key that a file trusts by its hash.
    Pin(Pin),
    /// A machine somebody declared in a list.
    Declared(Declared),
    /// Somebody is tied to a mailbox, as a list says.
    MailboxTie(MailboxTie),
    /// A service that an identity provider signs people in for, as the provider knows it.
    RelyingParty(RelyingParty),
    /// Mail that lies in files.
    Archive(Archive),
    /// A server's databases.
    Database(Database),
    /// A part of the file tree that others may use.
    Share(Share),
    /// Rights written on a directory.
    Access(Access),
    /// Something that copies data away.
    BackupJob(BackupJob),
    /// Who may watch a machine.
    Watch(Watch),
    /// Whom a service of this machine lets in.
    Admission(Admission),
    /// What the domain name system says about the mail of a domain.
    MailRecord(MailRecord),
    /// Where a mail server sends mail on to.
    MailRoute(MailRoute),
    /// A number that moves.
    Measurement(Measurement),
    /// Something that takes connections in at one place and hands them on to another.
    Forward(Forward),
    /// A rule of a packet filter that names a literal address.
    FilterRule(FilterRule),
    /// A setting that lets an old or unprotected way of speaking in, or keeps it out.
    ProtocolSetting(ProtocolSetting),
    /// A device plugged into the machine, or built into it.
    Attachment(Attachment),
    /// A client and a service that used each other, as a log tells it.
    LoggedUse(LoggedUse),
    /// Where a client searches in a directory, as its log tells it.
    LoggedSearch(LoggedSearch),
    /// A machine used a service of another, as a log tells it that somebody carried here.
    ReportedUse(ReportedUse),
    /// Messages alike that a client handed to a mail server, as its log tells it.
    MailUse(MailUse),
    /// Who reads mail, calendars or address books here, with which kind of program.
    MailReader(MailReader),
    /// What a mail server takes, and for whom it passes mail on, as its files say.
    MailServer(MailServer),
    /// An object of a directory that was asked.
    DirectoryObject(DirectoryObject),
    /// One machine needs another, as a directory states it.
    DirectoryNeed(DirectoryNeed),
    /// Records of a zone that this machine answers for.
    ZoneRecord(ZoneRecord),
    /// A name of its own zones that it was asked for.
    AskedName(AskedName),
    /// What spoke at an open port of another machine.
    SeenService(SeenService),
    /// A machine that answered somebody who asked over the network.
    HostMet(HostMet),
    /// A port of another machine that is open, as seen from outside.
    OpenPort(OpenPort),
    /// A machine used a service of another, as packets tell it.
    PacketUse(ReportedUse),
    /// A machine as it is met from outside: on the wire, or by a scan.
    Sighting(Sighting),
    /// What a device says of itself.
    DeviceSays(DeviceSays),
    /// A machine uses a service of another, as its own table of connections tells it to whoever asks.
    TableUse(ReportedUse),
    /// Who is plugged in where.
    LinkSeen(LinkSeen),
    /// The machine listens at the address of another one that is gone.
    SentinelPost(SentinelPost),
    /// Somebody knocked at such an address.
    Knock(Knock),
    /// A guest of a virtualization platform.
    Guest(Box<Guest>),
    /// A host that carries guests.
    Hypervisor(Box<Hypervisor>),
    /// Hosts that share their guests.
    Cluster(Box<Cluster>),
    /// Where disks of guests lie.
    Datastore(Box<Datastore>),
    /// A fact of a kind this version does not know, kept as it came.
    #[serde(untagged)]
    Unknown(serde_json::Value),
}

impl Fact {
    /// Reads a fact as serde writes it. The kinds there are most of are read straight into their shape, where
    /// serde would read any tagged text into a buffer first and out of it again.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        let tag = text
            .strip_prefix("{\"fact\":\"")
            .and_then(|rest| rest.split_once('"'))
            .map(|(tag, _)| tag);
        let straight = match tag {
            Some("reference") => serde_json::from_str(text).map(Self::Reference),
            Some("connection") => serde_json::from_str(text).map(Self::Connection),
            Some("listener") => serde_json::from_str(text).map(Self::Listener),
            Some("package") => serde_json::from_str(text).map(Self::Package),
            _ => return serde_json::from_str(text),
        };
        // A known tag on an unknown shape: serde decides what that is.
        straight.or_else(|_| serde_json::from_str(text))
    }
}

/// Everything that may tell this machine from another one. Each is a witness, none is proof alone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HostIdentity {
    /// The kernel's host name.
    pub host_name: Foreign,
    /// The qualified name, where the machine itself is sure of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified_name: Option<HostName>,
    /// `/etc/machine-id`, Windows MachineGuid: belongs to the disk image, clones share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<String>,
    /// SMBIOS system UUID as the guest reads it, lower case with dashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smbios_uuid: Option<String>,
    /// Serial number of the system, junk values left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Permanent MAC addresses of interfaces that look physical, lower case with colons, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<String>,
    /// SHA-256 fingerprints of SSH host keys, as `SHA256:…`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_host_keys: Vec<String>,
    /// SID of the machine account in a directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory_sid: Option<String>,
    /// True if the look ran inside a container that shares its kernel with other hosts.
    #[serde(default)]
    pub in_container: bool,
    /// The host that carries it, as that host tells it (Hyper-V's key-value pairs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_by: Option<HostName>,
    /// What its platform calls it, as the host that carries it tells it (Hyper-V's `VirtualMachineId`), lower case with dashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<String>,
}

/// The operating system.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct OperatingSystem {
    /// `linux`, `windows`, …
    pub family: String,
    /// Distribution or product key, as `debian`, `ubuntu`, `rhel` (os-release `ID`).
    pub id: String,
    /// Version key, as `12` or `22.04` (os-release `VERSION_ID`).
    pub version: String,
    /// The name a person reads, as `Debian GNU/Linux 12 (bookworm)`.
    pub pretty_name: String,
    /// Kernel release.
    pub kernel: String,
    /// Processor architecture, as `x86_64`.
    pub architecture: String,
    /// `kvm`, `vmware`, `hyper-v`, `xen`, `container`, … or `None` on bare metal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
    /// Time zone of the wall clock, as the IANA database calls it (`Europe/Berlin`): what schedules are read in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// Hardware and firmware. A machine without DMI says `None`, never a guess.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Hardware {
    /// System maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Product name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Firmware vendor and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Firmware date as the maker wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware_date: Option<String>,
    /// Processor model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Logical processors.
    pub processors: u32,
    /// Main memory in bytes.
    pub memory_bytes: u64,
    /// Block devices that look like disks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<Disk>,
}

/// A block device.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// Kernel name, as `sda`.
    pub name: String,
    /// Model as the device says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
}

/// A file system, mounted now or due at boot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FileSystem {
    /// Where it is mounted.
    pub mount_point: Foreign,
    /// What is mounted (device, export, share), without credentials.
    pub device: Foreign,
    /// Type, as `ext4`, `nfs4`, `cifs`.
    pub kind: String,
    /// Size in bytes, where it was asked (never for a remote one, which may hang).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The other machine it lives on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteStorage>,
}

/// The other end of a remote file system or disk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoteStorage {
    /// `nfs`, `smb` or `iscsi`: a dependency kind of the registry.
    pub kind: String,
    /// The server.
    pub peer: Peer,
    /// The port, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Export, share or target name.
    pub resource: Foreign,
    /// The account used, never its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
}

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Interface {
    /// Name.
    pub name: Foreign,
    /// MAC address, lower case with colons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// `physical`, `loopback`, `bridge`, `vlan`, `tunnel`, `virtual` (veth and the like).
    pub kind: String,
    /// True if it is up.
    pub up: bool,
    /// Addresses with prefix length, as `10.0.0.5/24`, sorted. Temporary IPv6 addresses are left out.
    pub addresses: Vec<String>,
}

/// A route.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Destination as `10.0.0.0/8`; `0.0.0.0/0` and `::/0` are default routes.
    pub destination: String,
    /// Next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Outgoing interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<Foreign>,
}

/// A machine on the same link, as the neighbour table knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Neighbour {
    /// Its address.
    pub address: IpAddr,
    /// Its MAC address, lower case with colons.
    pub mac: String,
    /// The interface it was met on.
    pub interface: Foreign,
}

/// A local account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Name.
    pub name: Foreign,
    /// Numeric uid, or the SID.
    pub id: String,
    /// Home directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Foreign>,
    /// Login shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Foreign>,
    /// True if it can log in: a login shell, and not locked as far as we could see.
    pub can_log_in: bool,
}

/// An installed package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version as the package manager writes it.
    pub version: String,
    /// Architecture.
    pub architecture: String,
    /// `dpkg`, `rpm`, …
    pub manager: String,
}

/// A unit of the service manager.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unit {
    /// Full name, as `nginx.service`.
    pub name: Foreign,
    /// True if it starts at boot (or is started by something that does).
    pub enabled: bool,
    /// What its author says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Program it starts (first word of `ExecStart=`), without its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<Foreign>,
    /// Account it runs as, where one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Foreign>,
    /// Units it cannot run without (`Requires=`, `BindsTo=`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Foreign>,
    /// File it was read from.
    pub file: Foreign,
}

/// Something a clock starts: cron line, at job, timer, scheduled task.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// `cron`, `anacron`, `at`, `timer`, `task-scheduler`.
    pub scheduler: String,
    /// What it is called: the unit, file and line, or the path of a task.
    pub name: Foreign,
    /// The schedule as written. Of a scheduled task, whose triggers are written as XML, a line of our own, as
    /// `weekly Mon,Fri 02:00 from 2026-03-01`; `model::schedule::task_text` tells its words. Several triggers have `; ` between them.
    pub schedule: String,
    /// `minutely`, `hourly`, `daily`, `weekly`, `monthly`, `quarterly`, `yearly`, `once`, `boot`, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<String>,
    /// Account it runs as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Foreign>,
    /// Program it starts, without its arguments (they may hold a password).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<Foreign>,
    /// File it was read from.
    pub file: Foreign,
    /// Time zone the schedule is read in, where it is not the machine's (`CRON_TZ`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Timers: the unit it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<Foreign>,
    /// Up to so many seconds are drawn by chance and added to each run (`RandomizedDelaySec=`, `RANDOM_DELAY`, `RandomDelay`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_delay_seconds: Option<u64>,
    /// Seconds it waits once it is due (the second column of anacrontab, `Delay` of a task).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<u64>,
    /// Hours of the day in which it may start, as `3-22` (`START_HOURS_RANGE` of anacrontab).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// True if a run that was missed while the machine was off is made up for (`Persistent=`, anacron, `StartWhenAvailable`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub persistent: bool,
}

/// A container.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Container {
    /// Id as its runtime writes it.
    pub id: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Foreign>,
    /// Image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Foreign>,
    /// `docker`, `podman`, `containerd`, `cri-o`, `lxc`, …
    pub runtime: String,
    /// True if a process runs in it now.
    pub running: bool,
    /// Networks it is attached to, by name, sorted; `host` means it shares the machine's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// Its addresses in networks of its own, sorted. Written by the runtime, so they may change with a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Ports of the machine that lead into it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PublishedPort>,
    /// What of the machine's files it sees, sorted by its own path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<ContainerMount>,
    /// Where its files stand on the machine while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Foreign>,
    /// When the runtime starts it again: `always`, `unless-stopped`, `on-failure`, `no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<String>,
    /// Labels that tell what it belongs to (compose project and service, pod, systemd unit).
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub labels: std::collections::BTreeMap<String, String>,
}

/// A port of the machine that leads into a container.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PublishedPort {
    /// Address on the machine; none means every address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Port on the machine.
    pub port: Port,
    /// Port within the container.
    pub inner: Port,
    /// Transport.
    pub transport: Transport,
}

/// A directory or volume a container sees.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContainerMount {
    /// Path on the machine, or the name of a volume.
    pub from: Foreign,
    /// Path within the container.
    pub to: Foreign,
    /// True if it may not write there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// The program behind a socket, as far as it could be told. Without the rights to look it is empty.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Program {
    /// Executable file (a deleted one without the mark the kernel adds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<Foreign>,
    /// Script an interpreter runs, where its second word is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Foreign>,
    /// Account it runs as: a name where the local files know it, else the uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Foreign>,
    /// Unit of the service manager it belongs to, as `nginx.service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Container it runs in: the id a [`Container`] fact carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Working directory of the process, where it is not `/`: tells which application's files it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Foreign>,
}

impl Program {
    /// True if nothing is known about it.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// A program holding an endpoint open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Listener {
    /// Local address; unspecified means every address.
    pub address: IpAddr,
    /// Local port.
    pub port: Port,
    /// Transport.
    pub transport: Transport,
    /// Who holds it.
    #[serde(default)]
    pub program: Program,
}

/// Which side opened a connection.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// This machine called.
    Outgoing,
    /// This machine was called.
    Incoming,
}

/// A connection or many alike: the caller's ephemeral port is left out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// Who called whom.
    pub direction: Direction,
    /// The address on this machine.
    pub local: IpAddr,
    /// The address on the other machine.
    pub remote: IpAddr,
    /// The port of the side that was called.
    pub service_port: Port,
    /// Transport.
    pub transport: Transport,
    /// The program on this machine.
    #[serde(default)]
    pub program: Program,
    /// The name this machine had looked up when it called: a DNS answer for it led to `remote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<HostName>,
    /// True if no name server was asked about `remote`, although answers were watched since before the program
    /// began: it called an address, or a name that a file decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
}

/// An X.509 certificate (RFC 5280).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// SHA-256 of the DER bytes, lower-case hex.
    pub sha256: String,
    /// SHA-1 of the DER bytes, lower-case hex: what older configurations pin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    /// SHA-256 of the SubjectPublicKeyInfo: joins renewed copies, and disk with wire.
    pub spki_sha256: String,
    /// Subject, as RFC 4514 text.
    pub subject: String,
    /// Issuer, as RFC 4514 text.
    pub issuer: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// DNS names, addresses and mail addresses of the subjectAltName, as written, sorted.
    pub names: Vec<String>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// Key algorithm, as `rsa`, `ecdsa`, `ed25519`.
    pub key_algorithm: String,
    /// Key size in bits.
    pub key_bits: u32,
    /// Signature algorithm, as `sha256WithRSAEncryption`.
    pub signature_algorithm: String,
    /// True for a certificate authority (basicConstraints).
    pub authority: bool,
    /// True if subject and issuer are equal and it verifies with its own key identifier or is alone.
    pub self_signed: bool,
    /// Hosts named in CRL, OCSP and issuer URLs: they must answer too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status_hosts: Vec<Peer>,
}

/// Where a certificate was met.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificatePlace {
    /// In a file; `position` counts certificates in it from 0.
    File {
        /// The file.
        path: Foreign,
        /// Which one in the file.
        position: u32,
    },
    /// Presented by a listener in a TLS handshake; `position` 0 is the leaf.
    Endpoint {
        /// Address that was asked.
        address: IpAddr,
        /// Port that was asked.
        port: Port,
        /// What was spoken before TLS began: `tls` (nothing), `smtp`, `ldap`, `postgresql`, …
        protocol: String,
        /// Which one in the chain.
        position: u32,
    },
}

/// A certificate and one place where it was met.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CertificateSighting {
    /// The certificate.
    pub certificate: Certificate,
    /// Where.
    pub place: CertificatePlace,
    /// True if a private key stands in the same file or beside it (its public half was compared).
    #[serde(default)]
    pub key_present: bool,
    /// The file that key stands in, and who may read it, where it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyFile>,
    /// What a person made of it in the trust store of the system: `added` to what the distribution ships, or
    /// `distrusted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
}

/// A file with a private key, and who may read it. Nothing of the key itself.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct KeyFile {
    /// The file.
    pub path: Foreign,
    /// Permission bits, where the platform has them: 384 is `0600`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// Owner (uid).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// Group (gid).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// Who may read it, counted over its access list and every directory above it; none where only its mode is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readers: Option<KeyReaders>,
}

/// Who may open a file, beside root: every directory above it lets them through, and it lets them read.
///
/// Whoever needs two groups at once (one for a directory, another for the file) is not told.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct KeyReaders {
    /// True if any account may.
    #[serde(default)]
    pub all: bool,
    /// Groups (gid) whose members may, sorted, where not all may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u32>,
    /// Accounts (uid) that may by name or as owner, sorted, where not all may; root is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<u32>,
}

impl KeyFile {
    /// True if every account of the machine may read it.
    pub fn is_open_to_all(&self) -> bool {
        match &self.readers {
            Some(readers) => readers.all,
            None => self.mode.is_some_and(|mode| mode & 0o004 != 0),
        }
    }

    /// True if a group of people may read it: one from 1000 on that is not the owner's own, or `staff` (50), `users`
    /// (100) or `nogroup` (65534) of Debian. A group that a package made for the purpose, as `ssl-cert`, is no finding.
    pub fn is_open_to_a_group(&self) -> bool {
        !self.groups_of_people().is_empty()
    }

    /// The groups of people that may read it.
    pub fn groups_of_people(&self) -> Vec<u32> {
        let of_people =
            |gid: &u32| (matches!(gid, 50 | 100) || *gid >= 1000) && Some(*gid) != self.owner;
        match &self.readers {
            Some(readers) => readers.groups.iter().copied().filter(of_people).collect(),
            None => {
                let by_mode = self
                    .group
                    .filter(|_| self.mode.is_some_and(|m| m & 0o040 != 0));
                by_mode.into_iter().filter(of_people).collect()
            }
        }
    }

    /// The accounts of people (uid from 1000 on) that an access list lets read it, its owner left out.
    pub fn people(&self) -> Vec<u32> {
        let readers = self.readers.iter().flat_map(|readers| &readers.users);
        let person = |uid: &u32| *uid >= 1000 && *uid != 65_534 && Some(*uid) != self.owner;
        readers.copied().filter(person).collect()
    }
}

/// A setting that makes a program use a certificate: which file, and where that is written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CertificateUse {
    /// The certificate: SHA-256 of its DER bytes, lower-case hex.
    pub sha256: String,
    /// The file it stands in, as the setting names it, made absolute.
    pub certificate_file: Foreign,
    /// What it is used for.
    pub role: CertificateRole,
    /// The part of the machine that reads the setting.
    pub component: Component,
    /// The file the setting stands in.
    pub file: Foreign,
    /// Line, counted from 1.
    pub line: u32,
    /// The directive, as `ssl_certificate`.
    pub key: String,
}

/// What a program does with a certificate.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateRole {
    /// Shows it to others, as a server or as a client.
    Presents,
    /// Checks others by it: an authority, or a certificate taken for good.
    Trusts,
}

/// A certificate or key that a file trusts by its hash: a renewal breaks it, a move of the name does not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Pin {
    /// The file it stands in.
    pub file: Foreign,
    /// Line, counted from 1.
    pub line: u32,
    /// The key or directive, as `smtp_tls_fingerprint_cert_match`.
    pub key: String,
    /// `sha1` or `sha256`.
    pub algorithm: String,
    /// The hash, lower-case hex.
    pub digest: String,
    /// `key` if it is of the SubjectPublicKeyInfo, `either` where the program takes one or the other.
    pub of: String,
}

/// Who gave an answer about a name.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NameSource {
    /// The hosts file of the machine at the vantage.
    HostsFile,
    /// The domain name system.
    Dns,
}

/// What a name or an address resolves to, seen from the vantage.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NameAnswer {
    /// What was asked: a name (forward) or an address (reverse).
    pub asked: Peer,
    /// Who answered.
    pub by: NameSource,
    /// Aliases on the way, in order, without the name asked (CNAME chain).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<HostName>,
    /// Forward answers, sorted. Empty together with `names` means: it does not exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Reverse answers, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<HostName>,
    /// The zone's time to live in seconds, where an authoritative or first-hand answer told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u32>,
}

/// What part of the consumer needs the provider.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct Component {
    /// What sort of part it is.
    pub class: ComponentClass,
    /// Its name: an executable path, a unit, a job, a file.
    pub name: Foreign,
}

/// The sorts of parts an edge may begin at.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentClass {
    /// A unit of the service manager.
    Unit,
    /// An executable or script.
    Executable,
    /// Something a clock starts.
    ScheduledJob,
    /// A device as a whole.
    Device,
    /// A file somebody or something reads; used when nothing tells who.
    File,
    /// A container, by its name.
    Container,
}

/// A dependency written down. Never the raw line, never a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// The knowledge rule that read it, as `postfix-relayhost`.
    pub rule: String,
    /// The file it stands in.
    pub file: Foreign,
    /// Line, counted from 1.
    pub line: u32,
    /// The key or directive, as `relayhost`.
    pub key: String,
    /// Whom it names.
    pub peer: Peer,
    /// The port, written or the one the kind of service has by definition of the file's format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport.
    pub transport: Transport,
    /// What it needs there: a dependency kind of the registry.
    pub kind: String,
    /// The part of the machine that reads the file.
    pub component: Component,
    /// Database, share, path, base DN: what is used there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Foreign>,
    /// Account it logs on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// How it logs on, where the file says it: a mechanism of SASL, as `GSSAPI`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// How the connection is protected, where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// True if a password or key stands right there. Only that fact leaves the host.
    #[serde(default)]
    pub has_secret: bool,
    /// Rhythm of the job that uses it, where a clock starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<String>,
    /// True if the reference only says who may be trusted or was once met (known_hosts): a hint, not a need.
    #[serde(default)]
    pub weak: bool,
}

/// Begins the rule of a reference that a search for a name made (`groma-agent find`): a place that names a system.
pub const MENTION_RULE: &str = "mention-";

/// A row of somebody's list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Declared {
    /// The list: file name and sheet.
    pub list: String,
    /// What it is: an entity kind of the registry.
    pub kind: String,
    /// Its name as written.
    pub name: Foreign,
    /// Further names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<HostName>,
    /// Addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// MAC addresses, lower case with colons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<String>,
    /// SMBIOS UUID of a virtual machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smbios_uuid: Option<String>,
    /// The hypervisor it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<Foreign>,
    /// Operating system as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// Owner as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Criticality as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<String>,
    /// Everything else the row says, by column.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub more: std::collections::BTreeMap<String, String>,
}

/// How connections are handed on.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardMode {
    /// Request by request: the host name and path asked for may choose the target.
    HttpProxy,
    /// Connection by connection; a TLS server name may choose the target.
    TcpProxy,
    /// The kernel rewrites the destination.
    Nat,
    /// Within an encrypted connection to another machine.
    Tunnel,
}

/// One end of a [`Forward`].
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardEnd {
    /// An endpoint. As the end that takes in, an unspecified address means every address.
    Endpoint {
        /// Address or name.
        peer: Peer,
        /// The port; none means the port that was called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<Port>,
        /// Transport.
        transport: Transport,
    },
    /// A socket in the file system of this machine.
    Socket {
        /// Its path.
        path: Foreign,
    },
    /// Everything sent to a network, as `10.9.0.0/24`.
    Network {
        /// The network.
        network: String,
    },
}

/// Something that takes connections in at one place and hands them on to one target: a reverse proxy, a
/// relay, a tunnel, a rule of address translation. Several targets are several facts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Forward {
    /// How.
    pub mode: ForwardMode,
    /// Where it takes in.
    pub listens: ForwardEnd,
    /// Where it sends on to.
    pub sends_to: ForwardEnd,
    /// Host names (HTTP `Host`, TLS server name) it does so for, lower case, `*.` allowed, sorted; empty: whatever was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// True if something else beside a host name (a path, a condition) decides as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conditional: bool,
    /// The group this target is one of: members share the load, or take over from each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// True if it is used only when the others of the group do not answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backup: bool,
    /// The machine that opens the onward connection, where it is not this one: the far end of an SSH tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Peer>,
    /// What is spoken, where the product decides it: a dependency kind of the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The part of the machine that does it.
    pub component: Component,
    /// The file it was read from; none for a live table or a running process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Foreign>,
    /// Line in that file, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The live table, as `ip nat PREROUTING`, or `running process`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// A rule of a packet filter that names a literal address: no need of anybody, but a place to change when
/// the one who has this address moves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FilterRule {
    /// `accept`, `drop`, `reject`, or another word of the filter.
    pub verdict: String,
    /// True if the address is the sender's, false if it is the receiver's.
    pub source: bool,
    /// The address or network, as `10.0.0.5` or `10.0.0.0/28`.
    pub network: String,
    /// Destination port, where the rule names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport, where the rule names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<Transport>,
    /// Table and chain, zone or profile, as `inet filter input`.
    pub chain: String,
    /// The file; none for the ruleset in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Foreign>,
    /// Line in that file, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A device attached to the machine: what a new machine must have too.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Attachment {
    /// `usb`, `pci`, `serial`, `scsi`, `network` (a printer or scanner reached through it), `software`.
    pub bus: String,
    /// What it is for: `license-dongle`, `modem`, `fax-board`, `telephony-board`, `tape-drive`, `printer`, `scanner`,
    /// `serial-adapter`, `serial-device`, `smart-card-reader`, `smart-card-middleware`, `signing-token`, `ups`, `barcode-reader`,
    /// `vpn-client`, `printer-class` (a queue of several printers), `scanner-server`, or `other`.
    pub role: String,
    /// Vendor and product number, lower-case hex, as `0529:0001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Maker as the device or the knowledge says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Model as the device says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Driver bound to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// The device node, queue or slot a configuration knows it by, as `/dev/ttyS0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_as: Option<Foreign>,
    /// The file that uses it, where one names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_in: Option<Foreign>,
    /// Where it is reached, without account and query: a printer's URI, a scanner's host, the far end of a tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Foreign>,
    /// Hosts and networks that may use it through this machine. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offered_to: Vec<Foreign>,
}

/// A number that moves: it is kept, but no diff prints it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// What is measured, unit last: `file_system_used_bytes`, `file_system_free_bytes`, `memory_available_bytes`.
    pub metric: String,
    /// Of what: a mount point, a queue.
    pub subject: Foreign,
    /// The value.
    pub value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_of_a_newer_agent_is_kept_whole() {
        let line = r#"{"fact":"moon-base","crater":7}"#;
        let fact: Fact = serde_json::from_str(line).unwrap();
        assert!(matches!(fact, Fact::Unknown(_)));
        assert_eq!(
            serde_json::to_value(&fact).unwrap(),
            serde_json::from_str::<serde_json::Value>(line).unwrap()
        );
    }

    #[test]
    fn the_straight_way_reads_what_serde_reads() {
        for line in [
            r#"{"fact":"package","manager":"dpkg","name":"nginx","version":"1.22"}"#,
            r#"{"name":"nginx","version":"1.22","fact":"package","manager":"dpkg"}"#,
            r#"{"fact":"listener","address":"10.0.0.1","port":25,"transport":"tcp","program":{}}"#,
            r#"{"fact":"listener","port":"a shape of tomorrow"}"#,
            r#"{"fact":"moon-base","crater":7}"#,
        ] {
            assert_eq!(
                Fact::from_json(line).unwrap(),
                serde_json::from_str::<Fact>(line).unwrap()
            );
        }
        assert!(Fact::from_json("{\"fact\":\"reference\"").is_err());
    }

    #[test]
    fn a_known_fact_says_its_kind() {
        let fact = Fact::Account(Account {
            name: "www-data".into(),
            id: "33".into(),
            home: None,
            shell: None,
            can_log_in: false,
        });
        let json = serde_json::to_string(&fact).unwrap();
        assert_eq!(
            json,
            r#"{"fact":"account","name":"www-data","id":"33","can_log_in":false}"#
        );
        assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
    }
}
