//! Strangers that begin to use what goes, and what is dated before the window of the wave.

use std::time::Duration;

use groma_diff::{WaveLine, WaveOutcome, compare_wave};
use groma_model::fact::ComponentClass;
use groma_model::inventory::{CoverageEntry, Dependency, Entity, Inventory, TimeWindow};
use groma_model::wave::{Move, Wave};
use groma_model::{CoverageState, DependencyId, SourceName, Timestamp, Witness};

use crate::build::*;
use crate::compare;

/// Days after the earlier look: the window is the third, the later look the seventh.
pub(crate) fn wave() -> Wave {
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

pub(crate) fn estate(
    day: i64,
    dependencies: Vec<Dependency>,
    certificates: Vec<Entity>,
) -> Inventory {
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

pub(crate) fn judged(before: Vec<Dependency>, after: Vec<Dependency>) -> WaveOutcome {
    let (before, after) = (estate(0, before, Vec::new()), estate(7, after, Vec::new()));
    compare_wave(&compare(&before, &after), &before, &after, &wave())
}

pub(crate) fn lines(list: &[WaveLine]) -> Vec<&str> {
    list.iter().map(|l| l.says.as_str()).collect()
}

pub(crate) fn relay(consumer: &str, provider: &str) -> Dependency {
    depends(consumer, "smtp-relay", provider, 25)
}

/// Only seen in use, for the last time on this day, by a part nobody could name.
pub(crate) fn seen_on(day: i64, need: Dependency) -> Dependency {
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
