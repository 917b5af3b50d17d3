//! All sources on the machine the test runs on, as it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use groma_model::{CoverageState, Fact};
use groma_source::{Budget, Recorder, Stop, Window};

fn look() -> Vec<Recorder> {
    let world = groma_sys::this_machine(true);
    let window = Window::open(
        Arc::clone(&world.clock),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(120),
    );
    let looked = groma_source_host::sources(&world)
        .into_iter()
        .map(|mut source| {
            let mut recorder = Recorder::new(source.name());
            source.look(&window, &Budget::default(), &mut recorder);
            recorder
        });
    looked.collect()
}

fn lasting(recorders: &[Recorder]) -> Vec<String> {
    let facts = recorders.iter().flat_map(Recorder::facts);
    // Machines on the link come and go by themselves.
    facts
        .filter(|f| !matches!(f, Fact::Measurement(_) | Fact::Neighbour(_)))
        .map(|f| serde_json::to_string(f).expect("a fact serialises"))
        .collect()
}

#[test]
fn two_looks_at_an_unchanged_machine_say_the_same() {
    let mut before = lasting(&look());
    assert!(before.len() > 10, "only {} facts", before.len());
    // A real machine may change between two looks (somebody logs in, a volume is mounted): then they are repeated.
    for _ in 0..3 {
        let after = lasting(&look());
        if after == before {
            return;
        }
        before = after;
    }
    assert_eq!(before, lasting(&look()));
}

#[test]
fn the_machine_is_known_and_every_scope_is_closed() {
    let recorders = look();
    for recorder in &recorders {
        assert!(recorder.coverage().count() > 0);
        for gap in recorder.gaps() {
            let closed = recorder
                .coverage()
                .find(|c| c.scope == gap.scope)
                .unwrap_or_else(|| panic!("nobody closed {}", gap.scope));
            assert_eq!(
                closed.state,
                CoverageState::Partial,
                "{}: {}",
                gap.scope,
                gap.what
            );
        }
    }
    let facts: Vec<&Fact> = recorders.iter().flat_map(Recorder::facts).collect();
    let hardware = facts
        .iter()
        .find_map(|f| {
            if let Fact::Hardware(h) = f {
                Some(h)
            } else {
                None
            }
        })
        .unwrap();
    assert!(hardware.processors > 0 && hardware.memory_bytes > 0);
    assert!(
        facts
            .iter()
            .any(|f| matches!(f, Fact::Identity(identity) if !identity.host_name.is_empty()))
    );
    assert!(facts.iter().any(|f| matches!(f, Fact::Interface(i) if i.kind == "loopback" && i.addresses.iter().any(|a| a == "127.0.0.1/8"))));
    assert!(
        facts
            .iter()
            .any(|f| matches!(f, Fact::FileSystem(fs) if fs.mount_point == "/".into()))
    );
    assert!(
        facts
            .iter()
            .any(|f| matches!(f, Fact::Account(a) if a.id == "0"))
    );
}

#[test]
#[ignore = "prints what this machine says, for a person to judge: --ignored --nocapture"]
fn print_everything() {
    for recorder in look() {
        let mut many: BTreeMap<String, u32> = BTreeMap::new();
        for record in &recorder.records {
            let line = serde_json::to_string(record).unwrap();
            let kind = line
                .split("\"fact\":\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap_or("-")
                .to_owned();
            let count = many.entry(kind).or_default();
            *count += 1;
            println!("{line}");
        }
        println!("== {many:?}");
    }
}
