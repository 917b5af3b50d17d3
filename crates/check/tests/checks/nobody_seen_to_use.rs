//! `nobody-seen-to-use`

use groma_model::fact::WatchPurpose;
use groma_model::inventory::{Inventory, Severity};
use groma_model::watched::OwnWatch;
use groma_model::{SourceName, Timestamp, Witness};
use serde_json::{Value, json};

use crate::build::*;
use crate::{found, only};

pub(crate) const CHECK: &str = "nobody-seen-to-use";

/// A watch of so many days up to an hour ago, for half of the time and at every hour of the day.
fn watch(days: u32) -> OwnWatch {
    OwnWatch {
        source: SourceName::new("host.flows"),
        from: in_days(-i64::from(days)),
        to: Timestamp::from_millis(now().millis() - 3_600_000),
        looks: 936,
        seconds: u64::from(days) * 43_200,
        longest_gap_seconds: 1_920,
        day_seconds: 86_400,
        week_seconds: 580_608,
    }
}

pub(crate) fn positive() -> Inventory {
    let mut estate = inventory(
        vec![host("old1"), host("app1"), host("mon1")],
        vec![
            used(depends("app1", "dns", "mon1", 53), 0),
            used(depends("old1", "dns", "mon1", 53), 0),
            used(depends("old1", "ntp", "mon1", 123), 0),
            used(depends("old1", "sql", "old1", 5432), 0),
        ],
    );
    estate.listeners = vec![
        listener("old1", 443, "nginx.service"),
        listener("old1", 22, "ssh.service"),
    ];
    machine(&mut estate, "old1").attributes.watched = Some(watch(39));
    estate
}

/// The day before, somebody called.
pub(crate) fn negative() -> Inventory {
    with_need(used(depends("app1", "http", "old1", 443), -1))
}

pub(crate) fn machine<'i>(
    estate: &'i mut Inventory,
    name: &str,
) -> &'i mut groma_model::inventory::Entity {
    let wanted = id(name);
    let found = estate.entities.iter_mut().find(|e| e.id == wanted);
    found.expect("the test made it")
}

/// Seen in use for the last time so many days from now, and written nowhere.
pub(crate) fn used(
    dependency: groma_model::inventory::Dependency,
    days: i64,
) -> groma_model::inventory::Dependency {
    with(dependency, |d| {
        d.witnesses = vec![Witness::Live];
        d.last_seen = in_days(days);
        d.details.last_used = Some(in_days(days));
        d.details.written_in.clear();
    })
}

pub(crate) fn with_need(need: groma_model::inventory::Dependency) -> Inventory {
    altered(|estate| estate.dependencies.push(need))
}

pub(crate) fn altered(change: impl FnOnce(&mut Inventory)) -> Inventory {
    let mut estate = positive();
    change(&mut estate);
    estate.dependencies.sort_by(|a, b| a.id.cmp(&b.id));
    estate.entities.sort_by(|a, b| a.id.cmp(&b.id));
    estate
}

fn with_watch(change: impl FnOnce(&mut OwnWatch)) -> Inventory {
    altered(|estate| {
        let watched = &mut machine(estate, "old1").attributes.watched;
        change(watched.as_mut().expect("the positive twin has one"));
    })
}

pub(crate) fn row<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the test wrote a row")
}

/// Silent for each of these, and for what.
pub(crate) fn silent(twins: Vec<(&str, Inventory)>) {
    for (why, estate) in twins {
        let found = found(CHECK, &estate);
        assert!(found.is_empty(), "{why}: {found:#?}");
    }
}

#[test]
fn it_says_what_was_watched_for_how_long_and_what_nobody_could_see() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::Low);
    assert_eq!(finding.layer, "os");
    assert_eq!(
        finding.risk,
        "old1 may be moved, paid for and looked after although nobody needs it: in 38 days nobody was seen to use it."
    );
    assert_eq!(
        finding.indicator,
        "nobody was seen to use it from 2026-10-12 to 2026-11-20: its own agent told every connection (host.flows) in 936 looks, \
         50 % of that time, at every hour of the day and at 96 % of the hours of the week; the longest time between two looks was \
         32 minutes; not seen: calls between two looks and calls nothing answered, people at its console, and what is neither TCP nor a known UDP service"
    );
    assert_eq!(finding.subjects, ["ent-old1"]);
    let said = [finding.mitigations.concat(), finding.risk, finding.impact].concat();
    for word in [
        "may be switched off",
        "can be switched off",
        "is not needed",
    ] {
        assert!(!said.contains(word), "{said}");
    }
}

#[test]
fn silence_that_nobody_watched_is_none() {
    silent(vec![
        (
            "nobody watched",
            altered(|e| machine(e, "old1").attributes.watched = None),
        ),
        ("not for five weeks", with_watch(|w| w.from = in_days(-34))),
        ("the watch is over", with_watch(|w| w.to = in_days(-2))),
        ("it ends after now", with_watch(|w| w.to = in_days(2))),
        (
            "in office hours alone",
            with_watch(|w| w.day_seconds = 36_000),
        ),
    ]);
}

#[test]
fn whoever_came_within_that_time_is_a_user_however_it_is_known() {
    let by = |witness| {
        with(used(depends("app1", "http", "old1", 443), -1), |d| {
            d.witnesses = vec![witness]
        })
    };
    let logged: groma_model::ledger::LedgerEntry = row(json!({
        "provider": "ent-old1", "kind": "http", "consumer": "ent-app1", "class": "unknown", "count": 1,
        "first_seen": in_days(-3), "last_seen": in_days(-3), "hours": groma_model::Hours::default(), "programs": [],
        "witnesses": ["history"], "logs": ["/var/log/nginx/access.log"], "evidence": [],
    }));
    silent(vec![
        ("live", with_need(by(Witness::Live))),
        ("a log", with_need(by(Witness::History))),
        ("packets", with_need(by(Witness::Network))),
        (
            "a file names it",
            with_need(written_only(depends("app1", "http", "old1", 443))),
        ),
        ("a directory states it", with_need(by(Witness::Declared))),
        (
            "a log alone, of no dependency",
            altered(|e| e.ledger.push(logged)),
        ),
        (
            "the whole estate asks it for names",
            with_need(used(depends("app1", "dns", "old1", 53), -1)),
        ),
        (
            "its address is handed out there",
            with_need(used(depends("app1", "dhcp", "old1", 67), -1)),
        ),
        (
            "a guest runs on it",
            with_need(used(depends("app1", "runs-on", "old1", 0), -1)),
        ),
        (
            "its power is watched there",
            with_need(used(depends("app1", "ups", "old1", 3493), -1)),
        ),
        (
            "traps are sent to it",
            with_need(used(depends("app1", "snmp", "old1", 162), -1)),
        ),
        (
            "agents report to it",
            with_need(used(depends("app1", "monitoring", "old1", 10_051), -1)),
        ),
        (
            "copies are sent to it",
            with_need(used(depends("app1", "backup", "old1", 873), -1)),
        ),
        (
            "a copier lays what it scans there",
            altered(|e| {
                let scans = row(json!({"by": "mdns", "scans": true}));
                machine(e, "app1").attributes.sightings.push(scans);
                e.dependencies
                    .push(used(depends("app1", "smb", "old1", 445), -1));
            }),
        ),
        (
            "people log on",
            with_need(used(depends("app1", "ssh", "old1", 22), -1)),
        ),
    ]);
}

#[test]
fn what_comes_seldom_is_waited_for() {
    let ended = |change: fn(&mut groma_model::inventory::Dependency)| {
        with_need(with(
            used(depends("app1", "http", "old1", 443), -50),
            change,
        ))
    };
    silent(vec![
        (
            "quarterly",
            ended(|d| d.rhythm = Some("quarterly".to_owned())),
        ),
        ("due again", ended(|d| d.next_due = Some(in_days(3)))),
        (
            "of a rhythm nobody can count",
            ended(|d| d.rhythm = Some("every full moon".to_owned())),
        ),
        (
            "within the five weeks",
            with_need(used(depends("app1", "http", "old1", 443), -34)),
        ),
    ]);
    let mut over = ended(|_| ());
    machine(&mut over, "old1").attributes.watched = Some(watch(80));
    let finding = only(CHECK, &over);
    assert!(finding.risk.contains("in 49 days"), "{}", finding.risk);
    assert!(
        finding
            .indicator
            .contains("; last used by app1 (web service, 2026-10-01)"),
        "{}",
        finding.indicator
    );
    let monthly = ended(|d| d.rhythm = Some("monthly".to_owned()));
    assert_eq!(
        found(CHECK, &monthly).len(),
        1,
        "it had its turn, and stayed away"
    );
}

#[test]
fn who_looks_after_a_machine_does_not_use_it() {
    let watching = |by: &str| groma_model::inventory::Watching {
        entity: id("old1"),
        purpose: WatchPurpose::WatchedBy,
        by: Some(id(by)),
        name: by.to_owned(),
        products: vec!["Icinga".to_owned()],
        witnesses: Vec::new(),
        evidence: Vec::new(),
    };
    let watched = altered(|e| {
        e.watching.push(watching("mon1"));
        e.dependencies
            .push(with(used(depends("mon1", "http", "old1", 443), 0), |d| {
                d.details.programs = vec!["/usr/lib/nagios/plugins/check_http".to_owned()];
            }));
    });
    let stores = altered(|e| {
        e.watching.push(watching("mon1"));
        e.dependencies
            .push(used(depends("mon1", "sql", "old1", 5432), 0));
    });
    let reads = altered(|e| {
        e.watching.push(watching("mon1"));
        e.dependencies
            .push(used(depends("mon1", "http", "old1", 443), 0));
    });
    silent(vec![
        ("its watcher keeps its own data there", stores),
        ("its watcher reads pages, and nobody knows what for", reads),
    ]);
    let kept = altered(|e| {
        e.backups.push(groma_model::inventory::Backup {
            by: Some(id("mon1")),
            ..backup(id("old1"), &["/"])
        });
        e.dependencies
            .push(used(depends("mon1", "backup", "old1", 9102), 0));
        e.dependencies
            .push(used(depends("old1", "backup", "mon1", 9103), 0));
    });
    for (why, estate) in [
        ("its watcher tries the web page", watched),
        (
            "an SNMP agent is asked",
            with_need(used(depends("app1", "snmp", "old1", 161), 0)),
        ),
        ("it is copied away", kept),
    ] {
        let found = found(CHECK, &estate);
        assert!(
            found
                .iter()
                .any(|f| f.subjects.contains(&"ent-old1".to_owned())),
            "{why}"
        );
    }
    let finding = only(
        CHECK,
        &with_need(used(depends("app1", "snmp", "old1", 161), 0)),
    );
    assert!(
        finding
            .indicator
            .contains("; not counted, because it only looks after it: app1 (monitoring (SNMP))"),
        "{}",
        finding.indicator
    );
}

#[test]
fn whoever_logs_on_to_the_whole_estate_keeps_it_in_order_and_whoever_logs_on_to_some_uses_them() {
    let tended = |machines: usize| {
        altered(|e| {
            for at in 0..17 {
                e.entities.push(host(&format!("srv{at}")));
            }
            let reached = (0..machines)
                .map(|at| format!("srv{at}"))
                .chain(["old1".to_owned()]);
            for to in reached {
                e.dependencies
                    .push(used(depends("app1", "ssh", &to, 22), 0));
            }
        })
    };
    assert_eq!(found(CHECK, &tended(16)).len(), 1);
    let mut besides = tended(16);
    besides
        .dependencies
        .push(used(depends("app1", "http", "old1", 443), -1));
    let mut partners = tended(2);
    for at in 0..17 {
        let name = format!("partner{at}");
        partners.entities.push(entity("external", &name));
        partners
            .dependencies
            .push(used(depends("app1", "ssh", &name, 22), 0));
    }
    silent(vec![
        ("half of them: it carries files", tended(9)),
        ("most of them have no agent: partners", partners),
        ("it is used from there besides", besides),
    ]);
}

#[test]
fn a_machine_that_calls_others_does_work() {
    silent(vec![
        (
            "a batch job",
            with_need(used(depends("old1", "sql", "app1", 5432), -1)),
        ),
        (
            "only written",
            with_need(written_only(depends("old1", "smb", "app1", 445))),
        ),
        (
            "it sends mail",
            with_need(used(depends("old1", "smtp-relay", "app1", 25), -30)),
        ),
        (
            "it watches others",
            with_need(used(depends("old1", "snmp", "app1", 161), 0)),
        ),
        (
            "it copies others away",
            with_need(used(depends("old1", "backup", "app1", 9102), 0)),
        ),
        (
            "it watches a power supply",
            with_need(used(depends("old1", "ups", "app1", 3493), 0)),
        ),
        (
            "a partner",
            with_need(used(depends("old1", "cluster", "app1", 5405), 0)),
        ),
    ]);
    let outside = |program: &str| {
        altered(|e| {
            let mut mirror = entity("external", "203.0.113.9");
            mirror.id = id("mirror");
            e.entities.push(mirror);
            let fetches = with(used(depends("old1", "http", "203.0.113.9", 443), 0), |d| {
                d.provider.entity = id("mirror");
                d.details.programs = vec![program.to_owned()];
            });
            e.dependencies.push(fetches);
        })
    };
    assert_eq!(found(CHECK, &outside("/usr/lib/apt/methods/http")).len(), 1);
    assert_eq!(found(CHECK, &outside("/usr/bin/dnf-3")).len(), 1);
    silent(vec![(
        "a program of its own",
        outside("/opt/exchange/rates"),
    )]);
    let asks = |program: &str| {
        with_need(with(
            used(depends("old1", "ldap-bind", "app1", 636), 0),
            |d| d.details.programs = vec![program.to_owned()],
        ))
    };
    assert_eq!(
        found(CHECK, &asks("/usr/libexec/sssd/sssd_be")).len(),
        1,
        "it asks who may log on"
    );
    silent(vec![(
        "it carries accounts from one directory to the next",
        asks("/opt/accounts/carry"),
    )]);
    for kind in ["kerberos", "syslog", "package-mirror", "monitoring"] {
        let there = with_need(used(depends("old1", kind, "app1", 1), 0));
        assert_eq!(found(CHECK, &there).len(), 1, "{kind}");
    }
}

#[test]
fn the_machines_to_ask_the_store_about_are_those_nobody_is_known_to_need() {
    let mut unwatched = positive();
    machine(&mut unwatched, "old1").attributes.watched = None;
    let quiet = groma_check::quiet_machines(&unwatched, now());
    assert!(
        quiet.contains(&id("old1")) && !quiet.contains(&id("mon1")),
        "{quiet:?}"
    );
    assert!(!groma_check::quiet_machines(&negative(), now()).contains(&id("old1")));
}

#[test]
fn a_machine_with_a_foot_in_two_networks_may_hand_on_what_nobody_sees() {
    let on = |networks: &[&str]| {
        altered(|e| {
            let routes: Vec<groma_model::fact::Route> = networks
                .iter()
                .map(|network| row(serde_json::json!({ "destination": network })))
                .collect();
            let old = e.entities.iter_mut().find(|e| e.name == "old1");
            old.expect("it is there").attributes.routes.extend(routes);
        })
    };
    let one = on(&[
        "10.0.0.0/24",
        "fe80::/64",
        "10.0.0.1/32",
        "ff00::/8",
        "2001:db8::/64",
    ]);
    assert_eq!(found(CHECK, &one).len(), 1);
    silent(vec![("two networks", on(&["10.0.0.0/24", "10.7.0.0/16"]))]);
}
