//! Who needs whom.

use groma_diff::{Area, Class};
use groma_model::Witness;
use groma_model::fact::ComponentClass;
use groma_model::inventory::{Dependency, Inventory};
use groma_model::name::Protection;

use crate::build::*;
use crate::{classes, only, said};

fn estate(dependencies: Vec<Dependency>) -> Inventory {
    inventory(
        ["app1", "app2", "db1", "db2", "mail1"].map(host).into(),
        dependencies,
    )
}

#[test]
fn a_new_need_and_a_need_that_is_gone_are_one_line_each() {
    let before = estate(vec![depends("app1", "sql", "db1", 5432)]);
    let after = estate(vec![depends("app1", "smtp-relay", "mail1", 25)]);
    assert_eq!(
        said(&before, &after),
        [
            "app1 removed: app1.service needs database at db1:5432 (written in /etc/app1.conf)",
            "app1 added: app1.service needs mail relay at mail1:25 (written in /etc/app1.conf)",
        ]
    );
}

#[test]
fn the_same_need_at_another_port_or_host_moved() {
    let before = estate(vec![depends("app1", "sql", "db1", 5432)]);
    let port = only(&before, &estate(vec![depends("app1", "sql", "db1", 5433)]));
    assert_eq!((port.class, port.area), (Class::Moved, Area::Dependency));
    assert_eq!(
        port.says,
        "app1.service uses database at db1:5433, before at db1:5432"
    );
    let host = only(&before, &estate(vec![depends("app1", "sql", "db2", 5432)]));
    assert_eq!(
        host.says,
        "app1.service uses database at db2:5432, before at db1:5432"
    );
    assert_eq!(host.entities, [id("app1"), id("db1"), id("db2")]);
}

#[test]
fn two_candidates_are_a_guess_and_nothing_moved() {
    let before = estate(vec![depends("app1", "sql", "db1", 5432)]);
    let after = estate(vec![
        depends("app1", "sql", "db2", 5432),
        depends("app1", "sql", "db2", 5433),
    ]);
    assert_eq!(
        classes(&before, &after),
        [Class::Removed, Class::Added, Class::Added]
    );
}

#[test]
fn needs_without_a_kind_are_never_taken_for_each_other() {
    let before = estate(vec![depends("app1", "other", "db1", 7001)]);
    let after = estate(vec![depends("app1", "other", "db2", 7002)]);
    assert_eq!(classes(&before, &after), [Class::Removed, Class::Added]);
}

#[test]
fn another_part_of_the_consumer_is_a_change_not_two() {
    let old = depends("app1", "sql", "db1", 5432);
    let new = with(depends("app1", "sql", "db1", 5432), |d| {
        d.id = groma_model::DependencyId::of(&["another"]);
        d.consumer.component.name = "/srv/shop".into();
        d.consumer.component.class = ComponentClass::Executable;
    });
    let change = only(&estate(vec![old]), &estate(vec![new]));
    assert_eq!(change.class, Class::Changed);
    assert_eq!(
        change.says,
        "database at db1:5432 is used by another part: /srv/shop"
    );
}

#[test]
fn what_a_partial_look_missed_is_not_seen_and_only_once() {
    let seen = depends("app1", "sql", "db1", 5432);
    let missed = with(seen.clone(), |d| d.current = false);
    let change = only(&estate(vec![seen]), &estate(vec![missed.clone()]));
    assert_eq!(change.class, Class::NotSeen);
    assert_eq!(change.act, None);
    assert!(said(&estate(vec![missed.clone()]), &estate(vec![missed])).is_empty());
}

#[test]
fn a_deleted_reference_is_seen_although_the_connection_still_lives() {
    let before = with(depends("app1", "sql", "db1", 5432), |d| {
        d.details.written_in = vec!["/etc/app.env:3".into(), "/etc/old.env:7".into()]
    });
    let after = with(before.clone(), |d| {
        d.details.written_in = vec!["/etc/app.env:4".into()]
    });
    let change = only(&estate(vec![before]), &estate(vec![after]));
    assert_eq!(change.class, Class::Changed);
    assert_eq!(change.details.len(), 1);
    assert!(change.details.iter().all(|d| d.what == "written in"
        && d.before.as_deref() == Some("/etc/old.env")
        && d.after.is_none()));
    assert!(change.act.is_some());
}

#[test]
fn what_moves_by_itself_is_no_change() {
    let before = depends("app1", "sql", "db1", 5432);
    let after = with(before.clone(), |d| {
        d.count = 99;
        d.last_seen = in_days(1);
        d.witnesses = vec![Witness::Written];
        d.details.programs = vec!["/usr/bin/psql".into()];
        d.details.written_in = vec!["/etc/app1.conf:77".into()];
        d.evidence.clear();
    });
    assert!(said(&estate(vec![before]), &estate(vec![after])).is_empty());
}

#[test]
fn lost_protection_is_something_to_act_on() {
    let before = protected(
        depends("app1", "ldap-bind", "db1", 389),
        Protection::Starttls,
    );
    let after = protected(before.clone(), Protection::None);
    let change = only(&estate(vec![before]), &estate(vec![after]));
    assert_eq!(
        change.act.as_deref(),
        Some("protect it again: it now travels in clear text")
    );
}

#[test]
fn what_a_person_judged_wrong_is_no_change() {
    let need = depends("app1", "sql", "db1", 5432);
    let judged = with(need.clone(), |d| d.verdict = wrong());
    assert!(said(&estate(vec![need]), &estate(vec![judged.clone()])).is_empty());
    assert!(said(&estate(Vec::new()), &estate(vec![judged])).is_empty());
}

#[test]
fn a_guest_on_another_hypervisor_is_said_as_one_would_say_it() {
    let on = |hypervisor: &str| {
        estate(vec![with(depends("app1", "runs-on", hypervisor, 1), |d| {
            d.provider.port = None;
            d.provider.transport = None;
            d.consumer.component.name = "app1".into();
        })])
    };
    let change = only(&on("db1"), &on("db2"));
    assert_eq!(change.says, "app1 runs on db2, before on db1");
}

#[test]
fn who_issued_a_certificate_is_no_line_about_a_need() {
    let after = estate(vec![depends("app1", "certificate-issued-by", "db1", 1)]);
    assert!(said(&estate(Vec::new()), &after).is_empty());
}
