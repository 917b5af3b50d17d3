//! Moments as text and back, where they are written as they nearly always are: `2026-11-22T06:54:14.12Z`, a year of four digits, no zero at the
//! end of a fraction. A fleet writes and reads two of them in every line; a calendar that knows all forms takes five times as long.

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// Days from the first of March of year 0 to 1970-01-01, in the calendar that was always ours.
const TO_1970: i64 = 719_468;
/// Days of 400 years.
const ERA: i64 = 146_097;
/// The first and the last moment with a year of four digits that the calendar library has.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_207_200_000;

/// A moment, written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written {
    bytes: [u8; 24],
    length: usize,
}

impl Written {
    /// As text; it is ASCII.
    pub(crate) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(written).unwrap_or_default()
    }

    fn put(&mut self, byte: u8) {
        if let Some(at) = self.bytes.get_mut(self.length) {
            *at = byte;
            self.length += 1;
        }
    }

    fn put_number(&mut self, number: i64, digits: u32) {
        for place in (0..digits).rev() {
            let digit = number / 10_i64.pow(place) % 10;
            self.put(b'0' + u8::try_from(digit).unwrap_or(0));
        }
    }
}

/// Milliseconds since 1970 as the calendar library writes them; `None` beyond years of four digits.
pub(crate) fn write(millis: i64) -> Option<Written> {
    if !(FIRST..=LAST).contains(&millis) {
        return None;
    }
    let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let (seconds, fraction) = (rest / 1000, rest % 1000);
    let mut written = Written {
        bytes: [0; 24],
        length: 0,
    };
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (seconds / 3600, 2, b':'),
        (seconds / 60 % 60, 2, b':'),
    ];
    for (number, digits, behind) in parts {
        written.put_number(number, digits);
        written.put(behind);
    }
    written.put_number(seconds % 60, 2);
    match (fraction, fraction % 10, fraction % 100) {
        (0, ..) => {}
        (_, _, 0) => written.put_fraction(fraction / 100, 1),
        (_, 0, _) => written.put_fraction(fraction / 10, 2),
        _ => written.put_fraction(fraction, 3),
    }
    written.put(b'Z');
    Some(written)
}

impl Written {
    fn put_fraction(&mut self, number: i64, digits: u32) {
        self.put(b'.');
        self.put_number(number, digits);
    }
}

/// The milliseconds of a moment that is written just as [`write()`] writes it; `None` for whatever else, be it a moment or not.
pub(crate) fn read(text: &[u8]) -> Option<i64> {
    let (head, behind) = text.split_first_chunk::<19>()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
    ] = head
    else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (month, day) = (number(&[*o1, *o2])?, number(&[*d1, *d2])?);
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*i1, *i2])?);
    let second = number(&[*s1, *s2])?;
    let is_time = hour < 24 && minute < 60 && second < 60;
    let is_date = (1..=12).contains(&month) && day >= 1 && day <= days_of(year, month);
    let fraction = fraction(behind).filter(|_| is_time && is_date)?;
    let seconds = (hour * 60 + minute) * 60 + second;
    let millis = days(year, month, day) * DAY + seconds * 1000 + fraction;
    (FIRST..=LAST).contains(&millis).then_some(millis)
}

/// What stands behind the seconds, in milliseconds.
fn fraction(behind: &[u8]) -> Option<i64> {
    match behind {
        b"Z" => Some(0),
        [b'.', a @ b'1'..=b'9', b'Z'] => Some(number(&[*a])? * 100),
        [b'.', a, b @ b'1'..=b'9', b'Z'] => Some(number(&[*a, *b])? * 10),
        [b'.', a, b, c @ b'1'..=b'9', b'Z'] => number(&[*a, *b, *c]),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + i64::from(digit))
    })
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day. Years begin in March here, so that the day that comes and goes is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_1970
}

/// Year, month and day of a day so many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + TO_1970;
    let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn library(millis: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(millis).unwrap()
    }

    fn check(millis: i64) {
        let text = library(millis).to_string();
        assert_eq!(write(millis).unwrap().as_str(), text);
        assert_eq!(read(text.as_bytes()), Some(millis), "{text}");
    }

    #[test]
    fn every_day_there_is_is_written_as_the_calendar_writes_it() {
        for day in FIRST.div_euclid(DAY)..LAST / DAY {
            check(day * DAY + day.rem_euclid(DAY));
        }
        [FIRST, LAST, -1, 0, 1, 999, 1000, 951_782_400_000]
            .into_iter()
            .for_each(check);
        assert!(write(FIRST - 1).is_none() && write(LAST + 1).is_none());
    }

    /// What is read, is read as the library reads it, and written again as it stood; and all that is written so is read.
    fn agrees(text: &str) {
        let moment: Option<jiff::Timestamp> = text.parse().ok();
        let exact = moment.filter(|moment| {
            moment.to_string() == text && moment.subsec_nanosecond() % 1_000_000 == 0
        });
        let exact = exact
            .map(jiff::Timestamp::as_millisecond)
            .filter(|millis| (FIRST..=LAST).contains(millis));
        assert_eq!(read(text.as_bytes()), exact, "{text}");
    }

    proptest! {
        #[test]
        fn moments_come_back(millis in FIRST..=LAST) {
            check(millis);
        }

        #[test]
        fn what_looks_like_a_moment_is_one_or_none(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,3})?[Zz ]?",
        ) {
            agrees(&text);
        }

        #[test]
        fn whatever_it_is_it_is_no_moment_or_the_same(
            (millis, at, byte) in (FIRST..=LAST, 0_usize..24, 32_u8..127),
        ) {
            let mut text = write(millis).unwrap().as_str().to_owned().into_bytes();
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            agrees(std::str::from_utf8(&text).unwrap());
        }
    }
}
