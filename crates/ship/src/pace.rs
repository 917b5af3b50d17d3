//! How long to wait before the next try: longer each time, never in step with others, and never sooner than the collector asked for.

use std::time::Duration;

/// The first wait after a failure.
const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer, so that a collector that is back is noticed within minutes.
pub const LONGEST: Duration = Duration::from_secs(300);

/// Waits that grow with every failure (exponential, with full jitter).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pace {
    failures: u32,
}

impl Pace {
    /// It worked: begin anew.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait, if the collector asked for `at_least` and chance is `random`.
    ///
    /// Whoever was asked to wait waits that long and up to as much again: a thousand who were turned away together do not come back
    /// together.
    pub fn failed(&mut self, at_least: Option<Duration>, random: u64) -> Duration {
        let ceiling = FIRST
            .saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1).min(31);
        let asked = at_least.unwrap_or(Duration::ZERO).min(LONGEST * 2);
        asked
            .saturating_add(share(ceiling.max(asked), random))
            .max(FIRST / 4)
    }
}

/// A random part of `whole`.
pub fn share(whole: Duration, random: u64) -> Duration {
    let ms = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % ms.saturating_add(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_minutes_and_no_further() {
        let mut pace = Pace::default();
        let longest: Vec<u64> = (0..12)
            .map(|_| pace.failed(None, u64::MAX - 1).as_secs())
            .collect();
        assert!(longest.iter().all(|seconds| *seconds <= 300), "{longest:?}");
        pace.succeeded();
        assert!(pace.failed(None, u64::MAX).as_secs() <= 1);
    }

    #[test]
    fn nobody_comes_back_sooner_than_was_asked() {
        for random in [0, 1, 1 << 40, u64::MAX] {
            let mut pace = Pace::default();
            let asked = Duration::from_secs(30);
            let waits = pace.failed(Some(asked), random);
            assert!(waits >= asked && waits <= asked * 2, "{waits:?}");
        }
    }

    #[test]
    fn a_collector_that_asks_for_a_year_is_asked_again_within_twenty_minutes() {
        let waits = Pace::default().failed(Some(Duration::from_secs(31_536_000)), u64::MAX - 1);
        assert!(waits <= LONGEST * 4, "{waits:?}");
    }

    #[test]
    fn a_wait_is_never_none() {
        assert!(Pace::default().failed(None, 0) > Duration::ZERO);
    }
}
