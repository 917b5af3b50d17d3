//! Hours in which the network may be asked: `22:00-05:00`, or `Sat 20:00-06:00`. UTC, as everywhere in groma.

use std::fmt;

use groma_model::Timestamp;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY_MINUTES: u32 = 24 * 60;

/// A time of the day, every day or on one of the week; it may last over midnight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Day of the week on which it begins, Monday is 0.
    day: Option<u8>,
    /// Minutes of the day.
    from: u32,
    to: u32,
}

/// The text is no time of the day.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no maintenance window; write \"22:00-05:00\" or \"Sat 20:00-06:00\", in UTC")]
pub struct NoOpening(String);

impl Opening {
    /// Reads one.
    ///
    /// # Errors
    /// It is not of that form.
    pub fn parse(text: &str) -> Result<Self, NoOpening> {
        let wrong = || NoOpening(text.to_owned());
        let (day, hours) = match text.trim().split_once(' ') {
            Some((day, hours)) => (Some(day), hours),
            None => (None, text.trim()),
        };
        let of_day = |day: &str| {
            DAYS.iter()
                .position(|known| known.eq_ignore_ascii_case(day))
        };
        let day = match day {
            Some(day) => Some(u8::try_from(of_day(day).ok_or_else(wrong)?).map_err(|_| wrong())?),
            None => None,
        };
        let (from, to) = hours.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (
            minutes(from).ok_or_else(wrong)?,
            minutes(to).ok_or_else(wrong)?,
        );
        match from == to {
            true => Err(wrong()),
            false => Ok(Self { day, from, to }),
        }
    }

    /// True at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let minutes = now.millis().div_euclid(60_000);
        let of_day = u32::try_from(minutes.rem_euclid(i64::from(DAY_MINUTES))).unwrap_or(0);
        // 1970-01-01 was a Thursday.
        let days = minutes.div_euclid(i64::from(DAY_MINUTES)) + 3;
        let today = u8::try_from(days.rem_euclid(7)).unwrap_or(0);
        let begun = |day: u8| self.day.is_none_or(|wanted| wanted == day);
        if self.from < self.to {
            return begun(today) && (self.from..self.to).contains(&of_day);
        }
        let yesterday = (today + 6) % 7;
        (begun(today) && of_day >= self.from) || (begun(yesterday) && of_day < self.to)
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.day.and_then(|day| DAYS.get(usize::from(day)));
        if let Some(day) = day {
            write!(f, "{day} ")?;
        }
        let clock = |at: u32| format!("{:02}:{:02}", at / 60, at % 60);
        write!(f, "{}-{}", clock(self.from), clock(self.to))
    }
}

fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let whole = hours <= 24 && minutes < 60 && hours * 60 + minutes <= DAY_MINUTES;
    whole.then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(opening: &str, at: &str) -> bool {
        Opening::parse(opening)
            .unwrap()
            .is_open(at.parse().unwrap())
    }

    #[test]
    fn a_window_may_last_over_midnight() {
        assert!(open("22:00-05:00", "2026-11-21T23:30:00Z"));
        assert!(open("22:00-05:00", "2026-11-21T04:59:00Z"));
        assert!(!open("22:00-05:00", "2026-11-21T05:00:00Z"));
        assert!(open("00:00-24:00", "2026-11-21T23:59:00Z"));
    }

    #[test]
    fn a_day_is_the_one_on_which_it_begins() {
        // The 21st of November 2026 is a Saturday.
        assert!(open("Sat 22:00-05:00", "2026-11-21T23:00:00Z"));
        assert!(open("sat 22:00-05:00", "2026-11-22T04:00:00Z"));
        assert!(!open("Sat 22:00-05:00", "2026-11-21T04:00:00Z"));
        assert!(!open("Sun 22:00-23:00", "2026-11-21T22:30:00Z"));
    }

    #[test]
    fn nonsense_is_refused_and_what_is_read_is_printed_alike() {
        for text in [
            "",
            "22-05",
            "22:00",
            "25:00-26:00",
            "Caturday 22:00-05:00",
            "05:00-05:00",
            "x:y-z:a",
        ] {
            assert!(Opening::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            Opening::parse("sat 22:00-5:00").unwrap().to_string(),
            "Sat 22:00-05:00"
        );
    }
}
