//! What people wrote into sheets of ours: answers of owners, and a register of risks that somebody edited.

use std::path::Path;

use anyhow::Result;
use groma_import::RowProblem;
use groma_model::questionnaire;
use groma_model::store::Annotation;
use groma_store::Store;

use super::remark;
use crate::terminal::{tell, visible};
use crate::verbs::inventory_at;

/// Keeps the answers of an owner by his name and day.
pub(super) fn take_questionnaire(
    file: &Path,
    bytes: &[u8],
    store: &mut dyn Store,
) -> Result<String> {
    let world = groma_sys::this_machine(true);
    let inventory = inventory_at(store, None, &world)?;
    let name = name_of(file);
    let answered = groma_import::read_questionnaire(&name, bytes, &inventory, world.clock.now())?;
    tell_all(&name, &answered.skipped);
    let mut kept = 0;
    for answer in &answered.answers {
        for (about, word) in questionnaire::words(answer) {
            let (by, at) = (answer.by.clone(), answer.on);
            store.annotate(&Annotation {
                about,
                by,
                at,
                word,
            })?;
            kept += 1;
        }
    }
    Ok(format!(
        "questionnaire: {kept} answers kept, {} as known, {} questions open, {} rows could not be read",
        answered.confirmed,
        answered.unanswered,
        answered.skipped.len()
    ))
}

/// Keeps what somebody changed in the register of risks.
pub(super) fn take_register(
    file: &Path,
    bytes: &[u8],
    by: &str,
    store: &mut dyn Store,
) -> Result<String> {
    let world = groma_sys::this_machine(true);
    let (now, randomness) = (world.clock.now(), world.randomness.as_ref());
    let inventory = crate::conclude::with_register(store, now, randomness, Vec::new())?;
    let name = name_of(file);
    let edited = groma_import::read_register(&name, bytes, &inventory)?;
    tell_all(&name, &edited.skipped);
    for edit in &edited.edits {
        for (about, word) in edit.words() {
            let by = by.to_owned();
            store.annotate(&Annotation {
                about,
                by,
                at: now,
                word,
            })?;
        }
    }
    let new = edited.edits.iter().filter(|edit| edit.is_new).count();
    Ok(format!(
        "register of risks: {} rows changed, {new} of them new, {} as they were, {} could not be read",
        edited.edits.len(),
        edited.unchanged,
        edited.skipped.len()
    ))
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    name.to_string_lossy().into_owned()
}

fn tell_all(name: &str, problems: &[RowProblem]) {
    for problem in problems {
        tell(&visible(&format!("{name}: {}", remark(problem))));
    }
}
