//! When a line was written: the times of logs, which leave out the year and the zone.

use std::time::Duration;

use groma_model::Timestamp;
use groma_model::schedule::Zone;

/// How far a line may lie behind the time its file was written last: clocks are set, and zones are guessed.
const SLACK: Duration = Duration::from_secs(86_400);
/// No log of a machine that runs today began before 1990; a clock without a battery stands at 1970.
const EARLIEST_SECONDS: i64 = 631_152_000;

/// The latest time a line of a file may have that was written last at `modified`.
pub(crate) fn latest(modified: Timestamp) -> Timestamp {
    modified.plus(SLACK)
}

/// True unless `at` lies before there were such logs, or after what was written last at `modified`.
pub(crate) fn is_possible(at: Timestamp, modified: Timestamp) -> bool {
    (Timestamp::from_seconds(EARLIEST_SECONDS)..=latest(modified)).contains(&at)
}

/// Reads the times of one file.
pub(crate) struct Clock<'z> {
    zone: &'z Zone,
    /// No line is younger, a day of slack aside.
    latest: Timestamp,
    year: i16,
    /// The last text and what it meant: neighbouring lines share a second.
    last: (Vec<u8>, Option<Timestamp>),
    /// The begin of the last traditional text up to its hour, and when that hour began.
    last_hour: Option<([u8; HOUR_LENGTH], Timestamp)>,
    /// A time that cannot be, of the first line that says one: whose clock was wrong.
    pub(crate) impossible: Option<Timestamp>,
}

/// `Nov  3 04:`.
const HOUR_LENGTH: usize = 10;

impl<'z> Clock<'z> {
    pub(crate) fn new(zone: &'z Zone, latest: Timestamp) -> Self {
        Self {
            zone,
            latest,
            year: zone.year(latest),
            last: (Vec::new(), None),
            last_hour: None,
            impossible: None,
        }
    }

    /// The time, unless it lies before there were such logs or after the file was written last.
    pub(crate) fn possible(&mut self, at: Timestamp) -> Option<Timestamp> {
        if is_possible(at, self.latest) {
            return Some(at);
        }
        self.impossible.get_or_insert(at);
        None
    }

    /// When `text` says it was.
    pub(crate) fn read(&mut self, text: &str) -> Option<Timestamp> {
        self.read_bytes(text.as_bytes())
    }

    /// The same of text that nobody looked at.
    pub(crate) fn read_bytes(&mut self, text: &[u8]) -> Option<Timestamp> {
        if self.last.0 != text {
            let at = self.of_last_hour(text).or_else(|| {
                let at = std::str::from_utf8(text).ok();
                at.and_then(|text| self.understand(text))
            });
            self.last.1 = at.and_then(|at| self.possible(at));
            self.learn_hour(text);
            self.last.0.clear();
            self.last.0.extend_from_slice(text);
        }
        self.last.1
    }

    /// A time of the hour of the one before, which is told by its minute and second alone.
    fn of_last_hour(&self, text: &[u8]) -> Option<Timestamp> {
        let (hour, begin) = self.last_hour.as_ref()?;
        let seconds = into_hour(text.strip_prefix(hour)?)?;
        Some(Timestamp::from_millis(begin.millis() + seconds * 1_000))
    }

    /// Remembers the hour of `text`, if its first and its last second say that it is a whole one of one year: clocks are set
    /// within an hour, and what lies in the future is of the year before.
    fn learn_hour(&mut self, text: &[u8]) {
        let Some((hour, rest)) = text.split_first_chunk::<HOUR_LENGTH>() else {
            return;
        };
        let is_known = self.last_hour.is_some_and(|(known, _)| known == *hour);
        if is_known || !hour.ends_with(b":") || into_hour(rest).is_none() {
            return;
        }
        let at = |rest: &[u8; 5]| {
            let whole = [hour.as_slice(), rest.as_slice()].concat();
            self.understand(std::str::from_utf8(&whole).ok()?)
        };
        let (first, last) = (at(b"00:00"), at(b"59:59"));
        self.last_hour = first.zip(last).and_then(|(first, last)| {
            (last.millis() - first.millis() == 3_599_000).then_some((*hour, first))
        });
    }

    fn understand(&self, text: &str) -> Option<Timestamp> {
        let bytes = text.as_bytes();
        let at = |place: usize| bytes.get(place).copied().unwrap_or_default();
        match (at(2), at(4)) {
            (_, b'-' | b'/') => self.iso(text),
            (b'-', _) => self.named(text),
            (b'/', _) => self.access(text),
            _ if at(0).is_ascii_digit() && at(8) == b' ' => self.compact(text),
            _ if at(0).is_ascii_digit() => epoch(text),
            _ if at(3) == b' ' && at(7) == b' ' => self.c_time(text),
            _ => self.traditional(text),
        }
    }

    /// `Nov  3 04:05:06` (RFC 3164, 4.1.2). The year is the last one in which it does not lie in the future.
    fn traditional(&self, text: &str) -> Option<Timestamp> {
        let month = month(text.get(..3)?)?;
        let day = text.get(4..6)?.trim_start().parse().ok()?;
        let time = time(text.get(7..15)?)?;
        let latest = latest(self.latest);
        [self.year, self.year - 1]
            .into_iter()
            .filter_map(|year| self.zone.moment_of(year, (month, day), time))
            .find(|at| *at <= latest)
    }

    /// `2026-11-03T04:05:06.789+01:00` (RFC 3339), with a blank in place of the `T`, or slashes in place of the dashes.
    fn iso(&self, text: &str) -> Option<Timestamp> {
        let year = text.get(..4)?.parse().ok()?;
        let month = text.get(5..7)?.parse().ok()?;
        let day = text.get(8..10)?.parse().ok()?;
        let time = time(text.get(11..19)?)?;
        let zone = text
            .get(19..)?
            .trim_start_matches(|c: char| c == '.' || c == ',' || c.is_ascii_digit())
            .trim_start();
        // A zone's short name may mean several; the one daemons write that is not the wall clock's is Greenwich.
        let zone = match zone {
            "UTC" | "GMT" => "Z",
            name if name.bytes().all(|b| b.is_ascii_uppercase()) && name != "Z" => "",
            offset => offset,
        };
        if zone.is_empty() {
            return self.zone.moment_of(year, (month, day), time);
        }
        let offset = offset(zone)?;
        let at = Zone::default().moment_of(year, (month, day), time)?;
        Some(Timestamp::from_millis(at.millis() - offset * 1_000))
    }

    /// `03/Nov/2026:04:05:06 +0100`, as web servers write, or with a fraction of the second.
    fn access(&self, text: &str) -> Option<Timestamp> {
        let date = (month(text.get(3..6)?)?, text.get(..2)?.parse().ok()?);
        let year = text.get(7..11)?.parse().ok()?;
        let at = Zone::default().moment_of(year, date, time(text.get(12..20)?)?)?;
        // 389 Directory Server counts in nanoseconds.
        let fraction = |c: char| c == '.' || c.is_ascii_digit();
        let zone = text.get(20..)?.trim_start_matches(fraction);
        let offset = offset(zone.strip_prefix(' ')?)?;
        Some(Timestamp::from_millis(at.millis() - offset * 1_000))
    }

    /// `20261103 04:05:06`, as MariaDB's audit writes.
    fn compact(&self, text: &str) -> Option<Timestamp> {
        let number = |from, to| text.get(from..to).and_then(|digits| digits.parse().ok());
        let year = text.get(..4)?.parse().ok()?;
        self.zone
            .moment_of(year, (number(4, 6)?, number(6, 8)?), time(text.get(9..)?)?)
    }

    /// `Tue Nov  3 04:05:06 2026`, as ctime(3) and FTP daemons write.
    fn c_time(&self, text: &str) -> Option<Timestamp> {
        let date = (
            month(text.get(4..7)?)?,
            text.get(8..10)?.trim_start().parse().ok()?,
        );
        let year = text.get(20..24)?.parse().ok()?;
        self.zone.moment_of(year, date, time(text.get(11..19)?)?)
    }

    /// `03-Nov-2026 04:05:06.789`, as BIND writes.
    fn named(&self, text: &str) -> Option<Timestamp> {
        let day = text.get(..2)?.parse().ok()?;
        let month = month(text.get(3..6)?)?;
        let year = text.get(7..11)?.parse().ok()?;
        self.zone
            .moment_of(year, (month, day), time(text.get(12..20)?)?)
    }
}

/// Seconds of `05:06`, the minute and second of an hour.
fn into_hour(text: &[u8]) -> Option<i64> {
    let [m1, m2, b':', s1, s2] = *text else {
        return None;
    };
    let two = |tens: u8, ones: u8| {
        let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
        let number = i64::from(tens & 15) * 10 + i64::from(ones & 15);
        (digits && number < 60).then_some(number)
    };
    Some(two(m1, m2)? * 60 + two(s1, s2)?)
}

/// `1795212000.123`: seconds since 1970, as Squid writes.
fn epoch(text: &str) -> Option<Timestamp> {
    let seconds = text.split_once('.').map_or(text, |(seconds, _)| seconds);
    let seconds: i64 = seconds.parse().ok()?;
    (0..1 << 33)
        .contains(&seconds)
        .then(|| Timestamp::from_seconds(seconds))
}

fn month(name: &str) -> Option<i8> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = MONTHS
        .find(name)
        .filter(|at| at % 3 == 0 && name.len() == 3)?;
    i8::try_from(at / 3 + 1).ok()
}

fn time(text: &str) -> Option<(i8, i8, i8)> {
    let mut parts = text.split(':').map(|part| part.parse().ok());
    let out = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(out)
}

/// Seconds east of Greenwich, as RFC 3339 writes it.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.bytes().next()? {
        b'Z' | b'z' => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |digits: &str| {
        digits
            .parse()
            .ok()
            .filter(|n: &i64| digits.len() == 2 && *n < 60)
    };
    let hours = two(text.get(1..3)?).filter(|hours| *hours < 24)?;
    let minutes = two(text.get(3..)?.trim_start_matches(':'))?;
    Some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, latest: &str, zone: &str) -> Option<String> {
        let zone = Zone::named(zone).unwrap();
        let latest = Clock::new(&Zone::default(), Timestamp::from_seconds(0))
            .iso(latest)
            .unwrap();
        Some(Clock::new(&zone, latest).read(text)?.minute())
    }

    #[test]
    fn a_year_is_found_by_when_the_file_was_written() {
        let in_january = "2026-01-02T00:00:00Z";
        assert_eq!(
            at("Dec 31 23:59:58", in_january, "UTC").unwrap(),
            "2025-12-31 23:59"
        );
        assert_eq!(
            at("Jan  1 00:00:01", in_january, "UTC").unwrap(),
            "2026-01-01 00:00"
        );
        assert_eq!(
            at("Feb 29 10:00:00", "2024-12-01T00:00:00Z", "UTC").unwrap(),
            "2024-02-29 10:00"
        );
    }

    #[test]
    fn a_wall_clock_is_read_in_its_zone() {
        let latest = "2026-11-20T12:00:00Z";
        assert_eq!(
            at("Jul  1 10:00:00", latest, "Europe/Berlin").unwrap(),
            "2026-07-01 08:00"
        );
        assert_eq!(
            at("03-Nov-2026 04:05:06.789", latest, "Europe/Berlin").unwrap(),
            "2026-11-03 03:05"
        );
        assert_eq!(
            at("2026-11-03T04:05:06.789+05:30", latest, "Europe/Berlin").unwrap(),
            "2026-11-02 22:35"
        );
        assert_eq!(
            at("2026-11-03 04:05:06", latest, "Europe/Berlin").unwrap(),
            "2026-11-03 03:05"
        );
    }

    #[test]
    fn times_of_all_kinds() {
        for text in [
            "03/Nov/2026:04:05:06 +0100",
            "03/Nov/2026:04:05:06.123456789 +0100",
            "2026/11/03 04:05:06",
            "20261103 04:05:06",
            "Tue Nov  3 04:05:06 2026",
            "1793675106.789",
            "2026-11-03 03:05:06.789 UTC",
            "2026-11-03 04:05:06.789 CET",
            "2026-11-03 04:05:06 +0100",
            "2026-11-03T03:05:06.789012+0000",
        ] {
            let at = at(text, "2026-11-20T12:00:00Z", "Europe/Berlin");
            assert_eq!(at.as_deref(), Some("2026-11-03 03:05"), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for bad in [
            "2026-11-03T04:05:06+00:999999999999999999",
            "2026-11-03T04:05:06+99:00",
            "",
            "Nov",
            "anF 10 10:00:00",
            "Nov 31 10:00:00",
            "Nov 10 25:00:00",
            "2026-13-01T00:00:00Z",
            "Nov é0 10:00:00",
        ] {
            assert_eq!(at(bad, "2026-11-20T12:00:00Z", "UTC"), None, "{bad}");
        }
    }

    #[test]
    fn a_clock_that_was_wrong_tells_no_time() {
        let zone = Zone::default();
        let mut clock = Clock::new(&zone, Timestamp::from_seconds(1_795_000_000));
        assert!(clock.read("2026-11-18T12:00:00Z").is_some());
        assert_eq!(clock.impossible, None);
        for text in [
            "2099-01-01T00:00:00Z",
            "1970-01-01T00:02:00Z",
            "01/Jan/1970:00:02:00 +0000",
            "8000000000",
        ] {
            assert_eq!(clock.read(text), None, "{text}");
        }
        assert_eq!(clock.impossible.unwrap().minute(), "2099-01-01 00:00");
    }

    proptest::proptest! {
        /// The hour of the line before changes nothing.
        #[test]
        fn a_time_is_the_same_whatever_was_read_before(
            texts in proptest::collection::vec("(Nov 30|Dec  1|Oct 25|Mar 29|Nov  9) (0[0-3]|1[0-3]|23):[0-6][0-9]:[0-6][0-9]", 1..9),
            zone in "(UTC|Europe/Berlin|Asia/Kolkata|Australia/Lord_Howe)",
        ) {
            let zone = Zone::named(&zone).unwrap();
            // 11:33 of the last of November, and a day of slack.
            let latest = Timestamp::from_seconds(1_796_038_400);
            let mut clock = Clock::new(&zone, latest);
            for text in &texts {
                let alone = Clock::new(&zone, latest).read(text);
                proptest::prop_assert_eq!(clock.read(text), alone, "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let zone = Zone::default();
            let _ = Clock::new(&zone, Timestamp::from_seconds(1_700_000_000)).read(&text);
        }
    }
}
