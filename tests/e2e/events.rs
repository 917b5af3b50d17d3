//! Exported event logs of a domain controller, from the files to the page: look, import, document, report; and a survey
//! that reads them too. No machine of the estate is looked at but the one the files were carried to.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use groma_tests::skip;
use serde_json::Value;

fn program(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        skip(&format!("{variable} is not set: run tests/run e2e"));
    }
    path
}

fn run(program: &Path, at: &Path, words: &[&str]) -> String {
    let output = Command::new(program)
        .args(words)
        .current_dir(at)
        .env("GROMA_STATE_DIR", at.join("state"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &said
}

/// Puts the made-up logs (`events/RECORDED.md`) into a folder, as somebody would who exported them; false without zstd.
fn put(at: &Path) -> bool {
    std::fs::create_dir(at.join("logs")).unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/events");
    ["directory-service", "security", "ntlm"].iter().all(|log| {
        let unpacked = Command::new("zstd")
            .args(["-qd"])
            .arg(kept.join(format!("{log}.evtx.zst")))
            .arg("-o")
            .arg(at.join(format!("logs/{log}.evtx")))
            .status();
        unpacked.is_ok_and(|status| status.success())
    })
}

/// Client, account, mechanism, times, and whether it was refused.
fn rows(document: &Value) -> Vec<String> {
    let name = |id: &Value| {
        let all = document["entities"].as_array().unwrap();
        let known = all.iter().find(|entity| entity["id"] == *id).unwrap();
        known["name"].as_str().unwrap().to_owned()
    };
    let row = |row: &Value| {
        format!(
            "{} {} {} {} {}{}",
            name(&row["consumer"]),
            name(&row["provider"]),
            row["account"].as_str().unwrap(),
            row["mechanism"].as_str().unwrap(),
            row["count"],
            if row["refused"] == true {
                " refused"
            } else {
                ""
            },
        )
    };
    let mut all: Vec<String> = document["ledger"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect();
    all.sort();
    all
}

#[test]
fn exported_event_logs_are_rows_of_the_ledger_and_findings() {
    let (Some(groma), Some(agent)) = (program("GROMA_BIN"), program("GROMA_AGENT_BIN")) else {
        return;
    };
    let room = tempfile::tempdir().unwrap();
    let at = room.path();
    if !put(at) {
        return skip("zstd is not installed here");
    }
    run(
        &agent,
        at,
        &[
            "look",
            "--source",
            "log.windows",
            "--events",
            "logs",
            "--for",
            "0s",
            "--out",
            "batch",
        ],
    );
    run(&groma, at, &["import", "--data", "data", "batch"]);
    let out = |format: &str, verb: &str, to: &str| {
        run(
            &groma,
            at,
            &[verb, "--data", "data", "--format", format, "--out", to],
        );
        std::fs::read_to_string(at.join(to)).unwrap()
    };
    let document: Value = serde_json::from_str(&out("json", "export", "all.json")).unwrap();
    assert_eq!(
        rows(&document),
        [
            "10.20.1.31 dc1.corp.example CORP\\svc-erp SIMPLE 2",
            "10.20.1.31 dc1.corp.example svc-erp@CORP.EXAMPLE Kerberos 1",
            "10.20.1.31 dc1.corp.example svc-erp@CORP.EXAMPLE Kerberos 1 refused",
            "10.20.1.31 fs1.corp.example svc-erp@CORP.EXAMPLE Kerberos 1",
            "10.20.1.40 dc1.corp.example CORP\\WS12$ SASL-unsigned 1",
            "copier7 fs1.corp.example CORP\\scanner NTLM 1",
            "dc1.corp.example dc1.corp.example CORP\\svc-backup service 1",
            "fs1.corp.example dc1.corp.example CORP\\scanner NTLM 1",
        ]
    );
    let page = out("markdown", "report", "page.md");
    for line in [
        "10.20.1.31 logs on to the directory dc1.corp.example in clear text",
        "still logs on to fs1.corp.example by NTLM",
        "Directory Service of dc1.corp.example",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    let survey = [
        "survey",
        "--offline",
        "--for",
        "0s",
        "--events",
        "logs/security.evtx",
        "--data",
        "other",
        "--out",
        "other",
    ];
    run(&groma, at, &survey);
    let page = std::fs::read_to_string(at.join("other/report.html")).unwrap();
    assert!(page.contains("svc-backup"));
}
