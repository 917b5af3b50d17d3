//! What strangers wrote becomes text in a workbook, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests only"
)]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

mod common;
mod rich;

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Reader as _, Xlsx};
use groma_model::Timestamp;
use groma_model::inventory::Inventory;
use groma_model::visible::visible;
use groma_workbook::workbook;
use serde_json::Value;

use crate::common::{opened, parts, sheet, texts};

/// 300 texts a stranger may have put into any field.
fn hostile() -> Vec<String> {
    let seeds = [
        "=cmd|' /C calc'!A0",
        "=HYPERLINK(\"http://a.example/\",\"click\")",
        "+1+cmd",
        "-2+3+cmd|'x'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "{=1+1}",
        "\t=1+1",
        "\r=1",
        "\n=1",
        " =1",
        "＝1+1",
        "|calc",
        "https://evil.example/?x=1",
        "file:///etc/passwd",
        "mailto:a@b.example",
        "internal:hosts!A1",
        "external:x.xlsx",
        "ftp://x.example",
        "<script>alert(1)</script>",
        "<f>1+1</f>",
        "</t></si>",
        "]]>",
        "<![CDATA[x]]>",
        "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
        "&lt;&#x0;&amp;",
        "_x000D_",
        "_x0041_",
        "\u{0}",
        "a\u{0}b",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{7}\u{8}\u{b}\u{c}",
        "\u{7f}",
        "\u{85}\u{9f}",
        "pay\u{202e}fdp.exe",
        "\u{202a}\u{2066}x",
        "a\u{200b}b\u{feff}",
        "\u{2028}x\u{2029}",
        "\u{ad}soft",
        "שלום",
        "مكتب",
        "\u{e0041}\u{e0042}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "lone \u{fffd}\u{fffd}\u{fffd} surrogate",
        "\"quoted\"",
        "'quoted'",
        "a,b;c\td",
        "C:\\x\\..\\y",
        "#REF!",
        "TRUE",
        "1E999",
        "2026-11-20",
        "  blanks  ",
        "\u{1f600}",
        "e\u{301}",
        "%s%n{0}",
        "$(id)",
        "`id`",
        "'; DROP TABLE hosts; --",
    ];
    let prefixed = |with: &str| {
        seeds
            .iter()
            .map(move |seed| format!("{with}{seed}"))
            .collect::<Vec<_>>()
    };
    let mut all: Vec<String> = ["", " ", "=", "x", "\u{202e}", "\n"]
        .iter()
        .flat_map(|with| prefixed(with))
        .collect();
    all.push("y".repeat(70_000));
    all.push(format!("={}", "A1+".repeat(30_000)));
    assert!(all.len() >= 300);
    all
}

/// Puts `text` into every string of `value` that is free text: whatever still reads as an inventory.
fn poison(value: &mut Value, key: &str, texts: &mut impl Iterator<Item = String>) {
    const FREE: [&str; 51] = [
        "name",
        "names",
        "says",
        "risk",
        "indicator",
        "impact",
        "mitigations",
        "owner",
        "what",
        "remedy",
        "scope",
        "question",
        "to",
        "pretty_name",
        "kernel",
        "description",
        "subject",
        "issuer",
        "reached_as",
        "accounts",
        "resources",
        "written_in",
        "programs",
        "product",
        "version",
        "because",
        "merged_because",
        "principal",
        "path",
        "job",
        "target",
        "covers",
        "functions",
        "mailbox",
        "other",
        "rights",
        "products",
        "entry",
        "setting",
        "helo",
        "tls",
        "members",
        "logs",
        "places",
        "identifier",
        "metric",
        "class_because",
        "on_call",
        "key_users",
        "executable",
        "user",
    ];
    match value {
        Value::String(text) if FREE.contains(&key) && text.parse::<Timestamp>().is_err() => {
            *text = texts.next().expect("an endless supply");
        }
        Value::Array(all) => all.iter_mut().for_each(|one| poison(one, key, texts)),
        // A peer is a host name by its type: `{"name": "mail1"}`.
        Value::Object(all) if all.len() == 1 && all.contains_key("name") => {}
        Value::Object(all) => {
            for (key, one) in all.iter_mut() {
                poison(one, key, texts);
            }
        }
        _ => {}
    }
}

#[test]
fn hostile_texts_in_every_free_field_come_back_as_text() {
    let mut document = serde_json::to_value(rich::estate()).unwrap();
    let mut supply = hostile().into_iter().cycle();
    poison(&mut document["entities"], "", &mut supply);
    for part in [
        "volumes",
        "mailbox_ties",
        "watching",
        "mail_routes",
        "mail_servers",
        "mail_ledger",
        "ledger",
        "relying_parties",
        "measurements",
        "waves",
        "findings",
        "evidence",
        "coverage",
        "questions",
        "dependencies",
        "systems",
        "rights",
        "backups",
    ] {
        poison(&mut document[part], "", &mut supply);
    }
    let inventory: Inventory = match serde_json::from_value(document) {
        Ok(inventory) => inventory,
        Err(error) => panic!("free fields only: {error}"),
    };
    let bytes = workbook(&inventory).unwrap();
    assert_no_formula_and_no_link(&bytes);
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for name in book.sheet_names() {
        assert!(book.worksheet_formula(&name).unwrap().is_empty(), "{name}");
        for cell in sheet(&mut book, &name).rows().flatten() {
            let text = cell.to_string();
            assert!(
                !text.starts_with(['=', '@', '\t', '\r', '＝']),
                "{name}: {text:?}"
            );
            assert!(
                text.chars()
                    .all(|c| c == '\n' || groma_model::visible::is_plain(c)),
                "{name}: {text:?}"
            );
            assert!(text.encode_utf16().count() <= 32_767, "{name}");
            seen.insert(text);
        }
    }
    // The first name of all is that of a host, a device, a certificate or another thing.
    for entity in &inventory.entities {
        let shown = visible(&entity.name).into_owned();
        let cut = shown.chars().count() > 30_000;
        let is_there = seen.contains(&shown) || seen.contains(&format!("'{shown}"));
        assert!(is_there || cut || shown.is_empty(), "{shown:?}");
    }
}

#[test]
fn bytes_that_are_no_text_become_marks_one_can_see() {
    let mut inventory = sample::single();
    // A lone surrogate as WTF-8 writes it, then a byte that begins nothing.
    let name = groma_model::Foreign::from_bytes(*b"=x\xed\xa0\x80y\xff.exe");
    inventory.dependencies[0].consumer.component.name = name;
    let bytes = workbook(&inventory).unwrap();
    assert_no_formula_and_no_link(&bytes);
    let dependencies = texts(&sheet(&mut opened(&inventory), "dependencies"));
    assert!(dependencies.contains("'=x\u{fffd}\u{fffd}\u{fffd}y\u{fffd}.exe"));
}

fn assert_no_formula_and_no_link(bytes: &[u8]) {
    for (name, text) in parts(bytes) {
        let found = [
            "<f>",
            "<f ",
            "<f/",
            "<hyperlink",
            "<oleLink",
            "<ddeLink",
            "externalLink",
        ];
        let tag = found.iter().find(|tag| text.contains(*tag));
        assert_eq!(tag, None, "in {name}");
        let linked = name.ends_with(".rels") && text.contains("TargetMode=\"External\"");
        assert!(!linked, "{name} leads out of the file");
        assert!(!name.starts_with("xl/worksheets/_rels"), "{name}");
    }
}

#[test]
fn ordinary_texts_are_not_touched() {
    let mut inventory = sample::single();
    inventory.entities[0].owner = Some("Ana Müller +49 (30) 123-45".to_owned());
    inventory.entities[0].criticality = Some("+49 30 12345".to_owned());
    let mut book = opened(&inventory);
    let hosts = texts(&sheet(&mut book, "hosts"));
    assert!(hosts.contains("Ana Müller +49 (30) 123-45"));
    assert!(hosts.contains("+49 30 12345"));
    assert!(hosts.contains(&inventory.entities[0].name));
}
