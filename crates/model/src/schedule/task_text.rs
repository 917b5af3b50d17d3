//! The line that tells a trigger of a scheduled task, written and read.
//!
//! | Line | Trigger |
//! | --- | --- |
//! | `once 02:00 from 2026-03-01` | one moment |
//! | `daily 02:00 from 2026-03-01`, `every 3 days 02:00 from 2026-03-01` | every day, every third |
//! | `weekly Mon,Fri 02:00 from …`, `every 2 weeks Mon 02:00 from …` | weekdays |
//! | `monthly 1,15,last 02:00 from …`, `monthly 1 of Jan,Jul 02:00 from …` | days of the month, of months |
//! | `monthly first,last Sun 02:00 from …` | weekdays of weeks of the month |
//! | `at boot`, `at logon`, `when idle`, `on event`, `on registration`, `on session-change`, `on other` | no clock |
//!
//! Behind it may stand `after 5min` (a delay), `repeated every 15min` or `repeated every 15min for 12h`, and
//! `until 2027-01-01 00:00`. A time followed by `Z` or an offset (`02:00+01:00`) is no time of the machine's own clock.

use std::fmt;

use jiff::civil::{Date, Time};

use super::span;
use super::task::{TaskDays, TaskMoment, TaskRepeat, TaskTrigger, TaskWhen, offset};

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEKS: [&str; 5] = ["first", "second", "third", "fourth", "last"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const ALL_MONTHS: u16 = 0xfff;
const EVENTS: [(&str, &str, TaskWhen); 7] = [
    ("at", "boot", TaskWhen::Boot),
    ("at", "logon", TaskWhen::Logon),
    ("when", "idle", TaskWhen::Idle),
    ("on", "event", TaskWhen::Event),
    ("on", "registration", TaskWhen::Registration),
    ("on", "session-change", TaskWhen::Session),
    ("on", "other", TaskWhen::Other),
];

impl fmt::Display for TaskTrigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            TaskWhen::Clock { start, days } => {
                write!(
                    f,
                    "{days} {} from {}",
                    clock_time(*start),
                    start.civil.date()
                )?;
            }
            event => {
                let known = EVENTS.iter().find(|(.., known)| known == event);
                let (first, second) = known.map_or(("on", "other"), |(a, b, _)| (*a, *b));
                write!(f, "{first} {second}")?;
            }
        }
        if let Some(delay) = self.delay_seconds.filter(|delay| *delay > 0) {
            write!(f, " after {}", length(delay))?;
        }
        if let Some(repeat) = self.repeat {
            write!(f, " repeated every {}", length(repeat.every_seconds))?;
            if let Some(seconds) = repeat.for_seconds {
                write!(f, " for {}", length(seconds))?;
            }
        }
        if let Some(until) = self.until {
            write!(f, " until {} {}", until.civil.date(), clock_time(until))?;
        }
        Ok(())
    }
}

impl fmt::Display for TaskDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |months: u16| match months & ALL_MONTHS {
            ALL_MONTHS => String::new(),
            some => format!(" of {}", names(some.into(), &MONTHS)),
        };
        match *self {
            Self::Once => f.write_str("once"),
            Self::Every(1) => f.write_str("daily"),
            Self::Every(every) => write!(f, "every {every} days"),
            Self::Weeks { every: 1, weekdays } => {
                write!(f, "weekly {}", names(weekdays.into(), &WEEKDAYS))
            }
            Self::Weeks { every, weekdays } => {
                write!(
                    f,
                    "every {every} weeks {}",
                    names(weekdays.into(), &WEEKDAYS)
                )
            }
            Self::Month { days, months } => {
                let mut all: Vec<String> = (1..=31_u32)
                    .filter(|day| days >> (day - 1) & 1 == 1)
                    .map(|day| day.to_string())
                    .collect();
                if days >> 31 == 1 {
                    all.push("last".to_owned());
                }
                write!(f, "monthly {}{}", all.join(","), of(months))
            }
            Self::MonthWeeks {
                weeks,
                weekdays,
                months,
            } => {
                let weeks = names(weeks.into(), &WEEKS);
                let weekdays = names(weekdays.into(), &WEEKDAYS);
                write!(f, "monthly {weeks} {weekdays}{}", of(months))
            }
        }
    }
}

fn names(set: u32, of: &[&str]) -> String {
    let bits = (0_u32..).zip(of);
    let chosen = bits.filter(|(bit, _)| set >> bit & 1 == 1);
    chosen.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

fn clock_time(moment: TaskMoment) -> String {
    let time = moment.civil.time();
    let mut text = format!("{:02}:{:02}", time.hour(), time.minute());
    if time.second() > 0 {
        text.push_str(&format!(":{:02}", time.second()));
    }
    match moment.offset {
        None => {}
        Some(0) => text.push('Z'),
        Some(seconds) => {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.abs() / 60;
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
    }
    text
}

fn length(seconds: u64) -> String {
    let parts = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut left = seconds;
    let mut text = String::new();
    for (unit, name) in parts {
        if left >= unit {
            text.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    match text.is_empty() {
        true => "0s".to_owned(),
        false => text,
    }
}

struct Words<'a>(std::iter::Peekable<std::str::SplitAsciiWhitespace<'a>>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn takes(&mut self, word: &str) -> bool {
        self.0.next_if(|next| *next == word).is_some()
    }

    /// The next word as a list of `of`, where it is one.
    fn list(&mut self, of: &[&str]) -> Option<u32> {
        let set = list(self.0.peek()?, of)?;
        self.0.next();
        Some(set)
    }

    fn months(&mut self) -> Option<u16> {
        match self.takes("of") {
            true => u16::try_from(self.list(&MONTHS)?).ok(),
            false => Some(ALL_MONTHS),
        }
    }

    fn seconds(&mut self) -> Option<u64> {
        span::seconds(self.next()?)
    }

    fn days(&mut self, first: &str) -> Option<TaskDays> {
        Some(match first {
            "once" => TaskDays::Once,
            "daily" => TaskDays::Every(1),
            "weekly" => self.weeks(1)?,
            "every" => {
                let every = self.next()?.parse().ok().filter(|every| *every > 0)?;
                match self.next()? {
                    "days" => TaskDays::Every(every),
                    "weeks" => self.weeks(every)?,
                    _ => return None,
                }
            }
            "monthly" => self.month()?,
            _ => return None,
        })
    }

    fn weeks(&mut self, every: u16) -> Option<TaskDays> {
        let weekdays = u8::try_from(self.list(&WEEKDAYS)?).ok()?;
        Some(TaskDays::Weeks { every, weekdays })
    }

    fn month(&mut self) -> Option<TaskDays> {
        let which = self.next()?;
        if let Some(weekdays) = self.list(&WEEKDAYS) {
            return Some(TaskDays::MonthWeeks {
                weeks: u8::try_from(list(which, &WEEKS)?).ok()?,
                weekdays: u8::try_from(weekdays).ok()?,
                months: self.months()?,
            });
        }
        let day = |text: &str| match text {
            "last" => Some(1 << 31),
            text => {
                let day: u32 = text.parse().ok()?;
                (1..=31).contains(&day).then(|| 1_u32 << (day - 1))
            }
        };
        let days = which
            .split(',')
            .try_fold(0, |set, text| Some(set | day(text)?));
        Some(TaskDays::Month {
            days: days?,
            months: self.months()?,
        })
    }

    fn time(&mut self) -> Option<(Time, Option<i32>)> {
        let text = self.next()?;
        let (time, offset) = match text.find(['Z', '+', '-']) {
            Some(at) => (text.get(..at)?, Some(offset(text.get(at..)?)?)),
            None => (text, None),
        };
        let mut parts = time.split(':').map(|part| part.parse::<i8>().ok());
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = parts.next().unwrap_or(Some(0))?;
        Some((Time::new(hour, minute, second, 0).ok()?, offset))
    }

    fn date(&mut self) -> Option<Date> {
        self.next()?.parse().ok()
    }

    fn when(&mut self) -> Option<TaskWhen> {
        let first = self.next()?;
        if matches!(first, "at" | "when" | "on") {
            let second = self.next()?;
            let known = EVENTS.iter().find(|(a, b, _)| (*a, *b) == (first, second));
            return known.map(|(.., when)| when.clone());
        }
        let days = self.days(first)?;
        let (time, offset) = self.time()?;
        let date = self.takes("from").then(|| self.date())??;
        let civil = date.to_datetime(time);
        let start = TaskMoment { civil, offset };
        Some(TaskWhen::Clock { start, days })
    }
}

fn list(text: &str, of: &[&str]) -> Option<u32> {
    text.split(',').try_fold(0, |set, name| {
        let at = of.iter().position(|known| *known == name)?;
        Some(set | 1_u32 << at)
    })
}

impl TaskTrigger {
    /// Reads the line of a trigger; `None` for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = Words(text.split_ascii_whitespace().peekable());
        let mut trigger = Self {
            when: words.when()?,
            delay_seconds: None,
            repeat: None,
            until: None,
        };
        while let Some(word) = words.next() {
            match word {
                "after" => trigger.delay_seconds = Some(words.seconds()?),
                "repeated" => {
                    let every = words.takes("every").then(|| words.seconds())??;
                    trigger.repeat = Some(TaskRepeat {
                        every_seconds: every,
                        for_seconds: None,
                    });
                }
                "for" => trigger.repeat.as_mut()?.for_seconds = Some(words.seconds()?),
                "until" => {
                    let date = words.date()?;
                    let (time, offset) = words.time()?;
                    let civil = date.to_datetime(time);
                    trigger.until = Some(TaskMoment { civil, offset });
                }
                _ => return None,
            }
        }
        Some(trigger)
    }
}
