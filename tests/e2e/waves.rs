//! A wave from its first draft to the day the old machine is switched off, with the real programs on a real machine: planned, checked,
//! asked about on paper, handed to other tools, watched after, certified.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::sync::OnceLock;

use groma_tests::{Kind, Machine};
use serde_json::Value;

const DATA: &str = "/var/lib/groma";

/// One machine for all tests of this file, surveyed once and kept as `before`.
fn surveyed() -> Option<&'static Machine> {
    static SURVEYED: OnceLock<Option<Machine>> = OnceLock::new();
    SURVEYED
        .get_or_init(|| {
            let machine = Machine::start(Kind::Full)?;
            let survey = [
                "survey",
                "--for",
                "5s",
                "--data",
                DATA,
                "--out",
                "/root/out",
            ];
            machine.groma(&survey).expect_code(0);
            machine
                .groma(&["snapshot", "take", "before", "--data", DATA])
                .expect_code(0);
            Some(machine)
        })
        .as_ref()
}

/// Runs a verb against the store; what it printed.
fn groma(machine: &Machine, arguments: &[&str], code: i32) -> String {
    let all: Vec<&str> = arguments.iter().copied().chain(["--data", DATA]).collect();
    machine.groma(&all).expect_code(code).stdout
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn write(machine: &Machine, path: &str, text: &str) {
    machine
        .run_with(&["tee", path], text.as_bytes())
        .expect_code(0);
}

/// A wave that takes the database server of the survey away, in a night two weeks from now.
fn wave(machine: &Machine) {
    let night = machine.shell("date -u -d '+14 days 20:00' +%Y-%m-%dT%H:%M:%SZ; date -u -d '+15 days 04:00' +%Y-%m-%dT%H:%M:%SZ");
    let mut moments = night.lines();
    let (from, to) = (moments.next().unwrap(), moments.next().unwrap());
    let file = format!(
        "name = \"w1\"\nwindow = {{ from = {from}, to = {to} }}\nmembers = [\"db1\"]\nmoves = [{{ from = \"db1\", to = \"db-new\" }}]\n"
    );
    write(machine, "/root/w1.toml", &file);
}

#[test]
fn a_plan_is_written_as_files_that_the_next_verb_reads() {
    let Some(machine) = surveyed() else { return };
    let text = groma(machine, &["wave", "plan", "--files", "/root/waves"], 0);
    assert!(text.contains("w1"), "{text}");
    let plan = json(&groma(machine, &["wave", "plan", "--format", "json"], 0));
    let waves = plan["waves"].as_array().unwrap();
    assert!(!waves.is_empty(), "{plan:#}");
    for wave in waves {
        let file = format!("/root/waves/{}.toml", wave["name"].as_str().unwrap());
        groma(machine, &["wave", "check", &file], 1);
    }
    let again = ["wave", "plan", "--files", "/root/waves", "--data", DATA];
    let refused = machine.groma(&again).expect_code(5);
    assert!(
        refused.stderr.contains("nothing was written"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_checklist_names_who_must_follow_and_a_person_closes_an_item() {
    let Some(machine) = surveyed() else { return };
    wave(machine);
    let list = json(&groma(
        machine,
        &["wave", "check", "/root/w1.toml", "--format", "json"],
        1,
    ));
    let items = list["items"].as_array().unwrap();
    let of = |topic: &str| items.iter().filter(|i| i["topic"] == topic).count();
    for topic in ["wave-file", "people", "observation", "ports", "backup"] {
        assert!(of(topic) > 0, "nothing about {topic}: {list:#}");
    }
    let port = items
        .iter()
        .find(|i| i["topic"] == "ports" && i["says"].as_str().unwrap().contains("db-new"))
        .unwrap_or_else(|| panic!("nobody is let through to db-new: {list:#}"));
    let id = port["id"].as_str().unwrap();
    let verdict = [
        "annotate",
        id,
        "--verdict",
        "confirmed",
        "--because",
        "ticket 4711",
        "--by",
        "jo",
    ];
    groma(machine, &verdict, 0);
    let later = json(&groma(
        machine,
        &["wave", "check", "/root/w1.toml", "--format", "json"],
        1,
    ));
    let item = later["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["id"] == id);
    let item = item.unwrap_or_else(|| panic!("{id} is gone: {later:#}"));
    assert_eq!(item["state"], "done");
    assert!(
        item["closed"].as_str().unwrap().contains("ticket 4711"),
        "{item:#}"
    );
    let page = groma(
        machine,
        &["wave", "check", "/root/w1.toml", "--format", "html"],
        1,
    );
    assert!(page.contains("Content-Security-Policy") && !page.contains("<script"));
}

#[test]
fn every_document_for_another_tool_is_what_that_tool_reads() {
    let Some(machine) = surveyed() else { return };
    let export = |format: &str| groma(machine, &["export", "--format", format], 0);
    assert!(export("graphml").contains("<graphml"));
    assert!(export("dot").starts_with("digraph"));
    assert!(export("mermaid").contains("flowchart"));
    assert!(export("ansible").contains("all"));
    let targets = json(&export("prometheus-sd"));
    let all = targets.as_array().unwrap();
    assert!(!all.is_empty());
    let print_port = |t: &str| {
        t.rsplit(':')
            .next()
            .is_some_and(|p| p.starts_with("910") || p == "515" || p == "9999")
    };
    let named = all.iter().flat_map(|g| g["targets"].as_array().unwrap());
    assert!(named.filter_map(Value::as_str).all(|t| !print_port(t)));
    assert!(json(&export("netbox")).is_object());
    assert!(!json(&export("glpi")).as_array().unwrap().is_empty());
    groma(
        machine,
        &["report", "--format", "xlsx", "--out", "/root/estate.xlsx"],
        0,
    );
    let magic = machine.shell("head -c 2 /root/estate.xlsx; stat -c %a /root/estate.xlsx");
    assert!(magic.starts_with("PK600"), "{magic:?}");
}

#[test]
fn what_owners_write_on_their_sheets_comes_back_with_their_name() {
    let Some(machine) = surveyed() else { return };
    groma(
        machine,
        &[
            "report",
            "--format",
            "questionnaire",
            "--out",
            "/root/sheets",
        ],
        0,
    );
    let sheets = machine.shell("ls /root/sheets/*.csv | head -1");
    let sheet = sheets.trim();
    let untouched = groma(machine, &["import", sheet], 0);
    assert!(untouched.contains(" 0 answers kept"), "{untouched}");
    let fill = format!(
        "python3 - {sheet} <<'PY'
import csv, sys
path = sys.argv[1]
rows = list(csv.reader(open(path, newline='')))
head = next(row for row in rows if 'answer' in row)
answer, field = head.index('answer'), head.index('field')
done = set()
for row in rows[rows.index(head) + 1:]:
    name = row[field]
    if name == 'answered_by':
        row[answer] = 'Kim Example'
    elif name == 'answered_on':
        row[answer] = '2026-01-02'
    elif name in ('owner', 'on_call') and name not in done:
        row[answer] = 'Night desk'
        done.add(name)
csv.writer(open(path, 'w', newline='')).writerows(rows)
PY
"
    );
    machine.shell(&fill);
    let kept = groma(machine, &["import", sheet], 0);
    assert!(!kept.contains(" 0 answers kept"), "{kept}");
    let document = groma(machine, &["export", "--format", "json"], 0);
    assert!(document.contains("Night desk") && document.contains("Kim Example"));
}

#[test]
fn an_edited_register_keeps_what_people_decided() {
    let Some(machine) = surveyed() else { return };
    let risks = [
        "export",
        "--format",
        "csv",
        "--table",
        "risks",
        "--out",
        "/root/risks.csv",
    ];
    groma(machine, &risks, 0);
    machine.shell(
        "python3 - <<'PY'
import csv
rows = list(csv.reader(open('/root/risks.csv', newline='')))
rows[1][rows[0].index('owner')] = 'Kim Example'
csv.writer(open('/root/risks.csv', 'w', newline='')).writerows(rows)
PY
",
    );
    let said = groma(machine, &["import", "--by", "jo", "/root/risks.csv"], 0);
    assert!(said.contains(" 1 rows changed"), "{said}");
    groma(machine, &risks, 0);
    assert!(machine.shell("cat /root/risks.csv").contains("Kim Example"));
    let again = groma(machine, &["import", "--by", "jo", "/root/risks.csv"], 0);
    assert!(again.contains(" 0 rows changed"), "{again}");
}

#[test]
fn who_still_knocks_is_listed_and_silence_is_signed_only_where_somebody_watched() {
    let Some(machine) = surveyed() else { return };
    wave(machine);
    let since = machine.shell("date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ");
    let since = since.trim();
    let residual = [
        "wave",
        "residual",
        "/root/w1.toml",
        "--before",
        "before",
        "--since",
        since,
    ];
    let knocks = groma(machine, &residual, 1);
    assert!(
        knocks.contains("db.corp.example") && knocks.contains("app1"),
        "{knocks}"
    );
    let certify = [
        "wave",
        "certify",
        "/root/w1.toml",
        "--since",
        since,
        "--out",
        "/root/certificate",
    ];
    let said = groma(machine, &certify, 1);
    assert!(said.contains("not certified"), "{said}");
    let checked = machine.shell(
        "cd /root/certificate
         it=$(basename w1-decommission-*.json .json)
         openssl dgst -sha256 -verify $it.pem -signature $it.sig $it.json
         sed -i 's/\"certified\": false/\"certified\": true/' $it.json
         openssl dgst -sha256 -verify $it.pem -signature $it.sig $it.json 2>&1 || true",
    );
    assert!(
        checked.contains("Verified OK") && checked.contains("ailure"),
        "{checked}"
    );
    let mode = machine.shell(&format!("stat -c %a {DATA}/statements.key"));
    assert_eq!(mode.trim(), "600");
}
