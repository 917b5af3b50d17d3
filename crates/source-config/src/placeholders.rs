//! `${name}` in values: what the file itself, the environment of who reads it, or the default behind it says.
//!
//! Spring, WildFly, Quarkus, Logback, Compose, Filebeat and many others spell variables alike. The environment
//! counts first, then the file, then `${name:default}` or `${name:-default}`. What nobody gives stays as it is, and
//! the value of a name that smells of a secret is never put anywhere.

use std::collections::BTreeMap;

use crate::settings::Settings;

/// A value that names another one that names another one: deeper is not followed.
const PASSES: usize = 4;
/// A value that grew longer than this is left as it was, and a longer one is never put in.
const SPELT_MAX: usize = 4096;
/// Names of one file that may stand for something.
const NAMES_MAX: usize = 20_000;

/// What stands outside the file: name → value.
pub(crate) type Outside<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// True if some value of a text may hold a variable.
pub(crate) fn are_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'$', bytes).any(|at| {
        let (before, after) = bytes.split_at_checked(at).unwrap_or_default();
        let opens = after.starts_with(b"${") || after.starts_with(b"$__env{");
        opens || before.ends_with(b"=") || before.ends_with(b": ")
    })
}

/// Puts values in the place of their names.
pub(crate) fn fill_in(settings: &mut Settings, outside: &Outside<'_>) {
    if !settings.all.iter().any(|s| s.value.contains('$')) {
        return;
    }
    let inside = names(settings);
    for _ in 0..PASSES {
        let mut changed = false;
        for setting in &mut settings.all {
            if setting.value.len() > SPELT_MAX {
                continue;
            }
            let Some(grown) = filled(&setting.value, &inside, outside) else {
                continue;
            };
            if grown.len() <= SPELT_MAX && grown != setting.value {
                setting.value = grown;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
}

/// What the settings of a file are called: by key, with their sections, and by a `name` beside a `value`.
fn names(settings: &Settings) -> BTreeMap<String, Option<String>> {
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut note = |name: String, value: &str| {
        if known.len() < NAMES_MAX || known.contains_key(&name) {
            let entry = known.entry(name).or_insert_with(|| Some(value.to_owned()));
            // Two values under one name say nothing.
            if entry.as_deref() != Some(value) {
                *entry = None;
            }
        }
    };
    let mut titles: BTreeMap<u32, &str> = BTreeMap::new();
    for setting in &settings.all {
        let key = setting.key.trim_start_matches('@');
        if setting.value.len() > SPELT_MAX {
            continue;
        }
        if matches!(key, "name" | "key") {
            titles.entry(setting.group).or_insert(&setting.value);
        }
        if setting.section.is_empty() {
            note(key.to_owned(), &setting.value);
            continue;
        }
        let section = setting.section.replace('/', ".");
        note(format!("{section}.{key}"), &setting.value);
        note(format!("{section}:{key}"), &setting.value);
        if section.ends_with("properties") || section.ends_with("vars") {
            note(key.to_owned(), &setting.value);
        }
    }
    for setting in &settings.all {
        let is_value = setting.key.trim_start_matches('@') == "value";
        if let Some(title) = titles.get(&setting.group).filter(|_| is_value) {
            note((*title).to_owned(), &setting.value);
        }
    }
    known
}

/// `value` with every variable somebody gives put in; `None` if there is none.
fn filled(
    value: &str,
    inside: &BTreeMap<String, Option<String>>,
    outside: &Outside<'_>,
) -> Option<String> {
    let lookup = |name: &str| given(name, inside, outside);
    // Grafana and Perl write the place to look before the brace.
    let spelt = value.replace("$__env{", "${").replace("$ENV{", "${");
    let value = spelt.as_str();
    if let Some(name) = bare_variable(value) {
        return outside_value(name, outside);
    }
    let mut out = String::new();
    let mut rest = value;
    let mut any = false;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some(end) = closing(after) else {
            out.push_str("${");
            rest = after;
            continue;
        };
        let (inner, tail) = (after.get(..end)?, after.get(end + 1..)?);
        match lookup(inner) {
            Some(found) => {
                out.push_str(&found);
                any = true;
            }
            None => {
                out.push_str("${");
                out.push_str(inner);
                out.push('}');
            }
        }
        if out.len() > SPELT_MAX {
            return None;
        }
        rest = tail;
    }
    out.push_str(rest);
    any.then_some(out)
}

/// `$NAME` as a whole value.
fn bare_variable(value: &str) -> Option<&str> {
    let name = value.trim().strip_prefix('$')?;
    let fits = name.len() > 1
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    fits.then_some(name)
}

/// Where the brace that was opened before `text` closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().take(SPELT_MAX) {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What `name`, `name:default` or `name:-default` stands for.
fn given(
    inner: &str,
    inside: &BTreeMap<String, Option<String>>,
    outside: &Outside<'_>,
) -> Option<String> {
    let own = |name: &str| inside.get(name).cloned().flatten();
    let harmless = |name: &str| !is_secret(name);
    // `${env.NAME}`, `${sys:NAME}`: the word before says where to look, and there is one answer anyway.
    let inner = ["env.", "env:", "ENV:", "sys:", "system."]
        .iter()
        .find_map(|prefix| inner.strip_prefix(prefix))
        .unwrap_or(inner);
    if let Some(found) = own(inner).filter(|_| harmless(inner) && inner.contains(':')) {
        return Some(found);
    }
    let (name, default) = match inner.split_once(':') {
        Some((name, default)) if !default.starts_with(['?', '+']) => {
            (name, Some(default.strip_prefix('-').unwrap_or(default)))
        }
        Some((name, _)) => (name, None),
        None => match inner.split_once('-') {
            Some((name, default)) if name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') => {
                (name, Some(default))
            }
            _ => (inner, None),
        },
    };
    if !harmless(name) {
        return None;
    }
    outside_value(name, outside)
        .or_else(|| own(name))
        .or_else(|| default.map(str::to_owned))
        .filter(|value| !value.is_empty())
}

/// A value of the environment, under the name as it is or as shells spell it: `db.host` is `DB_HOST`.
fn outside_value(name: &str, outside: &Outside<'_>) -> Option<String> {
    if is_secret(name) {
        return None;
    }
    let shell: String = name
        .chars()
        .map(|c| match c {
            '.' | '-' => '_',
            c => c.to_ascii_uppercase(),
        })
        .collect();
    outside(name)
        .or_else(|| outside(&shell))
        .filter(|value| !value.is_empty() && value.len() <= SPELT_MAX)
}

/// True for the name of something that must not travel: it stays where it stands.
pub(crate) fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "pass",
        "pwd",
        "secret",
        "token",
        "credential",
        "kennwort",
        "apikey",
        "api_key",
        "private",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use groma_knowledge::rules::Format;

    use super::*;

    fn values(format: Format, text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let mut settings = crate::format::read(format, &[], text);
        fill_in(&mut settings, &|name| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        settings.all.into_iter().map(|s| s.value).collect()
    }

    proptest::proptest! {
        #[test]
        fn a_variable_is_seen_wherever_it_stands(text in "([$={ :a\n]|__env|\\$\\{){0,12}") {
            let plainly = ["${", "$__env{", "=$", ": $"].iter().any(|sign| text.contains(sign));
            proptest::prop_assert_eq!(are_in(&text), plainly);
        }
    }

    #[test]
    fn the_environment_counts_before_the_file_and_the_default() {
        let text = "url=jdbc:mariadb://${DB_HOST:localhost}:${db.port:3306}/x\ndb.port=3310\nother=${gone:-10.0.0.9}\n";
        assert_eq!(
            values(Format::Words, text, &[("DB_HOST", "db1.corp")])[0],
            "jdbc:mariadb://db1.corp:3310/x"
        );
        assert_eq!(values(Format::Words, text, &[])[2], "10.0.0.9");
        assert_eq!(
            values(Format::Words, text, &[("DB_PORT", "3399")])[0],
            "jdbc:mariadb://localhost:3399/x"
        );
    }

    #[test]
    fn a_tree_and_its_sections_give_names() {
        let text = "app:\n  relay: mx1.corp\nmail:\n  host: ${app.relay}\n";
        assert_eq!(values(Format::Yaml, text, &[])[1], "mx1.corp");
        let text = "<c><property name=\"GELF\" value=\"log1.corp\"/><host>${GELF}</host></c>";
        assert_eq!(values(Format::Xml, text, &[])[2], "log1.corp");
    }

    #[test]
    fn values_lead_on_and_a_circle_ends() {
        let text = "site=paris\nname=${site}-db\nhost=${name}.corp\na=${b}\nb=${a}\n";
        assert_eq!(values(Format::Equals, text, &[])[2], "paris-db.corp");
    }

    #[test]
    fn a_whole_variable_is_one_of_the_environment() {
        assert_eq!(
            values(Format::Ini, "[s]\naddress=$NODE1\n", &[("NODE1", "db1")]),
            ["db1"]
        );
        assert_eq!(
            values(Format::Ini, "[s]\naddress=$NODE1\n", &[]),
            ["$NODE1"]
        );
    }

    #[test]
    fn a_secret_stays_where_it_is_and_so_does_what_nobody_gives() {
        let text = "password=hunter2\nurl=http://u:${password}@h/\nx=${nobody}\n";
        let found = values(Format::Words, text, &[("password", "hunter3")]);
        assert_eq!(found[1], "http://u:${password}@h/");
        assert_eq!(found[2], "${nobody}");
    }

    #[test]
    fn two_values_under_one_name_say_nothing() {
        let text = "<c><p name=\"h\" value=\"a\"/><p name=\"h\" value=\"b\"/><x>${h}</x></c>";
        assert!(values(Format::Xml, text, &[]).contains(&"${h}".to_owned()));
    }

    #[test]
    fn no_value_breaks_the_reader() {
        groma_fuzz::hammer(300, &[b"a=${b:${c:-x}}\nb=${a}\nc=$D\n"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let found = values(Format::Equals, &text, &[("D", "${b}")]);
            assert!(
                found
                    .iter()
                    .all(|value| value.len() <= text.len() + SPELT_MAX)
            );
        });
    }
}
