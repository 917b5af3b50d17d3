//! The discovery curve: how fast new dependencies still come in, and how many more as long a watch would find.
//!
//! What is used rarely is met late. The times of first meeting therefore tell how many are still to come: for any mixture of
//! rates the pace of discovery only falls (Good and Toulmin 1956; Efron and Thisted 1976). The curve is taken from a family of
//! such paces, `(1 + t/b)^-p` (a gamma mixture of rates; `p` = 0 is a steady pace, large `p` and `b` an exponential one), and
//! beside it from what calendars do and no mixture of rates does: jobs that come once in a week, a month or a quarter
//! arrive at a steady pace until that time is over, and then not one. Every curve of the grid counts as much as the
//! discoveries speak for it, so the interval holds what cannot be told apart.
//!
//! Discoveries come in heaps (a machine that wakes brings ten dependencies). How much more uneven they came than
//! independent ones would is measured and widens the interval (quasi-likelihood, Wedderburn 1974).

use crate::silence::{Days, Silence};
use crate::spread::{Interval, Possibility, interval};

/// Fewest dependencies a curve is drawn through.
pub const DISCOVERIES_MIN: usize = 20;
/// Fewest days watched.
pub const DAYS_MIN: f64 = 2.0;
/// What comes every day is known after this; the curve begins here.
const FIRST_DAY: f64 = 1.0;
/// Share of the watch that is left out, for what is in use all the time.
const BEGIN: f64 = 0.1;
/// Powers and bends (in watches) of the paces that are tried.
const POWERS: [f64; 10] = [0.0, 0.4, 0.7, 1.0, 1.4, 2.0, 3.0, 4.5, 7.0, 11.0];
const BENDS: [f64; 5] = [0.03, 0.1, 0.3, 1.0, 4.0];
/// Days after which a job comes again, and shares of the discoveries such jobs may be.
const ROUNDS: [f64; 3] = [7.0, 30.44, 91.3];
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
/// How much is believed of rounds before anything is seen.
const ROUNDS_BELIEVED: f64 = 0.4;
/// How uneven discoveries are taken to be before anything is seen, and how many bins that belief weighs.
const UNEVEN: f64 = 1.6;
const UNEVEN_BINS: f64 = 5.0;
/// An interval wider than the known dependencies times this is no answer.
const WIDE: f64 = 1.0;

/// How many dependencies are still unseen, and how soon they would show.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Curve {
    /// Dependencies nobody knows yet that show within another watch as long as this one.
    pub unseen: Interval,
    /// Days of more watching until half of them are found; `None` where the middle is below one.
    pub halves_in_days: Option<f64>,
    /// How long was watched, in days; also how far ahead this speaks.
    pub watched_days: f64,
}

/// Draws the curve. `discovered` holds for each known dependency how many days after the watch began it was first known
/// (0 or less: from the beginning); `watched_days` is how long was watched. Order does not matter.
///
/// # Errors
///
/// [`Silence`] where the watch was shorter than [`DAYS_MIN`] or found less than [`DISCOVERIES_MIN`].
pub fn unseen_dependencies(discovered: &[f64], watched_days: f64) -> Result<Curve, Silence> {
    if !watched_days.is_finite() || watched_days < DAYS_MIN {
        return Err(Silence::ShortWatch(Days(watched_days)));
    }
    if discovered.len() < DISCOVERIES_MIN {
        return Err(Silence::FewDiscoveries(discovered.len()));
    }
    let bins = Bins::of(discovered, watched_days);
    let paces = paces(watched_days);
    let even = bins.weights(&paces, 1.0);
    let uneven = bins.unevenness(&paces, &even);
    let weights = bins.weights(&paces, uneven);
    let unseen = interval(&possibilities(&bins, &paces, &weights, uneven));
    if unseen.high - unseen.low > WIDE * discovered.len() as f64 {
        return Err(Silence::StillGrowing(unseen));
    }
    Ok(Curve {
        unseen,
        halves_in_days: (unseen.middle >= 1.0).then(|| halving(&bins, &paces, &weights)),
        watched_days,
    })
}

/// A pace of discovery.
#[derive(Clone, Copy, Debug)]
struct Pace {
    believed: f64,
    power: f64,
    bend: f64,
    /// Days of the round, and the share of discoveries (after the begin) that come round.
    round: Option<(f64, f64)>,
}

fn paces(watched: f64) -> Vec<Pace> {
    let rounds: Vec<f64> = ROUNDS
        .into_iter()
        .filter(|round| *round > FIRST_DAY.max(watched * BEGIN) && *round < 2.0 * watched)
        .collect();
    let choices = rounds
        .iter()
        .flat_map(|round| SHARES.map(|share| Some((*round, share))));
    let choices: Vec<_> = std::iter::once(None).chain(choices).collect();
    let each = ROUNDS_BELIEVED / (choices.len() - 1).max(1) as f64;
    let believed = |round: Option<_>| match round {
        Some(_) => each,
        None if choices.len() == 1 => 1.0,
        None => 1.0 - ROUNDS_BELIEVED,
    };
    let mut paces = Vec::new();
    for round in &choices {
        for power in POWERS {
            for bend in BENDS {
                paces.push(Pace {
                    believed: believed(*round),
                    power,
                    bend: bend * watched,
                    round: *round,
                });
            }
        }
    }
    paces
}

impl Pace {
    /// Discoveries between two moments, in shares of those between `begin` and `end`.
    fn between(&self, from: f64, to: f64, begin: f64, end: f64) -> f64 {
        let smooth =
            (self.smooth(to) - self.smooth(from)) / (self.smooth(end) - self.smooth(begin));
        let Some((round, share)) = self.round else {
            return smooth;
        };
        let steady = (to.min(round) - from.min(round)) / (end.min(round) - begin.min(round));
        smooth * (1.0 - share) + steady * share
    }

    /// The smooth part, summed from 0 to `days`.
    fn smooth(&self, days: f64) -> f64 {
        let stretched = (days / self.bend).ln_1p();
        let left = 1.0 - self.power;
        if left.abs() < 1e-9 {
            return stretched;
        }
        (left * stretched).exp_m1() / left
    }
}

/// Discoveries after the begin, counted in equal stretches of time.
struct Bins {
    begin: f64,
    end: f64,
    counts: Vec<f64>,
}

impl Bins {
    fn of(discovered: &[f64], watched: f64) -> Self {
        let begin = FIRST_DAY.max(watched * BEGIN);
        let many = ((watched - begin) * 2.0).ceil().clamp(4.0, 60.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 4 and 60; later a place among them"
        )]
        let place = |share: f64| share as usize;
        let mut counts = vec![0.0; place(many)];
        for at in discovered.iter().filter(|at| **at > begin) {
            let share = (at - begin) / (watched - begin) * many;
            let last = counts.len() - 1;
            if let Some(count) = counts.get_mut(place(share).min(last)) {
                *count += 1.0;
            }
        }
        Self {
            begin,
            end: watched,
            counts,
        }
    }

    fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// For each bin its share of all discoveries by this pace.
    fn shares(&self, pace: &Pace) -> impl Iterator<Item = f64> {
        let width = (self.end - self.begin) / self.counts.len() as f64;
        (0..self.counts.len()).map(move |at| {
            let from = self.begin + width * at as f64;
            pace.between(from, from + width, self.begin, self.end)
        })
    }

    /// How much the discoveries speak for each pace; adds up to one.
    fn weights(&self, paces: &[Pace], uneven: f64) -> Vec<f64> {
        let fits: Vec<f64> = paces
            .iter()
            .map(|pace| {
                let fit = self.counts.iter().zip(self.shares(pace));
                // A bin without discoveries says what it says by its share missing in the others.
                fit.filter(|(count, _)| **count > 0.0)
                    .map(|(count, share)| count * share.max(1e-12).ln())
                    .sum::<f64>()
                    / uneven
            })
            .collect();
        let best = fits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights = paces.iter().zip(&fits);
        let weights: Vec<f64> = weights
            .map(|(pace, fit)| pace.believed * (fit - best).exp())
            .collect();
        let all: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / all).collect()
    }

    /// Pearson's measure of how much more uneven the discoveries are than independent ones; at least 1.
    fn unevenness(&self, paces: &[Pace], weights: &[f64]) -> f64 {
        let mut expected = vec![0.0; self.counts.len()];
        for (pace, weight) in paces.iter().zip(weights) {
            for (bin, share) in expected.iter_mut().zip(self.shares(pace)) {
                *bin += share * weight * self.total();
            }
        }
        let off = self.counts.iter().zip(&expected).filter(|(_, e)| **e > 0.0);
        let off: f64 = off
            .map(|(count, e)| (count - e).powi(2) / e.max(0.05))
            .sum();
        let free = (self.counts.len() as f64 - 2.0).max(1.0);
        ((off + UNEVEN * UNEVEN_BINS) / (free + UNEVEN_BINS)).max(1.0)
    }
}

/// What the next watch may find, by each pace.
fn possibilities(bins: &Bins, paces: &[Pace], weights: &[f64], uneven: f64) -> Vec<Possibility> {
    let shape = bins.total() / uneven + 0.5;
    let ahead = |pace: &Pace| pace.between(bins.end, 2.0 * bins.end, bins.begin, bins.end);
    paces
        .iter()
        .zip(weights)
        .map(|(pace, weight)| Possibility {
            weight: *weight,
            mean: shape * ahead(pace).max(0.0),
            shape,
            scale: uneven,
        })
        .collect()
}

/// Days after which half of what the next watch finds is found, by all paces together.
fn halving(bins: &Bins, paces: &[Pace], weights: &[f64]) -> f64 {
    let found = |days: f64| -> f64 {
        let each = paces.iter().zip(weights);
        each.map(|(pace, weight)| {
            weight * pace.between(bins.end, bins.end + days, bins.begin, bins.end)
        })
        .sum()
    };
    let half = found(bins.end) / 2.0;
    let (mut low, mut high) = (0.0, bins.end);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if found(middle) < half {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `many` known from the first moment, and the others spread evenly from `from` to `to`.
    fn spread(many: usize, others: usize, from: f64, to: f64) -> Vec<f64> {
        let each = (to - from) / others.max(1) as f64;
        let later = (0..others).map(|at| from + each * (at as f64 + 0.5));
        std::iter::repeat_n(0.0, many).chain(later).collect()
    }

    #[test]
    fn an_estate_that_shows_nothing_new_is_seen() {
        let curve = unseen_dependencies(&spread(300, 0, 0.0, 0.0), 14.0).unwrap();
        assert!(
            curve.unseen.middle < 1.0 && curve.unseen.high <= 2.0,
            "{curve:?}"
        );
        assert_eq!(curve.halves_in_days, None, "nothing to halve");
    }

    #[test]
    fn what_stopped_coming_in_early_is_not_expected_later() {
        let stopped = unseen_dependencies(&spread(300, 60, 0.0, 4.0), 20.0).unwrap();
        assert!(stopped.unseen.high <= 8.0, "{stopped:?}");
        let steady = unseen_dependencies(&spread(300, 60, 0.0, 20.0), 20.0).unwrap();
        assert!(steady.unseen.low > stopped.unseen.high, "{steady:?}");
        assert!(steady.unseen.high <= 90.0, "{steady:?}");
    }

    #[test]
    fn half_is_found_before_half_of_another_watch_is_over() {
        let curve = unseen_dependencies(&spread(100, 80, 0.0, 12.0), 12.0).unwrap();
        let halves = curve.halves_in_days.unwrap();
        assert!(0.5 < halves && halves <= 6.1, "{curve:?}");
    }

    #[test]
    fn a_week_of_new_things_may_have_been_the_weekly_jobs() {
        let curve = unseen_dependencies(&spread(200, 30, 0.0, 7.0), 7.0).unwrap();
        assert!(curve.unseen.low <= 6.0, "{curve:?}");
        assert!(
            curve.unseen.high >= 20.0,
            "they may as well go on: {curve:?}"
        );
    }

    #[test]
    fn too_little_makes_no_curve() {
        let many = spread(100, 0, 0.0, 0.0);
        for short in [0.0, 0.0003, 1.9, -3.0, f64::NAN, f64::INFINITY] {
            let silence = unseen_dependencies(&many, short).unwrap_err();
            assert!(matches!(silence, Silence::ShortWatch(_)), "{short}");
        }
        let few = unseen_dependencies(&spread(19, 0, 0.0, 0.0), 9.0).unwrap_err();
        assert_eq!(few, Silence::FewDiscoveries(19));
    }

    #[test]
    fn what_only_came_in_at_the_end_is_no_curve() {
        let sudden = unseen_dependencies(&spread(20, 900, 29.9, 30.0), 30.0);
        assert!(
            matches!(sudden, Err(Silence::StillGrowing(_))),
            "{sudden:?}"
        );
    }
}
