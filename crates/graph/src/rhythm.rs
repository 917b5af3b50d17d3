//! A rhythm told by the hours in which something was seen, where enough other hours were watched without it.

use groma_model::{Hours, Seen, Timestamp};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// `daily` or `weekly`, or nothing.
///
/// *Weekly*: only ever in one hour of the week (or two that follow each other), at least thirteen days apart, while
/// half of the week was watched. *Daily*: on three days or more, only ever in one hour of the day (or two that follow
/// each other), while six times as many hours were watched. Whoever looks only at night would find everything
/// nightly; so hours without it must have been watched too.
pub(crate) fn of(seen: &Seen, watched: Hours) -> Option<&'static str> {
    let hours: Vec<usize> = seen.hours.iter().collect();
    let span = seen.last.millis().saturating_sub(seen.first.millis());
    if is_one_time(&hours, 168) && span >= 13 * DAY && watched.len() >= 84 {
        return Some("weekly");
    }
    let mut days: Vec<usize> = hours.iter().map(|hour| hour / 24).collect();
    days.dedup();
    let mut times: Vec<usize> = hours.iter().map(|hour| hour % 24).collect();
    times.sort_unstable();
    times.dedup();
    let daily = days.len() >= 3 && is_one_time(&times, 24) && span >= 2 * DAY;
    (daily && watched.len() >= hours.len().saturating_mul(6)).then_some("daily")
}

/// When something of this rhythm is due after `now`, counted from when it was seen `last`. Nothing for another word, and for
/// what stayed away twice: it has stopped.
pub(crate) fn next(rhythm: &str, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let period = match rhythm {
        "daily" => DAY,
        "weekly" => 7 * DAY,
        _ => return None,
    };
    let since = now.millis().saturating_sub(last.millis());
    let rounds = since.div_euclid(period).saturating_add(1).max(1);
    let next = last.millis().saturating_add(rounds.saturating_mul(period));
    (since < 2 * period).then(|| Timestamp::from_millis(next))
}

/// True for one hour, or two that follow each other on a round of `round` hours.
fn is_one_time(hours: &[usize], round: usize) -> bool {
    match hours {
        [_] => true,
        [a, b] => (a + 1) % round == *b || (b + 1) % round == *a,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn seen(hours: &[i64]) -> Seen {
        let at = |hour: i64| Timestamp::from_millis(hour * 3_600_000);
        let each = hours.iter().map(|hour| Seen {
            hours: Hours::of(at(*hour)),
            ..Seen::once(at(*hour))
        });
        each.reduce(Seen::joined).unwrap()
    }

    fn all() -> Hours {
        seen(&(0..168).collect::<Vec<_>>()).hours
    }

    #[test]
    fn what_comes_every_night_is_daily_where_days_were_watched() {
        let nightly = seen(&[3, 27, 51, 75]);
        assert_eq!(of(&nightly, all()), Some("daily"));
        assert_eq!(of(&nightly, nightly.hours), None, "watched at night only");
        assert_eq!(
            of(&seen(&[3, 28, 51, 76]), all()),
            Some("daily"),
            "it drifts"
        );
        assert_eq!(of(&seen(&[3, 27]), all()), None, "twice is no rhythm");
        assert_eq!(of(&seen(&[3, 30, 51, 75]), all()), None);
    }

    #[test]
    fn what_comes_every_monday_is_weekly_after_two_weeks() {
        assert_eq!(of(&seen(&[5, 173, 341]), all()), Some("weekly"));
        assert_eq!(of(&seen(&[5, 173]), all()), None, "once more is chance");
        assert_eq!(of(&seen(&[5, 173, 341]), seen(&[5]).hours), None);
    }

    #[test]
    fn what_comes_round_is_due_until_it_stays_away_twice() {
        let day = |days: i64| Timestamp::from_millis(days * DAY);
        assert_eq!(next("daily", day(10), day(10)), Some(day(11)));
        assert_eq!(next("daily", day(10), day(11)), Some(day(12)));
        assert_eq!(next("daily", day(10), day(12)), None);
        assert_eq!(next("weekly", day(10), day(18)), Some(day(24)));
        assert_eq!(
            next("weekly", day(20), day(18)),
            Some(day(27)),
            "a clock that goes ahead"
        );
        assert_eq!(next("monthly", day(10), day(11)), None);
    }

    #[test]
    fn what_is_there_all_the_time_has_no_rhythm() {
        assert_eq!(of(&seen(&(0..500).collect::<Vec<_>>()), all()), None);
        assert_eq!(of(&Seen::once(Timestamp::from_seconds(0)), all()), None);
    }
}
