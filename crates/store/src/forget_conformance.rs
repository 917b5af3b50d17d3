//! What every engine behind [`Forget`] has to pass, promise by promise.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a broken promise panics with its name"
)]

use groma_model::batch::{BATCH_SCHEMA, Batch, BatchHeader, Record, Said};
use groma_model::fact::{Account, Connection, Direction, Measurement, Program, Unit};
use groma_model::store::{Annotation, IdentityKey, NewIdentities, Word};
use groma_model::{
    AgentId, Coverage, CoverageState, EntityId, Evidence, Fact, Foreign, Gap, Observation, Port,
    Reason, Scope, Seen, SiteId, SourceName, Timestamp, Transport,
};

use crate::forget::Progress;
use crate::{Act, Forget, Ingested, Kind, Moment, Spelling, Store, Whom};

/// The start of the world of this suite.
const DAWN: i64 = 1_795_000_000_000;

/// Every promise, each on a new empty store.
pub fn run(make: &dyn Fn() -> Box<dyn Forget>) {
    let promises: &[fn(&mut dyn Forget)] = &[
        a_person_goes_from_everywhere_and_everybody_else_stays,
        what_would_be_erased_is_told_first_and_nothing_is_changed,
        nobody_is_found_where_nobody_is,
        an_act_is_kept_and_names_nobody,
        whoever_is_said_again_is_heard_again,
        a_machine_goes_with_its_looks_and_what_others_saw_too_stays,
        no_number_is_given_again_and_a_named_moment_shows_nothing_that_came_later,
        two_spellings_of_one_name_come_to_one_fact,
        a_list_that_said_the_name_is_news_again,
        a_mark_that_is_somebodys_name_is_not_taken,
        a_text_longer_than_a_key_is_marked_too,
    ];
    for promise in promises {
        promise(&mut *make());
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(DAWN + second * 1000)
}

/// One look of the source `test.facts` that ends at `second` and saw these facts in these scopes, all there were.
pub fn look(agent: &str, second: i64, saw: Vec<(Scope, Fact)>) -> Batch {
    let source = SourceName::new("test.facts");
    let said = saw.into_iter().map(|(scope, fact)| {
        Said::Saw(Observation {
            scope,
            fact,
            seen: Seen::once(at(second)),
        })
    });
    let all = ["file", "user", "socket"].map(|space| {
        Said::Covered(Coverage {
            scope: Scope::new(space, ""),
            state: CoverageState::Complete,
            from: at(second - 10),
            to: at(second),
            how: None,
        })
    });
    let records = said.chain(all).map(|said| Record {
        source: source.clone(),
        said,
    });
    Batch {
        records: records.collect(),
        header: BatchHeader {
            schema: BATCH_SCHEMA.to_owned(),
            agent: AgentId::new(agent),
            site: SiteId::default(),
            epoch: 1,
            sequence: second.unsigned_abs(),
            version: "0.1.0".to_owned(),
            started: at(second - 10),
            ended: at(second),
            sources: vec![source],
        },
    }
}

/// The account of `name`, as `/etc/passwd` says it.
pub fn account(name: &str) -> (Scope, Fact) {
    let account = Account {
        name: name.into(),
        id: "1000".to_owned(),
        home: Some(format!("/home/{name}").into()),
        shell: None,
        can_log_in: true,
    };
    (Scope::new("file", "/etc/passwd"), Fact::Account(account))
}

/// Something `name` has running, out of a file of its own.
pub fn unit(name: &str, unit: &str) -> (Scope, Fact) {
    let file = format!("/home/{name}/{unit}");
    let fact = Fact::Unit(Unit {
        name: unit.into(),
        enabled: true,
        description: Some(format!("started for {name}, by \"{name}\"")),
        executable: None,
        user: Some(name.into()),
        requires: Vec::new(),
        file: file.as_str().into(),
    });
    (Scope::new("file", &file), fact)
}

fn connection(remote: &str) -> (Scope, Fact) {
    let fact = Fact::Connection(Connection {
        direction: Direction::Outgoing,
        local: "10.0.0.1".parse().unwrap(),
        remote: remote.parse().unwrap(),
        service_port: Port(443),
        transport: Transport::Tcp,
        program: Program::default(),
        asked: None,
        unasked: false,
    });
    (Scope::new("socket", "tcp"), fact)
}

fn keep(store: &mut dyn Forget, batch: &Batch) {
    assert!(matches!(store.ingest(batch).unwrap(), Ingested::Kept(_)));
}

fn forget(store: &mut dyn Forget, whom: &Whom) -> Act {
    let before = store.traces(whom, &mut |_| ()).unwrap();
    let act = store.forget(whom, "jo", at(9000), &mut |_| ()).unwrap();
    let told = crate::Traces {
        near: Vec::new(),
        ..before
    };
    assert_eq!(act.traces, told, "what was told is what was done");
    assert!(act.swept);
    act
}

/// Facts as they are shown at `moment`.
pub fn all(store: &dyn Store, moment: &Moment) -> Vec<Evidence> {
    let all = store.evidence(moment).unwrap();
    all.collect::<Result<_, _>>().unwrap()
}

/// All that a store can show, as text.
pub fn shown(store: &dyn Forget) -> String {
    let mut text = String::new();
    let snapshots = store.snapshots().unwrap();
    let moments = snapshots.iter().cloned().map(Moment::Snapshot);
    for moment in moments.chain([Moment::Now]) {
        for evidence in all(store, &moment) {
            text.push_str(&serde_json::to_string(&evidence).unwrap());
            text.push('\n');
        }
        text.push_str(&format!("{:?}\n", store.looks(&moment).unwrap()));
        text.push_str(&format!("{:?}\n", store.earlier_numbers(&moment).unwrap()));
    }
    text.push_str(&format!("{:?}\n", store.annotations().unwrap()));
    text.push_str(&format!("{:?}\n", store.identities().unwrap()));
    text.push_str(&format!("{snapshots:?}\n{:?}", store.acts().unwrap()));
    text
}

/// True if `text` says `name` as a word of its own. Written apart from what is tested.
pub fn says(text: &str, name: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    let mut words = text.split(|c| !of_word(c));
    words.any(|word| word.trim_matches('.').eq_ignore_ascii_case(name))
}

fn note(about: &str, by: &str, word: Word) -> Annotation {
    Annotation {
        about: about.to_owned(),
        by: by.to_owned(),
        at: at(50),
        word,
    }
}

fn moment(store: &dyn Store, name: &str) -> Moment {
    Moment::Snapshot(store.snapshot(name).unwrap())
}

/// A store in which `name` has left traces of every kind, beside what others left.
pub fn everywhere(store: &mut dyn Forget, name: &str, others: &[&str]) {
    let names: Vec<&str> = others.iter().copied().chain([name]).collect();
    let mut saw: Vec<(Scope, Fact)> = names.iter().map(|name| account(name)).collect();
    saw.extend(names.iter().map(|name| unit(name, "app.service")));
    for name in &names {
        let path = [b"/srv/".as_slice(), name.as_bytes(), b"/\xff"].concat();
        let fact = Fact::Measurement(Measurement {
            metric: "content_bytes".to_owned(),
            subject: Foreign::from_bytes(path),
            value: 7.0,
        });
        saw.push((Scope::new("file", &format!("/srv/{name}")), fact));
        let word: serde_json::Value =
            serde_json::json!({"of-tomorrow": {"who": format!("CORP\\{name}")}});
        saw.push((Scope::new("user", name), Fact::Unknown(word)));
    }
    let mut batch = look("agt-a", 100, saw);
    for name in &names {
        let gap = Gap {
            scope: Scope::new("file", &format!("/home/{name}/secret")),
            what: format!("what {name} keeps"),
            reason: Reason::PermissionDenied,
            remedy: None,
        };
        batch.records.push(Record {
            source: SourceName::new("test.facts"),
            said: Said::Missed(gap),
        });
    }
    keep(store, &batch);
    for name in &names {
        store
            .annotate(&note("ent-1", name, Word::Owner(format!("{name} (sales)"))))
            .unwrap();
        let word = Word::Verdict {
            verdict: groma_model::inventory::VerdictWord::Accepted,
            because: format!("{name} says so"),
        };
        store.annotate(&note("dep-1", "jo", word)).unwrap();
        let mut new = NewIdentities::default();
        let key = IdentityKey {
            site: SiteId::default(),
            kind: "name".to_owned(),
            value: (*name).to_owned(),
        };
        new.known
            .insert(key, EntityId::new(format!("ent-{}", name.len())));
        let why = format!("{name} is one");
        new.merged.insert(
            EntityId::new(format!("ent-9{}", name.len())),
            (EntityId::new("ent-1"), why),
        );
        store.remember(&new).unwrap();
    }
    store.take_snapshot(name, at(200)).unwrap();
    store.take_snapshot("before", at(200)).unwrap();
}

fn a_person_goes_from_everywhere_and_everybody_else_stays(store: &mut dyn Forget) {
    let others = ["joanna", "anna-server", "annabel", "anna.petrova", "annaX"];
    everywhere(store, "Anna", &others);
    let of_others = |store: &dyn Forget| -> Vec<Evidence> {
        let is_other = |evidence: &Evidence| {
            let text = serde_json::to_string(&evidence).unwrap();
            !says(&text, "anna")
                && !text.contains("forgotten")
                && !text.contains("616e6e612f")
                && !text.contains("416e6e612f")
        };
        all(store, &Moment::Now)
            .into_iter()
            .filter(is_other)
            .collect()
    };
    let (before, text) = (of_others(store), shown(store));
    assert!(says(&text, "anna"));
    let act = forget(store, &Whom::person("anna"));
    let after = shown(store);
    assert!(!says(&after, "anna"), "{after}");
    for bytes in ["/srv/anna/", "/srv/Anna/"] {
        let hex = groma_model::foreign::hex(bytes.as_bytes());
        assert!(!after.contains(&hex), "{after}");
    }
    assert!(says(&after, &act.mark()));
    assert_eq!(of_others(store), before, "ids, times and all");
    for other in others {
        assert!(says(&after, other), "{other}");
    }
    let traces = &act.traces;
    assert_eq!(
        (traces.facts_removed, traces.facts_changed),
        (1, 2),
        "{traces:?}"
    );
    assert_eq!((traces.numbers_changed, traces.reports_changed), (1, 1));
    assert_eq!(
        (traces.annotations_changed, traces.identities_changed),
        (2, 2)
    );
    assert_eq!(
        (traces.snapshots_renamed, traces.snapshots_affected),
        (1, 2)
    );
    assert!(store.snapshot(&act.mark()).is_ok());
    let again = store.traces(&Whom::person("anna"), &mut |_| ()).unwrap();
    assert!(again.is_empty(), "{again:?}");
}

fn what_would_be_erased_is_told_first_and_nothing_is_changed(store: &mut dyn Forget) {
    everywhere(store, "anna", &["joanna"]);
    let before = shown(store);
    let mut heard = 0;
    let traces = store
        .traces(&Whom::person("anna"), &mut |said| {
            heard += u32::from(matches!(said, Progress::Erasing | Progress::Sweeping));
        })
        .unwrap();
    assert!(!traces.is_empty() && heard == 0);
    assert_eq!(traces.near, ["joanna"]);
    assert_eq!(
        traces.as_person, 2,
        "the account, and what was said by that name"
    );
    assert_eq!(shown(store), before);
    assert!(store.acts().unwrap().is_empty());
}

fn nobody_is_found_where_nobody_is(store: &mut dyn Forget) {
    everywhere(store, "anna", &[]);
    let traces = store.traces(&Whom::person("ann"), &mut |_| ()).unwrap();
    assert!(traces.is_empty());
    assert_eq!(traces.near, ["anna"]);
    let empty = store.traces(&Whom::person(""), &mut |_| ()).unwrap();
    assert!(empty.is_empty(), "no name is nobody's");
}

fn an_act_is_kept_and_names_nobody(store: &mut dyn Forget) {
    keep(
        store,
        &look("agt-a", 100, vec![account("anna"), account("boris")]),
    );
    let heard = &mut |_| ();
    let first = store
        .forget(&Whom::person("boris"), "anna", at(200), heard)
        .unwrap();
    assert_eq!((first.number, first.by.as_str()), (1, "anna"));
    let second = store
        .forget(&Whom::person("anna"), "ANNA", at(300), heard)
        .unwrap();
    assert_eq!(
        (second.by.as_str(), second.traces.acts_changed),
        ("forgotten-2", 1)
    );
    let acts = store.acts().unwrap();
    let told: Vec<_> = acts
        .iter()
        .map(|act| (act.number, act.by.as_str(), act.kind))
        .collect();
    assert_eq!(
        told,
        [
            (1, "forgotten-2", Kind::Person),
            (2, "forgotten-2", Kind::Person)
        ]
    );
    assert_eq!(acts.last(), Some(&second));
    assert!(!store.sweep(&mut |_| ()).unwrap(), "nothing is left to do");
}

fn whoever_is_said_again_is_heard_again(store: &mut dyn Forget) {
    let seen = || {
        vec![
            account("anna"),
            unit("anna", "app.service"),
            account("joanna"),
        ]
    };
    keep(store, &look("agt-a", 100, seen()));
    let before = all(store, &Moment::Now);
    forget(store, &Whom::person("anna"));
    assert_eq!(
        store.ingest(&look("agt-a", 100, seen())).unwrap(),
        Ingested::AlreadyKept,
        "what came once does not come again"
    );
    let Ingested::Kept(tally) = store.ingest(&look("agt-a", 200, seen())).unwrap() else {
        unreachable!("it is another look")
    };
    assert_eq!(
        (tally.facts, tally.appeared, tally.removed),
        (3, 2, 1),
        "the marked unit is gone"
    );
    let ids = |all: &[Evidence]| -> Vec<String> { all.iter().map(|e| e.id.to_string()).collect() };
    assert_eq!(
        ids(&all(store, &Moment::Now)),
        ids(&before),
        "under the ids they had"
    );
    // The next one changes nothing.
    let Ingested::Kept(tally) = store.ingest(&look("agt-a", 300, seen())).unwrap() else {
        unreachable!("it is another look")
    };
    assert_eq!((tally.appeared, tally.removed, tally.not_seen), (0, 0, 0));
}

/// A machine `ent-7` that looks as `agt-b`, and is called web1.corp.example and 10.0.0.7.
fn web1() -> Whom {
    let mut whom = Whom::entity(EntityId::new("ent-7"));
    whom.spellings.push(Spelling::host("web1.corp.example"));
    whom.spellings.push(Spelling::host("web1").only_beside());
    whom.spellings
        .extend(Spelling::address("10.0.0.7".parse().unwrap()));
    whom.vantages.insert(AgentId::new("agt-b"));
    whom
}

fn a_machine_goes_with_its_looks_and_what_others_saw_too_stays(store: &mut dyn Forget) {
    let shared = || account("operator");
    let other_short = || unit("web1", "of-another-site.service");
    let named = || unit("web1.corp.example", "web1.service");
    keep(
        store,
        &look(
            "agt-a",
            100,
            vec![
                shared(),
                other_short(),
                named(),
                connection("10.0.0.7"),
                connection("10.0.0.70"),
            ],
        ),
    );
    keep(
        store,
        &look("agt-b", 110, vec![shared(), account("only-here")]),
    );
    store
        .annotate(&note("ent-7", "jo", Word::Note("old".to_owned())))
        .unwrap();
    store
        .annotate(&note(
            "ent-8",
            "jo",
            Word::Note("beside web1.corp.example".to_owned()),
        ))
        .unwrap();
    let mut new = NewIdentities::default();
    let key = |kind: &str, value: &str| IdentityKey {
        site: SiteId::default(),
        kind: kind.to_owned(),
        value: value.to_owned(),
    };
    new.known
        .insert(key("agent", "agt-b"), EntityId::new("ent-7"));
    new.known
        .insert(key("agent", "agt-a"), EntityId::new("ent-8"));
    store.remember(&new).unwrap();

    let act = forget(store, &web1());
    let traces = &act.traces;
    assert_eq!(
        (traces.looks_removed, traces.sightings_removed),
        (1, 3),
        "{traces:?}"
    );
    assert_eq!(
        (traces.facts_removed, traces.facts_changed),
        (2, 1),
        "{traces:?}"
    );
    let facts: Vec<Fact> = all(store, &Moment::Now)
        .into_iter()
        .map(|e| e.fact)
        .collect();
    assert_eq!(facts.len(), 4);
    let is_there = |(_, fact): &(Scope, Fact)| facts.contains(fact);
    assert!(is_there(&shared()) && is_there(&connection("10.0.0.70")));
    assert!(is_there(&other_short()), "web1 alone may be another one");
    let marked = unit(&act.mark(), "web1.service");
    assert!(is_there(&marked), "`web1.service` is a name of its own");
    let said = store.annotations().unwrap();
    assert_eq!(said.len(), 1, "{said:?}");
    let known = store.identities().unwrap();
    assert_eq!(known.known.len(), 1);
    assert!(!says(&shown(store), "web1.corp.example"));
    assert_eq!(store.looks(&Moment::Now).unwrap().len(), 1);
}

fn no_number_is_given_again_and_a_named_moment_shows_nothing_that_came_later(
    store: &mut dyn Forget,
) {
    keep(store, &look("agt-a", 100, vec![account("boris")]));
    keep(store, &look("agt-b", 110, vec![account("only-here")]));
    store.take_snapshot("before", at(120)).unwrap();
    let watermark = store.watermark().unwrap();
    forget(store, &web1());
    assert_eq!(store.watermark().unwrap(), watermark);
    let then = all(store, &moment(store, "before"));
    assert_eq!(then.len(), 1);
    // A late look, of a time before the moment.
    keep(store, &look("agt-c", 105, vec![account("carla")]));
    assert!(store.watermark().unwrap() > watermark);
    assert_eq!(all(store, &moment(store, "before")), then);
    assert_eq!(all(store, &Moment::Now).len(), 2);
}

fn two_spellings_of_one_name_come_to_one_fact(store: &mut dyn Forget) {
    let (one, other) = (unit("anna", "a.service"), unit("ANNA", "a.service"));
    keep(store, &look("agt-a", 100, vec![one.clone(), other]));
    keep(store, &look("agt-a", 200, vec![one]));
    assert_eq!(all(store, &Moment::Now).len(), 1, "the other one is gone");
    let act = forget(store, &Whom::person("anna"));
    let after = all(store, &Moment::Now);
    assert_eq!(after.len(), 1, "what is there counts, not what is gone");
    let fact = after.first().map(|evidence| evidence.fact.clone());
    assert_eq!(fact, Some(unit(&act.mark(), "a.service").1));
}

fn a_list_that_said_the_name_is_news_again(store: &mut dyn Forget) {
    for (list, name) in [("list-1", "anna"), ("list-2", "boris")] {
        keep(store, &look(list, 100, vec![unit(name, "a.service")]));
    }
    let epoch = |store: &dyn Forget, list: &str| {
        let found = store.newest_epoch(&SiteId::default(), &AgentId::new(list));
        found.unwrap()
    };
    let act = forget(store, &Whom::person("anna"));
    assert_eq!(act.traces.imports, 1);
    assert_ne!(epoch(store, "list-1"), Some(1));
    assert_eq!(epoch(store, "list-2"), Some(1));
    keep(store, &look("list-1", 100, vec![unit("anna", "a.service")]));
    assert!(says(&shown(store), "anna"));
}

fn a_mark_that_is_somebodys_name_is_not_taken(store: &mut dyn Forget) {
    let facts = vec![
        account("forgotten-1"),
        account("forgotten-2"),
        unit("anna", "a.service"),
    ];
    keep(store, &look("agt-a", 100, facts));
    let act = forget(store, &Whom::person("anna"));
    assert_eq!(act.mark(), "forgotten-3");
}

fn a_text_longer_than_a_key_is_marked_too(store: &mut dyn Forget) {
    let long = "x".repeat(3000);
    let scope = |name: &str| Scope::new("file", &format!("/{long}/{name}/y"));
    let number = |name: &str| {
        let fact = Measurement {
            metric: "content_bytes".to_owned(),
            subject: format!("/{long}/{name}").into(),
            value: 1.0,
        };
        (scope(name), Fact::Measurement(fact))
    };
    let (_, fact) = account("boris");
    let seen = |name: &str| vec![(scope(name), fact.clone()), number(name)];
    keep(
        store,
        &look("agt-a", 100, [seen("anna"), seen("carla")].concat()),
    );
    let act = forget(store, &Whom::person("anna"));
    let text = shown(store);
    assert!(!says(&text, "anna") && says(&text, &act.mark()) && says(&text, "carla"));
    let traces = &act.traces;
    assert_eq!((traces.sightings_changed, traces.numbers_changed), (1, 1));
}
