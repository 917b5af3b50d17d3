//! The next runs of crontab lines, against a daemon that is simulated minute by minute.
//!
//! The simulation follows the manners cron(8) describes: it keeps the wall clock's minute it has worked off, and
//! when the real one is not the next, it tells a jump ahead from one back. It knows nothing of the module it holds
//! to account but the text of the line.
#![allow(clippy::unwrap_used, reason = "a test may panic, and says where")]

use groma_model::Timestamp;
use groma_model::schedule::{Cron, Zone};
use jiff::Timestamp as Moment;
use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

/// One field, as its values and as text.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    values: Vec<i8>,
    star: bool,
}

impl Field {
    fn has(&self, value: i8) -> bool {
        self.values.contains(&value)
    }
}

fn item(low: i8, high: i8) -> impl Strategy<Value = (String, Vec<i8>)> {
    let single = (low..=high).prop_map(|v| (v.to_string(), vec![v]));
    let range = (low..=high, low..=high, 1..9_i8).prop_map(|(a, b, step)| {
        let (from, to) = (a.min(b), a.max(b));
        let values = (from..=to).filter(|v| (v - from) % step == 0).collect();
        let text = match step {
            1 => format!("{from}-{to}"),
            _ => format!("{from}-{to}/{step}"),
        };
        (text, values)
    });
    prop_oneof![single, range]
}

fn field(low: i8, high: i8) -> impl Strategy<Value = Field> {
    let star = (1..13_i8).prop_map(move |step| Field {
        text: if step == 1 {
            "*".into()
        } else {
            format!("*/{step}")
        },
        values: (low..=high).filter(|v| (v - low) % step == 0).collect(),
        star: true,
    });
    let every = Just(Field {
        text: "*".into(),
        values: (low..=high).collect(),
        star: true,
    });
    let listed = prop::collection::vec(item(low, high), 1..3).prop_map(|items| Field {
        text: items
            .iter()
            .map(|(text, _)| text.as_str())
            .collect::<Vec<_>>()
            .join(","),
        values: items.into_iter().flat_map(|(_, values)| values).collect(),
        star: false,
    });
    prop_oneof![1 => every, 1 => star, 2 => listed]
}

#[derive(Clone, Debug)]
struct Line {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Line {
    fn text(&self) -> String {
        let fields = [
            &self.minute,
            &self.hour,
            &self.day,
            &self.month,
            &self.weekday,
        ];
        fields.map(|f| f.text.as_str()).join(" ")
    }

    fn is_due(&self, at: DateTime) -> bool {
        let day = self.day.has(at.day());
        let weekday = self.weekday.has(at.weekday().to_sunday_zero_offset());
        let date = if self.day.star || self.weekday.star {
            day && weekday
        } else {
            day || weekday
        };
        date && self.month.has(at.month())
            && self.hour.has(at.hour())
            && self.minute.has(at.minute())
    }

    fn is_wild(&self) -> bool {
        self.minute.star || self.hour.star
    }
}

fn line() -> impl Strategy<Value = Line> {
    (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 6),
    )
        .prop_map(|(minute, hour, day, month, weekday)| Line {
            minute,
            hour,
            day,
            month,
            weekday,
        })
}

/// Runs of a daemon that is started at `begin` and watched for `minutes`, seconds since 1970.
fn simulated(line: &Line, zone: &str, begin: i64, minutes: i64) -> Vec<i64> {
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let wall = |at: i64| {
        let moment = Moment::from_second(at).unwrap();
        let offset = i64::from(zone.to_offset(moment).seconds());
        (at + offset).div_euclid(60)
    };
    let civil = |minute: i64| {
        jiff::tz::TimeZone::UTC.to_datetime(Moment::from_second(minute * 60).unwrap())
    };
    let mut done = wall(begin);
    let mut runs = Vec::new();
    for step in 1..=minutes {
        let at = begin + step * 60;
        let now = wall(at);
        match now - done {
            1 => {
                if line.is_due(civil(now)) {
                    runs.push(at);
                }
                done = now;
            }
            2..180 => {
                let wild = line.is_wild() && line.is_due(civil(now));
                let missed =
                    !line.is_wild() && (done + 1..=now).any(|minute| line.is_due(civil(minute)));
                if wild || missed {
                    runs.push(at);
                }
                done = now;
            }
            -180..=0 => {
                if line.is_wild() && line.is_due(civil(now)) {
                    runs.push(at);
                }
            }
            _ => done = now,
        }
    }
    runs
}

fn told(text: &str, zone: &str, begin: i64, max: usize) -> Vec<i64> {
    let cron = Cron::parse(text).unwrap();
    let zone = Zone::named(zone).unwrap();
    let next = |after: Timestamp| cron.next(after, &zone);
    std::iter::successors(next(Timestamp::from_seconds(begin)), |last| next(*last))
        .take(max)
        .map(|at| at.millis() / 1000)
        .collect()
}

fn second(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().millis() / 1000
}

/// Zones with hours that are skipped and repeated at one, two and three o'clock, at midnight, by half an hour, and not.
const ZONES: &[(&str, &str, &str)] = &[
    (
        "Europe/Berlin",
        "2027-03-26T12:07:00Z",
        "2027-10-29T12:07:00Z",
    ),
    (
        "America/New_York",
        "2027-03-12T12:00:00Z",
        "2027-11-05T12:00:00Z",
    ),
    (
        "Australia/Lord_Howe",
        "2027-10-01T12:00:00Z",
        "2027-04-02T12:00:00Z",
    ),
    (
        "Asia/Beirut",
        "2027-03-26T12:00:00Z",
        "2027-10-29T12:00:00Z",
    ),
    (
        "America/Havana",
        "2027-03-12T12:00:00Z",
        "2027-11-05T12:00:00Z",
    ),
    (
        "Asia/Kolkata",
        "2027-02-26T12:00:00Z",
        "2028-02-27T12:00:00Z",
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn next_runs_are_those_of_a_daemon_that_is_watched(line in line(), zone in 0..ZONES.len(), spring: bool) {
        let (zone, ahead, back) = ZONES[zone];
        let begin = second(if spring { ahead } else { back });
        // Five days: a Friday to a Wednesday, the change in the middle.
        let minutes = 5 * 24 * 60;
        let expected = simulated(&line, zone, begin, minutes);
        let mut found = told(&line.text(), zone, begin, expected.len() + 1);
        found.retain(|at| *at <= begin + minutes * 60);
        prop_assert_eq!(found, expected, "{} in {}", line.text(), zone);
    }

    #[test]
    fn any_text_is_a_schedule_or_none(text: String) {
        if let Some(cron) = Cron::parse(&text) {
            cron.next(Timestamp::from_seconds(0), &Zone::default());
            cron.rhythm();
        }
    }
}

#[test]
fn a_year_of_daily_and_monthly_lines_is_that_of_the_daemon() {
    let plain = |text: &str, low: i8, high: i8, values: &[i8]| Field {
        text: text.into(),
        values: if values.is_empty() {
            (low..=high).collect()
        } else {
            values.to_vec()
        },
        star: text.starts_with('*'),
    };
    let line = Line {
        minute: plain("30", 0, 59, &[30]),
        hour: plain("2", 0, 23, &[2]),
        day: plain("13", 1, 31, &[13]),
        month: plain("*", 1, 12, &[]),
        weekday: plain("fri", 0, 6, &[5]),
    };
    let begin = second("2027-01-01T00:00:00Z");
    let expected = simulated(&line, "Europe/Berlin", begin, 366 * 24 * 60);
    assert_eq!(
        expected.len(),
        53 + 12 - 1,
        "Fridays, thirteenths, and one that is both"
    );
    assert_eq!(
        told(&line.text(), "Europe/Berlin", begin, expected.len()),
        expected
    );
}

#[test]
fn words_names_and_rare_days_are_found() {
    let at = |text: &str| {
        told(text, "UTC", second("2026-11-20T10:00:00Z"), 1)
            .first()
            .copied()
    };
    for (text, expected) in [
        ("@hourly", Some("2026-11-20T11:00:00Z")),
        ("@midnight", Some("2026-11-21T00:00:00Z")),
        ("@weekly", Some("2026-11-22T00:00:00Z")),
        ("@annually", Some("2027-01-01T00:00:00Z")),
        ("0 6 * JAN Mon", Some("2027-01-04T06:00:00Z")),
        ("0 6 * * 7", Some("2026-11-22T06:00:00Z")),
        ("0 6 * * 5-7", Some("2026-11-21T06:00:00Z")),
        ("5/20 * * * *", Some("2026-11-20T10:05:00Z")),
        ("0 0 29 2 *", Some("2028-02-29T00:00:00Z")),
        ("0 0 30 2 *", None),
        // A star in front makes it "and": the next leap day that is a Sunday.
        ("0 0 29 2 */7", Some("2032-02-29T00:00:00Z")),
        ("7~9 3 * * *", Some("2026-11-21T03:07:00Z")),
    ] {
        assert_eq!(at(text), expected.map(second), "{text}");
    }
    for text in [
        "",
        "@reboot",
        "@sometimes",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "mon * * * *",
        "* * * * */0",
        "5-1 * * * *",
        "* * * *",
        "* * * * * *",
        "1,,2 * * * *",
        "-1 * * * *",
        "* * * * fri-sun",
    ] {
        assert_eq!(Cron::parse(text), None, "{text}");
    }
}

#[test]
fn each_rhythm_is_told_by_counting() {
    for (schedule, expected) in [
        ("* * * * *", Some("minutely")),
        ("*/5 * * * *", Some("minutely")),
        ("7 * * * *", Some("hourly")),
        ("0 8-18 * * 1-5", Some("hourly")),
        ("0 */2 * * *", Some("hourly")),
        ("30 4 * * *", Some("daily")),
        ("30 4,16 * * *", Some("daily")),
        ("0 6 * * mon-fri", Some("daily")),
        ("0 6 * * 0", Some("weekly")),
        ("0 6 * * 1,3", Some("weekly")),
        ("0 6 1 * *", Some("monthly")),
        ("0 6 1,15 * *", Some("monthly")),
        ("0 6 1 1 *", Some("yearly")),
        ("0 6 29 2 *", Some("yearly")),
        ("0 6 31 2 *", None),
        ("0 6 1 jan,apr,jul,oct *", Some("quarterly")),
        ("0 6 1-7 * *", Some("weekly")),
        ("0 0 */2 * *", Some("weekly")),
    ] {
        assert_eq!(
            Cron::parse(schedule).unwrap().rhythm(),
            expected,
            "{schedule}"
        );
    }
}
