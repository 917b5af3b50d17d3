//! Killed, full, read-only: what was acknowledged is there once, what was not is not there at all.

#![allow(clippy::unwrap_used, reason = "tests only")]
#![allow(clippy::print_stderr, reason = "a test that skips does so aloud")]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{accounts, all, at, names, survey};
use groma_model::CoverageState::{Complete, Partial};
use groma_store::{Ingested, Moment, SqliteStore, Store, StoreError};

const ROUNDS: u64 = 20;

/// What the child process of a test is told: a directory, and the first batch to send.
const DIRECTORY: &str = "GROMA_STORE_TEST_DIRECTORY";
const FIRST: &str = "GROMA_STORE_TEST_FIRST";

fn told() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// This test program again, running one test in a directory.
fn child(test: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(DIRECTORY, directory);
    command
}

/// The name in batch `number`; each batch also removes nothing, so all names stay.
fn name(number: u64) -> String {
    format!("account-{number}")
}

/// Not a test by itself: sends batches for ever and says each one that was acknowledged.
#[test]
fn child_that_ingests_until_it_is_killed() {
    let Some(directory) = told() else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let mut store = SqliteStore::open(&directory).unwrap();
    for number in first..first + 100_000 {
        let batch = accounts(
            "agt-a",
            i64::try_from(number).unwrap() * 100,
            &[&name(number), &format!("second-{number}")],
            Partial,
        );
        store.ingest(&batch).unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged_and_doubles_nothing() {
    let place = tempfile::tempdir().unwrap();
    let mut chance = groma_fuzz::Chance::new(20);
    let mut acknowledged = 0;
    for _ in 0..ROUNDS {
        // Each round begins with a batch that was acknowledged before: an agent that did not hear us sends again.
        let first = if acknowledged == 0 { 1 } else { acknowledged };
        let mut child = child("child_that_ingests_until_it_is_killed", place.path())
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let said = lines.filter_map(|line| {
            line.split_once("acknowledged ")
                .and_then(|(_, n)| n.parse::<u64>().ok())
        });
        let wanted = 1 + chance.below(12);
        let mut said = said.take(wanted);
        acknowledged = said
            .by_ref()
            .last()
            .unwrap_or(acknowledged)
            .max(acknowledged);
        // Between this kill and the last line the child may be anywhere in its next transaction.
        std::thread::sleep(std::time::Duration::from_micros(
            u64::try_from(chance.below(3000)).unwrap(),
        ));
        child.kill().unwrap();
        child.wait().unwrap();
        check(place.path(), acknowledged);
    }
    assert!(acknowledged >= ROUNDS, "{acknowledged}");
}

/// Every batch up to `acknowledged` is there once, whole; at most a few later ones are, whole as well.
fn check(directory: &Path, acknowledged: u64) {
    let store = SqliteStore::open(directory).unwrap();
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for name in names(&store) {
        *found.entry(name).or_default() += 1;
    }
    for number in 1..=acknowledged {
        assert_eq!(
            found.get(&name(number)),
            Some(&1),
            "batch {number} of {acknowledged}"
        );
    }
    assert!(found.values().all(|count| *count == 1));
    for whole in found.keys().filter_map(|n| n.strip_prefix("account-")) {
        assert!(
            found.contains_key(&format!("second-{whole}")),
            "batch {whole} is there in part"
        );
    }
    assert_eq!(
        store.watermark().unwrap(),
        found.len() as u64 / 2,
        "one look for each batch"
    );
}

#[test]
fn a_full_store_keeps_all_it_had_and_nothing_of_the_batch_that_did_not_fit() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    store.limit_bytes(2 << 20).unwrap();
    fill(&mut store);
    store.limit_bytes(1 << 30).unwrap();
    assert!(matches!(
        store.ingest(&survey("agt-after", 100, 500)),
        Ok(Ingested::Kept(_))
    ));
}

/// Ingests until it is full, and checks that the last batch left nothing.
fn fill(store: &mut SqliteStore) {
    for host in 0..200 {
        let (before, watermark) = (all(store, &Moment::Now), store.watermark().unwrap());
        match store.ingest(&survey(&format!("agt-{host}"), 100, 2000)) {
            Ok(_) => continue,
            Err(StoreError::Full { attempt }) => assert_eq!(attempt, "keep a batch"),
            Err(other) => panic!("{other}: {other:?}"),
        }
        assert!(host > 0, "something fitted");
        assert_eq!(store.watermark().unwrap(), watermark);
        assert_eq!(all(store, &Moment::Now), before);
        return;
    }
    panic!("it never was full");
}

/// Runs `test` of this program in a mount namespace of its own with a small file system. `false` if this machine forbids it.
fn in_small_file_system(test: &str, after: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=3m,mode=700 none \"${DIRECTORY}\" && {after} exec \"$0\" --exact {test} --nocapture"
    );
    let run = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, place.path())
        .output();
    match run {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(said.contains("1 passed"), "the test ran in there: {said}");
            true
        }
        Ok(output) if output.stdout.is_empty() => {
            eprintln!(
                "skipped {test}: needs root and mount namespaces: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
            false
        }
        Ok(output) => panic!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            eprintln!("skipped {test}: {error}");
            false
        }
    }
}

#[test]
fn a_file_system_that_is_really_full_ends_the_same_way() {
    match told() {
        None => drop(in_small_file_system(
            "a_file_system_that_is_really_full_ends_the_same_way",
            "",
        )),
        Some(directory) => fill(&mut SqliteStore::open(&directory.join("data")).unwrap()),
    }
}

#[test]
fn a_read_only_file_system_is_named_with_the_remedy() {
    let test = "a_read_only_file_system_is_named_with_the_remedy";
    let Some(directory) = told() else {
        let _ = in_small_file_system(test, &format!("mount -o remount,ro \"${DIRECTORY}\" &&"));
        return;
    };
    let error = SqliteStore::open(&directory.join("data")).expect_err("it must be refused");
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_second_survey_with_nothing_new_adds_less_than_five_percent() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    let size = |store: &SqliteStore| {
        store.checkpoint().unwrap();
        std::fs::metadata(store.path().unwrap()).unwrap().len()
    };
    store.ingest(&survey("agt-a", 1000, 1000)).unwrap();
    let first = size(&store);
    store.ingest(&survey("agt-a", 2000, 1000)).unwrap();
    let second = size(&store);
    let third = {
        store.ingest(&survey("agt-a", 3000, 1000)).unwrap();
        size(&store)
    };
    eprintln!(
        "a survey of 1000 facts: {first} bytes; again: +{}; and again: +{}",
        second - first,
        third - second
    );
    assert!((second - first) * 20 < first, "{first} {second}");
    assert!((third - second) * 20 < first, "{second} {third}");
}

#[test]
fn importing_the_same_batch_a_hundred_times_adds_nothing() {
    let mut store = SqliteStore::open_in_memory().unwrap();
    let batch = accounts("agt-a", 100, &["anna"], Complete);
    store.ingest(&batch).unwrap();
    for _ in 0..100 {
        assert_eq!(store.ingest(&batch).unwrap(), Ingested::AlreadyKept);
    }
    assert_eq!(
        (
            store.watermark().unwrap(),
            store.window(&Moment::Now).unwrap()
        ),
        (1, Some((at(90), at(100))))
    );
}
