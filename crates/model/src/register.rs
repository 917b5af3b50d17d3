//! The risk register as a table people edit: its columns, a person's own risk, and what an edited row says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::FindingId;
use crate::inventory::{Finding, FindingState, Likelihood, Severity};
use crate::questionnaire::{on_one_line, short};
use crate::store::Word;

/// The columns of the register in their order. Names may be added, never changed.
pub const REGISTER_COLUMNS: [&str; 17] = [
    "id",
    "check",
    "origin",
    "state",
    "severity",
    "layer",
    "subjects",
    "risk",
    "indicator",
    "impact",
    "likelihood",
    "mitigations",
    "owner",
    "control_date",
    "verdict",
    "because",
    "unchanged",
];

/// Columns a person may edit in a generated row; in a row of their own all but `id`, `check` and `origin`.
pub const EDITABLE: [&str; 4] = ["owner", "control_date", "state", "because"];

/// The columns whose words are the check's own.
pub const SAID_BY_CHECK: [&str; 5] = ["risk", "indicator", "impact", "likelihood", "mitigations"];

/// What stands in `check` of a row that no check made.
pub const OWN_CHECK: &str = "own-risk";

/// What separates mitigations in one cell.
pub const MITIGATIONS_APART: &str = "; ";

/// A risk a person wrote into the register. Owner and control date are words of their own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OwnRisk {
    /// What may happen.
    pub risk: String,
    /// What shows it.
    pub indicator: String,
    /// What it would do to the business.
    pub impact: String,
    /// How likely.
    pub likelihood: Likelihood,
    /// What can be done, first things first.
    pub mitigations: Vec<String>,
    /// How grave.
    pub severity: Severity,
    /// Layer of what it is about.
    pub layer: String,
}

impl Default for OwnRisk {
    fn default() -> Self {
        Self {
            risk: String::new(),
            indicator: String::new(),
            impact: String::new(),
            likelihood: Likelihood::Medium,
            mitigations: Vec::new(),
            severity: Severity::Medium,
            layer: "application".to_owned(),
        }
    }
}

impl OwnRisk {
    /// Its id: the hash of the sentence that says what may happen. The same row imported again is the same risk, also
    /// where its other fields were changed.
    pub fn id(&self) -> FindingId {
        FindingId::of(&[OWN_CHECK, &on_one_line(&self.risk).to_lowercase()])
    }
}

/// What an edited row of the register says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RiskEdit {
    /// The finding; of a new row the id it gets.
    pub about: FindingId,
    /// What may happen, as the row says it.
    pub risk: String,
    /// True for a row a person added.
    pub is_new: bool,
    /// What was said, in the order in which it is to be kept. Never empty.
    pub said: Vec<Word>,
    /// Row of the file, as an editor or a spreadsheet counts it.
    pub row: String,
}

impl RiskEdit {
    /// What was said, each with the id it is about.
    pub fn words(&self) -> Vec<(String, Word)> {
        let about = self.about.to_string();
        self.said
            .iter()
            .map(|word| (about.clone(), word.clone()))
            .collect()
    }
}

/// The word of a state.
pub fn state_word(state: FindingState) -> &'static str {
    match state {
        FindingState::Open => "open",
        FindingState::Closed => "closed",
        FindingState::Accepted => "accepted",
    }
}

/// The state a person wrote.
pub fn state(text: &str) -> Option<FindingState> {
    match text.trim().to_lowercase().as_str() {
        "open" => Some(FindingState::Open),
        "closed" => Some(FindingState::Closed),
        "accepted" => Some(FindingState::Accepted),
        _ => None,
    }
}

/// The word of a likelihood.
pub fn likelihood_word(likelihood: Likelihood) -> &'static str {
    match likelihood {
        Likelihood::Low => "low",
        Likelihood::Medium => "medium",
        Likelihood::High => "high",
    }
}

/// The likelihood a person wrote.
pub fn likelihood(text: &str) -> Option<Likelihood> {
    match text.trim().to_lowercase().as_str() {
        "low" => Some(Likelihood::Low),
        "medium" => Some(Likelihood::Medium),
        "high" => Some(Likelihood::High),
        _ => None,
    }
}

/// The word of a severity.
pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// The severity a person wrote.
pub fn severity(text: &str) -> Option<Severity> {
    match text.trim().to_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "high" => Some(Severity::High),
        "medium" => Some(Severity::Medium),
        "low" => Some(Severity::Low),
        _ => None,
    }
}

/// What stands behind the words of a row: why it stands where it stands, by a person or by a look.
pub fn because(finding: &Finding) -> &str {
    let by_person = finding.verdict.as_ref().map(|verdict| &verdict.because);
    by_person
        .or(finding.state_because.as_ref())
        .map_or("", String::as_str)
}

/// The cells of a row that `unchanged` speaks of, in the order of [`EDITABLE`] and [`SAID_BY_CHECK`], as nobody made them
/// visible yet.
pub fn cells(finding: &Finding) -> [String; 9] {
    let day = finding.control_date.map(|date| date.day());
    [
        finding.owner.clone().unwrap_or_default(),
        day.unwrap_or_default(),
        state_word(finding.state).to_owned(),
        because(finding).to_owned(),
        finding.risk.clone(),
        finding.indicator.clone(),
        finding.impact.clone(),
        likelihood_word(finding.likelihood).to_owned(),
        finding.mitigations.join(MITIGATIONS_APART),
    ]
}

/// The digest that [`unchanged`] holds of one cell.
pub fn digest_of(cell: &str) -> String {
    short(&[cell])
}

/// What stands in `unchanged` for these cells: one digest of each, in the order of [`EDITABLE`] and [`SAID_BY_CHECK`],
/// with the id before them.
pub fn unchanged(id: &str, cells: &[&str]) -> String {
    let digests = std::iter::once(&id).chain(cells).map(|cell| short(&[cell]));
    digests.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_risk_keeps_its_id_while_its_sentence_stands() {
        let one = OwnRisk {
            risk: "The vendor goes  out of business.".to_owned(),
            ..OwnRisk::default()
        };
        let mut other = one.clone();
        other.risk = "the vendor goes out of business. ".to_owned();
        other.impact = "No more updates.".to_owned();
        assert_eq!(one.id(), other.id());
        other.risk = "The vendor is bought.".to_owned();
        assert_ne!(one.id(), other.id());
    }

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for known in [
            FindingState::Open,
            FindingState::Closed,
            FindingState::Accepted,
        ] {
            assert_eq!(state(state_word(known)), Some(known));
        }
        for known in [Likelihood::Low, Likelihood::Medium, Likelihood::High] {
            assert_eq!(likelihood(likelihood_word(known)), Some(known));
        }
        for known in [
            Severity::Critical,
            Severity::High,
            Severity::Medium,
            Severity::Low,
        ] {
            assert_eq!(severity(severity_word(known)), Some(known));
        }
        assert_eq!(state("melted"), None);
    }
}
