//! Until when an operating system gets security corrections. The table is `data/ends_of_life.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use groma_model::Timestamp;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    system: Vec<System>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct System {
    id: String,
    source: String,
    ends: BTreeMap<String, String>,
}

static SYSTEMS: LazyLock<Vec<System>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/ends_of_life.toml"))
        .expect("data/ends_of_life.toml is compiled in and a test parses it");
    file.system
});

/// The last moment of the last day on which `version` of the system `id` (os-release `ID` and
/// `VERSION_ID`; `windows-server` and `windows` with the release) gets free security corrections.
///
/// A version with more parts than the table counts as its shorter form: `8.6` as `8`. `None` means
/// that we do not know, never that it is supported.
pub fn end_of_life(id: &str, version: &str) -> Option<Timestamp> {
    let system = SYSTEMS.iter().find(|s| s.id == id)?;
    let version = version.to_ascii_lowercase();
    let mut asked = version.as_str();
    loop {
        if let Some(day) = system.ends.get(asked) {
            return format!("{day}T23:59:59Z").parse().ok();
        }
        asked = asked.rsplit_once('.')?.0;
    }
}

/// Where the dates of the system `id` were read.
pub fn end_of_life_source(id: &str) -> Option<&'static str> {
    SYSTEMS
        .iter()
        .find(|s| s.id == id)
        .map(|s| s.source.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_of_the_table_is_a_day_and_has_a_source() {
        for system in SYSTEMS.iter() {
            assert!(system.source.starts_with("https://"), "{}", system.id);
            for version in system.ends.keys() {
                assert!(
                    end_of_life(&system.id, version).is_some(),
                    "{} {version}",
                    system.id
                );
            }
        }
    }

    #[test]
    fn a_minor_release_counts_as_its_major_one() {
        assert_eq!(end_of_life("rhel", "8.6"), end_of_life("rhel", "8"));
        assert_eq!(end_of_life("debian", "12").unwrap().day(), "2028-06-30");
        assert_eq!(
            end_of_life("windows-server", "2012-R2").unwrap().day(),
            "2023-10-10"
        );
    }

    #[test]
    fn what_the_table_does_not_hold_is_unknown() {
        assert_eq!(end_of_life("debian", "99"), None);
        assert_eq!(end_of_life("ubuntu", "22"), None);
        assert_eq!(end_of_life("haiku", "1"), None);
        assert_eq!(end_of_life("debian", ""), None);
    }
}
