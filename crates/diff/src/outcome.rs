//! What became of a wave: published as `groma.wave-outcome/1`. Names may be added, never removed.

use groma_model::inventory::Dependency;
use groma_model::{DependencyId, EntityId, EvidenceId, SourceName, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The schema word of [`WaveOutcome`].
pub const WAVE_OUTCOME_SCHEMA: &str = "groma.wave-outcome/1";

/// Facts a line for a person cites at most.
pub(crate) const EVIDENCE_MAX: usize = 20;

/// What became of a wave.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaveOutcome {
    /// Always [`WAVE_OUTCOME_SCHEMA`].
    pub schema: String,
    /// The wave.
    pub wave: String,
    /// What makes this outcome worth less than it looks: names nobody knows, documents of two stores, a window that does
    /// not lie between the two moments. In the order in which they weigh.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Until when the wave stays open: the last date at which something promised comes round again. Null where nothing is
    /// waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Timestamp>,
    /// One line per thing a person must do, by owner; those nobody owns stand last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_do: Vec<ToDo>,
    /// The numbers that decide, in the order of the wave file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriterionRow>,
    /// What lay on the old machines and what lies on the new ones: mailboxes, shares, databases, rights, delegates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<ContentRow>,
    /// Promised, and so.
    pub confirmed: Vec<WaveLine>,
    /// Promised, and not so: still at the old place, or nowhere.
    pub missing: Vec<WaveLine>,
    /// Nobody planned it.
    pub unexpected: Vec<WaveLine>,
    /// It left the old place, but for another one than promised.
    pub moved: Vec<WaveLine>,
    /// Promised, and nobody saw it either way: look longer.
    pub not_seen: Vec<WaveLine>,
    /// Promised, but only a job does it whose next run is still to come.
    pub not_due_yet: Vec<WaveLine>,
    /// Records that were remembered for too long before the wave: each must be lowered by the moment it says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_lower: Vec<WaveLine>,
    /// What the two moments do not have in common: one row for each machine that was looked at differently.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage_gaps: Vec<CoverageGap>,
    /// The machines of the wave, as the names of its file were understood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<WavePlace>,
}

/// One line of an outcome.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaveLine {
    /// What, for a person.
    pub says: String,
    /// The dependency it is about, where there is one.
    pub dependency: Option<DependencyId>,
    /// The facts behind it, sorted.
    pub evidence: Vec<EvidenceId>,
    /// Missing and not due yet: when it was due, or is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// Why somebody must do something.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// A promise was not kept.
    Missing,
    /// Something went elsewhere.
    Moved,
    /// Nobody planned it.
    Unexpected,
    /// Data or rights did not come along.
    Contents,
    /// A criterion failed, or only a person can tell.
    Criterion,
    /// Nobody saw it either way.
    NotSeen,
    /// A machine was not looked at again.
    CoverageGap,
    /// It comes round later.
    NotDueYet,
    /// A record is remembered for too long.
    ToLower,
}

impl Because {
    /// For a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Moved => "moved elsewhere",
            Self::Unexpected => "unexpected",
            Self::Contents => "contents",
            Self::Criterion => "criterion",
            Self::NotSeen => "not seen",
            Self::CoverageGap => "not looked at",
            Self::NotDueYet => "not due yet",
            Self::ToLower => "to be lowered",
        }
    }
}

/// One thing a person must do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ToDo {
    /// Who: the owner of the machine or of its system, else of the wave. Null: no owner is known.
    pub owner: Option<String>,
    /// What, in one line.
    pub says: String,
    /// Why.
    pub because: Because,
    /// On how many machines the same is to be done.
    pub count: usize,
    /// The dependency it is about; the first of several.
    pub dependency: Option<DependencyId>,
    /// The facts behind it, sorted; of many the first twenty.
    pub evidence: Vec<EvidenceId>,
}

/// The judgement on a row of a table.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// It is not as it must be.
    Fail,
    /// Only a person can tell.
    Ask,
    /// It is as it must be.
    Pass,
}

impl Judgement {
    /// For a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Ask => "ask a person",
            Self::Pass => "pass",
        }
    }

    /// The mark in front of the word.
    pub fn mark(self) -> char {
        match self {
            Self::Fail => '!',
            Self::Ask => '?',
            Self::Pass => '=',
        }
    }
}

/// A number that decides whether the wave is accepted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CriterionRow {
    /// What is measured, as the wave file writes it.
    pub metric: String,
    /// On what: of several the worst. Null where nothing was measured.
    pub subject: Option<String>,
    /// The entity it was measured on.
    pub entity: Option<EntityId>,
    /// The worst value at the earlier moment.
    pub before: Option<f64>,
    /// The worst value at the later moment, measured since the move.
    pub after: Option<f64>,
    /// What it must not exceed; null where the wave file asks for no ceiling, or holds no finite number.
    pub threshold: Option<f64>,
    /// What it must not fall below; null where the wave file asks for no floor.
    pub at_least: Option<f64>,
    /// The judgement.
    pub verdict: Judgement,
    /// Why, for a person.
    pub says: String,
    /// Who accepts it.
    pub accepted_by: Option<String>,
}

/// What sort of content a row compares.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ContentKind {
    /// A mailbox in a store of several.
    Mailbox,
    /// A mail archive, or a store as a whole.
    Archive,
    /// The databases of a server, or one of them.
    Database,
    /// A share.
    Share,
    /// Who may do what on one of these.
    Right,
    /// Who is tied to a mailbox.
    Delegate,
    /// Members and settings of groups and mailboxes, as a directory tells them.
    Member,
}

impl ContentKind {
    /// For a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Archive => "mail archive",
            Self::Database => "database",
            Self::Share => "share",
            Self::Right => "right",
            Self::Delegate => "delegate",
            Self::Member => "member",
        }
    }
}

/// One mailbox, share, database or right, on the old machine and on the new one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContentRow {
    /// What sort of content.
    pub kind: ContentKind,
    /// Which.
    pub subject: String,
    /// The old machine (or the list or directory that told).
    pub from: String,
    /// The new one.
    pub to: String,
    /// Bytes on the old machine.
    pub bytes_before: Option<u64>,
    /// Bytes on the new one. They may differ by how a product stores the same.
    pub bytes_after: Option<u64>,
    /// Messages, files or keys on the old machine.
    pub items_before: Option<u64>,
    /// The same on the new one.
    pub items_after: Option<u64>,
    /// Rights, delegates, members: what was there.
    pub before: Option<String>,
    /// What is there now.
    pub after: Option<String>,
    /// The judgement.
    pub verdict: Judgement,
    /// Why, for a person.
    pub says: String,
    /// The facts behind it, sorted.
    pub evidence: Vec<EvidenceId>,
}

/// How a machine was looked at differently.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// It was looked at before, and not since.
    NotLookedAgain,
    /// It was seen completely before, and in part now.
    Partial,
    /// It was looked at, but not all that was known was seen again.
    NotSeenAgain,
    /// It was not looked at before: what is seen there now is not new for that.
    NotLookedBefore,
    /// What is new on it was there before the window, and is of no wave.
    OfBefore,
}

/// What the two moments do not have in common on one machine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CoverageGap {
    /// The machine; null for the row that stands for all others.
    pub vantage: Option<EntityId>,
    /// Its name.
    pub name: String,
    /// How it was looked at differently.
    pub kind: GapKind,
    /// The ways of looking that it is about, sorted.
    pub sources: Vec<SourceName>,
    /// How many changes are not told because of it.
    pub not_compared: usize,
    /// All of it in one line.
    pub says: String,
    /// What would help.
    pub remedy: Option<String>,
}

/// What a machine is in the wave.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceRole {
    /// It goes.
    From,
    /// It takes the place of one that goes.
    To,
    /// It belongs to the wave and stays where it is.
    Member,
}

/// A machine of the wave.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WavePlace {
    /// The entity.
    pub entity: EntityId,
    /// What it is in the wave.
    pub role: PlaceRole,
    /// Its name.
    pub name: String,
    /// Of one that goes: what takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<EntityId>,
}

impl WaveOutcome {
    /// True if somebody has to do something before the wave can be accepted.
    pub fn needs_action(&self) -> bool {
        let lines = [&self.missing, &self.unexpected, &self.moved];
        let judged = |verdict: Judgement| verdict != Judgement::Pass;
        lines.iter().any(|list| !list.is_empty())
            || self.criteria.iter().any(|c| judged(c.verdict))
            || self.contents.iter().any(|c| judged(c.verdict))
    }
}

impl WaveLine {
    pub(crate) fn about(d: &Dependency, says: String) -> Self {
        let mut evidence = d.evidence.clone();
        evidence.sort();
        Self {
            dependency: Some(d.id.clone()),
            evidence,
            ..Self::only(says)
        }
    }

    pub(crate) fn only(says: String) -> Self {
        Self {
            says,
            dependency: None,
            evidence: Vec::new(),
            due: None,
        }
    }

    pub(crate) fn due(mut self, due: Option<Timestamp>) -> Self {
        self.due = due;
        self
    }
}
