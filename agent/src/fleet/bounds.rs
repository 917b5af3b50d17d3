//! What of a policy is done on this machine, whatever a collector asks: its owner has to bear it.
//!
//! What concerns the network is bounded by the ceiling file besides (`groma_source::manners`), which no policy can raise.

use groma_model::fleet::Policy;

/// No collector makes this machine look more often.
const LOOK_EVERY_MIN_S: u64 = 300;
const LOOK_EVERY_MAX_S: u64 = 30 * 86_400;
/// Nor watch longer.
const WATCH_MAX_S: u64 = 3600;
const BEAT_EVERY_MIN_S: u64 = 10;
const BEAT_EVERY_MAX_S: u64 = 3600;
/// Names of sources, networks.
const WORDS_MAX: usize = 256;
/// Packets of one vantage in any second: the manners have the last word, this is the first.
const PACKETS_MAX: u32 = 200;

/// The policy within the bounds of this machine.
pub(crate) fn within_bounds(policy: &Policy) -> Policy {
    let mut bounded = policy.clone();
    bounded.look_every_s = policy
        .look_every_s
        .clamp(LOOK_EVERY_MIN_S, LOOK_EVERY_MAX_S);
    bounded.watch_s = policy
        .watch_s
        .min(WATCH_MAX_S)
        .min(bounded.look_every_s / 2);
    bounded.beat_every_s = policy
        .beat_every_s
        .clamp(BEAT_EVERY_MIN_S, BEAT_EVERY_MAX_S);
    bounded.sources.truncate(WORDS_MAX);
    if let Some(sweep) = &mut bounded.sweep {
        sweep.targets.truncate(WORDS_MAX);
        sweep.excluded.truncate(WORDS_MAX);
        sweep.packets_per_second = sweep.packets_per_second.clamp(1, PACKETS_MAX);
    }
    bounded
}

#[cfg(test)]
mod tests {
    use groma_model::fleet::SweepWish;

    use super::*;

    #[test]
    fn a_hostile_policy_becomes_a_bearable_one() {
        let hostile = Policy {
            version: u64::MAX,
            look_every_s: 0,
            watch_s: u64::MAX,
            sources: vec!["x".to_owned(); 100_000],
            beat_every_s: 0,
            sweep: Some(SweepWish {
                targets: vec!["0.0.0.0/0".to_owned(); 100_000],
                excluded: Vec::new(),
                packets_per_second: u32::MAX,
            }),
        };
        let bounded = within_bounds(&hostile);
        assert_eq!(
            (bounded.look_every_s, bounded.watch_s, bounded.beat_every_s),
            (300, 150, 10)
        );
        let sweep = bounded.sweep.unwrap();
        assert_eq!(
            (
                sweep.packets_per_second,
                sweep.targets.len(),
                bounded.sources.len()
            ),
            (200, 256, 256)
        );
    }

    #[test]
    fn the_usual_policy_is_within_them() {
        assert_eq!(within_bounds(&Policy::default()), Policy::default());
    }
}
