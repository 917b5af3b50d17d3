//! `operating-system-end-of-life`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "operating-system-end-of-life";

fn machines(names: &[&str], version: &str) -> Inventory {
    inventory(
        names
            .iter()
            .map(|n| runs(host(n), "debian", version))
            .collect(),
        Vec::new(),
    )
}

pub(crate) fn positive() -> Inventory {
    machines(&["old1"], "10")
}

pub(crate) fn negative() -> Inventory {
    machines(&["new1"], "12")
}

#[test]
fn machines_with_one_system_are_one_finding_with_its_date() {
    let finding = only(CHECK, &machines(&["old1", "old2", "old3"], "10"));
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding
            .risk
            .ends_with("a hole found today stays open on 3 machines."),
        "{}",
        finding.risk
    );
    assert!(
        finding.indicator.contains("runs on old1, old2 and old3"),
        "{}",
        finding.indicator
    );
    let end = groma_knowledge::end_of_life("debian", "10").unwrap();
    assert!(
        finding
            .indicator
            .starts_with(&format!("support ended on {} (", end.day())),
        "{}",
        finding.indicator
    );
    assert_eq!(finding.control_date, Some(end));
}

#[test]
fn an_end_within_a_year_is_a_warning() {
    let end = groma_knowledge::end_of_life("debian", "12").unwrap();
    let before = groma_model::Timestamp::from_millis(end.millis() - 300 * 86_400_000);
    let found = groma_check::check(&negative(), before);
    assert_eq!(found.len(), 1);
    assert!(
        found
            .iter()
            .all(|f| f.severity == Severity::Medium && f.indicator.contains("support ends on")),
        "{found:#?}"
    );
}

#[test]
fn a_system_nobody_knows_the_end_of_is_silent() {
    assert!(found(CHECK, &machines(&["odd"], "99")).is_empty());
}
