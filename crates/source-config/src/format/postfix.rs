//! Postfix main.cf (postconf(5)): lines that begin with white space go on, `$name` is filled in.

use std::collections::BTreeMap;

use crate::settings::Settings;
use crate::text::{lines, split_near};

const EXPANSIONS_MAX: usize = 8;
/// A value that grows beyond this stays as it is written.
const FILLED_MAX: usize = 64 << 10;

pub(super) fn postfix(text: &str) -> Settings {
    let mut joined: Vec<(u32, String)> = Vec::new();
    for (number, line) in lines(text) {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match joined.last_mut() {
            Some((_, last)) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => joined.push((number, line.to_owned())),
        }
    }
    let pairs: Vec<(u32, &str, &str)> = joined
        .iter()
        .filter_map(|(n, line)| line.split_once('=').map(|(k, v)| (*n, k.trim(), v.trim())))
        .collect();
    // The last word on a parameter counts.
    let values: BTreeMap<&str, &str> = pairs.iter().map(|(_, key, value)| (*key, *value)).collect();
    let mut settings = Settings::default();
    for (at, (number, key, value)) in pairs.iter().enumerate() {
        let overruled = pairs
            .iter()
            .skip(at + 1)
            .take(2048)
            .any(|(_, later, _)| later == key);
        if !overruled {
            settings.add(*number, 0, "", key, &filled(value, &values));
        }
    }
    settings
}

fn filled(value: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut text = value.to_owned();
    for _ in 0..EXPANSIONS_MAX {
        match once(&text, values) {
            Some(next) if next != text => text = next,
            _ => break,
        }
    }
    text
}

/// Every name once by its value; `None` once it grows beyond measure.
fn once(text: &str, values: &BTreeMap<&str, &str>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, tail) = name_of(after);
        match values.get(name) {
            Some(value) if out.len() + value.len() > FILLED_MAX => return None,
            Some(value) => out.push_str(value),
            None => {
                out.push('$');
                out.push_str(after.get(..after.len() - tail.len()).unwrap_or_default());
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// The name in `name…`, `{name}…` or `(name)…`, and what follows.
fn name_of(after: &str) -> (&str, &str) {
    for (open, close) in [('{', b'}'), ('(', b')')] {
        let inner = after.strip_prefix(open);
        if let Some((name, tail)) = inner.and_then(|inner| split_near(inner, close)) {
            return (name, tail);
        }
    }
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(after.len());
    after.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_continuations_are_followed() {
        let text = "relay = out1\nrelayhost = [$relay]:587\nmilters =\n  inet:a:1,\n# inet:old:1\n  inet:b:2\nrelayhost = [${relay}.corp]\n";
        let shown: Vec<_> = postfix(text)
            .all
            .iter()
            .map(|s| format!("{} {}={}", s.line, s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                "1 relay=out1",
                "3 milters=inet:a:1, inet:b:2",
                "7 relayhost=[out1.corp]"
            ]
        );
    }

    #[test]
    fn a_value_that_grows_beyond_measure_stays_as_it_is_written() {
        let text = format!(
            "a = {}\nb = {}\nc = $d\nd = e\n",
            "x".repeat(1 << 20),
            "$a".repeat(1 << 20)
        );
        let settings = postfix(&text);
        assert!(settings.all[1].value.starts_with("$a$a"));
        assert_eq!(settings.all[2].value, "e");
    }

    #[test]
    fn a_circle_of_variables_ends() {
        assert_eq!(postfix("a = $b$b\nb = $a$a\n").all.len(), 2);
    }
}
