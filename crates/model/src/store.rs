//! The nouns of keeping: the identity ledger, snapshots, annotations, looks.
//!
//! The trait that keeps them lives in `groma-store`; the stages that use them know only these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AgentId, EntityId, SiteId, SourceName};
use crate::inventory::{Disposition, VerdictWord};
use crate::questionnaire::StillNeeded;
use crate::register::OwnRisk;
use crate::{Coverage, Foreign, Gap, Scope, Timestamp};

/// One mark by which an entity is known again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct IdentityKey {
    /// The site in which the mark is unique.
    pub site: SiteId,
    /// `agent`, `machine-id`, `smbios-uuid`, `mac`, `address`, `name`, `certificate`, …
    pub kind: String,
    /// The mark itself.
    pub value: String,
}

/// The identity ledger: which mark belongs to which entity. Input of resolve; grown by the collector alone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Identities {
    /// Mark → entity.
    pub known: BTreeMap<IdentityKey, EntityId>,
    /// Entity that was merged away → entity that survived.
    pub merged: BTreeMap<EntityId, EntityId>,
}

impl Identities {
    /// The surviving entity behind `id`; follows merges, and ends even on a circle.
    pub fn survivor<'a>(&'a self, id: &'a EntityId) -> &'a EntityId {
        let mut current = id;
        for _ in 0..64 {
            match self.merged.get(current) {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// The surviving entity this mark belongs to.
    pub fn entity(&self, key: &IdentityKey) -> Option<&EntityId> {
        self.known.get(key).map(|id| self.survivor(id))
    }
}

/// What resolve asks the collector to remember.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NewIdentities {
    /// New marks.
    pub known: BTreeMap<IdentityKey, EntityId>,
    /// New merges: entity merged away → (survivor, why, one line).
    pub merged: BTreeMap<EntityId, (EntityId, String)>,
}

impl NewIdentities {
    /// True if there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.merged.is_empty()
    }
}

/// A named moment of the store: what was valid then, as far as it was known then.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// The moment it shows.
    pub valid_at: Timestamp,
    /// The last ingested look it knows of; what arrives later never rewrites it.
    pub watermark: u64,
    /// When it was taken.
    pub taken_at: Timestamp,
}

/// The oldest value of a number that moves, within a time that growth is told for.
#[derive(Clone, PartialEq, Debug)]
pub struct EarlierNumber {
    /// Who measured.
    pub vantage: AgentId,
    /// Where.
    pub scope: Scope,
    /// What is measured.
    pub metric: String,
    /// Of what.
    pub subject: Foreign,
    /// The value.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

/// What a person said about something, by id. The newest word on a field counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Annotation {
    /// Id of an entity, dependency, finding or system.
    pub about: String,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was said.
    pub word: Word,
}

/// The things a person can say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Who owns it.
    Owner(String),
    /// How critical it is.
    Criticality(String),
    /// When it may be touched.
    Window(String),
    /// Anything.
    Note(String),
    /// A judgement, with its reason.
    Verdict {
        /// The judgement.
        verdict: VerdictWord,
        /// Why.
        because: String,
    },
    /// What it is for, in a person's words.
    Functions(Vec<String>),
    /// Who uses it most and can say whether it works.
    KeyUsers(String),
    /// Who is called when it fails.
    OnCall(String),
    /// How long it may stand still.
    AllowedDowntime(String),
    /// What its owner calls a failure.
    CountsAsFailure(String),
    /// What becomes of it.
    Disposition(Disposition),
    /// Somebody who uses it, by a name a person wrote down. Nobody need have seen it.
    FurtherConsumer(String),
    /// Whether a dependency is needed any more.
    StillNeeded(StillNeeded),
    /// What a person answered to an open question.
    Answered {
        /// The question as it was asked.
        question: String,
        /// The answer.
        answer: String,
    },
    /// By when somebody looks at a risk again; null takes the date back.
    ControlDate(Option<Timestamp>),
    /// A risk a person wrote into the register; the newest word is what it says now.
    OwnRisk(OwnRisk),
    /// A person's own risk is dealt with. A generated one closes itself.
    Closed {
        /// Why.
        because: String,
    },
    /// A word this version does not know, kept as it came.
    #[serde(untagged)]
    Unknown(serde_json::Value),
}

/// When somebody looked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LookSpan {
    /// The site.
    pub site: SiteId,
    /// Who looked.
    pub vantage: AgentId,
    /// When the look began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// What one ingested look said about how much it saw, kept beside the facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LookRecord {
    /// The site.
    pub site: SiteId,
    /// Who looked.
    pub vantage: AgentId,
    /// Through what.
    pub source: SourceName,
    /// When the look began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Coverage, scope by scope.
    pub coverage: Vec<Coverage>,
    /// What was missed.
    pub gaps: Vec<Gap>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(json: &str) -> Word {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn words_of_older_stores_still_read() {
        assert_eq!(word(r#"{"owner":"anna"}"#), Word::Owner("anna".to_owned()));
        let because = "we know".to_owned();
        let verdict = VerdictWord::Accepted;
        assert_eq!(
            word(r#"{"verdict":{"verdict":"accepted","because":"we know"}}"#),
            Word::Verdict { verdict, because }
        );
    }

    #[test]
    fn a_word_of_a_newer_version_is_kept_whole() {
        for line in [
            r#"{"moon-phase":{"phase":3}}"#,
            r#""bare""#,
            r#"{"owner":7}"#,
            r#"{"disposition":"melt"}"#,
        ] {
            let kept = word(line);
            assert!(matches!(kept, Word::Unknown(_)), "{line}");
            assert_eq!(serde_json::to_string(&kept).unwrap(), line);
        }
    }

    #[test]
    fn every_new_word_survives_its_own_text() {
        for said in [
            Word::Functions(vec!["mail".to_owned()]),
            Word::Disposition(Disposition::Retire),
            Word::StillNeeded(StillNeeded::DontKnow),
            Word::ControlDate(None),
            Word::ControlDate(Some(Timestamp::from_seconds(7))),
            Word::OwnRisk(OwnRisk::default()),
            Word::Closed {
                because: "=1".to_owned(),
            },
        ] {
            let line = serde_json::to_string(&said).unwrap();
            assert_eq!(word(&line), said, "{line}");
        }
    }
}
