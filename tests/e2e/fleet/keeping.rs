//! What is sent arrives once, whatever is killed meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::{Fleet, eventually, program, said};
use crate::witness::Witness;

#[test]
fn a_second_look_goes_as_what_is_new_in_it_and_is_kept_the_same() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(fleet.enroll("a", &fleet.token(&[])).status.success());
    fleet.run("a", "1s");
    let number = |fleet: &Fleet, name: &str| -> Option<u64> {
        let metrics = fleet.operators("/metrics")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let against = |fleet: &Fleet| {
        eventually(Duration::from_secs(90), || {
            number(fleet, "groma_batches_against_total ").filter(|many| *many >= 2)
        })
    };
    against(&fleet).expect("looks come as what is new in them");
    let (batches, came) = (
        number(&fleet, "groma_batches_total ").unwrap(),
        number(&fleet, "groma_batches_against_total ").unwrap(),
    );
    assert!(
        batches > came,
        "the first one came whole: {batches}, {came}"
    );
    assert_eq!(number(&fleet, "groma_bases_unknown_total "), Some(0));
    let spared = number(&fleet, "groma_bytes_spared_total ").unwrap();
    let bytes = number(&fleet, "groma_bytes_total ").unwrap();
    eprintln!("{batches} batches, {came} of them as what is new: {bytes} bytes, {spared} spared");
    assert!(spared > 0);
    // A collector that was started again remembers no batch before: it says so, is sent one whole, and it goes on.
    fleet.kill_collector();
    fleet.serve();
    against(&fleet).expect("looks come as what is new in them again");
    assert_eq!(number(&fleet, "groma_bases_unknown_total "), Some(1));
    let runs = fleet.sql("SELECT min(sequence), max(sequence) - count(*), count(DISTINCT sequence) - count(*) FROM look WHERE source = 'host.system' GROUP BY epoch");
    assert_eq!(runs, "1|0|0", "every look is there, once");
    // Each look says what the one before said; had one come out otherwise, there would be other facts than those of a look that is carried by hand.
    let file = fleet.path("b.batch");
    let by_hand = [
        "look",
        "--source",
        "host.system",
        "--for",
        "0s",
        "--format",
        "batch",
        "--out",
        file.to_str().unwrap(),
    ];
    let looked = fleet.agent("b", &by_hand);
    assert!(looked.status.success(), "{}", said(&looked));
    let mut import = Command::new(program("GROMA_BIN").unwrap());
    import
        .arg("--data")
        .arg(fleet.path("other"))
        .arg("import")
        .arg(&file);
    let imported = import.stdin(Stdio::null()).output().unwrap();
    assert!(imported.status.success(), "{}", said(&imported));
    let facts = |store: &str| {
        let mut asked = Command::new("sqlite3");
        asked
            .arg("-readonly")
            .arg(fleet.path(store))
            .arg("SELECT json FROM fact ORDER BY json");
        String::from_utf8(asked.output().unwrap().stdout).unwrap()
    };
    let (sent, carried) = (facts("data/groma.db"), facts("other/groma.db"));
    assert!(!sent.is_empty());
    assert_eq!(sent, carried);
}

/// Batches that a collector acknowledged, counted by who sent them.
#[derive(Default)]
struct Acknowledged(BTreeMap<u64, u32>);

impl Acknowledged {
    /// Sends the next batch. What was not acknowledged comes again, as an agent would send it: it may be there already.
    fn next(&mut self, fleet: &Fleet, witness: &Witness) -> bool {
        let sequence = self.0.keys().last().map_or(1, |last| last + 1);
        let packed = witness.batch(fleet, sequence);
        let is_kept = witness.send(fleet, &packed, &[]) == Some(200);
        if is_kept {
            *self.0.entry(sequence).or_default() += 1;
        }
        is_kept
    }

    /// Holds the store against it.
    fn judge(&self, fleet: &Fleet, witness: &Witness) {
        let kept = fleet.sql(&format!("SELECT sequence, count(*) FROM look WHERE vantage = '{}' AND source = 'host.system' GROUP BY sequence", witness.agent));
        let kept: BTreeMap<u64, u64> = kept
            .lines()
            .filter_map(|line| line.split_once('|'))
            .map(|(s, n)| (s.parse().unwrap(), n.parse().unwrap()))
            .collect();
        let lost: Vec<&u64> = self.0.keys().filter(|s| !kept.contains_key(s)).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        assert!(kept.values().all(|times| *times == 1), "{kept:?}");
        let exported = fleet.groma(&["export", "--format", "json", "--out", "-"]);
        assert!(exported.status.success(), "{}", said(&exported));
    }
}

fn is_full() -> bool {
    std::env::var_os("GROMA_FUZZ_FACTOR").is_some()
}

#[test]
fn a_collector_killed_again_and_again_keeps_what_it_acknowledged_once_each() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    let witness = Witness::of(&fleet);
    assert!(witness.beat(&fleet));
    let rounds = if is_full() { 200 } else { 12 };
    let (mut acknowledged, mut slowest) = (Acknowledged::default(), Duration::ZERO);
    for round in 0..rounds {
        // The killer comes at another moment each round, in the middle of whatever there is.
        let process = fleet.serving.as_ref().unwrap().id().to_string();
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(40 + round * 37 % 400));
            let _ = Command::new("kill").args(["-9", &process]).status();
        });
        while !killer.is_finished() {
            acknowledged.next(&fleet, &witness);
        }
        killer.join().unwrap();
        let _ = fleet.serving.as_mut().unwrap().wait();
        let begun = Instant::now();
        fleet.serve();
        slowest = slowest.max(begun.elapsed());
        acknowledged.next(&fleet, &witness);
    }
    acknowledged.judge(&fleet, &witness);
    let many = acknowledged.0.len();
    eprintln!(
        "{rounds} kills, {many} acknowledged, 0 lost, 0 twice; serving again within {slowest:?} at most"
    );
    assert!(many >= rounds as usize);
}

/// The calls by which something reaches the disk.
const WRITES: [&str; 3] = ["pwrite64", "fsync,fdatasync", "ftruncate,unlink"];

#[test]
fn a_collector_killed_at_each_of_its_writes_keeps_what_it_acknowledged_once_each() {
    let mut asked = Command::new("strace");
    let asked = asked.arg("-V").stdout(Stdio::null()).status();
    if !asked.is_ok_and(|status| status.success()) {
        groma_tests::skip("strace is missing (tests/stages/packages.sh)");
        return;
    }
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    let witness = Witness::of(&fleet);
    assert!(witness.beat(&fleet));
    let mut acknowledged = Acknowledged::default();
    assert!(acknowledged.next(&fleet, &witness));
    fleet.kill_collector();
    let mut kills = Vec::new();
    for calls in WRITES {
        let mut met = 0;
        // Each thread counts for itself; a thread that writes no further one lets the round pass.
        let places: Vec<u32> = match is_full() {
            true => (1..=200).collect(),
            false => vec![1, 2, 9, 23],
        };
        let mut passed = 0;
        for place in places {
            let killing = format!("inject={calls}:signal=KILL:when={place}");
            let trace = format!("trace={calls}");
            let words = [
                "strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &trace,
                "-e",
                &killing,
            ];
            let serves = fleet.serve_under(&words);
            let died = !serves || (0..4).any(|_| !acknowledged.next(&fleet, &witness));
            match died {
                true => (met, passed) = (met + 1, 0),
                false => passed += 1,
            }
            end_traced(&mut fleet);
            fleet.serve();
            assert!(acknowledged.next(&fleet, &witness), "after {calls} {place}");
            fleet.kill_collector();
            if passed == 8 {
                break;
            }
        }
        kills.push((calls, met));
    }
    fleet.serve();
    acknowledged.judge(&fleet, &witness);
    eprintln!(
        "killed at writes {kills:?}: {} acknowledged, 0 lost, 0 twice",
        acknowledged.0.len()
    );
    assert!(kills.iter().take(2).all(|(_, met)| *met > 0), "{kills:?}");
}

/// Ends what is traced, if it is still there; the tracer ends with it.
fn end_traced(fleet: &mut Fleet) {
    let mut tracer = fleet.serving.take().unwrap();
    let children = format!("/proc/{0}/task/{0}/children", tracer.id());
    for child in fs::read_to_string(children)
        .unwrap_or_default()
        .split_whitespace()
    {
        let _ = Command::new("kill").args(["-9", child]).status();
    }
    tracer.wait().unwrap();
}

#[test]
fn an_agent_killed_again_and_again_leaves_no_hole_in_what_it_sent() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(fleet.enroll("a", &fleet.token(&[])).status.success());
    let rounds = if is_full() { 200 } else { 6 };
    for round in 0..rounds {
        fleet.run("a", "1s");
        std::thread::sleep(Duration::from_millis(1500 + round * 211 % 1700));
        let mut agent = fleet.agents.pop().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }
    fleet.run("a", "1s");
    let drained = eventually(Duration::from_secs(180), || {
        let doing: Value =
            serde_json::from_str(&fs::read_to_string(fleet.path("a/status.json")).ok()?).ok()?;
        let waits = doing["status"]["spool_batches"].as_u64()?;
        (waits <= 1 && doing["takes"] == true && doing["process"] == fleet.agents[0].id())
            .then_some(())
    });
    drained.expect("what waited is sent");
    // Each run counts from one: what it appended it numbered, and what it numbered is there, without a hole and once.
    let runs = fleet.sql("SELECT epoch, min(sequence), max(sequence), count(*), count(DISTINCT sequence) FROM look WHERE source = 'host.system' GROUP BY epoch");
    let runs: Vec<Vec<u64>> = runs
        .lines()
        .map(|line| line.split('|').map(|n| n.parse().unwrap()).collect())
        .collect();
    assert!(!runs.is_empty());
    for run in &runs {
        assert_eq!((run[1], run[2], run[3]), (1, run[4], run[4]), "{runs:?}");
    }
}
