//! Who still knocks, and when an old place is silent: silence that nobody watched is none.
#![allow(
    dead_code,
    reason = "the small inventories are shared with the tests of the checks"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

#[path = "../../../check/tests/checks/build.rs"]
mod build;

use build::{depends, host, id, in_days, inventory, now, with, wrong};
use groma_model::inventory::{Dependency, Inventory, TimeWindow};
use groma_model::wave::{Move, Wave};
use groma_wave::{
    Residual, Statement, Watch, certify, old_places, residual, residual_text, statement_text,
};

fn wave() -> Wave {
    Wave {
        name: "w1".to_owned(),
        moves: vec![Move {
            from: "mail1".to_owned(),
            to: "mail2".to_owned(),
            names_that_follow: vec![],
        }],
        window: Some(TimeWindow {
            from: in_days(-21),
            to: in_days(-20),
        }),
        ..Wave::default()
    }
}

/// `consumer` used `provider` for the last time so many days ago.
fn used(consumer: &str, provider: &str, days_ago: i64) -> Dependency {
    with(depends(consumer, "imap", provider, 143), |d| {
        d.details.last_used = Some(in_days(-days_ago))
    })
}

fn estate(needs: Vec<Dependency>) -> Inventory {
    inventory(
        vec![host("mail1"), host("mail2"), host("app1"), host("app2")],
        needs,
    )
}

/// A look of an hour a day at `mail1`, from so many days ago to so many days ago.
fn daily(from: i64, to: i64) -> Vec<Watch> {
    let day = |days: i64| Watch {
        entity: id("mail1"),
        from: in_days(-days),
        to: in_days(-days).plus(std::time::Duration::from_secs(3_600)),
    };
    (to..=from).rev().map(day).collect()
}

fn knocking(inventory: &Inventory, watches: &[Watch]) -> Residual {
    residual(
        inventory,
        &wave(),
        &old_places(inventory, &wave()),
        in_days(-20),
        watches,
    )
}

fn judged(needs: Vec<Dependency>, watches: &[Watch]) -> Statement {
    certify(&knocking(&estate(needs), watches), 14, &[])
}

#[test]
fn who_called_after_the_switch_is_listed_and_who_called_before_is_not() {
    let inventory = estate(vec![
        used("app1", "mail1", 3),
        used("app2", "mail1", 22),
        used("app2", "mail2", 1),
    ]);
    let residual = knocking(&inventory, &daily(20, 1));
    let knocks: Vec<&str> = residual.places[0]
        .knocks
        .iter()
        .map(|k| k.name.as_str())
        .collect();
    assert_eq!(knocks, ["app1"]);
    assert!(residual.needs_action());
    let text = residual_text(&residual);
    assert!(
        text.contains("app1 (app1.service)") && text.contains("/etc/app1.conf:1"),
        "{text}"
    );
}

#[test]
fn a_line_in_a_file_does_not_knock_and_neither_does_what_a_person_judged_wrong() {
    let written = depends("app1", "imap", "mail1", 143);
    let judged = with(used("app2", "mail1", 3), |d| d.verdict = wrong());
    assert!(!knocking(&estate(vec![written, judged]), &daily(20, 1)).needs_action());
}

#[test]
fn two_weeks_of_watched_silence_are_certified() {
    let statement = judged(vec![used("app1", "mail1", 18)], &daily(20, 0));
    assert!(statement.certified, "{}", statement_text(&statement));
    assert_eq!(statement.places[0].silent_days, 18);
    assert!(
        statement.rests_on[0].contains("21 looks"),
        "{:?}",
        statement.rests_on
    );
}

#[test]
fn silence_that_nobody_watched_is_none() {
    let nobody = judged(vec![], &[]);
    assert!(!nobody.certified && nobody.against[0].contains("nobody looked"));
    let stopped = judged(vec![], &daily(20, 3));
    assert!(
        !stopped.certified && stopped.against[0].contains("look again"),
        "{:?}",
        stopped.against
    );
    let mut holed = daily(20, 10);
    holed.extend(daily(7, 0));
    let holed = judged(vec![], &holed);
    assert!(
        !holed.certified && holed.against[0].contains("silent for 7 days"),
        "{:?}",
        holed.against
    );
}

#[test]
fn a_call_within_the_days_stands_against_it_by_name() {
    let statement = judged(vec![used("app1", "mail1", 5)], &daily(20, 0));
    assert!(!statement.certified);
    assert!(
        statement.against[0].contains("called by app1"),
        "{:?}",
        statement.against
    );
}

#[test]
fn a_monthly_job_that_has_not_come_round_keeps_the_wave_open() {
    let residual = knocking(&estate(vec![]), &daily(20, 0));
    let due = [
        (in_days(4), "app1 to mail1".to_owned()),
        (in_days(-2), "over".to_owned()),
    ];
    let statement = certify(&residual, 14, &due);
    assert!(!statement.certified);
    assert!(
        statement.against[0].contains("stays open until 2026-11-24"),
        "{:?}",
        statement.against
    );
    assert!(!statement.against[0].contains("over"));
}

#[test]
fn a_wave_of_nothing_certifies_nothing() {
    let mut nothing = wave();
    nothing.moves[0].from = "elsewhere".to_owned();
    let inventory = estate(vec![]);
    let residual = residual(
        &inventory,
        &nothing,
        &old_places(&inventory, &nothing),
        now(),
        &[],
    );
    assert!(!certify(&residual, 14, &[]).certified);
}

#[test]
fn a_name_that_means_no_machine_is_told_and_certifies_nothing() {
    let mut mistyped = wave();
    mistyped.members = vec!["db-odl".to_owned()];
    let inventory = estate(vec![]);
    let residual = residual(
        &inventory,
        &mistyped,
        &old_places(&inventory, &mistyped),
        in_days(-20),
        &daily(20, 0),
    );
    assert_eq!(residual.unknown, ["db-odl"]);
    assert!(residual.needs_action() && residual_text(&residual).contains("db-odl"));
    let statement = certify(&residual, 14, &[]);
    assert!(!statement.certified && statement.against[0].contains("db-odl"));
}

#[test]
fn an_agent_that_may_not_see_connections_has_not_watched() {
    let mut inventory = estate(vec![]);
    let mut look = build::sockets("mail1", groma_model::CoverageState::Partial);
    look.gaps = vec![groma_model::inventory::GapEntry {
        what: "connections".to_owned(),
        reason: "permission-denied".to_owned(),
        remedy: None,
    }];
    inventory.coverage = vec![look];
    let blind = certify(&knocking(&inventory, &daily(20, 0)), 14, &[]);
    assert!(
        !blind.certified && blind.against[0].contains("permission-denied"),
        "{:?}",
        blind.against
    );
    inventory.coverage = vec![build::sockets(
        "mail1",
        groma_model::CoverageState::Complete,
    )];
    assert!(certify(&knocking(&inventory, &daily(20, 0)), 14, &[]).certified);
}

#[test]
fn a_machine_that_is_a_member_and_moves_is_one_old_place() {
    let mut both = wave();
    both.members = vec!["mail1".to_owned()];
    let named = old_places(&estate(vec![]), &both);
    assert_eq!(named.len(), 1);
    assert!(named["mail1"].contains(&id("mail1")));
}
