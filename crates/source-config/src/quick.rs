//! Words of the knowledge, in tables that are asked millions of times in one look.
//!
//! The standard library's hasher guards tables whose keys strangers choose. The keys here are our own words: what
//! a stranger asks for can only be absent, so a multiplication over both ends of the word will do.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// A set of our own words.
pub(crate) type Words = HashSet<&'static str, QuickBuilder>;
/// Makes the hasher of such tables.
pub(crate) type QuickBuilder = BuildHasherDefault<Quick>;

/// The words of a list.
pub(crate) fn words(list: &'static [String]) -> Words {
    list.iter().map(String::as_str).collect()
}

/// Mixes the first and the last eight bytes of what it is given, and how many there are.
#[derive(Default)]
pub(crate) struct Quick(u64);

/// 2^64 divided by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Quick {
    fn mix(&mut self, piece: u64) {
        self.0 = (self.0 ^ piece).wrapping_mul(GOLDEN).rotate_left(29);
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0.wrapping_mul(GOLDEN)
    }

    fn write(&mut self, bytes: &[u8]) {
        match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                self.mix(u64::from_le_bytes(*first));
                self.mix(u64::from_le_bytes(*last));
            }
            _ => {
                let all = bytes.iter().fold(0, |all, b| all << 8 | u64::from(*b));
                self.mix(all);
            }
        }
        self.mix(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    // A text ends with this mark; its length has been mixed in already.
    fn write_u8(&mut self, _: u8) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_knows_its_words_and_no_others() {
        let list: &'static [String] = Box::leak(
            (0..2_000)
                .map(|n| format!("{}word{n}", "x".repeat(n % 20)))
                .collect(),
        );
        let words = words(list);
        assert!(list.iter().all(|word| words.contains(word.as_str())));
        assert!(!words.contains("word") && !words.contains(""));
    }
}
