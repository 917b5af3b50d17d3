//! What devices are, by what their management tables say: makers, products, families of models.

use std::sync::LazyLock;

use groma_model::device::{Deed, DeviceClass};
use regex::Regex;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    maker: Vec<Maker>,
    says: Vec<WrittenSays>,
    family: Vec<WrittenFamily>,
    asked: Vec<AskedObjects>,
    counter: Vec<DeedCounter>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Maker {
    number: u32,
    name: String,
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSays {
    object: String,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    class: Option<DeviceClass>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever edits the file; a test asks for it")
    )]
    describes: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFamily {
    pattern: String,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for whoever edits the file; a test asks for it")
    )]
    example: String,
}

/// Objects of one maker alone that tell what the standard tables of its devices do not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedObjects {
    /// The maker's enterprise number.
    pub maker: u32,
    /// What answers there is.
    pub class: DeviceClass,
    /// The object that holds the model: whoever has it is meant.
    pub model: String,
    /// The object that holds the serial number.
    pub serial: String,
    /// The object that holds the version.
    pub version: String,
    /// Only who calls itself so is asked.
    pub for_object: String,
}

/// A counter of one maker alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeedCounter {
    /// The maker's enterprise number.
    pub maker: u32,
    /// What was done if it is not zero.
    pub done: Deed,
    /// The object.
    pub object: String,
}

struct Says {
    pattern: Option<Regex>,
    written: WrittenSays,
}

struct Devices {
    makers: Vec<Maker>,
    says: Vec<Says>,
    families: Vec<Regex>,
    asked: Vec<AskedObjects>,
    counters: Vec<DeedCounter>,
}

static DEVICES: LazyLock<Devices> = LazyLock::new(|| {
    let file = file();
    assert_eq!(file.version, 1, "this program reads version 1");
    let regex = |pattern: &String| Regex::new(pattern).expect("a pattern that a test compiles");
    let says = file.says.into_iter().map(|written| Says {
        pattern: written.pattern.as_ref().map(regex),
        written,
    });
    Devices {
        makers: file.maker,
        says: says.collect(),
        families: file.family.iter().map(|f| regex(&f.pattern)).collect(),
        asked: file.asked,
        counters: file.counter,
    }
});

fn file() -> File {
    toml::from_str(include_str!("../data/devices.toml"))
        .unwrap_or_else(|e| panic!("devices.toml is compiled in and a test parses it: {e}"))
}

/// What a device's own words say of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeviceSaid {
    /// What it is there for, where that is certain.
    pub class: Option<DeviceClass>,
    /// Its model.
    pub model: Option<String>,
    /// The version of what runs on it.
    pub version: Option<String>,
}

/// Whose an enterprise number is, by the makers groma knows.
pub fn device_maker(number: u32) -> Option<&'static str> {
    let maker = DEVICES.makers.iter().find(|maker| maker.number == number)?;
    Some(&maker.name)
}

/// The maker a device names in its own words, as groma spells it.
pub fn device_maker_named(words: &str) -> Option<&'static str> {
    let words = words.trim().to_lowercase();
    let is = |maker: &&Maker| maker.name.to_lowercase() == words || maker.also.contains(&words);
    Some(&DEVICES.makers.iter().find(is)?.name)
}

/// What the name of a product (sysObjectID, as `1.3.6.1.4.1.9.1.1`) and its description (sysDescr) say.
pub fn device_said(object: &str, description: &str) -> Option<DeviceSaid> {
    DEVICES
        .says
        .iter()
        .find_map(|says| says.of(object, description))
}

impl Says {
    fn of(&self, object: &str, description: &str) -> Option<DeviceSaid> {
        let rest = object.strip_prefix(&self.written.object)?;
        if !rest.is_empty() && !rest.starts_with('.') {
            return None;
        }
        let class = self.written.class;
        let Some(pattern) = &self.pattern else {
            return Some(DeviceSaid {
                class,
                ..DeviceSaid::default()
            });
        };
        let found = pattern.captures(description)?;
        let group = |name| Some(found.name(name)?.as_str().trim().to_owned());
        Some(DeviceSaid {
            class,
            model: group("model"),
            version: group("version"),
        })
    }
}

/// True if the name of a model, or the description of a device, is of a family in which everything scans too.
pub fn scans_by_family(words: &str) -> bool {
    DEVICES.families.iter().any(|family| family.is_match(words))
}

/// Objects to ask who calls itself `object` for, besides those of the standards.
pub fn device_objects(object: &str) -> impl Iterator<Item = &'static AskedObjects> {
    DEVICES
        .asked
        .iter()
        .filter(move |asked| object.starts_with(&format!("{}.", asked.for_object)))
}

/// Counters of a maker.
pub fn device_counters(maker: u32) -> impl Iterator<Item = &'static DeedCounter> {
    DEVICES
        .counters
        .iter()
        .filter(move |counter| counter.maker == maker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_knows_its_own_example() {
        for says in &DEVICES.says {
            let written = &says.written;
            let object = format!("{}.1", written.object);
            let said = device_said(&object, &written.describes);
            let said = said.unwrap_or_else(|| panic!("{object}: {}", written.describes));
            assert_eq!(said.class, written.class, "{}", written.describes);
            for (name, found) in [("model", &said.model), ("version", &said.version)] {
                let group = format!("(?P<{name}>");
                let has = written.pattern.as_ref().is_some_and(|p| p.contains(&group));
                assert_eq!(found.is_some(), has, "{name} of {}", written.describes);
            }
        }
        for family in file().family {
            assert!(scans_by_family(&family.example), "{}", family.example);
            let own = Regex::new(&family.pattern).unwrap();
            assert!(own.is_match(&family.example), "{}", family.example);
        }
    }

    #[test]
    fn models_and_versions_are_what_the_words_say() {
        let cisco = device_said(
            "1.3.6.1.4.1.9.1.1208",
            "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(2)E7, RELEASE SOFTWARE (fc3)",
        )
        .unwrap();
        assert_eq!(cisco.model.as_deref(), Some("C2960X"));
        assert_eq!(cisco.version.as_deref(), Some("15.2(2)E7"));
        let ricoh = device_said(
            "1.3.6.1.4.1.367.1.1",
            "RICOH MP C3003 1.09 / RICOH Network Printer C model / RICOH Network Scanner C model",
        )
        .unwrap();
        assert_eq!(ricoh.model.as_deref(), Some("MP C3003"));
        assert_eq!(ricoh.version.as_deref(), Some("1.09"));
    }

    #[test]
    fn who_only_prints_is_of_no_family_that_scans_and_words_alone_make_no_device() {
        for words in [
            "HP LaserJet 4250",
            "Lexmark MS610dn",
            "Brother HL-L6400DW series",
            "ECOSYS P3045dn",
            "HP OfficeJet Pro 8100",
            "HP OfficeJet Pro 9010 series",
            "TASKalfa Pro 15000c",
            "Linux srv1",
        ] {
            assert!(!scans_by_family(words), "{words}");
        }
        assert_eq!(device_said("1.3.6.1.4.1.99999.1", "RouterOS CCR1009"), None);
        assert_eq!(
            device_said("1.3.6.1.4.1.80720.3.2.10", "Linux a 6.1 b"),
            None
        );
    }

    #[test]
    fn makers_are_known_by_number_and_by_their_own_spelling_once_each() {
        assert_eq!(device_maker(367), Some("Ricoh"));
        assert_eq!(device_maker(4_000_000), None);
        assert_eq!(device_maker_named("Hewlett-Packard"), Some("HP"));
        assert_eq!(device_maker_named("KYOCERA"), Some("Kyocera"));
        assert_eq!(device_maker_named(""), None);
        let mut numbers: Vec<u32> = DEVICES.makers.iter().map(|m| m.number).collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }

    #[test]
    fn every_object_is_a_name_below_its_makers_own() {
        let below = |object: &str, maker: u32| {
            let own = format!("1.3.6.1.4.1.{maker}.");
            object.starts_with(&own) && object.split('.').all(|part| part.parse::<u32>().is_ok())
        };
        for asked in &DEVICES.asked {
            for object in [&asked.model, &asked.serial, &asked.version] {
                assert!(below(object, asked.maker), "{object}");
            }
        }
        for counter in &DEVICES.counters {
            assert!(below(&counter.object, counter.maker), "{}", counter.object);
        }
        assert_eq!(device_objects("1.3.6.1.4.1.8072.3.2.10").count(), 1);
        assert_eq!(device_counters(367).count(), 2);
    }
}
