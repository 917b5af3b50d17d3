//! When something that comes round comes round again.

use groma_model::Timestamp;
use groma_model::inventory::Dependency;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A date at which a need must show itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    /// The date.
    pub(crate) at: Timestamp,
    /// How much later it may still come: nothing where a schedule tells, a tenth of the round where it was reckoned.
    grace_millis: i64,
}

/// How long a round is.
#[derive(Clone, Copy)]
enum Round {
    Millis(i64),
    Months(u32),
}

/// The first date after `moved` at which `need` is due: by its schedule, else by its rhythm counted from its last use.
/// None where nothing tells.
pub(crate) fn due(need: &Dependency, moved: Timestamp) -> Option<Due> {
    let round = need.rhythm.as_deref().and_then(round);
    match (need.next_due, round) {
        (Some(at), _) if at > moved => Some(Due {
            at,
            grace_millis: 0,
        }),
        (Some(at), Some(round)) => Some(reckoned(at, round, moved)),
        (None, Some(round)) => {
            let used = need.details.last_used.unwrap_or(need.last_seen);
            Some(reckoned(used, round, moved))
        }
        (_, None) => None,
    }
}

impl Due {
    /// True if it can still come without being late at `moment`.
    pub(crate) fn is_open_at(self, moment: Timestamp) -> bool {
        self.at.millis().saturating_add(self.grace_millis) > moment.millis()
    }
}

/// The words of `groma_model::schedule` for distances.
fn round(rhythm: &str) -> Option<Round> {
    Some(match rhythm {
        "minutely" | "hourly" => Round::Millis(HOUR),
        "daily" => Round::Millis(DAY),
        "weekly" => Round::Millis(7 * DAY),
        "monthly" => Round::Months(1),
        "quarterly" => Round::Months(3),
        "yearly" => Round::Months(12),
        _ => return None,
    })
}

fn reckoned(last: Timestamp, round: Round, moved: Timestamp) -> Due {
    let since = moved.millis().saturating_sub(last.millis()).max(0);
    match round {
        Round::Millis(length) => {
            let next = (since / length + 1).saturating_mul(length);
            Due {
                at: Timestamp::from_millis(last.millis().saturating_add(next)),
                grace_millis: length / 10,
            }
        }
        Round::Months(months) => {
            // No month is longer than 31 days, so this is never too far.
            let length = 31 * DAY * i64::from(months);
            let mut rounds = u32::try_from(since / length).unwrap_or(u32::MAX).max(1);
            let end = Timestamp::from_millis(i64::MAX);
            let mut at = last.plus_months(rounds.saturating_mul(months));
            while at <= moved && at < end {
                rounds = rounds.saturating_add(1);
                at = last.plus_months(rounds.saturating_mul(months));
            }
            Due {
                at,
                grace_millis: length / 10,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(last: &str, word: &str, moved: &str) -> String {
        let round = round(word).unwrap();
        reckoned(at(last), round, at(moved)).at.to_string()
    }

    #[test]
    fn what_comes_round_is_due_at_the_first_date_after_the_move() {
        let moved = "2026-12-06T04:00:00Z";
        assert_eq!(
            next("2026-12-01T03:00:00Z", "monthly", moved),
            "2027-01-01T03:00:00Z"
        );
        assert_eq!(
            next("2026-10-31T03:00:00Z", "monthly", moved),
            "2026-12-31T03:00:00Z"
        );
        assert_eq!(
            next("2026-12-06T03:00:00Z", "daily", moved),
            "2026-12-07T03:00:00Z"
        );
        assert_eq!(
            next("2026-12-06T04:00:00Z", "daily", moved),
            "2026-12-07T04:00:00Z"
        );
        assert_eq!(
            next("2026-11-30T23:00:00Z", "weekly", moved),
            "2026-12-07T23:00:00Z"
        );
        assert_eq!(
            next("2025-03-31T00:00:00Z", "quarterly", moved),
            "2026-12-31T00:00:00Z"
        );
        assert_eq!(
            next("2024-02-29T00:00:00Z", "yearly", moved),
            "2027-02-28T00:00:00Z"
        );
        assert!(round("now and then").is_none());
    }

    #[test]
    fn absurd_moments_end() {
        let (begin, end) = (
            Timestamp::from_millis(i64::MIN),
            Timestamp::from_millis(i64::MAX),
        );
        for round in [Round::Millis(HOUR), Round::Months(1), Round::Months(12)] {
            assert!(reckoned(begin, round, end).at >= begin);
            assert!(reckoned(end, round, begin).at >= begin);
        }
    }
}
