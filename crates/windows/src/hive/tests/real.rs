//! Hives that programs wrote, against what another program reads in them, and broken at random.

use std::collections::BTreeMap;

use groma_model::Reason;

use super::super::{Doubt, Hive};
use crate::{Key, Registry, Value, WrittenRegistry, joined};

const SAMBA: &[u8] = include_bytes!("../../../tests/fixtures/hives/samba.hive");
const SAMBA_EXPORT: &str = include_str!("../../../tests/fixtures/hives/samba.reg");
const THREE: &[u8] = include_bytes!("../../../tests/fixtures/hives/three.hive");
const THREE_EXPORT: &str = include_str!("../../../tests/fixtures/hives/three.reg");

/// Keys a walk looks at before it gives up.
const MOST: usize = 200_000;

type Tree = BTreeMap<String, Result<Key, Reason>>;

/// Every key there is, by path, its values sorted.
fn tree(read: impl Fn(&str) -> Result<Option<Key>, Reason>) -> Tree {
    let mut tree = Tree::new();
    let mut open = vec![String::new()];
    while let Some(path) = open.pop() {
        let found = read(&path).map(|key| {
            let mut key = key.unwrap_or_else(|| panic!("{path} is listed and not there"));
            key.values.sort_by(|one, other| one.0.cmp(&other.0));
            key.written = None;
            key
        });
        if let Ok(key) = &found {
            open.extend(key.keys.iter().map(|name| match path.is_empty() {
                true => name.clone(),
                false => joined(&path, name),
            }));
        }
        tree.insert(path, found);
        assert!(tree.len() < MOST, "the walk does not end");
    }
    tree
}

fn exported(text: &str) -> Tree {
    let (registry, wrong) = WrittenRegistry::of_export(text);
    assert_eq!(wrong, []);
    tree(|path| registry.key(&joined(r"HKU\S", path)))
}

#[test]
fn a_hive_of_samba_is_read_as_hivex_reads_it() {
    let (hive, doubts) = Hive::of_bytes(SAMBA.to_vec(), &[]).unwrap();
    // Samba counts the base block among the bins.
    assert_eq!(doubts, [Doubt::Cut]);
    assert_eq!(tree(|path| hive.key(path)), exported(SAMBA_EXPORT));
}

#[test]
fn a_hive_of_three_programs_is_read_as_hivex_reads_it() {
    let (hive, doubts) = Hive::of_bytes(THREE.to_vec(), &[]).unwrap();
    assert_eq!(doubts, []);
    let found = tree(|path| hive.key(path));
    assert_eq!(found, exported(THREE_EXPORT));
    assert!(found.len() > 50);
    let printer = hive.key(r"printers\CONNECTIONS\,,print.example,etage 2");
    let printer = printer.unwrap().unwrap();
    assert_eq!(printer.text("server"), Some(r"\\print.example"));
    assert!(printer.value("Été").is_some());
    assert_eq!(
        hive.key("КЛЮЧ").unwrap().unwrap().number("Number"),
        Some(u64::from(u32::MAX))
    );
    assert!(hive.key("Straße").unwrap().is_some());
    assert_eq!(hive.key("Strasse"), Ok(None));
    assert_eq!(hive.key(r"Network\Z\deeper"), Ok(None));
    let long = hive.key("long").unwrap().unwrap();
    assert_eq!(long.bytes("Long").map(<[u8]>::len), Some(17_000));
    let network = hive.key(r"Network\Y").unwrap().unwrap();
    assert_eq!(network.value(""), Some(&Value::Text("default".into())));
}

#[test]
fn a_hive_broken_at_random_never_stops_the_reader() {
    groma_fuzz::hammer(1500, &[SAMBA, THREE], |bytes| {
        if let Ok((hive, _)) = Hive::of_bytes(bytes.to_vec(), &[]) {
            tree(|path| hive.key(path));
        }
    });
}

proptest::proptest! {
    // Offsets are what a broken hive is broken by: words at any place, and the walk still ends.
    #[test]
    fn a_hive_with_strange_words_is_walked_to_its_end(
        strange in proptest::collection::vec((4096_usize..40_000, 0_u32..45_056), 1..60),
    ) {
        let mut bytes = THREE.to_vec();
        for (at, word) in strange {
            // Places are multiples of eight, as most offsets are.
            let at = at & !3;
            bytes[at..at + 4].copy_from_slice(&(word & !7).to_le_bytes());
        }
        if let Ok((hive, _)) = Hive::of_bytes(bytes, &[]) {
            let found = tree(|path| hive.key(path));
            // No key is met twice: a tree has no more keys than the hive has room for.
            proptest::prop_assert!(found.len() < THREE.len() / 8);
        }
    }
}
