//! Variables a file defines for itself: `set $backend app1;` of nginx, `Define HOST app1` of Apache.
//!
//! Only what the file says once, and without a further variable in it, is put in its place.

use std::collections::BTreeMap;

use groma_knowledge::rules::Variable;

use crate::settings::Settings;

/// More variables than this in one file are not looked at, nor longer values.
const VARIABLES_MAX: usize = 256;
const VALUE_MAX: usize = 512;
/// A value that grew longer than this is left as it was.
const SPELT_MAX: usize = 4096;

/// Puts the value of each variable where the file uses it.
pub(crate) fn spell_out(directives: &[Variable], settings: &mut Settings) {
    for directive in directives {
        let known = defined(directive, settings);
        for setting in &mut settings.all {
            if setting.key.eq_ignore_ascii_case(&directive.key) || setting.value.len() > SPELT_MAX {
                continue;
            }
            // Longer names first: `$host` is the beginning of `$hosts`.
            for (spelt, value) in known.iter().rev() {
                if setting.value.contains(spelt.as_str()) {
                    let grown = setting.value.replace(spelt.as_str(), value);
                    if grown.len() <= SPELT_MAX {
                        setting.value = grown;
                    }
                }
            }
            if let Some(machine) = without_request(&setting.value).map(str::to_owned) {
                setting.value = machine;
            }
        }
    }
}

/// `http://app1:8090$request_uri` without the variable: what the request adds is no part of the machine.
fn without_request(value: &str) -> Option<&str> {
    let start = value.find("://")? + 3;
    let ends = value.get(start..)?.find(['/', '$', ' '])?;
    let is_variable = ends > 0 && value.get(start + ends..)?.starts_with('$');
    value.get(..start + ends).filter(|_| is_variable)
}

/// Every spelling with its value; what is said twice is left out.
fn defined(directive: &Variable, settings: &Settings) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, Option<String>> = BTreeMap::new();
    let said = settings.all.iter();
    for setting in said
        .filter(|s| s.key.eq_ignore_ascii_case(&directive.key))
        .take(VARIABLES_MAX)
    {
        let Some((name, value)) = setting.value.trim().split_once([' ', '\t']) else {
            continue;
        };
        let value = value.trim().trim_matches(['"', '\'']);
        let plain = !value.is_empty() && value.len() <= VALUE_MAX && !value.contains('$');
        let name = name.trim_start_matches('$').to_owned();
        values
            .entry(name)
            .and_modify(|known| *known = None)
            .or_insert_with(|| plain.then(|| value.to_owned()));
    }
    let known = values
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    known
        .filter(|(name, _)| !name.is_empty())
        .flat_map(|(name, value)| {
            let spell = move |spelt: &String| (spelt.replace('*', &name), value.clone());
            directive.spelt.iter().map(spell).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(lines: &[(&str, &str)]) -> Vec<String> {
        let mut settings = Settings::default();
        for (key, value) in lines {
            settings.add(1, 0, "", key, value);
        }
        let set = Variable {
            key: "set".to_owned(),
            spelt: vec!["$*".to_owned(), "${*}".to_owned()],
        };
        spell_out(&[set], &mut settings);
        let used = settings.all.into_iter().filter(|s| s.key != "set");
        used.map(|s| s.value).collect()
    }

    #[test]
    fn what_is_said_once_is_put_in_its_place() {
        assert_eq!(
            spelt(&[
                ("set", "$wiki wiki1.corp"),
                ("set", "$wiki_port 8090"),
                ("pass", "http://$wiki:${wiki_port}$uri")
            ]),
            ["http://wiki1.corp:8090"]
        );
    }

    #[test]
    fn what_is_said_twice_or_by_another_variable_stays() {
        assert_eq!(
            spelt(&[("set", "$a x"), ("set", "$a y"), ("pass", "http://$a/")]),
            ["http://$a/"]
        );
        assert_eq!(
            spelt(&[("set", "$a $host"), ("pass", "http://$a/")]),
            ["http://$a/"]
        );
    }
}
