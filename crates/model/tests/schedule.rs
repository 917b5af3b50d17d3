//! Calendar expressions, timers, anacron and at: next runs and rhythms that are known beforehand.
#![allow(clippy::unwrap_used, reason = "a test may panic, and says where")]

use groma_model::Timestamp;
use groma_model::fact::Job;
use groma_model::schedule::{Calendar, Clock, NextRuns, Zone, next_runs, timer_rhythm};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn clock(now: &str) -> Clock<'static> {
    Clock {
        now: at(now),
        zone: Some("Europe/Berlin"),
        booted: None,
        last_run: None,
    }
}

fn job(scheduler: &str, schedule: &str) -> Job {
    Job {
        scheduler: scheduler.into(),
        schedule: schedule.into(),
        ..Job::default()
    }
}

fn shown(runs: &NextRuns) -> Vec<String> {
    runs.at.iter().map(ToString::to_string).collect()
}

#[test]
fn a_calendar_expression_elapses_by_the_clock_of_the_machine_or_its_own() {
    for (text, expected) in [
        ("Mon *-*-* 06:00", "2026-11-23T05:00:00Z"),
        ("Mon *-*-* 06:00 UTC", "2026-11-23T06:00:00Z"),
        ("12:00 Asia/Tokyo", "2026-11-21T03:00:00Z"),
        ("*-*~01 05:00", "2026-11-30T04:00:00Z"),
        ("Mon *-05~07/1", "2027-05-30T22:00:00Z"),
        ("quarterly", "2026-12-31T23:00:00Z"),
        ("@1800000000", "2027-01-15T08:00:00Z"),
        ("*:0/15", "2026-11-20T10:15:00Z"),
    ] {
        let runs = next_runs(
            &job("timer", &format!("OnCalendar={text}")),
            &clock("2026-11-20T10:00:00Z"),
            1,
        );
        assert_eq!(shown(&runs), [expected], "{text}");
        assert!(!runs.approximate, "{text}");
    }
}

#[test]
fn an_hour_that_does_not_exist_is_made_up_for_by_cron_and_not_by_a_timer() {
    let evening = clock("2027-03-27T12:00:00Z");
    let cron = next_runs(&job("cron", "30 2 * * *"), &evening, 2);
    assert_eq!(
        shown(&cron),
        ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"]
    );
    let timer = next_runs(&job("timer", "OnCalendar=02:30"), &evening, 2);
    assert_eq!(
        shown(&timer),
        ["2027-03-29T00:30:00Z", "2027-03-30T00:30:00Z"]
    );
}

#[test]
fn an_hour_that_comes_twice_runs_a_fixed_job_once() {
    let evening = clock("2027-10-30T12:00:00Z");
    for fixed in [job("cron", "30 2 * * *"), job("timer", "OnCalendar=02:30")] {
        let runs = next_runs(&fixed, &evening, 2);
        assert_eq!(
            shown(&runs),
            ["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"]
        );
    }
    let hourly = next_runs(
        &job("cron", "30 * * * *"),
        &clock("2027-10-31T00:00:00Z"),
        3,
    );
    assert_eq!(
        shown(&hourly),
        [
            "2027-10-31T00:30:00Z",
            "2027-10-31T01:30:00Z",
            "2027-10-31T02:30:00Z"
        ]
    );
}

#[test]
fn a_table_with_a_zone_of_its_own_is_read_in_it() {
    let tokyo = Job {
        time_zone: Some("Asia/Tokyo".into()),
        ..job("cron", "0 6 1 * *")
    };
    let runs = next_runs(&tokyo, &clock("2026-11-20T10:00:00Z"), 2);
    assert_eq!(
        shown(&runs),
        ["2026-11-30T21:00:00Z", "2026-12-31T21:00:00Z"]
    );
    assert!(!runs.approximate);
}

#[test]
fn without_a_zone_or_with_a_random_delay_the_answer_is_about_right() {
    let nowhere = Clock {
        zone: None,
        ..clock("2026-11-20T10:00:00Z")
    };
    let runs = next_runs(&job("cron", "0 12 * * *"), &nowhere, 1);
    assert_eq!(
        (shown(&runs), runs.approximate),
        (vec!["2026-11-20T12:00:00Z".into()], true)
    );
    let delayed = Job {
        random_delay_seconds: Some(3_600),
        ..job("timer", "OnCalendar=daily")
    };
    assert!(next_runs(&delayed, &clock("2026-11-20T10:00:00Z"), 1).approximate);
}

#[test]
fn spans_count_from_the_boot_or_the_last_run() {
    let after_boot = Clock {
        booted: Some(at("2026-11-20T09:50:00Z")),
        ..clock("2026-11-20T10:00:00Z")
    };
    let twice = job("timer", "OnBootSec=15min; OnUnitActiveSec=1d");
    let runs = next_runs(&twice, &after_boot, 2);
    assert_eq!(
        shown(&runs),
        ["2026-11-20T10:05:00Z", "2026-11-21T10:05:00Z"]
    );
    assert!(runs.approximate);
    let later = Clock {
        now: at("2026-11-25T10:00:00Z"),
        ..after_boot
    };
    assert_eq!(
        shown(&next_runs(&twice, &later, 1)),
        ["2026-11-25T10:05:00Z"]
    );
    let recorded = Clock {
        last_run: Some(at("2026-11-25T03:00:00Z")),
        ..later
    };
    assert_eq!(
        shown(&next_runs(&twice, &recorded, 1)),
        ["2026-11-26T03:00:00Z"]
    );
    // Nothing tells when the machine was started.
    assert_eq!(
        next_runs(&twice, &clock("2026-11-20T10:00:00Z"), 1),
        NextRuns::default()
    );
    assert!(shown(&next_runs(&job("timer", "OnBootSec=5min"), &later, 1)).is_empty());
}

#[test]
fn anacron_counts_days_from_the_last_run() {
    let weekly = Job {
        delay_seconds: Some(600),
        hours: Some("3-22".into()),
        ..job("anacron", "every 7 days")
    };
    let ran = Clock {
        last_run: Some(at("2026-11-18T12:00:00Z")),
        ..clock("2026-11-20T10:00:00Z")
    };
    let runs = next_runs(&weekly, &ran, 2);
    assert_eq!(
        shown(&runs),
        ["2026-11-25T02:10:00Z", "2026-12-02T02:10:00Z"]
    );
    assert!(runs.approximate);
    // Overdue, or never run: the next full hour.
    let overdue = next_runs(&weekly, &clock("2026-11-20T10:20:00Z"), 1);
    assert_eq!(shown(&overdue), ["2026-11-20T11:10:00Z"]);
    // Too late today.
    let tonight = next_runs(&weekly, &clock("2026-11-20T22:20:00Z"), 1);
    assert_eq!(shown(&tonight), ["2026-11-21T02:10:00Z"]);
    let monthly = next_runs(&job("anacron", "@monthly"), &ran, 1);
    assert_eq!(shown(&monthly), ["2026-12-18T06:30:00Z"]);
}

#[test]
fn a_job_of_at_runs_once_and_not_in_the_past() {
    let once = job("at", "2027-03-29T23:30:00Z");
    assert_eq!(
        shown(&next_runs(&once, &clock("2026-11-20T10:00:00Z"), 5)),
        ["2027-03-29T23:30:00Z"]
    );
    assert!(
        next_runs(&once, &clock("2027-11-20T10:00:00Z"), 5)
            .at
            .is_empty()
    );
}

#[test]
fn what_no_clock_starts_has_no_next_run() {
    for (scheduler, schedule) in [
        ("cron", "@reboot"),
        ("timer", "OnCalendar=nonsense"),
        ("timer", ""),
        ("moon", "full"),
        ("anacron", "every 0 days"),
    ] {
        assert_eq!(
            next_runs(&job(scheduler, schedule), &clock("2026-11-20T10:00:00Z"), 3),
            NextRuns::default(),
            "{schedule}"
        );
    }
}

#[test]
fn timers_have_a_rhythm() {
    for (text, expected) in [
        ("daily", Some("daily")),
        ("*-*-* 6,18:00", Some("daily")),
        ("*-*-* 00/12:00:00", Some("daily")),
        ("*:0/15", Some("minutely")),
        ("*:*:0/30", Some("minutely")),
        ("hourly", Some("hourly")),
        ("*-*-* *:05:00", Some("hourly")),
        ("Mon *-*-* 00:00:00", Some("weekly")),
        ("Sun 03:10", Some("weekly")),
        ("Mon..Fri 22:30", Some("daily")),
        ("Sat,Sun 04:00 Europe/Paris", Some("weekly")),
        ("*-*-01 05:00", Some("monthly")),
        ("Mon *-*-1..7 05:00", Some("monthly")),
        ("*-*~01 05:00", Some("monthly")),
        ("*-01-01 00:00", Some("yearly")),
        ("*-02-29", Some("yearly")),
        ("2027-03-28 12:00", Some("once")),
        ("quarterly", Some("quarterly")),
        ("03:10", Some("daily")),
        ("nonsense", None),
        ("*-*-* 25:00", None),
    ] {
        assert_eq!(
            timer_rhythm(&format!("OnCalendar={text}")),
            expected,
            "{text}"
        );
    }
    assert_eq!(timer_rhythm("OnBootSec=15min"), Some("boot"));
    assert_eq!(
        timer_rhythm("OnBootSec=15min; OnUnitActiveSec=1w"),
        Some("weekly")
    );
}

#[test]
fn hammered_expressions_never_panic_and_end() {
    let corpus: &[&[u8]] = &[
        b"Mon..Fri *-*-1..7 *:0/15:00 UTC",
        b"Sat,Sun *-*~1/2 0/6:00 Europe/Berlin",
        b"2026,2030-1..12/3~28 0..23/7:59:0/0.5",
        b"@1800000000",
    ];
    groma_fuzz::hammer(2000, corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Some(calendar) = Calendar::parse(&text) {
            calendar.next(at("2026-11-20T10:00:00Z"), &Zone::default());
            calendar.rhythm();
        }
    });
}

proptest! {
    #[test]
    fn any_text_is_a_schedule_or_none(text: String, scheduler in "cron|anacron|at|timer", seconds in 0..9_000_000_000_000_i64) {
        let clock = Clock { now: Timestamp::from_seconds(seconds), zone: None, booted: None, last_run: None };
        next_runs(&job(&scheduler, &text), &clock, 3);
        timer_rhythm(&text);
    }
}
