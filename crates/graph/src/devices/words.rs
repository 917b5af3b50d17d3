//! What is said of a device in words: maker, model, serial number, place. Spellings of one thing become one word; what is
//! really different stays so.

use std::collections::BTreeSet;

use groma_knowledge::hardware::hardware_maker;
use groma_model::EvidenceId;
use groma_model::device::{DeviceSays, DeviceWitness};
use groma_model::device_verdict::{DeviceEntry, DeviceWord};
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

/// Who says so where nobody but the registry of hardware addresses does.
const HARDWARE: &str = "hardware address";

/// Whose hardware address it has, where nobody names its maker; and what that one mostly makes, where nobody gives it a class. The
/// weakest witness: a hint in words, and no class of its own. Two makers, as of a machine with two cards, say nothing.
pub(super) fn by_hardware(entry: &mut DeviceEntry, macs: &[String]) {
    let known = macs.iter().filter_map(|mac| hardware_maker(mac));
    let mut all: Vec<_> = known.map(|maker| (maker.name, maker.class)).collect();
    all.sort();
    all.dedup();
    let [(name, class)] = all[..] else {
        return;
    };
    let hint = |value: String| DeviceWord {
        value,
        by: vec![HARDWARE.to_owned()],
        evidence: Vec::new(),
    };
    if entry.maker.is_empty() {
        entry.maker.push(hint(name.to_owned()));
    }
    if let Some(class) = class
        && entry.class.is_none()
        && entry.classes.is_empty()
    {
        entry
            .classes
            .push(hint(format!("perhaps {}", class.words())));
    }
}

/// The words of the device itself: what stands in a row of the sheet beside the answers is what groma printed there.
fn given<'s>(
    says: &'s Says<'_>,
    word: impl Fn(&DeviceSays) -> Option<&String> + 's,
) -> impl Iterator<Item = (String, DeviceWitness, EvidenceId)> + 's {
    let own = says
        .iter()
        .filter(|raw| raw.fact.by != DeviceWitness::Panel);
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
    let is_short_for = |short: &str, long: &str| {
        let letters = initials(long);
        letters.len() > 1 && plain(short).starts_with(&letters)
    };
    let begins = |short: &str, long: &str| places_of(short, long).first() == Some(&0);
    begins(one, other) || begins(other, one) || is_short_for(one, other) || is_short_for(other, one)
}

/// A model with its maker before it, or a family without its last words, is no other model; `C300` and `C3003` are two.
fn same_model(one: &str, other: &str) -> bool {
    !places_of(one, other).is_empty() || !places_of(other, one).is_empty()
}

/// Where `short` stands in `long` as whole words, by letters and digits alone; nowhere if it has none.
fn places_of(short: &str, long: &str) -> Vec<usize> {
    let short = plain(short);
    let mut letters = String::new();
    // Where a word begins or ends: `C-300`, `C 300` and `C300` are one model.
    let mut borders = BTreeSet::from([0]);
    for c in long.chars() {
        match c.is_alphanumeric() {
            true => letters.extend(c.to_lowercase()),
            false => {
                borders.insert(letters.len());
            }
        }
    }
    borders.insert(letters.len());
    let is_whole = |at: &usize| borders.contains(at) && borders.contains(&(at + short.len()));
    let found = letters.match_indices(short.as_str()).map(|(at, _)| at);
    match short.is_empty() {
        true => Vec::new(),
        false => found.filter(is_whole).collect(),
    }
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

    #[test]
    fn a_number_that_begins_another_one_is_another_model() {
        for (one, other) in [("MP C3003", "MP C300"), ("Example C3003", "C 300")] {
            assert!(!same_model(one, other) && !same_model(other, one), "{one}");
        }
        for (one, other) in [
            ("OfficeJet Pro 9010 series", "OfficeJet Pro 9010"),
            ("MP C3003", "C3003"),
        ] {
            assert!(same_model(one, other) && same_model(other, one), "{one}");
        }
    }

    /// A device that writes a dash for its maker had every maker, and model.
    #[test]
    fn punctuation_is_nobodys_name() {
        for nothing in ["-", "...", "?", ""] {
            assert!(!same_maker(nothing, "HP") && !same_maker("HP", nothing));
            assert!(!same_model(nothing, "C 300") && !same_model("C 300", nothing));
        }
    }

    #[test]
    fn a_maker_that_begins_with_the_letters_of_another_is_another() {
        assert!(!same_maker("Canonical", "Canon"));
        assert!(same_maker("Canon Inc.", "Canon"));
    }
}
