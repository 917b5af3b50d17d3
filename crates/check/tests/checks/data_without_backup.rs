//! `data-without-backup`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "data-without-backup";

fn with(data: Vec<groma_model::inventory::Entity>) -> Inventory {
    let mut entities = data;
    entities.push(host("files1"));
    let mut inventory = inventory(entities, Vec::new());
    inventory.coverage = vec![backups_seen("files1")];
    inventory
}

pub(crate) fn positive() -> Inventory {
    with(vec![holds("database", "files1", "/srv/pg")])
}

/// A job on a directory above it copies it: the graph says so with a row of its own.
pub(crate) fn negative() -> Inventory {
    let mut inventory = positive();
    inventory.backups = vec![
        backup(id("files1"), &["/srv"]),
        backup(id("files1:/srv/pg"), &["/srv"]),
    ];
    inventory
}

#[test]
fn it_names_what_lies_there_and_asks_for_what_cannot_be_seen() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.indicator, "0 bytes: files1:/srv/pg");
    assert!(finding.mitigations[0].contains("hypervisor copies the whole machine"));
}

#[test]
fn a_job_about_something_else_and_one_that_nothing_starts_cover_nothing() {
    let mut other = positive();
    other.backups = vec![backup(id("files1"), &["/home"])];
    assert_eq!(found(CHECK, &other).len(), 1);
    let mut idle = negative();
    idle.backups.iter_mut().for_each(|b| b.unscheduled = true);
    assert_eq!(found(CHECK, &idle).len(), 1);
}

#[test]
fn an_agent_that_is_told_elsewhere_makes_it_a_question() {
    let mut inventory = positive();
    inventory.backups = vec![backup(id("files1"), &[])];
    let finding = only(CHECK, &inventory);
    assert_eq!(finding.severity, Severity::Low);
    assert!(
        finding
            .risk
            .starts_with("An agent of restic is set up on files1, but nothing here says"),
        "{}",
        finding.risk
    );
}

#[test]
fn silence_where_nobody_looked_for_jobs_and_for_what_follows_another_server() {
    let mut unseen = positive();
    unseen.coverage.clear();
    assert!(found(CHECK, &unseen).is_empty());
    let mut follower = holds("database", "files1", "/srv/pg");
    follower
        .attributes
        .database
        .as_mut()
        .expect("it is one")
        .role = Some("standby".to_owned());
    let mut fresh = holds("database", "files1", "/var/lib/mysql");
    fresh
        .attributes
        .database
        .as_mut()
        .expect("it is one")
        .names
        .clear();
    let mut drivers = holds("share", "files1", "/var/lib/samba/printers");
    drivers.attributes.share.as_mut().expect("it is one").name = "print$".into();
    let mut hollow = holds("share", "files1", "");
    hollow.names.clear();
    assert!(found(CHECK, &with(vec![follower, fresh, drivers, hollow])).is_empty());
}
