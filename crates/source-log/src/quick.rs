//! A hash for keys a stranger can hardly choose: process numbers, addresses, accounts that were let in.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A table with that hash.
pub(crate) type QuickMap<K, V> = std::collections::HashMap<K, V, Seed>;

/// Odd, and without a pattern: the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Where the hash of one table begins, unlike that of any other.
#[derive(Clone)]
pub(crate) struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seed {
    type Hasher = Quick;
    fn build_hasher(&self) -> Quick {
        Quick(self.0)
    }
}

/// Eight bytes a turn, folded by a multiplication of 128 bits.
pub(crate) struct Quick(u64);

impl Quick {
    fn fold(&mut self, eight: u64) {
        let wide = u128::from(self.0 ^ eight) * u128::from(FACTOR);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            self.fold(u64::from_le_bytes(*eight));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.fold(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    fn write_u8(&mut self, n: u8) {
        self.fold(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.fold(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.fold(n as u64);
    }

    fn finish(&self) -> u64 {
        self.0.wrapping_mul(FACTOR) ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_keys_and_lengths_differ() {
        let seed = Seed::default();
        let mut met = std::collections::BTreeSet::new();
        for n in 0..2_000_u32 {
            met.insert(seed.hash_one(n));
            met.insert(seed.hash_one(n.to_string()));
            met.insert(seed.hash_one(vec![0_u8; n as usize]));
        }
        assert_eq!(met.len(), 6_000);
    }
}
