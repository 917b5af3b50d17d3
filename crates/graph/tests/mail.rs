//! What name servers say about mail becomes rows, and leads to the machines they name.

mod common;

use common::*;
use groma_model::fact::{MailPurpose, MailRecord};
use groma_model::inventory::MailRecordEntry;
use groma_model::{Fact, HostName, Peer};

fn exchanger(values: &[&str], peer: &str, ttl_seconds: Option<u32>) -> Fact {
    let domain = HostName::parse("corp.example").expect("a name");
    Fact::MailRecord(MailRecord {
        domain: domain.clone(),
        purpose: MailPurpose::Exchanger,
        asked: domain,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        peers: Peer::parse(peer).into_iter().collect(),
        ttl_seconds,
        lookups: None,
        faults: Vec::new(),
    })
}

fn names(told: &Told, row: &MailRecordEntry) -> Vec<String> {
    let (_, entities) = told.graph_and_entities();
    let named = entities.iter().filter(|e| row.machines.contains(&e.id));
    named.map(|e| e.name.clone()).collect()
}

#[test]
fn one_answer_is_one_row_whoever_was_told_it_and_leads_to_its_machine() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("mail1", "10.0.0.2");
    let said = |ttl| exchanger(&["10 10.0.0.2"], "10.0.0.2", ttl);
    told.say("app1", "names.mail", said(None));
    told.say("mail1", "names.mail", said(Some(3_600)));
    let rows = told.graph().mail_records;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!(
        (rows[0].ttl_seconds, rows[0].seen_from.len()),
        (Some(3_600), 2)
    );
    assert_eq!(names(&told, &rows[0]), ["mail1"]);
}

#[test]
fn a_name_that_leads_back_for_one_who_asked_leads_back() {
    let pointer = |fault: Option<&str>| {
        let Fact::MailRecord(record) = exchanger(&["mail1.corp.example"], "198.51.100.7", None)
        else {
            unreachable!("that is what it makes");
        };
        Fact::MailRecord(MailRecord {
            purpose: MailPurpose::Reverse,
            faults: fault.into_iter().map(str::to_owned).collect(),
            ..record
        })
    };
    let fault = Some("198.51.100.7 is called mail1.corp.example, which does not lead back to it");
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("mail1", "10.0.0.2");
    told.say("app1", "names.mail", pointer(fault));
    assert_eq!(told.graph().mail_records[0].faults.len(), 1);
    told.say("mail1", "names.mail", pointer(None));
    let rows = told.graph().mail_records;
    assert_eq!((rows.len(), rows[0].faults.len()), (1, 0), "{rows:#?}");
}

#[test]
fn who_was_told_something_else_has_a_row_of_its_own() {
    let mut told = Told::default();
    told.host("app1", "10.0.0.1").host("mail1", "10.0.0.2");
    told.say(
        "app1",
        "names.mail",
        exchanger(&["10 mail1"], "10.0.0.2", None),
    );
    told.say(
        "mail1",
        "names.mail",
        exchanger(&["10 gate"], "198.51.100.7", None),
    );
    let rows = told.graph().mail_records;
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert!(
        rows.iter()
            .all(|row| row.seen_from.len() == 1 && row.machines.len() == 1)
    );
}
