//! How a wave file calls a machine: by its name, if that means this machine and nothing else.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::inventory::{Entity, Inventory};

use super::machines::name;
use super::shown::is_plain_text;

/// A host name is at most so long; what is longer is none.
const NAME_MAX: usize = 253;

/// Every text that means an entity, as `Inventory::find` reads it, and which one; none where it means several.
pub(super) struct Meanings<'a>(BTreeMap<String, Option<&'a EntityId>>);

impl<'a> Meanings<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let mut meanings = Self(BTreeMap::new());
        for entity in &inventory.entities {
            let names = entity.names.iter().chain([&entity.name]);
            for text in names.map(|n| n.to_lowercase()) {
                meanings.add(text, &entity.id);
            }
            meanings.add(entity.id.as_str().to_owned(), &entity.id);
            for address in &entity.addresses {
                meanings.add(address.to_canonical().to_string(), &entity.id);
            }
        }
        meanings
    }

    fn add(&mut self, text: String, id: &'a EntityId) {
        let slot = self.0.entry(text).or_insert(Some(id));
        if slot.is_some_and(|known| known != id) {
            *slot = None;
        }
    }

    /// What to write for this entity.
    pub(super) fn written(&self, entity: &Entity) -> String {
        let called = name(entity);
        let wanted = called.trim_end_matches('.').to_lowercase();
        let alone = self.0.get(&wanted).copied().flatten() == Some(&entity.id);
        let writable = called.len() <= NAME_MAX && called.trim() == called && is_plain_text(called);
        let id = entity.id.as_str();
        // An id nobody can see is worse than any name.
        if (alone && writable) || id.trim().is_empty() {
            called.to_owned()
        } else {
            id.to_owned()
        }
    }
}
