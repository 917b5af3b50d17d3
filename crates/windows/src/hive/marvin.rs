//! Marvin32, the hash that guards the entries of a log since Windows 8.1 (published by Microsoft with .NET).

use super::bytes::word;

/// The seed Windows uses for logs of hives.
const SEED: (u32, u32) = (0x7a4e_55c5, 0x82ef_4d88);

/// The hash of `bytes`, with the seed of logs.
pub(super) fn marvin(bytes: &[u8]) -> u64 {
    let mut state = SEED;
    let words = bytes.chunks_exact(4);
    // What is left after whole words, and the bit that ends it.
    let left = words.remainder().iter().rev();
    let end = left.fold(0x80_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    for four in words {
        state = mixed(state, word(four, 0).unwrap_or(0));
    }
    let (low, high) = mixed(mixed(state, end), 0);
    (u64::from(high) << 32) | u64::from(low)
}

fn mixed((low, high): (u32, u32), word: u32) -> (u32, u32) {
    let low = low.wrapping_add(word);
    let high = high ^ low;
    let low = low.rotate_left(20).wrapping_add(high);
    let high = high.rotate_left(9) ^ low;
    let low = low.rotate_left(27).wrapping_add(high);
    (low, high.rotate_left(19))
}
