//! Sections that count only where something selects them: an account of a mail program that is the default
//! one, a realm somebody belongs to, a profile that is the active one.
//!
//! What nothing selects stays a hint, not a need: whoever is seen calling it confirms it.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::rules::{Rule, Selected, SelectedBy, Without};

use crate::glob::{any_word, matches_word};
use crate::settings::{Setting, Settings};

/// Which settings of one file stand in a section nothing selects.
pub(crate) struct Selection<'r> {
    /// The limits that hold in this file, with the names they leave in force.
    limits: Vec<(&'r Selected, BTreeSet<String>)>,
    /// What the key that begins a group says, by group.
    titles: BTreeMap<u32, String>,
}

impl<'r> Selection<'r> {
    pub(crate) fn of(rule: &'r Rule, settings: &Settings) -> Self {
        if rule.selected.is_empty() {
            return Self {
                limits: Vec::new(),
                titles: BTreeMap::new(),
            };
        }
        let titles = titles(rule, settings);
        let limit = |selected: &'r Selected| {
            let names = in_force(selected, settings, &titles);
            let holds = !names.is_empty() || selected.without == Without::None;
            holds.then_some((selected, names))
        };
        let limits = rule.selected.iter().filter_map(limit).collect();
        Self { limits, titles }
    }

    /// The name of the section around `setting`, if nothing selects it.
    pub(crate) fn idle<'s>(&'s self, setting: &'s Setting) -> Option<&'s str> {
        let section = self.section(setting);
        self.limits.iter().find_map(|(selected, names)| {
            let name = name_in(selected, section)?;
            (!names.contains(&name.to_ascii_lowercase())).then_some(name)
        })
    }

    fn section<'s>(&'s self, setting: &'s Setting) -> &'s str {
        let title = self.titles.get(&setting.group).map(String::as_str);
        title.unwrap_or(&setting.section)
    }
}

/// Leaves out what the product's own package wrote and nothing here puts in force.
pub(crate) fn drop_shipped(rule: &Rule, settings: &mut Settings) {
    for selected in rule.selected.iter().filter(|s| !s.shipped.is_empty()) {
        let titles = titles(rule, settings);
        let names = in_force(selected, settings, &titles);
        settings.all.retain(|setting| {
            let around = titles.get(&setting.group).unwrap_or(&setting.section);
            name_in(selected, around).is_none_or(|name| {
                let name = name.to_ascii_lowercase();
                names.contains(&name) || !selected.shipped.contains(&name)
            })
        });
    }
}

fn titles(rule: &Rule, settings: &Settings) -> BTreeMap<u32, String> {
    let mut titles = BTreeMap::new();
    for setting in &settings.all {
        if rule
            .groups
            .iter()
            .any(|key| key.eq_ignore_ascii_case(&setting.key))
        {
            titles
                .entry(setting.group)
                .or_insert_with(|| setting.value.clone());
        }
    }
    titles
}

/// Names in force, lower case: those that always are, those another setting gives, and those they build on.
fn in_force(
    selected: &Selected,
    settings: &Settings,
    titles: &BTreeMap<u32, String>,
) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for setting in &settings.all {
        let section = setting.section.to_ascii_lowercase();
        let says = |by: &&SelectedBy| {
            by.sections.iter().any(|glob| matches_word(glob, &section))
                && any_word(&by.keys, &setting.key)
        };
        for by in selected.by.iter().filter(says) {
            // `destination(d_net);` has its name in the key.
            let inner = setting
                .key
                .split_once('(')
                .map(|(_, rest)| rest.trim_end_matches([')', ';']));
            let said = inner.filter(|_| setting.value.is_empty());
            let given = words(said.unwrap_or(&setting.value));
            names.extend(given.filter(|name| !by.stock || !selected.shipped.contains(name)));
        }
        let around = titles.get(&setting.group).unwrap_or(&setting.section);
        if let Some(name) = name_in(selected, around).map(str::to_ascii_lowercase)
            && selected.always.contains(&name)
        {
            names.insert(name);
        }
    }
    // `account default : house` builds on the account `house`.
    for _ in 0..titles.len().min(64) {
        let before = names.len();
        for title in titles.values() {
            if let Some((name, bases)) = title.split_once(':')
                && names.contains(&name.trim().to_ascii_lowercase())
            {
                names.extend(words(bases));
            }
        }
        if names.len() == before {
            break;
        }
    }
    names
}

fn words(value: &str) -> impl Iterator<Item = String> + '_ {
    value
        .split([',', ';', ' ', '\t'])
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
}

/// What the `*` of one of the globs stands for in `section`: up to the next `/` or `:`.
fn name_in<'s>(selected: &Selected, section: &'s str) -> Option<&'s str> {
    selected.sections.iter().find_map(|glob| {
        let (anywhere, glob) = glob
            .strip_prefix("**/")
            .map_or((false, glob.as_str()), |rest| (true, rest));
        let prefix = glob.strip_suffix('*').unwrap_or(glob);
        let rest = if anywhere {
            std::iter::once(0)
                .chain(section.match_indices('/').map(|(at, _)| at + 1))
                .find_map(|at| after(section.get(at..)?, prefix))
        } else {
            after(section, prefix)
        }?;
        let name = rest.split(['/', ':']).next().unwrap_or(rest).trim();
        (!section.is_empty()).then_some(name)
    })
}

fn after<'s>(text: &'s str, prefix: &str) -> Option<&'s str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..))?
}

#[cfg(test)]
mod tests {
    use groma_knowledge::RULES;

    use super::*;
    use crate::format;

    fn idle(rule: &str, text: &str) -> Vec<String> {
        let rule = RULES.iter().find(|r| r.id == rule).unwrap();
        let settings = format::read(rule.format, &rule.groups, text);
        let selection = Selection::of(rule, &settings);
        let idle = settings.all.iter().filter(|s| selection.idle(s).is_some());
        idle.map(|s| s.value.clone()).collect()
    }

    #[test]
    fn a_realm_nobody_belongs_to_is_idle() {
        let text = "[libdefaults]\ndefault_realm = A.X\n[realms]\nA.X = {\nkdc = k1\n}\nB.X = {\nkdc = k2\n}\nC.X = {\nkdc = k3\n}\n[domain_realm]\n.b.x = B.X\n";
        assert_eq!(idle("krb5", text), ["k3"]);
        assert!(idle("krb5", "[realms]\nA.X = {\nkdc = k1\n}\n").is_empty());
    }

    #[test]
    fn an_account_counts_if_the_default_builds_on_it() {
        let text =
            "account a\nhost h1\naccount b : a\nfrom x\naccount c\nhost h3\naccount default : b\n";
        assert_eq!(idle("msmtp", text), ["c", "h3"]);
        let none = "account a\nhost h1\naccount c\nhost h3\n";
        assert!(idle("msmtp", none).is_empty());
        assert!(idle("msmtp", "account default\nhost h1\n").is_empty());
    }

    #[test]
    fn only_the_active_profile_counts() {
        let text =
            "profiles:\n  active: live\n  live: {mail: {host: m1}}\n  trial: {mail: {host: m2}}\n";
        assert_eq!(idle("yaml-application", text), ["m2"]);
        let open = "profiles:\n  live: {mail: {host: m1}}\n  trial: {mail: {host: m2}}\n";
        assert!(idle("yaml-application", open).is_empty());
    }

    #[test]
    fn groups_of_the_client_programs_count() {
        let text =
            "[client]\nhost=h1\n[clienttest]\nhost=h2\n[mysqldump]\nhost=h3\n[mysqld]\nport=1\n";
        assert_eq!(idle("my-cnf", text), ["h2"]);
    }
}
