//! What one look sends: a header that says who looked when, and records in the order they were said.

use serde::{Deserialize, Serialize};

use crate::id::{AgentId, SiteId, SourceName};
use crate::{Coverage, Gap, Observation, Scope, Seen, Timestamp};

/// The schema word of a batch this version writes.
pub const BATCH_SCHEMA: &str = "groma.batch/1";

/// Who looked, when, and where in its own sequence this batch stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BatchHeader {
    /// Always [`BATCH_SCHEMA`] for what this version writes.
    pub schema: String,
    /// The agent.
    pub agent: AgentId,
    /// Its site.
    pub site: SiteId,
    /// Grows when the agent lost its state; sequences start again within it.
    pub epoch: u64,
    /// Number of this batch within the epoch: `(agent, epoch, sequence)` is delivered once.
    pub sequence: u64,
    /// Version of the program that looked.
    pub version: String,
    /// When the look began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The sources that looked, whether or not they saw anything.
    pub sources: Vec<SourceName>,
}

/// One thing a source said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The source that says it.
    pub source: SourceName,
    /// What it says.
    pub said: Said,
}

/// The three things a source can say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every record is an observation"
)]
pub enum Said {
    /// It saw something.
    Saw(Observation),
    /// It could not see something.
    Missed(Gap),
    /// It is done with a scope.
    Covered(Coverage),
}

/// The first 128 bits of SHA-256 over the text of a fact: what its content is kept under.
pub type FactKey = [u8; 16];

/// The key of the text of a fact.
pub fn fact_key(text: &[u8]) -> FactKey {
    let mut key = FactKey::default();
    key.iter_mut()
        .zip(crate::id::sha256(text))
        .for_each(|(to, from)| *to = from);
    key
}

/// An observation whose fact is left as the text it came as, because this very text was read before and is what its fact is written as.
#[derive(Clone, PartialEq, Debug)]
pub struct Quoted {
    /// The source that says it.
    pub source: SourceName,
    /// Where it was seen.
    pub scope: Scope,
    /// When.
    pub seen: Seen,
    /// The key of the text.
    pub key: FactKey,
    /// The fact, as it is written.
    pub text: Box<str>,
}

/// One look as it travels.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// Who, when, which.
    pub header: BatchHeader,
    /// What was said, in order.
    pub records: Vec<Record>,
}

/// Joins observations of one fact in one scope by one source; order of first appearance is kept.
///
/// Places are remembered by their digest: a machine may have a hundred thousand of them.
pub fn gathered(mut records: Vec<Record>) -> Vec<Record> {
    let mut places: std::collections::HashMap<u128, usize> = std::collections::HashMap::new();
    // In place: a second list of a hundred thousand records is as large as the first.
    let mut kept = 0;
    for at in 0..records.len() {
        let Some((key, seen)) = records.get(at).and_then(observed) else {
            records.swap(kept, at);
            kept += 1;
            continue;
        };
        let same = places
            .get(&key)
            .and_then(|place| records.get_mut(*place))
            .map(|record| &mut record.said);
        match same {
            Some(Said::Saw(same)) => same.seen = same.seen.joined(seen),
            _ => {
                places.insert(key, kept);
                records.swap(kept, at);
                kept += 1;
            }
        }
    }
    records.truncate(kept);
    records
}

/// What tells an observation from every other one, and when it was made; `None` for what is none.
fn observed(record: &Record) -> Option<(u128, crate::Seen)> {
    let Said::Saw(observation) = &record.said else {
        return None;
    };
    let fact = serde_json::to_string(&observation.fact).unwrap_or_default();
    let parts = [record.source.as_str(), observation.scope.as_str(), &fact];
    // Its 96 bits as a number: as text they would take more room than the place they stand for.
    let digest = u128::from_str_radix(&crate::id::digest(&parts), 16).ok()?;
    Some((digest, observation.seen))
}
