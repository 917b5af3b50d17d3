//! Sections a file switches off: `enabled: false`, `aktiv="nein"`, and all that stands below them.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::{Setting, Settings};

/// Words of several languages that switch what stands beside them on or off.
const ENABLED: &[&str] = &[
    "enabled",
    "enable",
    "active",
    "aktiv",
    "aktiviert",
    "actif",
    "activo",
    "activado",
    "attivo",
    "abilitato",
    "actief",
    "ingeschakeld",
    "is_enabled",
    "is_active",
    "isenabled",
    "isactive",
];
const DISABLED: &[&str] = &[
    "disabled",
    "disable",
    "inactive",
    "deaktiviert",
    "inaktiv",
    "inactif",
    "uitgeschakeld",
    "desactivado",
    "disattivato",
];
const NO: &[&str] = &["no", "false", "0", "off", "nein", "non", "nee"];
const YES: &[&str] = &["yes", "true", "1", "on", "ja", "oui", "si"];

/// True if `setting` says that what stands beside it is switched off.
pub(crate) fn is_switch_off(setting: &Setting) -> bool {
    let key = setting.key.trim_start_matches('@').trim_end_matches(':');
    let value = setting.value.trim();
    let one_of = |words: &[&str], text: &str| words.iter().any(|w| w.eq_ignore_ascii_case(text));
    (one_of(ENABLED, key) && one_of(NO, value)) || (one_of(DISABLED, key) && one_of(YES, value))
}

/// Takes out every section that is switched off, with the sections within it. What stands outside of any
/// section stays: there the word is about the product, and its rule knows better.
///
/// A key of `with` switches its section off by being there.
pub(crate) fn drop_off(settings: &mut Settings, with: &[String]) {
    let says = |s: &Setting| is_switch_off(s) || with.contains(&s.key);
    // Some formats have one group for the whole file: the section must be the same as well.
    let off: BTreeSet<(u32, String)> = settings
        .all
        .iter()
        .filter(|s| !s.section.is_empty() && says(s))
        .map(|s| (s.group, s.section.clone()))
        .collect();
    if off.is_empty() {
        return;
    }
    let inner = inner_of(settings, &off);
    let mut by_group: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for (group, section) in &off {
        by_group.entry(*group).or_default().insert(section);
    }
    let is_off = |s: &Setting| {
        let sections = by_group.get(&s.group);
        inner.contains(&s.group) || sections.is_some_and(|all| all.contains(s.section.as_str()))
    };
    settings.all.retain(|s| !is_off(s));
}

/// The groups that stand within those of `off`. Groups are numbered as they open, each within the one before it or
/// beside it.
fn inner_of(settings: &Settings, off: &BTreeSet<(u32, String)>) -> BTreeSet<u32> {
    let mut sections: BTreeMap<u32, &str> = BTreeMap::new();
    for setting in &settings.all {
        sections.entry(setting.group).or_insert(&setting.section);
    }
    let mut inner = BTreeSet::new();
    let mut around: Option<&str> = None;
    for (group, section) in sections {
        let within = around.is_some_and(|outer| {
            section
                .strip_prefix(outer)
                .is_some_and(|rest| rest.starts_with('/'))
        });
        if within {
            inner.insert(group);
        } else {
            around = off
                .contains(&(group, section.to_owned()))
                .then_some(section);
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use groma_knowledge::rules::Format;

    use super::*;

    fn left(format: Format, text: &str) -> Vec<String> {
        let mut settings = crate::format::read(format, &[], text);
        drop_off(&mut settings, &[]);
        settings.all.into_iter().map(|s| s.value).collect()
    }

    #[test]
    fn a_section_that_is_off_goes_with_all_below_it() {
        let text = "a:\n  enabled: false\n  host: x\n  deep:\n    host: y\nb:\n  host: z\n";
        assert_eq!(left(Format::Yaml, text), ["z"]);
        let text = "<r><p aktiv=\"nein\"><h>x</h></p><p aktiv=\"ja\"><h>y</h></p></r>";
        assert_eq!(left(Format::Xml, text), ["ja", "y"]);
        let text = "[a]\nActief=0\nHost=x\n[b]\nActief=1\nHost=y\n";
        assert_eq!(left(Format::Ini, text), ["1", "y"]);
    }

    #[test]
    fn the_next_of_a_list_is_not_meant() {
        let text =
            "l:\n  - enabled: false\n    in: {host: x}\n  - enabled: true\n    in: {host: y}\n";
        assert_eq!(left(Format::Yaml, text), ["true", "y"]);
    }

    #[test]
    fn outside_of_sections_nothing_goes() {
        assert_eq!(left(Format::Equals, "enabled=0\nhost=x\n"), ["0", "x"]);
    }
}
