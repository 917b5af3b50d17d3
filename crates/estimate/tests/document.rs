//! What is said of whole documents: of estates that are seen, half seen, and not watched at all.

mod build;

use build::{Estate, day};
use groma_estimate::estimate;
use groma_model::inventory::{Estimate, Inventory, VerdictWord};
use groma_model::{Timestamp, Witness};

fn silent(inventory: &Inventory, because: &str) {
    let said = estimate(inventory);
    let why = said.why_not.clone().unwrap_or_default();
    assert!(!said.meaningful && why.contains(because), "{said:?}");
    assert_eq!((said.unseen_hosts, said.unseen_dependencies), (None, None));
    assert!(
        said.says.is_empty() && said.halves_in_days.is_none(),
        "{said:?}"
    );
}

/// Machines with agents that use each other all the time for `days`.
fn seen(machines: usize, days: i64) -> Estate {
    let mut estate = Estate::default();
    for at in 0..machines {
        estate.agent(&format!("host{at}"));
    }
    for at in 0..machines {
        for step in 1..5 {
            let provider = format!("host{}", (at + step) % machines);
            // Every day some of them are seen for the last time, as in any estate.
            let last = if at % 7 == 0 {
                1 + (at + step) as i64 % days
            } else {
                days
            };
            estate.uses(
                &format!("host{at}"),
                &provider,
                day(0),
                day(last),
                Witness::Live,
            );
        }
    }
    estate
}

#[test]
fn half_a_minute_on_one_machine_is_no_audit() {
    let mut estate = Estate::default();
    estate.agent("alone");
    for at in 0..30 {
        let moment = Timestamp::from_millis(day(0).millis() + at * 1000);
        estate.uses("alone", &format!("peer{at}"), day(0), moment, Witness::Live);
    }
    silent(&estate.inventory(), "watched for 29 seconds");
    silent(&estate.inventory(), "too few to compare");
}

#[test]
fn an_empty_document_says_nothing() {
    silent(&Estate::default().inventory(), "only 0 machines are known");
}

#[test]
fn an_estate_that_is_seen_does_not_frighten() {
    let said = estimate(&seen(60, 14).inventory());
    assert!(said.meaningful && said.why_not.is_none(), "{said:?}");
    assert!(said.unseen_hosts.unwrap()[2] <= 1.0, "{said:?}");
    assert!(said.unseen_dependencies.unwrap()[2] <= 2.0, "{said:?}");
    assert_eq!(
        (said.seen_hosts, said.seen_dependencies),
        (Some(60), Some(240))
    );
    assert!(
        said.says
            .iter()
            .any(|s| s.contains("every 14 days cannot be judged")),
        "{said:?}"
    );
}

#[test]
fn what_keeps_coming_in_is_expected_to_go_on() {
    let mut estate = seen(60, 14);
    for at in 0..56_i64 {
        let first = Timestamp::from_millis(day(0).millis() + (at * 6 + 3) * 3_600_000);
        let consumer = format!("host{at}");
        let provider = format!("host{}", (at + 9) % 60);
        estate.uses(&consumer, &provider, first, first, Witness::Live);
    }
    let said = estimate(&estate.inventory());
    let [low, middle, high] = said.unseen_dependencies.unwrap();
    assert!(10.0 <= low && 30.0 <= middle && high <= 90.0, "{said:?}");
    assert!(said.says[0].contains("more days halve that"), "{said:?}");
    assert!(said.halves_in_days.unwrap() <= 7.5, "{said:?}");
}

#[test]
fn machines_that_only_some_ways_meet_tell_of_more() {
    let mut estate = seen(60, 14);
    for at in 0..30 {
        let name = format!("bare{at}");
        estate.machine(&name);
        if at % 2 == 0 {
            estate.met(&name, "host1", Witness::Network);
        } else {
            estate.uses("host2", &name, day(0), day(14), Witness::Live);
        }
    }
    for at in 0..40 {
        estate.met(&format!("host{at}"), "host59", Witness::Network);
    }
    let said = estimate(&estate.inventory());
    let [low, middle, high] = said.unseen_hosts.unwrap();
    assert!(low <= middle && 1.0 <= middle && high >= 4.0, "{said:?}");
    assert_eq!(said.seen_hosts, Some(90));
}

#[test]
fn a_stale_list_and_dead_names_make_no_machines() {
    let before = estimate(&seen(60, 14).inventory());
    let mut estate = seen(60, 14);
    for at in 0..200 {
        estate.machine(&format!("listed{at}")).declared = true;
        estate.met(&format!("listed{at}"), "host3", Witness::Written);
        estate.machine(&format!("gone{at}")).attributes.unresolvable = true;
    }
    let after = estimate(&estate.inventory());
    assert_eq!(before.unseen_hosts, after.unseen_hosts);
    assert!(
        after
            .says
            .iter()
            .any(|s| s.starts_with("200 more stand on a list")),
        "{after:?}"
    );
}

#[test]
fn a_machine_is_no_witness_of_itself() {
    let mut estate = Estate::default();
    for at in 0..40 {
        let name = format!("host{at}");
        estate.agent(&name);
        estate.met(&name, &name, Witness::Network);
        estate.met(&name, &name, Witness::Live);
    }
    silent(&estate.inventory(), "machines are known in one way");
}

#[test]
fn two_looks_a_month_apart_are_no_month_watched() {
    let mut estate = Estate::default();
    for at in 0..60 {
        let name = format!("host{at}");
        estate.agent(&name);
        let first = if at % 3 == 0 { day(30) } else { day(0) };
        estate.uses(&name, "host0", first, day(30), Witness::Live);
    }
    let said = estimate(&estate.inventory());
    assert_eq!(said.unseen_dependencies, None);
    assert!(said.why_not.unwrap().contains("on 2 of 30 days only"));
}

#[test]
fn a_day_and_a_half_is_too_short() {
    let said = estimate(&seen(60, 1).inventory());
    assert_eq!(said.unseen_dependencies, None, "{said:?}");
    assert!(
        said.unseen_hosts.is_some() && said.meaningful,
        "machines are told all the same"
    );
    assert!(
        said.why_not
            .unwrap()
            .starts_with("dependencies: watched for 24 hours")
    );
}

#[test]
fn a_log_speaks_for_as_long_as_it_goes_back() {
    let mut estate = Estate::default();
    for at in 0..60 {
        estate.agent(&format!("host{at}"));
    }
    for at in 0..59_i64 {
        let last = day(20 + at % 11);
        estate.uses(
            "host59",
            &format!("host{at}"),
            day(at / 20),
            last,
            Witness::History,
        );
    }
    let said = estimate(&estate.inventory());
    assert_eq!(said.watched_days, Some(30.0), "{said:?}");
    assert!(said.unseen_dependencies.unwrap()[2] <= 4.0, "{said:?}");
}

#[test]
fn what_is_written_concluded_local_or_wrong_was_not_discovered() {
    let plain = estimate(&seen(60, 14).inventory());
    let mut estate = seen(60, 14);
    for at in 0..59 {
        let consumer = format!("host{at}");
        let next = format!("host{}", at + 1);
        estate.uses(&consumer, &next, day(13), day(14), Witness::Written);
        estate.uses(&consumer, &consumer, day(13), day(14), Witness::Live);
        estate
            .uses(&next, &consumer, day(13), day(14), Witness::Live)
            .verdict = build::verdict(VerdictWord::Wrong);
    }
    let other = estimate(&estate.inventory());
    let of = |e: &Estimate| (e.seen_dependencies, e.unseen_dependencies);
    assert_eq!(of(&plain), of(&other));
}

#[test]
fn the_order_of_the_document_does_not_matter() {
    let mut inventory = seen(40, 9).inventory();
    let there = estimate(&inventory);
    inventory.entities.reverse();
    inventory.dependencies.reverse();
    inventory.evidence.reverse();
    assert_eq!(there, estimate(&inventory));
}

#[test]
fn a_clock_that_goes_ahead_makes_no_watch_longer() {
    let mut estate = seen(60, 14);
    estate.uses("host1", "host30", day(2), day(4000), Witness::Live);
    assert_eq!(estimate(&estate.inventory()).watched_days, Some(14.0));
}

#[test]
fn documents_of_older_versions_are_read() {
    let old = r#"{"unseen_hosts":null,"unseen_dependencies":[1.0,2.0,3.0],"method":"x","meaningful":true}"#;
    let read: Estimate = serde_json::from_str(old).unwrap();
    assert!(read.says.is_empty() && read.seen_hosts.is_none());
    assert_eq!(serde_json::to_string(&read).unwrap(), old);
}
