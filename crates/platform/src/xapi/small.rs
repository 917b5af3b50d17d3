//! A value of JSON that stays small, whatever it is read from.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::class::Kept;

/// Longest text that is kept; longer ones are cut.
const TEXT_MAX: usize = 1024;
/// Most items of a set and entries of a map.
const ITEMS_MAX: usize = 20_000;
/// Texts, sets and maps of texts: nothing of XAPI is deeper within a field.
const DEPTH_MAX: u8 = 3;

/// Keeps of one value what fits.
#[derive(Clone, Copy)]
pub(super) struct Small {
    pub(super) kept: Kept,
    depth: u8,
}

impl Small {
    pub(super) fn new(kept: Kept) -> Self {
        Self { kept, depth: 0 }
    }

    fn below(self) -> Option<Self> {
        (self.depth < DEPTH_MAX).then_some(Self {
            kept: Kept::All,
            depth: self.depth.saturating_add(1),
        })
    }

    fn keeps(self, key: &str) -> bool {
        match self.kept {
            Kept::All => true,
            Kept::These(keys) => keys.contains(&key),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Small {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Small {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(cut(value)))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        if let Some(below) = self.below() {
            while items.len() < ITEMS_MAX {
                match from.next_element_seed(below)? {
                    Some(item) => items.push(item),
                    None => return Ok(Value::Array(items)),
                }
            }
        }
        while from.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            match self.below() {
                Some(below) if entries.len() < ITEMS_MAX && self.keeps(&key) => {
                    let value = from.next_value_seed(below)?;
                    entries.insert(cut(&key), value);
                }
                _ => drop(from.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(entries))
    }
}

/// A text of no more than [`TEXT_MAX`] letters.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
