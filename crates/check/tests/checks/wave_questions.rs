//! What the file of a wave leaves open.

use groma_check::questions;
use groma_model::Timestamp;
use groma_model::inventory::{Inventory, Question, TimeWindow, WaveEntry};
use groma_model::wave::{Coexistence, Criterion, Move, Rollback};

use crate::build::*;

fn blank(name: &str, members: &[&str]) -> WaveEntry {
    WaveEntry {
        name: name.to_owned(),
        order: 1,
        members: members.iter().map(|m| (*m).to_owned()).collect(),
        state: "planned".to_owned(),
        ..WaveEntry::default()
    }
}

fn full(name: &str) -> WaveEntry {
    let some = |text: &str| Some(text.to_owned());
    WaveEntry {
        window: Some(TimeWindow {
            from: Timestamp::from_seconds(1),
            to: Timestamp::from_seconds(2),
        }),
        owner: some("Jo"),
        change_reference: some("C-1"),
        moves: vec![Move {
            from: "mail1".to_owned(),
            to: "mail2".to_owned(),
            names_that_follow: Vec::new(),
        }],
        expected: vec![
            "smtp-relay to mail2:25"
                .to_owned()
                .try_into()
                .expect("it is in the order of words"),
        ],
        coexistence: Some(Coexistence {
            until: Some(Timestamp::from_seconds(3)),
            how: some("mail is handed on"),
        }),
        rollback: Some(Rollback {
            what: some("point the name back"),
            trigger: some("no mail for an hour"),
            minutes: Some(30),
            decides: some("Jo"),
            backup: some("nightly"),
            restore_tested_on: Some(Timestamp::from_seconds(1)),
        }),
        criteria: vec![Criterion {
            metric: "mail_delay_p95_seconds".to_owned(),
            threshold: Some(60.0),
            at_least: None,
            baseline: None,
            accepted_by: some("Kim"),
        }],
        communications: [("everybody".to_owned(), "by mail".to_owned())].into(),
        ..blank(name, &["mail1"])
    }
}

fn of_waves(inventory: &Inventory) -> Vec<Question> {
    let mut asked = questions(inventory);
    asked.retain(|q| q.about.starts_with("wave:"));
    asked
}

#[test]
fn each_blank_field_is_a_question_to_whoever_owns_most_of_its_machines() {
    let mut hosts = vec![host("mail1"), host("mail2"), host("fax1")];
    for (host, owner) in hosts.iter_mut().zip(["Jo", "Jo", "Kim"]) {
        host.owner = Some(owner.to_owned());
    }
    let mut inventory = inventory(hosts, Vec::new());
    inventory.waves = vec![blank("w1", &["mail1", "mail2", "fax1"])];
    let asked = of_waves(&inventory);
    assert_eq!(asked.len(), 15, "{asked:#?}");
    assert!(asked.iter().all(|q| q.to.as_deref() == Some("Jo")));
    assert!(
        asked
            .iter()
            .any(|q| q.question == "w1: what is done to go back?")
    );
    inventory.waves[0].owner = Some("Kim".to_owned());
    let asked = of_waves(&inventory);
    assert_eq!(asked.len(), 14, "its owner is known");
    assert!(asked.iter().all(|q| q.to.as_deref() == Some("Kim")));
}

#[test]
fn a_full_wave_and_one_that_has_moved_are_asked_nothing() {
    let mut inventory = inventory(vec![host("mail1")], Vec::new());
    inventory.waves = vec![full("w1"), blank("w0", &["mail1"])];
    inventory.waves[1].state = "proven".to_owned();
    assert_eq!(of_waves(&inventory), []);
    inventory.waves[0].criteria[0].accepted_by = Some("  ".to_owned());
    let asked = of_waves(&inventory);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].question, "w1: who accepts mail_delay_p95_seconds?");
}
