//! Days as people and their spreadsheets write them.

use groma_model::Timestamp;

/// Days from the day nought of spreadsheets, 1899-12-30, to 1970-01-01.
const EPOCH_DAY: i64 = 25_569;
/// Numbers that are days of this century: 2000-01-01 to 2099-12-31.
const DAY_NUMBERS: std::ops::RangeInclusive<i64> = 36_526..=73_050;

/// What to do about a day that is not understood.
pub(crate) const AS: &str = "write it as 2026-11-20";

/// The day at midnight UTC: `2026-11-20`, `20.11.2026`, `20/11/2026`, or the number a workbook holds. With slashes the day
/// and the month must tell themselves apart.
pub(crate) fn day(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // A spreadsheet may have put a time behind it.
    let first = text.split([' ', 'T']).next().unwrap_or_default();
    let number = first.parse::<f64>().ok().map(f64::floor);
    if let Some(number) = number.filter(|_| !first.contains('-')) {
        return numbered(number);
    }
    let sign = first.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Option<Vec<u32>> = first
        .trim_end_matches('.')
        .split(sign)
        .map(|part| part.parse().ok().filter(|_| part.len() <= 4))
        .collect();
    let wide = first.split(sign).next().is_some_and(|year| year.len() == 4);
    let (year, month, day) = match (sign, parts?.as_slice(), wide) {
        ('-' | '/' | '.', &[year, month, day], true) => (year, month, day),
        ('.', &[day, month, year], false) => (year, month, day),
        ('/' | '-', &[one, other, year], false) => match (one > 12, other > 12) {
            (true, false) => (year, other, one),
            (false, true) => (year, one, other),
            (false, false) if one == other => (year, one, other),
            _ => return None,
        },
        _ => return None,
    };
    if !(2000..2100).contains(&year) {
        return None;
    }
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z")
        .parse()
        .ok()
}

fn numbered(number: f64) -> Option<Timestamp> {
    let days = DAY_NUMBERS.clone().find(|day| *day as f64 == number)?;
    Some(Timestamp::from_seconds((days - EPOCH_DAY) * 86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_day_in_many_ways() {
        for text in [
            "2026-11-20",
            " 2026-11-20 ",
            "2026-11-20 00:00:00",
            "2026-11-20T09:00:00Z",
            "2026/11/20",
            "20.11.2026",
            "20/11/2026",
            "11/20/2026",
            "46346",
            "46346.5",
        ] {
            assert_eq!(
                day(text).map(|day| day.day()).as_deref(),
                Some("2026-11-20"),
                "{text}"
            );
        }
        let first = day("1.2.2026").map(|day| day.day());
        assert_eq!(first.as_deref(), Some("2026-02-01"));
    }

    #[test]
    fn what_may_be_two_days_is_none() {
        for text in [
            "",
            "1/2/2026",
            "20.11.26",
            "2026-02-30",
            "2026-13-01",
            "yesterday",
            "20",
            "2026",
            "99999",
            "-",
            "....",
            "1.1.1999",
            "+46346e9",
            "NaN",
            "2026-11",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
