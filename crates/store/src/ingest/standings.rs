//! What stands in each stream since its newest look, remembered between batches: a stream's events are read once, not at every look of it
//! for ever.

use std::collections::HashMap;

use super::Known;
use crate::looks::StreamKey;

/// Places that are remembered over all streams; about 200 bytes each.
const PLACES_MAX: usize = 600_000;

/// What an engine that is the only writer remembers. It is right as long as nobody else writes: whoever uses it asks that of the engine
/// within each transaction.
#[derive(Default, Debug)]
pub(crate) struct Standings {
    streams: HashMap<StreamKey, Known>,
    places: usize,
    /// What the transaction that is under way gave; it holds if that does.
    given: HashMap<StreamKey, Known>,
}

impl Standings {
    /// Takes out what stands in `stream`.
    pub(crate) fn recall(&mut self, stream: &StreamKey) -> Option<Known> {
        let kept = self.streams.remove(stream);
        self.places -= kept.as_ref().map_or(0, Known::places);
        self.given.remove(stream).or(kept)
    }

    pub(crate) fn remember(&mut self, stream: &StreamKey, mut known: Known) {
        known.forget_removed();
        self.given.insert(stream.clone(), known);
    }

    /// The transaction ended well.
    pub(crate) fn hold(&mut self) {
        for (stream, known) in std::mem::take(&mut self.given) {
            self.places += known.places();
            self.streams.insert(stream, known);
        }
        while self.places > PLACES_MAX {
            // Any of them: streams report in turn, so the oldest would be the next to be asked for.
            let Some(stream) = self.streams.keys().next().cloned() else {
                return;
            };
            drop(self.recall(&stream));
        }
    }

    /// Somebody else wrote, or the transaction did not end well.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}
