//! Who still knocks, and when an old place is silent: silence that nobody watched is none.
#![allow(
    dead_code,
    reason = "the small inventories are shared with the tests of the checks"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

#[path = "../../../check/tests/checks/build.rs"]
mod build;

use build::{depends, host, id, in_days, inventory, now, with, wrong};
use groma_model::fact::{Knock, KnockWay, SentinelPost};
use groma_model::inventory::{Dependency, Entity, Inventory, TimeWindow};
use groma_model::sentinel::{KnockEntry, PostEntry};
use groma_model::wave::{Move, Wave};
use groma_wave::{
    Residual, Statement, Stood, Watch, certify, old_places, residual, residual_text, statement_text,
};

fn wave() -> Wave {
    Wave {
        name: "w1".to_owned(),
        moves: vec![Move {
            from: "mail1".to_owned(),
            to: "mail2".to_owned(),
            names_that_follow: vec![],
        }],
        window: Some(TimeWindow {
            from: in_days(-21),
            to: in_days(-20),
        }),
        ..Wave::default()
    }
}

/// `consumer` used `provider` for the last time so many days ago.
fn used(consumer: &str, provider: &str, days_ago: i64) -> Dependency {
    with(depends(consumer, "imap", provider, 143), |d| {
        d.details.last_used = Some(in_days(-days_ago))
    })
}

fn estate(needs: Vec<Dependency>) -> Inventory {
    inventory(
        vec![host("mail1"), host("mail2"), host("app1"), host("app2")],
        needs,
    )
}

/// A look of an hour a day at `mail1`, from so many days ago to so many days ago.
fn daily(from: i64, to: i64) -> Vec<Watch> {
    let day = |days: i64| Watch {
        entity: id("mail1"),
        from: in_days(-days),
        to: in_days(-days).plus(std::time::Duration::from_secs(3_600)),
        by: None,
    };
    (to..=from).rev().map(day).collect()
}

fn knocking(inventory: &Inventory, watches: &[Watch]) -> Residual {
    residual(
        inventory,
        &wave(),
        &old_places(inventory, &wave()),
        in_days(-20),
        watches,
    )
}

fn judged(needs: Vec<Dependency>, watches: &[Watch]) -> Statement {
    certify(&knocking(&estate(needs), watches), 14, &[])
}

#[test]
fn who_called_after_the_switch_is_listed_and_who_called_before_is_not() {
    let inventory = estate(vec![
        used("app1", "mail1", 3),
        used("app2", "mail1", 22),
        used("app2", "mail2", 1),
    ]);
    let residual = knocking(&inventory, &daily(20, 1));
    let knocks: Vec<&str> = residual.places[0]
        .knocks
        .iter()
        .map(|k| k.name.as_str())
        .collect();
    assert_eq!(knocks, ["app1"]);
    assert!(residual.needs_action());
    let text = residual_text(&residual);
    assert!(
        text.contains("app1 (app1.service)") && text.contains("/etc/app1.conf:1"),
        "{text}"
    );
}

#[test]
fn a_member_whose_name_means_two_machines_goes_but_for_the_one_that_takes_a_place() {
    let mut inventory = estate(Vec::new());
    for entity in &mut inventory.entities {
        if entity.name.starts_with("mail") {
            entity.names.push("mail.corp.example".to_owned());
        }
    }
    inventory.entities.push(host("old1"));
    let mut wave = wave();
    wave.members = vec!["mail.corp.example".to_owned()];
    wave.moves[0].from = "old1".to_owned();
    let places = old_places(&inventory, &wave);
    let means = |name: &str| places[name].iter().cloned().collect::<Vec<_>>();
    assert_eq!(means("mail.corp.example"), [id("mail1")]);
    assert_eq!(means("old1"), [id("old1")]);
}

#[test]
fn a_member_that_takes_the_place_of_another_is_no_old_place() {
    let members = |names: &[&str]| Wave {
        members: names.iter().map(|n| (*n).to_owned()).collect(),
        ..wave()
    };
    let estate = estate(Vec::new());
    let old = |wave: &Wave| -> Vec<String> { old_places(&estate, wave).into_keys().collect() };
    assert_eq!(
        old(&members(&["mail1", "mail2", "app2"])),
        ["app2", "mail1"]
    );
    // By another name of it, too; and not where it goes itself, in a chain of moves.
    assert_eq!(old(&members(&["MAIL2"])), ["mail1"]);
    let mut chain = members(&["mail2"]);
    chain.moves.push(Move {
        from: "mail2".to_owned(),
        to: "app2".to_owned(),
        names_that_follow: vec![],
    });
    assert_eq!(old(&chain), ["mail1", "mail2"]);
}

/// Looks of ten minutes of `watch1` at an address of `mail1`, one after the other, from so many days ago to so many days ago.
fn standing(address: &str, from: i64, to: i64) -> Vec<Watch> {
    let begin = in_days(-from);
    let looks = u64::try_from(from - to).unwrap() * 86_400 / 605;
    let at = |seconds: u64| begin.plus(std::time::Duration::from_secs(seconds));
    let look = |number: u64| Watch {
        entity: id("mail1"),
        from: at(number * 605),
        to: at(number * 605 + 600),
        by: Some(Stood {
            entity: id("watch1"),
            address: address.parse().unwrap(),
            every_port: true,
        }),
    };
    (0..=looks).map(look).collect()
}

/// These looks, for some ports alone.
fn some_ports(looks: Vec<Watch>) -> Vec<Watch> {
    let narrowed = looks.into_iter().map(|look| Watch {
        by: look.by.map(|stood| Stood {
            every_port: false,
            ..stood
        }),
        ..look
    });
    narrowed.collect()
}

/// An estate whose old machine had a second address.
fn with_two() -> Inventory {
    let (mut inventory, _) = stood();
    let old = inventory.entities.iter().position(|e| e.name == "mail1");
    let addresses = &mut inventory.entities[old.unwrap()].addresses;
    addresses.push(SECOND.parse().unwrap());
    inventory
}

/// `watch1` stood at the address of `mail1` for twenty days, without a break.
fn stood() -> (Inventory, Vec<Watch>) {
    let mut inventory = inventory(
        vec![
            with_entity(host("mail1"), |e| e.addresses = vec![OLD.parse().unwrap()]),
            with_entity(host("watch1"), |e| {
                e.attributes.posts = vec![PostEntry {
                    post: SentinelPost {
                        address: OLD.parse().unwrap(),
                        ports: vec![],
                    },
                    since: in_days(-20),
                    until: in_days(0),
                }];
            }),
            host("app1"),
        ],
        vec![],
    );
    inventory.generated_at = now();
    (inventory, standing(OLD, 20, 0))
}

const OLD: &str = "10.9.0.5";
const SECOND: &str = "10.9.0.6";

fn with_entity(mut entity: Entity, change: impl FnOnce(&mut Entity)) -> Entity {
    change(&mut entity);
    entity
}

#[test]
fn the_days_of_a_sentinel_count_and_the_statement_says_what_none_can_see() {
    let (inventory, watches) = stood();
    let residual = knocking(&inventory, &watches);
    assert_eq!(residual.places[0].sentinels, ["watch1"]);
    assert!(
        residual.places[0].blind.is_empty(),
        "{:?}",
        residual.places[0].blind
    );
    let statement = certify(&residual, 14, &[]);
    assert!(statement.certified, "{}", statement_text(&statement));
    assert!(
        statement.rests_on[0].contains(" looks of the sentinel on watch1"),
        "{:?}",
        statement.rests_on
    );
    assert!(
        statement
            .rests_on
            .iter()
            .any(|line| line.contains("follows a name"))
    );
    // Where its own agent looked, nothing is said of sentinels.
    let own = judged(vec![], &daily(20, 0));
    assert!(
        !own.rests_on.iter().any(|line| line.contains("entinel")),
        "{:?}",
        own.rests_on
    );
}

#[test]
fn a_knock_says_which_sentinel_heard_it_and_ends_the_silence() {
    let (mut inventory, watches) = stood();
    let mut need = used("app1", "mail1", 2);
    need.details.heard_by = vec![id("watch1")];
    inventory.dependencies.push(need);
    let residual = knocking(&inventory, &watches);
    let text = residual_text(&residual);
    assert!(
        text.contains("! app1") && text.contains("seen by the sentinel on watch1"),
        "{text}"
    );
    assert!(!certify(&residual, 14, &[]).certified);
}

#[test]
fn an_address_nobody_stood_at_and_ports_nobody_listened_for_stand_against_it() {
    let inventory = with_two();
    let residual = knocking(&inventory, &some_ports(standing(OLD, 20, 0)));
    let blind = residual.places[0].blind.join("; ");
    assert!(
        blind.contains("not every port") && blind.contains("nobody stands sentinel at 10.9.0.6"),
        "{blind}"
    );
    assert!(!certify(&residual, 14, &[]).certified);
}

#[test]
fn of_two_addresses_the_one_that_was_watched_worst_decides() {
    let inventory = with_two();
    let both = |second: Vec<Watch>| {
        let mut watches = standing(OLD, 20, 0);
        watches.extend(second);
        certify(&knocking(&inventory, &watches), 14, &[])
    };
    let whole = both(standing(SECOND, 20, 0));
    assert!(whole.certified, "{}", statement_text(&whole));
    let minute = standing(SECOND, 20, 0).into_iter().take(1).collect();
    let late = standing(SECOND, 5, 0);
    let left = standing(SECOND, 20, 8);
    for (second, days) in [(minute, 0), (late, 5), (left, 12)] {
        let short = both(second);
        assert!(!short.certified, "{}", statement_text(&short));
        assert_eq!(short.places[0].silent_days, days);
    }
    // Its own agent sees all of its addresses.
    assert!(certify(&knocking(&inventory, &daily(20, 0)), 14, &[]).certified);
}

#[test]
fn a_sentinel_that_listens_for_some_ports_lends_no_day_to_one_that_listened_for_all() {
    let (inventory, _) = stood();
    let of = |every: Vec<Watch>| {
        let mut watches = some_ports(standing(OLD, 20, 0));
        watches.extend(every);
        certify(&knocking(&inventory, &watches), 14, &[])
    };
    let minute = of(standing(OLD, 20, 0).into_iter().take(1).collect());
    assert!(!minute.certified, "{}", statement_text(&minute));
    assert_eq!(minute.places[0].silent_days, 0);
    assert!(of(standing(OLD, 20, 0)).certified);
}

#[test]
fn a_sentinel_that_listens_a_while_every_day_has_not_watched() {
    let (inventory, _) = stood();
    let hourly = daily(20, 0).into_iter().map(|look| Watch {
        by: standing(OLD, 1, 0)[0].by.clone(),
        ..look
    });
    let hourly = certify(&knocking(&inventory, &hourly.collect::<Vec<_>>()), 14, &[]);
    assert!(!hourly.certified, "{}", statement_text(&hourly));
    // A restart is bridged. A look that is missing, or lost something and is not counted, begins the count anew.
    let changed = |change: fn(&mut Vec<Watch>, usize)| {
        let mut watches = standing(OLD, 20, 0);
        let middle = watches.len() / 2;
        change(&mut watches, middle);
        certify(&knocking(&inventory, &watches), 14, &[])
    };
    let restarted = changed(|watches, middle| {
        let begun = watches[middle].from;
        watches[middle].to = begun.plus(std::time::Duration::from_secs(300));
    });
    assert!(restarted.certified, "{}", statement_text(&restarted));
    let broken = changed(|watches, middle| drop(watches.remove(middle)));
    assert_eq!(broken.places[0].silent_days, 9, "{broken:?}");
    assert!(!broken.certified);
    // A look in between does not break what its own agent's logs bridge.
    let mut mixed = daily(20, 0);
    mixed.extend(standing(OLD, 10, 9).into_iter().skip(60).take(1));
    assert!(certify(&knocking(&inventory, &mixed), 14, &[]).certified);
}

#[test]
fn between_the_last_look_of_the_old_machine_and_the_first_of_a_sentinel_nobody_watched() {
    let (inventory, _) = stood();
    let mut watches: Vec<Watch> = daily(20, 11);
    watches.extend(standing(OLD, 10, 0));
    let statement = certify(&knocking(&inventory, &watches), 14, &[]);
    assert_eq!(statement.places[0].silent_days, 10, "{statement:?}");
    // Where one takes over from the other at once, the days of both count.
    let mut watches: Vec<Watch> = daily(20, 10);
    watches.extend(standing(OLD, 10, 0));
    assert!(certify(&knocking(&inventory, &watches), 14, &[]).certified);
}

#[test]
fn who_called_by_a_need_that_was_judged_wrong_is_named_as_not_counted() {
    let judged_wrong = with(used("app2", "mail1", 3), |d| d.verdict = wrong());
    let by = judged_wrong.verdict.as_ref().unwrap().by.clone();
    let statement = judged(vec![judged_wrong], &daily(20, 0));
    assert!(statement.certified, "{}", statement_text(&statement));
    let told = |statement: &Statement| {
        let word = format!("not counted: app2, judged wrong by {by}");
        statement.rests_on.iter().any(|line| line.contains(&word))
    };
    assert!(told(&statement), "{:?}", statement.rests_on);
    let before = with(used("app2", "mail1", 22), |d| d.verdict = wrong());
    assert!(!told(&judged(vec![before], &daily(20, 0))));
}

#[test]
fn a_ping_and_a_scan_are_told_and_do_not_end_the_silence() {
    let (mut inventory, watches) = stood();
    let entry = |way: KnockWay, days: i64| KnockEntry {
        knock: Knock {
            at: OLD.parse().unwrap(),
            by: "10.9.0.7".parse().unwrap(),
            way,
        },
        consumer: Some(id("app1")),
        sentinel: id("watch1"),
        first_seen: in_days(days),
        last_seen: in_days(days),
        count: 1,
        evidence: groma_model::EvidenceId::new("e-knock"),
    };
    let old = inventory.entities.iter().position(|e| e.name == "mail1");
    inventory.entities[old.unwrap()].attributes.knocks = vec![
        entry(KnockWay::Echo, -2),
        entry(KnockWay::ManyPorts, -1),
        entry(KnockWay::Echo, -25),
    ];
    let mut residual = knocking(&inventory, &watches);
    let text = residual_text(&residual);
    assert_eq!(text.matches("~ app1").count(), 2, "{text}");
    assert!(!residual.needs_action());
    let statement = certify(&residual, 14, &[]);
    assert!(
        statement.certified
            && statement
                .rests_on
                .iter()
                .any(|l| l.contains("not counted: app1")),
        "{statement:?}"
    );
    // What groma itself asked around for is not even told.
    let look = Watch {
        entity: id("app1"),
        from: in_days(-1),
        to: in_days(-1),
        by: None,
    };
    residual.forget_questions(&[look]);
    assert_eq!(residual.places[0].asides.len(), 1);
}

#[test]
fn a_line_in_a_file_does_not_knock_and_neither_does_what_a_person_judged_wrong() {
    let written = depends("app1", "imap", "mail1", 143);
    let judged = with(used("app2", "mail1", 3), |d| d.verdict = wrong());
    assert!(!knocking(&estate(vec![written, judged]), &daily(20, 1)).needs_action());
}

#[test]
fn two_weeks_of_watched_silence_are_certified() {
    let statement = judged(vec![used("app1", "mail1", 18)], &daily(20, 0));
    assert!(statement.certified, "{}", statement_text(&statement));
    assert_eq!(statement.places[0].silent_days, 18);
    assert!(
        statement.rests_on[0].contains("21 looks"),
        "{:?}",
        statement.rests_on
    );
}

#[test]
fn silence_that_nobody_watched_is_none() {
    let nobody = judged(vec![], &[]);
    assert!(!nobody.certified && nobody.against[0].contains("nobody looked"));
    let stopped = judged(vec![], &daily(20, 3));
    assert!(
        !stopped.certified && stopped.against[0].contains("look again"),
        "{:?}",
        stopped.against
    );
    let mut holed = daily(20, 10);
    holed.extend(daily(7, 0));
    let holed = judged(vec![], &holed);
    assert!(
        !holed.certified && holed.against[0].contains("silent for 7 days"),
        "{:?}",
        holed.against
    );
}

#[test]
fn a_call_within_the_days_stands_against_it_by_name() {
    let statement = judged(vec![used("app1", "mail1", 5)], &daily(20, 0));
    assert!(!statement.certified);
    assert!(
        statement.against[0].contains("called by app1"),
        "{:?}",
        statement.against
    );
}

#[test]
fn a_monthly_job_that_has_not_come_round_keeps_the_wave_open() {
    let residual = knocking(&estate(vec![]), &daily(20, 0));
    let due = [
        (in_days(4), "app1 to mail1".to_owned()),
        (in_days(-2), "over".to_owned()),
    ];
    let statement = certify(&residual, 14, &due);
    assert!(!statement.certified);
    assert!(
        statement.against[0].contains("stays open until 2026-11-24"),
        "{:?}",
        statement.against
    );
    assert!(!statement.against[0].contains("over"));
}

#[test]
fn a_wave_of_nothing_certifies_nothing() {
    let mut nothing = wave();
    nothing.moves[0].from = "elsewhere".to_owned();
    let inventory = estate(vec![]);
    let residual = residual(
        &inventory,
        &nothing,
        &old_places(&inventory, &nothing),
        now(),
        &[],
    );
    assert!(!certify(&residual, 14, &[]).certified);
}

#[test]
fn a_name_that_means_no_machine_is_told_and_certifies_nothing() {
    let mut mistyped = wave();
    mistyped.members = vec!["db-odl".to_owned()];
    let inventory = estate(vec![]);
    let residual = residual(
        &inventory,
        &mistyped,
        &old_places(&inventory, &mistyped),
        in_days(-20),
        &daily(20, 0),
    );
    assert_eq!(residual.unknown, ["db-odl"]);
    assert!(residual.needs_action() && residual_text(&residual).contains("db-odl"));
    let statement = certify(&residual, 14, &[]);
    assert!(!statement.certified && statement.against[0].contains("db-odl"));
}

#[test]
fn an_agent_that_may_not_see_connections_has_not_watched() {
    let mut inventory = estate(vec![]);
    let mut look = build::sockets("mail1", groma_model::CoverageState::Partial);
    look.gaps = vec![groma_model::inventory::GapEntry {
        what: "connections".to_owned(),
        reason: "permission-denied".to_owned(),
        remedy: None,
    }];
    inventory.coverage = vec![look];
    let blind = certify(&knocking(&inventory, &daily(20, 0)), 14, &[]);
    assert!(
        !blind.certified && blind.against[0].contains("permission-denied"),
        "{:?}",
        blind.against
    );
    inventory.coverage = vec![build::sockets(
        "mail1",
        groma_model::CoverageState::Complete,
    )];
    assert!(certify(&knocking(&inventory, &daily(20, 0)), 14, &[]).certified);
}

#[test]
fn a_machine_that_is_a_member_and_moves_is_one_old_place() {
    let mut both = wave();
    both.members = vec!["mail1".to_owned()];
    let named = old_places(&estate(vec![]), &both);
    assert_eq!(named.len(), 1);
    assert!(named["mail1"].contains(&id("mail1")));
}
