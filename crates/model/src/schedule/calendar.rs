//! `OnCalendar=` expressions (systemd.time(7), "Calendar Events"): the grammar of systemd 252, refusals included.

use jiff::civil::{Date, DateTime, Time};

use super::components::{self, Part, SECOND};
use super::density::Density;
use super::zone::{Moments, Zone};
use crate::Timestamp;

/// The last year systemd counts to.
const YEAR_MAX: i64 = 2199;

const EVERY_DAY: u8 = 0b111_1111;

/// Times of one day that are tried before it is given up: more never differ from those.
const TRIES_MAX: usize = 100_000;

/// An expression that was understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Calendar {
    /// Bit 0 is Monday.
    weekdays: u8,
    year: Part,
    month: Part,
    day: Part,
    /// Days count from the end of the month (`~`).
    from_end: bool,
    hour: Part,
    minute: Part,
    /// In millionths.
    second: Part,
    zone: Option<Zone>,
}

impl Calendar {
    /// Reads an expression; `None` for what systemd refuses, and for the abbreviation of a zone (`CET`), which
    /// means something only on the machine itself.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (text, zone) = split_zone(text);
        let mut calendar = Self::shorthand(text).or_else(|| Self::written(text))?;
        calendar.zone = zone.or(calendar.zone);
        calendar.normalize();
        calendar.is_valid().then_some(calendar)
    }

    fn empty() -> Self {
        Self {
            weekdays: EVERY_DAY,
            year: None,
            month: None,
            day: None,
            from_end: false,
            hour: components::only(0),
            minute: components::only(0),
            second: components::only(0),
            zone: None,
        }
    }

    fn shorthand(text: &str) -> Option<Self> {
        let mut calendar = Self::empty();
        match text.to_ascii_lowercase().as_str() {
            "minutely" => (calendar.hour, calendar.minute) = (None, None),
            "hourly" => calendar.hour = None,
            "daily" => {}
            "weekly" => calendar.weekdays = 1,
            "monthly" => calendar.day = components::only(1),
            "annually" | "yearly" | "anually" => calendar.set_first_of(&[1]),
            "quarterly" => calendar.set_first_of(&[1, 4, 7, 10]),
            "biannually" | "bi-annually" | "semiannually" | "semi-annually" => {
                calendar.set_first_of(&[1, 7]);
            }
            _ => return None,
        }
        Some(calendar)
    }

    fn set_first_of(&mut self, months: &[i64]) {
        self.month = components::each(months);
        self.day = components::only(1);
    }

    fn written(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let mut calendar = Self::empty();
        let rest = calendar.read_weekdays(text)?;
        if let Some(seconds) = rest.strip_prefix('@') {
            return calendar.read_unix(seconds);
        }
        let rest = calendar.read_date(rest)?;
        calendar.read_time(rest)?;
        Some(calendar)
    }

    /// `Mon..Fri,Sun`, with the comma at the end and the single dash older versions knew.
    fn read_weekdays<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (mut rest, mut bits, mut open, mut first) = (text, 0_u8, None::<u8>, true);
        loop {
            let Some((day, length)) = weekday(rest) else {
                return first.then_some(rest);
            };
            let after = rest.get(length..)?;
            if !(after.is_empty() || after.starts_with(['-', '.', ',', ' '])) {
                return None;
            }
            if open.is_some_and(|from| from > day) {
                return None;
            }
            for bit in open.unwrap_or(day)..=day {
                bits |= 1 << bit;
            }
            self.weekdays = bits;
            let next = match (after.get(..1), open) {
                (None | Some(""), _) => return Some(after),
                (Some(" "), _) => return Some(after.trim_start_matches(' ')),
                (Some(","), _) => {
                    open = None;
                    after.get(1..)?
                }
                (Some("-"), None) => {
                    open = Some(day);
                    after.get(1..)?
                }
                (Some("."), None) => {
                    open = Some(day);
                    after.strip_prefix("..")?
                }
                _ => return None,
            };
            if next.is_empty() || next.starts_with(' ') {
                return open.is_none().then(|| next.trim_start_matches(' '));
            }
            (rest, first) = (next, false);
        }
    }

    fn read_unix(mut self, text: &str) -> Option<Self> {
        let seconds: i64 = text.parse().ok().filter(|s| *s >= 0)?;
        let civil = Zone::default().civil(Timestamp::from_seconds(seconds));
        self.year = components::only(civil.year().into());
        self.month = components::only(civil.month().into());
        self.day = components::only(civil.day().into());
        self.hour = components::only(civil.hour().into());
        self.minute = components::only(civil.minute().into());
        self.second = components::only(i64::from(civil.second()) * SECOND);
        self.zone = Some(Zone::default());
        Some(self)
    }

    fn read_date<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if text.is_empty() {
            return Some(text);
        }
        let (first, rest) = components::read(text, false)?;
        if rest.is_empty() || rest.starts_with(':') {
            return Some(text);
        }
        let (second, rest, from_end) = self.next_of_date(rest)?;
        if rest.is_empty() || rest.starts_with(' ') {
            (self.month, self.day, self.from_end) = (first, second, from_end);
            return Some(rest.trim_start_matches(' '));
        }
        if from_end {
            return None;
        }
        let (third, rest, from_end) = self.next_of_date(rest)?;
        if !(rest.is_empty() || rest.starts_with(' ')) {
            return None;
        }
        (self.year, self.month, self.day, self.from_end) = (first, second, third, from_end);
        Some(rest.trim_start_matches(' '))
    }

    fn next_of_date<'a>(&self, text: &'a str) -> Option<(Part, &'a str, bool)> {
        let (text, from_end) = match text.strip_prefix('~') {
            Some(text) => (text, true),
            None => (text.strip_prefix('-')?, false),
        };
        let (part, rest) = components::read(text, false)?;
        Some((part, rest, from_end))
    }

    fn read_time(&mut self, text: &str) -> Option<()> {
        if text.is_empty() {
            return Some(());
        }
        let (hour, rest) = components::read(text, false)?;
        let (minute, rest) = components::read(rest.strip_prefix(':')?, false)?;
        (self.hour, self.minute) = (hour, minute);
        if rest.is_empty() {
            return Some(());
        }
        let (second, rest) = components::read(rest.strip_prefix(':')?, true)?;
        self.second = second;
        rest.is_empty().then_some(())
    }

    fn normalize(&mut self) {
        self.from_end &= self.day.is_some();
        components::widen_years(&mut self.year);
        for part in [
            &mut self.year,
            &mut self.month,
            &mut self.day,
            &mut self.hour,
            &mut self.minute,
            &mut self.second,
        ] {
            components::normalize(part);
        }
    }

    fn is_valid(&self) -> bool {
        components::is_valid(&self.year, 1970, YEAR_MAX, false)
            && components::is_valid(&self.month, 1, 12, false)
            && components::is_valid(&self.day, 1, 31, self.from_end)
            && components::is_valid(&self.hour, 0, 23, false)
            && components::is_valid(&self.minute, 0, 59, false)
            && components::is_valid(&self.second, 0, 60 * SECOND - 1, false)
    }

    /// The first moment after `after` at which it elapses; without a zone of its own it is read in `zone`.
    pub fn next(&self, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let zone = self.zone.as_ref().unwrap_or(zone);
        let start = zone.civil(after);
        let mut date = self.date_from(start.date())?;
        let mut from = if date == start.date() {
            start.time()
        } else {
            Time::midnight()
        };
        loop {
            if let Some(at) = self.on(date, from, after, zone) {
                return Some(at);
            }
            date = self.date_from(date.tomorrow().ok()?)?;
            from = Time::midnight();
        }
    }

    /// The first moment on `date`, not before the wall clock shows `from`, that lies after `after`.
    fn on(&self, date: Date, from: Time, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let mut from = i64::from(from.hour()) * 3600 * SECOND
            + i64::from(from.minute()) * 60 * SECOND
            + i64::from(from.second()) * SECOND
            + i64::from(from.subsec_nanosecond()) / 1000;
        for _ in 0..TRIES_MAX {
            let micros = self.time_from(from)?;
            let moment = match zone.moments(civil(date, micros)?)? {
                Moments::One(at) => Some(at),
                // Whoever counts in the hour that comes again stays in it; else the first one is meant.
                Moments::Twice {
                    second, set_back, ..
                } if after >= set_back => Some(second),
                Moments::Twice { first, .. } => Some(first),
                // The hour does not exist: neither does the run.
                Moments::Skipped(_) => None,
            };
            if let Some(at) = moment.filter(|at| *at > after) {
                return Some(at);
            }
            from = micros + 1;
        }
        None
    }

    /// The first day that fits, not before `date`.
    fn date_from(&self, date: Date) -> Option<Date> {
        let mut date = date;
        loop {
            let year = components::at_or_after(&self.year, date.year().into(), None)?;
            if year > YEAR_MAX {
                return None;
            }
            if year > date.year().into() {
                date = first_of(year, 1)?;
            }
            match components::at_or_after(&self.month, date.month().into(), None) {
                Some(month) if month <= 12 => {
                    if month > date.month().into() {
                        date = first_of(year, month)?;
                    }
                }
                _ => {
                    date = first_of(year + 1, 1)?;
                    continue;
                }
            }
            match self.day_from(date) {
                Some(found) => return Some(found),
                None => date = date.last_of_month().tomorrow().ok()?,
            }
        }
    }

    /// The first day of the month of `date` that fits, not before it.
    fn day_from(&self, date: Date) -> Option<Date> {
        let last = i64::from(date.days_in_month());
        let mut day = i64::from(date.day());
        loop {
            day = components::at_or_after(&self.day, day, self.from_end.then_some(last))
                .filter(|day| *day <= last)?;
            let found = Date::new(date.year(), date.month(), i8::try_from(day).ok()?).ok()?;
            if self.weekdays & (1 << found.weekday().to_monday_zero_offset()) != 0 {
                return Some(found);
            }
            day += 1;
        }
    }

    /// The first time of day that fits, in millionths of a second since midnight, not before `from`.
    fn time_from(&self, from: i64) -> Option<i64> {
        let (mut hour, mut minute, mut micros) = (
            from / (3600 * SECOND),
            from / (60 * SECOND) % 60,
            from % (60 * SECOND),
        );
        loop {
            let next = components::at_or_after(&self.hour, hour, None).filter(|h| *h <= 23)?;
            if next > hour {
                (minute, micros) = (0, 0);
            }
            hour = next;
            let Some(next) =
                components::at_or_after(&self.minute, minute, None).filter(|m| *m <= 59)
            else {
                (hour, minute, micros) = (hour + 1, 0, 0);
                continue;
            };
            if next > minute {
                micros = 0;
            }
            minute = next;
            match components::at_or_after(&self.second, micros, None).filter(|s| *s < 60 * SECOND) {
                Some(micros) => return Some((hour * 60 + minute) * 60 * SECOND + micros),
                None => (minute, micros) = (minute + 1, 0),
            }
        }
    }

    /// The word for how often it elapses: `once` where it names one moment of one year.
    pub fn rhythm(&self) -> Option<&'static str> {
        const YEARS: std::ops::Range<i16> = 2026..2030;
        let count = |part: &Part, high: i64| {
            let mut from = 0;
            let mut count = 0_u32;
            while let Some(value) = components::at_or_after(part, from, None).filter(|v| *v <= high)
            {
                (count, from) = (count + 1, value + 1);
            }
            count
        };
        let any_year = Self {
            year: None,
            ..self.clone()
        };
        let mut days = 0_u32;
        let mut date = Date::new(YEARS.start, 1, 1).ok()?;
        while let Some(found) = any_year
            .date_from(date)
            .filter(|d| YEARS.contains(&d.year()))
        {
            days += 1;
            date = found.tomorrow().ok()?;
        }
        let single_year = self.year.is_some() && count(&self.year, YEAR_MAX) == 1;
        let seconds = components::at_or_after(&self.second, 1, None).is_some_and(|s| {
            s < 60 * SECOND && components::at_or_after(&self.second, 0, None) != Some(s)
        });
        let (hours, minutes) = (count(&self.hour, 23), count(&self.minute, 59));
        if single_year && days <= 4 && hours == 1 && minutes == 1 {
            return Some("once");
        }
        Density {
            per_hour: minutes * if seconds { 2 } else { 1 },
            hours,
            // What comes less than once a year still comes.
            days: (days + 2) / 4 + u32::from(days == 1),
        }
        .rhythm()
    }
}

fn first_of(year: i64, month: i64) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()
}

fn civil(date: Date, micros: i64) -> Option<DateTime> {
    let time = jiff::SignedDuration::from_micros(micros);
    date.to_datetime(Time::midnight()).checked_add(time).ok()
}

fn weekday(text: &str) -> Option<(u8, usize)> {
    const NAMES: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let starts = |name: &str| {
        text.get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    (0_u8..).zip(NAMES).find_map(|(number, name)| {
        let short = name.get(..3)?;
        let length = if starts(name) {
            name.len()
        } else if starts(short) {
            short.len()
        } else {
            return None;
        };
        Some((number, length))
    })
}

/// Takes the zone off the end: `UTC` in any case, or a name of the IANA database.
fn split_zone(text: &str) -> (&str, Option<Zone>) {
    let Some((rest, last)) = text.rsplit_once(' ') else {
        return (text, None);
    };
    let named = last.starts_with(|c: char| c.is_ascii_alphabetic());
    match Zone::named(last).filter(|_| named && weekday(last).is_none()) {
        Some(zone) => (rest.trim_end(), Some(zone)),
        None => (text, None),
    }
}
