//! A person is forgotten, with the real program: told first, erased then, and in no file and no document afterwards.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::sync::OnceLock;

use groma_tests::{Kind, Machine};

const DATA: &str = "/var/lib/groma";

/// One machine for all tests of this file: `anna` and `joanna` have accounts, and `anna` owns it.
fn surveyed() -> Option<&'static Machine> {
    static SURVEYED: OnceLock<Option<Machine>> = OnceLock::new();
    SURVEYED
        .get_or_init(|| {
            let machine = Machine::start(Kind::Bare)?;
            machine.shell(
                "grep -q ^anna: /etc/passwd || echo 'anna:x:2002:2002::/home/anna:/bin/bash' >> /etc/passwd
                 echo 'joanna:x:2003:2003::/home/joanna:/bin/bash' >> /etc/passwd
                 mkdir -p /etc/cron.d
                 printf '5 4 * * * anna /opt/anna/nightly\\n' > /etc/cron.d/nightly",
            );
            let survey = ["survey", "--offline", "--for", "1s", "--data", DATA, "--out", "/root/out"];
            machine.groma(&survey).expect_code(0);
            Some(machine)
        })
        .as_ref()
}

/// Runs a verb against the store at `data`; what it printed.
fn groma(machine: &Machine, data: &str, arguments: &[&str], code: i32) -> (String, String) {
    let all: Vec<&str> = arguments.iter().copied().chain(["--data", data]).collect();
    let done = machine.groma(&all).expect_code(code);
    (done.stdout.clone(), done.stderr.clone())
}

/// A copy of the store for one test.
fn copy(machine: &Machine, name: &str) -> String {
    let data = format!("/root/{name}");
    groma(
        machine,
        DATA,
        &["backup", "--out", &format!("{data}.copy")],
        0,
    );
    groma(machine, &data, &["restore", &format!("{data}.copy")], 0);
    machine.shell(&format!("rm {data}.copy"));
    data
}

/// True if `text` says `anna` as a word of its own.
fn says_anna(text: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+');
    let mut words = text.split(|c| !of_word(c));
    words.any(|word| word.trim_matches('.').eq_ignore_ascii_case("anna"))
}

/// Every document the program makes of the store.
fn documents(machine: &Machine, data: &str) -> String {
    let mut text = String::new();
    for format in [
        "json",
        "graphml",
        "dot",
        "mermaid",
        "ansible",
        "prometheus-sd",
    ] {
        let export = ["export", "--format", format, "--out", "-"];
        text.push_str(&groma(machine, data, &export, 0).0);
    }
    let past = [
        "export",
        "--snapshot",
        "before",
        "--format",
        "json",
        "--out",
        "-",
    ];
    text.push_str(&groma(machine, data, &past, 0).0);
    for format in ["html", "markdown"] {
        let out = format!("{data}.{format}");
        groma(
            machine,
            data,
            &["report", "--format", format, "--out", &out],
            0,
        );
        text.push_str(&machine.shell(&format!("cat {out}; rm {out}")));
    }
    text
}

#[test]
fn a_person_is_in_no_file_and_no_document_afterwards_and_the_twin_is() {
    let Some(machine) = surveyed() else { return };
    let data = copy(machine, "person");
    let host = machine.shell("hostname");
    let own = ["annotate", host.trim(), "--owner", "Anna", "--by", "anna"];
    groma(machine, &data, &own, 0);
    groma(machine, &data, &["snapshot", "take", "before"], 0);
    groma(machine, &data, &["snapshot", "take", "anna"], 0);
    let before = documents(machine, &data);
    assert!(says_anna(&before) && before.contains("joanna"));

    let (told, _) = groma(machine, &data, &["forget", "anna"], 0);
    assert!(told.contains("facts") && told.contains("joanna"), "{told}");
    assert_eq!(groma(machine, &data, &["forget", "--list"], 0).0, "");
    assert!(
        says_anna(&documents(machine, &data)),
        "nothing was erased yet"
    );

    let (told, _) = groma(
        machine,
        &data,
        &["forget", "anna", "--yes", "--by", "jo"],
        0,
    );
    assert!(told.contains("forgotten-1"), "{told}");
    let after = documents(machine, &data);
    assert!(!says_anna(&after), "{after}");
    assert!(after.contains("joanna") && after.contains("forgotten-1"));
    let strings = machine.shell(&format!(
        "cat {data}/* | tr -c '[:alnum:]._@+-' '\\n' | grep -ix anna || true"
    ));
    assert_eq!(strings, "", "in a file");
    let (list, _) = groma(machine, &data, &["forget", "--list"], 0);
    assert!(
        list.starts_with("forgotten-1\t") && list.contains("\tjo\tperson\t"),
        "{list}"
    );
    let (_, why) = groma(machine, &data, &["forget", "anna"], 3);
    assert!(why.contains("joanna"), "what is near is told: {why}");
}

#[test]
fn whoever_is_there_still_is_seen_again_and_the_next_look_is_whole() {
    let Some(machine) = surveyed() else { return };
    let data = copy(machine, "again");
    groma(machine, &data, &["forget", "anna", "--yes"], 0);
    let survey = [
        "survey",
        "--offline",
        "--for",
        "1s",
        "--out",
        "/root/again.out",
    ];
    groma(machine, &data, &survey, 0);
    let json = ["export", "--format", "json", "--out", "-"];
    let (after, _) = groma(machine, &data, &json, 0);
    assert!(says_anna(&after), "forgetting is no filter");
    assert!(!after.contains("/opt/forgotten-1"), "and the mark is gone");
}

#[test]
fn nobody_and_somebody_of_two_kinds_are_refused_and_nothing_is_erased() {
    let Some(machine) = surveyed() else { return };
    let data = copy(machine, "refused");
    let (_, why) = groma(machine, &data, &["forget", "nobody-at-all", "--yes"], 3);
    assert!(why.contains("nothing here says"), "{why}");
    groma(machine, &data, &["forget"], 2);
    let host = machine.shell("hostname");
    let host = host.trim();
    groma(
        machine,
        &data,
        &["annotate", host, "--note", "x", "--by", host],
        0,
    );
    let (_, why) = groma(machine, &data, &["forget", host, "--yes"], 3);
    assert!(why.contains("may mean") && why.contains("ent-"), "{why}");
    assert_eq!(groma(machine, &data, &["forget", "--list"], 0).0, "");
    groma(machine, &data, &["forget", host, "--person", "--yes"], 0);
}
