//! What stands in each stream since its newest look, remembered between batches: a stream's events are read once, not at every look of it
//! for ever.

use std::collections::HashMap;

use super::Known;
use super::packed::Packed;
use crate::looks::StreamKey;

/// Bytes that are remembered over all streams: two to three million places.
const BYTES_MAX: usize = 96 << 20;
/// What a stream takes in memory besides its places, about.
const STREAM_BYTES: usize = 400;

/// What an engine that is the only writer remembers. It is right as long as nobody else writes: whoever uses it asks that of the engine
/// within each transaction.
#[derive(Default, Debug)]
pub(crate) struct Standings {
    streams: HashMap<StreamKey, Packed>,
    bytes: usize,
    /// What the transaction that is under way gave; it holds if that does.
    given: HashMap<StreamKey, Known>,
}

fn weight(packed: &Packed) -> usize {
    packed.len() + STREAM_BYTES
}

impl Standings {
    /// Takes out what stands in `stream`.
    pub(crate) fn recall(&mut self, stream: &StreamKey) -> Option<Known> {
        let held = self.take(stream);
        let given = self.given.remove(stream);
        given.or_else(|| held?.open())
    }

    fn take(&mut self, stream: &StreamKey) -> Option<Packed> {
        let held = self.streams.remove(stream)?;
        self.bytes = self.bytes.saturating_sub(weight(&held));
        Some(held)
    }

    pub(crate) fn remember(&mut self, stream: &StreamKey, mut known: Known) {
        known.forget_removed();
        self.given.insert(stream.clone(), known);
    }

    /// The transaction ended well.
    pub(crate) fn hold(&mut self) {
        for (stream, known) in std::mem::take(&mut self.given) {
            drop(self.take(&stream));
            let packed = Packed::of(&known);
            self.bytes += weight(&packed);
            self.streams.insert(stream, packed);
        }
        while self.bytes > BYTES_MAX {
            // Any of them: streams report in turn, so the oldest would be the next to be asked for.
            let Some(stream) = self.streams.keys().next().cloned() else {
                return;
            };
            drop(self.take(&stream));
        }
    }

    /// Somebody else wrote, or the transaction did not end well.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_say_nothing_take_room_too_and_make_it_again() {
        let mut standings = Standings::default();
        let key = |number: usize| StreamKey {
            source: number.to_string(),
            ..StreamKey::default()
        };
        for number in 0..400_000 {
            standings.remember(&key(number), Known::default());
            standings.hold();
        }
        assert!(standings.bytes <= BYTES_MAX && standings.streams.len() < 400_000);
        let sum: usize = standings.streams.values().map(weight).sum();
        assert_eq!(standings.bytes, sum);
    }

    #[test]
    fn what_a_transaction_gave_holds_if_that_ended_well_and_is_asked_for_once() {
        let mut standings = Standings::default();
        let key = StreamKey::default();
        standings.remember(&key, Known::default());
        assert!(standings.recall(&key).is_some(), "within it, at once");
        standings.remember(&key, Known::default());
        standings.forget();
        assert!(standings.recall(&key).is_none(), "it did not end well");
        standings.remember(&key, Known::default());
        standings.hold();
        assert!(standings.recall(&key).is_some());
        assert!(standings.recall(&key).is_none(), "taken out");
        assert_eq!(standings.bytes, 0);
    }
}
