//! A word of a protocol, as `GSSAPI`: short, and kept without a place of its own in memory.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest word.
const LENGTH_MAX: usize = 32;

/// A word of letters, digits and `-_./`: nothing that a stranger could have made up to say more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Word {
    bytes: [u8; LENGTH_MAX],
    length: u8,
}

impl Word {
    /// `text` as a word, if it is one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::of_bytes(text.as_bytes())
    }

    /// The same of text that nobody looked at.
    pub(crate) fn of_bytes(text: &[u8]) -> Option<Self> {
        let length = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; LENGTH_MAX];
        let room = bytes.get_mut(..text.len())?;
        if text.is_empty() {
            return None;
        }
        for (to, from) in room.iter_mut().zip(text) {
            if !is_sound(*from) {
                return None;
            }
            *to = *from;
        }
        Some(Self { bytes, length })
    }

    /// The same of letters and digits.
    #[inline]
    pub(crate) fn of_sound(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; LENGTH_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let length = u8::try_from(text.len()).ok()?;
        Some(Self { bytes, length })
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.length))
            .unwrap_or_default()
    }
}

/// True for what a word is made of.
fn is_sound(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/')
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        Self::parse(&text).ok_or_else(|| D::Error::custom("no word"))
    }
}

impl std::hash::Hash for Word {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        // What stands behind its end is zero.
        let (eights, _) = self.bytes.as_chunks::<8>();
        for eight in eights.iter().take(usize::from(self.length).div_ceil(8)) {
            state.write_u64(u64::from_le_bytes(*eight));
        }
        state.write_u8(self.length);
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_or_no_word_is_none() {
        assert_eq!(
            Word::parse("SCRAM-SHA-256").unwrap().as_str(),
            "SCRAM-SHA-256"
        );
        for bad in ["", "a b", "ä", &"x".repeat(33), &"x".repeat(300)] {
            assert_eq!(Word::parse(bad), None, "{bad}");
        }
    }
}
