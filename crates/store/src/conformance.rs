//! What every engine behind [`Store`] has to pass: the promises of the contract, one by one.
//!
//! An engine calls [`run`] from its own tests with a way to make an empty store. A broken promise panics with its name.

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{Account, Measurement};
use groma_model::store::{Annotation, IdentityKey, NewIdentities, Snapshot, Word};
use groma_model::{
    AgentId, Coverage, CoverageState, EntityId, Evidence, EvidenceState, Fact, Foreign, Gap, Hours,
    Lasted, Observation, Reason, Scope, Seen, SiteId, SourceName, Timestamp,
};

use crate::{Ingested, Moment, Store, StoreError};

use CoverageState::{Complete, Partial};
use EvidenceState::{Current, NotSeen};

/// The start of the world of this suite.
const DAWN: i64 = 1_795_000_000_000;

/// Every promise, each on a new empty store.
pub fn run(make: &dyn Fn() -> Box<dyn Store>) {
    let promises: &[fn(&mut dyn Store)] = &[
        the_same_batch_twice_has_no_effect,
        an_unchanged_look_only_moves_the_last_moment,
        only_a_complete_look_removes,
        the_most_specific_coverage_counts,
        a_source_that_did_not_look_touches_nothing,
        a_source_that_looked_and_said_nothing_leaves_not_seen,
        two_vantages_and_two_sites_keep_their_own_evidence,
        a_snapshot_never_changes,
        a_late_look_adds_what_was_true_then,
        a_log_keeps_its_own_times,
        hours_gather_over_looks_and_bytes_are_of_the_newest,
        numbers_show_their_newest_value_under_one_id,
        earlier_numbers_reach_back_thirty_days,
        evidence_is_sorted,
        a_batch_that_breaks_off_leaves_nothing,
        what_nobody_understands_is_kept_whole,
        looks_say_what_was_said,
        looks_of_some_vantages_are_theirs_alone,
        the_newest_epoch_tells_whether_a_list_is_news,
        the_ledger_remembers_and_the_newest_word_counts,
        snapshots_have_names_of_their_own,
        annotations_stay_in_order,
        an_installation_is_one_agent_and_counts_on,
    ];
    for promise in promises {
        promise(&mut *make());
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(DAWN + second * 1000)
}

/// A look of one source, of ten seconds, ending at `second`; its sequence is that second.
struct Look {
    agent: &'static str,
    second: i64,
    source: &'static str,
    records: Vec<Said>,
}

impl Look {
    fn at(second: i64) -> Self {
        Self {
            agent: "agt-a",
            second,
            source: "test.accounts",
            records: Vec::new(),
        }
    }

    fn by(self, agent: &'static str) -> Self {
        Self { agent, ..self }
    }

    fn through(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    fn said(mut self, said: Said) -> Self {
        self.records.push(said);
        self
    }

    /// Saw these accounts in `file:/etc/passwd` at the end of the look.
    fn saw(self, names: &[&str]) -> Self {
        let second = self.second;
        let fact = |name: &&str| {
            Said::Saw(Observation {
                scope: passwd(),
                fact: account(name),
                seen: Seen::once(at(second)),
            })
        };
        names.iter().map(fact).fold(self, Self::said)
    }

    fn covered(self, scope: &str, state: CoverageState) -> Self {
        let (from, to) = (at(self.second - 10), at(self.second));
        self.said(Said::Covered(Coverage {
            scope: scope_of(scope),
            state,
            from,
            to,
            how: None,
        }))
    }

    fn batch(self) -> Batch {
        let source = SourceName::new(self.source);
        let header = BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::new(self.agent),
            site: SiteId::default(),
            epoch: 1,
            sequence: self.second.unsigned_abs(),
            version: "0.1.0".to_owned(),
            started: at(self.second - 10),
            ended: at(self.second),
            sources: vec![source.clone()],
        };
        let records = self
            .records
            .into_iter()
            .map(|said| Record {
                source: source.clone(),
                said,
            })
            .collect();
        Batch { header, records }
    }

    fn into(self, store: &mut dyn Store) -> Ingested {
        store.ingest(&self.batch()).expect("the batch is sound")
    }
}

fn passwd() -> Scope {
    Scope::new("file", "/etc/passwd")
}

fn scope_of(text: &str) -> Scope {
    let (space, path) = text.split_once(':').expect("a scope has a colon");
    Scope::new(space, path)
}

fn account(name: &str) -> Fact {
    Fact::Account(Account {
        name: name.into(),
        id: "1000".to_owned(),
        home: None,
        shell: None,
        can_log_in: true,
    })
}

fn name_of(evidence: &Evidence) -> String {
    match &evidence.fact {
        Fact::Account(account) => account.name.to_string(),
        other => format!("{other:?}"),
    }
}

fn all(store: &dyn Store, moment: &Moment) -> Vec<Evidence> {
    let evidence = store.evidence(moment).expect("evidence can be read");
    evidence
        .collect::<Result<_, _>>()
        .expect("every row can be read")
}

/// Names and states of the accounts known now, by name.
fn states(store: &dyn Store) -> Vec<(String, EvidenceState)> {
    states_at(store, &Moment::Now)
}

fn states_at(store: &dyn Store, moment: &Moment) -> Vec<(String, EvidenceState)> {
    let mut states: Vec<_> = all(store, moment)
        .iter()
        .map(|e| (name_of(e), e.state))
        .collect();
    states.sort_by(|a, b| a.0.cmp(&b.0));
    states
}

fn are(expected: &[(&str, EvidenceState)]) -> Vec<(String, EvidenceState)> {
    expected
        .iter()
        .map(|(name, state)| ((*name).to_owned(), *state))
        .collect()
}

fn taken(store: &mut dyn Store, name: &str, second: i64) -> Snapshot {
    store
        .take_snapshot(name, at(second))
        .expect("the name is free")
}

fn the_same_batch_twice_has_no_effect(store: &mut dyn Store) {
    let batch = Look::at(100)
        .saw(&["anna", "boris"])
        .covered("file:/etc", Complete)
        .batch();
    assert!(matches!(store.ingest(&batch), Ok(Ingested::Kept(tally)) if tally.appeared == 2));
    let (before, watermark) = (
        all(store, &Moment::Now),
        store.watermark().expect("a number"),
    );
    assert!(matches!(store.ingest(&batch), Ok(Ingested::AlreadyKept)));
    assert_eq!(all(store, &Moment::Now), before);
    assert_eq!(store.watermark().expect("a number"), watermark);
}

fn an_unchanged_look_only_moves_the_last_moment(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    let first = all(store, &Moment::Now);
    let second = Look::at(200)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    assert!(matches!(second, Ingested::Kept(tally) if tally.facts == 1 && tally.appeared == 0));
    let again = all(store, &Moment::Now);
    let (first, again) = (first.first().expect("anna"), again.first().expect("anna"));
    assert_eq!(first.id, again.id);
    assert_eq!((first.seen.first, first.seen.last), (at(100), at(100)));
    assert_eq!((again.seen.first, again.seen.last), (at(100), at(200)));
    let json = serde_json::to_string(&account("anna")).expect("a fact is JSON");
    assert_eq!(
        again.id,
        Evidence::id_of(
            &again.site,
            &again.vantage,
            &again.source,
            &again.scope,
            &json
        )
    );
}

fn only_a_complete_look_removes(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna", "boris"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(200)
        .saw(&["anna"])
        .covered("file:/etc", Partial)
        .into(store);
    assert_eq!(states(store), are(&[("anna", Current), ("boris", NotSeen)]));
    let boris = all(store, &Moment::Now)
        .into_iter()
        .find(|e| e.state == NotSeen)
        .expect("boris");
    assert_eq!(
        boris.seen.last,
        at(100),
        "the look at 100 was the last to see boris"
    );
    Look::at(300)
        .saw(&["anna"])
        .covered("file:/etc", Partial)
        .into(store);
    assert_eq!(states(store), are(&[("anna", Current), ("boris", NotSeen)]));
    let look = Look::at(400)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    assert!(matches!(look, Ingested::Kept(tally) if tally.removed == 1));
    assert_eq!(states(store), are(&[("anna", Current)]));
    Look::at(500)
        .saw(&["anna", "boris"])
        .covered("file:/etc", Complete)
        .into(store);
    assert_eq!(states(store), are(&[("anna", Current), ("boris", Current)]));
}

fn the_most_specific_coverage_counts(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna"])
        .covered("file:/", Complete)
        .into(store);
    Look::at(200)
        .covered("file:/", Complete)
        .covered("file:/etc/passwd", Partial)
        .into(store);
    assert_eq!(states(store), are(&[("anna", NotSeen)]));
    let gap = Gap {
        scope: passwd(),
        what: "accounts".to_owned(),
        reason: Reason::PermissionDenied,
        remedy: None,
    };
    Look::at(300)
        .covered("file:/", Complete)
        .said(Said::Missed(gap))
        .into(store);
    assert_eq!(states(store), are(&[("anna", NotSeen)]));
    Look::at(400)
        .covered("file:/etc", Partial)
        .covered("file:/etc/passwd", Complete)
        .into(store);
    assert_eq!(states(store), are(&[]));
}

fn a_source_that_did_not_look_touches_nothing(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(200)
        .through("test.other")
        .covered("file:/etc", Complete)
        .into(store);
    assert_eq!(states(store), are(&[("anna", Current)]));
    assert_eq!(
        all(store, &Moment::Now).first().expect("anna").seen.last,
        at(100)
    );
}

fn a_source_that_looked_and_said_nothing_leaves_not_seen(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(200).into(store);
    assert_eq!(states(store), are(&[("anna", NotSeen)]));
}

fn two_vantages_and_two_sites_keep_their_own_evidence(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(100)
        .by("agt-b")
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    let mut elsewhere = Look::at(100)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .batch();
    elsewhere.header.site = SiteId::new("north");
    store.ingest(&elsewhere).expect("the batch is sound");
    let mut ids: Vec<_> = all(store, &Moment::Now).into_iter().map(|e| e.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    Look::at(200).covered("file:/etc", Complete).into(store);
    let left: Vec<_> = all(store, &Moment::Now)
        .into_iter()
        .map(|e| (e.site.to_string(), e.vantage.to_string()))
        .collect();
    assert_eq!(
        left,
        [
            ("default".to_owned(), "agt-b".to_owned()),
            ("north".to_owned(), "agt-a".to_owned())
        ]
    );
}

fn a_snapshot_never_changes(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna", "boris"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(200)
        .saw(&["anna"])
        .covered("file:/etc", Partial)
        .into(store);
    let before = taken(store, "before", 250);
    let moment = Moment::Snapshot(before.clone());
    let (then, looks, window) = (
        all(store, &moment),
        store.looks(&moment).expect("looks"),
        store.window(&moment).expect("a window"),
    );
    assert_eq!(then, all(store, &Moment::Now));
    Look::at(150)
        .saw(&["carla"])
        .covered("file:/etc", Partial)
        .into(store);
    Look::at(300)
        .saw(&["dora"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(90)
        .by("agt-late")
        .saw(&["emil"])
        .covered("file:/etc", Complete)
        .into(store);
    assert_eq!(states(store), are(&[("dora", Current), ("emil", Current)]));
    assert_eq!(all(store, &moment), then);
    assert_eq!(store.looks(&moment).expect("looks"), looks);
    assert_eq!(store.window(&moment).expect("a window"), window);
    assert_eq!(store.snapshot("before").expect("it was taken"), before);
    // A host whose clock is ahead of ours belongs to the snapshot as well.
    Look::at(9_000_000)
        .by("agt-ahead")
        .saw(&["fritz"])
        .covered("file:/etc", Complete)
        .into(store);
    let ahead = Moment::Snapshot(taken(store, "ahead", 400));
    assert_eq!(
        states_at(store, &ahead),
        are(&[("dora", Current), ("emil", Current), ("fritz", Current)])
    );
}

fn a_late_look_adds_what_was_true_then(store: &mut dyn Store) {
    Look::at(300)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    Look::at(200)
        .saw(&["anna", "boris"])
        .covered("file:/etc", Complete)
        .into(store);
    assert_eq!(states(store), are(&[("anna", Current)]));
    assert_eq!(
        all(store, &Moment::Now).first().expect("anna").seen.first,
        at(200)
    );
    let then = Snapshot {
        valid_at: at(250),
        ..taken(store, "all", 400)
    };
    assert_eq!(
        states_at(store, &Moment::Snapshot(then)),
        are(&[("anna", Current), ("boris", Current)])
    );
    Look::at(100)
        .saw(&["carla"])
        .covered("file:/etc", Complete)
        .into(store);
    assert_eq!(states(store), are(&[("anna", Current)]));
}

fn a_log_keeps_its_own_times(store: &mut dyn Store) {
    let line = |second, first, last, count| {
        let seen = Seen::between(at(first), at(last), count);
        let saw = Said::Saw(Observation {
            scope: Scope::new("log", "mail"),
            fact: account("anna"),
            seen,
        });
        Look::at(second).said(saw).covered("log:mail", Complete)
    };
    let seen = |store: &dyn Store| all(store, &Moment::Now).first().expect("anna").seen;
    line(100_000, 5, 50, 7).into(store);
    assert_eq!(seen(store), Seen::between(at(5), at(50), 7));
    line(200_000, 5, 50, 7).into(store);
    assert_eq!(seen(store), Seen::between(at(5), at(50), 7));
    line(300_000, 20, 250_000, 9).into(store);
    assert_eq!(seen(store), Seen::between(at(5), at(250_000), 9));
    Look::at(400_000).covered("log:mail", Partial).into(store);
    let gone = all(store, &Moment::Now);
    let gone = gone.first().expect("anna");
    assert_eq!(
        (gone.state, gone.seen.last, gone.seen.count),
        (NotSeen, at(250_000), 9)
    );
}

fn hours_gather_over_looks_and_bytes_are_of_the_newest(store: &mut dyn Store) {
    let hour = |number: i64| Hours::of(Timestamp::from_seconds(number * 3600));
    let watched = |second, hours, bytes, milliseconds| {
        let seen = Seen {
            hours,
            bytes: Some(bytes),
            lasted: Some(Lasted::once(milliseconds)),
            ..Seen::once(at(second))
        };
        let saw = Said::Saw(Observation {
            scope: Scope::new("file", "/etc"),
            fact: account("anna"),
            seen,
        });
        Look::at(second).said(saw)
    };
    let seen = |store: &dyn Store| all(store, &Moment::Now).first().expect("anna").seen;
    watched(100, hour(1), 1000, 5).into(store);
    watched(200, hour(9), 1001, 70).into(store);
    watched(300, hour(1), 1002, 6).into(store);
    let now = seen(store);
    assert_eq!(now.hours, hour(1).joined(hour(9)));
    assert_eq!(now.bytes, Some(1001), "news, because the hour was");
    assert_eq!(now.lasted, Some(Lasted::once(5).joined(Lasted::once(70))));
    Look::at(400).into(store);
    assert_eq!(seen(store).hours, now.hours, "kept while it is not seen");
    Look::at(500).saw(&["anna"]).into(store);
    assert_eq!(seen(store).hours, now.hours, "and when nobody counts");
}

fn numbers_show_their_newest_value_under_one_id(store: &mut dyn Store) {
    let measured = |second: i64, value| {
        let fact = Fact::Measurement(Measurement {
            metric: "file_system_free_bytes".to_owned(),
            subject: Foreign::from_bytes(*b"/sr\xff"),
            value,
        });
        let saw = Said::Saw(Observation {
            scope: Scope::new("disk", "/srv"),
            fact,
            seen: Seen::once(at(second)),
        });
        Look::at(second).said(saw).covered("disk:", Complete)
    };
    let value = |store: &dyn Store| match all(store, &Moment::Now).as_slice() {
        [
            Evidence {
                id,
                fact: Fact::Measurement(m),
                seen,
                state,
                ..
            },
        ] => (id.clone(), m.value, seen.last, *state),
        other => panic!("one number was expected: {other:?}"),
    };
    measured(100, 0.1).into(store);
    let first = value(store);
    measured(300, 0.3).into(store);
    measured(200, 0.2).into(store);
    assert_eq!(value(store), (first.0.clone(), 0.3, at(300), Current));
    Look::at(400).covered("disk:", Partial).into(store);
    assert_eq!(value(store), (first.0, 0.3, at(300), NotSeen));
    Look::at(500).covered("disk:", Complete).into(store);
    assert_eq!(all(store, &Moment::Now), []);
}

fn earlier_numbers_reach_back_thirty_days(store: &mut dyn Store) {
    let day = 86_400;
    for (number, value) in [(0, 1.0), (10, 2.0), (35, 3.0), (36, 4.0)] {
        let fact = Fact::Measurement(Measurement {
            metric: "content_bytes".to_owned(),
            subject: "/srv/mail".into(),
            value,
        });
        let saw = Said::Saw(Observation {
            scope: Scope::new("archive", "/srv/mail"),
            fact,
            seen: Seen::once(at(number * day)),
        });
        Look::at(number * day)
            .said(saw)
            .covered("archive:/srv", Complete)
            .into(store);
    }
    let earlier = store.earlier_numbers(&Moment::Now).expect("numbers");
    let [one] = earlier.as_slice() else {
        panic!("one series: {earlier:?}");
    };
    assert_eq!((one.value, one.at), (2.0, at(10 * day)));
    assert_eq!(one.scope, Scope::new("archive", "/srv/mail"));
}

fn evidence_is_sorted(store: &mut dyn Store) {
    for agent in ["agt-c", "agt-a", "agt-b"] {
        Look::at(100)
            .by(agent)
            .saw(&["anna", "boris", "carla"])
            .covered("file:/etc", Complete)
            .into(store);
        Look::at(200)
            .by(agent)
            .through("test.a")
            .saw(&["dora"])
            .into(store);
    }
    let keys: Vec<_> = all(store, &Moment::Now)
        .into_iter()
        .map(|e| (e.site, e.vantage, e.source))
        .collect();
    assert_eq!(keys.len(), 12);
    assert!(keys.is_sorted());
}

fn a_batch_that_breaks_off_leaves_nothing(store: &mut dyn Store) {
    Look::at(100)
        .saw(&["anna"])
        .covered("file:/etc", Complete)
        .into(store);
    let (before, watermark) = (
        all(store, &Moment::Now),
        store.watermark().expect("a number"),
    );
    let batch = Look::at(200)
        .saw(&["boris", "carla"])
        .covered("file:/etc", Complete)
        .batch();
    let broken = batch
        .records
        .iter()
        .take(2)
        .cloned()
        .map(Ok)
        .chain([Err("the line broke".into())]);
    let error = store.ingest_records(&batch.header, &mut { broken });
    assert!(matches!(error, Err(StoreError::Input(_))));
    assert_eq!(
        (
            all(store, &Moment::Now),
            store.watermark().expect("a number")
        ),
        (before, watermark)
    );
    assert!(matches!(store.ingest(&batch), Ok(Ingested::Kept(_))));
    assert_eq!(
        states(store),
        are(&[("boris", Current), ("carla", Current)])
    );
}

fn what_nobody_understands_is_kept_whole(store: &mut dyn Store) {
    let raw = serde_json::json!({"fact": "moon-base", "crater": 7, "depth": 0.1});
    let unknown = Fact::Unknown(raw);
    let foreign = Fact::Account(Account {
        name: Foreign::from_bytes(*b"a\xffb"),
        id: "0".to_owned(),
        home: None,
        shell: None,
        can_log_in: false,
    });
    let saw = |fact: &Fact| {
        Said::Saw(Observation {
            scope: Scope::new("moon", ""),
            fact: fact.clone(),
            seen: Seen::once(at(100)),
        })
    };
    Look::at(100)
        .said(saw(&unknown))
        .said(saw(&foreign))
        .into(store);
    let facts: Vec<_> = all(store, &Moment::Now)
        .into_iter()
        .map(|e| e.fact)
        .collect();
    assert!(
        facts.len() == 2 && facts.contains(&unknown) && facts.contains(&foreign),
        "{facts:?}"
    );
}

fn looks_say_what_was_said(store: &mut dyn Store) {
    assert_eq!(store.window(&Moment::Now).expect("a window"), None);
    let log = Coverage {
        scope: Scope::new("log", "mail"),
        state: Partial,
        from: at(-900_000),
        to: at(100),
        how: None,
    };
    let gap = Gap {
        scope: passwd(),
        what: "accounts".to_owned(),
        reason: Reason::Unknown("moon".to_owned()),
        remedy: Some("wait".to_owned()),
    };
    let look = Look::at(100)
        .covered("file:/etc", Complete)
        .said(Said::Covered(log.clone()))
        .said(Said::Missed(gap.clone()));
    look.into(store);
    Look::at(300)
        .by("list-1")
        .through("declared.list")
        .covered("list:hosts.csv", Complete)
        .into(store);
    let looks = store.looks(&Moment::Now).expect("looks");
    let look = looks.first().expect("a look");
    assert_eq!(
        (look.vantage.as_str(), look.started, look.ended),
        ("agt-a", at(90), at(100))
    );
    let etc = Coverage {
        scope: Scope::new("file", "/etc"),
        state: Complete,
        from: at(90),
        to: at(100),
        how: None,
    };
    assert_eq!((&look.coverage, &look.gaps), (&vec![etc, log], &vec![gap]));
    let source = look.source.to_string();
    let spans = |sources: &[&str]| -> Vec<(i64, i64)> {
        let spans = store.spans(&Moment::Now, sources).expect("spans");
        let seconds = |time: Timestamp| (time.millis() - DAWN) / 1000;
        let each = spans.iter();
        each.map(|span| (seconds(span.started), seconds(span.ended)))
            .collect()
    };
    assert_eq!(spans(&[&source]), [(90, 100)]);
    assert_eq!(spans(&[&source, "declared.list"]), [(90, 100), (290, 300)]);
    assert!(spans(&["network.sweep"]).is_empty());
    assert_eq!(
        store.window(&Moment::Now).expect("a window"),
        Some((at(90), at(300)))
    );
    let imports = store.imports(&Moment::Now).expect("imports");
    let lists: Vec<_> = imports
        .iter()
        .flat_map(|l| &l.coverage)
        .map(|c| c.scope.as_str())
        .collect();
    assert_eq!(lists, ["list:hosts.csv"]);
}

fn looks_of_some_vantages_are_theirs_alone(store: &mut dyn Store) {
    for second in [100, 200, 300] {
        Look::at(second).covered("file:/etc", Complete).into(store);
    }
    Look::at(250)
        .by("agt-b")
        .covered("file:/etc", Partial)
        .into(store);
    let before = store
        .take_snapshot("before", at(310))
        .expect("a snapshot is taken");
    Look::at(400).covered("file:/etc", Partial).into(store);
    let looks = store.looks(&Moment::Now).expect("looks");
    let source = looks.first().expect("a look").source.to_string();
    let agent = |name: &str| (SiteId::default(), AgentId::new(name));
    let seconds = |time: Timestamp| (time.millis() - DAWN) / 1000;
    let spans = |moment: &Moment, of: &[(SiteId, AgentId)], since: i64| -> Vec<(String, i64)> {
        let spans = store.spans_of(moment, &source, of, at(since));
        let each = spans.expect("spans").into_iter();
        each.map(|span| (span.vantage.to_string(), seconds(span.ended)))
            .collect()
    };
    let told = |vantage: &str, ends: &[i64]| -> Vec<(String, i64)> {
        ends.iter().map(|end| (vantage.to_owned(), *end)).collect()
    };
    let (a, b) = (agent("agt-a"), agent("agt-b"));
    assert_eq!(
        spans(&Moment::Now, std::slice::from_ref(&a), 0),
        told("agt-a", &[100, 200, 300, 400])
    );
    assert_eq!(
        spans(&Moment::Now, std::slice::from_ref(&a), 200),
        told("agt-a", &[300, 400]),
        "what ended at that moment is over"
    );
    let both = [told("agt-a", &[300, 400]), told("agt-b", &[250])].concat();
    assert_eq!(
        spans(&Moment::Now, &[b.clone(), a.clone(), agent("agt-c")], 200),
        both
    );
    assert!(spans(&Moment::Now, &[], 0).is_empty());
    let then = Moment::Snapshot(before);
    assert_eq!(
        spans(&then, std::slice::from_ref(&a), 0),
        told("agt-a", &[100, 200, 300])
    );
    let said = |moment: &Moment, source: &str, since: i64| -> Vec<(i64, CoverageState)> {
        let looks = store.looks_of(moment, source, &a, at(since));
        let each = looks.expect("looks").into_iter();
        each.flat_map(|look| {
            assert_eq!(look.vantage, a.1);
            let end = seconds(look.ended);
            look.coverage.into_iter().map(move |c| (end, c.state))
        })
        .collect()
    };
    assert_eq!(
        said(&Moment::Now, &source, 150),
        [(200, Complete), (300, Complete), (400, Partial)]
    );
    assert_eq!(
        said(&then, &source, 150),
        [(200, Complete), (300, Complete)]
    );
    assert!(said(&Moment::Now, "host.moon", 0).is_empty());
}

fn the_newest_epoch_tells_whether_a_list_is_news(store: &mut dyn Store) {
    let (site, list) = (SiteId::default(), AgentId::new("list-1"));
    assert_eq!(store.newest_epoch(&site, &list).expect("an answer"), None);
    for (second, epoch, names) in [(100, 7, ["anna"]), (200, 8, ["boris"]), (300, 7, ["anna"])] {
        let mut batch = Look::at(second)
            .by("list-1")
            .saw(&names)
            .covered("file:/etc", Complete)
            .batch();
        batch.header.epoch = epoch;
        assert!(
            matches!(store.ingest(&batch), Ok(Ingested::Kept(_))),
            "a list that goes back to what it said is news"
        );
        assert_eq!(
            store.newest_epoch(&site, &list).expect("an answer"),
            Some(epoch)
        );
        assert_eq!(states(store), names.map(|name| (name.to_owned(), Current)));
    }
    assert_eq!(
        store
            .newest_epoch(&SiteId::new("north"), &list)
            .expect("an answer"),
        None
    );
}

fn the_ledger_remembers_and_the_newest_word_counts(store: &mut dyn Store) {
    let key = |value: &str| IdentityKey {
        site: SiteId::default(),
        kind: "machine-id".to_owned(),
        value: value.to_owned(),
    };
    let (one, two) = (
        EntityId::from_random([1; 16]),
        EntityId::from_random([2; 16]),
    );
    let marks = [(key("a"), one.clone()), (key("b"), two.clone())];
    let merge = [(two.clone(), (one.clone(), "two marks agree".to_owned()))];
    let new = NewIdentities {
        known: marks.clone().into(),
        merged: merge.into(),
    };
    assert_eq!(store.ledger_number().expect("the ledger"), 0);
    store.remember(&new).expect("the ledger grows");
    let then = store.ledger_number().expect("the ledger");
    store.remember(&new).expect("saying it twice is harmless");
    assert_eq!(store.ledger_number().expect("the ledger"), then);
    let ledger = store.identities().expect("the ledger");
    assert_eq!(ledger.known, marks.into());
    assert_eq!(ledger.entity(&key("b")), Some(&one));
    let moved_since = |store: &dyn Store, number| store.ledger_moved_since(number);
    assert!(moved_since(store, 0).expect("the ledger"), "a merge");
    let more = NewIdentities {
        known: [(key("c"), one.clone())].into(),
        ..NewIdentities::default()
    };
    store.remember(&more).expect("the ledger grows");
    assert!(!moved_since(store, then).expect("the ledger"), "one more");
    let moved = NewIdentities {
        known: [(key("a"), two)].into(),
        ..NewIdentities::default()
    };
    store.remember(&moved).expect("the ledger grows");
    assert!(
        moved_since(store, then).expect("the ledger"),
        "a mark moved"
    );
    let again = store.ledger_number().expect("the ledger");
    for entity in [[3; 16], [4; 16]] {
        assert!(!moved_since(store, again).expect("the ledger"), "minted");
        let minted = NewIdentities {
            known: [(key("d"), EntityId::from_random(entity))].into(),
            ..NewIdentities::default()
        };
        store.remember(&minted).expect("the ledger grows");
    }
    // Also a mark that was minted after: whoever concludes reads the number before, and mints.
    assert!(moved_since(store, again).expect("the ledger"), "it moved");
    store
        .remember(&NewIdentities::default())
        .expect("nothing new is harmless");
    assert_eq!(store.identities().expect("the ledger").known.len(), 4);
    assert_ne!(
        store.identities().expect("the ledger").known.get(&key("a")),
        Some(&one)
    );
}

fn snapshots_have_names_of_their_own(store: &mut dyn Store) {
    taken(store, "before-w1", 100);
    taken(store, "after-w1", 200);
    assert!(matches!(
        store.take_snapshot("before-w1", at(300)),
        Err(StoreError::NameTaken { .. })
    ));
    for bad in ["", "a b", "../x", ".x", "-x", "a/b", "é", &"a".repeat(65)] {
        assert!(
            matches!(
                store.take_snapshot(bad, at(300)),
                Err(StoreError::BadName { .. })
            ),
            "{bad}"
        );
    }
    let names = |store: &dyn Store| {
        store
            .snapshots()
            .expect("snapshots")
            .into_iter()
            .map(|s| s.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(store), ["before-w1", "after-w1"]);
    store.remove_snapshot("before-w1").expect("it is there");
    assert_eq!(names(store), ["after-w1"]);
    let error = store.remove_snapshot("before-w1").expect_err("it is gone");
    assert!(error.to_string().contains("after-w1"), "{error}");
}

fn annotations_stay_in_order(store: &mut dyn Store) {
    let said = |second, word| Annotation {
        about: "ent-1".to_owned(),
        by: "anna".to_owned(),
        at: at(second),
        word,
    };
    let words = [
        said(200, Word::Owner("mail team".to_owned())),
        said(100, Word::Note("x".to_owned())),
        said(200, Word::Owner("anna".to_owned())),
    ];
    for word in &words {
        store.annotate(word).expect("it is kept");
    }
    assert_eq!(store.annotations().expect("annotations"), words);
}

fn an_installation_is_one_agent_and_counts_on(store: &mut dyn Store) {
    let site = SiteId::default();
    assert!(matches!(
        store.next_sequence(&site),
        Err(StoreError::NoLocalAgent { .. })
    ));
    let agent = store
        .local_agent(&site, &|| AgentId::from_random([1; 16]))
        .expect("it is minted");
    assert_eq!(
        store
            .local_agent(&site, &|| panic!("minted twice"))
            .expect("it is known"),
        agent
    );
    let numbers: Vec<_> = (0..3)
        .map(|_| store.next_sequence(&site).expect("a number"))
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
}
