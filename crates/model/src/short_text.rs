//! Text that is nearly always short, kept where it is used instead of on the heap.
//!
//! An estate of ten thousand hosts carries millions of ids through the stages. Kept in place they are copied
//! without the allocator and compared without following a pointer.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that fit in place: the longest id of ours (`ent-` and 32 digits) and two more.
const IN_PLACE: usize = 38;

/// A text that never changes; up to 38 bytes of it need no heap.
#[derive(Clone)]
pub(crate) struct ShortText(Kept);

#[derive(Clone)]
enum Kept {
    InPlace { length: u8, bytes: [u8; IN_PLACE] },
    OnHeap(Box<str>),
}

impl ShortText {
    pub(crate) fn new(text: &str) -> Self {
        let mut bytes = [0; IN_PLACE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Kept::InPlace { length, bytes })
            }
            _ => Self(Kept::OnHeap(text.into())),
        }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes())
            .expect("only `new` writes the bytes, and it takes them from a `str` as a whole")
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::InPlace { length, bytes } => bytes.get(..usize::from(*length)).unwrap_or(bytes),
            Kept::OnHeap(text) => text.as_bytes(),
        }
    }
}

impl PartialEq for ShortText {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (
                Kept::InPlace { length, bytes },
                Kept::InPlace {
                    length: other_length,
                    bytes: other_bytes,
                },
            ) => {
                // Word by word, in line: ids are compared by the million.
                length == other_length
                    && WORDS
                        .into_iter()
                        .all(|at| word(bytes, at) == word(other_bytes, at))
            }
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for ShortText {}

impl PartialOrd for ShortText {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ShortText {
    /// The order of the texts. What lies in place is padded with NUL, the first of all bytes, so that whole words tell it; only texts that
    /// end in NUL themselves need their lengths.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (
                Kept::InPlace { length, bytes },
                Kept::InPlace {
                    length: other_length,
                    bytes: other_bytes,
                },
            ) => WORDS
                .into_iter()
                .map(|at| word(bytes, at).cmp(&word(other_bytes, at)))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| length.cmp(other_length)),
            _ => self.as_bytes().cmp(other.as_bytes()),
        }
    }
}

/// Where the words begin that cover a text in place; the last one lies partly over the one before.
const WORDS: [usize; 5] = [0, 8, 16, 24, IN_PLACE - 8];

/// Digits of pi, so that texts of few bytes are multiplied with many.
const ODD: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];

/// Both halves of a product, so that each bit of it depends on all bits of both.
#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one).wrapping_mul(u128::from(other));
    (product as u64) ^ ((product >> 64) as u64)
}

/// Eight bytes as the number that stands in their order.
#[inline]
fn word(bytes: &[u8; IN_PLACE], at: usize) -> u64 {
    let eight = bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
    u64::from_be_bytes(eight.unwrap_or_default())
}

impl Hash for ShortText {
    /// One word stands for a text in place: two that every bit of it is in, of which the digits of two ids differ in both, multiplied and
    /// folded. A text on the heap equals none in place, so that it may be hashed otherwise.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Kept::InPlace { length, bytes } => {
                let [a, b, c, d, e] = WORDS.map(|at| word(bytes, at));
                let one = a ^ c.rotate_left(23) ^ e.rotate_left(47) ^ u64::from(*length);
                let other = b ^ d.rotate_left(31) ^ e;
                state.write_u64(folded(one ^ ODD[0], other ^ ODD[1]));
            }
            Kept::OnHeap(text) => text.hash(state),
        }
    }
}

impl Serialize for ShortText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ShortText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = ShortText;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<ShortText, E> {
                Ok(ShortText::new(text))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths() -> Vec<String> {
        let of = |length: usize| "é".repeat(length / 2) + if length % 2 == 1 { "x" } else { "" };
        (0..80).map(of).collect()
    }

    #[test]
    fn a_text_of_any_length_comes_back_as_it_was() {
        for text in lengths() {
            assert_eq!(ShortText::new(&text).as_str(), text);
        }
    }

    #[test]
    fn short_and_long_texts_stand_in_the_order_of_their_text() {
        let texts = lengths();
        for a in &texts {
            for b in &texts {
                assert_eq!(ShortText::new(a).cmp(&ShortText::new(b)), a.cmp(b));
                assert_eq!(ShortText::new(a) == ShortText::new(b), a == b);
            }
        }
    }

    #[test]
    fn texts_that_differ_anywhere_or_only_by_nul_stand_in_the_order_of_their_text() {
        let mut texts = vec!["\0".to_owned(), "\0\0".to_owned(), "ent-\0".to_owned()];
        for at in 0..IN_PLACE {
            let mut text = "e".repeat(IN_PLACE);
            text.replace_range(at..=at, "f");
            texts.push(text.clone());
            text.truncate(at);
            texts.push(text);
        }
        for a in &texts {
            for b in &texts {
                assert_eq!(
                    ShortText::new(a).cmp(&ShortText::new(b)),
                    a.cmp(b),
                    "{a:?} {b:?}"
                );
                assert_eq!(ShortText::new(a) == ShortText::new(b), a == b);
            }
        }
    }

    #[test]
    fn ids_made_one_after_the_other_seldom_hash_the_same() {
        use std::hash::BuildHasher;
        let state = std::collections::hash_map::RandomState::new();
        let of = |n: u32| state.hash_one(ShortText::new(&format!("ent-{n:032x}")));
        let hashes: std::collections::BTreeSet<u64> = (0..20_000).map(of).collect();
        assert_eq!(hashes.len(), 20_000);
        let short = |n: u32| state.hash_one(ShortText::new(&n.to_string()));
        let hashes: std::collections::BTreeSet<u64> = (0..20_000).map(short).collect();
        assert_eq!(hashes.len(), 20_000);
    }

    #[test]
    fn it_travels_as_plain_text() {
        for text in ["", "ent-0123", &"long".repeat(40)] {
            let json = serde_json::to_string(&ShortText::new(text)).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert!(serde_json::from_str::<ShortText>(&json).unwrap() == ShortText::new(text));
        }
    }
}
