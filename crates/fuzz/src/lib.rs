//! A small, stable mutator: every parser of foreign bytes is hammered with it under `cargo test`.
//!
//! It needs no nightly compiler and no corpus on disk. The same seed gives the same input on every
//! machine, so a failure is replayed by its number: `groma_fuzz::mutate(seed, corpus)`.
//! How hard it hammers is the caller's word, times `GROMA_FUZZ_FACTOR` (default 1; `tests/run --full` sets more).
#![forbid(unsafe_code)]

/// A xorshift generator: small, fast, the same everywhere.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A generator for `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.next_bits() % bound).unwrap_or(0)
    }
}

/// Pieces that break parsers: lengths, terminators, nesting, encodings.
const SPITEFUL: &[&[u8]] = &[
    b"\x00",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\r\n",
    b"\n\n",
    b"\\\n",
    b"\"",
    b"'",
    b"${",
    b"%(",
    b"[[[[[[[[",
    b"{{{{{{{{",
    b"((((((((",
    b"<<<<",
    b"&amp;&#0;",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"..",
    b"/../",
    b"://",
    b"@",
    b":",
    b"=",
    b"#",
    b"-----BEGIN",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"\x1b[2J",
    b"=cmd|",
    b"<script>",
];

/// One input made from `corpus` by `seed`: flips, cuts, repeats, splices, spiteful pieces.
pub fn mutate(seed: u64, corpus: &[&[u8]]) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut bytes = corpus
        .get(chance.below(corpus.len()))
        .map_or_else(Vec::new, |b| b.to_vec());
    for _ in 0..=chance.below(8) {
        alter(&mut chance, &mut bytes, corpus);
    }
    bytes.truncate(1 << 20);
    bytes
}

fn alter(chance: &mut Chance, bytes: &mut Vec<u8>, corpus: &[&[u8]]) {
    let at = chance.below(bytes.len() + 1);
    match chance.below(7) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        1 => bytes.truncate(at),
        2 => {
            let end = (at + chance.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => {
            let end = (at + chance.below(64)).min(bytes.len());
            let piece: Vec<u8> = bytes.get(at..end).unwrap_or_default().to_vec();
            let many = 1 + chance.below(32);
            bytes.splice(at..at, std::iter::repeat_n(piece, many).flatten());
        }
        4 => {
            let piece = SPITEFUL
                .get(chance.below(SPITEFUL.len()))
                .copied()
                .unwrap_or_default();
            bytes.splice(at..at, piece.iter().copied());
        }
        5 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = u8::try_from(chance.below(256)).unwrap_or(0);
            }
        }
        _ => {
            let other = corpus
                .get(chance.below(corpus.len()))
                .copied()
                .unwrap_or_default();
            let from = chance.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(other.get(from..).unwrap_or_default());
        }
    }
}

/// Feeds `rounds` mutated inputs (and the corpus itself) to `parse`; a panic names its seed.
pub fn hammer(rounds: u64, corpus: &[&[u8]], parse: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    for bytes in corpus {
        parse(bytes);
    }
    let factor = std::env::var("GROMA_FUZZ_FACTOR")
        .ok()
        .and_then(|f| f.parse().ok())
        .unwrap_or(1_u64);
    for seed in 0..rounds.saturating_mul(factor) {
        let input = mutate(seed, corpus);
        if let Err(panic) = std::panic::catch_unwind(|| parse(&input)) {
            let shown: String = input
                .iter()
                .take(200)
                .flat_map(|b| b.escape_ascii())
                .map(char::from)
                .collect();
            let why = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            panic!(
                "seed {seed} broke the parser ({}): {shown}",
                why.unwrap_or_default()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_input() {
        let corpus: &[&[u8]] = &[b"key = value\n", b"[section]\n"];
        assert_eq!(mutate(7, corpus), mutate(7, corpus));
        assert_ne!(mutate(7, corpus), mutate(8, corpus));
    }

    #[test]
    #[should_panic(expected = "seed")]
    fn a_panic_names_its_seed() {
        hammer(1000, &[b"abc"], |bytes| {
            assert!(bytes.len() < 100, "too long")
        });
    }
}
