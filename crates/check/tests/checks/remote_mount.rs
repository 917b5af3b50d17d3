//! `remote-mount`

use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "remote-mount";

pub(crate) fn positive() -> Inventory {
    let app = mounts(host("app1"), "nas1", "/export/data");
    inventory(
        vec![app, host("nas1")],
        vec![depends("app1", "nfs", "nas1", 2049)],
    )
}

pub(crate) fn negative() -> Inventory {
    inventory(
        vec![host("app1"), host("nas1")],
        vec![depends("app1", "nfs", "nas1", 2049)],
    )
}

#[test]
fn it_says_what_is_mounted_where() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Medium);
    assert_eq!(finding.indicator, "nas1:/export/data at /srv/data on app1");
    assert!(
        finding
            .risk
            .starts_with("app1 mounts storage of nas1: when nas1 goes"),
        "{}",
        finding.risk
    );
}

#[test]
fn two_machines_on_one_server_are_one_finding_and_graver() {
    let hosts = vec![
        mounts(host("app1"), "nas1", "/a"),
        mounts(host("app2"), "nas1", "/b"),
        host("nas1"),
    ];
    let needs = vec![
        depends("app1", "nfs", "nas1", 2049),
        depends("app2", "nfs", "nas1", 2049),
    ];
    let finding = only(CHECK, &inventory(hosts, needs));
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding.risk.starts_with("2 machines mount"),
        "{}",
        finding.risk
    );
}

#[test]
fn a_mount_of_ones_own_export_is_silent() {
    assert!(
        found(
            CHECK,
            &inventory(vec![mounts(host("app1"), "127.0.0.1", "/a")], Vec::new())
        )
        .is_empty()
    );
    let own = inventory(
        vec![mounts(host("app1"), "app1", "/a")],
        vec![depends("app1", "nfs", "app1", 2049)],
    );
    assert!(found(CHECK, &own).is_empty());
}

#[test]
fn a_mount_without_a_dependency_still_speaks() {
    assert_eq!(
        only(
            CHECK,
            &inventory(vec![mounts(host("app1"), "nas1", "/a")], Vec::new())
        )
        .indicator,
        "nas1:/a at /srv/data on app1"
    );
}
