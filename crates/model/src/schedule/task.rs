//! Scheduled tasks of Windows (Task Scheduler 2.0: "Trigger types", "RepetitionType"): when a trigger fires.
//!
//! A trigger fires first at its start, then by its rule, and each firing may repeat in a fixed distance. Times are of the
//! machine's wall clock unless the start names an offset. A time that the clock skips is taken for the moment of the jump, one
//! that comes twice for the first: the maker says neither. Weeks of a rule that leaves weeks out begin on Sunday.

use jiff::civil::{Date, DateTime};

use super::density::Density;
use super::span::rhythm_of_seconds;
use super::timer::most_frequent;
use super::zone::{Moments, Zone};
use super::{Clock, NextRuns};
use crate::Timestamp;

/// Days that are searched for the next start: in eight years every 29th of February has come.
const DAYS_AHEAD: u32 = 8 * 366;
/// Days that are searched for the last start, whose repetitions may still come.
const DAYS_BACK: u32 = 400;
const DAY: u64 = 86_400;

/// A trigger of a task, as its line in [`crate::fact::Job::schedule`] tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskTrigger {
    /// What makes it fire.
    pub when: TaskWhen,
    /// Seconds it waits then (`Delay` of boot, log-on and other events).
    pub delay_seconds: Option<u64>,
    /// How each firing repeats.
    pub repeat: Option<TaskRepeat>,
    /// After that it fires no more (`EndBoundary`).
    pub until: Option<TaskMoment>,
}

/// What makes a trigger fire.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TaskWhen {
    /// The clock: never before `start`, at the time of day that stands there.
    Clock {
        /// `StartBoundary`.
        start: TaskMoment,
        /// On which days.
        days: TaskDays,
    },
    /// The machine starts.
    Boot,
    /// Somebody logs on.
    Logon,
    /// Nobody has done anything for a while.
    Idle,
    /// An event is logged.
    Event,
    /// The task is made or changed.
    Registration,
    /// A session is locked, unlocked, joined or left.
    Session,
    /// Something else.
    Other,
}

/// The days a trigger fires on. Weekdays are bits, Monday is bit 0; months are bits, January is bit 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskDays {
    /// The one of its start.
    Once,
    /// Every so many days.
    Every(u16),
    /// These weekdays of every so many weeks.
    Weeks {
        /// How many.
        every: u16,
        /// Which.
        weekdays: u8,
    },
    /// Days of the month by number.
    Month {
        /// Bit 0 is the first, bit 31 the last day, whichever it is.
        days: u32,
        /// In which months.
        months: u16,
    },
    /// Weekdays of certain weeks of the month.
    MonthWeeks {
        /// Bit 0 is the first week, bit 4 the last.
        weeks: u8,
        /// Which weekdays.
        weekdays: u8,
        /// In which months.
        months: u16,
    },
}

/// A repetition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskRepeat {
    /// Seconds between two runs.
    pub every_seconds: u64,
    /// For so many seconds; none means until the next start.
    pub for_seconds: Option<u64>,
}

/// A date and time of a wall clock: the machine's, or the one of an offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskMoment {
    pub(super) civil: DateTime,
    /// Seconds east of Greenwich.
    pub(super) offset: Option<i32>,
}

impl TaskMoment {
    /// Reads `2026-03-01T02:00:00`, with `Z` or an offset where it has one (XML Schema 1.0, `dateTime`); parts of a second
    /// are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (date, time) = text.split_once('T')?;
        let (time, offset) = match time.find(['Z', '+', '-']) {
            Some(at) => (time.get(..at)?, Some(offset(time.get(at..)?)?)),
            None => (time, None),
        };
        let time = time.split('.').next()?;
        let civil = format!("{date}T{time}").parse().ok()?;
        let moment = Self { civil, offset };
        (1..=9_000).contains(&moment.civil.year()).then_some(moment)
    }

    pub(super) fn at(self, zone: &Zone) -> Option<Timestamp> {
        let fixed = self.offset.map(Zone::fixed);
        moment(fixed.as_ref().unwrap_or(zone), self.civil)
    }
}

/// `Z`, `+02:00`: seconds east of Greenwich.
pub(super) fn offset(text: &str) -> Option<i32> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let sound = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    sound.then_some(sign * (hours * 3600 + minutes * 60))
}

fn moment(zone: &Zone, civil: DateTime) -> Option<Timestamp> {
    Some(match zone.moments(civil)? {
        Moments::One(at) | Moments::Skipped(at) => at,
        Moments::Twice { first, .. } => first,
    })
}

impl TaskDays {
    fn is_on(self, date: Date, start: Date) -> bool {
        let weekday = date.weekday().to_monday_zero_offset();
        match self {
            Self::Once => date == start,
            Self::Every(every) => days_between(start, date) % i64::from(every.max(1)) == 0,
            Self::Weeks { every, weekdays } => {
                let sunday = |date: Date| i64::from(date.weekday().to_sunday_zero_offset());
                let days = days_between(start, date) + sunday(start) - sunday(date);
                has(weekdays.into(), weekday) && (days / 7) % i64::from(every.max(1)) == 0
            }
            Self::Month { days, months } => {
                let is_last = date.day() == date.days_in_month();
                has(months.into(), date.month() - 1)
                    && (has(days & 0x7fff_ffff, date.day() - 1) || (is_last && has(days, 31)))
            }
            Self::MonthWeeks {
                weeks,
                weekdays,
                months,
            } => {
                let is_last = date.day() + 7 > date.days_in_month();
                has(months.into(), date.month() - 1)
                    && has(weekdays.into(), weekday)
                    && (has((weeks & 0xf).into(), (date.day() - 1) / 7)
                        || (is_last && has(weeks.into(), 4)))
            }
        }
    }

    /// Days of a year on which it fires, about.
    fn days_a_year(self) -> u32 {
        let months = |months: u16| (months & 0xfff).count_ones();
        match self {
            Self::Once => 0,
            Self::Every(every) => 365 / u32::from(every.max(1)),
            Self::Weeks { every, weekdays } => {
                (weekdays & 0x7f).count_ones() * 52 / u32::from(every.max(1))
            }
            Self::Month { days, months: of } => days.count_ones() * months(of),
            Self::MonthWeeks {
                weeks,
                weekdays,
                months: of,
            } => (weeks & 0x1f).count_ones() * (weekdays & 0x7f).count_ones() * months(of),
        }
    }

    fn rhythm(self, repeat: Option<TaskRepeat>) -> Option<&'static str> {
        let Some(repeat) = repeat.filter(|repeat| repeat.every_seconds > 0) else {
            return match self {
                Self::Once => Some("once"),
                Self::Every(every) => rhythm_of_seconds(u64::from(every) * DAY),
                days => density(days, 1, 1),
            };
        };
        let every = repeat.every_seconds;
        match (self, repeat.for_seconds) {
            (_, None) => rhythm_of_seconds(every),
            (Self::Once, Some(_)) => Some("once"),
            (days, Some(length)) => {
                let length = length.min(DAY);
                let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
                let hours = (length / every.max(3600)).max(1);
                density(days, number((3600 / every).max(1)), number(hours))
            }
        }
    }
}

fn density(days: TaskDays, per_hour: u32, hours: u32) -> Option<&'static str> {
    let days = days.days_a_year();
    Density {
        per_hour,
        hours,
        days,
    }
    .rhythm()
}

fn days_between(from: Date, to: Date) -> i64 {
    let span = from.until((jiff::Unit::Day, to));
    span.map_or(0, |span| i64::from(span.get_days()))
}

fn has(set: u32, bit: i8) -> bool {
    u32::try_from(bit).is_ok_and(|bit| set.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

impl TaskTrigger {
    /// The word for how often it fires; none for what no clock decides.
    pub fn rhythm(&self) -> Option<&'static str> {
        match &self.when {
            TaskWhen::Clock { days, .. } => days.rhythm(self.repeat),
            TaskWhen::Boot => match self.repeat {
                Some(repeat) if repeat.for_seconds.is_none() => {
                    rhythm_of_seconds(repeat.every_seconds)
                }
                _ => Some("boot"),
            },
            _ => None,
        }
    }

    fn next(&self, now: Timestamp, booted: Option<Timestamp>, zone: &Zone) -> Option<Timestamp> {
        let at = match &self.when {
            TaskWhen::Clock { start, days } => {
                let fixed = start.offset.map(Zone::fixed);
                let zone = fixed.as_ref().unwrap_or(zone);
                self.by_clock(start.civil, *days, now, zone)
            }
            TaskWhen::Boot => {
                let delay = std::time::Duration::from_secs(self.delay_seconds.unwrap_or(0));
                let first = booted?.plus(delay);
                match first > now {
                    true => Some(first),
                    false => self.repeated(first, now),
                }
            }
            _ => None,
        };
        let until = self.until.and_then(|until| until.at(zone));
        at.filter(|at| until.is_none_or(|until| *at <= until))
    }

    fn by_clock(
        &self,
        start: DateTime,
        days: TaskDays,
        now: Timestamp,
        zone: &Zone,
    ) -> Option<Timestamp> {
        let today = zone.civil(now).date();
        let on = |date: Date| {
            let fires = date >= start.date() && days.is_on(date, start.date());
            fires.then(|| moment(zone, date.to_datetime(start.time())))?
        };
        let ahead = today.yesterday().ok()?.max(start.date());
        let mut following = dates(ahead, Date::tomorrow, DAYS_AHEAD);
        let next = following.find_map(|date| on(date).filter(|at| *at > now));
        let Some(repeat) = self.repeat else {
            return next;
        };
        let last = match days {
            TaskDays::Once => on(start.date()).filter(|at| *at <= now),
            _ => {
                let mut past = dates(today.tomorrow().ok()?, Date::yesterday, back(repeat));
                past.find_map(|date| on(date).filter(|at| *at <= now))
            }
        };
        let repeated = last.and_then(|last| self.repeated(last, now));
        [repeated, next].into_iter().flatten().min()
    }

    /// The first repetition after `now` of what fired at `first`.
    fn repeated(&self, first: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let repeat = self.repeat.filter(|repeat| repeat.every_seconds > 0)?;
        let rounds = now.since(first).as_secs() / repeat.every_seconds + 1;
        let after = rounds.saturating_mul(repeat.every_seconds);
        let still = repeat.for_seconds.is_none_or(|length| after < length);
        still.then(|| first.plus(std::time::Duration::from_secs(after)))
    }
}

/// Days back in which a firing lies that still repeats.
fn back(repeat: TaskRepeat) -> u32 {
    let days = repeat.for_seconds.map(|seconds| seconds / DAY + 3);
    let days = days.and_then(|days| u32::try_from(days).ok());
    days.unwrap_or(DAYS_BACK).min(DAYS_BACK)
}

fn dates(
    from: Date,
    step: impl Fn(Date) -> Result<Date, jiff::Error>,
    most: u32,
) -> impl Iterator<Item = Date> {
    let mut at = Some(from);
    (0..most).map_while(move |_| {
        let here = at?;
        at = step(here).ok();
        Some(here)
    })
}

/// The triggers of a schedule as a look tells it: with `; ` between them.
fn triggers(schedule: &str) -> impl Iterator<Item = TaskTrigger> + '_ {
    let parts = schedule.split(';');
    parts.filter_map(|part| TaskTrigger::parse(part.trim()))
}

/// The word for the most frequent trigger of a schedule.
pub fn rhythm(schedule: &str) -> Option<&'static str> {
    most_frequent(triggers(schedule).filter_map(|trigger| trigger.rhythm()))
}

/// The next moments at which any of the triggers fires.
pub(crate) fn next_runs(schedule: &str, clock: &Clock<'_>, zone: &Zone, max: usize) -> NextRuns {
    let triggers: Vec<TaskTrigger> = triggers(schedule).collect();
    let next = |now: Timestamp| {
        let all = triggers.iter();
        all.filter_map(|trigger| trigger.next(now, clock.booted, zone))
            .min()
    };
    NextRuns {
        at: super::following(clock.now, max, next),
        approximate: triggers
            .iter()
            .any(|trigger| trigger.when == TaskWhen::Boot),
    }
}
