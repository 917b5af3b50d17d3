//! Standing sentinel: an old machine is switched off, its address lies on another one, and who still calls it is told
//! (`sentinel/scene.sh`).

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use groma_model::batch::{Record, Said};
use groma_model::{Fact, Gap};

fn lack() -> Option<&'static str> {
    let has = |script: &str| {
        let mut shell = Command::new("sh");
        let quiet = shell.stdout(Stdio::null()).stderr(Stdio::null());
        quiet
            .args(["-c", script])
            .status()
            .is_ok_and(|s| s.success())
    };
    match () {
        () if !has("test \"$(id -u)\" = 0") => Some("a packet socket needs root"),
        () if !has("test -x \"$GROMA_AGENT_BIN\" && test -x \"$GROMA_BIN\"") => Some(
            "GROMA_BIN and GROMA_AGENT_BIN do not name built programs; `tests/run e2e` sets them",
        ),
        () if !has("unshare -n -m -u true && command -v ip socat python3") => {
            Some("this place does not allow namespaces, or ip, socat or python3 is missing")
        }
        () => None,
    }
}

fn records(path: &Path) -> Vec<Record> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().skip(1);
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// What was knocked at, in the words of the fact.
fn knocks(records: &[Record]) -> Vec<String> {
    let saw = records.iter().filter_map(|record| match &record.said {
        Said::Saw(seen) if matches!(seen.fact, Fact::Knock(_)) => Some(seen.fact.says()),
        _ => None,
    });
    saw.collect()
}

fn gaps(records: &[Record]) -> Vec<&Gap> {
    let missed = records.iter().filter_map(|record| match &record.said {
        Said::Missed(gap) if gap.scope.as_str().starts_with("sentinel:") => Some(gap),
        _ => None,
    });
    missed.collect()
}

#[test]
fn who_knocks_at_the_address_of_a_machine_that_is_gone_is_told() {
    if let Some(lack) = lack() {
        groma_tests::skip(lack);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scene = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/sentinel/scene.sh");
    let done = Command::new("bash")
        .arg(scene)
        .arg(std::env::var_os("GROMA_AGENT_BIN").unwrap())
        .arg(std::env::var_os("GROMA_BIN").unwrap())
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    eprintln!("{said}{}", String::from_utf8_lossy(&done.stderr));
    let figures: BTreeMap<&str, &str> = said.lines().filter_map(|l| l.split_once(' ')).collect();
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let read = |name: &str| records(&folder.path().join(name));

    for (name, word) in [
        ("no-line", "sentinel = [\"10.88.0.5\"]"),
        ("not-here", "ip address add"),
        ("serves", "8443/tcp"),
        ("beyond", "does not allow it"),
    ] {
        assert_eq!(figures[format!("refused-{name}").as_str()], "5", "{name}");
        assert!(
            text(&format!("refused-{name}.log")).contains(word),
            "{name}"
        );
    }
    // What the kernel sends is what it sends to anybody who calls where nobody listens.
    assert_eq!(text("sends-with"), text("sends-without"));
    assert_eq!(
        knocks(&read("knocks.json")),
        [
            "10.88.0.7 knocked at 10.88.0.5:1/tcp, where nobody is any more",
            "10.88.0.7 knocked at 10.88.0.5:2/tcp, where nobody is any more",
            "10.88.0.7 knocked at 10.88.0.5:514/udp, where nobody is any more",
            "10.88.0.7 asked 10.88.0.5 for an echo, where nobody is any more",
        ]
    );
    assert_eq!(knocks(&read("quiet.json")), Vec::<String>::new());
    assert!(gaps(&read("knocks.json")).is_empty() && gaps(&read("quiet.json")).is_empty());
    assert_eq!(
        knocks(&read("scan.json")),
        ["10.88.0.66 knocked at many ports of 10.88.0.5, where nobody is any more"]
    );
    let flood = read("flood.json");
    assert!(knocks(&flood).len() <= 1_000, "{}", knocks(&flood).len());
    assert!(!gaps(&flood).is_empty(), "a flood is said");
    assert!(figures["flood-bytes"].parse::<u64>().unwrap() < 1 << 20);

    let quiet = text("residual-quiet.txt");
    assert!(
        !quiet.contains("app1") && quiet.contains("the sentinel on watch1"),
        "{quiet}"
    );
    let residual = text("residual.txt");
    assert!(residual.contains("old1: silent for 0 days"), "{residual}");
    assert!(
        residual.contains("! app1 ("),
        "with its program: {residual}"
    );
    assert!(
        residual.contains("seen by the sentinel on watch1"),
        "{residual}"
    );
    assert!(!residual.contains("no machine of that name"), "{residual}");
    assert_eq!(figures["certify"], "1");
    assert!(text("certify.txt").contains("called by app1"));
}
