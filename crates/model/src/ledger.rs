//! Who uses which service in which way: the ledger of logons, binds and senders. The services' own logs tell most of it; of a
//! directory also its clients' flows and settings, and the directory itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::evidence::Witness;
use crate::hours::Hours;
use crate::id::{EntityId, EvidenceId};
use crate::inventory::ReachedBy;
use crate::name::{HostName, Port, Protection};

/// What the consumer of a row seems to be, where evidence says so.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ConsumerClass {
    /// A thing on the network that is no computer: a copier, a telephone.
    Device,
    /// It watches the provider.
    Monitoring,
    /// A program that was seen calling, or that is set up to.
    Application,
    /// A person with a browser.
    Person,
    /// A machine that was looked at, and no program of it is known to call.
    Server,
    /// Nothing says.
    Unknown,
}

/// One way in which one consumer uses one service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct LedgerEntry {
    /// Who is used.
    pub provider: EntityId,
    /// Kind of dependency: a word of the registry.
    pub kind: String,
    /// Who uses it.
    pub consumer: EntityId,
    /// What the consumer seems to be.
    pub class: ConsumerClass,
    /// The port that is called, where the log or another witness says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// The name by which the service was called, where it is told by whoever saw the use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<HostName>,
    /// The account; empty for nobody (an anonymous bind).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How it was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// How it was protected, where the log says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// What the client says it is: the first word of a user agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says_it_is: Option<String>,
    /// What was used there: an account of a service, a connector, a part of a web server, a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What was searched in a directory, without values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// Where in a directory it searches, from the last unit on: what stands before may be a person. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<String>,
    /// Names of the attributes it searches by in a directory, without values. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches_by: Vec<String>,
    /// How the consumer finds the service, as its own settings and calls say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_by: Option<ReachedBy>,
    /// The word it finds the service by: a name or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_as: Option<String>,
    /// True if the account is a machine's (`NAME$`), and no person's or service's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine_account: bool,
    /// True if it was tried and refused: whoever does so needs nothing yet, or no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// Parts and programs of the consumer that other witnesses know to call there. Sorted.
    pub programs: Vec<String>,
    /// The lines of the consumer's settings that say so, as file and line. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_in: Vec<String>,
    /// How often, as the log that knows most tells; where none does, how often it was seen. Nought for what is written only.
    pub count: u64,
    /// First.
    pub first_seen: Timestamp,
    /// Last.
    pub last_seen: Timestamp,
    /// The hours of the week in which it was used.
    pub hours: Hours,
    /// How regularly: a word of the job that does it, or `daily` and `weekly` by the hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<String>,
    /// When it is due next, by the job that does it or by its rhythm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_due: Option<Timestamp>,
    /// How it is known. Sorted.
    pub witnesses: Vec<Witness>,
    /// The logs that say so. Sorted.
    pub logs: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}
