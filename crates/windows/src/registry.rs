//! The registry: keys with values, as a machine, a hive or an export holds them.

use groma_model::Reason;

/// Somebody who can read keys. Paths begin at `HKLM` or `HKU` (`HKU\S-1-5-21-…` is a person), parts are parted by `\`,
/// letter case means nothing.
///
/// An implementation bounds what it gives: 65,536 sub-keys and values of a key, 1 MiB a value. What lies beyond stands in
/// [`Key::left_out`], or it says [`Reason::TooLarge`].
pub trait Registry: Send + Sync {
    /// What stands at `path`; `None` where nothing does.
    ///
    /// # Errors
    /// The reason it could not be read: rights, damage, size.
    fn key(&self, path: &str) -> Result<Option<Key>, Reason>;
}

/// One key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Key {
    /// Names of its sub-keys, sorted.
    pub keys: Vec<String>,
    /// Its values by name; the default value has the empty name.
    pub values: Vec<(String, Value)>,
    /// When it was last written, in seconds since 1970, where that is known.
    pub written: Option<i64>,
    /// What it has and was not read, for its size.
    pub left_out: Vec<LeftOut>,
}

/// What was not read of a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LeftOut {
    /// A value, by its name.
    Value(String),
    /// Values behind the last one that was read.
    Values,
    /// Sub-keys behind the last one that was listed.
    Keys,
}

impl Key {
    /// The value `name`, in any letter case.
    pub fn value(&self, name: &str) -> Option<&Value> {
        let is_it = |(found, _): &&(String, Value)| found.eq_ignore_ascii_case(name);
        self.values.iter().find(is_it).map(|(_, value)| value)
    }

    /// The text `name`, without white space around it; `None` where it is absent, empty, or no text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = self.value(name)?.text()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The number `name`.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.number()
    }

    /// The bytes `name`.
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.value(name)?.bytes()
    }

    /// The list `name`: the lines of a `REG_MULTI_SZ`, or one text alone.
    pub fn list(&self, name: &str) -> Vec<&str> {
        match self.value(name) {
            Some(Value::List(list)) => list.iter().map(String::as_str).collect(),
            Some(value) => value.text().into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// A value. UTF-16 that is none becomes U+FFFD.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// `REG_SZ`.
    Text(String),
    /// `REG_EXPAND_SZ`, as written: `%SystemRoot%\…`.
    Expandable(String),
    /// `REG_MULTI_SZ`.
    List(Vec<String>),
    /// `REG_DWORD`, `REG_QWORD`.
    Number(u64),
    /// `REG_BINARY` and every other type.
    Bytes(Vec<u8>),
}

impl Value {
    /// The text of a text, expandable or not.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Expandable(text) => Some(text),
            _ => None,
        }
    }

    /// The number; a text of digits counts, too.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The bytes of a binary value.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A value from its type number (`REG_SZ` is 1) and its bytes as a hive or the system holds them.
    pub fn of_bytes(kind: u32, bytes: &[u8]) -> Self {
        match kind {
            1 => Self::Text(wide_text(bytes)),
            2 => Self::Expandable(wide_text(bytes)),
            4 => number(bytes, 4, false),
            5 => number(bytes, 4, true),
            7 => Self::List(wide_list(bytes)),
            11 => number(bytes, 8, false),
            _ => Self::Bytes(bytes.to_vec()),
        }
    }
}

fn number(bytes: &[u8], width: usize, big_endian: bool) -> Value {
    let Some(bytes) = bytes.get(..width) else {
        return Value::Bytes(bytes.to_vec());
    };
    let fold = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
    Value::Number(match big_endian {
        true => bytes.iter().fold(0, fold),
        false => bytes.iter().rev().fold(0, fold),
    })
}

fn units(bytes: &[u8]) -> Vec<u16> {
    let pair = |pair: &[u8]| match pair {
        [low, high] => u16::from_le_bytes([*low, *high]),
        _ => 0,
    };
    bytes.chunks_exact(2).map(pair).collect()
}

/// UTF-16LE up to its first NUL.
pub(crate) fn wide_text(bytes: &[u8]) -> String {
    let units = units(bytes);
    let text = units.split(|unit| *unit == 0).next().unwrap_or_default();
    String::from_utf16_lossy(text)
}

fn wide_list(bytes: &[u8]) -> Vec<String> {
    let units = units(bytes);
    let parts = units.split(|unit| *unit == 0);
    parts
        .filter(|part| !part.is_empty())
        .map(String::from_utf16_lossy)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_type_are_values() {
        let wide: Vec<u8> = "ab\0c\0\0"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(Value::of_bytes(1, &wide), Value::Text("ab".into()));
        assert_eq!(
            Value::of_bytes(7, &wide),
            Value::List(vec!["ab".into(), "c".into()])
        );
        assert_eq!(Value::of_bytes(4, &[1, 2, 0, 0]), Value::Number(0x201));
        assert_eq!(Value::of_bytes(5, &[0, 0, 2, 1]), Value::Number(0x201));
        assert_eq!(Value::of_bytes(4, &[1]), Value::Bytes(vec![1]));
        assert_eq!(
            Value::of_bytes(1, &[0x00, 0xd8]),
            Value::Text("\u{fffd}".into())
        );
    }
}
