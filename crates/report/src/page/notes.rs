//! What people noted about systems and things, by name and date.

use groma_model::inventory::NoteTold;
use serde::Serialize;

use super::Rows;
use crate::index::Index;
use crate::visible::{cut, visible};

/// One note.
#[derive(Serialize)]
pub(crate) struct NoteRow {
    pub(crate) about: String,
    pub(crate) says: String,
    /// Absent where a list says it, or a version that kept no name.
    pub(crate) by: Option<String>,
    pub(crate) on: Option<String>,
}

/// Where an older version kept the newest note, and where lists have a column of that name.
const DECLARED: &str = "note";

/// All notes: those about systems first, then by name; the newest of each first.
pub(crate) fn table(index: &Index<'_>, limit: usize) -> Rows<NoteRow> {
    let systems = index.inventory.systems.iter();
    let mut of_systems: Vec<(&str, &NoteTold)> = systems
        .flat_map(|s| s.notes.iter().map(|note| (s.name.as_str(), note)))
        .collect();
    let entities = || index.inventory.entities.iter();
    let mut of_things: Vec<(&str, &NoteTold)> = entities()
        .flat_map(|e| e.attributes.notes.iter().map(|n| (e.name.as_str(), n)))
        .collect();
    let newest = |(name, note): &(&str, &NoteTold)| {
        (
            (*name).to_owned(),
            std::cmp::Reverse(note.on),
            note.says.clone(),
        )
    };
    of_systems.sort_by_cached_key(newest);
    of_things.sort_by_cached_key(newest);
    of_systems.append(&mut of_things);
    let mut rows: Vec<NoteRow> = of_systems.into_iter().map(told).collect();
    let mut unsigned: Vec<NoteRow> = entities()
        .filter(|e| e.attributes.notes.is_empty())
        .filter_map(|e| Some((e.name.as_str(), e.attributes.declared.get(DECLARED)?)))
        .filter(|(_, says)| !says.trim().is_empty())
        .map(|(name, says)| unsigned(name, says))
        .collect();
    unsigned.sort_by(|a, b| (&a.about, &a.says).cmp(&(&b.about, &b.says)));
    rows.append(&mut unsigned);
    let total = rows.len();
    rows.truncate(limit);
    Rows { total, rows }
}

fn told((name, note): (&str, &NoteTold)) -> NoteRow {
    NoteRow {
        about: cut(&visible(name), 160),
        says: visible(&note.says),
        by: Some(visible(&note.by)),
        on: Some(note.on.day()),
    }
}

fn unsigned(name: &str, says: &str) -> NoteRow {
    NoteRow {
        about: cut(&visible(name), 160),
        says: visible(says),
        by: None,
        on: None,
    }
}
