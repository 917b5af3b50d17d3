//! Whatever comes in, an interval comes out in order, or a reason.

use groma_estimate::{unseen_dependencies, unseen_hosts};
use groma_fuzz::Chance;

fn in_order([low, middle, high]: [f64; 3]) {
    assert!(low.is_finite() && high.is_finite() && 0.0 <= low && low <= middle && middle <= high);
}

#[test]
fn any_histories_make_an_interval_in_order_or_a_reason() {
    let mut chance = Chance::new(3);
    for _ in 0..60 {
        let bits = [3, 7, 31, 63, usize::MAX][chance.below(5)];
        let many = chance.below(90);
        let one = chance.below(bits) as u32;
        let history = |chance: &mut Chance| match chance.below(3) {
            0 => one,
            _ => (chance.next_bits() as usize & bits) as u32,
        };
        let histories: Vec<u32> = (0..many).map(|_| history(&mut chance)).collect();
        match unseen_hosts(&histories) {
            Ok(missed) => in_order(missed.unseen.as_array()),
            Err(silence) => assert!(!silence.to_string().is_empty()),
        }
    }
}

#[test]
fn any_discoveries_make_an_interval_in_order_or_a_reason() {
    let mut chance = Chance::new(4);
    for _ in 0..300 {
        let watched = [2.0, 2.1, 7.0, 30.44, 400.0, 1e6, 1e12, f64::MAX][chance.below(8)];
        let strange = [f64::NAN, f64::INFINITY, -1.0, 1e300, watched, watched / 2.0];
        let at = |chance: &mut Chance| match chance.below(4) {
            0 => strange[chance.below(6)],
            _ => (chance.next_bits() >> 11) as f64 / (1u64 << 53) as f64 * watched,
        };
        let many = chance.below(400);
        let discovered: Vec<f64> = (0..many).map(|_| at(&mut chance)).collect();
        match unseen_dependencies(&discovered, watched) {
            Ok(curve) => {
                in_order(curve.unseen.as_array());
                assert!(curve.halves_in_days.is_none_or(|d| 0.0 < d && d <= watched));
            }
            Err(silence) => assert!(!silence.to_string().is_empty()),
        }
    }
}
