//! From when to when questions were written down without a silent day.
//!
//! A log of questions is switched on and off while the server runs, and what was asked in between stands nowhere. A log that
//! begins and ends ten days apart may speak of two hours.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use groma_model::Timestamp;
use serde::{Deserialize, Serialize};

/// Without any question for longer than this, nobody knows whether the log was on.
const SILENCE_MAX: Duration = Duration::from_secs(86_400);
/// Hours with questions that are kept: eleven years of them.
const HOURS_MAX: usize = 100_000;
const HOUR_MS: i64 = 3_600_000;

/// A time from its first to its last moment.
type Span = (Timestamp, Timestamp);

/// When there were questions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// Hour → its first and last question.
    hours: BTreeMap<i64, Span>,
    /// True if there were more hours than are kept.
    is_cut: bool,
}

impl Reach {
    /// There were questions at these times.
    pub(crate) fn met(&mut self, first: Timestamp, last: Timestamp) {
        for at in [first, last] {
            let hour = at.millis().div_euclid(HOUR_MS);
            if self.hours.len() >= HOURS_MAX && !self.hours.contains_key(&hour) {
                self.is_cut = true;
                continue;
            }
            let (begin, end) = self.hours.entry(hour).or_insert((at, at));
            (*begin, *end) = ((*begin).min(at), (*end).max(at));
        }
    }

    /// There were questions when `other` says so too.
    pub(crate) fn join(&mut self, other: Self) {
        for (first, last) in other.hours.into_values() {
            self.met(first, last);
        }
        self.is_cut |= other.is_cut;
    }

    /// From the first to the last; `None` if there were none.
    pub(crate) fn span(&self) -> Option<Span> {
        let (first, _) = self.hours.values().next()?;
        let (_, last) = self.hours.values().next_back()?;
        Some((*first, *last))
    }

    /// The longest time without a silent day and without a switch in it. `switched` tells when the log was switched on or
    /// off: the hour of a switch belongs to neither side. `None` if nothing is left, or not all is known.
    pub(crate) fn longest(&self, switched: &BTreeSet<Timestamp>) -> Option<Span> {
        let mut longest: Option<Span> = None;
        let mut run: Option<Span> = None;
        let is_switched =
            |from: Timestamp, to: Timestamp| switched.range(from..=to).next().is_some();
        for (first, last) in self.hours.values().copied() {
            if is_switched(first, last) {
                run = None;
                continue;
            }
            let goes_on = run
                .filter(|(_, end)| first.since(*end) <= SILENCE_MAX && !is_switched(*end, first));
            let (from, _) = goes_on.unwrap_or((first, last));
            run = Some((from, last));
            let is_longer = |(begin, end): Span| last.since(from) > end.since(begin);
            if longest.is_none_or(is_longer) {
                longest = run;
            }
        }
        longest.filter(|_| !self.is_cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_seconds(1_795_000_000 / 3_600 * 3_600 + hour * 3_600 + 60)
    }

    /// Questions in each hour of these.
    fn reach(hours: impl Iterator<Item = i64>) -> Reach {
        let mut reach = Reach::default();
        hours.for_each(|hour| reach.met(at(hour), at(hour)));
        reach
    }

    fn longest(reach: &Reach, switched: &[i64]) -> Option<(Timestamp, Timestamp)> {
        reach.longest(&switched.iter().copied().map(at).collect())
    }

    #[test]
    fn a_silent_day_ends_what_was_written_down() {
        // An hour on the first day, and one on the tenth.
        let toggled = reach([0, 9 * DAY].into_iter());
        assert_eq!(toggled.span(), Some((at(0), at(9 * DAY))));
        assert_eq!(longest(&toggled, &[]), Some((at(0), at(0))));
        let longer_after = reach((0..DAY).chain(3 * DAY..9 * DAY));
        let wanted = (at(3 * DAY), at(9 * DAY - 1));
        assert_eq!(longest(&longer_after, &[]), Some(wanted));
        // Its twin: nights without a question.
        let nights = reach((0..9 * DAY).filter(|hour| hour % DAY < 8));
        assert_eq!(longest(&nights, &[]), nights.span());
    }

    #[test]
    fn a_switch_ends_it_and_its_hour_belongs_to_nobody() {
        let all = reach(0..9 * DAY);
        let mut early = all.clone();
        early.hours.retain(|_, (first, _)| *first > at(2 * DAY));
        assert_eq!(longest(&all, &[2 * DAY]), early.span());
        // Off and on again between two questions.
        let gap = reach((0..DAY).chain(DAY + 5..3 * DAY));
        let wanted = (at(DAY + 5), at(3 * DAY - 1));
        assert_eq!(longest(&gap, &[DAY + 1, DAY + 3]), Some(wanted));
        assert_eq!(longest(&gap, &[9 * DAY]), gap.span());
        assert_eq!(longest(&Reach::default(), &[]), None);
    }

    #[test]
    fn hours_are_bounded_and_what_is_not_known_is_no_reach() {
        let many = reach((0..).step_by(2).take(HOURS_MAX + 1));
        assert_eq!(many.hours.len(), HOURS_MAX);
        assert_eq!(longest(&many, &[]), None);
        assert!(many.span().is_some());
    }
}
