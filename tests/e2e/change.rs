//! The morning after: what changed between two looks, exactly that, and nothing when nothing did.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::sync::OnceLock;

use groma_tests::{Kind, Machine};

const DATA: &str = "/var/lib/groma";

/// One machine for all tests of this file: surveyed and kept as `before`, surveyed again as `same`,
/// then changed in two ways and surveyed a third time.
fn changed() -> Option<&'static Machine> {
    static CHANGED: OnceLock<Option<Machine>> = OnceLock::new();
    CHANGED
        .get_or_init(|| {
            let machine = Machine::start(Kind::Full)?;
            let look = || machine.groma(&["survey", "--for", "5s", "--data", DATA, "--out", "/root/out"]).expect_code(0);
            let keep = |name: &str| machine.groma(&["snapshot", "take", name, "--data", DATA]).expect_code(0);
            look();
            keep("before");
            look();
            keep("same");
            // The local database moves to another port with the program that uses it, and the share leaves fstab.
            machine.shell(
                "sed -i 's/5432/5433/' /opt/report/.env
                 sed -i '/^files1/d' /etc/fstab
                 kill $(cat /run/lab/report.pid)
                 kill -INT $(cat /run/lab/database.pid)
                 while ss -Hltn 'sport = :5432' | grep -q .; do sleep 0.1; done
                 rm /run/lab/report-connected
                 bash /run/lab/start.sh database 5433
                 while ! ss -Hltn 'sport = :5433' | grep -q .; do sleep 0.1; done
                 bash /run/lab/start.sh report
                 for try in $(seq 100); do [ -e /run/lab/report-connected ] && break; sleep 0.1; done
                 [ -e /run/lab/report-connected ]",
            );
            look();
            keep("after");
            Some(machine)
        })
        .as_ref()
}

#[test]
fn two_looks_at_an_unchanged_machine_differ_in_nothing() {
    let Some(machine) = changed() else { return };
    let said = machine
        .groma(&["diff", "before", "same", "--data", DATA])
        .expect_code(0);
    assert_eq!(said.stdout, "", "nothing changed, and this was said");
}

#[test]
fn what_was_kept_of_two_moments_says_what_concluding_both_says() {
    let Some(machine) = changed() else { return };
    let diff = |words: &[&str]| {
        let said = machine.groma(&[&["diff", "--data", DATA], words].concat());
        said.expect_code(1).stdout
    };
    let kept = diff(&["before", "after", "--format", "json"]);
    assert!(!kept.contains("\"changes\": []"), "{kept}");
    // Files in which nothing can be kept, so that both moments are concluded.
    machine.shell(&format!(
        "[ -s {DATA}/kept/before.moment ] && [ -s {DATA}/kept/after.moment ]
         mv {DATA}/kept {DATA}/kept-before && touch {DATA}/kept"
    ));
    let concluded = diff(&["before", "after", "--format", "json"]);
    // One that is damaged is made anew.
    machine.shell(&format!(
        "rm {DATA}/kept && mv {DATA}/kept-before {DATA}/kept && truncate -s -9 {DATA}/kept/before.moment"
    ));
    let mended = diff(&["before", "after", "--format", "json"]);
    assert_eq!(kept, concluded);
    assert_eq!(kept, mended);
}

#[test]
fn a_word_said_later_counts_in_what_was_kept_before() {
    let Some(machine) = changed() else { return };
    let words = [
        "diff", "before", "after", "--format", "json", "--data", DATA,
    ];
    let lines = || -> Vec<(String, String)> {
        let said = machine.groma(&words).expect_code(1).stdout;
        let document: serde_json::Value = serde_json::from_str(&said).expect("the diff is JSON");
        let text = |line: &serde_json::Value, field: &str| {
            line[field].as_str().unwrap_or_default().to_owned()
        };
        let all = document["changes"].as_array().expect("changes").iter();
        all.map(|c| (text(c, "id"), text(c, "says"))).collect()
    };
    let new = |(id, says): &(String, String)| id.starts_with("dep-") && says.contains("5433");
    let id = lines().into_iter().find(new).expect("it moved").0;
    let says = |verdict: &str| {
        let because = ["--verdict", verdict, "--because", "a test", "--data", DATA];
        let said = machine.groma(&[&["annotate", id.as_str()][..], &because].concat());
        said.expect_code(0);
        lines().iter().any(|line| line.0 == id)
    };
    assert!(!says("wrong"), "a need that is none was told");
    assert!(says("confirmed"), "a need that is one was not told");
}

#[test]
fn a_moved_service_and_a_deleted_reference_are_exactly_what_changed() {
    let Some(machine) = changed() else { return };
    let said = machine
        .groma(&["diff", "before", "now", "--data", DATA])
        .expect_code(1)
        .stdout;
    assert!(
        said.contains("5432") && said.contains("5433"),
        "the move is not there:\n{said}"
    );
    assert!(
        said.contains("files1"),
        "the deleted reference is not there:\n{said}"
    );
    for line in said.lines().filter(|l| !l.trim().is_empty()) {
        let line = without_times(line);
        for other in [
            ":389",
            ":25",
            "ns1",
            "relay1",
            "dir1",
            "db1",
            "nginx",
            "orders",
            "archive",
            "certificate",
            "package",
        ] {
            assert!(
                !line.contains(other),
                "this did not change: {line}\n--- all of it\n{said}"
            );
        }
    }
}

/// A line without the times of day in it: at 22:25 every line has a `:25`.
fn without_times(line: &str) -> String {
    let is_time = |word: &&str| {
        let word = word.trim_end_matches([',', ')']);
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        word.split_once(':')
            .is_some_and(|(hour, minute)| digits(hour) && digits(minute))
    };
    let words: Vec<&str> = line.split(' ').filter(|word| !is_time(word)).collect();
    words.join(" ")
}

#[test]
fn the_diff_for_machines_says_moved_and_removed() {
    let Some(machine) = changed() else { return };
    let said = machine
        .groma(&["diff", "before", "now", "--format", "json", "--data", DATA])
        .expect_code(1)
        .stdout;
    let document: serde_json::Value = serde_json::from_str(&said).expect("the diff is JSON");
    let text = document.to_string();
    assert!(text.contains("moved"), "{document:#}");
    assert!(text.contains("removed"), "{document:#}");
    assert!(!text.contains("not-seen\":{\"dep"), "{document:#}");
}

#[test]
fn a_snapshot_that_does_not_exist_is_a_clear_error() {
    let Some(machine) = changed() else { return };
    let said = machine
        .groma(&["diff", "before", "no-such-snapshot", "--data", DATA])
        .expect_code(3);
    assert!(said.stderr.contains("no-such-snapshot"), "{}", said.stderr);
}

#[test]
fn a_snapshot_is_not_rewritten_by_what_comes_later() {
    let Some(machine) = changed() else { return };
    let export = |name: &str| {
        machine
            .groma(&[
                "export",
                "--snapshot",
                name,
                "--format",
                "json",
                "--out",
                "-",
                "--data",
                DATA,
            ])
            .expect_code(0)
            .stdout
    };
    let before: groma_model::inventory::Inventory =
        serde_json::from_str(&export("before")).unwrap();
    let ports: Vec<_> = before
        .dependencies
        .iter()
        .filter_map(|d| d.provider.port)
        .map(|p| p.0)
        .collect();
    assert!(ports.contains(&5432) && !ports.contains(&5433), "{ports:?}");
    assert!(before.entities.iter().any(|e| e.name.contains("files1")));
}

#[test]
fn a_wave_file_splits_the_change_into_expected_and_not() {
    let Some(machine) = changed() else { return };
    machine.run_with(
        &["tee", "/root/w1.toml"],
        b"name = \"w1\"\norder = 1\nmembers = [\"db1\"]\nexpected = [\"sql to app1:5433\", \"ldap-bind to dir2:389\"]\n",
    ).expect_code(0);
    let said = machine
        .groma(&[
            "diff",
            "before",
            "now",
            "--wave",
            "/root/w1.toml",
            "--data",
            DATA,
        ])
        .expect_code(1)
        .stdout;
    let said = said.to_lowercase();
    assert!(
        said.contains("confirmed") && said.contains("5433"),
        "{said}"
    );
    assert!(said.contains("missing") && said.contains("dir2"), "{said}");
    assert!(
        said.contains("unexpected") && said.contains("files1"),
        "{said}"
    );
}
