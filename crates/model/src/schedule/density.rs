//! How often something with a calendar runs, in one word.

/// Which days of the year and which moments of a day a schedule names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Density {
    /// Moments in one hour.
    pub per_hour: u32,
    /// Hours of one day.
    pub hours: u32,
    /// Days of one year, on average.
    pub days: u32,
}

impl Density {
    /// `minutely`, `hourly`, `daily`, `weekly`, `monthly`, `quarterly` or `yearly`; `None` for what never comes.
    pub fn rhythm(self) -> Option<&'static str> {
        match (self.days, self.hours, self.per_hour) {
            (200.., 8.., 2..) => Some("minutely"),
            (200.., 8.., _) => Some("hourly"),
            (200.., ..) => Some("daily"),
            (40..200, ..) => Some("weekly"),
            (9..40, ..) => Some("monthly"),
            (3..9, ..) => Some("quarterly"),
            (1 | 2, ..) => Some("yearly"),
            (0, ..) => None,
        }
    }
}
