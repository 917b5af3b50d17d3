//! What agents sent last, so that the next batch may come as what is new in it. In memory only: whatever is not here any more is asked for whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use groma_model::AgentId;
use groma_model::batch::FactKey;
use groma_model::fleet::RefusalWord;
use groma_wire::{Limits, WireError, against};

use crate::refusal::Refusal;

/// No batch that packs to more is a base.
const FRAME_BYTES_MAX: usize = 2 << 20;
/// What an entry costs besides its bytes.
const ENTRY_BYTES: usize = 256;
/// An agent that sent nothing for so long makes room. Nobody else does: agents look in turns, and if the one that waits longest gave way to
/// each new one, then in a fleet too large for the room each would be gone just before its turn.
const IDLE: Duration = Duration::from_secs(86_400);

/// The last batch of each agent that there is room for, packed.
pub(crate) struct Bases {
    bytes_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    of: HashMap<AgentId, Base>,
    bytes: usize,
}

struct Base {
    last: Last,
    at: Instant,
}

/// What an agent sent last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Last {
    /// Packed.
    pub(crate) frame: Arc<[u8]>,
    /// The keys of its facts, sorted.
    keys: Arc<[FactKey]>,
}

impl Last {
    /// True if this is the key of a fact in it.
    pub(crate) fn knows(&self, key: &FactKey) -> bool {
        self.keys.binary_search(key).is_ok()
    }

    fn weight(&self) -> usize {
        let keys = size_of_val::<[FactKey]>(&self.keys);
        self.frame
            .len()
            .saturating_add(keys)
            .saturating_add(ENTRY_BYTES)
    }
}

impl Held {
    fn take(&mut self, agent: &AgentId) {
        if let Some(base) = self.of.remove(agent) {
            self.bytes = self.bytes.saturating_sub(base.last.weight());
        }
    }
}

impl Bases {
    /// Nothing yet, and room for so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this agent sent last.
    pub(crate) fn of(&self, agent: &AgentId) -> Option<Last> {
        self.held().of.get(agent).map(|base| base.last.clone())
    }

    /// Holds a batch that was kept in the place of the one before, with the sorted keys of its facts. False if there is no room: then it is no base.
    pub(crate) fn hold(
        &self,
        agent: &AgentId,
        frame: &[u8],
        keys: Vec<FactKey>,
        now: Instant,
    ) -> bool {
        let mut held = self.held();
        held.take(agent);
        if frame.len() > FRAME_BYTES_MAX {
            return false;
        }
        let last = Last {
            frame: frame.into(),
            keys: keys.into(),
        };
        let (bytes_max, weight) = (self.bytes_max, last.weight());
        let fits = |held: &Held| held.bytes.saturating_add(weight) <= bytes_max;
        if !fits(&held) {
            held.of
                .retain(|_, base| now.saturating_duration_since(base.at) < IDLE);
            held.bytes = held.of.values().map(|base| base.last.weight()).sum();
        }
        if !fits(&held) {
            return false;
        }
        held.bytes += weight;
        held.of.insert(agent.clone(), Base { last, at: now });
        true
    }
}

/// The text of the batch behind a patch against the base of this name.
pub(crate) fn whole(patch: &[u8], name: &str, base: Option<&[u8]>) -> Result<Vec<u8>, Refusal> {
    let text = base.and_then(against::text_of);
    let base = text.filter(|text| against::name_of(text) == name);
    let base = base.ok_or(RefusalWord::UnknownBase)?;
    against::read(patch, &base, &Limits::network()).map_err(unread)
}

/// What is said of a batch that cannot be read.
pub(crate) fn unread(error: WireError) -> Refusal {
    let word = match error {
        WireError::TooLarge { .. } | WireError::Bomb { .. } => RefusalWord::TooLarge,
        _ => RefusalWord::Malformed,
    };
    Refusal::saying(word, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(number: u8) -> AgentId {
        AgentId::from_random([number; 16])
    }

    /// Holds a frame without facts.
    fn hold(bases: &Bases, number: u8, frame: &[u8], now: Instant) -> bool {
        bases.hold(&agent(number), frame, Vec::new(), now)
    }

    fn frame(bases: &Bases, number: u8) -> Option<Vec<u8>> {
        bases.of(&agent(number)).map(|last| last.frame.to_vec())
    }

    fn weight(frame: &[u8]) -> usize {
        frame.len() + ENTRY_BYTES
    }

    #[test]
    fn the_newest_batch_of_an_agent_stands_for_the_one_before() {
        let (bases, now) = (Bases::new(10_000), Instant::now());
        assert!(hold(&bases, 1, b"one", now));
        assert!(hold(&bases, 1, b"two", now));
        assert_eq!(frame(&bases, 1), Some(b"two".to_vec()));
        assert_eq!(frame(&bases, 2), None);
        assert_eq!(bases.held().bytes, weight(b"two"));
    }

    #[test]
    fn who_came_first_stays_until_he_is_silent_for_a_day() {
        let (bases, now) = (Bases::new(2 * weight(b"one")), Instant::now());
        assert!(hold(&bases, 1, b"one", now));
        assert!(hold(&bases, 2, b"one", now));
        assert!(!hold(&bases, 3, b"one", now));
        assert!(hold(&bases, 2, b"two", now + IDLE / 2), "his own place");
        assert!(hold(&bases, 3, b"one", now + IDLE));
        assert_eq!(frame(&bases, 1), None);
        assert_eq!(frame(&bases, 2), Some(b"two".to_vec()));
    }

    #[test]
    fn what_is_too_large_is_no_base_and_neither_is_what_it_replaced() {
        let (bases, now) = (Bases::new(64 << 20), Instant::now());
        assert!(hold(&bases, 1, b"one", now));
        assert!(!hold(&bases, 1, &vec![0; FRAME_BYTES_MAX + 1], now));
        assert_eq!((frame(&bases, 1), bases.held().bytes), (None, 0));
    }

    #[test]
    fn a_patch_without_its_base_is_asked_for_whole_and_a_broken_one_is_refused() {
        let line = |n: u32| format!("{{\"missed\":{{\"what\":\"{n}\"}}}}\n").into_bytes();
        let former: Vec<u8> = (0..50).flat_map(line).collect();
        let text: Vec<u8> = (5..52).flat_map(line).collect();
        let base = against::packed(&former).unwrap();
        let patch = against::write(&text, &former).unwrap();
        let name = against::name_of(&former);
        let asked = |base: Option<&[u8]>, name: &str| whole(&patch, name, base).map_err(|r| r.word);
        let came = asked(Some(&base), &name).unwrap();
        assert_eq!(came, text);
        assert_eq!(asked(None, &name), Err(RefusalWord::UnknownBase));
        assert_eq!(asked(Some(&base), "00"), Err(RefusalWord::UnknownBase));
        assert_eq!(
            asked(Some(b"no batch"), &name),
            Err(RefusalWord::UnknownBase)
        );
        let broken = whole(b"no patch", &name, Some(&base)).map_err(|r| r.word);
        assert_eq!(broken, Err(RefusalWord::Malformed));
    }
}
