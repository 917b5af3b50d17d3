//! What a diff says about pairs of small inventories.

#[path = "../../../check/tests/checks/build.rs"]
#[allow(
    dead_code,
    reason = "one builder of small inventories serves the tests of several stages"
)]
mod build;

mod certificates;
mod dependencies;
mod hosts;
mod kept;
mod laws;
mod left_behind;
mod listeners;
mod mail_move;
mod text;
mod told_once;
mod turning_back;
mod wave;
mod wave_pages;
mod wave_tables;

use groma_diff::{Change, Class};
use groma_model::inventory::Inventory;

/// The diff, which must be the same by way of what is kept of both.
fn compare(before: &Inventory, after: &Inventory) -> groma_diff::Changes {
    let changes = groma_diff::compare(before, after);
    assert_eq!(changes, kept::compared(before, after));
    changes
}

/// Class and line of each change, as `moved: …`.
fn said(before: &Inventory, after: &Inventory) -> Vec<String> {
    let line = |c: &Change| format!("{} {}: {}", c.on, c.class.word(), c.says);
    compare(before, after).changes.iter().map(line).collect()
}

/// The one change there is.
fn only(before: &Inventory, after: &Inventory) -> Change {
    let changes = compare(before, after).changes;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    changes.into_iter().next().expect("there is one")
}

fn classes(before: &Inventory, after: &Inventory) -> Vec<Class> {
    compare(before, after)
        .changes
        .iter()
        .map(|c| c.class)
        .collect()
}
