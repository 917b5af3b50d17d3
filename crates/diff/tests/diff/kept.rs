//! Two kept moments say what the whole inventories say.

use std::io::Cursor;

use groma_diff::{Changes, Kept, KeptError, compare, keep, select};
use groma_fuzz::Chance;
use groma_model::inventory::Inventory;

use crate::build::*;

fn kept(inventory: &Inventory) -> Kept<Cursor<Vec<u8>>> {
    let mut bytes = Vec::new();
    keep(inventory, "key", &mut bytes).expect("memory takes it");
    Kept::open(Cursor::new(bytes)).expect("it was just written")
}

/// As [`compare`], by way of what is kept of both.
pub(crate) fn compared(before: &Inventory, after: &Inventory) -> Changes {
    let small = select(&mut kept(before), &mut kept(after)).expect("both are whole");
    compare(&small.before, &small.after)
}

#[test]
fn what_is_the_same_on_both_sides_is_not_unpacked() {
    let hosts = ["app1", "app2", "db1"].map(host).to_vec();
    let before = inventory(hosts.clone(), vec![depends("app1", "sql", "db1", 5432)]);
    let mut later = before.clone();
    later.dependencies[0].count += 7;
    later.entities[0].evidence.clear();
    let small = select(&mut kept(&before), &mut kept(&later)).expect("both are whole");
    assert!(small.before.entities.is_empty() && small.after.dependencies.is_empty());
    // A need that is gone brings its two ends, and not the third machine.
    let gone = inventory(hosts, Vec::new());
    let small = select(&mut kept(&before), &mut kept(&gone)).expect("both are whole");
    assert_eq!(
        (small.before.entities.len(), small.after.entities.len()),
        (2, 2)
    );
    assert_eq!(
        (
            small.before.dependencies.len(),
            small.after.dependencies.len()
        ),
        (1, 0)
    );
}

#[test]
fn the_key_comes_back() {
    assert_eq!(kept(&inventory(Vec::new(), Vec::new())).key(), "key");
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let estate = inventory(
        ["app1", "db1"].map(host).to_vec(),
        vec![depends("app1", "sql", "db1", 5432)],
    );
    let mut whole = Vec::new();
    keep(&estate, "key", &mut whole).expect("memory takes it");
    let empty = inventory(Vec::new(), Vec::new());
    let mut refused = 0;
    for seed in 0..2_000 {
        let mut chance = Chance::new(seed);
        let mut bytes = whole.clone();
        if chance.below(4) == 0 {
            bytes.truncate(chance.below(whole.len()));
        }
        for _ in 0..=chance.below(3) {
            let at = chance.below(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = (chance.below(256)) as u8;
            }
        }
        let outcome = Kept::open(Cursor::new(bytes))
            .and_then(|mut kept_| select(&mut kept_, &mut kept(&empty)));
        refused += usize::from(matches!(
            outcome,
            Err(KeptError::Damaged(_) | KeptError::Io(_))
        ));
    }
    assert!(refused > 1_000, "{refused}");
}
