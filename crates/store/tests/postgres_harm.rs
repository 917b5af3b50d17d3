//! Killed, restarted, full, read-only: what was acknowledged is there once, what was not is not there at all.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests only")]

mod cluster;
mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster::{Cluster, Database};
use common::{accounts, all, names, survey};
use groma_model::CoverageState::Partial;
use groma_model::batch::Batch;
use groma_store::{Ingested, Moment, PostgresStore, Store, StoreError};

/// What the child process of a test is told: a database and the first batch to send, or a directory.
const URL: &str = "GROMA_STORE_TEST_URL";
const FIRST: &str = "GROMA_STORE_TEST_FIRST";
const DIRECTORY: &str = "GROMA_STORE_TEST_DIRECTORY";

/// This test program again, running one test.
fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// The batch of this number; all names stay.
fn batch(number: u64) -> Batch {
    let second = i64::try_from(number).unwrap() * 100;
    let names = [format!("account-{number}"), format!("second-{number}")];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    accounts("agt-a", second, &names, Partial)
}

/// Not a test by itself: sends batches for ever and says each one that was acknowledged.
#[test]
fn child_that_ingests_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let mut store = PostgresStore::open(&url).unwrap();
    for number in first..first + 100_000 {
        store.ingest(&batch(number)).unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "acknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged_and_doubles_nothing() {
    let Some(database) = cluster::database() else {
        return;
    };
    drop(database.open());
    let mut chance = groma_fuzz::Chance::new(21);
    let mut acknowledged = 0;
    for _ in 0..15 {
        // Each round begins with a batch that was acknowledged before: an agent that did not hear us sends again.
        let first = if acknowledged == 0 { 1 } else { acknowledged };
        let mut child = child("child_that_ingests_until_it_is_killed")
            .env(URL, database.url())
            .env(FIRST, first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).filter_map(|line| {
            let (_, number) = line.split_once("acknowledged ")?;
            number.parse::<u64>().ok()
        });
        let last = said.take(1 + chance.below(12)).last();
        acknowledged = last.unwrap_or(acknowledged).max(acknowledged);
        // Between this kill and the last line the child may be anywhere in its next transaction.
        let wait = u64::try_from(chance.below(5000)).unwrap();
        std::thread::sleep(Duration::from_micros(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        check(&database.open(), acknowledged);
    }
    assert!(acknowledged >= 15, "{acknowledged}");
}

/// Every batch up to `acknowledged` is there once, whole; at most a few later ones are, whole as well.
fn check(store: &PostgresStore, acknowledged: u64) {
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for name in names(store) {
        *found.entry(name).or_default() += 1;
    }
    for number in 1..=acknowledged {
        let name = format!("account-{number}");
        assert_eq!(found.get(&name), Some(&1), "batch {number}");
    }
    assert!(found.values().all(|count| *count == 1));
    for whole in found.keys().filter_map(|n| n.strip_prefix("account-")) {
        let other = format!("second-{whole}");
        assert!(found.contains_key(&other), "batch {whole} is there in part");
    }
}

/// The numbers of the server's processes that serve us.
fn backends(database: &Database) -> Vec<String> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'groma'";
    database.sql(sql).lines().map(str::to_owned).collect()
}

#[test]
fn a_server_whose_process_is_killed_in_the_middle_keeps_nothing_and_then_all() {
    let Some(database) = cluster::lonely_database() else {
        return;
    };
    let mut store = database.open();
    store.ingest(&batch(1)).unwrap();
    let before = all(&store, &Moment::Now);
    let large = survey("agt-b", 100, 9000);
    // Before anything was written, after a part of it was, and at the end.
    for at in [1, 6000, 8999] {
        let mut records = large
            .records
            .iter()
            .cloned()
            .enumerate()
            .map(|(n, record)| {
                if n == at {
                    for backend in backends(&database) {
                        let killed = Command::new("kill").args(["-9", &backend]).status();
                        assert!(killed.unwrap().success());
                    }
                }
                Ok(record)
            });
        let error = store.ingest_records(&large.header, &mut records);
        assert!(
            matches!(error, Err(StoreError::Unreachable { .. })),
            "{error:?}"
        );
        assert_eq!(all(&patiently(&database), &Moment::Now), before);
    }
    assert!(matches!(store.ingest(&large), Ok(Ingested::Kept(_))));
    assert_eq!(store.ingest(&large).unwrap(), Ingested::AlreadyKept);
    assert_eq!(all(&store, &Moment::Now).len(), before.len() + 9020);
}

/// The store of a server that is coming back.
fn patiently(database: &Database) -> PostgresStore {
    for _ in 0..600 {
        match PostgresStore::open(&database.url()) {
            Err(StoreError::Unreachable { .. }) => std::thread::sleep(Duration::from_millis(100)),
            done => return done.unwrap(),
        }
    }
    panic!("the server did not come back");
}

/// Says that it is over when it is dropped, also by a panic: whoever cuts must not go on for ever.
struct Over<'f>(&'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_connection_that_is_cut_at_any_moment_is_opened_again_and_doubles_nothing() {
    let Some(database) = cluster::database() else {
        return;
    };
    let mut store = database.open();
    let is_over = AtomicBool::new(false);
    let cuts = std::thread::scope(|scope| {
        let over = Over(&is_over);
        let cutter = scope.spawn(|| {
            let mut chance = groma_fuzz::Chance::new(5);
            let mut cuts = 0;
            while !is_over.load(Ordering::Relaxed) {
                let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE application_name = 'groma' AND datname = current_database()";
                cuts += database.sql(cut).parse::<u32>().unwrap();
                let wait = u64::try_from(chance.below(20)).unwrap();
                std::thread::sleep(Duration::from_millis(wait));
            }
            cuts
        });
        for number in 1..=300 {
            let done = loop {
                match store.ingest(&batch(number)) {
                    Err(StoreError::Unreachable { .. }) => {}
                    done => break done.unwrap(),
                }
            };
            // Found to be kept already: the answer to the first try was lost on the way.
            assert!(matches!(done, Ingested::Kept(_) | Ingested::AlreadyKept));
        }
        drop(over);
        cutter.join().unwrap()
    });
    assert!(cuts > 0, "nothing was cut");
    check(&store, 300);
    assert_eq!(store.watermark().unwrap(), 300);
}

#[test]
fn a_server_that_was_restarted_is_not_noticed() {
    let Some(database) = cluster::lonely_database() else {
        return;
    };
    let mut store = database.open();
    store.ingest(&batch(1)).unwrap();
    database.cluster.down("fast");
    let error = store.ingest(&batch(2)).expect_err("nobody is there");
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("PostgreSQL runs"), "{error}");
    let error = store.watermark().expect_err("nobody is there");
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    database.cluster.up();
    assert!(matches!(store.ingest(&batch(2)), Ok(Ingested::Kept(_))));
    database.cluster.down("immediate");
    database.cluster.up();
    assert_eq!(names(&store).len(), 4, "read at once");
    database.cluster.down("fast");
    database.cluster.up();
    assert!(matches!(store.ingest(&batch(3)), Ok(Ingested::Kept(_))));
    check(&store, 3);
}

#[test]
fn what_was_acknowledged_outlives_a_server_that_stops_without_a_word() {
    let Some(database) = cluster::lonely_database() else {
        return;
    };
    database.sql(&format!(
        "ALTER DATABASE {} SET synchronous_commit = off",
        database.name
    ));
    let mut store = database.open();
    for number in 1..=40 {
        store.ingest(&batch(number)).unwrap();
    }
    database.cluster.down("immediate");
    database.cluster.up();
    check(&store, 40);
}

#[test]
fn a_database_that_may_only_be_read_is_named_with_the_remedy_and_can_be_read() {
    let Some(database) = cluster::database() else {
        return;
    };
    database.open().ingest(&batch(1)).unwrap();
    database.sql(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name
    ));
    let mut store = database.open();
    let error = store.ingest(&batch(2)).expect_err("it must be refused");
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    let error = store.annotate(&common::note()).expect_err("refused");
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert_eq!(names(&store).len(), 2);
}

/// Runs `test` of this program in a mount namespace of its own with a small file system. `false` if this machine forbids it.
fn in_small_file_system(test: &str) {
    let place = tempfile::Builder::new()
        .prefix("groma-full")
        .tempdir()
        .unwrap();
    let script = format!(
        "mount -t tmpfs -o size=40m,mode=755 none \"${DIRECTORY}\" && exec \"$0\" --exact {test} --nocapture"
    );
    let run = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, place.path())
        .output()
        .unwrap();
    let (said, failed) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    if !run.status.success() && said.is_empty() {
        cluster::skip(&format!("needs mount namespaces: {}", failed.trim()));
        return;
    }
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}{failed}"
    );
}

#[test]
fn a_disk_that_is_really_full_keeps_all_it_had_and_nothing_of_the_batch_that_did_not_fit() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        let test =
            "a_disk_that_is_really_full_keeps_all_it_had_and_nothing_of_the_batch_that_did_not_fit";
        return in_small_file_system(test);
    };
    let Some(cluster) = Cluster::start(&[]).map(Arc::new) else {
        return;
    };
    let (user, group) = cluster::account().unwrap();
    let small = directory.join("small");
    std::fs::create_dir(&small).unwrap();
    std::os::unix::fs::chown(&small, Some(user), Some(group)).unwrap();
    let place = small.display();
    cluster.sql(
        "postgres",
        &format!("CREATE TABLESPACE small LOCATION '{place}'"),
    );
    let database = Database::on(cluster);
    let name = &database.name;
    database.cluster.sql(
        "postgres",
        &format!("ALTER DATABASE {name} SET TABLESPACE small"),
    );
    let mut store = database.open();
    fill(&mut store);
    let more = Command::new("mount")
        .args(["-o", "remount,size=200m"])
        .arg(&directory)
        .status();
    assert!(more.unwrap().success());
    let after = survey("agt-after", 100, 500);
    assert!(matches!(store.ingest(&after), Ok(Ingested::Kept(_))));
}

/// Ingests until it is full, and checks that the last batch left nothing.
fn fill(store: &mut PostgresStore) {
    for host in 0..200 {
        let (before, watermark) = (all(store, &Moment::Now).len(), store.watermark().unwrap());
        match store.ingest(&survey(&format!("agt-{host}"), 100, 2000)) {
            Ok(_) => continue,
            Err(StoreError::Full { attempt }) => assert_eq!(attempt, "keep a batch"),
            Err(other) => panic!("{other}: {other:?}"),
        }
        assert!(host > 0, "something fitted");
        assert_eq!(store.watermark().unwrap(), watermark);
        assert_eq!(all(store, &Moment::Now).len(), before);
        return;
    }
    panic!("it never was full");
}
