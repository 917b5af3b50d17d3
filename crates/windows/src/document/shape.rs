//! The fields of a document. What makes no sense is left out piece by piece: one bad row costs no other.

use std::collections::BTreeMap;
use std::fmt;

use groma_model::Reason;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::held::{HeldFiles, HeldRegistry};
use super::{Document, NotRead, SCHEMA};
use crate::keys::Pattern;
use crate::rows::hex;
use crate::{Kind, LeftOut, Missing, Rows, Value, WrittenRegistry};

/// Keys, values of one key, files, and rows of one table.
const KEYS_MAX: usize = 1_000_000;
const VALUES_MAX: usize = 65_536;
const FILES_MAX: usize = 2_200_000;
const ROWS_MAX: usize = 1_000_000;
/// Bytes of one value.
const VALUE_BYTES_MAX: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    schema: String,
    version: Json,
    host: String,
    collected: Collected,
    roots: Vec<String>,
    looked: Looked,
    rows: Json,
    registry: Keys,
    refused: Refused,
    files: Files,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            schema: String::new(),
            version: Json::Null,
            host: String::new(),
            collected: Collected::default(),
            roots: Vec::new(),
            looked: Looked::default(),
            rows: Json::Null,
            registry: Keys::default(),
            refused: Refused::default(),
            files: Files::default(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Collected {
    started: i64,
    ended: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Looked {
    pub(super) files: Vec<String>,
    pub(super) folders: Vec<String>,
    pub(super) drives: Vec<String>,
    passed: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refused {
    keys: BTreeMap<String, Reason>,
    files: BTreeMap<String, Reason>,
}

/// Makes a document of its fields.
pub(super) fn document(raw: Raw) -> Result<Document, NotRead> {
    if raw.schema != SCHEMA {
        return Err(NotRead::Schema(raw.schema.chars().take(64).collect()));
    }
    let mut registry = raw.registry.0;
    for (path, reason) in raw.refused.keys {
        registry = registry.refused(&path, reason);
    }
    let patterns = raw.roots.iter().filter_map(|root| Pattern::parse(root));
    let version = match raw.version {
        Json::String(text) => text,
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Ok(Document {
        host: raw.host,
        version,
        collected: (
            raw.collected.started.min(raw.collected.ended),
            raw.collected.ended,
        ),
        rows: rows(raw.rows),
        registry: HeldRegistry::of(registry, patterns.collect()),
        passed: raw.looked.passed.clone(),
        files: HeldFiles::of(raw.files.0, raw.refused.files, &raw.looked),
    })
}

/// The tables, row by row.
fn rows(json: Json) -> Rows {
    let Json::Object(mut tables) = json else {
        let reason = Reason::NotPresent;
        let tables = [
            "system", "volumes", "adapters", "users", "shares", "devices",
        ];
        let missing = tables.map(|table| Missing {
            table: table.to_owned(),
            reason: reason.clone(),
        });
        return Rows {
            missing: missing.to_vec(),
            ..Rows::default()
        };
    };
    let mut damaged = Vec::new();
    let mut table = Table {
        tables: &mut tables,
        damaged: &mut damaged,
    };
    let mut rows = Rows {
        system: table.one("system"),
        processes: table.all("processes"),
        sockets: table.all("sockets"),
        adapters: table.all("adapters"),
        routes: table.all("routes"),
        neighbours: table.all("neighbours"),
        volumes: table.all("volumes"),
        shares: table.all("shares"),
        sessions: table.all("sessions"),
        users: table.all("users"),
        certificates: table.all("certificates"),
        devices: table.all("devices"),
        names: table.one("names"),
        missing: table.all("missing"),
    };
    rows.missing
        .extend(damaged.into_iter().map(|table| Missing {
            table: table.to_owned(),
            reason: Reason::Malformed,
        }));
    rows
}

struct Table<'a> {
    tables: &'a mut serde_json::Map<String, Json>,
    damaged: &'a mut Vec<&'static str>,
}

impl Table<'_> {
    fn one<T: DeserializeOwned + Default>(&mut self, name: &'static str) -> T {
        match self.tables.remove(name) {
            None | Some(Json::Null) => T::default(),
            Some(json) => serde_json::from_value(json).unwrap_or_else(|_| {
                self.damaged.push(name);
                T::default()
            }),
        }
    }

    /// Windows PowerShell writes a list of one as that one, and an empty one as nothing.
    fn all<T: DeserializeOwned>(&mut self, name: &'static str) -> Vec<T> {
        let rows = match self.tables.remove(name) {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::Array(rows)) => rows,
            Some(one) => vec![one],
        };
        let count = rows.len();
        let rows = rows.into_iter().take(ROWS_MAX);
        let read: Vec<T> = rows
            .filter_map(|row| serde_json::from_value(row).ok())
            .collect();
        if read.len() < count {
            self.damaged.push(name);
        }
        read
    }
}

/// The registry, put together while it is read.
#[derive(Default)]
struct Keys(WrittenRegistry);

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawKey {
    written: Option<i64>,
    keys: Vec<String>,
    values: BTreeMap<String, Json>,
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys by their paths")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Keys, M::Error> {
        let mut made = WrittenRegistry::default();
        let mut left = KEYS_MAX;
        while let Some(path) = map.next_key::<String>()? {
            if left == 0 || path.len() > 4096 {
                map.next_value::<IgnoredAny>()?;
                made = made.refused(&path, Reason::TooLarge);
                continue;
            }
            left -= 1;
            add(&mut made, &path, map.next_value()?);
        }
        Ok(Keys(made))
    }
}

fn add(made: &mut WrittenRegistry, path: &str, raw: RawKey) {
    made.add_key(path);
    made.set_written(path, raw.written);
    for name in raw.keys.iter().take(VALUES_MAX) {
        // A name with a `\` would be another key.
        if !name.is_empty() && !name.contains('\\') {
            made.add_key(&format!(r"{path}\{name}"));
        }
    }
    if raw.keys.len() > VALUES_MAX {
        made.leave_out(path, LeftOut::Keys);
    }
    if raw.values.len() > VALUES_MAX {
        made.leave_out(path, LeftOut::Values);
    }
    for (name, json) in raw.values.into_iter().take(VALUES_MAX) {
        match value(json) {
            Some(value) => made.add(path, &name, value),
            // Too large, or of a sort that is to come.
            None => made.leave_out(path, LeftOut::Value(name)),
        }
    }
}

/// `{"sz": "…"}`; a text alone is one, too.
fn value(json: Json) -> Option<Value> {
    let (kind, json) = match json {
        Json::Object(map) => map.into_iter().next()?,
        other => ("sz".to_owned(), other),
    };
    let text = |json: &Json| match json {
        Json::String(text) if text.len() <= VALUE_BYTES_MAX => Some(text.clone()),
        _ => None,
    };
    Some(match kind.as_str() {
        "sz" => Value::Text(text(&json)?),
        "expand" => Value::Expandable(text(&json)?),
        "multi" => Value::List(match &json {
            Json::Array(lines) => lines.iter().take(VALUES_MAX).filter_map(text).collect(),
            Json::Null => Vec::new(),
            one => vec![text(one)?],
        }),
        "number" => Value::Number(json.as_u64()?),
        "hex" => Value::Bytes(hex::of_text(json.as_str()?)?),
        _ => return None,
    })
}

/// Files, each as it comes.
#[derive(Default)]
struct Files(Vec<RawFile>);

/// A file or folder.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawFile {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) modified: i64,
    pub(super) kind: RawKind,
    pub(super) owner: Option<String>,
    pub(super) text: Option<String>,
    pub(super) hex: Option<String>,
    pub(super) head: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RawKind {
    #[default]
    File,
    Folder,
    Link,
    Placeholder,
}

impl From<RawKind> for Kind {
    fn from(kind: RawKind) -> Self {
        match kind {
            RawKind::File => Self::File,
            RawKind::Folder => Self::Folder,
            RawKind::Link => Self::Link,
            RawKind::Placeholder => Self::Placeholder,
        }
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(FilesVisitor)
    }
}

struct FilesVisitor;

impl<'de> Visitor<'de> for FilesVisitor {
    type Value = Files;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Files, S::Error> {
        let mut files = Vec::new();
        while files.len() < FILES_MAX {
            match list.next_element::<RawFile>()? {
                Some(file) => files.push(file),
                None => return Ok(Files(files)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Files(files))
    }
}
