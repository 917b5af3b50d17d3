//! What a wave must have before it begins: each question with its twin that is silent or done.
#![allow(
    dead_code,
    reason = "the small inventories are shared with the tests of the checks"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

#[path = "../../../check/tests/checks/build.rs"]
mod build;
mod guests;
mod hostile;
mod questions;

use build::{host, inventory, now};
use groma_model::Timestamp;
use groma_model::inventory::{Dependency, Entity, Inventory, TimeWindow};
use groma_model::wave::{Move, Wave};
use groma_wave::{Beside, Checklist, Item, ItemState, Topic, check};

/// A wave that moves `mail1` to `mail2` in the night ten days from now.
pub(crate) fn wave() -> Wave {
    Wave {
        name: "w1".to_owned(),
        members: vec!["mail1".to_owned()],
        moves: vec![Move {
            from: "mail1".to_owned(),
            to: "mail2".to_owned(),
            names_that_follow: Vec::new(),
        }],
        window: Some(TimeWindow {
            from: at(240),
            to: at(248),
        }),
        ..Wave::default()
    }
}

/// So many hours after the inventory was made.
pub(crate) fn at(hours: i64) -> Timestamp {
    Timestamp::from_seconds(now().millis() / 1000 + hours * 3_600)
}

/// `mail1`, `mail2`, `app1`, and what else is handed in.
pub(crate) fn estate(more: Vec<Entity>, needs: Vec<Dependency>) -> Inventory {
    let mut all = vec![host("mail1"), host("mail2"), host("app1")];
    all.retain(|e| !more.iter().any(|m| m.id == e.id));
    all.extend(more);
    inventory(all, needs)
}

pub(crate) fn checked(inventory: &Inventory, wave: &Wave) -> Checklist {
    check(inventory, wave, &Beside::default())
}

/// The items of a topic that stand like this.
pub(crate) fn items(checklist: &Checklist, topic: Topic, state: ItemState) -> Vec<&Item> {
    let all = checklist.items.iter();
    all.filter(|i| i.topic == topic && i.state == state)
        .collect()
}

/// The only item of a topic that says these words.
pub(crate) fn the<'c>(checklist: &'c Checklist, topic: Topic, words: &str) -> &'c Item {
    let mut found = checklist
        .items
        .iter()
        .filter(|i| i.topic == topic && i.says.contains(words));
    let first = found
        .next()
        .unwrap_or_else(|| panic!("{words:?} is not in {:#?}", checklist.items));
    assert!(found.next().is_none(), "{words:?} is said twice");
    first
}

pub(crate) fn silent(checklist: &Checklist, words: &str) {
    let said: Vec<&Item> = checklist
        .items
        .iter()
        .filter(|i| i.says.contains(words))
        .collect();
    assert!(said.is_empty(), "{said:#?}");
}
