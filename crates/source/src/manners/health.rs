//! How a host bears being asked. Whatever may be distress makes us slower; what goes on makes us silent.
//!
//! Silence alone is no sign: two hosts of three drop what they do not serve. A sign is what *changes*: a host that had
//! answered nearly everything stops, round trips grow to a multiple of what they were, a port that had spoken resets.
//! An error an intermediate router reports (RFC 792) is a sign where the host had answered by itself before.

use std::time::Duration;

/// Unanswered questions in a row that are a sign, to a host that answers nearly all.
const UNANSWERED_IN_A_ROW: u32 = 6;
/// Answers before its habits are known.
const HABIT: u32 = 8;
/// Round trips that are compared.
const ROUND_TRIPS: u32 = 6;
/// Slower by this factor, and by this much, is a sign.
const SLOWER_FACTOR: u32 = 4;
const SLOWER_BY: Duration = Duration::from_millis(250);
/// Signs after which the host is left alone.
const SIGNS_MAX: u8 = 3;
/// How long after the first and each further sign nobody asks.
const PAUSES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];

/// How long a host that showed distress is left alone.
pub const SILENCE: Duration = Duration::from_secs(24 * 3600);

/// What came of one question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The host itself answered, after this long where it was measured.
    Answered(Option<Duration>),
    /// A router or filter answered for it, by rule: administratively prohibited, port unreachable.
    Prohibited,
    /// A router says that it cannot be reached.
    Unreachable,
    /// Nobody answered.
    Unanswered,
    /// An endpoint that had spoken with us resets now.
    ResetAfterAccept,
}

/// What to do after an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Go on.
    GoOn,
    /// Go on at half the pace, after this pause.
    SlowDown(Duration, Sign),
    /// Leave it alone for [`SILENCE`].
    LeaveAlone(Sign),
}

/// What was taken for distress.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// It had answered nearly everything, and then nothing.
    FellSilent,
    /// Its round trips grew.
    Slower,
    /// It had been reachable.
    BecameUnreachable,
    /// It had spoken.
    Resets,
}

impl Sign {
    /// In words of an operator.
    pub fn words(self) -> &'static str {
        match self {
            Self::FellSilent => "it had answered nearly everything, and then fell silent",
            Self::Slower => "its answers took several times as long as before",
            Self::BecameUnreachable => "it had answered, and then became unreachable",
            Self::Resets => "it had accepted connections, and then reset them",
        }
    }
}

/// One host's habits, and the signs it showed.
#[derive(Clone, Debug, Default)]
pub struct Health {
    answered: u32,
    unanswered: u32,
    in_a_row: u32,
    fastest: Option<Duration>,
    slow_in_a_row: u32,
    signs: u8,
}

impl Health {
    /// Takes up an outcome, and says what follows.
    pub fn take(&mut self, outcome: Outcome) -> Advice {
        let sign = match outcome {
            Outcome::Answered(after) => {
                self.answered = self.answered.saturating_add(1);
                self.unanswered = self.unanswered.saturating_add(self.in_a_row);
                self.in_a_row = 0;
                after.and_then(|after| self.round_trip(after))
            }
            Outcome::Prohibited => None,
            Outcome::Unreachable => (self.answered > 0).then_some(Sign::BecameUnreachable),
            Outcome::ResetAfterAccept => Some(Sign::Resets),
            Outcome::Unanswered => self.unanswered(),
        };
        match sign {
            Some(sign) => self.showed(sign),
            None => Advice::GoOn,
        }
    }

    /// A row of silence becomes part of its habits when it ends: a host that fell silent was talkative before.
    fn unanswered(&mut self) -> Option<Sign> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        // It answers nearly all: nine of ten.
        let talkative =
            self.answered >= HABIT && self.unanswered.saturating_mul(9) <= self.answered;
        let again = self.in_a_row.is_multiple_of(UNANSWERED_IN_A_ROW);
        (talkative && again).then_some(Sign::FellSilent)
    }

    fn round_trip(&mut self, after: Duration) -> Option<Sign> {
        let fastest = self.fastest.map_or(after, |known| known.min(after));
        self.fastest = Some(fastest);
        let limit = fastest
            .saturating_mul(SLOWER_FACTOR)
            .max(fastest.saturating_add(SLOWER_BY));
        self.slow_in_a_row = if after > limit {
            self.slow_in_a_row.saturating_add(1)
        } else {
            0
        };
        if self.slow_in_a_row < ROUND_TRIPS {
            return None;
        }
        self.slow_in_a_row = 0;
        Some(Sign::Slower)
    }

    fn showed(&mut self, sign: Sign) -> Advice {
        self.signs = self.signs.saturating_add(1);
        if self.signs >= SIGNS_MAX {
            return Advice::LeaveAlone(sign);
        }
        let pause = PAUSES.get(usize::from(self.signs - 1));
        Advice::SlowDown(pause.copied().unwrap_or(PAUSES[1]), sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(health: &mut Health, outcome: Outcome, times: u32) -> Vec<Advice> {
        let all = (0..times).map(|_| health.take(outcome));
        all.filter(|advice| *advice != Advice::GoOn).collect()
    }

    #[test]
    fn a_host_that_drops_what_it_does_not_serve_is_well() {
        let mut health = Health::default();
        for _ in 0..50 {
            assert!(after(&mut health, Outcome::Unanswered, 12).is_empty());
            assert!(after(&mut health, Outcome::Answered(None), 1).is_empty());
        }
    }

    #[test]
    fn a_host_that_limits_its_refusals_is_well() {
        let mut health = Health::default();
        after(&mut health, Outcome::Answered(None), 4);
        assert!(after(&mut health, Outcome::Prohibited, 6).is_empty());
        for _ in 0..40 {
            assert!(after(&mut health, Outcome::Unanswered, 9).is_empty());
            assert!(after(&mut health, Outcome::Prohibited, 1).is_empty());
        }
    }

    #[test]
    fn a_talkative_host_that_falls_silent_is_left_alone_in_three_steps() {
        let mut health = Health::default();
        after(&mut health, Outcome::Answered(None), 30);
        let told = after(&mut health, Outcome::Unanswered, 18);
        assert_eq!(
            told,
            [
                Advice::SlowDown(PAUSES[0], Sign::FellSilent),
                Advice::SlowDown(PAUSES[1], Sign::FellSilent),
                Advice::LeaveAlone(Sign::FellSilent)
            ]
        );
    }

    #[test]
    fn growing_round_trips_are_a_sign_and_one_late_answer_is_none() {
        let mut health = Health::default();
        let ms = |ms| Outcome::Answered(Some(Duration::from_millis(ms)));
        after(&mut health, ms(20), 10);
        assert!(after(&mut health, ms(900), 5).is_empty());
        assert!(after(&mut health, ms(25), 1).is_empty());
        assert_eq!(after(&mut health, ms(900), 6).len(), 1);
    }

    #[test]
    fn signs_without_end_overflow_nothing() {
        let mut health = Health::default();
        health.take(Outcome::Answered(None));
        let told = after(&mut health, Outcome::Unreachable, 100_000);
        assert_eq!(
            told.last(),
            Some(&Advice::LeaveAlone(Sign::BecameUnreachable))
        );
    }

    #[test]
    fn one_lost_answer_in_a_hundred_is_no_sign() {
        let mut health = Health::default();
        for _ in 0..200 {
            assert!(after(&mut health, Outcome::Answered(None), 99).is_empty());
            assert!(after(&mut health, Outcome::Unanswered, 2).is_empty());
        }
    }

    #[test]
    fn what_was_reachable_and_is_not_any_more_is_a_sign() {
        let mut health = Health::default();
        assert_eq!(health.take(Outcome::Unreachable), Advice::GoOn);
        health.take(Outcome::Answered(None));
        assert_ne!(health.take(Outcome::Unreachable), Advice::GoOn);
    }
}
