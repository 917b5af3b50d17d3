//! When in the week something happens, and how long it lasts: two small sets that join without order.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;

/// Hours of a week.
const HOURS: usize = 168;
/// Bytes that hold one bit for each.
const BYTES: usize = HOURS / 8;

/// A set of hours of the week in UTC, one bit each; the first is Monday from 00:00 to 01:00.
///
/// Written as 42 hexadecimal digits, eight hours to the pair and the earliest hour lowest in it. Empty means
/// that nobody kept count, not that nothing happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hours([u8; BYTES]);

impl Hours {
    /// The hour that `at` lies in.
    pub fn of(at: Timestamp) -> Self {
        let mut hours = Self::default();
        hours.insert(at);
        hours
    }

    /// Takes up the hour that `at` lies in.
    pub fn insert(&mut self, at: Timestamp) {
        // The first of January 1970 was a Thursday: three days after a Monday.
        let hour = (at.millis().div_euclid(3_600_000) + 72).rem_euclid(168);
        let hour = usize::try_from(hour).unwrap_or(0);
        if let Some(byte) = self.0.get_mut(hour / 8) {
            *byte |= 1 << (hour % 8);
        }
    }

    /// True if no hour is in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// How many hours are in it.
    pub fn len(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// True if `hour` (0 to 167, from Monday 00:00 UTC) is in it.
    pub fn contains(&self, hour: usize) -> bool {
        self.0
            .get(hour / 8)
            .is_some_and(|byte| byte >> (hour % 8) & 1 == 1)
    }

    /// Every hour in it, from Monday on.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let hours = *self;
        (0..HOURS).filter(move |hour| hours.contains(*hour))
    }

    /// The hours of both.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
        self
    }

    /// Its bits, for a store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A set from its bits; `None` if these are not 21 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl std::str::FromStr for Hours {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WHAT: &str = "a week is written as 42 hexadecimal digits";
        let digits = text.as_bytes();
        if digits.len() != BYTES * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(WHAT);
        }
        let mut hours = Self::default();
        for (byte, at) in hours.0.iter_mut().zip((0..).step_by(2)) {
            let pair = text.get(at..at + 2).ok_or(WHAT)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| WHAT)?;
        }
        Ok(hours)
    }
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Hours {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hours".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{42}$",
            "description": "hours of the week in UTC, one bit each from Monday 00:00, the earliest lowest in its byte"
        })
    }
}

/// How long something lasted, in milliseconds: the shortest and the longest time.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
pub struct Lasted {
    /// The shortest, in milliseconds.
    pub shortest_ms: u32,
    /// The longest, in milliseconds.
    pub longest_ms: u32,
}

impl Lasted {
    /// Lasted once, this long.
    pub fn once(milliseconds: u32) -> Self {
        Self {
            shortest_ms: milliseconds,
            longest_ms: milliseconds,
        }
    }

    /// This and `other` as one.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        Self {
            shortest_ms: self.shortest_ms.min(other.shortest_ms),
            longest_ms: self.longest_ms.max(other.longest_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_on_monday_in_utc() {
        let monday = "2026-11-16T00:30:00Z".parse().unwrap();
        assert_eq!(Hours::of(monday).iter().collect::<Vec<_>>(), [0]);
        let friday = "2026-11-20T17:42:00Z".parse().unwrap();
        assert_eq!(Hours::of(friday).iter().collect::<Vec<_>>(), [4 * 24 + 17]);
        let long_ago = "1969-12-28T23:59:59Z".parse().unwrap();
        assert_eq!(Hours::of(long_ago).iter().collect::<Vec<_>>(), [167]);
    }

    #[test]
    fn what_is_no_week_is_refused() {
        for bad in [
            "",
            "00",
            &"0".repeat(41),
            &"0".repeat(43),
            &"g".repeat(42),
            &"é".repeat(21),
        ] {
            assert!(bad.parse::<Hours>().is_err(), "{bad}");
        }
        assert!("0".repeat(42).parse::<Hours>().unwrap().is_empty());
    }

    #[test]
    fn a_week_survives_its_text_and_its_bytes() {
        for hour in 0..168_i64 {
            let hours = Hours::of(Timestamp::from_seconds(hour * 3600))
                .joined(Hours::of(Timestamp::from_seconds(0)));
            assert_eq!(hours.to_string().parse::<Hours>().unwrap(), hours);
            assert_eq!(Hours::from_bytes(hours.as_bytes()), Some(hours));
            assert_eq!(hours.iter().count(), hours.len());
            assert_eq!(hours.joined(hours), hours);
        }
        assert_eq!(Hours::from_bytes(&[0; 20]), None);
    }
}
