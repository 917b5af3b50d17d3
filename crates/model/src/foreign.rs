//! Text that strangers wrote: paths, names, principals, descriptions.
//!
//! It is usually UTF-8, and then it stays readable; when it is not, not one byte is lost.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::path;

/// Foreign bytes, kept losslessly. UTF-8 is written as a string, anything else as `{"bytes": "66ff"}` (hex).
///
/// Windows names travel as WTF-8, so a lone surrogate survives as well. The path of a file stands in every fact
/// about it: copies share the bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Foreign(Arc<[u8]>);

impl Foreign {
    /// Keeps `bytes` as they are.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    /// The bytes as found.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// For a person: bytes that are not UTF-8 become U+FFFD. Control characters are *not* removed;
    /// every sink has its own escape.
    pub fn lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// True if nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True for a path of Windows, see [`path::is_of_windows`].
    pub fn is_of_windows(&self) -> bool {
        path::is_of_windows(&self.0)
    }

    /// The part after the last `/`; in a path of Windows after the last `\` too.
    pub fn file_name(&self) -> Self {
        Self(path::last_part(&self.0).into())
    }

    /// True if both are paths of one file: in a path of Windows the case of letters says nothing.
    pub fn is_same_file(&self, other: &Self) -> bool {
        path::is_same(&self.0, &other.0)
    }
}

impl From<&str> for Foreign {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Foreign {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lossy())
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.lossy())
    }
}

impl Serialize for Foreign {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.as_str() {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("bytes", &hex(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Foreign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrBytes)
    }
}

struct TextOrBytes;

impl<'de> Visitor<'de> for TextOrBytes {
    type Value = Foreign;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or {\"bytes\": hex}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Foreign, E> {
        Ok(Foreign::from(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Foreign, E> {
        Ok(Foreign::from(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Foreign, A::Error> {
        let mut bytes = None;
        while let Some(key) = map.next_key::<String>()? {
            let value: String = map.next_value()?;
            if key == "bytes" {
                bytes = unhex(&value);
            }
        }
        bytes
            .map(Foreign::from_bytes)
            .ok_or_else(|| de::Error::custom("foreign text needs \"bytes\" in hex"))
    }
}

impl JsonSchema for Foreign {
    fn schema_name() -> Cow<'static, str> {
        "Foreign".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Foreign text: a string, or its bytes in hex where it is not UTF-8",
            "oneOf": [
                {"type": "string"},
                {"type": "object", "properties": {"bytes": {"type": "string", "pattern": "^([0-9a-f]{2})*$"}},
                 "required": ["bytes"], "additionalProperties": false}
            ]
        })
    }
}

/// Lower-case hex of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes behind lower- or upper-case hex, or `None` if it is not hex.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_survive_json() {
        let name = Foreign::from_bytes(*b"/srv/\xffalt");
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(json, r#"{"bytes":"2f7372762fff616c74"}"#);
        assert_eq!(serde_json::from_str::<Foreign>(&json).unwrap(), name);
    }

    #[test]
    fn the_file_of_a_path_is_known_whichever_system_wrote_it() {
        let name = |path: &str| Foreign::from(path).file_name();
        assert_eq!(name(r"C:\Jobs\nightly.ps1"), Foreign::from("nightly.ps1"));
        assert_eq!(name(r"/srv/a\b"), Foreign::from(r"a\b"));
        let one = Foreign::from(r"C:\Windows\a.exe");
        assert!(one.is_same_file(&r"c:\WINDOWS\A.exe".into()) && one.is_of_windows());
        assert!(!Foreign::from("/A").is_same_file(&"/a".into()));
    }

    #[test]
    fn plain_text_stays_readable() {
        let json = serde_json::to_string(&Foreign::from("/etc/hosts")).unwrap();
        assert_eq!(json, r#""/etc/hosts""#);
    }
}
