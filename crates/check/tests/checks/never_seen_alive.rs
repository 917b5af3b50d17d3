//! `never-seen-alive`

use groma_model::CoverageState;
use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "never-seen-alive";

pub(crate) fn positive() -> Inventory {
    inventory(
        vec![host("app1"), host("db1")],
        vec![written_only(depends("app1", "sql", "db1", 5432))],
    )
}

pub(crate) fn negative() -> Inventory {
    inventory(
        vec![host("app1"), host("db1")],
        vec![depends("app1", "sql", "db1", 5432)],
    )
}

#[test]
fn it_says_how_long_somebody_looked() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Low);
    assert_eq!(finding.indicator, "database at db1:5432; watched for 30 s");
}

#[test]
fn it_leaves_the_word_to_a_check_that_knows_more() {
    let mut silent = positive();
    silent
        .coverage
        .push(sockets("db1", CoverageState::Complete));
    assert_eq!(found("target-silent", &silent).len(), 1);
    assert!(found(CHECK, &silent).is_empty());
}

#[test]
fn a_job_and_a_shared_service_have_their_reason_to_be_quiet() {
    let rhythm = with(written_only(depends("app1", "sql", "db1", 5432)), |d| {
        d.rhythm = Some("daily".into())
    });
    let shared = with(written_only(depends("app1", "dns", "db1", 53)), |d| {
        d.shared_service = true
    });
    assert!(
        found(
            CHECK,
            &inventory(vec![host("app1"), host("db1")], vec![rhythm, shared])
        )
        .is_empty()
    );
}

#[test]
fn looks_of_half_a_minute_that_are_a_fortnight_apart_are_no_fortnight_watched() {
    let mut apart = positive();
    apart.window.from = in_days(-14);
    let look = |machine: &str, days: i64| groma_model::inventory::CoverageEntry {
        source: groma_model::SourceName::new("host.sockets"),
        vantage: id(machine),
        scope: "listeners".to_owned(),
        state: groma_model::CoverageState::Complete,
        gaps: Vec::new(),
        from: in_days(days),
        to: in_days(days).plus(std::time::Duration::from_secs(30)),
        how: None,
    };
    apart.coverage = vec![look("app1", -14), look("db1", 0)];
    let finding = only(CHECK, &apart);
    assert!(
        finding.indicator.ends_with("watched for 30 s"),
        "{}",
        finding.indicator
    );
}
