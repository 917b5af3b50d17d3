//! Several stores on one database: each batch is kept once, whole, and numbers only grow.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests only")]

mod cluster;
mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{accounts, all, at, survey};
use groma_model::CoverageState::{Complete, Partial};
use groma_model::batch::Batch;
use groma_model::store::{IdentityKey, NewIdentities, Snapshot};
use groma_model::{AgentId, EntityId, Evidence, SiteId};
use groma_store::{Ingested, Moment, PostgresStore, Store, StoreError};

const BATCHES: i64 = 60;

/// Batches of a few vantages with the same facts, several for each; two names in each, so that half a batch shows.
fn batches() -> Vec<Batch> {
    let batch = |number: i64| {
        let agent = format!("agt-{}", number % 6);
        let names = [format!("first-{number}"), format!("second-{number}")];
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut batch = survey(&agent, number * 100, 40);
        let more = accounts(&agent, number * 100, &names, Partial);
        batch.header.sources.extend(more.header.sources);
        batch.records.extend(more.records);
        batch
    };
    (1..=BATCHES).map(batch).collect()
}

/// Says that it is over when it is dropped, also by a writer that panics: a reader must not wait for ever.
struct Over<'f>(&'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What a reader saw: for each number of the newest look, the evidence up to there.
fn watch(mut store: PostgresStore, is_over: &AtomicBool) -> BTreeMap<u64, Vec<Evidence>> {
    let mut seen = BTreeMap::new();
    let mut newest = 0;
    while !is_over.load(Ordering::Relaxed) {
        let number = store.watermark().unwrap();
        assert!(number >= newest, "{number} after {newest}");
        newest = number;
        let known = seen.entry(number);
        known.or_insert_with(|| all(&store, &up_to(number)));
        // Also by name, as an operator would.
        let name = format!("at-{number}");
        match store.take_snapshot(&name, at(0)) {
            Ok(_) | Err(StoreError::NameTaken { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    seen
}

fn up_to(watermark: u64) -> Moment {
    Moment::Snapshot(Snapshot {
        name: "x".to_owned(),
        valid_at: at(1_000_000_000),
        watermark,
        taken_at: at(0),
    })
}

#[test]
fn replicas_that_race_with_the_same_batches_keep_each_exactly_once() {
    let Some(database) = cluster::database() else {
        return;
    };
    drop(database.open());
    let batches = batches();
    let is_over = AtomicBool::new(false);
    let (kept, seen) = thread::scope(|scope| {
        let over = Over(&is_over);
        let reader = scope.spawn(|| watch(database.open(), &is_over));
        let writers: Vec<_> = (0..3)
            .map(|replica| {
                let (database, batches) = (&database, &batches);
                scope.spawn(move || {
                    let mut store = database.open();
                    let mut kept = Vec::new();
                    // Each begins elsewhere, so that they meet, and cross.
                    for at in 0..batches.len() {
                        let at = match replica {
                            0 | 1 => at,
                            _ => batches.len() - 1 - at,
                        };
                        let done = store.ingest(batches.get(at).unwrap()).unwrap();
                        if matches!(done, Ingested::Kept(_)) {
                            kept.push(at);
                        }
                    }
                    kept
                })
            })
            .collect();
        let mut kept: Vec<usize> = writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect();
        drop(over);
        kept.sort_unstable();
        (kept, reader.join().unwrap())
    });
    let every: Vec<usize> = (0..batches.len()).collect();
    assert_eq!(kept, every, "each was kept by one of them");
    let store = database.open();
    assert_eq!(store.watermark().unwrap(), batches.len() as u64 * 4);
    for (number, then) in &seen {
        assert_eq!(number % 4, 0, "a batch of four looks is seen whole");
        assert_eq!(&all(&store, &up_to(*number)), then, "up to look {number}");
    }
    assert!(seen.len() > 1, "the reader saw something of it");
    let alone = cluster::Database::on(database.cluster.clone());
    let mut alone = alone.open();
    for batch in &batches {
        alone.ingest(batch).unwrap();
    }
    assert_eq!(
        all(&store, &Moment::Now),
        all(&alone, &Moment::Now),
        "as if one had kept them in order"
    );
}

#[test]
fn what_is_remembered_beside_the_evidence_is_counted_once() {
    let Some(database) = cluster::database() else {
        return;
    };
    drop(database.open());
    let site = SiteId::default();
    let mut numbers: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u8)
            .map(|replica| {
                let (database, site) = (&database, &site);
                scope.spawn(move || {
                    let mut store = database.open();
                    let mint = || AgentId::from_random([replica; 16]);
                    store.local_agent(site, &mint).unwrap();
                    let mut numbers = Vec::new();
                    for number in 0..25 {
                        numbers.push(store.next_sequence(site).unwrap());
                        let key = IdentityKey {
                            site: site.clone(),
                            kind: "name".to_owned(),
                            value: format!("{number}"),
                        };
                        let new = NewIdentities {
                            known: [(key, EntityId::from_random([7; 16]))].into(),
                            ..NewIdentities::default()
                        };
                        store.remember(&new).unwrap();
                    }
                    numbers
                })
            })
            .collect();
        let each = writers.into_iter().flat_map(|w| w.join().unwrap());
        each.collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<u64>>());
    assert_eq!(database.sql("SELECT count(*) FROM groma.identity"), "25");
    assert_eq!(database.sql("SELECT count(*) FROM groma.local_agent"), "1");
}

#[test]
fn a_batch_that_comes_in_slowly_holds_up_its_own_vantage_and_nobody_else() {
    let Some(database) = cluster::database() else {
        return;
    };
    let (mut slow, mut quick) = (database.open(), database.open());
    let batch = accounts("agt-a", 100, &["anna", "boris"], Complete);
    let other = accounts("agt-b", 100, &["carla"], Complete);
    let same = accounts("agt-a", 200, &["anna"], Complete);
    let mut met = Vec::new();
    let mut records = batch.records.iter().cloned().map(Ok).inspect(|_| {
        if met.is_empty() {
            met.push(quick.ingest(&other));
            met.push(quick.ingest(&same));
        }
    });
    let done = slow.ingest_records(&batch.header, &mut records).unwrap();
    drop(records);
    assert!(matches!(done, Ingested::Kept(_)));
    assert!(
        matches!(
            met.as_slice(),
            [Ok(Ingested::Kept(_)), Err(StoreError::Busy { .. })]
        ),
        "{met:?}"
    );
    assert!(matches!(quick.ingest(&same), Ok(Ingested::Kept(_))));
}
