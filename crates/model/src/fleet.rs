//! The nouns of the fleet: who is enrolled, by which token, how each agent does, and what the collector asks of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::id::{AgentId, SiteId};

/// What an agent says of the machine it runs on, so that a person knows whom he lets in. Evidence, never an identity:
/// machines are copied, and so is everything that stands here.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct AgentHost {
    /// The host name.
    pub name: String,
    /// System and version in a few words.
    pub system: String,
    /// A digest over machine-id, hardware and network cards: both sides show it, so that a person can compare.
    pub fingerprint: String,
    /// Version of the program.
    pub version: String,
}

/// How far an agent is let in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum AgentState {
    /// Somebody has to say yes first; until then nothing of it is kept.
    Waiting,
    /// What it sends is kept.
    Active,
    /// It is not talked to any more.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Why, in the words of whoever did it.
        because: String,
    },
}

impl AgentState {
    /// The one word of it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Revoked { .. } => "revoked",
        }
    }
}

/// What an agent says of itself now and then.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct AgentStatus {
    /// Batches that wait to be sent.
    pub spool_batches: u64,
    /// Their bytes.
    pub spool_bytes: u64,
    /// Losses its spool has known since it started: damage, and what was dropped for room.
    pub spool_losses: u64,
    /// End of its last look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// What keeps it from looking or sending, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The authorities it believes, each as SHA-256 over its public key (SubjectPublicKeyInfo), in hex. An agent that knows nothing of
    /// this says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub believes: Vec<String>,
}

/// One enrolled agent, as the collector knows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AgentRecord {
    /// Its id: random, never used again.
    pub agent: AgentId,
    /// Where it stands.
    pub site: SiteId,
    /// SHA-256 over its public key (SubjectPublicKeyInfo), in hex: what it is known by on the wire.
    pub key: String,
    /// How far it is let in.
    #[serde(flatten)]
    pub state: AgentState,
    /// The machine it says it runs on.
    pub host: AgentHost,
    /// When it came.
    pub enrolled_at: Timestamp,
    /// The token it came with, by its public name.
    pub token: String,
    /// The agent it was copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_from: Option<AgentId>,
    /// Grows with every certificate.
    pub generation: u64,
    /// End of its newest certificate.
    pub certificate_until: Timestamp,
    /// The authority that made the certificate it showed last, as SHA-256 over its public key, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified_by: Option<String>,
    /// The run of its program that is listened to: a random number of each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// Runs before it, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_runs: Vec<u64>,
    /// Until when nothing is taken from it, because it may be a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
    /// When it last said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// What it last said of itself.
    #[serde(default)]
    pub status: AgentStatus,
}

/// A token, as the collector knows it: never the secret, only its digest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenRecord {
    /// SHA-256 over the secret, in hex.
    pub digest: String,
    /// Where those who come with it stand.
    pub site: SiteId,
    /// How often it may be used.
    pub uses_max: u64,
    /// How often it was.
    pub uses: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// True if a person approves each agent that comes with it.
    pub approve: bool,
}

impl TokenRecord {
    /// Its public name: the begin of its digest.
    pub fn name(&self) -> &str {
        self.digest.get(..8).unwrap_or(&self.digest)
    }
}

/// What the collector asks of an agent. There is no word in it for running, fetching or updating anything, and what the
/// ceiling file of the machine does not allow is not done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Grows with every change.
    pub version: u64,
    /// Seconds from one look to the next.
    pub look_every_s: u64,
    /// Seconds that connections are watched in a look.
    pub watch_s: u64,
    /// Sources that look; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Seconds from one word to the collector to the next.
    pub beat_every_s: u64,
    /// Whom to ask over the network, for a named vantage; nobody without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<SweepWish>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: 0,
            look_every_s: 6 * 3600,
            watch_s: 60,
            sources: Vec::new(),
            beat_every_s: 60,
            sweep: None,
        }
    }
}

/// What a named vantage asks the network.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SweepWish {
    /// Networks, addresses and names, as `--target` takes them.
    pub targets: Vec<String>,
    /// Whom not to ask.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// Packets a second to all of them.
    pub packets_per_second: u32,
}

/// Why an agent is not let in or not listened to, in a word that programs act on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalWord {
    /// No such token.
    TokenUnknown,
    /// The token was used as often as it may be.
    TokenUsed,
    /// The token is over.
    TokenEnded,
    /// Nobody is enrolled with this key.
    NotEnrolled,
    /// Somebody revoked this agent.
    Revoked,
    /// Somebody has to approve this agent first.
    Waiting,
    /// This run of the program is a copy of another one: it has to ask for an identity of its own.
    Copy,
    /// Another run may still be alive; wait.
    Held,
    /// A batch of somebody else.
    NotYours,
    /// What came is not understood.
    Malformed,
    /// What came is too much.
    TooLarge,
    /// The collector has too much to do; later.
    Busy,
    /// The collector cannot keep anything now; later.
    Full,
    /// A clock is far off.
    Clock,
    /// What a batch was written against is not here: send it whole.
    UnknownBase,
    /// Any other word of a newer collector.
    #[serde(other)]
    Other,
}

impl RefusalWord {
    /// True if waiting may help.
    pub fn is_for_now(self) -> bool {
        matches!(
            self,
            Self::Waiting | Self::Held | Self::Busy | Self::Full | Self::Other
        )
    }
}
