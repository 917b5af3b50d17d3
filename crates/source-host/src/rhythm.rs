//! How often something with a calendar runs, in one word.

/// Which days of the year and which moments of a day a schedule names. Pure counting, no calendar needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Density {
    /// Moments in one hour.
    pub(crate) per_hour: u32,
    /// Hours of one day.
    pub(crate) hours: u32,
    /// Days of one year, roughly.
    pub(crate) days: u32,
}

impl Density {
    /// The word for it; `None` for what has none, as four times a year.
    pub(crate) fn rhythm(self) -> Option<&'static str> {
        match (self.days, self.hours, self.per_hour) {
            (200.., 8.., 2..) => Some("minutely"),
            (200.., 8.., _) => Some("hourly"),
            (200.., ..) => Some("daily"),
            (40..200, ..) => Some("weekly"),
            (10..40, ..) => Some("monthly"),
            (1 | 2, ..) => Some("yearly"),
            _ => None,
        }
    }
}

/// The word for a distance in seconds.
pub(crate) fn of_seconds(seconds: u64) -> Option<&'static str> {
    match seconds {
        0 => None,
        1..3_600 => Some("minutely"),
        3_600..36_000 => Some("hourly"),
        36_000..172_801 => Some("daily"),
        172_801..1_209_601 => Some("weekly"),
        1_209_601..5_270_400 => Some("monthly"),
        25_000_000..40_000_000 => Some("yearly"),
        _ => None,
    }
}

/// The word for a number of days, as anacrontab writes it.
pub(crate) fn of_days(days: u64) -> Option<&'static str> {
    of_seconds(days.saturating_mul(86_400))
}
