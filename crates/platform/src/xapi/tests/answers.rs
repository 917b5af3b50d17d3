//! What is no answer, what is too much of one, and what must not be kept of one.

use super::super::{Unread, opened, record, references};
use super::*;

#[test]
fn no_secret_is_kept() {
    let all = reader(|_, text| text);
    let kept = format!("{all:?}");
    let told = format!("{:?}", all.finish());
    for secret in ["s3cret", "QUFBQQ", "chapuser", "vm-data"] {
        assert!(!kept.contains(secret), "{secret}");
        assert!(!told.contains(secret), "{secret}");
    }
}

#[test]
fn the_order_of_records_and_classes_makes_no_difference() {
    let mut all = Vec::new();
    for class in Class::ALL {
        records(answer(class), class, &mut |at, one| {
            all.push((class, at, one))
        })
        .unwrap();
    }
    let mut backwards = Reader::new();
    for (class, at, one) in all.into_iter().rev() {
        backwards.take(class, at, one);
    }
    assert_eq!(backwards.finish(), read());
}

#[test]
fn a_no_is_read_in_both_writings() {
    for text in [
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":"HOST_IS_SLAVE","data":["10.0.0.1"]},"id":1}"#,
        r#"{"result":null,"error":["HOST_IS_SLAVE","10.0.0.1"],"id":"x"}"#,
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":"HOST_IS_SLAVE","data":"10.0.0.1"},"id":1}"#,
    ] {
        for read in [
            opened(text.as_bytes()).err(),
            references(text.as_bytes()).err(),
            record(text.as_bytes(), Class::Vm).err(),
            records(text.as_bytes(), Class::Vm, &mut |_, _| ()).err(),
        ] {
            let Some(Unread::Fault(fault)) = read else {
                panic!("{read:?}")
            };
            assert_eq!(
                (fault.code.as_str(), fault.words[0].as_str()),
                ("HOST_IS_SLAVE", "10.0.0.1")
            );
        }
    }
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let all = |text: &str| records(text.as_bytes(), Class::Vm, &mut |_, _| ());
    for text in [
        "<html>",
        "{}",
        "[]",
        r#"{"result":[]}"#,
        r#"{"result":{"a":1}}"#,
        r#"{"result":{}} x"#,
    ] {
        assert!(matches!(all(text), Err(Unread::Malformed(_))), "{text}");
    }
    for text in ["", r#"{"result":{"a":{"uuid":"#] {
        assert!(matches!(all(text), Err(Unread::Broken(_))), "{text}");
    }
    assert!(all(r#"{"id":1,"result":{}}"#).is_ok());
    assert!(record(&br#"{"result":"x"}"#[..], Class::Vm).is_err());
}

#[test]
fn what_came_before_an_answer_broke_off_was_found() {
    let text = r#"{"result":{"OpaqueRef:1":{"uuid":"a"},"OpaqueRef:2":{"uuid":"#;
    let mut found = Vec::new();
    let read = records(text.as_bytes(), Class::Vm, &mut |at, _| found.push(at));
    assert!(read.is_err());
    assert_eq!(found, ["OpaqueRef:1"]);
}

#[test]
fn depth_and_length_of_a_field_are_cut_and_an_unknown_one_is_passed_over() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "x".repeat(100_000);
    let text = format!(
        r#"{{"result":{{"r":{{"new_field":{deep},"VBDs":{deep},"name_label":"{long}","uuid":"u"}}}}}}"#
    );
    let mut found = Vec::new();
    records(text.as_bytes(), Class::Vm, &mut |_, one| found.push(one)).unwrap();
    let shown = found[0].to_string();
    assert!(shown.len() < 3_000, "{}", shown.len());
    assert_eq!(found[0]["uuid"], "u");
    assert!(found[0].get("new_field").is_none());
}

#[test]
fn a_reference_that_leads_to_nothing_is_counted_unless_its_class_was_not_read() {
    let gone = |class, text: String| match class {
        Class::Vdi => text.replace("\"OpaqueRef:vdi4\"", "\"OpaqueRef:other\""),
        _ => text,
    };
    let mut reader = reader(gone);
    assert_eq!(
        reader.lost().into_iter().collect::<Vec<_>>(),
        [(Class::Vdi, 1)]
    );
    reader.partly(Class::Vdi);
    assert!(reader.lost().is_empty());
    let read = reader.finish();
    let old = named(&read, "old pv");
    assert_eq!((old.disks.len(), old.disks[0].capacity_bytes), (1, None));
    assert!(reader_of_all().lost().is_empty());
}

fn reader_of_all() -> Reader {
    reader(|_, text| text)
}

#[test]
fn chains_that_lead_in_a_circle_end() {
    let circle = reader(|class, text| match class {
        Class::Vdi => text.replace(
            "\"sm_config\": {}",
            "\"sm_config\": {\"vhd-parent\": \"000000f0-1111-4222-8333-000000000001\"}",
        ),
        _ => text,
    })
    .finish();
    assert_eq!(guests(&circle).len(), 5);
}

#[test]
fn every_call_reads() {
    for class in Class::ALL {
        for call in [
            class.all_records(),
            class.all_references(),
            class.one_record(),
        ] {
            let (_, verb) = call.split_once('.').unwrap();
            assert!(
                ["get_all_records", "get_all", "get_record"].contains(&verb),
                "{call}"
            );
        }
        assert!(class.fields().next().is_some());
    }
}

#[test]
fn no_answer_breaks_the_reader() {
    let corpus: Vec<&[u8]> = Class::ALL.into_iter().map(answer).collect();
    groma_fuzz::hammer(600, &corpus, |bytes| {
        let mut reader = Reader::new();
        for class in Class::ALL {
            let intact = class == Class::Pool || class == Class::Vm;
            if intact {
                let take = &mut |at, one| reader.take(class, at, one);
                drop(records(answer(class), class, take));
            }
            drop(records(bytes, class, &mut |at, one| {
                reader.take(class, at, one)
            }));
        }
        drop((opened(bytes), references(bytes), record(bytes, Class::Vdi)));
        drop((reader.lost(), reader.finish()));
    });
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_record_is_read_to_its_end(uuid in ".{0,40}", number in any::<f64>(), text in ".{0,60}") {
            let one = serde_json::json!({
                "uuid": uuid, "name_label": text, "VCPUs_max": number, "memory_dynamic_max": text,
                "snapshot_time": text, "platform": {"secureboot": text, "cores-per-socket": number},
                "other_config": {"pci": text}, "VBDs": [text], "power_state": text,
            });
            let mut reader = reader(|_, text| text);
            let before = reader.clone().finish().facts.len();
            reader.take(Class::Vm, "OpaqueRef:new".to_owned(), one);
            let known = crate::words::uuid(&uuid).is_some();
            prop_assert_eq!(reader.finish().facts.len(), before + usize::from(known));
        }
    }
}
