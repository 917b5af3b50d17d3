//! What stands in the way of a guest that is to move, and how it would go to each platform.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PlatformKind;
use crate::EntityId;

/// One guest, as somebody who plans its move needs it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GuestRow {
    /// The guest.
    pub entity: EntityId,
    /// The host it is on, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<EntityId>,
    /// What its disks take; what they may take at most where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// True if `bytes` was measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bytes_measured: bool,
    /// Hours to carry `bytes` over the line of the inventory, low and high, as with volumes; `None` where its size is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_hours: Option<[f64; 2]>,
    /// What stands in the way, the gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blockers: Vec<Blocker>,
    /// How it would go to each platform, its own first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<MoveWay>,
}

/// One thing that stands in the way. Its words come from `data/vm_moves.toml` of the knowledge crate.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
pub struct Blocker {
    /// How grave it is.
    pub severity: BlockerSeverity,
    /// Name of the rule, as `rdm_disk`.
    pub rule: String,
    /// Which: disks, devices, snapshots, by name.
    pub what: String,
    /// What it does to a move, in one sentence.
    pub because: String,
    /// What to do about it, in one sentence.
    pub remedy: String,
}

/// How grave it is.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum BlockerSeverity {
    /// It does not move, or not whole, before somebody has done something.
    Critical,
    /// It moves, and something is lost, slow or different afterwards.
    #[default]
    Warning,
}

/// How a guest would go to a platform.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MoveWay {
    /// Where to.
    pub target: PlatformKind,
    /// Whether it stands still meanwhile.
    pub way: Way,
    /// The format its disks would have there.
    pub disk_format: String,
    /// True if the disks have another one now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub converts: bool,
    /// Minutes it stands still, low and high; `None` where its size is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_minutes: Option<[f64; 2]>,
    /// What of it is more than that platform takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceeds: Vec<String>,
}

/// Whether a guest stands still while it moves.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// It goes on working.
    Live,
    /// It is copied while it works, and stands still for the last changes.
    Warm,
    /// It is off while it is copied.
    #[default]
    Cold,
}

impl Way {
    /// As a person says it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}
