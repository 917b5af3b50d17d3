//! A rhythm told by the hours in which something was seen, where enough other hours were watched without it.

use groma_model::{Hours, Seen};

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
    use groma_model::Timestamp;

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
    fn what_is_there_all_the_time_has_no_rhythm() {
        assert_eq!(of(&seen(&(0..500).collect::<Vec<_>>()), all()), None);
        assert_eq!(of(&Seen::once(Timestamp::from_seconds(0)), all()), None);
    }
}
