//! Hostile names on their way to a terminal, a page and a wave file.

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory};
use groma_wave::plan::{Plan, PlanOptions, html, text, to_json, wave_file};
use proptest::prelude::*;

use crate::build::*;

const HOSTILE: &[&str] = &[
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "pay\u{202e}fdp.exe",
    "red\u{1b}[31m\u{7}",
    "nul\0byte",
    "quo\"te'\"\"\"",
    "back\\slash\\u0041",
    "two\nlines\r\nmembers = [\"x\"]",
    "\u{2028}next\u{85}line",
    "# comment",
    " spaced ",
    "zero\u{200b}width\u{feff}",
    "]\n[rollback]",
];

fn hostile() -> Inventory {
    let named = |(n, name): (usize, &&str)| Entity {
        name: (*name).to_owned(),
        names: vec![(*name).to_owned()],
        owner: Some((*name).to_owned()),
        ..host(&format!("h{n}"))
    };
    let entities: Vec<Entity> = HOSTILE.iter().enumerate().map(named).collect();
    let mut dependencies = Vec::new();
    for (n, text) in HOSTILE.iter().enumerate().skip(1) {
        let mut need = needs(&format!("h{n}"), "sql", "h0");
        if n == 1 {
            need.kind = (*text).to_owned();
        }
        need.reached_as = Some((*text).to_owned());
        need.rhythm = Some((*text).to_owned());
        need.details.written_in = vec![(*text).to_owned()];
        need.consumer.component.name = (*text).into();
        dependencies.push(need);
    }
    let mut inventory = estate(entities, dependencies);
    inventory.snapshot = Some(HOSTILE[1].to_owned());
    inventory.systems = vec![system("s", &["h1", "h2", "h3"])];
    inventory.systems[0].name = HOSTILE[1].to_owned();
    inventory
}

fn read_back(plan: &Plan) {
    for (at, wave) in plan.waves.iter().enumerate() {
        let file = wave_file(plan, at);
        let read = groma_wave::parse("w.toml", &file).unwrap_or_else(|e| panic!("{e}\n{file}"));
        let written: Vec<&str> = wave.members.iter().map(|m| m.written.as_str()).collect();
        assert_eq!(read.members, written);
        assert_eq!((&read.name, read.order), (&wave.name, wave.order));
        assert_eq!(read.requires, wave.requires);
        assert!(read.moves.is_empty() && read.expected.is_empty() && read.window.is_none());
        assert!(is_visible(&file), "{file:?}");
    }
}

fn is_visible(text: &str) -> bool {
    let hidden = ['\u{202e}', '\u{200b}', '\u{feff}', '\u{2028}'];
    text.chars()
        .all(|c| c == '\n' || (!c.is_control() && !hidden.contains(&c)))
}

#[test]
fn no_name_steers_a_terminal_a_page_or_a_wave_file() {
    for hosts_max in [1, 4, 25] {
        let plan = planned(&hostile(), hosts_max);
        assert!(is_visible(&text(&plan)));
        let page = html(&plan);
        assert!(is_visible(&page));
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{page}"
        );
        assert_eq!(page.matches("<html").count(), 1);
        read_back(&plan);
        let json: Plan = serde_json::from_str(&to_json(&plan)).unwrap();
        assert_eq!(json, plan);
    }
}

#[test]
fn the_examples_of_a_wave_file_can_be_uncommented() {
    let inventory = estate(
        hosts(&["web1", "app1", "db1"]),
        vec![needs("web1", "http", "app1"), needs("app1", "sql", "db1")],
    );
    let plan = planned(&inventory, 1);
    let file = wave_file(&plan, 0);
    let examples = [
        "window",
        "owner",
        "change_reference",
        "moves",
        "    {",
        "]",
        "expected",
        "    \"",
        "[",
        "until",
        "how",
        "what",
        "trigger",
        "minutes",
        "decides",
        "backup",
        "restore_tested_on",
    ];
    let open: Vec<String> = file
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(bare) if examples.iter().any(|e| bare.starts_with(e)) => bare.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let read = groma_wave::parse("w1.toml", &open.join("\n")).unwrap();
    assert_eq!(read.members, ["db1"]);
    assert_eq!(
        (read.moves[0].from.as_str(), read.moves[0].to.as_str()),
        ("db1", "db1-new")
    );
    assert_eq!(read.expected[0].to_string(), "sql to db1-new");
    assert_eq!(read.rollback.unwrap().minutes, Some(45));
    assert!(read.window.is_some() && read.coexistence.is_some());
}

#[test]
fn a_wave_that_is_not_there_has_no_file() {
    let plan = planned(&estate(hosts(&["a"]), Vec::new()), 25);
    assert_eq!(wave_file(&plan, 1), "");
    assert!(!wave_file(&plan, 0).is_empty());
}

#[test]
fn a_wave_of_ten_thousand_is_a_file_that_can_be_read() {
    let all = (0..10_000).map(|n| host(&format!("host-{n:05}.branch.corp.example")));
    let plan = planned(&estate(all.collect(), Vec::new()), usize::MAX);
    assert_eq!(plan.waves.len(), 1);
    read_back(&plan);
}

#[test]
fn the_page_needs_no_script_and_fetches_nothing() {
    let page = html(&planned(&hostile(), 4));
    assert!(
        page.contains("default-src 'none'; style-src 'sha256-")
            || page.contains("default-src &#39;none&#39;; style-src &#39;sha256-")
    );
    for forbidden in ["http://", "https://", "src=\"", "style=\"", "onclick"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_there_are_the_file_is_read_back(
        names in proptest::collection::vec("(?s).{0,24}", 1..12),
        ids in proptest::collection::vec("(?s).{0,8}", 1..12),
        hosts_max in 0_usize..5,
    ) {
        let mut entities: Vec<Entity> = names.iter().zip(&ids).map(|(name, id)| Entity {
            id: EntityId::new(id),
            name: name.clone(),
            names: vec![name.clone()],
            ..host("x")
        }).collect();
        entities.sort_by(|a, b| a.id.cmp(&b.id));
        entities.dedup_by(|a, b| a.id == b.id);
        let plan = groma_wave::plan(&estate(entities, Vec::new()), &PlanOptions { hosts_max, ..PlanOptions::default() });
        read_back(&plan);
        prop_assert!(is_visible(&text(&plan)));
    }
}
