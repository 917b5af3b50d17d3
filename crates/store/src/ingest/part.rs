//! What one source says in a batch, the same fact of a place once; and a batch of such parts that is ready to be kept.

use std::collections::BTreeMap;

use groma_model::batch::{Batch, BatchHeader, FactKey, Quoted, Said};
use groma_model::fact::Measurement;
use groma_model::{Coverage, Fact, Foreign, Gap, Observation, Seen, SourceName};

use super::Place;
use crate::StoreError;
use crate::place::hash;

/// A batch as it is kept: every fact under its key, sorted, and once. That is most of the work of keeping it and needs no store, so many
/// can be made ready at the same time while one is kept.
#[derive(Debug)]
pub struct Ready {
    pub(crate) header: BatchHeader,
    pub(super) parts: BTreeMap<SourceName, Part>,
}

impl Ready {
    /// Makes `batch` ready.
    ///
    /// # Errors
    /// [`StoreError::Input`] for a fact that cannot be written down.
    pub fn of(batch: Batch) -> Result<Self, StoreError> {
        let Batch { header, records } = batch;
        let mut parts: BTreeMap<SourceName, Part> = BTreeMap::new();
        for source in &header.sources {
            parts.entry(source.clone()).or_default();
        }
        for record in records {
            let part = match parts.get_mut(&record.source) {
                Some(part) => part,
                None => parts.entry(record.source).or_default(),
            };
            if let Some(observation) = part.hears(record.said) {
                let (place, json) = placed(&observation)?;
                part.saw(place, observation.seen, Some(json));
            }
        }
        Ok(Self { header, parts })
    }

    /// Makes a batch ready of which these facts are left as text.
    ///
    /// # Errors
    /// As [`Ready::of`].
    pub fn with(batch: Batch, quoted: Vec<Quoted>) -> Result<Self, StoreError> {
        let mut ready = Self::of(batch)?;
        for known in quoted {
            let part = ready.parts.entry(known.source).or_default();
            let place = (known.key, known.scope.shared());
            part.saw(place, known.seen, Some(known.text.into_string()));
        }
        Ok(ready)
    }

    /// The keys of the facts in it: whatever text has such a key is what that fact is written as.
    pub fn keys(&self) -> Vec<FactKey> {
        let parts = self.parts.values();
        let mut keys: Vec<FactKey> = parts
            .flat_map(|part| part.seen.keys().map(|(key, _)| *key))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Who looked, when, and which batch this is.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// How much there is to keep, in facts: what a source says besides them takes time as well, and so does a source that says nothing.
    pub fn weight(&self) -> usize {
        let parts = self.parts.values();
        let weight = |part: &Part| {
            let said = part.seen.len() + part.measured.len();
            said + part.coverage.len() + part.gaps.len() + PART_WEIGHT
        };
        parts.map(weight).sum()
    }
}

/// What a source costs as such, in facts: its looks are asked for, and one is added.
const PART_WEIGHT: usize = 20;

/// What one source says in a batch.
#[derive(Default, Debug)]
pub(super) struct Part {
    pub(super) seen: BTreeMap<Place, Sighting>,
    pub(super) measured: BTreeMap<(String, String, Foreign), (i64, f64)>,
    pub(super) coverage: Vec<Coverage>,
    pub(super) gaps: Vec<Gap>,
}

/// When a fact was seen at a place.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) seen: Seen,
    /// The fact, unless it was handed over already.
    pub(super) json: Option<String>,
}

impl Part {
    /// Takes whatever is said; hands a fact back, which has yet to be placed.
    pub(super) fn hears(&mut self, said: Said) -> Option<Observation> {
        match said {
            Said::Saw(observation) => match observation.fact {
                Fact::Measurement(measured) => {
                    let scope = observation.scope.as_str().to_owned();
                    self.measured(scope, measured, observation.seen);
                    None
                }
                _ => Some(observation),
            },
            Said::Missed(gap) => {
                self.gaps.push(gap);
                None
            }
            Said::Covered(coverage) => {
                self.coverage.push(coverage);
                None
            }
        }
    }

    /// Of several values the newest counts.
    fn measured(&mut self, scope: String, measured: Measurement, seen: Seen) {
        let Measurement {
            metric,
            subject,
            value,
        } = measured;
        if !value.is_finite() {
            return;
        }
        let newest = self
            .measured
            .entry((scope, metric, subject))
            .or_insert((i64::MIN, value));
        if seen.last.millis() >= newest.0 {
            *newest = (seen.last.millis(), value);
        }
    }

    /// Takes a fact that was seen at a place.
    pub(super) fn saw(&mut self, place: Place, seen: Seen, json: Option<String>) {
        let sighting = Sighting { seen, json };
        self.seen
            .entry(place)
            .and_modify(|before| before.seen = before.seen.joined(seen))
            .or_insert(sighting);
    }
}

/// Where a fact is kept, and as what.
pub(super) fn placed(observation: &Observation) -> Result<(Place, String), StoreError> {
    let json = serde_json::to_string(&observation.fact)
        .map_err(|error| StoreError::Input(Box::new(error)))?;
    let place = (hash(&json), observation.scope.shared());
    Ok((place, json))
}
