//! `scheduled-only`

use groma_model::fact::ComponentClass;
use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "scheduled-only";

fn job(rhythm: &str, provider: &str) -> Inventory {
    let need = with(depends("app1", "ftp", provider, 21), |d| {
        d.consumer.component.class = ComponentClass::ScheduledJob;
        d.consumer.component.name = "/usr/local/bin/closing".into();
        d.rhythm = Some(rhythm.to_owned());
        d.next_due = Some(in_days(11));
    });
    inventory(vec![host("app1"), host("bank1")], vec![need])
}

pub(crate) fn positive() -> Inventory {
    job("monthly", "bank1")
}

pub(crate) fn negative() -> Inventory {
    job("hourly", "bank1")
}

#[test]
fn it_names_the_job_its_rhythm_and_its_next_date() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Medium);
    assert_eq!(
        finding.indicator,
        "closing on app1 (monthly, next on 2026-12-01) to bank1:21"
    );
    assert_eq!(finding.control_date, Some(in_days(11)));
    assert_eq!(only(CHECK, &job("weekly", "bank1")).severity, Severity::Low);
}

#[test]
fn a_job_that_stays_at_home_is_silent() {
    assert!(found(CHECK, &job("monthly", "app1")).is_empty());
}
