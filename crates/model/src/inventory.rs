//! The inventory document, `groma.inventory/1`: everything a stranger needs to draw the migration map.
//!
//! These types *are* the published format: the JSON Schema is generated from them. Names may be added,
//! never removed. All lists are sorted by id (or by the fields that identify the row), so the same
//! evidence gives the same bytes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::evidence::{EvidenceState, Witness};
use crate::fact::{
    Certificate, CertificatePlace, Component, Disk, FileSystem, Interface, Job, Program,
};
use crate::hours::{Hours, Lasted};
use crate::id::{AgentId, DependencyId, EntityId, EvidenceId, FindingId, SiteId, SourceName};
use crate::name::{HostName, Port, Protection, Transport};
use crate::observation::CoverageState;

/// The schema word of this document.
pub const INVENTORY_SCHEMA: &str = "groma.inventory/1";

/// The whole estate at one moment, with how we know.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// Always [`INVENTORY_SCHEMA`].
    pub schema: String,
    /// When this document was made.
    pub generated_at: Timestamp,
    /// Name of the snapshot it shows, or null for the present.
    pub snapshot: Option<String>,
    /// Where names, addresses and accounts are pseudonyms: the sentence that says so. Absent in a document that stays here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<String>,
    /// The time it speaks about: from the first look to the last one.
    pub window: TimeWindow,
    /// `minimal`, `standard` or `full`.
    pub data_level: String,
    /// True if somebody imported a list of what they believe they have; without one nothing is "undeclared".
    pub compared_with_list: bool,
    /// How much was looked at, by source, vantage and scope.
    pub coverage: Vec<CoverageEntry>,
    /// The layers of the map, from the foundation up.
    pub layers: Vec<LayerEntry>,
    /// Sites.
    pub sites: Vec<Site>,
    /// Lines between sites.
    pub links: Vec<Link>,
    /// Things people speak of as one, with what people know about them.
    pub systems: Vec<System>,
    /// Everything there is.
    pub entities: Vec<Entity>,
    /// Endpoints held open.
    pub listeners: Vec<ListenerEntry>,
    /// Who needs whom.
    pub dependencies: Vec<Dependency>,
    /// The line that `transfer_hours` and `catch_up_hours` are reckoned for, in bits per second.
    #[serde(default = "line_of_one_gigabit")]
    pub link_bps: u64,
    /// How much data lies where.
    pub volumes: Vec<Volume>,
    /// Who may do what to whose data.
    pub rights: Vec<Right>,
    /// What is backed up.
    pub backups: Vec<Backup>,
    /// Who watches which machine, and where logs go. A machine that is not in it is watched by nobody we found.
    #[serde(default)]
    pub watching: Vec<Watching>,
    /// What the domain name system says about the mail of the domains that were asked about.
    #[serde(default)]
    pub mail_records: Vec<MailRecordEntry>,
    /// Where mail servers send mail on to: transports, aliases, forwards, filters, archives.
    #[serde(default)]
    pub mail_routes: Vec<crate::route::MailRouteEntry>,
    /// What the zones of name servers that were looked at say, and where it leads.
    #[serde(default)]
    pub zone_records: Vec<crate::zone::ZoneRecordEntry>,
    /// Who uses which service in which way, as the services' own logs tell it: logons, binds, senders of mail.
    #[serde(default)]
    pub ledger: Vec<crate::ledger::LedgerEntry>,
    /// Who may use another one's mailbox, and whose mail is handed on, as imported lists say.
    #[serde(default)]
    pub mailbox_ties: Vec<crate::mailbox::MailboxTieEntry>,
    /// Which services sign people in through which identity provider, as the providers know them.
    #[serde(default)]
    pub relying_parties: Vec<crate::relying::RelyingPartyEntry>,
    /// Who hands mail to which server or reads it there, and what each of them needs.
    #[serde(default)]
    pub mail_ledger: Vec<crate::mail_ledger::MailLedgerEntry>,
    /// What each mail server takes, and whom it lets through.
    #[serde(default)]
    pub mail_servers: Vec<crate::mail_ledger::MailServerEntry>,
    /// What takes no agent: what each device is and can, whether it mails, and what it needs for that.
    #[serde(default)]
    pub devices: Vec<crate::device_verdict::DeviceEntry>,
    /// Guests of virtualization platforms: what stands in the way of a move, and how each would go where.
    #[serde(default)]
    pub guests: Vec<crate::virtualization::GuestRow>,
    /// Numbers taken by looks.
    pub measurements: Vec<MeasurementEntry>,
    /// Wave files that are known.
    pub waves: Vec<WaveEntry>,
    /// What to mind.
    pub findings: Vec<Finding>,
    /// How much is probably still unseen.
    pub estimate: Option<Estimate>,
    /// What only a person can answer.
    pub questions: Vec<Question>,
    /// The facts behind all of it.
    pub evidence: Vec<EvidenceEntry>,
}

/// From when to when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TimeWindow {
    /// Begin.
    pub from: Timestamp,
    /// End.
    pub to: Timestamp,
}

/// A place on a host that names a system: no need by itself, but a place to change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Mention {
    /// The file.
    pub file: crate::Foreign,
    /// Line, from 1.
    pub line: u32,
    /// The key or directive; empty where there is none.
    pub key: String,
    /// The name or address that stands there.
    pub peer: crate::Peer,
    /// Who reads the file.
    pub component: crate::fact::Component,
}

/// How much of a scope one vantage saw through one source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CoverageEntry {
    /// The way of looking.
    pub source: SourceName,
    /// The host (or list) at the vantage.
    pub vantage: EntityId,
    /// What was looked at.
    pub scope: String,
    /// Complete or partial.
    pub state: CoverageState,
    /// What was not seen.
    pub gaps: Vec<GapEntry>,
    /// Begin of the time spoken for.
    pub from: Timestamp,
    /// End of it.
    pub to: Timestamp,
    /// In which way it was looked at, where there are several, and how much that way was measured to catch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
}

/// A hole in the coverage.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GapEntry {
    /// What was not seen.
    pub what: String,
    /// Why: a word of [`crate::Reason`].
    pub reason: String,
    /// What would help.
    pub remedy: Option<String>,
}

/// A layer of the map.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LayerEntry {
    /// Name.
    pub name: String,
    /// Rank, 0 at the bottom.
    pub rank: u32,
}

/// A site.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// Id.
    pub id: SiteId,
    /// Name.
    pub name: String,
    /// Its networks, as `10.0.0.0/24`.
    pub networks: Vec<String>,
}

/// A line between two sites.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// One end.
    pub from: SiteId,
    /// The other end.
    pub to: SiteId,
    /// Capacity in bits per second.
    pub capacity_bps: Option<u64>,
    /// Free capacity in bits per second.
    pub free_bps: Option<u64>,
}

/// Entities that people speak of as one thing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct System {
    /// Id: the entity id of its first member with `sys-` before it, until a person names it.
    pub id: String,
    /// Name.
    pub name: String,
    /// What it is for, proposed from what it runs: `mail`, `directory`, `database`, …
    pub functions: Vec<String>,
    /// The entities in it.
    pub members: Vec<EntityId>,
    /// Product.
    pub product: Option<String>,
    /// Version.
    pub version: Option<String>,
    /// Owner.
    pub owner: Option<String>,
    /// Key users.
    pub key_users: Option<String>,
    /// Who is on call.
    pub on_call: Option<String>,
    /// Criticality.
    pub criticality: Option<String>,
    /// Downtime it may have.
    pub allowed_downtime: Option<String>,
    /// What becomes of it.
    pub disposition: Option<Disposition>,
    /// Who confirmed this grouping.
    pub confirmed_by: Option<String>,
    /// When.
    pub confirmed_on: Option<Timestamp>,
    /// When it may be touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// What its owner calls a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_as_failure: Option<String>,
    /// Who uses it besides, as people say: names nobody need have seen. Sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_consumers: Vec<FurtherConsumer>,
    /// Who said which of these fields, and when: the newest word of each. Sorted by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    /// What people noted about it, all of it. Sorted by day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteTold>,
}

/// What a person noted, in free words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NoteTold {
    /// When.
    pub on: Timestamp,
    /// Who.
    pub by: String,
    /// What.
    pub says: String,
}

/// Somebody who uses a system, as a person wrote it down.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FurtherConsumer {
    /// The name as it was written.
    pub name: String,
    /// Who says so.
    pub by: String,
    /// When.
    pub on: Timestamp,
}

/// A field of a system that a person filled in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    /// The field, as it is called here.
    pub field: String,
    /// Who.
    pub by: String,
    /// When.
    pub on: Timestamp,
}

/// What becomes of a system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// It stays.
    Stay,
    /// It moves.
    Move,
    /// Something else takes its place.
    Replace,
    /// It goes.
    Retire,
}

/// One thing of the estate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Id, stable over all looks of one store.
    pub id: EntityId,
    /// Kind: a word of the registry.
    pub kind: String,
    /// The name a person knows it by.
    pub name: String,
    /// All its names, sorted.
    pub names: Vec<String>,
    /// All its addresses, sorted.
    pub addresses: Vec<IpAddr>,
    /// Layer: a word of the registry.
    pub layer: String,
    /// Site.
    pub site: SiteId,
    /// The system it belongs to.
    pub system: Option<String>,
    /// Owner.
    pub owner: Option<String>,
    /// Criticality.
    pub criticality: Option<String>,
    /// First moment it is known to have been there.
    pub first_seen: Timestamp,
    /// Last moment.
    pub last_seen: Timestamp,
    /// True if an agent looked at it from inside.
    pub has_agent: bool,
    /// True if a list somebody imported names it.
    pub declared: bool,
    /// What is known about it, by kind.
    pub attributes: Attributes,
    /// Why we believe it is one thing: one line a person understands per merge.
    pub merged_because: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// What is known about an entity. Which parts are present depends on its kind.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Attributes {
    /// Hosts: the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<crate::fact::OperatingSystem>,
    /// Hosts: hardware and firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware: Option<crate::fact::Hardware>,
    /// Hosts: identifying marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<crate::fact::HostIdentity>,
    /// Hosts: file systems.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub file_systems: Vec<FileSystem>,
    /// Hosts: interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interfaces: Vec<Interface>,
    /// Hosts: routes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<crate::fact::Route>,
    /// Hosts: accounts that can log in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<crate::fact::Account>,
    /// Hosts: package name → version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
    /// Hosts: enabled units.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<crate::fact::Unit>,
    /// Hosts: jobs, with their next runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobEntry>,
    /// Hosts: certificates that files trust by their hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<PinEntry>,
    /// Hosts: containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<crate::fact::Container>,
    /// Hosts: what takes connections in and hands them on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forwards: Vec<crate::fact::Forward>,
    /// Hosts: rules of the packet filter that name a literal address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter_rules: Vec<crate::fact::FilterRule>,
    /// Hosts: places that name a system somebody searched for (`groma-agent find`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Hosts: which old or unprotected ways of speaking their settings let in or keep out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocol_settings: Vec<crate::fact::ProtocolSetting>,
    /// Hosts: devices plugged in or built in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<crate::fact::Attachment>,
    /// Hosts: disks of the hypervisor's view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<Disk>,
    /// Certificates: the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// Certificates: where it was met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<CertificatePlaceEntry>,
    /// Certificates: who is set up to use it, and where it is served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used_by: Vec<CertificateUser>,
    /// Anything reached by name: what the name resolves to, alias by alias.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<AliasEntry>,
    /// Hosts and devices: how they were met from outside, on the wire or by a scan. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sightings: Vec<crate::sighting::Sighting>,
    /// Hosts and devices: what it says of itself to whoever asks, by each way it was asked. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_says: Vec<crate::device::DeviceSays>,
    /// Hosts: how its own agent watched who calls, told where nobody is known to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<crate::watched::OwnWatch>,
    /// Hosts: old addresses of other machines at which it stands sentinel. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<crate::sentinel::PostEntry>,
    /// Machines that are gone: who still knocked at their address without meaning a service. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knocks: Vec<crate::sentinel::KnockEntry>,
    /// Hosts and devices: MAC addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<String>,
    /// Archives, databases, shares: the machine they lie on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lies_on: Option<EntityId>,
    /// Archives: what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<crate::fact::Archive>,
    /// Databases: what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<crate::fact::Database>,
    /// Shares: what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<crate::fact::Share>,
    /// Guests of a platform of virtualization: what the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Box<crate::fact::Guest>>,
    /// Hosts of a platform of virtualization: what the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypervisor: Option<Box<crate::fact::Hypervisor>>,
    /// Clusters of such hosts: what the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Box<crate::fact::Cluster>>,
    /// Datastores: what the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datastore: Option<Box<crate::fact::Datastore>>,
    /// Guests and hosts of a platform: machines it may be by one mark, and is not, or not for certain, by another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_joined: Vec<String>,
    /// What a directory says about it; on a directory itself, everything that is no machine and no account.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directory_objects: Vec<crate::fact::DirectoryEntry>,
    /// True if a name somebody uses resolves to nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unresolvable: bool,
    /// Columns of imported lists nobody gave a meaning to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: BTreeMap<String, String>,
    /// What people noted about it, all of it. Sorted by day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<NoteTold>,
}

/// A job and when it runs next, counted from the moment the document was made.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct JobEntry {
    /// The job as it was seen.
    #[serde(flatten)]
    pub job: Job,
    /// Its next runs, in order; empty where no clock starts it or nothing tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next_runs: Vec<Timestamp>,
    /// True if those moments are only about right: a random delay, a span counted from the last boot, anacron, or a
    /// machine whose time zone is not known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub next_runs_approximate: bool,
}

impl From<Job> for JobEntry {
    fn from(job: Job) -> Self {
        Self {
            job,
            ..Self::default()
        }
    }
}

/// Where a certificate was met.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CertificatePlaceEntry {
    /// The host.
    pub host: EntityId,
    /// The file or endpoint.
    pub place: CertificatePlace,
    /// True if its private key stands there too.
    pub key_present: bool,
    /// The file with that key, and who may read it, where it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<crate::fact::KeyFile>,
    /// Trust stores of systems: `added` to what the distribution ships, or `distrusted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// When it was last met there; absent in documents of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Whether the newest look met it there; left out where it did.
    #[serde(default, skip_serializing_if = "EvidenceState::is_current")]
    pub state: EvidenceState,
}

/// A part of a host that is set up to use a certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CertificateUser {
    /// The host.
    pub host: EntityId,
    /// The setting as it was seen.
    #[serde(flatten)]
    pub setting: crate::fact::CertificateUse,
    /// Ports at which listeners of this part present the certificate, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// True if the part is neither enabled nor was seen running: the setting waits for somebody to start it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
    /// Ports at which listeners of this part still present an older certificate for the same names: this one came into the
    /// file and was never loaded. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_loaded: Vec<NotLoaded>,
    /// When the setting was first seen to name this very certificate; absent in documents of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When it was last seen to do so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Whether the newest look saw the setting; left out where it did.
    #[serde(default, skip_serializing_if = "EvidenceState::is_current")]
    pub state: EvidenceState,
    /// The fact behind it.
    pub evidence: EvidenceId,
}

/// A port that presents what a newer certificate has replaced.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NotLoaded {
    /// The port.
    pub port: Port,
    /// The older certificate it presents.
    pub presents: EntityId,
}

/// A hash by which a file of a host trusts a certificate, and the certificates of the estate that have it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PinEntry {
    /// The pin as it was seen.
    #[serde(flatten)]
    pub pin: crate::fact::Pin,
    /// The certificates it means; empty where none of them was met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<EntityId>,
    /// The fact behind it.
    pub evidence: EvidenceId,
}

/// One alias: what somebody asked for, and which canonical name stands behind it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AliasEntry {
    /// The alias.
    pub alias: HostName,
    /// What it leads to.
    pub canonical: HostName,
    /// Time to live in seconds.
    pub ttl_seconds: Option<u32>,
    /// `dns` or `hosts-file`.
    pub by: crate::fact::NameSource,
}

/// An endpoint held open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListenerEntry {
    /// The host.
    pub entity: EntityId,
    /// The address; unspecified means all.
    pub address: IpAddr,
    /// The port.
    pub port: Port,
    /// Transport.
    pub transport: Transport,
    /// The program.
    pub process: Program,
    /// What it speaks: a dependency kind, where it is known.
    pub service: Option<String>,
    /// The certificate it presents.
    pub certificate: Option<EntityId>,
    /// What it answered to whoever asked from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<crate::fact::ServiceAnswer>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// One end of a dependency, ready to print.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Consumer {
    /// The entity.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The part of it that needs the provider.
    pub component: Component,
}

/// The other end of a dependency, ready to print.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// The entity.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The port.
    pub port: Option<Port>,
    /// Transport.
    pub transport: Option<Transport>,
    /// The part of it that serves, where an agent saw it.
    pub component: Option<Component>,
}

/// What the consumer loses when the provider is gone.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// It stops.
    Blocking,
    /// It limps.
    Degrading,
    /// Nobody knows.
    Unknown,
}

/// How a dependency is known: a word an operator understands, not a score.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// It was seen happening (live, history, network).
    Observed,
    /// Somebody wrote it down (configuration, directory, list).
    Declared,
    /// Concluded from several facts, none of which states it.
    Inferred,
}

/// How the consumer finds the provider.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReachedBy {
    /// By its own name.
    Name,
    /// By another name that leads to it.
    Alias,
    /// By address.
    AddressLiteral,
    /// By a name the consumer's hosts file decides.
    HostsFile,
    /// By asking everybody on the link, or a server that knows what they would answer (NetBIOS).
    Broadcast,
}

/// A consumer needs a provider.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// Hash of the key: consumer and component class, kind, provider, port, transport.
    pub id: DependencyId,
    /// Kind: a word of the registry.
    pub kind: String,
    /// Who needs.
    pub consumer: Consumer,
    /// Who is needed.
    pub provider: Provider,
    /// Layer of the provider's service: a word of the registry.
    pub layer: String,
    /// What is lost without it.
    pub strength: Strength,
    /// True for what nearly every host needs (DNS, time): folded away on the map.
    pub shared_service: bool,
    /// In which independent ways it is known, sorted.
    pub witnesses: Vec<Witness>,
    /// How it is known, in one word.
    pub basis: Basis,
    /// True if a standard inventory does not show it.
    pub hidden: bool,
    /// Why it is hidden: words of the registry, sorted.
    pub hidden_because: Vec<String>,
    /// How the provider is found; null where nothing tells.
    pub reached_by: Option<ReachedBy>,
    /// The name or address used; null where nothing tells.
    pub reached_as: Option<String>,
    /// First seen.
    pub first_seen: Timestamp,
    /// Last seen.
    pub last_seen: Timestamp,
    /// True if the newest look at its places still saw it; false means *not seen*, never *gone*.
    pub current: bool,
    /// How often it was seen.
    pub count: u64,
    /// `monthly` and the like, where a schedule says it.
    pub rhythm: Option<String>,
    /// When it is due again.
    pub next_due: Option<Timestamp>,
    /// Accounts, mechanisms, names, places.
    pub details: DependencyDetails,
    /// What a person said about it.
    pub verdict: Option<Verdict>,
    /// The facts behind it; never empty.
    pub evidence: Vec<EvidenceId>,
}

impl Dependency {
    /// True for what is a platform's to change: see [`is_carried`](crate::virtualization::is_carried).
    pub fn is_carried(&self) -> bool {
        crate::virtualization::is_carried(&self.kind, &self.witnesses)
    }
}

/// What is known about how the consumer uses the provider.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DependencyDetails {
    /// Account entity, where the ledger holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<EntityId>,
    /// Account names as written, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Logon mechanism.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// Weakest protection known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Databases, shares, paths, base DNs, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Files and lines that write it down, as `/etc/app.env:3`, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_in: Vec<String>,
    /// Programs seen using it, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<String>,
    /// True if a secret stands beside one of the references.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret_in_file: bool,
    /// True if both ends are the same machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local: bool,
    /// Bytes carried in both directions, where somebody counted them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The hours of the week in which it was used, where somebody watched.
    #[serde(default, skip_serializing_if = "Hours::is_empty")]
    pub hours: Hours,
    /// How long its connections lasted, where begin and end were seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasted: Option<Lasted>,
    /// When it was last seen in use: by a connection, a log or the wire. Absent where it is only written down or declared;
    /// `last_seen` of the dependency is then when it was last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// What stands between the two ends, from the consumer on. An edge that was concluded over it is `inferred`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Through>,
    /// True if other providers behind the same relay do the same work: the consumer limps where it would stop.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_of_several: bool,
    /// Where the provider may hand this on to, where nothing tells which: one line per possibility, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub onward: Vec<String>,
    /// Machines that stood sentinel at the provider's address, and heard the consumer knock there. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard_by: Vec<EntityId>,
    /// Whether it is needed any more, as its owner says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_needed: Option<NeedTold>,
}

/// What an owner said of a dependency on a questionnaire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NeedTold {
    /// Whether it is needed.
    pub word: crate::questionnaire::StillNeeded,
    /// Who says so.
    pub by: String,
    /// When.
    pub on: Timestamp,
}

/// Something that stands between a consumer and a provider.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Through {
    /// The machine it stands on.
    pub entity: EntityId,
    /// Its name.
    pub name: String,
    /// The port it takes in at; none for a socket or a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// How it hands on.
    pub mode: crate::fact::ForwardMode,
    /// The part of that machine that does it.
    pub component: Component,
}

/// What a person said about a dependency or a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The judgement.
    pub verdict: VerdictWord,
    /// Who.
    pub by: String,
    /// Why.
    pub because: String,
}

/// The judgements a person can give.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictWord {
    /// It is so.
    Confirmed,
    /// It is not so.
    Wrong,
    /// It is so, and we live with it.
    Accepted,
}

/// How much data lies somewhere.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Volume {
    /// On what.
    pub entity: EntityId,
    /// Which part of it: a mount point, a mailbox.
    pub subject: String,
    /// Bytes.
    pub bytes: u64,
    /// Items: messages, files, keys.
    pub items: Option<u64>,
    /// True if `items` was reckoned from a part that was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub items_estimated: bool,
    /// Bytes of the files that were written within the day before the look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_per_day: Option<f64>,
    /// Growth in bytes per day.
    pub growth_per_day: Option<f64>,
    /// When it was measured.
    pub measured_at: Timestamp,
    /// Hours to carry it over, low and high.
    pub transfer_hours: Option<[f64; 2]>,
    /// Hours to carry over what changes in a day, low and high: what each further pass of a copy takes. Of 24 and
    /// more no copy ever catches up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch_up_hours: Option<[f64; 2]>,
}

/// What hours are reckoned for where nobody names a line.
pub const LINK_BPS: u64 = 1_000_000_000;

/// The share of a line that a copy gets, at best and at worst.
///
/// At best the payload of a full one: 1448 bytes of every 1538 on an Ethernet of 1500-byte packets with TCP timestamps (IEEE 802.3
/// framing 38, RFC 9293 header 20, RFC 7323 option 12, RFC 791 header 20). At worst what is left of it where one stream is
/// encrypted, disks are shared and others use the line too.
pub const LINK_SHARES: [f64; 2] = [1448.0 / 1538.0, 0.35];

fn line_of_one_gigabit() -> u64 {
    LINK_BPS
}

/// Who may do what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Right {
    /// On what.
    pub on: EntityId,
    /// Who.
    pub principal: String,
    /// What: `full-access`, `send-as`, `read`, …
    pub right: String,
    /// Where it is written: `configuration`, `mode`, `posix-acl`, `posix-default-acl`, `nt-acl`, `share-acl` (the share as a
    /// whole), `files` (owners of files who are nobody any more).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub written_as: String,
    /// The directory it is written on, where it is not the root of `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// True if the principal stands for nobody any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphan: bool,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// What is backed up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// Of what.
    pub entity: EntityId,
    /// By what.
    pub by: Option<EntityId>,
    /// How often.
    pub rhythm: Option<String>,
    /// When it last ended well.
    pub last_success: Option<Timestamp>,
    /// The job: product and name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job: String,
    /// Where it copies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Paths and databases it copies; empty where that is decided elsewhere. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<String>,
    /// True if nothing was found that ever starts it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unscheduled: bool,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// Who watches a machine, or where its logs go.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Watching {
    /// The machine that is watched, or whose logs they are.
    pub entity: EntityId,
    /// `watched-by` or `logs-to`.
    pub purpose: crate::fact::WatchPurpose,
    /// Who; null where a program answers a network or anybody, and nobody is named.
    pub by: Option<EntityId>,
    /// The name of who; a network, `*` for anybody, `this machine` where nobody from elsewhere may ask.
    pub name: String,
    /// The programs and parts that say so. Sorted.
    pub products: Vec<String>,
    /// How it is known. Sorted.
    pub witnesses: Vec<Witness>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// One answer of the domain name system about the mail of a domain. Who was told something else stands in another row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailRecordEntry {
    /// The domain.
    pub domain: crate::HostName,
    /// `exchanger`, `spf`, `dmarc` and others.
    pub purpose: crate::fact::MailPurpose,
    /// The name at which it stands.
    pub asked: crate::HostName,
    /// The values as a zone file writes them. Sorted; empty: there is none.
    pub values: Vec<String>,
    /// The zone's time to live in seconds; null where no server that speaks for the zone told it.
    pub ttl_seconds: Option<u32>,
    /// SPF: terms that make a receiver ask again; ten are allowed.
    pub lookups: Option<u32>,
    /// What a receiver would stumble over. Sorted.
    pub faults: Vec<String>,
    /// The machines it names. Sorted.
    pub machines: Vec<EntityId>,
    /// The machines that were told so. Sorted.
    pub seen_from: Vec<EntityId>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// A number taken by a look.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MeasurementEntry {
    /// Of what.
    pub entity: EntityId,
    /// What, unit last.
    pub metric: String,
    /// Which part of it.
    pub subject: String,
    /// The value.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

/// A wave that is known: what its file says, with its state.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaveEntry {
    /// Name.
    pub name: String,
    /// Its place in the order.
    pub order: u32,
    /// Its window.
    pub window: Option<TimeWindow>,
    /// Members by name.
    pub members: Vec<String>,
    /// `planned`, `ready`, `moved`, `proven`.
    pub state: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The number of the change in the ticket system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_reference: Option<String>,
    /// Waves that must be proven before this one begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// Waves that may run at the same time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parallel_with: Vec<String>,
    /// What takes whose place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<crate::wave::Move>,
    /// Dependencies that must exist afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<crate::wave::Expectation>,
    /// How old and new live side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coexistence: Option<crate::wave::Coexistence>,
    /// The way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<crate::wave::Rollback>,
    /// What is measured to call it a success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<crate::wave::Criterion>,
    /// Names that are deliberately left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<String>,
    /// Who is told what: audience → message or date.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub communications: BTreeMap<String, String>,
}

/// How grave a finding is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something stops, and soon.
    Critical,
    /// Something stops.
    High,
    /// Something limps, or stops later.
    Medium,
    /// Worth knowing.
    Low,
}

/// How likely a risk is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Likelihood {
    /// Unlikely.
    Low,
    /// Possible.
    Medium,
    /// Certain or nearly so.
    High,
}

/// Who found it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingOrigin {
    /// A check.
    Generated,
    /// A person.
    Person,
}

/// Where a finding stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// To be dealt with.
    Open,
    /// Dealt with.
    Closed,
    /// Lived with.
    Accepted,
}

/// What to mind before the move, in the six fields of a risk table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Hash of check and subjects.
    pub id: FindingId,
    /// The check that says it, as `certificate-expires-in-window`: also the anchor in the documentation.
    pub check: String,
    /// Who found it.
    pub origin: FindingOrigin,
    /// Where it stands.
    pub state: FindingState,
    /// How grave.
    pub severity: Severity,
    /// Layer of the subject.
    pub layer: String,
    /// What may happen, in words for a director.
    pub risk: String,
    /// What shows it, with the names, dates and numbers.
    pub indicator: String,
    /// What it would do to the business.
    pub impact: String,
    /// How likely.
    pub likelihood: Likelihood,
    /// What can be done, first things first.
    pub mitigations: Vec<String>,
    /// Who acts.
    pub owner: Option<String>,
    /// By when.
    pub control_date: Option<Timestamp>,
    /// Ids of the entities and dependencies it is about, sorted.
    pub subjects: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
    /// What a person said about it.
    pub verdict: Option<Verdict>,
    /// When it first stood in the register; absent in documents of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When the check, or the person, last said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_on: Option<Timestamp>,
    /// Why it stands where it stands, where that is no person's verdict: closed by a look, not looked at since, open again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_because: Option<String>,
    /// From where it was seen when the check last said it. Sorted by vantage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<RestsOn>,
}

/// A vantage a finding rests on: which sources told it from there, and which had holes then.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RestsOn {
    /// The host (or list) at the vantage.
    pub vantage: EntityId,
    /// Sources that told the facts behind the finding; where none did, all that had looked from there. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceName>,
    /// What had not been seen whole when the check last said it: source, a blank, and scope. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
}

/// How much is probably still unseen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Low, middle, high of the machines that no way of looking met; low to high is a 90 % interval.
    pub unseen_hosts: Option<[f64; 3]>,
    /// Low, middle, high of the unseen dependencies that as long a watch again would show; low to high is a 90 % interval.
    pub unseen_dependencies: Option<[f64; 3]>,
    /// How it was computed.
    pub method: String,
    /// False: do not print it as a number.
    pub meaningful: bool,
    /// Machines that were met, of which it was told; null where nothing is said of machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_hosts: Option<u64>,
    /// Dependencies that were seen in use, of which it was told; null where nothing is said of dependencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_dependencies: Option<u64>,
    /// Days watched behind what is said of dependencies. What is used more rarely than that is not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_days: Option<f64>,
    /// Days of more watching that halve the unseen dependencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halves_in_days: Option<f64>,
    /// The same in plain sentences, ready to print.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
    /// Why nothing is said of machines, of dependencies or of both, and what would help; null where both are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// What a question about a wave is about begins so; the name of the wave follows.
pub const ABOUT_WAVE: &str = "wave:";

/// What only a person can answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Whom to ask, where an owner is known.
    pub to: Option<String>,
    /// Id of what it is about; of a wave `wave:` and its name.
    pub about: String,
    /// The question.
    pub question: String,
}

/// A fact, as one line a person understands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceEntry {
    /// Id.
    pub id: EvidenceId,
    /// The way of looking.
    pub source: SourceName,
    /// The witness.
    pub witness: Witness,
    /// The host (or list) at the vantage.
    pub vantage: EntityId,
    /// Last moment it was observed.
    pub observed_at: Timestamp,
    /// The fact in one line.
    pub says: String,
}

impl Inventory {
    /// For how long machines were watched: the median over them of what their newest looks lasted. The window is no
    /// measure of it: two looks of half a minute a month apart are not a month watched.
    pub fn watched(&self) -> std::time::Duration {
        let mut looks: std::collections::BTreeMap<&EntityId, (Timestamp, Timestamp)> =
            std::collections::BTreeMap::new();
        for seen in self
            .coverage
            .iter()
            // A list was never watched; a log speaks for as long as it goes back, and a capture for as long as it is.
            .filter(|c| {
                !matches!(
                    c.source.as_str(),
                    "declared.list"
                        | "log.services"
                        | "log.windows"
                        | "log.journal"
                        | "network.packets"
                        | "network.scan-list"
                        | "time.chrony"
                )
            })
        {
            let look = looks.entry(&seen.vantage).or_insert((seen.from, seen.to));
            // The newest look; what only older ones said is another time.
            if seen.to > look.1 {
                look.1 = seen.to;
                look.0 = seen.from;
            } else if seen.to == look.1 {
                look.0 = look.0.min(seen.from);
            }
        }
        let mut lasted: Vec<_> = looks.values().map(|(from, to)| to.since(*from)).collect();
        lasted.sort();
        let middle = lasted.get(lasted.len() / 2).copied();
        middle.unwrap_or_else(|| self.window.to.since(self.window.from))
    }

    /// The entity with this id.
    pub fn entity(&self, id: &EntityId) -> Option<&Entity> {
        let at = self.entities.binary_search_by(|e| e.id.cmp(id)).ok()?;
        self.entities.get(at)
    }

    /// The fact with this id.
    pub fn evidence_entry(&self, id: &EvidenceId) -> Option<&EvidenceEntry> {
        let at = self.evidence.binary_search_by(|e| e.id.cmp(id)).ok()?;
        self.evidence.get(at)
    }

    /// Every entity that `text` may mean: an id, a name (also its first label), or an address.
    pub fn find(&self, text: &str) -> Vec<&Entity> {
        let wanted = text.trim_end_matches('.').to_lowercase();
        let address = wanted.parse::<IpAddr>().ok().map(|a| a.to_canonical());
        let exact = |e: &&Entity| {
            e.id.as_str() == wanted
                || e.name.to_lowercase() == wanted
                || e.names.iter().any(|n| n.to_lowercase() == wanted)
                || address.is_some_and(|a| e.addresses.contains(&a))
        };
        let hits: Vec<&Entity> = self.entities.iter().filter(exact).collect();
        if !hits.is_empty() {
            return hits;
        }
        let short = |n: &String| {
            n.split('.')
                .next()
                .is_some_and(|s| s.eq_ignore_ascii_case(&wanted))
        };
        self.entities
            .iter()
            .filter(|e| e.names.iter().any(short))
            .collect()
    }
}

/// Which agent stands for which host: needed to print coverage and evidence.
pub type Vantages = BTreeMap<AgentId, EntityId>;
