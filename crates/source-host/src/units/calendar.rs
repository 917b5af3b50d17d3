//! Calendar expressions and time spans of timers (systemd.time(7)) → a rhythm. Pure.

use crate::rhythm::{Density, of_seconds};

/// How often an `OnCalendar=` elapses; `None` where there is no word for it or it is not understood.
pub(crate) fn calendar(text: &str) -> Option<&'static str> {
    let lower = text.trim().to_ascii_lowercase();
    match lower.as_str() {
        "minutely" => return Some("minutely"),
        "hourly" => return Some("hourly"),
        "daily" => return Some("daily"),
        "weekly" => return Some("weekly"),
        "monthly" => return Some("monthly"),
        "yearly" | "annually" => return Some("yearly"),
        _ => {}
    }
    let (mut weekdays, mut date, mut time) = (7, None, None);
    for word in lower.split_whitespace() {
        let starts_with_day = DAYS.iter().any(|day| word.starts_with(day));
        if time.is_none() && word.contains(':') {
            time = Some(word);
        } else if date.is_none() && (word.contains('-') || word.contains('~')) && !starts_with_day {
            date = Some(word);
        } else if starts_with_day && date.is_none() && time.is_none() {
            weekdays = weekday_count(word)?;
        }
        // Anything else is a time zone.
    }
    if date.is_none() && time.is_none() && weekdays == 7 {
        return None;
    }
    let (years, days) = date.map_or(Some((None, 365)), days_per_year)?;
    if years.is_some() {
        return (days == 1).then_some("once");
    }
    let (hours, per_hour) = time.map_or(Some((1, 1)), times)?;
    Density {
        per_hour,
        hours,
        days: (days * weekdays / 7).max(u32::from(days > 0)),
    }
    .rhythm()
}

const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn weekday_count(word: &str) -> Option<u32> {
    let place = |name: &str| DAYS.iter().position(|day| name.starts_with(day));
    let mut named = [false; 7];
    for item in word.trim_end_matches(',').split(',') {
        let (from, to) = match item.split_once("..") {
            Some((from, to)) => (place(from)?, place(to)?),
            None => (place(item)?, place(item)?),
        };
        let length = (to + 7 - from) % 7;
        for step in 0..=length {
            *named.get_mut((from + step) % 7)? = true;
        }
    }
    u32::try_from(named.iter().filter(|n| **n).count()).ok()
}

/// The single year of a date, if it names one, and its days per year.
fn days_per_year(date: &str) -> Option<(Option<u32>, u32)> {
    let (rest, day) = date.rsplit_once(['-', '~'])?;
    let (year, month) = rest.rsplit_once('-').unwrap_or(("*", rest));
    let single = year.parse().ok();
    let days = if month == "*" && day == "*" {
        365
    } else {
        count(month, 1, 12)? * count(day, 1, 31)?
    };
    Some((single, days))
}

/// Hours per day and moments per hour.
fn times(time: &str) -> Option<(u32, u32)> {
    let mut parts = time.split(':');
    let (hours, minutes) = (count(parts.next()?, 0, 23)?, count(parts.next()?, 0, 59)?);
    let seconds = parts
        .next()
        .map_or(Some(1), |s| count(s.split('.').next()?, 0, 59))?;
    Some((hours, minutes.saturating_mul(seconds)))
}

/// How many values a component names.
fn count(component: &str, low: u32, high: u32) -> Option<u32> {
    let mut named = [false; 64];
    for item in component.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|s| *s > 0)?),
            None => (item, 1),
        };
        let (from, to) = match range.split_once("..") {
            _ if range == "*" => (low, high),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None => {
                let from: u32 = range.parse().ok()?;
                (from, if item.contains('/') { high } else { from })
            }
        };
        if from > to || to > high {
            return None;
        }
        for at in (from..=to).step_by(step) {
            *named.get_mut(usize::try_from(at).ok()?)? = true;
        }
    }
    u32::try_from(named.iter().filter(|n| **n).count()).ok()
}

/// How often something with this span between two starts runs.
pub(crate) fn span(text: &str) -> Option<&'static str> {
    let mut total = 0_u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "" | "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hr" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            "M" | "month" | "months" => 2_629_800,
            "y" | "year" | "years" => 31_557_600,
            _ => return None,
        };
        total = total.saturating_add(number.parse::<u64>().ok()?.saturating_mul(seconds));
        rest = tail.trim_start();
    }
    of_seconds(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_expressions_have_a_rhythm() {
        for (text, expected) in [
            ("daily", Some("daily")),
            ("*-*-* 6,18:00", Some("daily")),
            ("*-*-* 00/12:00:00", Some("daily")),
            ("*:0/15", Some("minutely")),
            ("hourly", Some("hourly")),
            ("*-*-* *:05:00", Some("hourly")),
            ("Mon *-*-* 00:00:00", Some("weekly")),
            ("Sun 03:10", Some("weekly")),
            ("Mon..Fri 22:30", Some("daily")),
            ("Sat,Sun 04:00 Europe/Paris", Some("weekly")),
            ("*-*-01 05:00", Some("monthly")),
            ("*-*~01 05:00", Some("monthly")),
            ("*-01-01 00:00", Some("yearly")),
            ("2027-03-28 12:00", Some("once")),
            ("quarterly", None),
            ("03:10", Some("daily")),
            ("nonsense", None),
            ("*-*-* 25:00", None),
        ] {
            assert_eq!(calendar(text), expected, "{text}");
        }
    }

    #[test]
    fn spans_have_a_rhythm() {
        for (text, expected) in [
            ("15min", Some("minutely")),
            ("1h 30min", Some("hourly")),
            ("1d", Some("daily")),
            ("24h", Some("daily")),
            ("1w", Some("weekly")),
            ("30", Some("minutely")),
            ("1 month", Some("monthly")),
            ("soon", None),
            ("0", None),
        ] {
            assert_eq!(span(text), expected, "{text}");
        }
    }

    #[test]
    fn hammered_expressions_never_panic() {
        let corpus: &[&[u8]] = &[
            b"Mon..Fri *-*-1..7 *:0/15:00 UTC",
            b"1h 30min",
            b"Sat,Sun *-*~1/2 0/6:00",
        ];
        groma_fuzz::hammer(2000, corpus, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            calendar(&text);
            span(&text);
        });
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_an_expression_or_none(text: String) {
            calendar(&text);
            span(&text);
        }
    }
}
