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
        self.as_bytes() == other.as_bytes()
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
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for ShortText {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
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
    fn it_travels_as_plain_text() {
        for text in ["", "ent-0123", &"long".repeat(40)] {
            let json = serde_json::to_string(&ShortText::new(text)).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert!(serde_json::from_str::<ShortText>(&json).unwrap() == ShortText::new(text));
        }
    }
}
