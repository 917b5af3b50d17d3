//! An entry as an object of JSON. A value is text; bytes that are no text are numbers in a list; several values of one field
//! are a list of these; and `null` stands for one that journalctl found too long to print.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::{Entry, MESSAGE_MAX};

/// What stands on a line, without what two of journalctl's forms put before an object (RFC 7464, server-sent events).
pub(super) fn object(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"\x1e").unwrap_or(line);
    line.strip_prefix(b"data: ").unwrap_or(line)
}

/// The entry, if `text` is one.
pub(super) fn entry(text: &[u8]) -> Option<Entry> {
    let fields: Fields = serde_json::from_slice(text).ok()?;
    let too_long = matches!(fields.message, Some(Value::TooLong));
    let mut entry = Entry {
        too_long,
        ..Entry::default()
    };
    let named: [(&[u8], Option<Value>); 6] = [
        (b"__REALTIME_TIMESTAMP", fields.at),
        (b"__CURSOR", fields.cursor),
        (b"_HOSTNAME", fields.host),
        (b"SYSLOG_IDENTIFIER", fields.tag),
        (b"_PID", fields.process),
        (b"MESSAGE", fields.message),
    ];
    for (name, value) in named {
        if let Some(Value::Bytes(bytes)) = value {
            entry.put(name, &bytes);
        }
    }
    // An object of somebody else's has no time.
    entry.at.is_some().then_some(entry)
}

/// The fields that are looked at.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    at: Option<Value>,
    #[serde(rename = "__CURSOR")]
    cursor: Option<Value>,
    #[serde(rename = "_HOSTNAME")]
    host: Option<Value>,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    tag: Option<Value>,
    #[serde(rename = "_PID")]
    process: Option<Value>,
    #[serde(rename = "MESSAGE", default, deserialize_with = "present")]
    message: Option<Value>,
}

/// A field that is there, `null` or not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// One value.
enum Value {
    Bytes(Vec<u8>),
    TooLong,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfValue)
    }
}

struct OfValue;

impl<'de> Visitor<'de> for OfValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, bytes or null")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(match text.len() <= MESSAGE_MAX {
            true => Value::Bytes(text.as_bytes().to_owned()),
            false => Value::TooLong,
        })
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::TooLong)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut bytes = Vec::new();
        match list.next_element::<Item>()? {
            None => return Ok(Value::Bytes(bytes)),
            Some(Item::Byte(first)) => bytes.push(first),
            // Of several values the first counts.
            Some(Item::Value(first)) => {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(first);
            }
        }
        while let Some(next) = list.next_element::<u8>()? {
            if bytes.len() >= MESSAGE_MAX {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Value::TooLong);
            }
            bytes.push(next);
        }
        Ok(Value::Bytes(bytes))
    }
}

/// What may stand in a list.
enum Item {
    Byte(u8),
    Value(Value),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfItem)
    }
}

struct OfItem;

impl<'de> Visitor<'de> for OfItem {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte, a text or bytes")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Item, E> {
        let byte = u8::try_from(number).map_err(|_| E::custom("no byte"))?;
        Ok(Item::Byte(byte))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Item, E> {
        OfValue.visit_str(text).map(Item::Value)
    }

    fn visit_unit<E: Error>(self) -> Result<Item, E> {
        Ok(Item::Value(Value::TooLong))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        // Bytes within several values, and nothing within those.
        let mut bytes = Vec::new();
        while let Some(next) = list.next_element::<u8>()? {
            if bytes.len() < MESSAGE_MAX {
                bytes.push(next);
            }
        }
        Ok(Item::Value(Value::Bytes(bytes)))
    }
}
