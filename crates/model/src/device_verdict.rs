//! One verdict per device: what it is, what it can, whether it mails, and what it needs for that. Who says so stands beside
//! every word, and where witnesses disagree, all of them are told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::device::{Deed, DeviceClass, DeviceWitness};
use crate::evidence::Witness;
use crate::id::{DependencyId, EntityId, EvidenceId};
use crate::inventory::ReachedBy;
use crate::name::{Port, Protection};

/// The answer to a question about a device.
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
pub enum Answer {
    /// Somebody says so, and nobody of more weight denies it.
    Yes,
    /// Somebody says it cannot.
    No,
    /// Nobody says, or those who do contradict one another.
    #[default]
    Unknown,
}

impl Answer {
    /// The word of the document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

/// One word somebody says of a device: its model, its serial number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeviceWord {
    /// What they say.
    pub value: String,
    /// Who says it: a protocol of the device, its panel, a list. Sorted.
    pub by: Vec<String>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// One reason why a device can something, did it, or cannot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeedReason {
    /// In one line: `says it can (IPP: printer-kind)`.
    pub says: String,
    /// True if it says that the device cannot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub against: bool,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// Whether a device does one thing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeedEntry {
    /// What it does.
    pub deed: Deed,
    /// The answer. What was seen outweighs what somebody read off the panel, and that what the device says of itself.
    pub answer: Answer,
    /// True if some say it can and some say it cannot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
    /// Why, those of most weight first.
    pub because: Vec<DeedReason>,
}

/// What a device needs of one mail server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeviceMailNeed {
    /// The mail server.
    pub server: EntityId,
    /// The port, where anybody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// True if it hands mail on without an account, false if with one; absent where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<bool>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// How it was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<String>,
    /// How it is protected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Versions of TLS it was seen with. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<String>,
    /// By what it reaches the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_by: Option<ReachedBy>,
    /// The name or address it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_as: Option<String>,
    /// How it is known. Sorted.
    pub witnesses: Vec<Witness>,
    /// Last seen.
    pub last_seen: Timestamp,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

/// Everything that is known of one device.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeviceEntry {
    /// The device.
    pub entity: EntityId,
    /// What it is there for: the first class of those told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<DeviceClass>,
    /// Each class somebody gives it, by its words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<DeviceWord>,
    /// Its maker; more than one where they do not agree. The first is the one to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maker: Vec<DeviceWord>,
    /// Its model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model: Vec<DeviceWord>,
    /// Its serial number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serial: Vec<DeviceWord>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub location: Vec<DeviceWord>,
    /// Whether it prints, scans, faxes and mails, in this order.
    pub deeds: Vec<DeedEntry>,
    /// What it needs of mail servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail: Vec<DeviceMailNeed>,
    /// Everything it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<DependencyId>,
    /// True if somebody should stand before it: it scans or faxes, or may, and nothing tells whether it mails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_be_asked: bool,
    /// By which ways it told of itself. Sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_by: Vec<DeviceWitness>,
    /// The facts behind it.
    pub evidence: Vec<EvidenceId>,
}

impl DeviceEntry {
    /// Whether it does `deed`.
    pub fn answer(&self, deed: Deed) -> Answer {
        let entry = self.deeds.iter().find(|entry| entry.deed == deed);
        entry.map_or(Answer::Unknown, |entry| entry.answer)
    }

    /// What witnesses do not agree about: the words of it, as `serial number`, sorted as the fields are.
    pub fn disputes(&self) -> Vec<&'static str> {
        let words = [
            ("serial number", &self.serial),
            ("maker", &self.maker),
            ("model", &self.model),
        ];
        let told = words.into_iter().filter(|(_, told)| told.len() > 1);
        let deeds = self.deeds.iter().filter(|entry| entry.disputed);
        told.map(|(word, _)| word)
            .chain(deeds.map(|entry| match entry.deed {
                Deed::Print => "whether it prints",
                Deed::Copy => "whether it copies",
                Deed::Scan => "whether it scans",
                Deed::Fax => "whether it faxes",
                Deed::Mail => "whether it mails",
            }))
            .collect()
    }
}
