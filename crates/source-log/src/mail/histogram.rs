//! Lengths of time, so many of each, in little room: what half of them do not exceed, and 95 of 100.
//!
//! Each doubling is parted into sixteen steps of one width, so a length is told with an error of at most 1/32 (3.2 %), and
//! up to 31 milliseconds exactly. Only whole numbers are added up: in any order, and in any parts put together, the same comes out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Each doubling has two to the power of this many steps.
const STEP_BITS: u32 = 4;
const STEPS: u64 = 1 << STEP_BITS;
/// Lengths below this one have a step each.
const EXACT: u64 = 2 * STEPS;

/// How often each length was met.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub(crate) struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// Takes one length, in milliseconds.
    pub(crate) fn add(&mut self, millis: u64) {
        let known = self.0.entry(step(millis)).or_default();
        *known = known.saturating_add(1);
    }

    /// The lengths of another one too.
    pub(crate) fn join(&mut self, other: Self) {
        for (step, count) in other.0 {
            let known = self.0.entry(step).or_default();
            *known = known.saturating_add(count);
        }
    }

    /// In milliseconds, the shortest length that so many of 100 do not exceed; none where there is none at all.
    pub(crate) fn percentile(&self, percent: u8) -> Option<u64> {
        let counts = self.0.values().map(|count| u128::from(*count));
        let all: u128 = counts.sum();
        let rank = (all * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut passed = 0;
        let reached = self.0.iter().find(|(_, count)| {
            passed += u128::from(**count);
            passed >= rank
        });
        reached.map(|(step, _)| middle(*step))
    }
}

/// The step a length belongs to; longer ones have higher steps.
fn step(millis: u64) -> u16 {
    if millis < EXACT {
        return u16::try_from(millis).unwrap_or(u16::MAX);
    }
    let doubling = millis.ilog2() - STEP_BITS;
    let step = u64::from(doubling) * STEPS + (millis >> doubling);
    u16::try_from(step).unwrap_or(u16::MAX)
}

/// The middle of a step. One that no length has stands for the longest.
fn middle(step: u16) -> u64 {
    let step = u64::from(step);
    if step < EXACT {
        return step;
    }
    let doubling = step / STEPS - 1;
    let width = u32::try_from(doubling)
        .ok()
        .and_then(|doubling| 1_u64.checked_shl(doubling));
    let begin = width.and_then(|width| (STEPS + step % STEPS).checked_mul(width));
    begin
        .zip(width)
        .and_then(|(begin, width)| begin.checked_add(width / 2))
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by keeping every length.
    fn by_hand(lengths: &[u64], percent: usize) -> u64 {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
    }

    fn of(lengths: &[u64]) -> Histogram {
        let mut all = Histogram::default();
        lengths.iter().for_each(|length| all.add(*length));
        all
    }

    #[test]
    fn of_nothing_there_is_no_percentile() {
        assert_eq!(Histogram::default().percentile(95), None);
        assert_eq!(of(&[7]).percentile(50), Some(7));
    }

    proptest! {
        #[test]
        fn a_percentile_is_told_within_its_error(lengths in prop::collection::vec(prop_oneof![0..40_u64, 0..100_000_u64, 0..3_000_000_000_u64], 1..200), percent in 1..=100_u8) {
            let told = of(&lengths).percentile(percent).unwrap();
            let exact = by_hand(&lengths, percent.into());
            prop_assert!(told.abs_diff(exact) * 32 <= exact, "{told} for {exact}");
            if exact < EXACT {
                prop_assert_eq!(told, exact);
            }
        }

        #[test]
        fn the_order_of_parts_does_not_matter(one in prop::collection::vec(any::<u64>(), 0..50), other in prop::collection::vec(any::<u64>(), 0..50)) {
            let whole = of(&[one.clone(), other.clone()].concat());
            let mut forth = of(&one);
            forth.join(of(&other));
            let mut back = of(&other);
            back.join(of(&one));
            prop_assert_eq!(&forth, &whole);
            prop_assert_eq!(&back, &whole);
        }

        #[test]
        fn what_was_kept_by_somebody_else_makes_nothing_panic(steps in prop::collection::btree_map(any::<u16>(), any::<u64>(), 0..20)) {
            let mut planted = Histogram(steps);
            planted.join(planted.clone());
            for percent in [0, 50, 95, 100, u8::MAX] {
                planted.percentile(percent);
            }
        }

        #[test]
        fn longer_is_never_a_lower_step(one in any::<u64>(), other in any::<u64>()) {
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(step(less) <= step(more));
            prop_assert!(middle(step(less)) <= middle(step(more)));
        }
    }
}
