//! The fleet as it was last read, and what agents said of themselves since.
//!
//! Every word of an agent asks who it is and what is asked of it, and every beat changes when it was last heard. Read and written each time, that
//! is a question to the disk for every word and a sync for every beat. So what was read is remembered until somebody else changes the store, and what an agent says of *itself* (when
//! it spoke, its status) is kept with that of all others a moment later. Who is let in, revoked, copied or held is durable before it is answered,
//! as ever: nothing of that waits here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use groma_model::fleet::{AgentRecord, Policy};
use groma_model::{AgentId, SiteId};
use groma_store::Heard;

use super::together::held;

/// Agents that are remembered: whoever has more reads some of them anew.
const AGENTS_MAX: usize = 1 << 16;
/// For so long after it was asked whether others changed anything is believed what is remembered.
const FRESH: Duration = Duration::from_secs(2);

type Key = (SiteId, AgentId);

/// What is remembered of the fleet.
#[derive(Default)]
pub(super) struct Roster(Mutex<Lists>);

#[derive(Default)]
struct Lists {
    /// The number of others' changes at which `known` was right; nothing is remembered before there is one.
    others: Option<i64>,
    /// When that was asked last.
    asked: Option<Instant>,
    /// How often all was forgotten: what was read before that is not remembered after it.
    turn: u64,
    known: HashMap<Key, (AgentRecord, Policy)>,
    heard: HashMap<Key, Heard>,
}

impl Lists {
    fn forget(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.known.clear();
    }
}

impl Roster {
    fn lists(&self) -> MutexGuard<'_, Lists> {
        held(&self.0)
    }

    /// How many changes others have made, by the engine's own number: all is forgotten when it is another one, or none is known.
    pub(super) fn others(&self, number: Option<i64>, now: Instant) {
        let mut lists = self.lists();
        lists.asked = Some(now);
        if lists.others != number || number.is_none() {
            lists.forget();
            lists.others = number;
        }
    }

    /// To be asked before the store is read, and given back with what was read.
    pub(super) fn turn(&self) -> u64 {
        self.lists().turn
    }

    /// What is remembered of an agent; nothing if it was not asked for too long whether others changed it.
    pub(super) fn at_hand(
        &self,
        site: &SiteId,
        agent: &AgentId,
        now: Instant,
    ) -> Option<(AgentRecord, Policy)> {
        let lists = self.lists();
        let age = now.saturating_duration_since(lists.asked?);
        let key = (site.clone(), agent.clone());
        lists.known.get(&key).filter(|_| age <= FRESH).cloned()
    }

    /// What was read in the turn `turn`.
    pub(super) fn was_read(&self, turn: u64, record: &AgentRecord, policy: &Policy) {
        let mut lists = self.lists();
        if lists.turn != turn || lists.others.is_none() {
            return;
        }
        if lists.known.len() >= AGENTS_MAX {
            lists.forget();
        }
        let new = || (record.clone(), policy.clone());
        lists.known.entry(key(record)).or_insert_with(new);
    }

    /// What a change left, while nobody else may change anything.
    pub(super) fn was_changed(&self, record: &AgentRecord) {
        let mut lists = self.lists();
        match lists.known.get_mut(&key(record)) {
            Some((known, _)) => *known = record.clone(),
            // Somebody may be about to remember what he read before.
            None => lists.turn = lists.turn.wrapping_add(1),
        }
    }

    /// Takes in what an agent said of itself; it is durable after the next [`Roster::take`] is.
    pub(super) fn hears(&self, record: &AgentRecord) {
        let Some(seen_at) = record.seen_at else {
            return;
        };
        let heard = Heard {
            site: record.site.clone(),
            agent: record.agent.clone(),
            seen_at,
            status: record.status.clone(),
        };
        let (key, mut lists) = (key(record), self.lists());
        if let Some((known, _)) = lists.known.get_mut(&key) {
            heard.tell(known);
        }
        lists.heard.insert(key, heard);
    }

    /// What this agent said that the store does not know yet.
    pub(super) fn take_of(&self, site: &SiteId, agent: &AgentId) -> Option<Heard> {
        self.lists().heard.remove(&(site.clone(), agent.clone()))
    }

    /// What all agents said that the store does not know yet.
    pub(super) fn take(&self) -> Vec<Heard> {
        let heard = std::mem::take(&mut self.lists().heard);
        heard.into_values().collect()
    }

    /// It could not be kept; unless there is something newer it waits again.
    pub(super) fn put_back(&self, heard: impl IntoIterator<Item = Heard>) {
        let mut lists = self.lists();
        for one in heard {
            let key = (one.site.clone(), one.agent.clone());
            lists.heard.entry(key).or_insert(one);
        }
    }
}

fn key(record: &AgentRecord) -> Key {
    (record.site.clone(), record.agent.clone())
}

/// True if `after` differs from `before` in nothing but what the agent says of itself.
pub(super) fn is_small_talk(before: &AgentRecord, after: &AgentRecord) -> bool {
    let mut same = before.clone();
    same.seen_at = after.seen_at;
    same.status = after.status.clone();
    same == *after
}

#[cfg(test)]
mod tests {
    use groma_store::fleet_conformance::{agent, token};

    use super::*;

    fn record(run: u64) -> AgentRecord {
        AgentRecord {
            run: Some(run),
            ..agent(1, &token(1))
        }
    }

    fn run(roster: &Roster, now: Instant) -> Option<u64> {
        let known = record(0);
        let (record, _) = roster.at_hand(&known.site, &known.agent, now)?;
        record.run
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let (roster, now) = (Roster::default(), Instant::now());
        roster.others(Some(1), now);
        let turn = roster.turn();
        // Somebody else changes it between the reading and the remembering.
        roster.was_changed(&record(2));
        roster.was_read(turn, &record(1), &Policy::default());
        assert_eq!(run(&roster, now), None);
        roster.was_read(roster.turn(), &record(2), &Policy::default());
        roster.was_changed(&record(3));
        assert_eq!(run(&roster, now), Some(3));
        let turn = roster.turn();
        roster.others(Some(2), now);
        roster.was_read(turn, &record(3), &Policy::default());
        assert_eq!(run(&roster, now), None);
    }

    #[test]
    fn nothing_is_believed_for_long_that_nobody_asked_about() {
        let (roster, now) = (Roster::default(), Instant::now());
        roster.was_read(roster.turn(), &record(1), &Policy::default());
        assert_eq!(run(&roster, now), None, "an engine that cannot tell");
        roster.others(Some(1), now);
        roster.was_read(roster.turn(), &record(1), &Policy::default());
        assert_eq!(run(&roster, now + FRESH), Some(1));
        assert_eq!(run(&roster, now + FRESH + Duration::from_millis(1)), None);
        roster.others(Some(1), now + FRESH);
        assert_eq!(run(&roster, now + FRESH + FRESH), Some(1));
        roster.others(None, now);
        assert_eq!(run(&roster, now), None);
    }
}
