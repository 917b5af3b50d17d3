//! Preferences of Mozilla programs: `user_pref("name", value);`, one per line.

use std::collections::BTreeMap;

use crate::settings::Settings;
use crate::text::lines;

/// A value longer than this is a list of something else.
const VALUE_MAX: usize = 16 << 10;

/// One setting per preference. What belongs to an account that was removed is left behind in such files: a
/// server no account uses and an outgoing server that is not in the list say nothing.
pub(super) fn prefs(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        if let Some((name, value)) = preference(line.trim()) {
            settings.add(number, 0, "", &name, &value);
        }
    }
    let known: BTreeMap<String, String> = settings
        .all
        .iter()
        .map(|s| (s.key.clone(), s.value.clone()))
        .collect();
    settings.all.retain(|s| is_used(&s.key, &known));
    settings
}

fn preference(line: &str) -> Option<(String, String)> {
    let (function, rest) = line.split_once('(')?;
    let plain = ["user_pref", "pref", "lockPref", "defaultPref"];
    if !plain.contains(&function.trim()) {
        return None;
    }
    let (name, rest) = quoted(rest.trim_start())?;
    let rest = rest.trim_start().strip_prefix(',')?.trim_start();
    let value = match quoted(rest) {
        Some((value, _)) => value,
        None => rest.split(')').next()?.trim().to_owned(),
    };
    (value.len() <= VALUE_MAX).then_some((name, value))
}

/// The text in the quotes `text` begins with, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let rest = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((out, rest.get(at + 1..)?)),
            _ => out.push(c),
        }
    }
    None
}

fn is_used(key: &str, known: &BTreeMap<String, String>) -> bool {
    let listed = |list: &str, name: &str| {
        known
            .get(list)
            .is_none_or(|names| names.split(',').any(|n| n.trim() == name))
    };
    if let Some(server) = part(key, "mail.server.") {
        let Some(accounts) = known.get("mail.accountmanager.accounts") else {
            return true;
        };
        return accounts.split(',').any(|account| {
            known
                .get(&format!("mail.account.{}.server", account.trim()))
                .is_some_and(|s| s == server)
        });
    }
    part(key, "mail.smtpserver.").is_none_or(|server| listed("mail.smtpservers", server))
}

/// `server1` of `mail.server.server1.hostname`.
fn part<'k>(key: &'k str, before: &str) -> Option<&'k str> {
    key.strip_prefix(before)?.split('.').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_an_account_says_nothing() {
        let text = "// user_pref(\"a\", 1);\nuser_pref(\"mail.accountmanager.accounts\", \"account1\");\nuser_pref(\"mail.account.account1.server\", \"server1\");\nuser_pref(\"mail.server.server1.port\", 993);\nuser_pref(\"mail.server.server2.port\", 110);\nuser_pref(\"x\", \"a\\\\b\");\n";
        let shown: Vec<_> = prefs(text)
            .all
            .iter()
            .skip(2)
            .map(|s| format!("{} {}={}", s.line, s.key, s.value))
            .collect();
        assert_eq!(shown, ["4 mail.server.server1.port=993", "6 x=a\\b"]);
    }
}
