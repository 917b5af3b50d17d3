//! How long mail takes: for each of the last days what was delivered, how long that took, what was put off and sent back.
//!
//! A message is delivered once to each recipient, however often that was tried; its delay counts from its coming to this
//! server, all tries included. What was put off or sent back has no delay. The days are those of UTC.

use std::collections::BTreeMap;

use groma_model::Timestamp;
use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

/// Days that are kept, and told: one for each day of the week.
const DAYS_MAX: usize = 7;
const DAY_MILLIS: i64 = 86_400_000;
/// Nobody keeps a message longer in a queue; a clock was wrong.
const LASTED_MAX: u64 = 60 * 86_400_000;
/// How much earlier than its coming a message may be delivered, by clocks that count whole seconds.
const EARLY_MAX: i64 = 1_000;

/// What became of one try to deliver to one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It was delivered, so long after it came.
    Delivered(Lasted),
    /// It is tried again later.
    PutOff,
    /// It is sent back.
    Returned,
}

/// How long it took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lasted {
    /// Milliseconds, as the line says.
    Millis(u64),
    /// Since this moment.
    Since(Timestamp),
    /// The line does not tell.
    Untold,
}

/// One day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Day {
    /// The first thing that is counted.
    pub(crate) first: Timestamp,
    /// Recipients.
    pub(crate) delivered: u64,
    /// Tries.
    pub(crate) put_off: u64,
    /// Recipients.
    pub(crate) returned: u64,
    lasted: Histogram,
}

impl Day {
    fn begins(first: Timestamp) -> Self {
        Self {
            first,
            delivered: 0,
            put_off: 0,
            returned: 0,
            lasted: Histogram::default(),
        }
    }

    /// How much it knows.
    pub(crate) fn lines(&self) -> u64 {
        let lines = [self.delivered, self.put_off, self.returned];
        lines.into_iter().fold(0, u64::saturating_add)
    }

    /// Every number that is told of it, by its metric.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let delay = |percent| self.lasted.percentile(percent);
        [
            ("mail_bounced", Some(precise(self.returned))),
            ("mail_deferred", Some(precise(self.put_off))),
            ("mail_delay_p50_seconds", delay(50).map(seconds)),
            ("mail_delay_p95_seconds", delay(95).map(seconds)),
            ("mail_messages", Some(precise(self.delivered))),
        ]
        .into_iter()
        .filter_map(|(metric, value)| Some((metric, value?)))
    }

    fn take(&mut self, at: Timestamp, fate: Fate) {
        self.first = self.first.min(at);
        let count = match fate {
            Fate::Delivered(_) => &mut self.delivered,
            Fate::PutOff => &mut self.put_off,
            Fate::Returned => &mut self.returned,
        };
        *count = count.saturating_add(1);
        if let Fate::Delivered(lasted) = fate
            && let Some(millis) = millis(lasted, at)
        {
            self.lasted.add(millis);
        }
    }

    fn join(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.put_off = self.put_off.saturating_add(other.put_off);
        self.returned = self.returned.saturating_add(other.returned);
        self.lasted.join(other.lasted);
    }
}

/// The last days, by their number since 1970.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(crate) struct Delays(BTreeMap<i64, Day>);

impl Delays {
    /// Takes one try.
    pub(crate) fn take(&mut self, at: Timestamp, fate: Fate) {
        let begins = || Day::begins(at);
        let day = self.0.entry(day_of(at)).or_insert_with(begins);
        day.take(at, fate);
        self.forget_old();
    }

    /// What another part of the log tells.
    pub(crate) fn join(&mut self, other: Self) {
        for (number, day) in other.0 {
            match self.0.get_mut(&number) {
                Some(known) => known.join(day),
                None => drop(self.0.insert(number, day)),
            }
        }
        self.forget_old();
    }

    /// The days of the week that ends `now`, each with the moment it begins.
    pub(crate) fn week(self, now: Timestamp) -> impl Iterator<Item = (Timestamp, Day)> {
        let today = day_of(now);
        let newest = i64::try_from(DAYS_MAX).unwrap_or(i64::MAX);
        let days = self.0.into_iter();
        let days = days.filter(move |(number, _)| (today - newest + 1..=today).contains(number));
        days.map(|(number, day)| {
            let begin = number.saturating_mul(DAY_MILLIS);
            (Timestamp::from_millis(begin), day)
        })
    }

    /// A day that seven newer ones follow is none of the last seven, whatever else is read.
    fn forget_old(&mut self) {
        while self.0.len() > DAYS_MAX {
            self.0.pop_first();
        }
    }
}

/// What UTC calls the day of a moment.
pub(crate) fn weekday(at: Timestamp) -> &'static str {
    // The first of January 1970 was a Thursday.
    match day_of(at).rem_euclid(7) {
        0 => "Thursday",
        1 => "Friday",
        2 => "Saturday",
        3 => "Sunday",
        4 => "Monday",
        5 => "Tuesday",
        _ => "Wednesday",
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(DAY_MILLIS)
}

/// How long it took, unless a clock was wrong.
fn millis(lasted: Lasted, at: Timestamp) -> Option<u64> {
    let millis = match lasted {
        Lasted::Millis(millis) => millis,
        Lasted::Since(came) => {
            let passed = at.millis().saturating_sub(came.millis());
            u64::try_from(passed.max(0))
                .ok()
                .filter(|_| passed >= -EARLY_MAX)?
        }
        Lasted::Untold => return None,
    };
    (millis <= LASTED_MAX).then_some(millis)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a measurement is a floating number; a day has fewer than 2^53 of anything"
)]
fn precise(count: u64) -> f64 {
    count as f64
}

fn seconds(millis: u64) -> f64 {
    precise(millis) / 1_000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: i64 = 1_795_262_400;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOON + seconds)
    }

    fn told(delays: Delays, now: Timestamp) -> Vec<(&'static str, Vec<(&'static str, f64)>)> {
        let week = delays.week(now);
        week.map(|(begin, day)| (weekday(begin), day.numbers().collect()))
            .collect()
    }

    #[test]
    fn a_day_tells_its_deliveries_and_what_was_put_off_apart() {
        let mut delays = Delays::default();
        for second in 1..=20 {
            let lasted = Lasted::Millis(1_000 * second);
            delays.take(at(0), Fate::Delivered(lasted));
        }
        delays.take(at(5), Fate::PutOff);
        delays.take(at(-3600), Fate::Returned);
        assert_eq!(
            told(delays, at(60)),
            [(
                "Saturday",
                vec![
                    ("mail_bounced", 1.0),
                    ("mail_deferred", 1.0),
                    ("mail_delay_p50_seconds", 9.984),
                    ("mail_delay_p95_seconds", 18.944),
                    ("mail_messages", 20.0)
                ]
            )]
        );
    }

    #[test]
    fn a_log_without_delays_has_none_and_not_zero() {
        let mut delays = Delays::default();
        delays.take(at(0), Fate::Delivered(Lasted::Untold));
        let day = &told(delays, at(1))[0].1;
        assert!(day.contains(&("mail_messages", 1.0)), "{day:?}");
        assert!(
            !day.iter().any(|(metric, _)| metric.contains("delay")),
            "{day:?}"
        );
        assert_eq!(told(Delays::default(), at(0)), []);
    }

    #[test]
    fn a_clock_that_jumped_makes_no_delay() {
        for (lasted, is_one) in [
            (Lasted::Since(at(-30)), true),
            (Lasted::Since(at(1)), true),
            (Lasted::Since(at(3600)), false),
            (Lasted::Since(at(-90 * 86_400)), false),
            (Lasted::Millis(u64::MAX), false),
        ] {
            let mut delays = Delays::default();
            delays.take(at(0), Fate::Delivered(lasted));
            let day = &told(delays, at(1))[0].1;
            assert_eq!(day.len() == 5, is_one, "{lasted:?}: {day:?}");
        }
    }

    #[test]
    fn a_week_is_told_and_neither_what_is_older_nor_what_is_to_come() {
        let mut delays = Delays::default();
        for day in -3..=3 {
            delays.take(at(day * 86_400), Fate::Delivered(Lasted::Millis(5)));
        }
        let days = |now| told(delays.clone(), now).len();
        assert_eq!(
            (days(at(3 * 86_400)), days(at(0)), days(at(40 * 86_400))),
            (7, 4, 0)
        );
    }

    proptest! {
        #[test]
        fn parts_of_a_log_may_be_put_together_in_any_order(tries in prop::collection::vec((0..900_000_i64, 0..3_u8, 0..100_000_u64), 0..60), cut in 0..60_usize) {
            let of = |tries: &[(i64, u8, u64)]| {
                let mut delays = Delays::default();
                for (second, fate, millis) in tries {
                    let fate = match fate {
                        0 => Fate::PutOff,
                        1 => Fate::Returned,
                        _ => Fate::Delivered(Lasted::Millis(*millis)),
                    };
                    delays.take(at(*second), fate);
                }
                delays
            };
            let (first, second) = tries.split_at(cut.min(tries.len()));
            let mut forth = of(first);
            forth.join(of(second));
            let mut back = of(second);
            back.join(of(first));
            let whole = of(&tries);
            prop_assert_eq!(&forth, &whole);
            prop_assert_eq!(&back, &whole);
            let kept: Delays = serde_json::from_str(&serde_json::to_string(&whole).unwrap()).unwrap();
            prop_assert_eq!(kept, whole);
        }
    }
}
