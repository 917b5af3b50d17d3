//! Scheduled tasks of Windows: their line, next runs and rhythms that are known beforehand.
#![allow(clippy::unwrap_used, reason = "a test may panic, and says where")]

use groma_model::Timestamp;
use groma_model::fact::Job;
use groma_model::schedule::{
    Clock, TaskDays, TaskMoment, TaskRepeat, TaskTrigger, TaskWhen, next_runs, task_rhythm,
};
use proptest::prelude::*;

fn runs(schedule: &str, now: &str, max: usize) -> Vec<String> {
    let job = Job {
        scheduler: "task-scheduler".into(),
        schedule: schedule.into(),
        ..Job::default()
    };
    let clock = Clock {
        now: now.parse().unwrap(),
        zone: Some("Europe/Berlin"),
        booted: Some("2026-11-20T06:00:00Z".parse::<Timestamp>().unwrap()),
        last_run: None,
    };
    let runs = next_runs(&job, &clock, max);
    runs.at.iter().map(ToString::to_string).collect()
}

#[test]
fn a_task_runs_by_the_clock_of_its_machine() {
    // 2026-11-20 is a Friday.
    let now = "2026-11-20T12:00:00Z";
    for (schedule, expected) in [
        ("once 02:00 from 2026-12-01", vec!["2026-12-01T01:00:00Z"]),
        ("once 02:00 from 2026-11-01", vec![]),
        (
            "daily 02:00 from 2020-01-01",
            vec!["2026-11-21T01:00:00Z", "2026-11-22T01:00:00Z"],
        ),
        (
            "daily 02:00Z from 2020-01-01",
            vec!["2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z"],
        ),
        (
            "daily 02:00-05:00 from 2020-01-01",
            vec!["2026-11-21T07:00:00Z", "2026-11-22T07:00:00Z"],
        ),
        (
            "every 3 days 02:00 from 2026-11-19",
            vec!["2026-11-22T01:00:00Z", "2026-11-25T01:00:00Z"],
        ),
        (
            "weekly Mon,Fri 18:30 from 2020-01-01",
            vec!["2026-11-20T17:30:00Z", "2026-11-23T17:30:00Z"],
        ),
        // The week of the start begins on Sunday the 15th: Monday the 16th is past, the next one counts from the 29th.
        (
            "every 2 weeks Mon 06:00 from 2026-11-18",
            vec!["2026-11-30T05:00:00Z", "2026-12-14T05:00:00Z"],
        ),
        (
            "monthly 1,last 02:00 from 2020-01-01",
            vec!["2026-11-30T01:00:00Z", "2026-12-01T01:00:00Z"],
        ),
        (
            "monthly 31 of Jan,Apr 02:00 from 2020-01-01",
            vec!["2027-01-31T01:00:00Z", "2028-01-31T01:00:00Z"],
        ),
        (
            "monthly first,last Sun 03:00 from 2020-01-01",
            vec!["2026-11-29T02:00:00Z", "2026-12-06T02:00:00Z"],
        ),
        (
            "monthly 29 of Feb 02:00 from 2020-01-01",
            vec!["2028-02-29T01:00:00Z", "2032-02-29T01:00:00Z"],
        ),
        (
            "daily 02:00 from 2026-12-24",
            vec!["2026-12-24T01:00:00Z", "2026-12-25T01:00:00Z"],
        ),
        (
            "daily 02:00 from 2020-01-01 until 2026-11-21 12:00",
            vec!["2026-11-21T01:00:00Z"],
        ),
        ("at logon", vec![]),
        ("nonsense", vec![]),
        ("weekly Mon 02:00", vec![]),
    ] {
        assert_eq!(runs(schedule, now, 2), expected, "{schedule}");
    }
}

#[test]
fn a_repetition_goes_on_until_its_time_is_over_or_the_next_start() {
    let now = "2026-11-20T12:00:00Z";
    assert_eq!(
        runs(
            "daily 08:00 from 2020-01-01 repeated every 2h for 6h",
            now,
            3
        ),
        [
            "2026-11-21T07:00:00Z",
            "2026-11-21T09:00:00Z",
            "2026-11-21T11:00:00Z"
        ]
    );
    assert_eq!(
        runs("once 00:05 from 2020-01-01 repeated every 15min", now, 2),
        ["2026-11-20T12:05:00Z", "2026-11-20T12:20:00Z"]
    );
    // A night's work reaches into the next day.
    assert_eq!(
        runs(
            "daily 22:00 from 2020-01-01 repeated every 4h for 12h",
            "2026-11-20T22:30:00Z",
            2
        ),
        ["2026-11-21T01:00:00Z", "2026-11-21T05:00:00Z"]
    );
}

#[test]
fn a_time_the_clock_skips_is_the_jump_and_one_that_comes_twice_the_first() {
    assert_eq!(
        runs("daily 02:30 from 2020-01-01", "2027-03-28T00:00:00Z", 2),
        ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
    );
    assert_eq!(
        runs("daily 02:30 from 2020-01-01", "2026-10-25T00:00:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
    );
}

#[test]
fn a_task_of_the_boot_counts_from_it() {
    let at = "2026-11-20T06:00:00Z";
    assert_eq!(runs("at boot after 5min", at, 3), ["2026-11-20T06:05:00Z"]);
    assert_eq!(
        runs("at boot repeated every 1h", at, 2),
        ["2026-11-20T07:00:00Z", "2026-11-20T08:00:00Z"]
    );
}

#[test]
fn the_rhythm_of_a_task_is_a_word() {
    for (schedule, expected) in [
        ("once 02:00 from 2026-12-01", Some("once")),
        (
            "once 02:00 from 2026-12-01 repeated every 5min",
            Some("minutely"),
        ),
        (
            "once 02:00 from 2026-12-01 repeated every 5min for 1h",
            Some("once"),
        ),
        ("daily 02:00 from 2020-01-01", Some("daily")),
        (
            "daily 02:00 from 2020-01-01 repeated every 1h for 1d",
            Some("hourly"),
        ),
        (
            "daily 02:00 from 2020-01-01 repeated every 10min for 12h",
            Some("minutely"),
        ),
        ("every 7 days 02:00 from 2020-01-01", Some("weekly")),
        (
            "weekly Mon,Tue,Wed,Thu,Fri 02:00 from 2020-01-01",
            Some("daily"),
        ),
        ("weekly Mon 02:00 from 2020-01-01", Some("weekly")),
        ("every 4 weeks Mon 02:00 from 2020-01-01", Some("monthly")),
        ("monthly 1 02:00 from 2020-01-01", Some("monthly")),
        (
            "monthly 1 of Jan,Apr,Jul,Oct 02:00 from 2020-01-01",
            Some("quarterly"),
        ),
        (
            "monthly last Sun of Dec 02:00 from 2020-01-01",
            Some("yearly"),
        ),
        ("at boot; daily 02:00 from 2020-01-01", Some("daily")),
        ("at boot after 10min", Some("boot")),
        ("at logon", None),
        ("on event", None),
    ] {
        assert_eq!(task_rhythm(schedule), expected, "{schedule}");
    }
}

fn moments() -> impl Strategy<Value = TaskMoment> {
    let text = (
        1990..2100_i32,
        1..=12_u32,
        1..=28_u32,
        0..24_u32,
        0..60_u32,
        0..60_u32,
    );
    let zone = prop::sample::select(vec!["", "Z", "+02:00", "-09:30"]);
    (text, zone).prop_map(|((y, mo, d, h, mi, s), zone)| {
        let text = format!("{y}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}{zone}");
        TaskMoment::parse(&text).unwrap()
    })
}

fn days() -> impl Strategy<Value = TaskDays> {
    prop_oneof![
        Just(TaskDays::Once),
        (1..400_u16).prop_map(TaskDays::Every),
        (1..60_u16, 1..128_u8).prop_map(|(every, weekdays)| TaskDays::Weeks { every, weekdays }),
        (1..u32::MAX, 1..0x1000_u16).prop_map(|(days, months)| TaskDays::Month { days, months }),
        (1..32_u8, 1..128_u8, 1..0x1000_u16).prop_map(|(weeks, weekdays, months)| {
            TaskDays::MonthWeeks {
                weeks,
                weekdays,
                months,
            }
        }),
    ]
}

fn triggers() -> impl Strategy<Value = TaskTrigger> {
    let clock = (moments(), days()).prop_map(|(start, days)| TaskWhen::Clock { start, days });
    let event = prop::sample::select(vec![TaskWhen::Boot, TaskWhen::Session, TaskWhen::Other]);
    let repeat = (1..10_000_000_u64, prop::option::of(1..10_000_000_u64));
    let repeat = repeat.prop_map(|(every_seconds, for_seconds)| TaskRepeat {
        every_seconds,
        for_seconds,
    });
    (
        prop_oneof![3 => clock, 1 => event],
        prop::option::of(1..100_000_u64),
        prop::option::of(repeat),
        prop::option::of(moments()),
    )
        .prop_map(|(when, delay_seconds, repeat, until)| TaskTrigger {
            when,
            delay_seconds,
            repeat,
            until,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(trigger in triggers()) {
        prop_assert_eq!(TaskTrigger::parse(&trigger.to_string()), Some(trigger));
    }

    #[test]
    fn runs_come_in_order_and_after_now(trigger in triggers(), day in 0..20_000_i64) {
        let now = Timestamp::from_seconds(day * 86_400);
        let found = runs(&trigger.to_string(), &now.to_string(), 4);
        let found: Vec<Timestamp> = found.iter().map(|at| at.parse().unwrap()).collect();
        let sorted = found.is_sorted_by(|a, b| a < b);
        prop_assert!(found.iter().all(|at| *at > now) && sorted);
    }

    #[test]
    fn no_line_ends_the_program(text in "[a-z0-9:,+Z -]{0,60}", rest in ".{0,40}") {
        let line = format!("{text}{rest}");
        let _ = (task_rhythm(&line), runs(&line, "2026-11-20T06:00:00Z", 2));
    }
}
