//! A fact kept: with who saw it, how, when, and whether it still holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::DeviceWitness;
use crate::id::{AgentId, EvidenceId, SiteId, SourceName};
use crate::{Fact, Scope, Seen};

/// In which way something was learnt. Witnesses of different kinds are independent enough to count.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// Sockets and flows with their process.
    Live,
    /// A server's own logs.
    History,
    /// Configuration, units, jobs, scripts.
    Written,
    /// Scans, handshakes, DNS answers, packets.
    Network,
    /// Directory objects, lists, people.
    Declared,
}

impl Witness {
    /// The word of the inventory document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::History => "history",
            Self::Written => "written",
            Self::Network => "network",
            Self::Declared => "declared",
        }
    }

    /// The witness a fact is, by its kind.
    pub fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Reference(_)
            | Fact::Pin(_)
            | Fact::CertificateUse(_)
            | Fact::Unit(_)
            | Fact::Job(_)
            | Fact::Share(_)
            | Fact::BackupJob(_)
            | Fact::ZoneRecord(_)
            | Fact::Watch(_)
            | Fact::Admission(_)
            | Fact::ProtocolSetting(_)
            | Fact::MailRoute(_)
            | Fact::MailServer(_) => Self::Written,
            Fact::Forward(forward) if forward.file.is_some() => Self::Written,
            Fact::FilterRule(rule) if rule.file.is_some() => Self::Written,
            Fact::RelyingParty(party) if party.file.is_some() => Self::Written,
            Fact::FileSystem(_) | Fact::Listener(_) | Fact::Connection(_) => Self::Live,
            Fact::Certificate(_)
            | Fact::Name(_)
            | Fact::Neighbour(_)
            | Fact::MailRecord(_)
            | Fact::HostMet(_)
            | Fact::OpenPort(_)
            | Fact::SeenService(_) => Self::Network,
            Fact::DeviceSays(says) if says.by == DeviceWitness::Panel => Self::Declared,
            Fact::PacketUse(_)
            | Fact::TableUse(_)
            | Fact::Sighting(_)
            | Fact::DeviceSays(_)
            | Fact::LinkSeen(_)
            | Fact::Knock(_) => Self::Network,
            Fact::DirectoryNeed(need) if need.is_seen() => Self::Network,
            Fact::Declared(_)
            | Fact::Guest(_)
            | Fact::Hypervisor(_)
            | Fact::Cluster(_)
            | Fact::Datastore(_)
            | Fact::MailboxTie(_)
            | Fact::RelyingParty(_)
            | Fact::DirectoryObject(_)
            | Fact::DirectoryNeed(_) => Self::Declared,
            Fact::LoggedUse(_)
            | Fact::LoggedSearch(_)
            | Fact::ReportedUse(_)
            | Fact::MailUse(_)
            | Fact::MailReader(_)
            | Fact::AskedName(_) => Self::History,
            _ => Self::Live,
        }
    }
}

/// Whether a kept fact still holds at the moment one asks about.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceState {
    /// The newest look of its vantage and source saw it.
    #[default]
    Current,
    /// The newest look did not see it, and cannot say that it is gone.
    NotSeen,
}

impl EvidenceState {
    /// True if the newest look confirmed it.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Current)
    }
}

/// One kept fact with its provenance. Facts known to be *removed* are not evidence any more.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// Derived from site, vantage, source, scope and fact: the same fact keeps its id over all looks.
    pub id: EvidenceId,
    /// The site of the vantage.
    pub site: SiteId,
    /// The agent that looked, or the list it was imported from.
    pub vantage: AgentId,
    /// The way of looking.
    pub source: SourceName,
    /// Where in the world the fact lives.
    pub scope: Scope,
    /// The fact.
    pub fact: Fact,
    /// First, last and count over all looks.
    pub seen: Seen,
    /// Whether it still holds.
    pub state: EvidenceState,
}

impl Evidence {
    /// The id of a fact at a place, seen by a vantage through a source. `fact_json` is the fact as serde writes it.
    pub fn id_of(
        site: &SiteId,
        vantage: &AgentId,
        source: &SourceName,
        scope: &Scope,
        fact_json: &str,
    ) -> EvidenceId {
        EvidenceId::of(&[
            site.as_str(),
            vantage.as_str(),
            source.as_str(),
            scope.as_str(),
            fact_json,
        ])
    }

    /// The witness this evidence is: a file system that only a file names is written, not seen.
    pub fn witness(&self) -> Witness {
        match &self.fact {
            Fact::FileSystem(_) if self.scope.as_str().starts_with("file:") => Witness::Written,
            fact => Witness::of(fact),
        }
    }
}
