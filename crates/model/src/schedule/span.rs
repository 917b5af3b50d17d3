//! Spans of time as systemd.time(7) writes them.

/// Seconds of a span such as `1h 30min`, `90`, `2.5h`; `infinity` and what is no span are `None`.
pub fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut millis = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let tail = tail.trim_start();
        let letters = tail
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        millis = millis.saturating_add(in_millis(number, unit)?);
        rest = tail.trim_start();
    }
    Some(millis / 1000)
}

fn in_millis(number: &str, unit: &str) -> Option<u64> {
    let micros: u64 = match unit {
        "us" | "usec" | "µs" | "μs" => 1,
        "ms" | "msec" => 1_000,
        "" | "s" | "sec" | "second" | "seconds" => 1_000_000,
        "m" | "min" | "minute" | "minutes" => 60_000_000,
        "h" | "hr" | "hour" | "hours" => 3_600_000_000,
        "d" | "day" | "days" => 86_400_000_000,
        "w" | "week" | "weeks" => 604_800_000_000,
        // A month is 30.44 days and a year 365.25 days.
        "M" | "month" | "months" => 2_629_800_000_000,
        "y" | "year" | "years" => 31_557_600_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut sum = whole.saturating_mul(micros);
    let mut place = micros;
    for digit in fraction.chars().take(9) {
        place /= 10;
        sum = sum.saturating_add(u64::from(digit.to_digit(10)?) * place);
    }
    Some(sum / 1000)
}

/// The word for a distance in seconds.
pub fn rhythm_of_seconds(seconds: u64) -> Option<&'static str> {
    match seconds {
        0 => None,
        1..3_600 => Some("minutely"),
        3_600..36_000 => Some("hourly"),
        36_000..172_801 => Some("daily"),
        172_801..1_209_601 => Some("weekly"),
        1_209_601..5_270_400 => Some("monthly"),
        5_270_400..25_000_000 => Some("quarterly"),
        25_000_000..40_000_000 => Some("yearly"),
        _ => None,
    }
}

/// In how many days what has this rhythm has come round at least once; none for a word that tells no distance (`once`, `boot`).
pub fn round_days(rhythm: &str) -> Option<u64> {
    match rhythm {
        "minutely" | "hourly" | "daily" => Some(1),
        "weekly" => Some(7),
        "monthly" => Some(31),
        "quarterly" => Some(92),
        "yearly" => Some(366),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted_as_systemd_counts_them() {
        for (text, expected) in [
            ("2 h", Some(7_200)),
            ("2hours", Some(7_200)),
            ("48hr", Some(172_800)),
            ("1y 12month", Some(31_557_600 + 12 * 2_629_800)),
            ("55s500ms", Some(55)),
            ("300ms20s 5day", Some(20 + 5 * 86_400)),
            ("1.5h", Some(5_400)),
            (".5min", Some(30)),
            ("15", Some(15)),
            ("infinity", None),
            ("", None),
            ("soon", None),
            (".", None),
            ("5 parsecs", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
