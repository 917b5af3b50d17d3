//! Time zones: names of the IANA database to rules, which come with the program.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use crate::Timestamp;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The rules by which a wall clock tells the time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

/// The moments at which a wall clock shows one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moments {
    /// Once, as on nearly every day.
    One(Timestamp),
    /// Never: the clock jumps over it, and this is the moment of the jump.
    Skipped(Timestamp),
    /// Twice: the clock is set back.
    Twice {
        /// Before it was.
        first: Timestamp,
        /// After it was.
        second: Timestamp,
        /// When it was.
        set_back: Timestamp,
    },
}

impl Zone {
    /// The zone called `name` in the IANA database (`Europe/Berlin`, `UTC`).
    pub fn named(name: &str) -> Option<Self> {
        DATABASE.get(name.trim()).ok().map(Self)
    }

    /// A zone that is so many seconds east of Greenwich all year.
    pub(crate) fn fixed(seconds: i32) -> Self {
        let offset = jiff::tz::Offset::from_seconds(seconds).unwrap_or(jiff::tz::Offset::UTC);
        Self(TimeZone::fixed(offset))
    }

    /// The first moment at which the wall clock shows this date and time, if there are such ones.
    pub fn moment_of(&self, year: i16, date: (i8, i8), time: (i8, i8, i8)) -> Option<Timestamp> {
        let date = Date::new(year, date.0, date.1).ok()?;
        let time = jiff::civil::Time::new(time.0, time.1, time.2, 0).ok()?;
        Some(match self.moments(date.to_datetime(time))? {
            Moments::One(at) | Moments::Skipped(at) => at,
            Moments::Twice { first, .. } => first,
        })
    }

    /// The year the wall clock shows.
    pub fn year(&self, at: Timestamp) -> i16 {
        self.civil(at).year()
    }

    /// What the wall clock shows.
    pub(crate) fn civil(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(at.moment())
    }

    /// When the wall clock shows `civil`.
    pub(crate) fn moments(&self, civil: DateTime) -> Option<Moments> {
        let ambiguous = self.0.to_ambiguous_timestamp(civil);
        let stamp = |t: jiff::Timestamp| Timestamp::from_millis(t.as_millisecond());
        Some(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Moments::One(stamp(ambiguous.unambiguous().ok()?))
            }
            // Counted with the rules that end, the time lies after the jump: the last jump before it is meant.
            AmbiguousOffset::Gap { before, .. } => {
                Moments::Skipped(self.jump_until(before.to_timestamp(civil).ok()?)?)
            }
            AmbiguousOffset::Fold { before, after } => {
                let second = after.to_timestamp(civil).ok()?;
                Moments::Twice {
                    first: stamp(before.to_timestamp(civil).ok()?),
                    second: stamp(second),
                    set_back: self.jump_until(second)?,
                }
            }
        })
    }

    /// The last jump of the clock up to and with `at`.
    fn jump_until(&self, at: jiff::Timestamp) -> Option<Timestamp> {
        let after = at.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
        let jump = self.0.preceding(after).next()?;
        Some(Timestamp::from_millis(jump.timestamp().as_millisecond()))
    }

    /// The first moment of a day, if the day has 24 hours that all follow one another.
    pub(crate) fn ordinary_day(&self, date: Date) -> Option<Timestamp> {
        let midnight = |date: Date| match self.moments(date.at(0, 0, 0, 0))? {
            Moments::One(at) => Some(at),
            _ => None,
        };
        let (begin, end) = (midnight(date)?, midnight(date.tomorrow().ok()?)?);
        let jumps = self
            .0
            .following(begin.moment())
            .next()
            .is_some_and(|jump| jump.timestamp() < end.moment());
        (!jumps && end.millis() - begin.millis() == 86_400_000).then_some(begin)
    }
}
