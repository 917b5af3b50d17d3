//! Hives laid over a registry.

use groma_model::Reason;

use super::super::{Hive, Hives};
use super::build::{Laid, Numbers};
use crate::{Registry, WrittenRegistry};

fn person() -> Hive {
    let mut laid = Laid::begun();
    let root = laid.root;
    let network = laid.keys(root, &["Network"])[0];
    laid.keys(network, &["Z"]);
    Hive::of_bytes(laid.ended(Numbers::of(1, 1)), &[])
        .unwrap()
        .0
}

/// A hive as `SYSTEM` is: two sets of controls, of which `Select` names one.
fn system(current: u32) -> Hive {
    let mut laid = Laid::begun();
    let root = laid.root;
    let keys = laid.keys(root, &["ControlSet001", "ControlSet002", "Select"]);
    for (key, number) in [(keys[0], 1), (keys[1], 2)] {
        let control = laid.keys(key, &["Control"])[0];
        let set = laid.number("Set", number);
        laid.values(control, &[set]);
    }
    let current = laid.number("Current", current);
    laid.values(keys[2], &[current]);
    Hive::of_bytes(laid.ended(Numbers::of(1, 1)), &[])
        .unwrap()
        .0
}

#[test]
fn people_of_hives_stand_beside_those_who_are_logged_on() {
    let under =
        WrittenRegistry::default().with_text(r"HKU\S-1-5-21-1-2-3-1001\Environment", "A", "b");
    let hives = Hives::over(&under).with_hive(r"HKU\S-1-5-21-1-2-3-1002", person());
    let people = hives.key("hku").unwrap().unwrap().keys;
    assert_eq!(people, ["S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"]);
    let key = hives
        .key(r"hku\s-1-5-21-1-2-3-1002\network\")
        .unwrap()
        .unwrap();
    assert_eq!(key.keys, ["Z"]);
    assert!(
        hives
            .key(r"HKU\S-1-5-21-1-2-3-1001\Environment")
            .unwrap()
            .is_some()
    );
    assert_eq!(hives.key(r"HKU\S-1-5-21-1-2-3-10023"), Ok(None));
    assert_eq!(hives.key(r"HKLM\SOFTWARE"), Ok(None));
}

#[test]
fn a_registry_that_refuses_to_list_people_still_refuses() {
    let under = WrittenRegistry::default().refused("HKU", Reason::PermissionDenied);
    let hives = Hives::over(&under).with_hive(r"HKU\S-1-5-21-1-2-3-1002", person());
    assert_eq!(hives.key("HKU"), Err(Reason::PermissionDenied));
    assert!(hives.key(r"HKU\S-1-5-21-1-2-3-1002").unwrap().is_some());
}

#[test]
fn the_current_set_of_controls_is_the_one_that_was_selected() {
    let under = WrittenRegistry::default();
    let hives = Hives::over(&under).with_hive(r"HKLM\SYSTEM", system(2));
    let set = |path: &str| hives.key(path).unwrap().and_then(|key| key.number("Set"));
    assert_eq!(set(r"HKLM\SYSTEM\CurrentControlSet\Control"), Some(2));
    assert_eq!(set(r"hklm\system\currentcontrolset\control"), Some(2));
    assert_eq!(set(r"HKLM\SYSTEM\ControlSet001\Control"), Some(1));
    assert_eq!(set(r"HKLM\SYSTEM\CurrentControlSet2\Control"), None);
    let listed = hives.key(r"HKLM\SYSTEM").unwrap().unwrap().keys;
    assert_eq!(
        listed,
        [
            "ControlSet001",
            "ControlSet002",
            "CurrentControlSet",
            "Select"
        ]
    );
    assert_eq!(hives.key("HKLM").unwrap().unwrap().keys, ["SYSTEM"]);
}

#[test]
fn a_selection_that_leads_nowhere_selects_nothing() {
    let under = WrittenRegistry::default();
    let hives = Hives::over(&under).with_hive(r"HKLM\SYSTEM", system(9));
    assert_eq!(hives.key(r"HKLM\SYSTEM\CurrentControlSet"), Ok(None));
    let hives = Hives::over(&under).with_hive(r"HKLM\OTHER", system(2));
    assert_eq!(hives.key(r"HKLM\OTHER\CurrentControlSet"), Ok(None));
}
