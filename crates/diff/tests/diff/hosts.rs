//! Machines and what is on them.

use groma_diff::{Area, Class};
use groma_model::fact::{Account, Hardware, Job};
use groma_model::inventory::{Attributes, Entity, Inventory};

use crate::build::*;
use crate::{classes, only, said};

fn alone(entity: Entity) -> Inventory {
    inventory(vec![entity], Vec::new())
}

fn having(change: impl FnOnce(&mut Attributes)) -> Inventory {
    let mut host = host("app1");
    change(&mut host.attributes);
    alone(host)
}

#[test]
fn a_new_host_is_one_line_whatever_is_on_it() {
    let mut after = inventory(
        vec![host("app1"), host("db1")],
        vec![depends("db1", "dns", "app1", 53)],
    );
    after
        .listeners
        .push(listener("db1", 5432, "postgresql.service"));
    let change = only(&alone(host("app1")), &after);
    assert_eq!((change.class, change.on.as_str()), (Class::Added, "db1"));
    assert_eq!(
        change.says,
        "host with 1 endpoint and 1 need, needed 0 times"
    );
}

#[test]
fn a_host_that_is_gone_is_one_line_and_those_who_needed_it_speak_for_themselves() {
    let before = inventory(
        vec![host("app1"), host("db1")],
        vec![
            depends("app1", "sql", "db1", 5432),
            depends("db1", "dns", "app1", 53),
        ],
    );
    assert_eq!(
        classes(&before, &alone(host("app1"))),
        [Class::Removed, Class::Removed]
    );
}

#[test]
fn a_stranger_at_the_end_of_a_need_has_no_line_of_its_own() {
    let after = inventory(
        vec![host("app1"), entity("external", "10.0.0.9")],
        vec![depends("app1", "http", "10.0.0.9", 8443)],
    );
    assert_eq!(said(&alone(host("app1")), &after).len(), 1);
}

#[test]
fn a_newly_watched_host_does_not_flood_the_page() {
    let mut after = alone(host("db1"));
    after
        .listeners
        .push(listener("db1", 5432, "postgresql.service"));
    let change = only(&alone(entity("host", "db1")), &after);
    assert_eq!(
        change.says,
        "is now watched from inside; what is on it is not listed"
    );
}

#[test]
fn another_address_moved_and_another_order_did_not() {
    let at = |addresses: &[&str]| {
        let mut host = host("app1");
        host.addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
        alone(host)
    };
    let change = only(&at(&["10.0.0.5", "127.0.0.1"]), &at(&["10.0.0.6"]));
    assert_eq!(
        (change.class, change.says.as_str()),
        (Class::Moved, "is at 10.0.0.6, before at 10.0.0.5")
    );
    assert!(
        said(
            &at(&["10.0.0.5", "10.0.0.6"]),
            &at(&["10.0.0.6", "10.0.0.5"])
        )
        .is_empty()
    );
}

#[test]
fn an_upgrade_of_hundreds_of_packages_is_one_line() {
    let packages = |version: &str| {
        having(|a| {
            a.packages = (0..300)
                .map(|n| (format!("p{n}"), version.to_owned()))
                .collect()
        })
    };
    let mut after = packages("2");
    after.entities.iter_mut().for_each(|e| {
        e.attributes.packages.remove("p7");
        e.attributes.packages.insert("new".into(), "1".into());
    });
    let change = only(&packages("1"), &after);
    assert_eq!(
        (change.area, change.says.as_str()),
        (
            Area::Package,
            "1 installed, 1 removed, 299 at another version"
        )
    );
    assert_eq!(change.act, None);
    assert_eq!(change.details.len(), 301);
}

#[test]
fn a_little_memory_is_no_hardware_change_and_a_module_is() {
    let memory = |bytes| {
        having(|a| {
            a.hardware = Some(Hardware {
                memory_bytes: bytes,
                processors: 4,
                ..Hardware::default()
            })
        })
    };
    assert!(said(&memory(8_000_000_000), &memory(8_100_000_000)).is_empty());
    let change = only(&memory(8 << 30), &memory(16 << 30));
    assert!(
        change
            .details
            .iter()
            .all(|d| d.before.as_deref() == Some("8 GiB") && d.after.as_deref() == Some("16 GiB")),
        "{change:#?}"
    );
}

#[test]
fn a_cron_line_that_slid_down_is_the_same_job() {
    let job = |line: u32, schedule: &str| Job {
        scheduler: "cron".into(),
        name: format!("/etc/crontab:{line}").into(),
        schedule: schedule.into(),
        rhythm: None,
        user: Some("root".into()),
        executable: Some("/usr/bin/closing".into()),
        file: "/etc/crontab".into(),
        ..Job::default()
    };
    let with = |jobs: Vec<Job>| having(|a| a.jobs = jobs.into_iter().map(Into::into).collect());
    assert!(said(&with(vec![job(3, "@daily")]), &with(vec![job(9, "@daily")])).is_empty());
    let change = only(
        &with(vec![job(3, "@daily")]),
        &with(vec![job(3, "@monthly")]),
    );
    assert_eq!(
        (change.class, change.says.as_str()),
        (Class::Changed, "/usr/bin/closing in /etc/crontab")
    );
}

#[test]
fn a_new_log_in_is_something_to_act_on_and_a_new_daemon_account_is_not() {
    let account = |can_log_in| Account {
        name: "eve".into(),
        id: "1007".into(),
        home: None,
        shell: None,
        can_log_in,
    };
    let with = |accounts: Vec<Account>| having(|a| a.accounts = accounts);
    assert!(
        only(&with(Vec::new()), &with(vec![account(true)]))
            .act
            .is_some()
    );
    assert_eq!(
        only(&with(Vec::new()), &with(vec![account(false)])).act,
        None
    );
    assert!(
        only(&with(vec![account(false)]), &with(vec![account(true)]))
            .act
            .is_some()
    );
}

#[test]
fn a_remote_mount_that_is_a_need_is_said_once() {
    let before = inventory(vec![host("app1"), host("nas1")], Vec::new());
    let after = inventory(
        vec![mounts(host("app1"), "nas1", "/export"), host("nas1")],
        vec![depends("app1", "nfs", "nas1", 2049)],
    );
    assert_eq!(only(&before, &after).area, Area::Dependency);
}

#[test]
fn an_upgraded_system_names_both_versions() {
    let change = only(
        &alone(runs(host("app1"), "debian", "12")),
        &alone(runs(host("app1"), "debian", "13")),
    );
    assert_eq!(
        (change.area, change.says.as_str()),
        (Area::OperatingSystem, "debian 13")
    );
}
