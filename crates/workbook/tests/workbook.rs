//! Workbooks as a reader opens them: sheets, headers, rows, and what hostile texts become.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests only"
)]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use calamine::{Data, DataType as _, Range, Reader as _, Xlsx};
use groma_model::Timestamp;
use groma_model::inventory::Inventory;
use groma_model::visible::visible;
use groma_workbook::workbook;
use serde_json::Value;

fn opened(inventory: &Inventory) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(workbook(inventory).unwrap())).unwrap()
}

fn sheet(book: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> Range<Data> {
    book.worksheet_range(name).unwrap()
}

/// Every part of the file, by name.
fn parts(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let all = 0..archive.len();
    all.map(|at| {
        let mut part = archive.by_index(at).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        (part.name().unwrap().into_owned(), text)
    })
    .collect()
}

fn column(range: &Range<Data>, title: &str) -> usize {
    let titles = range.rows().next().unwrap().iter();
    let mut at = titles.enumerate();
    at.find(|(_, cell)| **cell == *title).unwrap().0
}

fn texts(range: &Range<Data>) -> BTreeSet<String> {
    let cells = range.rows().flatten();
    cells.map(ToString::to_string).collect()
}

const SHEETS: [&str; 31] = [
    "summary",
    "findings",
    "hosts",
    "devices",
    "systems",
    "hidden",
    "dependencies",
    "listeners",
    "certificates",
    "volumes",
    "rights",
    "mailbox rights",
    "backups",
    "watching",
    "mail records",
    "mail routes",
    "mail servers",
    "mail ledger",
    "ledger",
    "zones",
    "relying parties",
    "file systems",
    "interfaces",
    "jobs",
    "other things",
    "measurements",
    "waves",
    "questions",
    "coverage",
    "gaps",
    "evidence",
];

#[test]
fn each_table_has_a_sheet_of_its_own_with_as_many_rows_as_things() {
    let inventory = sample::office();
    let mut book = opened(&inventory);
    assert_eq!(book.sheet_names(), SHEETS);
    let rows = |book: &mut Xlsx<_>, name: &str| sheet(book, name).height() - 1;
    assert_eq!(
        rows(&mut book, "dependencies"),
        inventory.dependencies.len()
    );
    assert_eq!(rows(&mut book, "findings"), inventory.findings.len());
    assert_eq!(rows(&mut book, "listeners"), inventory.listeners.len());
    assert_eq!(rows(&mut book, "coverage"), inventory.coverage.len());
    assert_eq!(rows(&mut book, "evidence"), inventory.evidence.len());
    assert_eq!(rows(&mut book, "questions"), inventory.questions.len());
    let things = ["hosts", "devices", "certificates", "other things"];
    let things: usize = things.iter().map(|name| rows(&mut book, name)).sum();
    assert_eq!(things, inventory.entities.len());
}

#[test]
fn a_host_is_found_by_its_name_with_numbers_that_are_numbers_and_dates_that_are_dates() {
    let inventory = sample::office();
    let mut book = opened(&inventory);
    let hosts = sheet(&mut book, "hosts");
    let (seen, needed) = (
        column(&hosts, "Last seen (UTC)"),
        column(&hosts, "Needed by (things)"),
    );
    for row in hosts.rows().skip(1) {
        let entity = inventory
            .entities
            .iter()
            .find(|e| row[34] == *e.id.as_str());
        let entity = entity.expect("each row ends with the id of its host");
        assert_eq!(row[0].to_string(), visible(&entity.name));
        assert!(matches!(row[needed], Data::Float(_)), "{:?}", row[needed]);
        let Data::DateTime(moment) = &row[seen] else {
            panic!("a date is a date, not {:?}", row[seen]);
        };
        let days = entity.last_seen.millis() as f64 / 86_400_000.0 + 25_569.0;
        assert!((moment.as_f64() - days).abs() < 1e-6);
    }
}

#[test]
fn an_empty_estate_says_on_each_sheet_that_nothing_was_found() {
    let inventory = sample::Estate::watched_since(sample::noon()).inventory;
    let mut book = opened(&inventory);
    for name in &SHEETS[1..] {
        let range = sheet(&mut book, name);
        assert_eq!(range.height(), 2, "{name}");
        let says = range.get_value((1, 0)).unwrap().to_string();
        assert!(says.ends_with('.'), "{name}: {says}");
    }
    let summary = texts(&sheet(&mut book, "summary"));
    assert!(summary.iter().any(|text| text.contains("not an audit")));
    assert!(summary.contains("No check found anything open."));
}

#[test]
fn the_summary_counts_what_the_sheets_hold() {
    let inventory = sample::office();
    let mut book = opened(&inventory);
    let summary = sheet(&mut book, "summary");
    for name in &SHEETS[1..] {
        let row = summary.rows().find(|row| row[0] == **name).unwrap();
        let range = sheet(&mut book, name);
        let told = row[2].get_float().unwrap() as usize;
        let written = range.height() - 1;
        assert!(
            told == written || (told == 0 && written == 1),
            "{name}: {told}, {written}"
        );
    }
}

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
    let mut all: Vec<String> = ["", " ", "=", "x", "\u{202e}"]
        .iter()
        .flat_map(|with| prefixed(with))
        .collect();
    all.push("y".repeat(70_000));
    all.push(format!("={}", "A1+".repeat(30_000)));
    assert!(all.len() >= 295);
    all
}

/// Puts `text` into every string of `value` that is free text: whatever still reads as an inventory.
fn poison(value: &mut Value, key: &str, texts: &mut impl Iterator<Item = String>) {
    const FREE: [&str; 37] = [
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
    let mut document = serde_json::to_value(sample::office()).unwrap();
    let mut supply = hostile().into_iter().cycle();
    poison(&mut document["entities"], "", &mut supply);
    for part in [
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

#[test]
fn the_same_inventory_in_any_order_gives_the_same_bytes() {
    let inventory = sample::office();
    let mut turned = inventory.clone();
    turned.entities.reverse();
    turned.dependencies.reverse();
    turned.listeners.reverse();
    turned.findings.reverse();
    turned.evidence.reverse();
    turned.coverage.reverse();
    turned.questions.reverse();
    turned.systems.reverse();
    turned.volumes.reverse();
    turned.rights.reverse();
    turned.backups.reverse();
    turned.watching.reverse();
    turned.mail_records.reverse();
    turned.mail_routes.reverse();
    turned.zone_records.reverse();
    turned.ledger.reverse();
    turned.mailbox_ties.reverse();
    turned.relying_parties.reverse();
    turned.mail_ledger.reverse();
    turned.mail_servers.reverse();
    turned.devices.reverse();
    turned.measurements.reverse();
    turned.waves.reverse();
    turned.sites.reverse();
    let (one, other) = (workbook(&inventory).unwrap(), workbook(&turned).unwrap());
    assert!(one == other, "{} and {} bytes", one.len(), other.len());
    assert!(one == workbook(&inventory).unwrap());
}

#[test]
fn the_workbook_is_dated_by_its_inventory() {
    let inventory = sample::office();
    let all = parts(&workbook(&inventory).unwrap());
    let core = all
        .iter()
        .find(|(name, _)| name == "docProps/core.xml")
        .unwrap();
    let day = inventory.generated_at.day();
    assert!(core.1.contains(&format!("{day}T")), "{}", core.1);
}

#[test]
fn moments_no_spreadsheet_knows_are_told_as_text() {
    let mut inventory = sample::single();
    inventory.entities[0].first_seen = groma_model::Timestamp::from_millis(i64::MIN);
    inventory.entities[0].last_seen = groma_model::Timestamp::from_millis(i64::MAX);
    inventory.generated_at = groma_model::Timestamp::from_millis(i64::MIN);
    let mut book = opened(&inventory);
    let hosts = sheet(&mut book, "hosts");
    let first = column(&hosts, "First seen (UTC)");
    assert!(
        hosts
            .rows()
            .any(|row| row[first].to_string().starts_with("-009999"))
    );
}
