//! What is carried by hand instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Fleet, eventually, program, said};

/// What an import says: its exit code and words.
fn imported(fleet: &Fleet, file: &Path) -> (Option<i32>, String) {
    let output = fleet.groma(&["import", file.to_str().unwrap()]);
    (output.status.code(), said(&output))
}

/// A look by hand of the machine with this state.
fn look_by_hand(fleet: &Fleet, state: &str, file: &str) -> PathBuf {
    let path = fleet.path(file);
    let out = path.to_str().unwrap();
    let words = [
        "look",
        "--source",
        "host.system",
        "--for",
        "0s",
        "--out",
        out,
    ];
    let looked = fleet.agent(state, &words);
    assert!(looked.status.success(), "{}", said(&looked));
    path
}

#[test]
fn what_an_agent_signed_is_carried_by_hand_and_counts_once_and_no_forgery_counts() {
    let Some(mut fleet) = Fleet::begin() else {
        return;
    };
    for state in ["a", "b"] {
        let enrolled = fleet.enroll(state, &fleet.token(&["--site", "north"]));
        assert!(enrolled.status.success(), "{}", said(&enrolled));
    }
    let identity = |state: &str| -> Value {
        let text = fs::read_to_string(fleet.path(state).join("identity.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let (a, b) = (identity("a"), identity("b"));
    fleet.kill_collector();
    let looks = |fleet: &Fleet| fleet.sql("SELECT count(*) FROM look");
    let first = look_by_hand(&fleet, "a", "first.batch");

    // Anybody reads it, as every batch.
    let read = Command::new("sh")
        .args([
            "-c",
            "zstd -dcq \"$1\" | jq -r 'select(.schema).agent, select(.schema).site'",
            "sh",
        ])
        .arg(&first)
        .output()
        .unwrap();
    let names = String::from_utf8_lossy(&read.stdout).into_owned();
    let own = format!("{}\nnorth\n", a["agent"].as_str().unwrap());
    assert_eq!(names, own, "{}", said(&read));

    // Every forgery is refused in a sentence, and nothing of it is kept.
    let whole = fs::read(&first).unwrap();
    let forged = |name: &str, bytes: &[u8]| {
        let path = fleet.path(name);
        fs::write(&path, bytes).unwrap();
        let (code, text) = imported(&fleet, &path);
        assert_eq!(text.trim().lines().count(), 1, "{text}");
        assert_eq!(looks(&fleet), "0", "{text}");
        (code, text)
    };
    let mut changed = whole.clone();
    changed[40] ^= 1;
    let (code, text) = forged("changed.batch", &changed);
    assert!(
        code == Some(5) && text.contains("changed after it was signed"),
        "{code:?} {text}"
    );
    let frame = whole
        .windows(4)
        .rposition(|at| at == [0x5b, 0x2a, 0x4d, 0x18])
        .unwrap();
    let (code, text) = forged("stripped.batch", &whole[..frame]);
    assert!(
        code == Some(5) && text.contains("is not signed"),
        "{code:?} {text}"
    );
    let other = fs::read(look_by_hand(&fleet, "b", "other.batch")).unwrap();
    let of_other = other
        .windows(4)
        .rposition(|at| at == [0x5b, 0x2a, 0x4d, 0x18])
        .unwrap();
    let (code, text) = forged(
        "mixed.batch",
        &[&whole[..frame], &other[of_other..]].concat(),
    );
    assert!(
        code == Some(5) && text.contains("changed after it was signed"),
        "{code:?} {text}"
    );
    // The second agent signs in the name of the first.
    let mut liar = b.clone();
    liar["agent"] = a["agent"].clone();
    fs::create_dir(fleet.path("liar")).unwrap();
    let keep = |state: &str, identity: &Value| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = fleet.path(state).join("identity.json");
        fs::write(&path, identity.to_string()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    keep("liar", &liar);
    let lie = fs::read(look_by_hand(&fleet, "liar", "lie.batch")).unwrap();
    let (code, text) = forged("lie.batch", &lie);
    assert!(
        code == Some(5) && text.contains("has signed it"),
        "{code:?} {text}"
    );
    // An agent of another fleet, under another authority.
    let Some(stranger) = Fleet::begin() else {
        return;
    };
    assert!(stranger.enroll("a", &stranger.token(&[])).status.success());
    let strange = fs::read(look_by_hand(&stranger, "a", "strange.batch")).unwrap();
    let (code, text) = forged("strange.batch", &strange);
    assert!(
        code == Some(5) && text.contains("under another authority"),
        "{code:?} {text}"
    );
    let (code, text) = forged("cut.batch", &whole[..whole.len() - 1]);
    assert!(
        code == Some(3) && text.contains("signature is damaged"),
        "{code:?} {text}"
    );

    // What is true is kept, once.
    let (code, text) = imported(&fleet, &first);
    assert!(
        code == Some(0) && text.contains("signed batch of"),
        "{code:?} {text}"
    );
    assert_eq!(looks(&fleet), "1");
    let (code, text) = imported(&fleet, &first);
    assert!(
        code == Some(0) && text.contains("was kept before; nothing changed"),
        "{code:?} {text}"
    );
    let second = look_by_hand(&fleet, "a", "second.batch");
    let (code, text) = imported(&fleet, &second);
    assert!(
        code == Some(0) && text.contains("signed batch of"),
        "{code:?} {text}"
    );
    assert_eq!(
        fleet.sql("SELECT count(DISTINCT epoch) || ' ' || count(DISTINCT vantage) FROM look"),
        "2 1"
    );
    let listed = fleet.listed();
    let shown = listed
        .iter()
        .find(|agent| agent["agent"] == a["agent"])
        .unwrap();
    assert!(shown["status"]["looked_at"].is_string(), "{shown}");
    let coverage = said(&fleet.groma(&["agents", "coverage"]));
    assert!(
        coverage.contains("1 machines are known, 1 of them with an agent"),
        "{coverage}"
    );

    // A store of somebody else, where nobody is enrolled, takes it as it takes any file, and says so.
    let alone = Command::new(program("GROMA_BIN").unwrap())
        .arg("--data")
        .arg(fleet.path("elsewhere"))
        .arg("import")
        .arg(&first)
        .output()
        .unwrap();
    let text = said(&alone);
    assert!(
        alone.status.success() && text.contains("not looked at") && text.contains("batch kept"),
        "{text}"
    );
    assert!(!fleet.path("elsewhere/authority").exists());

    // Who is revoked is refused by hand too.
    let id = a["agent"].as_str().unwrap();
    let third = look_by_hand(&fleet, "a", "third.batch");
    assert!(
        fleet
            .groma(&["agents", "revoke", id, "--because", "sold"])
            .status
            .success()
    );
    let (code, text) = imported(&fleet, &third);
    assert!(
        code == Some(5) && text.contains("was revoked: sold"),
        "{code:?} {text}"
    );
    assert_eq!(looks(&fleet), "2");
}

#[test]
fn what_waits_in_a_spool_is_carried_by_hand_and_a_second_way_changes_nothing() {
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
    let waits = || {
        let doing = fs::read_to_string(fleet.path("a/status.json")).ok()?;
        let doing: Value = serde_json::from_str(&doing).ok()?;
        doing["status"]["spool_batches"]
            .as_u64()
            .filter(|waits| *waits >= 3)
    };
    eventually(Duration::from_secs(90), waits).expect("what it sees waits in its spool");
    let out = fleet.path("stick");
    let carry = |fleet: &Fleet| fleet.agent("a", &["carry", "--out", out.to_str().unwrap()]);
    let busy = carry(&fleet);
    assert!(
        busy.status.code() == Some(3) && said(&busy).contains("stop it"),
        "{}",
        said(&busy)
    );
    let mut running = fleet.agents.pop().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    let carried = carry(&fleet);
    assert!(carried.status.success(), "{}", said(&carried));
    let files = |out: &Path| {
        let mut files: Vec<PathBuf> = fs::read_dir(out)
            .unwrap()
            .map(|f| f.unwrap().path())
            .collect();
        files.sort();
        files
    };
    let batches = files(&out);
    assert!(batches.len() >= 3, "{batches:?}");

    let words = |files: &[PathBuf]| -> Vec<String> {
        let files = files.iter().map(|file| file.to_str().unwrap().to_owned());
        std::iter::once("import".to_owned()).chain(files).collect()
    };
    let import = |fleet: &Fleet| {
        let words = words(&batches);
        fleet.groma(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let early = import(&fleet);
    assert!(
        early.status.code() == Some(5) && said(&early).contains("groma agents approve"),
        "{}",
        said(&early)
    );
    let id = fleet.listed()[0]["agent"].as_str().unwrap().to_owned();
    assert!(fleet.groma(&["agents", "approve", &id]).status.success());
    let taken = import(&fleet);
    assert!(taken.status.success(), "{}", said(&taken));
    let number = "SELECT count(DISTINCT vantage || '/' || epoch || '/' || sequence) FROM look";
    assert_eq!(fleet.sql(number), batches.len().to_string());

    // The same comes over the network as well: it is acknowledged, and nothing is there twice.
    fleet.run("a", "1h");
    let empty = || {
        let doing = fs::read_to_string(fleet.path("a/status.json")).ok()?;
        let doing: Value = serde_json::from_str(&doing).ok()?;
        (doing["takes"] == true && doing["status"]["spool_batches"] == 0).then_some(())
    };
    eventually(Duration::from_secs(120), empty).expect("the spool is empty");
    let mut running = fleet.agents.pop().unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    let all: usize = fleet.sql(number).parse().unwrap();
    assert!(
        all <= batches.len() + 1,
        "{all}: one look of the new run besides {}",
        batches.len()
    );
    let nothing = fleet.agent(
        "a",
        &["carry", "--out", fleet.path("empty").to_str().unwrap()],
    );
    assert!(
        nothing.status.success() && said(&nothing).contains("nothing waits"),
        "{}",
        said(&nothing)
    );
}
