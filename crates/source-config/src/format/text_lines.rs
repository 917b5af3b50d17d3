//! Files whose lines are values themselves.

use crate::settings::Settings;
use crate::text::{joined_lines, lines};

/// Every line that says something, under the key `line`.
pub(super) fn text_lines(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in joined_lines(text) {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with(['#', ';', '[']) {
            let group = settings.open_group();
            settings.add(number, group, "", "line", line);
        }
    }
    settings
}

/// `master.info` of MySQL and MariaDB: a number of lines, the log and the place in it, host, account, secret,
/// port. The secret is not kept.
pub(super) fn master_info(text: &str) -> Settings {
    let mut settings = Settings::default();
    let rows: Vec<(u32, &str)> = lines(text).take(16).collect();
    let counted = rows
        .first()
        .is_some_and(|(_, first)| first.trim().parse::<u32>().is_ok());
    if !counted {
        return settings;
    }
    for (at, key) in [(3, "host"), (4, "account"), (6, "port")] {
        if let Some((number, value)) = rows.get(at).filter(|(_, value)| !value.trim().is_empty()) {
            settings.add(*number, 0, "", key, value.trim());
        }
    }
    settings
}

/// `key:type:value` (settings of a remote desktop).
pub(super) fn typed(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        let mut parts = line.trim().splitn(3, ':');
        if let (Some(key), Some(_), Some(value)) = (parts.next(), parts.next(), parts.next()) {
            settings.add(number, 0, "", key.trim(), value.trim());
        }
    }
    settings
}

/// The configuration of OpenLDAP's server: `slapd.conf`, where a line that begins with white space goes on with the
/// one before, and the LDIF of `cn=config`, where it goes on in the middle of a word (RFC 2849).
pub(super) fn ldif(text: &str) -> Settings {
    let is_ldif = text.lines().any(|line| line.starts_with("dn: "));
    let mut whole: Vec<(u32, String)> = Vec::new();
    for (number, line) in lines(text) {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        match (line.strip_prefix([' ', '\t']), whole.last_mut()) {
            (Some(more), Some((_, last))) if last.len() < 64 << 10 => {
                if !is_ldif {
                    last.push(' ');
                }
                last.push_str(if is_ldif { more } else { more.trim() });
            }
            _ => whole.push((number, line.to_owned())),
        }
    }
    let mut settings = Settings::default();
    for (number, line) in whole {
        let split = if is_ldif {
            line.split_once(": ")
        } else {
            line.split_once([' ', '\t'])
        };
        if let Some((key, value)) = split {
            let group = settings.open_group();
            settings.add(number, group, "", key, value.trim());
        }
    }
    settings
}

/// Sendmail: the macros of `sendmail.cf` that name hosts (`DSrelay.corp.example`) and the definitions of its source
/// (``define(`SMART_HOST', `relay')``). A host may stand behind a mailer: `esmtp:[relay]`.
pub(super) fn sendmail(text: &str) -> Settings {
    const MACROS: &[&str] = &["DS", "DR", "DH", "DL"];
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        let found = match line.get(..2).filter(|two| MACROS.contains(two)) {
            Some(name) => line.get(2..).map(|value| (name, value)),
            None => m4_definition(line),
        };
        if let Some((key, value)) = found {
            let host = match value.rsplit_once(':') {
                Some((mailer, host)) if !mailer.contains(['[', '.']) => host,
                _ => value,
            };
            let host = host.trim().trim_matches(['[', ']']);
            if !host.is_empty() {
                settings.add(number, 0, "", key, host);
            }
        }
    }
    settings
}

/// ``define(`NAME', `value')`` and ``FEATURE(`msp', `value')``.
fn m4_definition(line: &str) -> Option<(&str, &str)> {
    let rest = line
        .strip_prefix("define(")
        .or_else(|| line.strip_prefix("FEATURE("))?;
    let mut parts = rest.split(['`', '\'']);
    let name = parts.nth(1)?;
    let value = parts.nth(1)?;
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_typed_values_are_settings() {
        assert_eq!(text_lines("[x]\n; y\nA=1;B=2\n").all[0].value, "A=1;B=2");
        let settings = master_info("33\nbin.1\n4\nh1\nrepl\nhunter2\n3307\n60\n");
        assert_eq!(settings.all[2].value, "3307");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let settings = typed("full address:s:srv1:3390\nno\n");
        assert_eq!(settings.all[0].value, "srv1:3390");
    }
}
