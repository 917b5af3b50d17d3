//! Sections a file switches off: `enabled: false`, `aktiv="nein"`, and all that stands below them.

use std::collections::{BTreeMap, BTreeSet};

use crate::settings::{Setting, Settings};

/// Words of several languages that switch what stands beside them on or off.
const ENABLED: &[&str] = &[
    "enabled",
    "enable",
    "use",
    "state",
    "status",
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
const NO: &[&str] = &[
    "no", "false", "0", "off", "nein", "non", "nee", "disabled", "inactive", "aus", "inaktiv",
];
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
    drop_families(settings);
    let says = |s: &Setting| is_switch_off(s) || is_own_switch(s) || with.contains(&s.key);
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

/// `ldap_enabled = no` within `[ldap]`.
fn is_own_switch(setting: &Setting) -> bool {
    let section = setting.section.rsplit('/').next().unwrap_or_default();
    let head = family_off(setting).map(|head| head.trim_end_matches(['.', '_', '-']));
    !section.is_empty() && head.is_some_and(|head| head.eq_ignore_ascii_case(section))
}

/// Takes out what a flat file switches off: `mail.smtp.enabled=false` and all that begins with `mail.smtp.`,
/// `PROXY_ENABLED=0` and `PROXY_HOST`. In a section without such a prefix the section itself is meant.
fn drop_families(settings: &mut Settings) {
    let off: BTreeSet<(u32, String)> = settings
        .all
        .iter()
        .filter_map(|s| Some((s.group, family_off(s)?.to_ascii_lowercase())))
        .collect();
    if off.is_empty() {
        return;
    }
    settings.all.retain(|s| {
        let key = s.key.to_ascii_lowercase();
        let ends = key.match_indices(['.', '_', '-']).map(|(at, _)| at + 1);
        let mut heads = ends.filter_map(|at| key.get(..at));
        // The switch itself stays: a rule may ask for it.
        family_off(s).is_some() || !heads.any(|head| off.contains(&(s.group, head.to_owned())))
    });
}

/// `mail.smtp.` of `mail.smtp.enabled=false`.
fn family_off(setting: &Setting) -> Option<&str> {
    let at = setting.key.rfind(['.', '_', '-']).map(|at| at + 1)?;
    let (head, word) = setting.key.split_at_checked(at)?;
    // `is_enabled` is one word.
    if head.eq_ignore_ascii_case("is_") || !head.bytes().any(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let head = head
        .strip_suffix("is_")
        .or_else(|| head.strip_suffix("IS_"))
        .filter(|rest| rest.ends_with(['.', '_', '-']))
        .unwrap_or(head);
    let switch = Setting {
        key: word.to_owned(),
        ..setting.clone()
    };
    is_switch_off(&switch).then_some(head)
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
        let text =
            "[ldap]\nldap_enabled=no\nhost=x\n[q]\nstatus=disabled\nhost=x\n[b]\nuse=yes\nhost=y\n";
        assert_eq!(left(Format::Ini, text), ["yes", "y"]);
        let text = "[a]\nActief=0\nHost=x\n[b]\nActief=1\nHost=y\n";
        assert_eq!(left(Format::Ini, text), ["1", "y"]);
    }

    #[test]
    fn a_family_of_keys_that_is_off_goes_and_its_neighbour_stays() {
        let text = "redis.enabled=false\nredis.host=x\nredis.pool.host=x\nredistribution.host=y\n";
        assert_eq!(left(Format::Equals, text), ["false", "y"]);
        let text = "PROXY_ENABLED=0\nPROXY_HOST=x\nHOST=y\nMAIL_ENABLED=1\nMAIL_HOST=z\n";
        assert_eq!(left(Format::Shell, text), ["0", "y", "1", "z"]);
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
