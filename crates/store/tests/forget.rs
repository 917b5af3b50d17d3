//! Forgetting, in the files of the embedded engine: nothing is left in any of them, whoever else reads or writes, and whenever it is killed.

#![allow(clippy::unwrap_used, reason = "tests only")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use groma_model::batch::Batch;
use groma_model::store::{IdentityKey, NewIdentities};
use groma_model::{EntityId, Evidence, SiteId, Timestamp};
use groma_store::forget_conformance::{account, all, everywhere, look, says, shown, unit};
use groma_store::{Forget, Ingested, Moment, SqliteStore, Store, StoreError, Whom};
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_795_000_000_000 + second * 1000)
}

fn forget(store: &mut SqliteStore, name: &str) -> groma_store::Act {
    let whom = Whom::person(name);
    store.forget(&whom, "jo", at(9000), &mut |_| ()).unwrap()
}

/// All bytes of all files in `directory`, as text.
fn bytes_in(directory: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        text.push_str(&String::from_utf8_lossy(&bytes));
        text.push('\n');
    }
    text
}

fn files_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// A name that stands nowhere but where it was put: also its letters within other bytes are a trace.
const NAME: &str = "Quixandra";

#[test]
fn nothing_of_a_name_is_left_in_any_file_while_another_connection_is_open() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    everywhere(&mut store, NAME, &["joanna", "boris"]);
    // What was in a page before it was changed is a trace too.
    for second in 300..340 {
        let seen = vec![account(NAME), unit(NAME, &format!("u{second}.service"))];
        store.ingest(&look("agt-a", second, seen)).unwrap();
        store
            .take_snapshot(&format!("{NAME}.{second}"), at(second))
            .unwrap();
        store.remove_snapshot(&format!("{NAME}.{second}")).unwrap();
    }
    let mut other = SqliteStore::open(place.path()).unwrap();
    assert!(!all(&other, &Moment::Now).is_empty());
    let holds = |text: &str| text.to_lowercase().contains(&NAME.to_lowercase());
    assert!(holds(&bytes_in(place.path())));
    let before = files_in(place.path());
    let act = forget(&mut store, NAME);
    assert!(act.swept);
    let text = bytes_in(place.path());
    assert!(!holds(&text), "in a file");
    let hex = groma_model::foreign::hex(NAME.as_bytes());
    assert!(!text.contains(&hex), "in hex");
    assert_eq!(files_in(place.path()), before, "no copy is left");
    assert!(!holds(&shown(&store)) && !holds(&shown(&other)));
    assert!(says(&shown(&other), "joanna"));
    // The other one goes on, and so does this one.
    let seen = vec![account("carla")];
    let kept = other.ingest(&look("agt-a", 400, seen)).unwrap();
    assert!(matches!(kept, Ingested::Kept(_)));
    let kept = store.ingest(&look("agt-b", 410, vec![account("carla")]));
    assert!(matches!(kept, Ok(Ingested::Kept(_))));
    drop((store, other));
    assert!(!holds(&bytes_in(place.path())));
}

#[test]
fn what_another_connection_remembers_of_a_stream_is_of_before_and_is_not_believed() {
    let place = tempfile::tempdir().unwrap();
    let mut serving = SqliteStore::open(place.path()).unwrap();
    let seen = || vec![account("anna"), unit("anna", "a.service"), account("boris")];
    serving.ingest(&look("agt-a", 100, seen())).unwrap();
    serving.ingest(&look("agt-a", 200, seen())).unwrap();
    let before = all(&serving, &Moment::Now);
    forget(&mut SqliteStore::open(place.path()).unwrap(), "anna");
    // The batch says all of it again, as an agent's does that knows nothing of this.
    let kept = serving.ingest(&look("agt-a", 300, seen())).unwrap();
    let Ingested::Kept(tally) = kept else {
        unreachable!("it is another look")
    };
    assert_eq!((tally.facts, tally.appeared), (3, 2));
    let ids = |all: &[Evidence]| -> Vec<String> { all.iter().map(|e| e.id.to_string()).collect() };
    assert_eq!(ids(&all(&serving, &Moment::Now)), ids(&before));
    // Once more: the mark is gone, nothing is doubled.
    let kept = serving.ingest(&look("agt-a", 400, seen())).unwrap();
    let Ingested::Kept(tally) = kept else {
        unreachable!("it is another look")
    };
    assert_eq!((tally.appeared, tally.removed), (0, 0));
}

#[test]
fn whoever_reads_meanwhile_is_told_and_does_not_see_half_of_it() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    let many = (0..9000).map(|n| account(&format!("name{n}")));
    let batch = look("agt-a", 100, many.chain([account("anna")]).collect());
    store.ingest(&batch).unwrap();
    let reader = SqliteStore::open(place.path()).unwrap();
    let mut evidence = reader.evidence(&Moment::Now).unwrap();
    assert!(evidence.next().unwrap().is_ok());
    forget(&mut store, "anna");
    let rest: Result<Vec<_>, _> = evidence.collect();
    assert!(matches!(rest, Err(StoreError::Forgotten { .. })));
    assert_eq!(all(&reader, &Moment::Now).len(), 9000);
}

#[test]
fn what_was_concluded_before_is_not_written_down_afterwards() {
    let place = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::open(place.path()).unwrap();
    store
        .ingest(&look("agt-a", 100, vec![account("anna")]))
        .unwrap();
    let mut reporting = SqliteStore::open(place.path()).unwrap();
    let mut new = NewIdentities::default();
    let key = IdentityKey {
        site: SiteId::default(),
        kind: "name".to_owned(),
        value: "anna".to_owned(),
    };
    new.known.insert(key, EntityId::new("ent-1"));
    reporting.identities().unwrap();
    forget(&mut store, "anna");
    let written = reporting.remember(&new);
    assert!(matches!(written, Err(StoreError::Forgotten { .. })));
    assert!(!says(&shown(&store), "anna"));
    reporting.identities().unwrap();
    reporting.remember(&NewIdentities::default()).unwrap();
}

const DIRECTORY: &str = "GROMA_STORE_TEST_DIRECTORY";

/// Not a test by itself: forgets, and says how far it has come.
#[test]
fn child_that_forgets_until_it_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let mut store = SqliteStore::open(&directory).unwrap();
    let heard = &mut |progress| {
        let mut out = std::io::stdout();
        writeln!(out, "heard {progress:?}").unwrap();
        out.flush().unwrap();
    };
    store
        .forget(&Whom::person(NAME), "jo", at(9000), heard)
        .unwrap();
}

#[test]
fn whenever_it_is_killed_all_is_there_or_nothing_and_the_next_one_finishes() {
    let (mut erased, mut whole) = (0, 0);
    let mut chance = groma_fuzz::Chance::new(80);
    for round in 0..12 {
        let place = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(place.path()).unwrap();
        everywhere(&mut store, NAME, &["joanna"]);
        let many = (0..600).map(|n| unit(NAME, &format!("u{n}.service")));
        store.ingest(&look("agt-a", 300, many.collect())).unwrap();
        let before = shown(&store);
        drop(store);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_forgets_until_it_is_killed",
                "--nocapture",
            ])
            .env(DIRECTORY, place.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let word = ["Erasing", "Sweeping"].get(round % 2).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        assert!(lines.any(|line| line.contains(word)));
        let wait = u64::try_from(chance.below(25_000)).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(wait));
        child.kill().unwrap();
        child.wait().unwrap();

        let mut store = SqliteStore::open(place.path()).unwrap();
        let after = shown(&store);
        match store.acts().unwrap().as_slice() {
            [] => {
                whole += 1;
                assert_eq!(after, before);
                forget(&mut store, NAME);
            }
            [_] => {
                erased += 1;
                assert!(!says(&after, NAME));
                store.sweep(&mut |_| ()).unwrap();
            }
            more => panic!("{more:?}"),
        }
        assert!(store.acts().unwrap().iter().all(|act| act.swept));
        let text = bytes_in(place.path()).to_lowercase();
        assert!(!text.contains(&NAME.to_lowercase()), "round {round}");
    }
    assert!(erased > 0, "{erased} {whole}");
}

/// Words of which some hold the name and some are it.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "quix",
        "Quix",
        "QUIX",
        "joquix",
        "quix-2",
        "quix.x",
        "quix@corp.example",
        "boris",
        "a b",
        "quix's",
        "/quix/",
        "CORP\\quix",
        "\"quix\"",
        "\nquix",
        "quixé",
        "équix",
        "x",
        "",
    ])
    .prop_map(str::to_owned)
}

fn batches() -> impl Strategy<Value = Vec<Vec<(String, String)>>> {
    prop::collection::vec(prop::collection::vec((word(), word()), 0..6), 1..5)
}

fn batch(number: usize, said: &[(String, String)]) -> Batch {
    let seen = said.iter().map(|(who, what)| unit(who, what));
    let accounts = said.iter().map(|(who, _)| account(who));
    let second = 100 * (1 + i64::try_from(number).unwrap());
    let agent = ["agt-a", "agt-b"].get(number % 2).copied();
    look(
        agent.unwrap_or_default(),
        second,
        seen.chain(accounts).collect(),
    )
}

/// True if the name stands in what evidence says.
fn is_of(evidence: &Evidence, name: &str) -> bool {
    fn any(value: &serde_json::Value, name: &str) -> bool {
        match value {
            serde_json::Value::String(text) => says(text, name),
            serde_json::Value::Array(all) => all.iter().any(|one| any(one, name)),
            serde_json::Value::Object(all) => all.values().any(|one| any(one, name)),
            _ => false,
        }
    }
    any(&serde_json::to_value(evidence).unwrap(), name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn of_any_store_only_the_name_goes(batches in batches()) {
        let place = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(place.path()).unwrap();
        for (number, said) in batches.iter().enumerate() {
            store.ingest(&batch(number, said)).unwrap();
            store.take_snapshot(&format!("s{number}"), at(100 + 100 * i64::try_from(number).unwrap())).unwrap();
        }
        let moments: Vec<Moment> = store.snapshots().unwrap().into_iter().map(Moment::Snapshot).chain([Moment::Now]).collect();
        let shown = |store: &SqliteStore, name: &str| -> Vec<Vec<Evidence>> {
            let others = |moment| all(store, moment).into_iter().filter(|e| !is_of(e, name)).collect();
            moments.iter().map(others).collect()
        };
        let before = shown(&store, "quix");
        let act = forget(&mut store, "quix");
        for moment in &moments {
            for evidence in all(&store, moment) {
                prop_assert!(!is_of(&evidence, "quix"), "{evidence:?}");
            }
        }
        prop_assert_eq!(shown(&store, &act.mark()), before);
        let again = store.traces(&Whom::person("quix"), &mut |_| ()).unwrap();
        prop_assert!(again.is_empty(), "{again:?}");
        let file = rusqlite_text(place.path());
        for text in file {
            prop_assert!(!says(&text, "quix"), "{text}");
        }
    }
}

/// The texts of JSON in the file, as somebody finds them who looks with other means.
fn rusqlite_text(directory: &Path) -> Vec<String> {
    let bytes = std::fs::read(directory.join("groma.db")).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // Within a page values stand side by side, so only what is in quotation marks is a text with a begin and an end.
    text.split('"').map(str::to_owned).collect()
}
