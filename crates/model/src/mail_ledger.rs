//! The ledger of mail: who hands mail to which server or reads it there, and what each of them needs to go on doing so.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::evidence::Witness;
use crate::hours::Hours;
use crate::id::{EntityId, EvidenceId};
use crate::inventory::ReachedBy;
use crate::ledger::ConsumerClass;
use crate::mail_use::{MailRefusal, RelayRule};
use crate::name::{Port, Protection};

/// What a row of the mail ledger does.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MailSide {
    /// Hands mail in.
    Sends,
    /// Reads or filters mailboxes.
    Reads,
}

/// A domain of mail, and on which side it lies.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailDomainEntry {
    /// The domain; `*` for many, empty for the null sender or a bare local part.
    pub name: String,
    /// True: a mail server of the estate takes mail for it. False: none does. Null: nobody said.
    pub internal: Option<bool>,
}

/// Mail that was not taken.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailRefusalEntry {
    /// Why.
    pub why: MailRefusal,
    /// How often.
    pub count: u64,
    /// Last.
    pub last_seen: Timestamp,
}

/// One sender (or reader) at one mail server, with one way to prove who it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailLedgerEntry {
    /// The mail server.
    pub provider: EntityId,
    /// Who sends or reads.
    pub consumer: EntityId,
    /// Sends or reads.
    pub side: MailSide,
    /// Kind of dependency: a word of the registry.
    pub kind: String,
    /// What a reader speaks over HTTP: `activesync`, `ews`, `mapi`, `webmail`, `caldav`, `carddav`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Kinds of programs it reads with, in words of groma's knowledge: `iPhone or iPad`. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// Software whose door it uses, as `SOGo`, where the path tells. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub software: Vec<String>,
    /// The port that is called, where the log or another witness says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How many accounts it was seen with; nine stands for more than eight. Names of readers are not kept.
    #[serde(default)]
    pub accounts: u32,
    /// How it was proven. Without an account: it lets others log on, whose names are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// How it was protected, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Addresses it came from. Sorted.
    pub addresses: Vec<IpAddr>,
    /// The product of the server.
    pub product: String,
    /// What the consumer seems to be.
    pub class: ConsumerClass,
    /// The words that say so. Sorted; empty where nothing says.
    pub class_because: Vec<String>,
    /// What it says it is (HELO, EHLO). Sorted.
    pub helo: Vec<String>,
    /// Versions of TLS it was seen with. Sorted.
    pub tls: Vec<String>,
    /// True if it showed a certificate that the server trusts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certificate: bool,
    /// Domains it sends as. Sorted.
    pub sender_domains: Vec<MailDomainEntry>,
    /// Domains it sends to. Sorted.
    pub recipient_domains: Vec<MailDomainEntry>,
    /// The entry of the server's settings of today that lets it send through; null if none does, or nobody read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<RelayRule>,
    /// By what it reaches the server, where its own files or flows say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_by: Option<ReachedBy>,
    /// The name or address it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_as: Option<String>,
    /// Parts and programs of the consumer that other witnesses know to call there. Sorted.
    pub programs: Vec<String>,
    /// Messages taken from a sender; logons of a reader.
    pub messages: u64,
    /// Their size, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What was not taken, by reason.
    pub refusals: Vec<MailRefusalEntry>,
    /// First.
    pub first_seen: Timestamp,
    /// Last time that mail was taken, or that it read; of a sender who was only refused, the last refusal.
    pub last_seen: Timestamp,
    /// The hours of the week in which it came.
    pub hours: Hours,
    /// How it is known. Sorted.
    pub witnesses: Vec<Witness>,
    /// The logs that say so. Sorted.
    pub logs: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// What one mail server takes, and whom it lets through.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MailServerEntry {
    /// The machine.
    pub entity: EntityId,
    /// The product.
    pub product: String,
    /// Domains it takes mail for. Sorted.
    pub domains: Vec<String>,
    /// False if more are named where nobody read.
    pub domains_complete: bool,
    /// Who may send through it to anybody.
    pub allows: Vec<RelayRule>,
    /// Ports whose service has settings of its own: there, of the entries only those with that port count. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub own_ports: Vec<Port>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}
