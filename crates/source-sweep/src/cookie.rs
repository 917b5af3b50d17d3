//! What a question says of itself: nothing is kept for it, and still only its own answer is believed.
//!
//! The sequence number of a SYN is a keyed hash of address and port (22 bits), and the time it left (10 bits, in steps of
//! 4 ms, so that 4 seconds come back once). Whoever answers returns it plus one (RFC 9293 §3.5), so an answer brings
//! along what it answers and when that was asked.

use std::net::IpAddr;
use std::time::Duration;

const TIME_BITS: u32 = 10;
const TIME_MASK: u32 = (1 << TIME_BITS) - 1;
const STEP_MS: u64 = 4;

/// The key of one sweep.
#[derive(Clone, Copy, Debug)]
pub struct Key(pub u64);

impl Key {
    /// The sequence number of a question that leaves `now`.
    pub fn sequence(self, to: IpAddr, port: u16, now: Duration) -> u32 {
        self.mark(to, port) << TIME_BITS | steps(now)
    }

    /// How long ago the question left whose sequence number came back; `None` if it never was ours. Round trips over
    /// four seconds are told shorter than they were.
    pub fn round_trip(
        self,
        from: IpAddr,
        port: u16,
        sequence: u32,
        now: Duration,
    ) -> Option<Duration> {
        (sequence >> TIME_BITS == self.mark(from, port)).then(|| {
            let ago = steps(now).wrapping_sub(sequence) & TIME_MASK;
            Duration::from_millis(u64::from(ago) * STEP_MS)
        })
    }

    fn mark(self, address: IpAddr, port: u16) -> u32 {
        let folded = match address {
            IpAddr::V4(v4) => u64::from(v4.to_bits()),
            // Halves of which each is mixed apart: neighbours differ in the last bits alone.
            IpAddr::V6(v6) => v6.segments().chunks(4).fold(0, |sum: u64, half| {
                let half = half
                    .iter()
                    .fold(0, |bits: u64, part| bits << 16 | u64::from(*part));
                (sum ^ half)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(31)
            }),
        };
        let mut x = (folded << 16 ^ folded >> 48 ^ u64::from(port)) ^ self.0;
        // A finaliser of splitmix64: every bit of the input moves every bit of the output.
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((x ^ (x >> 31)) >> 42).unwrap_or(0)
    }
}

fn steps(now: Duration) -> u32 {
    let steps = u64::try_from(now.as_millis()).unwrap_or(0) / STEP_MS;
    u32::try_from(steps & u64::from(TIME_MASK)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_answer_brings_its_round_trip_and_a_stranger_nothing(
            key in any::<u64>(), six in any::<bool>(), bits in any::<u32>(), port in any::<u16>(), at in 0_u64..10_000_000, took in 0_u64..4_000
        ) {
            let to: IpAddr = if six { Ipv6Addr::from_bits(u128::from(bits) << 40).into() } else { Ipv4Addr::from_bits(bits).into() };
            let key = Key(key);
            let sent = key.sequence(to, port, Duration::from_millis(at));
            let now = Duration::from_millis(at + took);
            let told = key.round_trip(to, port, sent, now).unwrap().as_millis();
            prop_assert!(told.abs_diff(u128::from(took)) < 5);
            let other = Key(key.0 ^ 0x5555_1234);
            prop_assert!(other.round_trip(to, port, sent, now).is_none() || other.mark(to, port) == key.mark(to, port));
        }
    }

    #[test]
    fn few_guesses_are_believed() {
        let key = Key(0x1234_5678_9abc_def0);
        let to = IpAddr::from([10, 0, 0, 5]);
        let hits = (0..100_000_u32).filter(|n| {
            key.round_trip(to, 80, n.wrapping_mul(2_654_435_761), Duration::ZERO)
                .is_some()
        });
        assert!(hits.count() < 5);
    }

    #[test]
    fn neighbours_of_ipv6_have_marks_of_their_own() {
        let key = Key(7);
        let marks: std::collections::BTreeSet<u32> = (0..1_000_u128)
            .map(|n| key.mark(Ipv6Addr::from_bits(0x2001_0db8 << 96 | n).into(), 443))
            .collect();
        assert!(marks.len() > 990);
    }
}
