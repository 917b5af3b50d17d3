//! The engine on a server keeps the promises of the contract, and shows what the embedded one shows.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests only")]

mod cluster;
mod common;

use std::cell::RefCell;

use common::{accounts, all, at, covered, header, names, saw, survey};
use groma_model::batch::{Batch, Record};
use groma_model::fact::Measurement;
use groma_model::store::{Annotation, IdentityKey, NewIdentities, Word};
use groma_model::{CoverageState, EntityId, Evidence, Fact, Foreign, Scope, SiteId};
use groma_store::{Ingested, Moment, PostgresStore, SqliteStore, Store, StoreError, conformance};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[test]
fn the_postgresql_engine_passes_the_suite() {
    let Some(database) = cluster::database() else {
        return;
    };
    let databases = RefCell::new(Vec::new());
    conformance::run(&|| {
        let database = cluster::Database::on(database.cluster.clone());
        let store = database.open();
        databases.borrow_mut().push(database);
        Box::new(store)
    });
    assert!(databases.borrow().len() > 20, "every promise was asked");
}

#[test]
fn the_postgresql_engine_keeps_a_fleet() {
    let Some(database) = cluster::database() else {
        return;
    };
    let databases = RefCell::new(Vec::new());
    groma_store::fleet_conformance::run(&|| {
        let database = cluster::Database::on(database.cluster.clone());
        let store = database.open();
        databases.borrow_mut().push(database);
        Box::new(store)
    });
    assert!(databases.borrow().len() > 5, "every promise was asked");
}

#[test]
fn the_postgresql_engine_forgets() {
    let Some(database) = cluster::database() else {
        return;
    };
    let databases = RefCell::new(Vec::new());
    groma_store::forget_conformance::run(&|| {
        let database = cluster::Database::on(database.cluster.clone());
        let store = database.open();
        databases.borrow_mut().push(database);
        Box::new(store)
    });
    assert!(databases.borrow().len() > 5, "every promise was asked");
}

/// Both engines, which are told the same.
struct Both {
    embedded: SqliteStore,
    server: PostgresStore,
}

impl Both {
    fn on(database: &cluster::Database) -> Self {
        Self {
            embedded: SqliteStore::open_in_memory().unwrap(),
            server: database.open(),
        }
    }

    fn ingest(&mut self, batch: &Batch) -> Ingested {
        let kept = self.embedded.ingest(batch).unwrap();
        assert_eq!(self.server.ingest(batch).unwrap(), kept);
        kept
    }

    /// What both show at `moment`.
    fn show(&self, moment: &Moment) -> Vec<Evidence> {
        let shown = all(&self.embedded, moment);
        assert_eq!(all(&self.server, moment), shown);
        let (embedded, server) = (&self.embedded, &self.server);
        assert_eq!(
            server.looks(moment).unwrap(),
            embedded.looks(moment).unwrap()
        );
        assert_eq!(
            server.window(moment).unwrap(),
            embedded.window(moment).unwrap()
        );
        assert_eq!(server.watermark().unwrap(), embedded.watermark().unwrap());
        let mut numbers = server.earlier_numbers(moment).unwrap();
        numbers.sort_by(|a, b| (&a.vantage, &a.subject).cmp(&(&b.vantage, &b.subject)));
        let mut known = embedded.earlier_numbers(moment).unwrap();
        known.sort_by(|a, b| (&a.vantage, &a.subject).cmp(&(&b.vantage, &b.subject)));
        assert_eq!(numbers, known);
        shown
    }
}

#[test]
fn in_whatever_order_looks_arrive_both_engines_show_the_same() {
    let Some(database) = cluster::database() else {
        return;
    };
    let look = (any::<[bool; 3]>(), any::<bool>());
    let looks = prop::collection::vec(look, 1..6);
    let order = prop::collection::vec(any::<u64>(), 6);
    let mut runner = TestRunner::new(Config::with_cases(12));
    let run = |(looks, order): (Vec<([bool; 3], bool)>, Vec<u64>)| {
        let mut both = Both::on(&cluster::Database::on(database.cluster.clone()));
        let mut numbers: Vec<usize> = (0..looks.len()).collect();
        numbers.sort_by_key(|n| order.get(*n).copied());
        let mut taken = Vec::new();
        for number in numbers {
            let (seen, complete) = looks.get(number).unwrap();
            let seen: Vec<&str> = ["anna", "boris", "carla"]
                .into_iter()
                .zip(seen)
                .filter_map(|(name, seen)| seen.then_some(name))
                .collect();
            let state = match complete {
                true => CoverageState::Complete,
                false => CoverageState::Partial,
            };
            let second = i64::try_from(number).unwrap() * 100 + 100;
            both.ingest(&accounts("agt-a", second, &seen, state));
            both.ingest(&survey("agt-b", second, 30));
            let name = format!("s{number}");
            let snapshot = both.server.take_snapshot(&name, at(0)).unwrap();
            assert_eq!(both.embedded.take_snapshot(&name, at(0)).unwrap(), snapshot);
            let moment = Moment::Snapshot(snapshot);
            taken.push((both.show(&moment), moment));
        }
        both.show(&Moment::Now);
        for (then, moment) in taken {
            assert_eq!(both.show(&moment), then);
        }
        Ok(())
    };
    runner.run(&(looks, order), run).unwrap();
}

/// A text that no index can make short.
fn noise(chance: &mut groma_fuzz::Chance, letters: usize) -> String {
    (0..letters)
        .map(|_| char::from(b'!' + u8::try_from(chance.below(90)).unwrap()))
        .collect()
}

/// A look at scopes, metrics and subjects of any length and with any letter, some with one begin.
fn strange(second: i64, state: CoverageState) -> Batch {
    let mut chance = groma_fuzz::Chance::new(7);
    let begin = noise(&mut chance, 900);
    let ends = (0..9).map(|n| format!("{begin}{}", noise(&mut chance, n * 500)));
    let mut texts: Vec<String> = ends.collect();
    texts.extend(
        [
            "a\0b",
            "a\u{1}b",
            "a",
            "",
            "\0",
            "ü/日本",
            "\\x41",
            "a'b\"c",
        ]
        .map(String::from),
    );
    texts.push(noise(&mut chance, 60_000));
    let source = "test.str\0nge";
    let mut records: Vec<Record> = Vec::new();
    for text in &texts {
        let scope = Scope::new("file", text);
        records.push(saw(source, &scope, common::account("anna"), second));
        records.push(saw(source, &scope, common::account(text), second));
        let fact = Measurement {
            metric: text.clone(),
            subject: Foreign::from_bytes([text.as_bytes(), b"\xff\0"].concat()),
            value: 1.5,
        };
        records.push(saw(source, &scope, Fact::Measurement(fact), second));
    }
    records.push(covered(source, &Scope::new("file", ""), state, second));
    Batch {
        header: header("agt-\0", second.unsigned_abs(), second, &[source]),
        records,
    }
}

#[test]
fn texts_of_any_length_and_letter_are_kept_whole_and_in_order() {
    let Some(database) = cluster::database() else {
        return;
    };
    let mut both = Both::on(&database);
    assert!(matches!(
        both.ingest(&strange(100, CoverageState::Complete)),
        Ingested::Kept(tally) if tally.appeared == 36 && tally.measurements == 18
    ));
    assert_eq!(both.show(&Moment::Now).len(), 54);
    assert!(matches!(
        both.ingest(&strange(200, CoverageState::Complete)),
        Ingested::Kept(tally) if tally.appeared == 0
    ));
    let mut empty = strange(300, CoverageState::Complete);
    let last = empty.records.pop().unwrap();
    empty.records = vec![last];
    assert!(matches!(
        both.ingest(&empty),
        Ingested::Kept(tally) if tally.removed == 36
    ));
    assert_eq!(both.show(&Moment::Now), []);
}

#[test]
fn marks_and_words_with_any_letter_are_kept_whole() {
    let Some(database) = cluster::database() else {
        return;
    };
    let mut store = database.open();
    let mut chance = groma_fuzz::Chance::new(8);
    let begin = noise(&mut chance, 3000);
    let key = |value: &str| IdentityKey {
        site: SiteId::new("n\0rth"),
        kind: "na\0me".to_owned(),
        value: value.to_owned(),
    };
    let one = EntityId::from_random([1; 16]);
    let marks = [format!("{begin}a"), format!("{begin}b"), "\0".to_owned()];
    let new = NewIdentities {
        known: marks.iter().map(|m| (key(m), one.clone())).collect(),
        ..NewIdentities::default()
    };
    store.remember(&new).unwrap();
    store.remember(&new).unwrap();
    assert_eq!(store.identities().unwrap().known, new.known);
    assert_eq!(database.sql("SELECT count(*) FROM groma.identity"), "3");
    let said = Annotation {
        about: "ent-\0".to_owned(),
        by: "anna\0".to_owned(),
        at: at(100),
        word: Word::Note("\0\u{7f}".to_owned()),
    };
    store.annotate(&said).unwrap();
    assert_eq!(store.annotations().unwrap(), [said]);
}

#[test]
fn a_name_no_key_can_hold_is_refused_by_both_engines() {
    let Some(database) = cluster::database() else {
        return;
    };
    let mut both = Both::on(&database);
    let batch = |agent: &str, site: &str, source: &str| {
        let mut batch = accounts(agent, 100, &["anna"], CoverageState::Complete);
        batch.header.site = SiteId::new(site);
        batch.header.sources = vec![groma_model::SourceName::new(source)];
        batch
    };
    let long = "x".repeat(201);
    for batch in [
        batch(&long, "s", "t"),
        batch("a", &long, "t"),
        batch("a", "s", &long),
    ] {
        let errors = [both.embedded.ingest(&batch), both.server.ingest(&batch)];
        for error in errors {
            assert!(matches!(error, Err(StoreError::Input(_))), "{error:?}");
        }
    }
    let fits = "y".repeat(200);
    both.ingest(&batch(&fits, &fits, &fits));
    assert_eq!(both.show(&Moment::Now).len(), 1);
}

#[test]
fn a_reader_sees_one_moment_while_others_write() {
    let Some(database) = cluster::database() else {
        return;
    };
    let (mut writer, reader) = (database.open(), database.open());
    let many: Vec<String> = (0..9000).map(|n| format!("name{n:05}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    writer
        .ingest(&accounts("agt-a", 100, &many, CoverageState::Complete))
        .unwrap();
    let mut evidence = reader.evidence(&Moment::Now).unwrap();
    let mut beside = reader.evidence(&Moment::Now).unwrap();
    assert!(evidence.next().unwrap().is_ok() && beside.next().unwrap().is_ok());
    writer
        .ingest(&accounts("agt-a", 200, &["late"], CoverageState::Complete))
        .unwrap();
    assert_eq!(names(&reader), ["late"], "asked between two pages");
    for stream in [evidence, beside] {
        let rest: Vec<_> = stream.collect::<Result<_, _>>().unwrap();
        assert_eq!(rest.len(), 8999, "more than two pages, all of one moment");
    }
}
