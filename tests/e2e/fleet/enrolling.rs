//! Who is let in, who waits, who is revoked, and who is a copy.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Fleet, eventually, said};

#[test]
fn a_machine_is_let_in_and_what_it_sees_stands_in_the_inventory() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    let enrolled = fleet.enroll("a", &fleet.token(&[]));
    assert!(enrolled.status.success(), "{}", said(&enrolled));
    fleet.run("a", "1h");
    let seen = eventually(Duration::from_secs(60), || {
        let exported = fleet.groma(&["export", "--format", "json", "--out", "-"]);
        let document: Value = serde_json::from_slice(&exported.stdout).ok()?;
        document["entities"]
            .as_array()?
            .iter()
            .find(|entity| entity["has_agent"] == true)
            .cloned()
    });
    let seen = seen.expect("the machine stands in the inventory");
    assert_eq!(seen["kind"], "host", "{seen}");
    let status = said(&fleet.agent("a", &["status"]));
    for word in [
        "running      yes",
        "takes what is sent",
        "fingerprint",
        "ceiling",
    ] {
        assert!(status.contains(word), "{word}: {status}");
    }
    let metrics = fleet.operators("/metrics").unwrap();
    assert!(
        metrics.contains("groma_agents{state=\"active\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("groma_batches_total 1"), "{metrics}");
    let coverage = said(&fleet.groma(&["agents", "coverage"]));
    assert!(
        coverage.starts_with("1 agents report, 0 are silent"),
        "{coverage}"
    );
}

#[test]
fn wrong_tokens_are_refused_in_a_sentence_and_a_stranger_hears_nothing() {
    let Some(ours) = Fleet::begin() else { return };
    let token = ours.token(&[]);
    assert!(ours.enroll("a", &token).status.success());
    let refused = |state: &str, token: &Path, fleet: &Fleet| {
        let output = fleet.enroll(state, token);
        assert!(!output.status.success() && !fleet.path(state).join("identity.json").exists());
        (output.status.code(), said(&output))
    };
    let (code, used) = refused("b", &token, &ours);
    assert!(
        code == Some(3) && used.contains("was used as often as it may be"),
        "{code:?} {used}"
    );
    let short = ours.token(&["--ttl", "1s"]);
    std::thread::sleep(Duration::from_millis(1500));
    let (_, over) = refused("b", &short, &ours);
    assert!(over.contains("this token is over"), "{over}");
    let damaged = ours.path("damaged");
    let text = fs::read_to_string(&token).unwrap();
    let other_letter = if &text[20..21] == "0" { "1" } else { "0" };
    fs::write(
        &damaged,
        format!("{}{other_letter}{}", &text[..20], &text[21..]),
    )
    .unwrap();
    let (_, wrong) = refused("b", &damaged, &ours);
    assert!(wrong.contains("copy it again"), "{wrong}");
    // Another collector, with another authority: the token is ours, so it hears nothing.
    let Some(other) = Fleet::begin() else { return };
    let (code, stranger) = refused("b", &ours.token(&[]), &other);
    assert!(
        code == Some(5) && stranger.contains("is not the collector"),
        "{code:?} {stranger}"
    );
    let heard = other.operators("/metrics").unwrap();
    assert!(
        heard.contains("groma_enrolments_refused_total 0")
            && heard.contains("groma_handshakes_failed_total 1"),
        "{heard}"
    );
    // Nobody is there: waiting may help, and the code says so.
    let mut other = other;
    other.kill_collector();
    let (code, nobody) = refused("b", &ours.token(&[]), &other);
    assert!(
        code == Some(4) && nobody.contains("cannot be reached"),
        "{code:?} {nobody}"
    );
    let secret = text.split('.').nth(1).unwrap();
    for text in [used, over, wrong, stranger, nobody] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn a_hundred_who_come_at_once_with_one_token_are_one_agent() {
    let Some(fleet) = Fleet::begin() else { return };
    let token = fleet.token(&[]);
    let many = 24;
    let fleet_ref = &fleet;
    let token_ref = token.as_path();
    let let_in = std::thread::scope(|scope| {
        let each: Vec<_> = (0..many)
            .map(|n| {
                scope.spawn(move || {
                    fleet_ref
                        .enroll(&format!("s{n}"), token_ref)
                        .status
                        .success()
                })
            })
            .collect();
        each.into_iter()
            .map(|one| one.join().unwrap())
            .filter(|in_| *in_)
            .count()
    });
    assert_eq!((let_in, fleet.listed().len()), (1, 1));
}

#[test]
fn who_waits_is_kept_after_a_person_said_yes_and_who_is_revoked_not_any_more() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(
        fleet
            .enroll("a", &fleet.token(&["--approve"]))
            .status
            .success()
    );
    fleet.run("a", "1s");
    let waits = eventually(Duration::from_secs(60), || {
        let doing = fs::read_to_string(fleet.path("a/status.json")).ok()?;
        let doing: Value = serde_json::from_str(&doing).ok()?;
        (doing["status"]["spool_batches"].as_u64()? >= 3).then_some(())
    });
    waits.expect("what it sees waits in its spool");
    assert_eq!(fleet.sql("SELECT count(*) FROM look"), "0");
    let id = fleet.listed()[0]["agent"].as_str().unwrap().to_owned();
    assert!(fleet.groma(&["agents", "approve", &id]).status.success());
    let kept = |least: u64| {
        fleet
            .sql("SELECT count(*) FROM look")
            .parse::<u64>()
            .ok()
            .filter(|looks| *looks >= least)
    };
    eventually(Duration::from_secs(120), || kept(3)).expect("what waited is kept");
    assert!(
        fleet
            .groma(&["agents", "revoke", &id, "--because", "the test says so"])
            .status
            .success()
    );
    // Two seconds later it counts, and one may have been on its way.
    std::thread::sleep(Duration::from_secs(3));
    let after = fleet.sql("SELECT count(*) FROM look");
    std::thread::sleep(Duration::from_secs(15));
    let later: u64 = fleet.sql("SELECT count(*) FROM look").parse().unwrap();
    assert!(
        later <= after.parse::<u64>().unwrap() + 1,
        "{after} looks, then {later}: one may have been on its way"
    );
    let status = said(&fleet.agent("a", &["status"]));
    assert!(status.contains("this agent was revoked"), "{status}");
}

#[test]
fn copies_of_an_agent_become_agents_of_their_own_and_lose_nothing() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    fleet.quick();
    assert!(fleet.enroll("first", &fleet.token(&[])).status.success());
    let copies = if std::env::var_os("GROMA_FUZZ_FACTOR").is_some() {
        49
    } else {
        5
    };
    for copy in 1..=copies {
        let state = format!("copy{copy}");
        fs::create_dir(fleet.path(&state)).unwrap();
        fs::copy(
            fleet.path("first/identity.json"),
            fleet.path(&state).join("identity.json"),
        )
        .unwrap();
    }
    fleet.run("first", "1h");
    (1..=copies).for_each(|copy| fleet.run(&format!("copy{copy}"), "1h"));
    let all = copies + 1;
    let apart = eventually(Duration::from_secs(150), || {
        (fleet.listed().len() == all).then_some(())
    });
    assert!(
        apart.is_some(),
        "{} of {all}: {:?}",
        fleet.listed().len(),
        fleet.listed()
    );
    let looked = |fleet: &Fleet| fleet.sql("SELECT count(DISTINCT vantage) FROM look");
    let each = eventually(Duration::from_secs(180), || {
        (looked(&fleet) == all.to_string()).then_some(())
    });
    assert!(
        each.is_some(),
        "{} of {all} have a look of their own",
        looked(&fleet)
    );
    // No copy is told apart twice, and nobody speaks for another.
    std::thread::sleep(Duration::from_secs(12));
    assert_eq!(fleet.listed().len(), all);
    assert_eq!(fleet.sql("SELECT count(*) - count(DISTINCT vantage || '/' || epoch || '/' || sequence || '/' || source) FROM look"), "0");
}
