//! What agents sent last, so that the next batch may come as what is new in it. In memory only: whatever is not here any more is asked for whole.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use groma_model::AgentId;
use groma_model::batch::FactKey;
use groma_model::fleet::RefusalWord;
use groma_wire::{Limits, Mark, Told, WireError, against};

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
#[derive(Clone, Debug)]
pub(crate) struct Last {
    /// Packed.
    pub(crate) frame: Arc<[u8]>,
    known: Arc<Known>,
}

/// What is known of a batch that was kept.
#[derive(Default, Debug)]
pub(crate) struct Known {
    /// The first bytes of the SHA-256 of its text, if that was asked for.
    digest: Option<[u8; 16]>,
    /// By the lines of its text: those that end in a fact that is kept as it is written there.
    marks: Box<[Mark]>,
    /// The keys of all its other facts, sorted.
    others: Box<[FactKey]>,
}

impl Known {
    /// `keys` are those of the facts that were kept, sorted: a text with another one is not what its fact is written as.
    pub(crate) fn of(
        digest: Option<[u8; 16]>,
        mut marks: Vec<Mark>,
        mut keys: Vec<FactKey>,
    ) -> Self {
        for mark in &mut marks {
            if mark
                .key()
                .is_some_and(|key| keys.binary_search(key).is_err())
            {
                *mark = Mark::default();
            }
        }
        let marked = sorted(&marks);
        keys.retain(|key| marked.binary_search(key).is_err());
        Self {
            digest,
            marks: marks.into(),
            others: keys.into(),
        }
    }

    fn weight(&self) -> usize {
        size_of_val::<[Mark]>(&self.marks).saturating_add(size_of_val::<[FactKey]>(&self.others))
    }
}

/// The keys that lines are marked with, sorted.
fn sorted(marks: &[Mark]) -> Vec<FactKey> {
    let mut keys: Vec<FactKey> = marks.iter().filter_map(Mark::key).copied().collect();
    keys.sort_unstable();
    keys
}

impl Last {
    /// What is known of the lines of its text.
    pub(crate) fn marks(&self) -> &[Mark] {
        &self.known.marks
    }

    /// Which facts are in it.
    pub(crate) fn knows(&self) -> impl Fn(&FactKey) -> bool + '_ {
        // Most batches ask for the few that are new in them, and some for none.
        let marked = OnceCell::new();
        move |key| {
            let marked = marked.get_or_init(|| sorted(&self.known.marks));
            marked.binary_search(key).is_ok() || self.known.others.binary_search(key).is_ok()
        }
    }

    /// Its text, if this is its name.
    fn text(&self, name: &str) -> Option<Vec<u8>> {
        let is_another = |digest: [u8; 16]| groma_model::foreign::hex(&digest) != name;
        if self.known.digest.is_some_and(is_another) {
            return None;
        }
        let text = against::text_of(&self.frame)?;
        let is_named = self.known.digest.is_some() || against::name_of(&text) == name;
        is_named.then_some(text)
    }

    fn weight(&self) -> usize {
        self.frame
            .len()
            .saturating_add(self.known.weight())
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

    /// Holds a batch that was kept in the place of the one before. False if there is no room: then it is no base.
    pub(crate) fn hold(&self, agent: &AgentId, frame: &[u8], known: Known, now: Instant) -> bool {
        let mut held = self.held();
        held.take(agent);
        if frame.len() > FRAME_BYTES_MAX {
            return false;
        }
        let last = Last {
            frame: frame.into(),
            known: Arc::new(known),
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
pub(crate) fn whole(patch: &[u8], name: &str, base: Option<&Last>) -> Result<Told, Refusal> {
    let text = base.and_then(|base| Some((base.text(name)?, base.marks())));
    let (text, marks) = text.ok_or(RefusalWord::UnknownBase)?;
    against::read_marked(patch, &text, marks, &Limits::network()).map_err(unread)
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
        bases.hold(&agent(number), frame, Known::default(), now)
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
        let last = |frame: &[u8], digest| Last {
            frame: frame.into(),
            known: Arc::new(Known::of(digest, Vec::new(), Vec::new())),
        };
        let asked = |base: Option<&Last>, name: &str| {
            let told = whole(&patch, name, base).map_err(|r| r.word);
            told.map(Told::into_text)
        };
        let held = last(&base, None);
        assert_eq!(asked(Some(&held), &name).unwrap(), text);
        let digest = against::read(&patch, &former, &Limits::network());
        assert_eq!(digest.unwrap(), text);
        assert_eq!(asked(None, &name), Err(RefusalWord::UnknownBase));
        assert_eq!(asked(Some(&held), "00"), Err(RefusalWord::UnknownBase));
        let another = last(&base, Some([7; 16]));
        assert_eq!(asked(Some(&another), &name), Err(RefusalWord::UnknownBase));
        let none = last(b"no batch", None);
        assert_eq!(asked(Some(&none), &name), Err(RefusalWord::UnknownBase));
        let broken = whole(b"no patch", &name, Some(&held)).map_err(|r| r.word);
        assert_eq!(broken.err(), Some(RefusalWord::Malformed));
    }
}
