//! Moments, as groma writes them: RFC 3339, UTC, whole milliseconds.
//!
//! Nothing here reads a clock; a moment is always handed in.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::moment;

/// A moment in UTC, in whole milliseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(jiff::Timestamp);

/// The text was not an RFC 3339 moment.
#[derive(Debug, thiserror::Error)]
#[error("read {text:?} as an RFC 3339 moment")]
pub struct NotAMoment {
    text: String,
}

impl Timestamp {
    /// Milliseconds since 1970-01-01T00:00:00Z; values outside the years -9999 to 9999 are clamped.
    pub fn from_millis(millis: i64) -> Self {
        let end = if millis < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        Self(jiff::Timestamp::from_millisecond(millis).unwrap_or(end))
    }

    /// Seconds since 1970-01-01T00:00:00Z, clamped as [`Self::from_millis`].
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// The moment that is written exactly so by `Display`; `None` for any other text, a moment or not.
    pub fn exactly(text: &[u8]) -> Option<Self> {
        let millis = moment::read(text)?;
        Some(Self::from_millis(millis))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// This moment plus `length`; stops at the end of time instead of overflowing.
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        let add = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.millis().saturating_add(add))
    }

    /// The same day and hour so many months later in UTC, or the last day of that month where it is shorter; stops at
    /// the end of time.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let span = jiff::Span::new().try_months(months);
        let there = self.0.to_zoned(jiff::tz::TimeZone::UTC);
        let later = span.and_then(|span| there.checked_add(span));
        later.map_or_else(|_| Self::from_millis(i64::MAX), |z| Self(z.timestamp()))
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.millis().saturating_sub(earlier.millis()).max(0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// Whole days from `self` to `later`, rounded down; negative if `later` is earlier.
    pub fn days_until(self, later: Self) -> i64 {
        (later.millis() - self.millis()).div_euclid(86_400_000)
    }

    /// The moment in the calendar library's own type.
    pub(crate) fn moment(self) -> jiff::Timestamp {
        self.0
    }

    /// The calendar day in UTC, as `2026-11-20`.
    pub fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// Day and minute in UTC, as `2026-11-20 11:05`.
    pub fn minute(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match moment::write(self.millis()) {
            Some(written) if f.precision().is_none() => f.write_str(written.as_str()),
            _ => self.0.fmt(f),
        }
    }
}

impl FromStr for Timestamp {
    type Err = NotAMoment;
    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        if let Some(moment) = Self::exactly(text.as_bytes()) {
            return Ok(moment);
        }
        let moment: jiff::Timestamp = text.parse().map_err(|_| NotAMoment {
            text: text.to_owned(),
        })?;
        Ok(Self::from_millis(moment.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, UTC"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_survives_its_own_text() {
        let moment = Timestamp::from_millis(1_795_172_400_123);
        assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_last_one() {
        let from = |text: &str| text.parse::<Timestamp>().unwrap();
        let later = |text: &str, months| from(text).plus_months(months).to_string();
        assert_eq!(later("2026-12-01T03:00:00Z", 1), "2027-01-01T03:00:00Z");
        assert_eq!(later("2027-01-31T03:00:00Z", 1), "2027-02-28T03:00:00Z");
        assert_eq!(later("2027-01-31T03:00:00Z", 3), "2027-04-30T03:00:00Z");
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(from("2027-01-31T03:00:00Z").plus_months(u32::MAX), end);
    }

    #[test]
    fn absurd_moments_are_clamped_not_panicked_on() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Timestamp::from_millis(i64::MIN).since(end), Duration::ZERO);
    }
}
