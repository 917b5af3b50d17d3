//! What is said of a device in words: maker, model, serial number, place. Spellings of one thing become one word; what is
//! really different stays so.

use std::collections::BTreeSet;

use groma_model::EvidenceId;
use groma_model::device::{DeviceSays, DeviceWitness};
use groma_model::device_verdict::DeviceWord;
use groma_model::inventory::Entity;

use crate::gather::Raw;

type Says<'s> = [&'s Raw<DeviceSays>];

/// The keys under which lists and directories tell where something stands.
const PLACES: &[&str] = &[
    "location",
    "room",
    "standort",
    "emplacement",
    "расположение",
];

pub(super) fn makers(says: &Says<'_>) -> Vec<DeviceWord> {
    alike(given(says, |device| device.maker.as_ref()), same_maker)
}

pub(super) fn models(says: &Says<'_>) -> Vec<DeviceWord> {
    alike(given(says, |device| device.model.as_ref()), same_model)
}

pub(super) fn serials(says: &Says<'_>) -> Vec<DeviceWord> {
    let same = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other.trim());
    alike(given(says, |device| device.serial.as_ref()), same)
}

/// Where it stands: as the device was told, as a list says, as a directory says.
pub(super) fn locations(says: &Says<'_>, entity: &Entity) -> Vec<DeviceWord> {
    let same = |one: &str, other: &str| plain(one) == plain(other);
    let mut out = alike(given(says, |device| device.location.as_ref()), same);
    let declared = entity.attributes.declared.iter();
    let listed = declared
        .filter(|(key, _)| PLACES.contains(&key.to_lowercase().as_str()))
        .map(|(_, value)| (value.clone(), "list"));
    let objects = entity.attributes.directory_objects.iter();
    let stated = objects
        .filter_map(|entry| entry.object.attributes.get("location"))
        .flatten()
        .map(|value| (value.clone(), "directory"));
    for (value, by) in listed.chain(stated) {
        let known = out.iter_mut().find(|word| same(&word.value, &value));
        match known {
            Some(word) if word.by.iter().any(|known| known == by) => {}
            Some(word) => word.by.push(by.to_owned()),
            None => out.push(DeviceWord {
                value,
                by: vec![by.to_owned()],
                evidence: Vec::new(),
            }),
        }
    }
    out.iter_mut().for_each(|word| word.by.sort());
    out
}

/// The words of the device itself: what stands in a row of the sheet beside the answers is what groma printed there.
fn given<'s>(
    says: &'s Says<'_>,
    word: impl Fn(&DeviceSays) -> Option<&String> + 's,
) -> impl Iterator<Item = (String, DeviceWitness, EvidenceId)> + 's {
    let own = says.iter().filter(|raw| raw.fact.by != DeviceWitness::Panel);
    own.filter_map(move |raw| {
        let value = word(&raw.fact).filter(|value| !value.trim().is_empty())?;
        Some((value.trim().to_owned(), raw.fact.by, raw.id.clone()))
    })
}

/// Words that mean the same become one; the ways are heard in their order.
pub(super) fn alike(
    given: impl Iterator<Item = (String, DeviceWitness, EvidenceId)>,
    same: impl Fn(&str, &str) -> bool,
) -> Vec<DeviceWord> {
    let mut all: Vec<(DeviceWitness, String, EvidenceId)> =
        given.map(|(value, by, id)| (by, value, id)).collect();
    all.sort();
    let mut out: Vec<(DeviceWord, BTreeSet<DeviceWitness>)> = Vec::new();
    for (by, value, id) in all {
        match out.iter_mut().find(|(word, _)| same(&word.value, &value)) {
            Some((word, witnesses)) => {
                witnesses.insert(by);
                word.evidence.push(id);
            }
            None => {
                let word = DeviceWord {
                    value,
                    by: Vec::new(),
                    evidence: vec![id],
                };
                out.push((word, BTreeSet::from([by])));
            }
        }
    }
    out.into_iter()
        .map(|(mut word, witnesses)| {
            word.by = witnesses.iter().map(|by| by.words().to_owned()).collect();
            word.evidence.sort();
            word
        })
        .collect()
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The first letters of its words: `Hewlett-Packard` is `hp`.
fn initials(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter_map(|word| word.chars().next())
        .flat_map(char::to_lowercase)
        .collect()
}

fn same_maker(one: &str, other: &str) -> bool {
    let (a, b) = (plain(one), plain(other));
    if a.starts_with(&b) || b.starts_with(&a) {
        return true;
    }
    let is_short_for = |short: &str, long: &str| {
        let letters = initials(long);
        letters.len() > 1 && plain(short).starts_with(&letters)
    };
    is_short_for(one, other) || is_short_for(other, one)
}

/// A model with its maker before it, or a family without its last letters, is no other model.
fn same_model(one: &str, other: &str) -> bool {
    let (a, b) = (plain(one), plain(other));
    a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_maker_are_one_and_others_are_not() {
        for (one, other) in [
            ("HP", "Hewlett-Packard"),
            ("HP Inc.", "Hewlett Packard"),
            ("KYOCERA", "Kyocera Document Solutions"),
        ] {
            assert!(same_maker(one, other) && same_maker(other, one), "{one}");
        }
        for (one, other) in [("HP", "Canon"), ("Konica Minolta", "Kyocera")] {
            assert!(!same_maker(one, other), "{one}");
        }
    }

    #[test]
    fn a_model_with_its_maker_is_the_same_model() {
        assert!(same_model("Example C-300", "C 300"));
        assert!(!same_model("C 300", "C 400"));
    }
}
