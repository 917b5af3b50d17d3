//! Whose a hardware address is, by the registry of the IEEE.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use groma_model::device::DeviceClass;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    maker: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    class: Option<DeviceClass>,
    first: Vec<String>,
}

/// Who was given the first octets of a hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HardwareMaker {
    /// Its name.
    pub name: &'static str,
    /// What it mostly makes: a hint, and never a proof.
    pub class: Option<DeviceClass>,
}

static MAKERS: LazyLock<BTreeMap<String, Written>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/hardware_addresses.toml"))
        .unwrap_or_else(|e| {
            panic!("hardware_addresses.toml is compiled in and a test parses it: {e}")
        });
    assert_eq!(file.version, 1, "this program reads version 1");
    let each = file.maker.into_iter().flat_map(|maker| {
        let Written { name, class, first } = maker;
        first.into_iter().map(move |octets| {
            let name = name.clone();
            let first = Vec::new();
            (octets, Written { name, class, first })
        })
    });
    each.collect()
});

/// Whose `00:26:73:01:02:03` is, of the makers groma knows; nobody's where somebody set it by hand.
pub fn hardware_maker(address: &str) -> Option<HardwareMaker> {
    let octets: String = address
        .chars()
        .filter(char::is_ascii_hexdigit)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let first = octets.get(..6).filter(|_| octets.len() == 12)?;
    // Set by hand, or of a group (IEEE 802, bits 0 and 1 of the first octet).
    if u8::from_str_radix(first.get(..2)?, 16).ok()? & 3 != 0 {
        return None;
    }
    let known = MAKERS.get(first)?;
    Some(HardwareMaker {
        name: &known.name,
        class: known.class,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers_are_known_by_the_first_octets() {
        let ricoh = hardware_maker("00:26:73:01:02:03").unwrap();
        assert_eq!(
            (ricoh.name, ricoh.class),
            ("Ricoh", Some(DeviceClass::Printer))
        );
        let yealink = hardware_maker("00-15-65-0A-0B-0C").unwrap();
        assert_eq!(yealink.class, Some(DeviceClass::Phone));
        assert_eq!(hardware_maker("00:0c:29:01:02:03").unwrap().class, None);
    }

    /// The twin: what somebody set by hand, what is of a group, what is none, and whom nobody knows.
    #[test]
    fn an_address_set_by_hand_is_nobodys() {
        for none in [
            "02:26:73:01:02:03",
            "01:26:73:01:02:03",
            "52:54:00:12:34:56",
            "00:26:73",
            "",
            "00:00:5e:00:01:01",
        ] {
            assert_eq!(hardware_maker(none), None, "{none}");
        }
    }

    #[test]
    fn every_prefix_is_six_digits_of_one_owner() {
        assert!(
            MAKERS.len() > 150,
            "none is lost because two makers have it"
        );
        for first in MAKERS.keys() {
            assert_eq!(first.len(), 6, "{first}");
            assert!(
                hardware_maker(&format!("{first}000001")).is_some(),
                "{first}"
            );
        }
    }
}
