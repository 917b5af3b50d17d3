//! What is an answer, what is missing, and what stays out.

use super::*;

#[test]
fn nothing_people_write_at_a_machine_is_kept() {
    let read = format!("{:?}", read());
    assert!(
        !read.contains("s3cret")
            && !read.contains("write nothing of me")
            && !read.contains("chap-user")
    );
}

#[test]
fn what_the_engine_counts_and_does_not_show_is_told() {
    assert_eq!(reader().unseen(), [""; 0]);
    let mut part = Reader::new("engine");
    part.answer(&Question::Api, GREETING).unwrap();
    let page = br#"{"vm":[{"id":"x","host":{"id":"h"}}]}"#;
    part.answer(&Question::Page(List::Machines, 1), page)
        .unwrap();
    assert_eq!(
        part.unseen(),
        [
            "1 of 3 machines were shown",
            "0 of 2 hosts were shown",
            "1 machines came without their disks or cards",
            "1 hosts that machines run on were not shown",
        ]
    );
}

#[test]
fn an_engine_without_an_id_is_called_by_its_name() {
    let mut reader = Reader::new("engine.corp.example");
    assert_eq!(reader.platform(), None);
    let api = br#"{"product_info":{"version":{"major":"4","minor":"1"}}}"#;
    reader.answer(&Question::Api, api).unwrap();
    assert_eq!(reader.platform().unwrap().id, "engine.corp.example");
    assert!(reader.is_old());
}

#[test]
fn devices_are_asked_for_only_where_a_module_can_be() {
    let mut without = Reader::new("engine");
    for (question, answer) in &ANSWERS[..9] {
        without.answer(question, answer).unwrap();
    }
    assert!(without.needs_devices());
    assert!(!reader().needs_devices());
    let bios = br#"{"vm":[{"id":"x","bios":{"type":"q35_sea_bios"}}]}"#;
    let mut old = Reader::new("engine");
    old.answer(&Question::Page(List::Machines, 1), bios)
        .unwrap();
    assert!(!old.needs_devices());
}

#[test]
fn a_page_says_how_much_of_it_is_new() {
    let mut reader = Reader::new("engine");
    let question = Question::Page(List::Machines, 1);
    let page = br#"{"vm":[{"id":"a"},{"id":"b"},{"name":"no id"},{"id":"../../x"}]}"#;
    assert_eq!(
        reader.answer(&question, page),
        Ok(Page { things: 4, new: 2 })
    );
    assert_eq!(
        reader.answer(&question, page),
        Ok(Page { things: 4, new: 0 })
    );
    assert_eq!(
        reader.answer(&question, b"{}"),
        Ok(Page::default()),
        "a list of nothing"
    );
}

#[test]
fn what_is_no_answer_is_told_apart() {
    let mut reader = Reader::new("engine");
    let question = Question::Page(List::Hosts, 1);
    assert!(matches!(
        reader.answer(&question, b"<html>"),
        Err(Unread::NotJson { line: 1 })
    ));
    for other in [&b"[]"[..], b"1", br#"{"fault":{"reason":"x"}}"#] {
        assert!(matches!(
            reader.answer(&question, other),
            Err(Unread::SomethingElse { .. })
        ));
    }
    let deep = "[".repeat(100_000);
    assert!(reader.answer(&question, deep.as_bytes()).is_err());
    assert!(reader.answer(&Question::Api, b"{}").is_err());
}

#[test]
fn the_order_of_answers_changes_nothing() {
    let mut back = Reader::new("engine.corp.example");
    let (last, rest) = ANSWERS.split_last().unwrap();
    for (question, answer) in rest.iter().rev().chain([last]) {
        back.answer(question, answer).unwrap();
    }
    assert_eq!(back.finish(), read());
}

#[test]
fn no_answer_breaks_the_reader() {
    let corpus: Vec<&[u8]> = ANSWERS.iter().map(|(_, answer)| *answer).collect();
    groma_fuzz::hammer(1500, &corpus, |bytes| {
        let mut reader = reader();
        for (question, _) in ANSWERS {
            drop(reader.answer(question, bytes));
        }
        drop((reader.unseen(), reader.needs_devices()));
        drop(reader.finish());
    });
}

proptest::proptest! {
    #[test]
    fn any_json_at_a_known_place_is_read_or_left(key in "[a-z_]{1,12}", number in proptest::num::f64::ANY, text in ".{0,20}") {
        let odd = json!({"id": text, "a": number, key: [number, text]});
        for (question, answer) in ANSWERS {
            let mut page: Value = serde_json::from_slice(answer).unwrap();
            for list in page.as_object_mut().unwrap().values_mut() {
                for entry in list.as_array_mut().into_iter().flatten() {
                    for (_, value) in entry.as_object_mut().into_iter().flatten() {
                        if value.is_object() {
                            *value = odd.clone();
                        }
                    }
                }
            }
            let mut reader = reader();
            reader.answer(question, page.to_string().as_bytes()).unwrap();
            let _ = reader.finish();
        }
    }
}
