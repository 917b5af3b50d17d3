//! crontab(5): five fields, or a word, to the moments they name.

use jiff::civil::Date;

use super::density::Density;
use super::zone::{Moments, Zone};
use crate::Timestamp;

/// Years that are searched: after 40 the 29th of February has fallen on every day of the week, also across a
/// year without it.
const YEARS_MAX: i16 = 40;

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// When a line of a crontab is due. Sets are bits: bit 5 of `minutes` is minute 5.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Bit 0 is Sunday.
    weekdays: u64,
    /// Day of the month and day of the week are both restricted: either one is enough (crontab(5)).
    either_day: bool,
    /// Neither minute nor hour begins with `*`: such a job is not lost when the clock jumps.
    fixed: bool,
}

impl Cron {
    /// Reads five fields or one of `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight`,
    /// `@hourly`. `None` for `@reboot`, which no clock starts, and for what is no schedule.
    pub fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            fields => fields,
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return None;
        };
        let star = |field: &str| field.starts_with('*');
        let weekdays = field(weekday, 0, 7, &WEEKDAYS)?;
        Some(Self {
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days: field(day, 1, 31, &[])?,
            months: field(month, 1, 12, &MONTHS)?,
            // Sunday is both 0 and 7.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            either_day: !star(day) && !star(weekday),
            fixed: !star(minute) && !star(hour),
        })
    }

    /// True if it is due on that day at all.
    fn is_on(&self, date: Date) -> bool {
        if !has(self.months, date.month()) {
            return false;
        }
        let by_day = has(self.days, date.day());
        let by_weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        match self.either_day {
            true => by_day || by_weekday,
            false => by_day && by_weekday,
        }
    }

    /// Minutes of the day, in order.
    fn times(&self) -> impl Iterator<Item = (i8, i8)> + '_ {
        let hours = (0..24).filter(|hour| has(self.hours, *hour));
        hours.flat_map(|hour| {
            let minutes = (0..60).filter(|minute| has(self.minutes, *minute));
            minutes.map(move |minute| (hour, minute))
        })
    }

    /// The first moment after `after` at which it is due, the fields read in `zone`.
    pub fn next(&self, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let start = zone.civil(after).date();
        // What a jump of the clock over midnight carried from the day before.
        let mut date = start.yesterday().ok()?;
        let last = start.year().saturating_add(YEARS_MAX);
        while date.year() <= last {
            if !has(self.months, date.month()) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            if self.is_on(date)
                && let Some(at) = self.on(date, after, zone)
            {
                return Some(at);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn on(&self, date: Date, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
        if let Some(begin) = zone.ordinary_day(date) {
            let at = |(hour, minute): (i8, i8)| {
                let minutes = i64::from(hour) * 60 + i64::from(minute);
                Timestamp::from_millis(begin.millis() + minutes * 60_000)
            };
            return self.times().map(at).find(|at| *at > after);
        }
        let moments = |(hour, minute): (i8, i8)| match (
            zone.moments(date.at(hour, minute, 0, 0)),
            self.fixed,
        ) {
            (Some(Moments::One(at)), _) => [Some(at), None],
            (Some(Moments::Twice { first, .. }), true) => [Some(first), None],
            (Some(Moments::Twice { first, second, .. }), false) => [Some(first), Some(second)],
            (Some(Moments::Skipped(jump)), true) => [Some(jump), None],
            (Some(Moments::Skipped(_)), false) | (None, _) => [None, None],
        };
        self.times()
            .flat_map(moments)
            .flatten()
            .filter(|at| *at > after)
            .min()
    }

    /// The word for how often it is due.
    pub fn rhythm(&self) -> Option<&'static str> {
        const YEARS: std::ops::Range<i16> = 2026..2030;
        let mut days = 0_u32;
        let mut date = Date::new(YEARS.start, 1, 1).ok()?;
        while YEARS.contains(&date.year()) {
            days += u32::from(self.is_on(date));
            date = date.tomorrow().ok()?;
        }
        Density {
            per_hour: self.minutes.count_ones(),
            hours: self.hours.count_ones(),
            days: (days + 2) / 4 + u32::from(days == 1),
        }
        .rhythm()
    }
}

fn has(set: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|bit| set.checked_shr(bit).unwrap_or(0) & 1 == 1)
}

/// The values of one field; `None` if it is none. Names stand for the lowest value on.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<u64> {
    let mut set = 0_u64;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<u32>().ok().filter(|step| *step > 0)?),
            None => (item, 1),
        };
        let value = |text: &str| value(text, low, names);
        let (from, to) = match range.split_once('-') {
            // `*` of weekdays is Sunday to Saturday, once each.
            _ if range == "*" => (low, if high == 7 { 6 } else { high }),
            Some((from, to)) => (value(from)?, value(to)?),
            // cronie draws one value between the two by chance when it reads the table.
            None if range.contains('~') => {
                let from = drawn(range, low, high, value)?;
                (from, from)
            }
            None if item.contains('/') => (value(range)?, high),
            None => (value(range)?, value(range)?),
        };
        if from < low || to > high || from > to {
            return None;
        }
        for at in (from..=to).step_by(usize::try_from(step).ok()?) {
            set |= 1 << at;
        }
    }
    Some(set)
}

/// The lowest value of `a~b`.
fn drawn(range: &str, low: u32, high: u32, value: impl Fn(&str) -> Option<u32>) -> Option<u32> {
    let (from, to) = range.split_once('~')?;
    let from = if from.is_empty() { low } else { value(from)? };
    let to = if to.is_empty() { high } else { value(to)? };
    (low..=to)
        .contains(&from)
        .then_some(from)
        .filter(|_| to <= high)
}

fn value(text: &str, low: u32, names: &[&str]) -> Option<u32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    let at = names.iter().position(|n| n.eq_ignore_ascii_case(text))?;
    u32::try_from(at).ok().map(|at| at + low)
}
