//! Who still uses what went, and whom the plain diff keeps silent of: told in other words, watched only now, concluded.

use groma_diff::{GapKind, WaveLine, WaveOutcome, compare_wave};
use groma_model::fact::{ComponentClass, ForwardMode, Job};
use groma_model::inventory::{Basis, CoverageEntry, Dependency, Inventory, JobEntry, Through};
use groma_model::wave::Wave;
use groma_model::{CoverageState, DependencyId, Witness};

use crate::build::*;
use crate::compare;
use crate::turning_back::{estate, judged, lines, relay, seen_on, wave};

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
            "app1 (script) for mail relay: used mail1 before the window, promised only of another part, and nobody has looked at mail1 since"
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

#[test]
fn a_machine_that_nobody_knew_and_that_uses_the_old_place_is_told() {
    let gone = |inventory: &mut Inventory| inventory.entities.retain(|e| e.id != id("app2"));
    let of = |provider: &str| {
        let needs = [
            Vec::new(),
            vec![by_part("cron", 6, relay("app2", provider))],
        ];
        let outcome = told(gone, |_| {}, needs, &wave());
        let mail = outcome
            .unexpected
            .iter()
            .filter(|l| l.says.contains("mail relay"));
        mail.count()
    };
    assert_eq!((of("mail1"), of("db1")), (1, 0));
}

#[test]
fn what_an_old_server_remembers_of_a_machine_is_quiet_only_where_somebody_looked_since() {
    let before = || vec![by_part("php", 0, relay("app2", "mail1"))];
    let after = || {
        vec![
            by_part("php", 6, relay("app2", "mail-new")),
            seen_on(2, relay("app2", "mail1")),
        ]
    };
    let dark = judged(before(), after());
    assert_eq!(
        lines(&dark.not_seen),
        [
            "app2 (app2) for mail relay: used mail1 before the window, promised only of another part, and nobody has looked at mail1 since"
        ]
    );
    for looked in ["app2", "mail1"] {
        let quiet = told(|_| {}, looked_at(looked, 7), [before(), after()], &wave());
        assert!(
            quiet.not_seen.is_empty() && !quiet.needs_action(),
            "{quiet:#?}"
        );
    }
}

#[test]
fn in_a_wave_without_a_window_a_memory_is_of_before_the_earlier_look() {
    let wave = Wave {
        window: None,
        ..wave()
    };
    let of = |day, before: Vec<Dependency>| {
        let memory = seen_on(day, relay("app1", "mail1"));
        let after = vec![by_part("php", 6, relay("app1", "mail-new")), memory];
        told(|_| {}, |_| {}, [before, after], &wave)
    };
    let known = || vec![by_part("php", 0, relay("app1", "mail1"))];
    assert!(!of(-2, known()).needs_action());
    assert_eq!(of(3, known()).missing.len(), 1);
    assert_eq!(
        lines(&of(-2, Vec::new()).not_seen),
        [
            "app1 (app1) for mail relay: used mail1 before the earlier look, in no promise, and nobody has looked at mail1 since"
        ]
    );
}

#[test]
fn what_the_newest_look_did_not_meet_again_was_used_when_it_was_used() {
    let brief = |day| with(seen_on(day, relay("app2", "mail1")), |d| d.current = false);
    let since = judged(Vec::new(), vec![brief(6)]);
    assert_eq!(since.unexpected.len(), 1, "{since:#?}");
    // Before the window it was used as well, and nobody can say that it ended.
    let earlier = judged(Vec::new(), vec![brief(2)]);
    assert_eq!((earlier.unexpected.len(), earlier.missing.len()), (0, 0));
    assert_eq!(earlier.not_seen.len(), 1, "{earlier:#?}");
    // A promise is not kept while it was used since.
    let php = |provider: &str| by_part("php", 6, relay("app1", provider));
    let log = with(seen_on(6, relay("app1", "mail1")), |d| d.current = false);
    let led = judged(vec![php("mail1")], vec![php("mail-new"), log]);
    assert_eq!((led.confirmed.len(), led.missing.len()), (0, 1), "{led:#?}");
}

#[test]
fn a_new_part_at_a_retired_member_is_told_although_the_machine_was_known_there() {
    let mut wave = wave();
    wave.members.push("db1".to_owned());
    let need = || depends("app2", "sql", "db1", 5432);
    let whole = || seen_on(6, need());
    let script = by_part("script", 6, need());
    let said = told(
        |_| {},
        |_| {},
        [vec![whole()], vec![whole(), script]],
        &wave,
    );
    assert_eq!(
        lines(&said.missing),
        ["app2 (script) for database: still at db1, by another part than before"]
    );
    let asked = format!("{:?}", said.to_do);
    assert!(!asked.contains("led elsewhere"), "{asked}");
    let quiet = told(|_| {}, |_| {}, [vec![whole()], vec![whole()]], &wave);
    assert_eq!(lines(&quiet.missing), [""; 0]);
}
