//! What became of a wave: published as `groma.wave-outcome/1`. Names may be added, never removed.

use groma_model::inventory::Dependency;
use groma_model::{DependencyId, EvidenceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plain::plain;
use crate::text::json;

/// The schema word of [`WaveOutcome`].
pub const WAVE_OUTCOME_SCHEMA: &str = "groma.wave-outcome/1";

/// What became of a wave.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct WaveOutcome {
    /// Always [`WAVE_OUTCOME_SCHEMA`].
    pub schema: String,
    /// The wave.
    pub wave: String,
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
}

impl WaveOutcome {
    /// True if somebody has to do something before the wave can be accepted.
    pub fn needs_action(&self) -> bool {
        !(self.missing.is_empty() && self.unexpected.is_empty() && self.moved.is_empty())
    }
}

impl WaveLine {
    pub(crate) fn about(d: &Dependency, says: String) -> Self {
        let mut evidence = d.evidence.clone();
        evidence.sort();
        Self {
            says,
            dependency: Some(d.id.clone()),
            evidence,
        }
    }

    pub(crate) fn only(says: String) -> Self {
        Self {
            says,
            dependency: None,
            evidence: Vec::new(),
        }
    }
}

/// The outcome for a terminal.
pub fn wave_text(outcome: &WaveOutcome) -> String {
    let lists = [
        ('!', "missing", &outcome.missing),
        ('>', "moved elsewhere", &outcome.moved),
        ('+', "unexpected", &outcome.unexpected),
        ('?', "not seen", &outcome.not_seen),
        ('.', "not due yet", &outcome.not_due_yet),
        ('=', "confirmed", &outcome.confirmed),
        ('~', "to be lowered before", &outcome.to_lower),
    ];
    let counts: Vec<String> = lists
        .iter()
        // Who has no records to lower need not hear of them.
        .filter(|(mark, _, list)| *mark != '~' || !list.is_empty())
        .map(|(_, word, list)| format!("{} {word}", list.len()))
        .collect();
    let mut lines = vec![format!(
        "wave {}: {}",
        plain(&outcome.wave),
        counts.join(", ")
    )];
    for (mark, word, list) in lists.iter().filter(|(_, _, list)| !list.is_empty()) {
        lines.push(format!("\n{word}"));
        lines.extend(
            list.iter()
                .map(|line| format!("  {mark} {}", plain(&line.says))),
        );
    }
    lines.join("\n") + "\n"
}

/// The outcome as `groma.wave-outcome/1`, with a final line break.
pub fn wave_to_json(outcome: &WaveOutcome) -> String {
    json(outcome)
}
