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
        let length = u8::try_from(text.len()).ok()?;
        let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
        let mut bytes = [0; LENGTH_MAX];
        let room = bytes.get_mut(..text.len())?;
        if text.is_empty() || !text.bytes().all(sound) {
            return None;
        }
        room.copy_from_slice(text.as_bytes());
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
        self.as_bytes().hash(state);
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
