//! In whatever order looks arrive, the same looks give the same evidence.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::{accounts, all, at};
use groma_model::batch::{Quoted, Said, fact_key};
use groma_model::{AgentId, CoverageState, EvidenceState, Fact, Timestamp};
use groma_store::{Ingested, Moment, Ready, SqliteStore, Store};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["anna", "boris", "carla"];

/// A look: which of the names it saw, and whether it saw everything.
type Look = ([bool; 3], bool);

fn batch(number: usize, look: &Look) -> groma_model::Batch {
    let seen: Vec<&str> = NAMES
        .iter()
        .zip(look.0)
        .filter(|(_, seen)| *seen)
        .map(|(name, _)| *name)
        .collect();
    let state = if look.1 {
        CoverageState::Complete
    } else {
        CoverageState::Partial
    };
    accounts("agt-a", second(number), &seen, state)
}

fn second(number: usize) -> i64 {
    i64::try_from(number).unwrap() * 100 + 100
}

/// The batch with some of its facts left as the text that its receiver read before.
fn partly_quoted(mut batch: groma_model::Batch, known: &[bool]) -> Ready {
    let mut quoted = Vec::new();
    let mut known = known.iter().copied();
    batch.records.retain(|record| {
        let Said::Saw(seen) = &record.said else {
            return true;
        };
        if !known.next().unwrap_or_default() {
            return true;
        }
        let text = serde_json::to_string(&seen.fact).unwrap();
        quoted.push(Quoted {
            source: record.source.clone(),
            scope: seen.scope.clone(),
            seen: seen.seen,
            key: fact_key(text.as_bytes()),
            text: text.into(),
        });
        false
    });
    Ready::with(batch, quoted).unwrap()
}

type Shown = Vec<(String, EvidenceState, Timestamp, Timestamp)>;

fn shown(store: &SqliteStore) -> Shown {
    let name = |fact: &Fact| match fact {
        Fact::Account(account) => account.name.to_string(),
        other => panic!("{other:?}"),
    };
    let mut shown: Shown = all(store, &Moment::Now)
        .iter()
        .map(|e| (name(&e.fact), e.state, e.seen.first, e.seen.last))
        .collect();
    shown.sort_by(|a, b| a.0.cmp(&b.0));
    shown
}

/// What must be shown after these looks, said in the plainest way.
fn expected(looks: &[Look]) -> Shown {
    let mut shown = Shown::new();
    for (which, name) in (0..).zip(NAMES) {
        let saw = |look: &Look| look.0.get::<usize>(which).copied().unwrap_or_default();
        let (Some(first), Some(last)) = (looks.iter().position(saw), looks.iter().rposition(saw))
        else {
            continue;
        };
        let since = looks.get(last + 1..).unwrap_or_default();
        if since.iter().any(|look| look.1) {
            continue;
        }
        let state = if since.is_empty() {
            EvidenceState::Current
        } else {
            EvidenceState::NotSeen
        };
        shown.push((name.to_owned(), state, at(second(first)), at(second(last))));
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_order_of_arrival_gives_what_the_looks_say(
        looks in prop::collection::vec((any::<[bool; 3]>(), any::<bool>()), 1..7),
        shuffle in prop::collection::vec(any::<u64>(), 7),
        twice in any::<bool>(),
    ) {
        let mut order: Vec<usize> = (0..looks.len()).collect();
        order.sort_by_key(|n| shuffle.get(*n).copied());
        let mut store = SqliteStore::open_in_memory().unwrap();
        for number in order.iter().copied() {
            store.ingest(&batch(number, looks.get(number).unwrap())).unwrap();
        }
        if twice {
            for number in 0..looks.len() {
                store.ingest(&batch(number, looks.get(number).unwrap())).unwrap();
            }
        }
        prop_assert_eq!(shown(&store), expected(&looks), "arrived as {:?}", order);
    }

    /// What a writer remembers of a stream is worth nothing after another one wrote.
    #[test]
    fn two_writers_of_one_vantage_give_what_the_looks_say(
        looks in prop::collection::vec((any::<[bool; 3]>(), any::<bool>()), 1..9),
        writers in prop::collection::vec(any::<bool>(), 9),
        late in 0..9_usize,
    ) {
        let place = tempfile::tempdir().unwrap();
        let mut one = SqliteStore::open(place.path()).unwrap();
        let mut other = SqliteStore::open(place.path()).unwrap();
        let mut order: Vec<usize> = (0..looks.len()).collect();
        if late < order.len() {
            let comes_last = order.remove(late);
            order.push(comes_last);
        }
        for (number, first) in order.iter().copied().zip(writers) {
            let writer = if first { &mut one } else { &mut other };
            writer.ingest(&batch(number, looks.get(number).unwrap())).unwrap();
        }
        prop_assert_eq!(shown(&one), expected(&looks), "arrived as {:?}", order);
    }

    #[test]
    fn batches_that_come_together_are_kept_as_those_that_come_alone(
        looks in prop::collection::vec((any::<[bool; 3]>(), any::<bool>()), 1..7),
        shuffle in prop::collection::vec(any::<u64>(), 7),
        together in 1..8_usize,
        known in prop::collection::vec(any::<bool>(), 3),
    ) {
        let mut order: Vec<usize> = (0..looks.len()).collect();
        order.sort_by_key(|n| shuffle.get(*n).copied());
        let mut store = SqliteStore::open_in_memory().unwrap();
        let mut other = SqliteStore::open_in_memory().unwrap();
        for part in order.chunks(together) {
            // Another vantage says the same, and the first batch comes twice.
            let mut ready = Vec::new();
            for number in part.iter().chain(part.first()) {
                let batch = batch(*number, looks.get(*number).unwrap());
                let mut theirs = batch.clone();
                theirs.header.agent = AgentId::new("agt-b");
                other.ingest(&batch).unwrap();
                other.ingest(&theirs).unwrap();
                ready.push(partly_quoted(batch, &known));
                ready.push(Ready::of(theirs).unwrap());
            }
            let kept: Vec<bool> = store.ingest_ready(&ready).into_iter().map(|one| one.unwrap() != Ingested::AlreadyKept).collect();
            let new: Vec<bool> = (0..ready.len()).map(|n| n + 2 < ready.len()).collect();
            prop_assert_eq!(kept, new);
        }
        prop_assert_eq!(all(&store, &Moment::Now), all(&other, &Moment::Now));
        prop_assert_eq!(store.looks(&Moment::Now).unwrap(), other.looks(&Moment::Now).unwrap());
    }

    #[test]
    fn a_snapshot_taken_anywhere_on_the_way_stays_what_it_was(
        looks in prop::collection::vec((any::<[bool; 3]>(), any::<bool>()), 2..6),
        shuffle in prop::collection::vec(any::<u64>(), 6),
    ) {
        let mut order: Vec<usize> = (0..looks.len()).collect();
        order.sort_by_key(|n| shuffle.get(*n).copied());
        let mut store = SqliteStore::open_in_memory().unwrap();
        let mut taken = Vec::new();
        for number in order.iter().copied() {
            store.ingest(&batch(number, looks.get(number).unwrap())).unwrap();
            let snapshot = Moment::Snapshot(store.take_snapshot(&format!("s{number}"), at(0)).unwrap());
            let then = all(&store, &snapshot);
            prop_assert_eq!(&then, &all(&store, &Moment::Now));
            taken.push((snapshot, then));
        }
        for (snapshot, then) in taken {
            prop_assert_eq!(all(&store, &snapshot), then);
        }
    }
}
