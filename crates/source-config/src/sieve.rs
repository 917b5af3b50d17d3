//! Where a text may name a machine: one pass over its bytes.
//!
//! Sixty-four bytes are asked together, by comparisons without a branch of which the compiler makes vector
//! instructions. Only a block in which the sign of a URL or a dot between digits may stand is searched for its place; lines
//! are counted, and marks of comments looked for, as far as a candidate stands.

use memchr::{memchr_iter, memchr2};

/// Bytes that are asked together.
const BLOCK: usize = 64;
/// With them the byte behind.
const WINDOW: usize = BLOCK + 1;

/// Bytes that are searched for the mark of a comment at once.
const AHEAD: usize = 4096;

/// The candidates of one text, in order.
pub(crate) struct Sieve<'t> {
    bytes: &'t [u8],
    /// Where the block begins that is looked at now, and whether a candidate may stand in it.
    block: usize,
    is_hot: bool,
    /// Lines that end before the byte up to which they were counted.
    lines: u32,
    counted: usize,
    /// True once a letter was met that opens a comment of more than one line, and up to where none was.
    has_marks: bool,
    unmarked: usize,
}

impl<'t> Sieve<'t> {
    pub(crate) fn new(bytes: &'t [u8]) -> Self {
        let mut sieve = Self {
            bytes,
            block: 0,
            is_hot: false,
            lines: 0,
            counted: 0,
            has_marks: false,
            unmarked: 0,
        };
        sieve.look();
        sieve
    }

    /// The next candidate from `from` on: the colon of `://`, or a dot between digits. What was passed once is
    /// not looked at again.
    pub(crate) fn next(&mut self, from: usize) -> Option<usize> {
        loop {
            let end = self.block.saturating_add(BLOCK).min(self.bytes.len());
            let start = from.max(self.block);
            if self.is_hot
                && start < end
                && let Some(hit) = candidate(self.bytes, start, end)
            {
                return Some(hit);
            }
            if end >= self.bytes.len() {
                return None;
            }
            self.block = end;
            self.look();
        }
    }

    /// The number of the line, counted from 1, in which the byte at `start` stands. Who asks goes forward.
    pub(crate) fn line_at(&mut self, start: usize) -> u32 {
        if let Some(passed) = self.bytes.get(self.counted..start) {
            self.lines = self.lines.saturating_add(ends_in(passed));
            self.counted = start;
        }
        self.lines.saturating_add(1)
    }

    /// True if a `!` or a `*` stands before `at`, or not far behind; without one, no comment does.
    pub(crate) fn has_marks(&mut self, at: usize) -> bool {
        if !self.has_marks && self.unmarked < at {
            let end = at.saturating_add(AHEAD).min(self.bytes.len());
            let rest = self.bytes.get(self.unmarked..end).unwrap_or_default();
            self.has_marks = memchr2(b'!', b'*', rest).is_some();
            self.unmarked = end;
        }
        self.has_marks
    }

    fn look(&mut self) {
        let rest = self.bytes.get(self.block..).unwrap_or_default();
        // What is shorter than a window is searched.
        self.is_hot = rest.first_chunk().is_none_or(may_hold_one);
    }
}

fn ends_in(bytes: &[u8]) -> u32 {
    u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

/// The two bytes asked for tell nearly every block without a candidate apart.
fn may_hold_one(window: &[u8; WINDOW]) -> bool {
    let [_, behind @ ..] = window;
    let mut found = 0_u8;
    for (here, next) in window.iter().zip(behind) {
        let is_sign = u8::from(*here == b':') & u8::from(*next == b'/');
        let is_dot = u8::from(*here == b'.') & u8::from(next.wrapping_sub(b'0') < 10);
        found |= is_sign | is_dot;
    }
    found != 0
}

/// Where one of two bytes stands, block by block and in no order within one: for what stands in every line, where a search
/// that starts again behind each hit costs more than to ask all bytes.
pub(crate) fn places_of(a: u8, b: u8, bytes: &[u8]) -> impl Iterator<Item = usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let behind = bytes.len() - rest.len();
    let of_blocks = blocks.iter().enumerate().flat_map(move |(number, block)| {
        let bits = Bits(bits_of(a, b, block));
        bits.map(move |at| number * BLOCK + at)
    });
    let of_rest = rest.iter().enumerate();
    let is_one = move |(at, byte): (usize, &u8)| (*byte == a || *byte == b).then_some(behind + at);
    of_blocks.chain(of_rest.filter_map(is_one))
}

/// The bit that stands for a byte of a block: eight bytes beside each other have the same one, each in a byte of its own.
#[rustfmt::skip]
const BIT_OF: [u8; BLOCK] = [
    1, 1, 1, 1, 1, 1, 1, 1,
    2, 2, 2, 2, 2, 2, 2, 2,
    4, 4, 4, 4, 4, 4, 4, 4,
    8, 8, 8, 8, 8, 8, 8, 8,
    16, 16, 16, 16, 16, 16, 16, 16,
    32, 32, 32, 32, 32, 32, 32, 32,
    64, 64, 64, 64, 64, 64, 64, 64,
    128, 128, 128, 128, 128, 128, 128, 128,
];

/// A bit for each byte of a block that is one of the two.
fn bits_of(a: u8, b: u8, block: &[u8; BLOCK]) -> u64 {
    let mut found = [0_u8; BLOCK];
    for ((bit, byte), own) in found.iter_mut().zip(block).zip(&BIT_OF) {
        *bit = if (*byte == a) | (*byte == b) { *own } else { 0 };
    }
    let (eights, _) = found.as_chunks::<8>();
    let bits = eights.iter().map(|eight| u64::from_le_bytes(*eight));
    bits.fold(0, |all, bits| all | bits)
}

/// The places in their block of the bits that are set.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let lowest = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        let bit = usize::try_from(lowest).ok().filter(|bit| *bit < BLOCK)?;
        Some(bit % 8 * 8 + bit / 8)
    }
}

/// The first candidate from `at` on and before `end`.
pub(crate) fn candidate(bytes: &[u8], mut at: usize, end: usize) -> Option<usize> {
    loop {
        let hit = at + memchr2(b':', b'.', bytes.get(at..end)?)?;
        let digit = |n: usize| bytes.get(n).is_some_and(u8::is_ascii_digit);
        let is_candidate = match bytes.get(hit) {
            Some(b':') => bytes.get(hit + 1..hit + 3) == Some(b"//"),
            _ => digit(hit + 1) && hit > 0 && digit(hit - 1),
        };
        if is_candidate {
            return Some(hit);
        }
        at = hit + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every candidate with the number of its line, as one look at each byte tells it.
    fn one_by_one(bytes: &[u8]) -> Vec<(usize, u32)> {
        let number = |at: usize| {
            let ends = bytes[..at].iter().filter(|b| **b == b'\n').count();
            u32::try_from(ends).unwrap() + 1
        };
        let is_candidate = |at: &usize| {
            let sign = bytes[*at..].starts_with(b"://");
            let digit = |n: usize| bytes.get(n).is_some_and(u8::is_ascii_digit);
            sign || (bytes[*at] == b'.' && *at > 0 && digit(at - 1) && digit(at + 1))
        };
        let all = (0..bytes.len()).filter(is_candidate);
        all.map(|at| (at, number(at))).collect()
    }

    fn sieved(bytes: &[u8]) -> Vec<(usize, u32)> {
        let (mut sieve, mut out, mut at) = (Sieve::new(bytes), Vec::new(), 0);
        while let Some(hit) = sieve.next(at) {
            let start = bytes[..hit].iter().rposition(|b| *b == b'\n');
            out.push((hit, sieve.line_at(start.map_or(0, |n| n + 1))));
            at = hit + 1;
        }
        out
    }

    #[test]
    fn blocks_find_what_a_look_at_every_byte_finds() {
        for shift in 0..140 {
            for piece in ["://", "1.2", "10.0.0.1:80", ".1", "1.", ":/", "a://b"] {
                for rest in [0, 1, 2, 63, 64, 65, 200] {
                    let text = format!("{}{piece}{}", "x\n".repeat(shift), "y ".repeat(rest));
                    let bytes = text.as_bytes();
                    let from = shift % 2;
                    assert_eq!(sieved(&bytes[from..]), one_by_one(&bytes[from..]), "{text}");
                }
            }
        }
    }

    #[test]
    fn a_mark_is_met_before_what_stands_behind_it() {
        for before in [0, 63, 64, 5_000, 9_000] {
            let text = format!("{}!{}", "x".repeat(before), "y".repeat(9_000));
            let mut sieve = Sieve::new(text.as_bytes());
            for at in (0..text.len()).step_by(17) {
                assert!(sieve.has_marks(at) || at <= before, "{before} {at}");
            }
        }
        let plain = "x".repeat(9_000);
        let mut sieve = Sieve::new(plain.as_bytes());
        assert!((0..plain.len()).all(|at| !sieve.has_marks(at)));
    }

    #[test]
    fn places_are_those_a_look_at_every_byte_finds() {
        groma_fuzz::hammer(2_000, &[&b"a = b : c\n==::".repeat(12)], |bytes| {
            let one_by_one = bytes.iter().enumerate();
            let one_by_one = one_by_one.filter(|(_, b)| matches!(b, b'=' | b':'));
            let expected: Vec<usize> = one_by_one.map(|(at, _)| at).collect();
            let mut places: Vec<usize> = places_of(b'=', b':', bytes).collect();
            places.sort_unstable();
            assert_eq!(places, expected);
        });
    }

    #[test]
    fn no_bytes_tell_the_two_apart() {
        let corpus: [&[u8]; 3] = [
            b"url = https://a.corp:80/x\n  server 10.0.0.1:80;\n# words 1.5 and more of them, 2.\n",
            b"://1.1.1.1\n\n\n://",
            b"1.2.3.4.5.6.7.8.9.0\n:::///...",
        ];
        groma_fuzz::hammer(3_000, &corpus, |bytes| {
            assert_eq!(sieved(bytes), one_by_one(bytes));
        });
    }
}
