//! An answer of JSON-RPC, read piece by piece: records, references, one record, a session, or a "no".
//!
//! `result` and `error` come in any order, and as both versions of JSON-RPC write them: an `error` is an object with `message`
//! and `data`, or a list whose first word says what is wrong.

use std::fmt;
use std::io::{self, Read};

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::class::{Class, Kept};
use super::small::{Small, cut};

/// Most words of a "no" that are kept.
const WORDS_MAX: usize = 8;
/// Most references of an answer.
const REFERENCES_MAX: usize = 200_000;

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The stream failed, or ended in the middle.
    #[error("the answer breaks off: {0}")]
    Broken(io::Error),
    /// It is no answer of this interface.
    #[error("the answer makes no sense: {0}")]
    Malformed(String),
    /// The platform said no.
    #[error("{0}")]
    Fault(Fault),
}

/// A "no" of the platform.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fault {
    /// `SESSION_INVALID`, `RBAC_PERMISSION_DENIED`, `HANDLE_INVALID` …
    pub code: String,
    /// What goes with it: the address of the master, the name of the right.
    pub words: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.code.clone();
        for word in &self.words {
            said = format!("{said} {word}");
        }
        let shown = said.chars().filter(|letter| !letter.is_control());
        f.write_str(&shown.take(200).collect::<String>())
    }
}

/// Reads an answer of `get_all_records`; each record goes to `found` with its reference as it comes, cut to the fields of `class`.
///
/// # Errors
/// The stream breaks off, is no such answer, or holds a "no". What was found before was found.
pub fn records(
    from: impl Read,
    class: Class,
    found: &mut dyn FnMut(String, Value),
) -> Result<(), Unread> {
    answered(from, All { class, found })
}

/// Reads an answer of `get_all`.
///
/// # Errors
/// See [`records`].
pub fn references(from: impl Read) -> Result<Vec<String>, Unread> {
    let mut found = Vec::new();
    answered(from, References(&mut found))?;
    Ok(found)
}

/// Reads an answer of `get_record`, cut to the fields of `class`.
///
/// # Errors
/// See [`records`].
pub fn record(from: impl Read, class: Class) -> Result<Value, Unread> {
    let mut found = Value::Null;
    answered(
        from,
        One {
            class,
            found: &mut found,
        },
    )?;
    match found {
        found @ Value::Object(_) => Ok(found),
        _ => Err(Unread::Malformed("it is no record".to_owned())),
    }
}

/// Reads an answer of a log-on: the reference of the session, or an empty text where there is none (a log-out).
///
/// # Errors
/// See [`records`].
pub fn opened(from: impl Read) -> Result<String, Unread> {
    let mut found = Value::Null;
    answered(from, Plain(&mut found))?;
    Ok(found.as_str().unwrap_or_default().to_owned())
}

fn answered<'de, S>(from: impl Read, result: S) -> Result<(), Unread>
where
    S: DeserializeSeed<'de, Value = ()>,
{
    let mut reader = serde_json::Deserializer::from_reader(from);
    let read = reader.deserialize_map(Envelope(Some(result)));
    // To its end: the next question goes over the same connection.
    match read.and_then(|fault| reader.end().map(|()| fault)) {
        Ok(Some(fault)) => Err(Unread::Fault(fault)),
        Ok(None) => Ok(()),
        Err(error) => Err(unread(error)),
    }
}

fn unread(error: serde_json::Error) -> Unread {
    match error.classify() {
        serde_json::error::Category::Io => Unread::Broken(error.into()),
        serde_json::error::Category::Eof => Unread::Broken(io::ErrorKind::UnexpectedEof.into()),
        _ => Unread::Malformed(error.to_string().chars().take(200).collect()),
    }
}

/// The outermost object: what is asked for stands in `result`, a "no" in `error`.
struct Envelope<S>(Option<S>);

impl<'de, S: DeserializeSeed<'de, Value = ()>> Visitor<'de> for Envelope<S> {
    type Value = Option<Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of JSON-RPC")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut from: A) -> Result<Self::Value, A::Error> {
        let (mut fault, mut is_answered) = (None, false);
        while let Some(key) = from.next_key::<String>()? {
            match (key.as_str(), self.0.take()) {
                ("result", Some(result)) => {
                    is_answered = true;
                    from.next_value_seed(result)?;
                }
                (key, result) => {
                    self.0 = result;
                    match key {
                        "error" => fault = fault_of(from.next_value_seed(Small::new(Kept::All))?),
                        _ => drop(from.next_value::<IgnoredAny>()?),
                    }
                }
            }
        }
        match fault {
            None if !is_answered => Err(A::Error::custom("it has neither a result nor an error")),
            fault => Ok(fault),
        }
    }
}

fn fault_of(error: Value) -> Option<Fault> {
    let texts = |value: &Value| -> Vec<String> {
        let items = crate::json::items(value, WORDS_MAX);
        items.filter_map(crate::json::as_text).collect()
    };
    match &error {
        Value::Null => None,
        Value::Object(_) => Some(Fault {
            code: crate::json::text(&error, "message").unwrap_or_default(),
            words: error.get("data").map(texts).unwrap_or_default(),
        }),
        other => {
            let mut words = texts(other).into_iter();
            Some(Fault {
                code: words.next().unwrap_or_default(),
                words: words.collect(),
            })
        }
    }
}

/// A map of references to records.
struct All<'f> {
    class: Class,
    found: &'f mut dyn FnMut(String, Value),
}

impl<'de> DeserializeSeed<'de> for All<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for All<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of records")
    }

    /// `null` stands beside an `error`.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        while let Some(reference) = from.next_key::<String>()? {
            let record = from.next_value_seed(Fields(self.class))?;
            (self.found)(cut(&reference), record);
        }
        Ok(())
    }
}

/// One record, cut to its fields. What is no object is an empty record.
struct Fields(Class);

impl<'de> DeserializeSeed<'de> for Fields {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of {}", self.0.word())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut record = Map::new();
        while let Some(field) = from.next_key::<String>()? {
            match self.0.keeps(&field) {
                Some(kept) => {
                    let value = from.next_value_seed(Small::new(kept))?;
                    record.insert(field, value);
                }
                None => drop(from.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(record))
    }
}

struct One<'f> {
    class: Class,
    found: &'f mut Value,
}

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        *self.found = from.deserialize_option(Perhaps(Fields(self.class)))?;
        Ok(())
    }
}

/// A record, or the `null` beside an `error`.
struct Perhaps(Fields);

impl<'de> Visitor<'de> for Perhaps {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        self.0.deserialize(from)
    }
}

struct References<'f>(&'f mut Vec<String>);

impl<'de> DeserializeSeed<'de> for References<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for References<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of references")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        while let Some(reference) = from.next_element::<String>()? {
            if self.0.len() < REFERENCES_MAX {
                self.0.push(cut(&reference));
            }
        }
        Ok(())
    }
}

struct Plain<'f>(&'f mut Value);

impl<'de> DeserializeSeed<'de> for Plain<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        *self.0 = Small::new(Kept::All).deserialize(from)?;
        Ok(())
    }
}
