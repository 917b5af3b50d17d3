//! Lists as people keep them, read as they are.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod common;

use common::{CENTER, INVENTORY, PARC, SPISOK, budget, now, rvtools, uuid};
use groma_import::{ImportError, Imported, Kind, as_batch, list_name, read, recognise};
use groma_model::batch::Said;
use groma_model::fact::Declared;
use groma_model::{CoverageState, SiteId};

fn list(name: &str, bytes: &[u8]) -> Imported {
    read(&list_name(name), bytes, now()).unwrap()
}

fn named<'i>(imported: &'i Imported, name: &str) -> &'i Declared {
    imported
        .declared
        .iter()
        .find(|d| d.name.as_str() == Some(name))
        .unwrap()
}

#[test]
fn an_english_list_is_read_and_its_bad_rows_are_reported() {
    let imported = list("/home/x/inventory.csv", INVENTORY);
    insta::assert_json_snapshot!(imported.declared);
    let skipped: Vec<String> = imported
        .skipped
        .iter()
        .map(|p| format!("{} | {} | {}", p.row, p.column, p.why))
        .collect();
    insta::assert_snapshot!(skipped.join("\n"));
}

#[test]
fn french_and_russian_lists_of_old_programs_are_read() {
    let french = list("parc.csv", PARC);
    let server = named(&french, "srv-paie");
    assert_eq!(server.owner.as_deref(), Some("Hélène Noël"));
    assert_eq!(server.more.get("site").map(String::as_str), Some("étage 2"));
    let russian = list("spisok.csv", SPISOK);
    assert_eq!(russian.declared.len(), 2);
    let mail = named(&russian, "почта-1");
    assert_eq!(
        (mail.owner.as_deref(), mail.criticality.as_deref()),
        (Some("Ольга Иванова"), Some("высокая"))
    );
    assert_eq!(
        mail.addresses,
        ["10.20.0.5".parse::<std::net::IpAddr>().unwrap()]
    );
    assert_eq!((french.skipped.len(), russian.skipped.len()), (0, 0));
}

#[test]
fn no_password_of_a_list_is_kept_or_told() {
    for bytes in [INVENTORY.to_vec(), rvtools(1.0)] {
        let everything = format!("{:?}", list("x", &bytes));
        for secret in ["hunter2", "s3cret", "swordfish"] {
            assert!(!everything.contains(secret), "{secret}");
        }
    }
}

#[test]
fn tabs_bars_quotes_and_marks_are_understood() {
    for text in [
        "name\tip\nmail1\t10.0.0.5\n",
        "name|ip\nmail1|10.0.0.5\n",
        "\u{feff}\"name\";\"ip\"\r\n\"mail1\";\"10.0.0.5\"\r\n",
        "ip,name\n10.0.0.5,mail1",
    ] {
        let imported = list("x", text.as_bytes());
        assert_eq!(named(&imported, "mail1").addresses.len(), 1, "{text}");
    }
}

#[test]
fn a_workbook_of_rvtools_is_read_by_its_own_uuid() {
    let imported = list("RVTools_export.xlsx", &rvtools(17.0));
    assert!(
        !format!("{imported:?}").contains(CENTER),
        "the UUID of the vCenter belongs to no machine"
    );
    assert_eq!(named(&imported, "mail1").smbios_uuid, Some(uuid(1)));
    insta::assert_json_snapshot!(imported.declared);
    let problems: Vec<_> = imported
        .skipped
        .iter()
        .map(|p| (p.row.as_str(), p.column.as_str()))
        .collect();
    assert_eq!(problems, [("vInfo 2", "Annotation")]);
}

#[test]
fn what_moves_between_two_exports_is_not_part_of_a_machine() {
    assert_eq!(
        list("x", &rvtools(17.0)).declared,
        list("x", &rvtools(99.5)).declared
    );
}

#[test]
fn content_decides_what_a_file_is() {
    assert_eq!(recognise(INVENTORY), Kind::Csv);
    assert_eq!(recognise(SPISOK), Kind::Csv);
    assert_eq!(recognise(&rvtools(1.0)), Kind::RvTools);
    assert_eq!(recognise(b"\x28\xb5\x2f\xfd\x00"), Kind::Batch);
    let others: [(&[u8], &str); 8] = [
        (b"", "empty"),
        (b"colour,price\nred,10\n", "names the columns"),
        (
            b"Dear all, the name of the server is mail1.\n",
            "names the columns",
        ),
        (b"<?xml version=\"1.0\"?><nmaprun></nmaprun>", "XML"),
        (b"{\"name\": \"mail1\"}", "JSON"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00\x00", "binary"),
        (b"PK\x03\x04 not really", "workbook"),
    ];
    for (bytes, word) in others {
        let Kind::Unknown(why) = recognise(bytes) else {
            panic!("{word} was recognised")
        };
        assert!(why.contains(word), "{why}");
        let error = read("x.csv", bytes, now()).unwrap_err().to_string();
        assert!(error.contains("x.csv") && error.contains(word), "{error}");
    }
    assert!(matches!(recognise(&budget()), Kind::Unknown(why) if why.contains("vInfo")));
    assert!(matches!(
        read("b", b"\x28\xb5\x2f\xfd\x00", now()),
        Err(ImportError::IsABatch { .. })
    ));
}

#[test]
fn a_list_without_one_usable_row_says_what_is_wrong_with_the_first() {
    let error = read("x.csv", b"name,ip\n,nonsense\n,-\n", now())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("x.csv") && error.contains("row 2") && error.contains("ip"),
        "{error}"
    );
}

#[test]
fn the_same_list_is_the_same_batch_and_another_one_is_not() {
    let site = SiteId::default();
    let batch = |name: &str, bytes: &[u8]| as_batch(&list(name, bytes), &site, "0.1.0");
    let first = batch("a/inventory.csv", INVENTORY);
    assert_eq!(batch("b\\inventory.csv", INVENTORY), first);
    let shorter = batch("inventory.csv", b"name,ip\nmail1,10.0.0.5\n");
    assert_eq!(shorter.header.agent, first.header.agent);
    assert_ne!(shorter.header.epoch, first.header.epoch);
    assert_ne!(
        batch("other.csv", INVENTORY).header.agent,
        first.header.agent
    );
}

#[test]
fn only_a_list_read_whole_may_say_that_a_machine_was_taken_out() {
    let state = |text: &str| {
        let batch = as_batch(&list("x.csv", text.as_bytes()), &SiteId::default(), "0.1.0");
        match batch.records.last().map(|r| r.said.clone()) {
            Some(Said::Covered(coverage)) => (coverage.scope.to_string(), coverage.state),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        state("name,ip\nmail1,10.0.0.5\n"),
        ("list:x.csv".to_owned(), CoverageState::Complete)
    );
    assert_eq!(state("name,ip\nmail1,oops\n").1, CoverageState::Complete);
    assert_eq!(
        state("name,owner\nmail1,anna\n,boris\n").1,
        CoverageState::Partial
    );
}

#[test]
fn a_password_is_left_out_of_every_column_and_an_office_is_not() {
    let list = "name,owner,criticality,os\nweb1,root password: S3cret,pw=S3cret,login token: S3cret\nweb2,Secretary of the board,high,Debian 12\n";
    let imported = read("list.csv", list.as_bytes(), now()).unwrap();
    let kept = format!("{imported:?}");
    assert!(!kept.contains("S3cret"), "{kept}");
    assert_eq!(imported.skipped.len(), 3, "{:?}", imported.skipped);
    assert_eq!(
        imported.declared[1].owner.as_deref(),
        Some("Secretary of the board")
    );
}

#[test]
fn a_kind_is_told_by_whole_words() {
    let list = "name,type\na,Backups\nb,Groups\nc,Physical (no VM)\nd,VM\ne,UPS\nf,VMware guest\ng,Physical switch\nh,Physical server\n";
    let imported = read("list.csv", list.as_bytes(), now()).unwrap();
    let kinds: Vec<&str> = imported.declared.iter().map(|d| d.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "host", "host", "host", "vm", "device", "vm", "device", "host"
        ]
    );
}
