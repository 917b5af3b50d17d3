//! Add-ins of Outlook: programs that stand in the way of a new version, or talk to a server of their own.

use std::collections::BTreeMap;

use groma_model::Fact;
use groma_model::fact::Package;

use crate::{Machine, Part};

/// Where add-ins of the whole machine are registered, with the bitness of the program they are for.
const PLACES: &[(&str, &str)] = &[
    (r"HKLM\SOFTWARE\Microsoft\Office\Outlook\Addins", ""),
    (
        r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Office\Outlook\Addins",
        "x86",
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\Office\ClickToRun\REGISTRY\MACHINE\Software\Microsoft\Office\Outlook\Addins",
        "",
    ),
    (
        r"HKLM\SOFTWARE\Microsoft\Office\ClickToRun\REGISTRY\MACHINE\Software\WOW6432Node\Microsoft\Office\Outlook\Addins",
        "x86",
    ),
];
/// Begins of names under which Office, Exchange, Lync and Teams register their own.
const OF_MICROSOFT: &[&str] = &[
    "microsoft.",
    "accessaddin.",
    "bcsaddin.",
    "bcseventaddin",
    "colleagueimport.",
    "delveaddin",
    "esmime",
    "mscrm",
    "onenote.",
    "oscaddin.",
    "outlookvba",
    "outlookchangenotifier",
    "skypeformeetings",
    "sharepoint.",
    "teamsaddin.",
    "ucaddin.",
    "umoutlookaddin.",
    "yammer.",
];
const ADDINS_MAX: usize = 1_000;

/// Says the add-ins of others that are loaded.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part) {
    let mut found: BTreeMap<(String, String), Package> = BTreeMap::new();
    let mut places: Vec<(String, &str)> = PLACES
        .iter()
        .map(|(place, bitness)| ((*place).to_owned(), *bitness))
        .collect();
    let people = machine
        .registry
        .key("HKU")
        .ok()
        .flatten()
        .unwrap_or_default();
    let people = people.keys.iter().filter(|sid| crate::is_of_a_person(sid));
    places.extend(people.map(|sid| {
        let place = format!(r"HKU\{sid}\Software\Microsoft\Office\Outlook\Addins");
        (place, "")
    }));
    for (place, bitness) in places {
        let list = part.or_missed(&place, machine.registry.key(&place));
        for name in list.unwrap_or_default().keys.into_iter().take(ADDINS_MAX) {
            if let Some(package) = addin(machine, &place, &name, bitness, part) {
                let about = (package.name.clone(), package.architecture.clone());
                found.entry(about).or_insert(package);
            }
        }
    }
    found
        .into_values()
        .for_each(|package| part.saw(Fact::Package(package)));
}

fn addin(
    machine: &Machine<'_>,
    place: &str,
    name: &str,
    bitness: &str,
    part: &mut Part,
) -> Option<Package> {
    let lower = name.to_lowercase();
    if OF_MICROSOFT.iter().any(|own| lower.starts_with(own)) {
        return None;
    }
    let path = format!(r"{place}\{name}");
    let key = part.or_missed(&path, machine.registry.key(&path))?;
    // The lowest bit: it is loaded.
    if key.number("LoadBehavior").unwrap_or_default() & 1 == 0 {
        return None;
    }
    let friendly = key.text("FriendlyName");
    Some(Package {
        name: friendly.unwrap_or(name).to_owned(),
        version: String::new(),
        architecture: bitness.to_owned(),
        manager: "outlook-addin".to_owned(),
    })
}
