//! `backup-not-running`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "backup-not-running";

fn last_ended(days: i64) -> Inventory {
    let mut inventory = inventory(vec![host("files1")], Vec::new());
    let mut job = backup(id("files1"), &["/srv"]);
    job.last_success = Some(in_days(-days));
    inventory.backups = vec![job];
    inventory
}

pub(crate) fn positive() -> Inventory {
    last_ended(40)
}

pub(crate) fn negative() -> Inventory {
    last_ended(1)
}

#[test]
fn it_says_when_it_last_ended_well() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(
        finding.indicator,
        "restic /etc/cron.d/backup:3 to nas1:/r: it last ended well 40 days ago"
    );
}

#[test]
fn a_monthly_job_may_wait_longer_and_one_that_nobody_starts_may_not() {
    let mut monthly = positive();
    monthly.backups[0].rhythm = Some("monthly".to_owned());
    assert!(found(CHECK, &monthly).is_empty());
    let mut idle = negative();
    idle.backups[0].unscheduled = true;
    assert!(
        only(CHECK, &idle)
            .risk
            .ends_with("nothing was found that starts it.")
    );
}

#[test]
fn silence_where_nothing_tells_how_it_ended() {
    let mut unknown = positive();
    unknown.backups[0].last_success = None;
    assert!(found(CHECK, &unknown).is_empty());
}

#[test]
fn what_came_after_the_look_nobody_knows() {
    let mut stale = last_ended(40);
    stale.coverage = vec![groma_model::inventory::CoverageEntry {
        source: groma_model::SourceName::new("host.backups"),
        vantage: id("files1"),
        scope: "backup /".to_owned(),
        state: groma_model::CoverageState::Complete,
        gaps: Vec::new(),
        from: in_days(-39),
        to: in_days(-39),
        how: None,
    }];
    assert!(
        found(CHECK, &stale).is_empty(),
        "it had ended well a day before"
    );
    stale.coverage[0].to = in_days(0);
    assert!(only(CHECK, &stale).indicator.ends_with("40 days ago"));
}
