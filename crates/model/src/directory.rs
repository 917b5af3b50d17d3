//! What a directory says about an estate: objects with a meaning for a move, and needs that follow from them.
//!
//! Both are told by a directory that was asked, not by the machine they are about. Persons are counted, not listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::EvidenceId;
use crate::name::{Peer, Port, Protection, Transport};
use crate::{Foreign, Stated, Timestamp};

/// An object of a directory.
///
/// `class` is one of: `directory` (a naming context or domain), `server` (the one that was asked), `domain-controller`,
/// `role` (operations master), `site`, `subnet`, `trust`, `computer`, `service-account`, `managed-service-account`, `service-principal`,
/// `group-policy`, `print-queue`, `dfs-root`, `dfs-link`, `volume`, `people-folders` (a machine and share that people of
/// the domain have folders on), `mount-map` (of an automounter), `dhcp-server`, `dns-zone`, `dns-service`, `dns-record`
/// (one that nobody renewed),
/// `enrolment-service`, `certificate-template`, `connection-point`, `mail-server`, `receive-connector`, `send-connector`,
/// `accepted-domain`, `mail-database`, `availability-group`, `virtual-directory`, `autodiscover`, `mailbox`, `mailbox-rights`,
/// `mail-group`, `logon-authorities` (whose certificates log on), `replication-group` (of folders), `domain-service` (of a server of
/// FreeIPA), `access-rule` (that names machines), `settings`, `database` (of a directory server),
/// `replication`, `tls`, `overlay`. A reader that meets another word keeps the object as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryObject {
    /// The directory it stands in: a DNS domain, or the naming context where there is none; lower case.
    pub directory: String,
    /// What it is, as listed above.
    pub class: String,
    /// What a person calls it.
    pub name: Foreign,
    /// Its distinguished name.
    pub dn: Foreign,
    /// The machine it stands for or is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Peer>,
    /// Logon name, for accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// What else it says, by attribute as the directory spells it; words of ours where the value is a number of bits or
    /// a moment that moves. Values sorted.
    #[serde(default, skip_serializing_if = "Stated::is_empty")]
    pub attributes: Stated,
}

/// An object of a directory as the inventory holds it: as it was told last, and by which facts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryEntry {
    /// The object.
    #[serde(flatten)]
    pub object: DirectoryObject,
    /// When a directory was last seen to hold it like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// The facts that say so; each is in the list `evidence` of the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

impl From<DirectoryObject> for DirectoryEntry {
    fn from(object: DirectoryObject) -> Self {
        Self {
            object,
            last_seen: None,
            evidence: Vec::new(),
        }
    }
}

/// What makes a directory speak of a need.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NeedReason {
    /// An account may act for others towards a service (constrained delegation).
    Delegation,
    /// A print queue names a port that leads to a device.
    PrintQueue,
    /// A folder of a name space leads to a share.
    NameSpaceLink,
    /// Mail is taken from this address without asking who it is.
    ReceiveConnector,
    /// Mail is handed on to this machine.
    SendConnector,
    /// People of a domain have folders there: homes, profiles.
    PersonalFolder,
    /// People of a domain run a script from there when they log on.
    LogonScript,
    /// A map of an automounter that the directory keeps mounts from there.
    MountMap,
    /// A folder is kept like one on that machine.
    FolderReplication,
    /// Another server decides whether somebody may log on.
    DecidesLogon,
    /// Names it does not keep itself are asked for there.
    Forwarder,
    /// One directory server takes its content from another.
    Replication,
    /// One directory server sends its content to another.
    Supply,
    /// One directory server asks another for a part of its tree.
    HandedOn,
    /// A client is connected to the directory server right now.
    Connection,
    /// An identity provider asks a directory or another provider about people, as an export of its settings says.
    SignIn,
    /// A client is told to use this machine, as it was heard on the wire (DHCP, routers of IPv6).
    HandedOut,
    /// Somebody stood before a device and read its settings.
    Panel,
}

/// One machine needs another, as a directory states it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DirectoryNeed {
    /// Who needs.
    pub consumer: Peer,
    /// Who is needed.
    pub provider: Peer,
    /// The port, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// Transport.
    pub transport: Transport,
    /// What for: a dependency kind of the registry.
    pub kind: String,
    /// Why the directory says so.
    pub reason: NeedReason,
    /// The account that acts; empty for nobody (an anonymous connection).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Foreign>,
    /// Share, queue, connector, service principal: what is used there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Foreign>,
    /// How it is protected, where the directory knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// The object that says so.
    pub dn: Foreign,
    /// The attribute of it.
    pub attribute: String,
}

impl DirectoryNeed {
    /// True if the directory saw it happen; else somebody wrote it there.
    pub fn is_seen(&self) -> bool {
        self.reason == NeedReason::Connection
    }
}

/// What stands for no person in a name: domains, units, organisations and places (RFC 4519 §2).
const UNITS: &[&str] = &["dc", "ou", "o", "c", "l", "st"];

/// What is left out of a name.
const LEFT_OUT: &str = "…";

/// A name of a directory (RFC 4514) from its last unit on: what stands before may be a person, and three dots stand for it.
pub fn without_persons(base: &str) -> String {
    // In quotes, and in the older form that parts at semicolons too (RFC 2253 §4), a person may hide.
    if base.contains(['"', '<', ';']) {
        return LEFT_OUT.to_owned();
    }
    let parts = name_parts(base);
    let is_unit = |part: &&&str| {
        let kind = part.trim().split_once('=').map(|(kind, _)| kind.trim());
        let known = kind.is_some_and(|kind| UNITS.iter().any(|k| kind.eq_ignore_ascii_case(k)));
        known && !part.contains('+')
    };
    let units = parts.iter().rev().take_while(is_unit).count();
    let kept = parts
        .iter()
        .skip(parts.len() - units)
        .map(|part| part.trim());
    let left_out = (units < parts.len()).then_some(LEFT_OUT);
    left_out
        .into_iter()
        .chain(kept)
        .collect::<Vec<_>>()
        .join(",")
}

/// The parts of a name between its commas; one behind a stroke parts nothing.
fn name_parts(base: &str) -> Vec<&str> {
    let mut escaped = false;
    base.split(|letter: char| {
        let parts = letter == ',' && !escaped;
        escaped = letter == '\\' && !escaped;
        parts
    })
    .collect()
}
