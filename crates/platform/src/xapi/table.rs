//! Records by class and reference, and the ways from one to another.

use std::collections::BTreeMap;

use serde_json::Value;

use super::class::Class;
use crate::json::{items, text};

/// Most records of a class.
pub(super) const RECORDS_MAX: usize = 200_000;
/// Most references of one field that are followed.
const FOLLOWED_MAX: usize = 20_000;

/// All records that were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables(BTreeMap<Class, BTreeMap<String, Value>>);

impl Tables {
    /// Keeps `record`. False where there is no room for it.
    pub(super) fn keep(&mut self, class: Class, reference: String, record: Value) -> bool {
        let table = self.0.entry(class).or_default();
        let room = table.len() < RECORDS_MAX || table.contains_key(&reference);
        if room {
            table.insert(reference, record);
        }
        room
    }

    /// All records of `class` by reference.
    pub(super) fn all(&self, class: Class) -> impl Iterator<Item = (&str, &Value)> {
        let table = self.0.get(&class).into_iter().flatten();
        table.map(|(reference, record)| (reference.as_str(), record))
    }

    /// The record `reference` points to.
    pub(super) fn at(&self, class: Class, reference: &str) -> Option<&Value> {
        self.0.get(&class)?.get(reference)
    }

    /// The record the reference in `field` of `record` points to.
    pub(super) fn follow(&self, record: &Value, field: &str, class: Class) -> Option<&Value> {
        self.at(class, reference(record, field)?)
    }

    /// The records the references in `field` of `record` point to; those that are not there are left out.
    pub(super) fn each<'t>(
        &'t self,
        record: &'t Value,
        field: &str,
        class: Class,
    ) -> impl Iterator<Item = &'t Value> {
        references(record, field).filter_map(move |reference| self.at(class, reference))
    }

    /// The key of the thing `field` of `record` points to: its UUID.
    pub(super) fn key(&self, record: &Value, field: &str, class: Class) -> Option<String> {
        uuid(self.follow(record, field, class)?)
    }
}

/// The reference in `field`; `None` for the one that means none.
pub(super) fn reference<'v>(record: &'v Value, field: &str) -> Option<&'v str> {
    record.get(field)?.as_str().filter(|text| is_some(text))
}

/// The references in `field`, a set.
pub(super) fn references<'v>(record: &'v Value, field: &str) -> impl Iterator<Item = &'v str> {
    let all = record.get(field).unwrap_or(&Value::Null);
    let texts = items(all, FOLLOWED_MAX).filter_map(Value::as_str);
    texts.filter(|text| is_some(text))
}

fn is_some(reference: &str) -> bool {
    !reference.is_empty() && reference != "OpaqueRef:NULL"
}

/// The UUID of a record: what it is known by from one look to the next.
pub(super) fn uuid(record: &Value) -> Option<String> {
    crate::words::uuid(&text(record, "uuid")?)
}

/// The text of `key` in the map `field` of `record`.
pub(super) fn within(record: &Value, field: &str, key: &str) -> Option<String> {
    text(record.get(field)?, key)
}
