//! What a person and a program read.

use crate::compare;
use groma_diff::{text, to_json};
use groma_model::inventory::Inventory;

use crate::build::*;

fn moved() -> (Inventory, Inventory) {
    let estate = |port, second| {
        let mut inventory = inventory(
            vec![host("app1"), host("app2"), host("db1")],
            vec![
                depends("app1", "sql", "db1", port),
                depends("app2", "sql", "db1", second),
            ],
        );
        inventory
            .listeners
            .push(listener("db1", port, "postgresql.service"));
        inventory.snapshot = Some(
            if port == 5432 {
                "before-w1"
            } else {
                "after-w1"
            }
            .to_owned(),
        );
        inventory
    };
    (estate(5432, 5432), estate(5433, 5432))
}

#[test]
fn a_page_groups_by_machine_and_says_what_to_do() {
    let (before, after) = moved();
    let expected = "\
before-w1 (2026-11-20 12:00 UTC) to after-w1 (2026-11-20 12:00 UTC): 1 change, 1 to act on

db1
  > moved     listener  postgresql.service listens on 5433/tcp, before on 5432/tcp
      left behind: app2 (app2.service, written in /etc/app2.conf:1)
      followed: app1 (app1.service, written in /etc/app1.conf:1)
      to do: point those who still name the old port at the new one
";
    assert_eq!(text(&compare(&before, &after)), expected);
}

#[test]
fn a_hostile_name_cannot_steer_the_terminal() {
    let evil = "db\x1b[2J\u{202e}1\r\n  - removed everything";
    let after = inventory(
        vec![host("app1"), host(evil)],
        vec![depends("app1", "sql", evil, 5432)],
    );
    let page = text(&compare(&inventory(vec![host("app1")], Vec::new()), &after));
    assert!(
        page.contains("db\\u{1b}[2J\\u{202e}1\\u{d}\\u{a}"),
        "{page}"
    );
    assert!(
        page.chars().all(|c| c == '\n' || !c.is_control()) && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(
        page.lines()
            .all(|l| !l.starts_with("  - removed everything")),
        "{page}"
    );
}

#[test]
fn a_program_gets_the_schema_word_and_the_class() {
    let (before, after) = moved();
    let json = to_json(&compare(&before, &after));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["schema"], "groma.diff/1");
    assert_eq!(value["changes"][0]["class"], "moved");
    assert_eq!(value["changes"][0]["consequences"][0]["followed"], false);
}
