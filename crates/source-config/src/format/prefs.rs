//! Preferences of Mozilla programs: `user_pref("name", value);`, one per line.

use std::collections::{BTreeMap, BTreeSet};

use super::quoted::quoted;
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
    let used = Used::of(&known);
    settings.all.retain(|s| used.says(&s.key));
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

/// Servers some account uses, and outgoing servers in the list; nothing where there is no list.
struct Used<'k> {
    servers: Option<BTreeSet<&'k str>>,
    outgoing: Option<BTreeSet<&'k str>>,
}

impl<'k> Used<'k> {
    fn of(known: &'k BTreeMap<String, String>) -> Self {
        let listed = |list: &str| Some(known.get(list)?.split(',').map(str::trim));
        let server = |account: &str| known.get(&format!("mail.account.{account}.server"));
        Self {
            servers: listed("mail.accountmanager.accounts")
                .map(|accounts| accounts.filter_map(server).map(String::as_str).collect()),
            outgoing: listed("mail.smtpservers").map(Iterator::collect),
        }
    }

    fn says(&self, key: &str) -> bool {
        let (names, server) = match part(key, "mail.server.") {
            Some(server) => (&self.servers, server),
            None => match part(key, "mail.smtpserver.") {
                Some(server) => (&self.outgoing, server),
                None => return true,
            },
        };
        names.as_ref().is_none_or(|names| names.contains(server))
    }
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

    #[test]
    fn thousands_of_servers_and_accounts_are_matched_in_one_pass() {
        let accounts: String = (0..1_200).map(|n| format!("account{n},")).collect();
        let mut text = format!("pref(\"mail.accountmanager.accounts\", \"{accounts}\");\n");
        text += "pref(\"mail.account.account1199.server\", \"used\");\n";
        text += &"pref(\"mail.server.left.port\", 1);\n".repeat(4_000);
        text += "pref(\"mail.server.used.port\", 1);\n";
        assert_eq!(prefs(&text).all.len(), 3);
    }
}
