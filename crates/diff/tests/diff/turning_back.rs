//! Strangers that begin to use what goes, and what is dated before the window of the wave.

use std::time::Duration;

use groma_diff::{GapKind, WaveLine, WaveOutcome, compare_wave};
use groma_model::fact::{ComponentClass, ForwardMode, Job};
use groma_model::inventory::{
    Basis, CoverageEntry, Dependency, Entity, Inventory, JobEntry, Through, TimeWindow,
};
use groma_model::wave::{Move, Wave};
use groma_model::{CoverageState, DependencyId, SourceName, Timestamp, Witness};

use crate::build::*;
use crate::compare;

/// Days after the earlier look: the window is the third, the later look the seventh.
fn wave() -> Wave {
    Wave {
        name: "w1".into(),
        members: vec!["mail1".into()],
        window: Some(TimeWindow {
            from: in_days(3),
            to: in_days(3).plus(Duration::from_secs(3_600)),
        }),
        moves: vec![Move {
            from: "mail1".into(),
            to: "mail-new".into(),
            names_that_follow: Vec::new(),
        }],
        ..Wave::default()
    }
}

fn estate(day: i64, dependencies: Vec<Dependency>, certificates: Vec<Entity>) -> Inventory {
    let machines = ["app1", "app2", "mail1", "mail-new", "db1"].map(host);
    let entities = machines.into_iter().chain(certificates).collect();
    let mut inventory = inventory(entities, dependencies);
    inventory.window.to = in_days(day);
    inventory.coverage = vec![CoverageEntry {
        source: SourceName::new("certificates.files"),
        vantage: id("app1"),
        scope: "certificate:files".into(),
        state: CoverageState::Complete,
        gaps: Vec::new(),
        from: in_days(day),
        to: in_days(day),
        how: None,
    }];
    inventory
}

fn judged(before: Vec<Dependency>, after: Vec<Dependency>) -> WaveOutcome {
    let (before, after) = (estate(0, before, Vec::new()), estate(7, after, Vec::new()));
    compare_wave(&compare(&before, &after), &before, &after, &wave())
}

fn lines(list: &[WaveLine]) -> Vec<&str> {
    list.iter().map(|l| l.says.as_str()).collect()
}

fn relay(consumer: &str, provider: &str) -> Dependency {
    depends(consumer, "smtp-relay", provider, 25)
}

/// Only seen in use, for the last time on this day, by a part nobody could name.
fn seen_on(day: i64, need: Dependency) -> Dependency {
    with(need, |d| {
        d.id = DependencyId::of(&[d.id.as_str(), "unseen"]);
        d.consumer.component.class = ComponentClass::Device;
        d.consumer.component.name = d.consumer.name.as_str().into();
        d.details.written_in.clear();
        d.witnesses = vec![Witness::Live];
        d.last_seen = in_days(day);
    })
}

#[test]
fn a_stranger_that_begins_to_use_what_goes_is_unexpected() {
    let says = "app2: needs added, app2.service needs mail relay at mail1:25 (written in /etc/app2.conf), which goes with this wave";
    let written = judged(Vec::new(), vec![written_only(relay("app2", "mail1"))]);
    assert_eq!(lines(&written.unexpected), [says]);
    let asks = written
        .to_do
        .iter()
        .filter(|t| t.says.contains("begins to use mail1"));
    assert_eq!(asks.count(), 1, "{:#?}", written.to_do);
    let seen = judged(Vec::new(), vec![seen_on(6, relay("app2", "mail1"))]);
    assert_eq!(seen.unexpected.len(), 1, "{seen:#?}");
    let moved = judged(vec![relay("app2", "db1")], vec![relay("app2", "mail1")]);
    assert_eq!(
        lines(&moved.unexpected),
        [
            "app2: needs moved, app2.service uses mail relay at mail1:25, before at db1:25, which goes with this wave"
        ]
    );
}

#[test]
fn members_those_who_come_to_the_new_place_and_traces_of_before_are_silent() {
    for after in [
        // The new place fetches what lies on the old one.
        depends("mail-new", "imap", "mail1", 143),
        relay("app2", "mail-new"),
        // Seen in the days before, and while the change was made.
        seen_on(2, relay("app2", "mail1")),
        seen_on(3, relay("app2", "mail1")),
        with(relay("app2", "mail1"), |d| d.current = false),
    ] {
        let outcome = judged(Vec::new(), vec![after]);
        assert!(!outcome.needs_action(), "{outcome:#?}");
    }
}

#[test]
fn who_was_led_elsewhere_and_still_uses_the_old_place_is_missing_and_not_new() {
    let before = vec![relay("app1", "mail1")];
    let after = |day| {
        vec![
            relay("app1", "mail-new"),
            seen_on(day, relay("app1", "mail1")),
        ]
    };
    let used = judged(before.clone(), after(6));
    // Nobody can tell that it is not the part of which it was promised.
    assert!(used.confirmed.is_empty(), "{used:#?}");
    assert_eq!(
        lines(&used.missing),
        ["app1 (app1) for mail relay: still at mail1, by another part than before"]
    );
    assert!(used.unexpected.is_empty());
    let quiet = judged(before, after(0));
    assert!(
        quiet.confirmed.len() == 1 && !quiet.needs_action(),
        "{quiet:#?}"
    );
}

#[test]
fn who_leaves_a_member_for_a_place_nobody_planned_is_told() {
    let mut wave = wave();
    wave.members.push("db1".into());
    wave.expected = vec!["sql to db1".parse().expect("an expectation")];
    let of = |from: &str, to: &str| {
        let (before, after) = (
            estate(0, vec![depends("app1", "ntp", from, 123)], Vec::new()),
            estate(7, vec![depends("app1", "ntp", to, 123)], Vec::new()),
        );
        compare_wave(&compare(&before, &after), &before, &after, &wave)
            .unexpected
            .len()
    };
    assert_eq!(of("db1", "app2"), 1);
    // To a member that must serve afterwards: that is what the wave is for.
    assert_eq!(of("app2", "db1"), 0);
}

#[test]
fn a_new_need_that_nobody_used_since_the_window_began_is_of_no_wave() {
    let of = |need: Dependency| judged(Vec::new(), vec![need]);
    assert!(!of(seen_on(2, relay("app2", "db1"))).needs_action());
    assert_eq!(of(seen_on(4, relay("app2", "db1"))).unexpected.len(), 1);
    // A file bears no date that would tell.
    assert_eq!(of(written_only(relay("app2", "db1"))).unexpected.len(), 1);
}

fn made(at: Timestamp, by_itself: bool) -> Entity {
    let mut entity = certificate("app1", 900);
    let own = entity.attributes.certificate.as_mut();
    let own = own.expect("it is a certificate");
    (own.not_before, own.self_signed) = (at, by_itself);
    in_file(entity, "app1", "/etc/own.crt", true)
}

#[test]
fn a_certificate_a_machine_made_for_itself_before_the_window_is_of_no_wave() {
    let of = |certificate: Entity| {
        let before = estate(0, Vec::new(), Vec::new());
        let after = estate(7, Vec::new(), vec![certificate]);
        compare_wave(&compare(&before, &after), &before, &after, &wave())
    };
    assert!(of(made(in_days(1), true)).unexpected.is_empty());
    // Made in the window; given by an authority; and older than the earlier look, which would have seen it.
    for unplanned in [
        made(in_days(4), true),
        made(in_days(1), false),
        made(in_days(-9), true),
    ] {
        assert_eq!(of(unplanned).unexpected.len(), 1);
    }
}

#[test]
fn a_passing_connection_that_nobody_could_name_is_no_gap() {
    let quiet = |need: Dependency| {
        let gone = with(need.clone(), |d| d.current = false);
        judged(vec![need], vec![gone]).coverage_gaps.len()
    };
    assert_eq!(quiet(seen_on(0, depends("app2", "other", "db1", 4558))), 0);
    // What has a kind or a part can be waited for.
    assert_eq!(quiet(seen_on(0, depends("app2", "sql", "db1", 5432))), 1);
    assert_eq!(quiet(depends("app2", "other", "db1", 4558)), 1);
    // So can what was seen many times, or comes round.
    let passing = || seen_on(0, depends("app2", "other", "db1", 4558));
    assert_eq!(quiet(with(passing(), |d| d.count = 50)), 1);
    let weekly = with(passing(), |d| d.rhythm = Some("weekly".into()));
    assert_eq!(quiet(weekly), 1);
}

/// Seen in use, by a part that somebody saw, and written in no file.
fn by_part(part: &str, day: i64, need: Dependency) -> Dependency {
    with(need, |d| {
        d.id = DependencyId::of(&[d.id.as_str(), part]);
        d.consumer.component.name = part.into();
        d.details.written_in.clear();
        d.witnesses = vec![Witness::Live];
        d.last_seen = in_days(day);
    })
}

/// A part that nobody wrote down, the same at the new place, and what the old server's log remembers of the machine.
#[test]
fn who_is_in_no_file_and_still_uses_the_old_place_by_another_part_is_missing() {
    let says = ["app1 (app1) for mail relay: still at mail1, by another part than before"];
    let php = |provider: &str, day| by_part("php", day, relay("app1", provider));
    let log = |day| seen_on(day, relay("app1", "mail1"));
    let before = || vec![php("mail1", 0)];
    // What was known is gone, or is remembered as of before the window.
    for known in [None, Some(php("mail1", 0))] {
        let after = |day| {
            [php("mail-new", 6), log(day)]
                .into_iter()
                .chain(known.clone())
        };
        let used = judged(before(), after(6).collect());
        assert_eq!(lines(&used.missing), says, "{used:#?}");
        assert!(
            used.confirmed.is_empty() && used.unexpected.is_empty(),
            "{used:#?}"
        );
        assert!(used.needs_action());
        let quiet = judged(before(), after(2).collect());
        assert_eq!(quiet.confirmed.len(), 1, "{quiet:#?}");
        assert!(
            !quiet.needs_action() && quiet.not_seen.is_empty(),
            "{quiet:#?}"
        );
    }
    // It uses it as before: that is one line, whoever tells of it.
    let stays = judged(before(), vec![php("mail-new", 6), php("mail1", 6), log(6)]);
    let only = ["app1 (php) for mail relay: still at mail1, and also at the new place"];
    assert_eq!(lines(&stays.missing), only);
}

#[test]
fn a_machine_whose_part_is_seen_now_at_the_old_place_is_missing() {
    let script = |day| by_part("script", day, relay("app1", "mail1"));
    let before = || vec![seen_on(0, relay("app1", "mail1"))];
    let new = || seen_on(6, relay("app1", "mail-new"));
    let used = judged(before(), vec![new(), script(6)]);
    let says = ["app1 (script) for mail relay: still at mail1, by another part than before"];
    assert_eq!(lines(&used.missing), says);
    assert!(
        used.confirmed.is_empty() && used.unexpected.is_empty(),
        "{used:#?}"
    );
    let only = judged(before(), vec![script(6)]);
    assert_eq!(lines(&only.missing), says, "{only:#?}");
    let quiet = judged(before(), vec![new(), script(2)]);
    assert!(
        quiet.confirmed.len() == 1 && !quiet.needs_action(),
        "{quiet:#?}"
    );
}

#[test]
fn another_program_at_the_old_place_is_missing_and_what_left_is_confirmed() {
    let before = || vec![by_part("php", 0, relay("app1", "mail1"))];
    let script = |day| by_part("script", day, relay("app1", "mail1"));
    let led = || by_part("php", 6, relay("app1", "mail-new"));
    let says = ["app1 (script) for mail relay: still at mail1, by another part than before"];
    let used = judged(before(), vec![led(), script(6)]);
    assert_eq!(lines(&used.missing), says);
    assert_eq!(
        lines(&used.confirmed),
        ["app1 (php) for mail relay: now at mail-new:25"]
    );
    // Of another machine, or left alone.
    assert!(!judged(before(), vec![led()]).needs_action());
    // Between the promise and the window it was used by a part that no promise knows.
    let passed = judged(before(), vec![led(), script(2)]);
    assert_eq!(
        lines(&passed.not_seen),
        [
            "app1 (script) for mail relay: used mail1 before the window, in no promise, and nobody has looked at mail1 since"
        ]
    );
}

/// As [`judged`], of two documents that somebody changed.
fn told(
    before: impl FnOnce(&mut Inventory),
    after: impl FnOnce(&mut Inventory),
    needs: [Vec<Dependency>; 2],
    wave: &Wave,
) -> WaveOutcome {
    let [old, new] = needs;
    let (mut b, mut a) = (estate(0, old, Vec::new()), estate(7, new, Vec::new()));
    before(&mut b);
    after(&mut a);
    compare_wave(&compare(&b, &a), &b, &a, wave)
}

fn unwatched(machine: &str) -> impl FnOnce(&mut Inventory) {
    let machine = id(machine);
    move |inventory| {
        let mut them = inventory.entities.iter_mut();
        let it = them.find(|e| e.id == machine).expect("it is there");
        it.has_agent = false;
    }
}

#[test]
fn a_machine_that_is_watched_only_now_is_told_although_it_may_have_used_the_place_before() {
    let needs = |day| {
        [
            Vec::new(),
            vec![by_part("cron", day, relay("app2", "mail1"))],
        ]
    };
    let of = |day| told(unwatched("app2"), |_| {}, needs(day), &wave());
    assert_eq!(
        lines(&of(6).unexpected),
        [
            "app2: needs added, cron needs mail relay at mail1:25, which goes with this wave; only the way of looking is new, it may have used it before"
        ]
    );
    let quiet = of(2);
    assert!(
        !quiet.needs_action() && quiet.not_seen.len() == 1,
        "{quiet:#?}"
    );
    // Its other needs are no news.
    let other = [Vec::new(), vec![by_part("cron", 6, relay("app2", "db1"))]];
    assert!(!told(unwatched("app2"), |_| {}, other, &wave()).needs_action());
}

#[test]
fn the_new_place_that_leans_on_the_old_one_is_told_and_what_goes_itself_is_not() {
    let of = |need: Dependency| judged(Vec::new(), vec![need]).unexpected.len();
    assert_eq!(of(relay("mail-new", "mail1")), 1);
    assert_eq!(of(depends("mail-new", "imap", "mail1", 143)), 0);
    // Not from a machine whose place another one takes.
    assert_eq!(of(depends("app2", "imap", "mail1", 143)), 1);
    let mut wave = wave();
    wave.members.push("app2".into());
    let retired = told(
        |_| {},
        |_| {},
        [Vec::new(), vec![relay("app2", "mail1")]],
        &wave,
    );
    assert!(retired.unexpected.is_empty(), "{retired:#?}");
}

#[test]
fn what_is_concluded_behind_a_member_is_told_once() {
    let behind = || {
        with(by_part("app2.service", 6, relay("app2", "mail1")), |d| {
            d.basis = Basis::Inferred;
            d.evidence = relay("app2", "mail-new").evidence;
            d.details.through = vec![Through {
                entity: id("mail-new"),
                name: "mail-new".into(),
                port: None,
                mode: ForwardMode::TcpProxy,
                component: d.consumer.component.clone(),
            }];
        })
    };
    let of = |needs: Vec<Dependency>| lines_of(judged(Vec::new(), needs).unexpected);
    assert_eq!(
        of(vec![relay("app2", "mail-new"), behind()]),
        ["app2: needs added, app2.service needs mail relay at mail1:25, which goes with this wave"]
    );
    // The machine between them is told itself.
    let leans = of(vec![
        relay("app2", "mail-new"),
        behind(),
        relay("mail-new", "mail1"),
    ]);
    assert!(
        leans.len() == 1 && leans[0].starts_with("mail-new:"),
        "{leans:?}"
    );
}

fn lines_of(list: Vec<WaveLine>) -> Vec<String> {
    list.into_iter().map(|l| l.says).collect()
}

#[test]
fn a_stranger_that_begins_to_use_a_retired_member_is_told() {
    let mut wave = wave();
    wave.members
        .extend(["db1".to_owned(), "mail-new".to_owned()]);
    let of = |need: Dependency| told(|_| {}, |_| {}, [Vec::new(), vec![need]], &wave).unexpected;
    assert_eq!(of(depends("app2", "sql", "db1", 5432)).len(), 1);
    // The one that takes another's place is a member, too.
    assert_eq!(of(relay("app2", "mail-new")).len(), 0);
}

fn looked_at(machine: &'static str, day: i64) -> impl FnOnce(&mut Inventory) {
    move |inventory| {
        let look = CoverageEntry {
            from: in_days(day),
            to: in_days(day),
            ..sockets(machine, CoverageState::Complete)
        };
        inventory.coverage.push(look);
    }
}

#[test]
fn a_client_that_came_between_the_promise_and_the_window_is_not_seen() {
    let weekly = || {
        with(seen_on(2, relay("app2", "mail1")), |d| {
            d.first_seen = in_days(2)
        })
    };
    let needs = || [Vec::new(), vec![weekly()]];
    let looked = told(|_| {}, looked_at("mail1", 7), needs(), &wave());
    assert_eq!(
        lines(&looked.not_seen),
        [
            "app2 (app2) for mail relay: began to use mail1 before the window, in no promise, not seen since"
        ]
    );
    let asks = looked
        .to_do
        .iter()
        .filter(|t| t.says.contains("ask whether it still needs mail1"));
    assert_eq!(asks.count(), 1, "{:#?}", looked.to_do);
    let dark = told(|_| {}, looked_at("mail1", 2), needs(), &wave());
    assert_eq!(
        lines(&dark.not_seen),
        [
            "app2 (app2) for mail relay: began to use mail1 before the window, in no promise, and nobody has looked at mail1 since"
        ]
    );
    // Of a place that stays it is counted.
    let stays = judged(Vec::new(), vec![seen_on(2, relay("app2", "db1"))]);
    let counted: Vec<_> = stays
        .coverage_gaps
        .iter()
        .map(|g| (g.kind, g.not_compared))
        .collect();
    assert_eq!(counted, [(GapKind::OfBefore, 1)]);
    assert!(stays.not_seen.is_empty() && !stays.needs_action());
}

fn with_job(machine: &str, name: &str) -> impl FnOnce(&mut Inventory) {
    let (machine, name) = (id(machine), name.to_owned());
    move |inventory| {
        let mut them = inventory.entities.iter_mut();
        let it = them.find(|e| e.id == machine).expect("it is there");
        it.attributes.jobs.push(JobEntry::from(Job {
            scheduler: "cron".into(),
            name: name.as_str().into(),
            schedule: "@daily".into(),
            file: "/etc/cron.d/report".into(),
            ..Job::default()
        }));
    }
}

#[test]
fn a_new_job_is_told_once_although_what_it_needs_is_of_the_wave() {
    let job = "/etc/cron.d/report:1";
    let needs = |need: Dependency| {
        with(by_part(job, 6, need), |d| {
            d.consumer.component.class = ComponentClass::ScheduledJob;
        })
    };
    let of = |machine: &str, after: Vec<Dependency>| {
        told(|_| {}, with_job(machine, job), [Vec::new(), after], &wave()).unexpected
    };
    let planned = of("app2", vec![needs(relay("app2", "mail-new"))]);
    assert_eq!(lines(&planned), ["app2: job added, /etc/cron.d/report:1"]);
    // Told by its need: at a place of nobody's plan, or at one that goes.
    for need in [depends("app2", "sql", "db1", 5432), relay("app2", "mail1")] {
        let by_need = of("app2", vec![needs(relay("app2", "mail-new")), needs(need)]);
        assert_eq!(by_need.len(), 1, "{by_need:#?}");
        assert!(by_need[0].says.starts_with("app2: needs added"));
    }
    // A machine of the wave is changed as was planned.
    assert!(
        of(
            "mail-new",
            vec![needs(depends("mail-new", "sql", "db1", 5432))]
        )
        .is_empty()
    );
}
