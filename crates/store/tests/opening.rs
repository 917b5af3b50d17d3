//! What stands in the directory where a store is expected.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::fs;
use std::path::Path;

use common::{accounts, all, at, names};
use groma_model::CoverageState::Complete;
use groma_store::{Moment, SqliteStore, Store, StoreError};
use rusqlite::Connection;

fn refusal(directory: &Path) -> StoreError {
    SqliteStore::open(directory).expect_err("it must be refused")
}

#[test]
fn what_was_kept_is_there_after_opening_again() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    store
        .ingest(&accounts("agt-a", 100, &["anna"], Complete))
        .unwrap();
    let snapshot = store.take_snapshot("before", at(200)).unwrap();
    let before = all(&store, &Moment::Now);
    drop(store);
    let store = SqliteStore::open(place.path()).unwrap();
    assert_eq!(all(&store, &Moment::Now), before);
    assert_eq!(store.snapshot("before").unwrap(), snapshot);
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("new/data");
    let mut store = SqliteStore::open(&directory).unwrap();
    store
        .ingest(&accounts("agt-a", 100, &["anna"], Complete))
        .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let files: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    assert!(files.len() >= 2, "the file and its log: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_store_of_a_newer_version_names_both_and_stays_untouched() {
    let place = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(place.path()).unwrap());
    let file = Connection::open(place.path().join("groma.db")).unwrap();
    let newer = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (99, 'x', '2030-01-01T00:00:00Z', '1');
                 UPDATE made_by SET version = '9.9.9'; CREATE TABLE of_tomorrow (x);";
    file.execute_batch(newer).unwrap();
    let error = refusal(place.path()).to_string();
    for word in [
        "99",
        "9.9.9",
        env!("CARGO_PKG_VERSION"),
        "up to format 4",
        "upgrade groma",
    ] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let history: i64 = file
        .query_row("SELECT count(*) FROM refinery_schema_history", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(history, 5);
}

#[test]
fn a_file_that_is_no_store_is_refused_and_kept() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("groma.db");
    let garbage = b"this is somebody's letter, not a store. ".repeat(300);
    fs::write(&file, &garbage).unwrap();
    let error = refusal(place.path());
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), garbage);
}

#[test]
fn the_database_of_another_program_is_refused_and_kept() {
    let place = tempfile::tempdir().unwrap();
    let file = Connection::open(place.path().join("groma.db")).unwrap();
    file.execute_batch("CREATE TABLE bookmarks (url TEXT)")
        .unwrap();
    drop(file);
    let error = refusal(place.path());
    assert!(error.to_string().contains("another program"), "{error}");
    let file = Connection::open(place.path().join("groma.db")).unwrap();
    let tables: i64 = file
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_store_cut_in_half_is_refused_not_misread() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    for second in 1..50 {
        store
            .ingest(&accounts(
                "agt-a",
                second * 100,
                &[&format!("name{second}")],
                Complete,
            ))
            .unwrap();
    }
    store.checkpoint().unwrap();
    drop(store);
    let file = place.path().join("groma.db");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, whole.get(..whole.len() / 2).unwrap()).unwrap();
    let opened = SqliteStore::open(place.path());
    let error =
        opened.and_then(|store| store.evidence(&Moment::Now)?.collect::<Result<Vec<_>, _>>());
    assert!(
        matches!(
            error,
            Err(StoreError::NotAStore { .. }
                | StoreError::Damaged { .. }
                | StoreError::Open { .. })
        ),
        "{error:?}"
    );
}

#[test]
fn a_directory_that_is_a_file_is_refused_with_the_remedy() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("data");
    fs::write(&file, "x").unwrap();
    let error = refusal(&file);
    assert!(error.to_string().contains("--data"), "{error}");
}

#[test]
fn a_reader_sees_one_moment_while_others_write() {
    let place = tempfile::tempdir().unwrap();
    let mut writer = SqliteStore::open(place.path()).unwrap();
    let many: Vec<String> = (0..9000).map(|n| format!("name{n:05}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    writer
        .ingest(&accounts("agt-a", 100, &many, Complete))
        .unwrap();
    let reader = SqliteStore::open(place.path()).unwrap();
    let mut evidence = reader.evidence(&Moment::Now).unwrap();
    assert!(evidence.next().unwrap().is_ok());
    writer
        .ingest(&accounts("agt-a", 200, &["late"], Complete))
        .unwrap();
    let rest: Vec<_> = evidence.collect::<Result<_, _>>().unwrap();
    assert_eq!(
        rest.len(),
        8999,
        "more than two pages, all of the moment it began at"
    );
    assert_eq!(names(&reader), ["late"]);
}

/// Switching to the write-ahead log, and the first migration, are steps at which SQLite answers "busy" at once.
#[test]
fn many_who_make_one_store_in_the_same_moment_all_get_it() {
    for _ in 0..25 {
        let place = tempfile::tempdir().unwrap();
        let opened: Vec<_> = std::thread::scope(|scope| {
            let open = || SqliteStore::open(place.path());
            let all: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for store in opened {
            store.unwrap();
        }
    }
}
