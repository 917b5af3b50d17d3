//! Lists made by somebody who means harm, or by a program that failed.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use std::io::{Cursor, Write};
use std::sync::LazyLock;

use common::{INVENTORY, SPISOK, budget, now, rvtools};
use groma_import::{ImportError, Kind, read, recognise};
use zip::write::SimpleFileOptions;

fn refusal(bytes: &[u8]) -> ImportError {
    read("list", bytes, now()).expect_err("it must be refused")
}

/// A workbook with the given parts.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(
            *name,
            SimpleFileOptions::default().compression_level(Some(1)),
        )
        .unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What the bomb unpacks to: more than a workbook may.
const BOMB_BYTES: u32 = 260 << 20;

static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let zeros = vec![0; usize::try_from(BOMB_BYTES).unwrap()];
    archive(&[
        ("xl/workbook.xml", b"<workbook/>"),
        ("xl/sharedStrings.xml", &zeros),
    ])
});

#[test]
fn a_zip_bomb_is_measured_before_it_is_opened() {
    assert!(BOMB.len() < 4 << 20, "{}", BOMB.len());
    assert!(matches!(recognise(&BOMB), Kind::Unknown(why) if why.contains("unpacked bytes")));
}

#[test]
fn a_bomb_that_lies_about_its_size_is_measured_as_well() {
    let mut bomb = BOMB.clone();
    let real = BOMB_BYTES.to_le_bytes();
    let places: Vec<usize> = bomb
        .windows(4)
        .enumerate()
        .filter(|(_, w)| **w == real)
        .map(|(at, _)| at)
        .collect();
    assert!(!places.is_empty(), "the size stands in the archive");
    for at in places {
        bomb.splice(at..at + 4, 10_u32.to_le_bytes());
    }
    assert!(matches!(recognise(&bomb), Kind::Unknown(_)));
}

#[test]
fn a_cell_at_the_far_corner_reserves_nothing() {
    let workbook = br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="vInfo" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let relations = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let sheet = br#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>
        <row r="1"><c r="A1" t="inlineStr"><is><t>VM</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>mail1</t></is></c></row>
        <row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row></sheetData></worksheet>"#;
    let root = br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r0" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let parts: [(&str, &[u8]); 4] = [
        ("_rels/.rels", root),
        ("xl/workbook.xml", workbook),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let imported = read("list", &archive(&parts), now()).unwrap();
    assert_eq!(imported.declared.len(), 1);
    assert_eq!(imported.skipped.len(), 1, "the far cell is reported");
}

#[test]
fn a_zip_that_is_no_workbook_says_so() {
    let error = refusal(&archive(&[("etc/passwd", b"x"), ("../../x", b"y")]));
    assert!(error.to_string().contains("unpack it"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_is_reported_not_swallowed() {
    let rows: String = (0..5000).map(|n| format!("host{n},10.0.0.1\n")).collect();
    let imported = read(
        "list",
        format!("name,ip\nfirst,10.0.0.1\n\"oops,10.0.0.2\n{rows}").as_bytes(),
        now(),
    )
    .unwrap();
    assert_eq!(imported.declared.len(), 1);
    assert!(
        imported
            .skipped
            .iter()
            .any(|p| p.row == "3" && p.why.contains("never closed")),
        "{:?}",
        imported.skipped
    );
}

#[test]
fn more_rows_or_bytes_than_allowed_are_refused() {
    let rows = format!("name\n{}", "a\n".repeat(200_001));
    assert!(matches!(
        refusal(rows.as_bytes()),
        ImportError::TooLarge { what: "rows", .. }
    ));
    assert!(matches!(
        refusal(&vec![b'a'; (64 << 20) + 1]),
        ImportError::TooLarge { what: "bytes", .. }
    ));
}

#[test]
fn ten_thousand_bad_rows_are_a_thousand_problems_and_a_number() {
    let rows = format!("name,owner\nmail1,anna\n{}", ",x\n".repeat(10_000));
    let imported = read("list", rows.as_bytes(), now()).unwrap();
    assert_eq!(imported.skipped.len(), 1001);
    assert!(imported.skipped.last().unwrap().why.contains("9000 more"));
}

#[test]
fn no_bytes_break_the_reader() {
    let (rvtools, budget) = (rvtools(1.0), budget());
    groma_fuzz::hammer(2000, &[SPISOK, INVENTORY], |bytes| {
        drop(read("list", bytes, now()))
    });
    groma_fuzz::hammer(200, &[&rvtools, &budget], |bytes| {
        drop(read("list", bytes, now()))
    });
}

#[test]
fn no_sheet_breaks_the_reader() {
    let mut parts = zip::ZipArchive::new(Cursor::new(rvtools(1.0))).unwrap();
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).unwrap();
        let mut content = Vec::new();
        std::io::copy(&mut part, &mut content).unwrap();
        all.push((part.name().unwrap().into_owned(), content));
    }
    for target in [
        "xl/worksheets/sheet1.xml",
        "xl/worksheets/sheet2.xml",
        "xl/sharedStrings.xml",
        "xl/workbook.xml",
        "xl/styles.xml",
    ] {
        let original = &all.iter().find(|(name, _)| name == target).unwrap().1;
        groma_fuzz::hammer(40, &[original], |bytes| {
            let changed: Vec<(&str, &[u8])> = all
                .iter()
                .map(|(n, c)| (n.as_str(), if n == target { bytes } else { c.as_slice() }))
                .collect();
            drop(read("list", &archive(&changed), now()));
        });
    }
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = read("list", &noise, now());
        let headed = [b"name;ip;mac;uuid;owner\n".to_vec(), noise].concat();
        let _ = read("list", &headed, now());
    }

    #[test]
    fn what_a_row_says_comes_back(names in proptest::collection::btree_set("h-[a-z0-9]{1,10}", 1..30), owner in "[^\"\u{0}-\u{1f}\u{7f}-\u{9f}]{0,30}") {
        let rows: String = names.iter().map(|n| format!("\"{n}\",10.0.0.1,\"{owner}\"\n")).collect();
        let imported = read("list", format!("name,ip,owner\n{rows}").as_bytes(), now()).unwrap();
        let read: std::collections::BTreeSet<String> = imported.declared.iter().map(|d| d.name.to_string()).collect();
        proptest::prop_assert_eq!(read, names);
        for declared in imported.declared.iter().filter(|d| d.owner.is_some()) {
            proptest::prop_assert_eq!(declared.owner.as_deref(), Some(owner.trim()));
        }
    }
}
