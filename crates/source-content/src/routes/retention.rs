//! What Dovecot deletes by itself and how much a mailbox may hold: `autoexpunge`, folders of the plugin expire, quota.
//!
//! Folders are told as the administrator's settings name them; nothing is looked up in mailboxes.

use std::collections::BTreeMap;

use groma_model::fact::{RouteRule, RouteTarget};

use super::Found;
use super::dovecot::Setting;

/// Characters of a folder's name that are told.
const NAME_MAX: usize = 120;
/// Digits of a limit: more is none.
const DIGITS_MAX: usize = 15;
const TIMES: &[(&str, &str)] = &[
    ("seconds", "second"),
    ("secs", "second"),
    ("minutes", "minute"),
    ("mins", "minute"),
    ("hours", "hour"),
    ("days", "day"),
    ("weeks", "week"),
];

/// Adds what the settings that hold say; of one that is said twice, the last.
pub(super) fn read(found: &mut Found<'_, '_, '_, '_>, settings: &[Setting]) {
    let plugins = Plugins::of(settings);
    let mut last: BTreeMap<_, &Setting> = BTreeMap::new();
    for setting in settings {
        last.insert((setting.section(), setting.key.as_str()), setting);
    }
    for setting in last.into_values() {
        if let Some((rule, name)) = said(setting, plugins) {
            found.add(rule, None, RouteTarget::Way { name }, setting.at());
        }
    }
}

/// Which of the plugins work.
#[derive(Clone, Copy)]
struct Plugins {
    expire: bool,
    /// Loaded, and with something that counts.
    quota: bool,
}

impl Plugins {
    fn of(settings: &[Setting]) -> Self {
        // `mail_plugins = quota`, and `mail_plugins { quota = yes }` since 2.4.
        let loads = |setting: &Setting, plugin: &str| match setting.key.as_str() {
            "mail_plugins" => setting.value.split([' ', ',', '\t']).any(|w| w == plugin),
            key => key == plugin && setting.is_in("mail_plugins") && setting.value == "yes",
        };
        let has = |plugin| settings.iter().any(|s| loads(s, plugin));
        let root = |s: &Setting| s.is_in("quota") || (s.is_in("plugin") && s.key == "quota");
        Self {
            expire: has("expire"),
            quota: has("quota") && settings.iter().any(root),
        }
    }
}

/// The rule, and in what or to what.
fn said(setting: &Setting, plugins: Plugins) -> Option<(RouteRule, String)> {
    let (key, value) = (setting.key.as_str(), setting.value.as_str());
    let folder = setting.innermost().and_then(|s| s.strip_prefix("mailbox "));
    let folder = folder.and_then(name);
    let key = key.strip_prefix("mailbox_").unwrap_or(key);
    let old = |said: String| Some((RouteRule::Retention, said));
    let much = |said: String| Some((RouteRule::Quota, said));
    match (key, folder) {
        ("autoexpunge", Some(folder)) => old(format!("{folder} after {}", time(value)?)),
        ("autoexpunge_max_mails", Some(folder)) => {
            old(format!("{folder} beyond {} mails", number(value)?))
        }
        (key, _) if plugins.expire && setting.is_in("plugin") && numbered(key, "expire") => {
            let folder = name(value)?;
            old(format!("{folder} when a job of doveadm does"))
        }
        _ if !plugins.quota => None,
        ("quota_storage_extra", Some(folder)) => much(format!("+{} in {folder}", size(value)?)),
        (key, _) if setting.is_in("plugin") && is_rule(key) => much(rule(value)?),
        ("quota_max_mail_size", _) | ("quota_mail_size", _) => {
            much(format!("{} a mail", size(value)?))
        }
        ("quota_storage_size", None) => much(size(value)?),
        ("quota_message_count", None) => much(format!("{} mails", number(value)?)),
        ("storage_size", _) if setting.is_in("quota") => much(size(value)?),
        ("message_count", _) if setting.is_in("quota") => much(format!("{} mails", number(value)?)),
        ("mail_size", _) if setting.is_in("quota") => much(format!("{} a mail", size(value)?)),
        _ => None,
    }
}

/// `expire`, `expire2`.
fn numbered(key: &str, word: &str) -> bool {
    let rest = key.strip_prefix(word);
    rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
}

/// `quota_rule`, `quota_rule2`, `quota2_rule3`.
fn is_rule(key: &str) -> bool {
    let two = key.split_once("_rule");
    two.is_some_and(|(root, rest)| numbered(root, "quota") && numbered(rest, ""))
}

/// `*:storage=1G:messages=1000`, `Trash:storage=+10%%`.
fn rule(value: &str) -> Option<String> {
    let (folder, limits) = value.split_once(':')?;
    let limit = |limit: &str| match limit.split_once('=')? {
        ("storage", amount) => size(amount),
        ("bytes", amount) => Some(format!("{} bytes", number(amount)?)),
        ("messages", amount) => Some(format!("{} mails", number(amount)?)),
        _ => None,
    };
    let limits: Vec<String> = limits.split(':').filter_map(limit).collect();
    let limits = (!limits.is_empty()).then(|| limits.join(" and "))?;
    Some(match folder {
        "*" | "?" => limits,
        folder => format!("{limits} in {}", name(folder)?),
    })
}

/// A folder's name as it is told.
fn name(written: &str) -> Option<String> {
    let name = written.trim().trim_matches('"');
    let sound = !name.is_empty()
        && name.chars().count() <= NAME_MAX
        && !name.contains(|c: char| c.is_control() || c == '$');
    sound.then(|| name.to_owned())
}

/// `30d`, `2 weeks` → `30 days`; nothing for 0 and what is no time.
fn time(value: &str) -> Option<String> {
    let value = value.trim();
    let end = value.find(|c: char| !c.is_ascii_digit())?;
    let (amount, unit) = value.split_at_checked(end)?;
    let amount = number(amount)?;
    let unit = unit.trim().to_ascii_lowercase();
    let fits = |(long, _): &&(&str, &str)| !unit.is_empty() && long.starts_with(unit.as_str());
    let (_, word) = TIMES.iter().find(fits)?;
    Some(match amount.as_str() {
        "1" => format!("1 {word}"),
        amount => format!("{amount} {word}s"),
    })
}

/// Digits that are more than 0, without leading zeros.
fn number(value: &str) -> Option<String> {
    let digits = value.trim();
    let all = digits.chars().all(|c| c.is_ascii_digit()) && digits.len() <= DIGITS_MAX;
    let digits = digits.trim_start_matches('0');
    (all && !digits.is_empty()).then(|| digits.to_owned())
}

/// `1G`, `+100 M`, `10%%` as they are, without blanks; nothing for 0, `unlimited` and what is no size.
fn size(value: &str) -> Option<String> {
    const UNITS: &[&str] = &[
        "", "B", "K", "M", "G", "T", "KB", "MB", "GB", "TB", "%", "%%",
    ];
    let value = value.trim();
    let bare = value.strip_prefix('+').unwrap_or(value);
    let end = bare.find(|c: char| !c.is_ascii_digit());
    let (amount, unit) = bare.split_at_checked(end.unwrap_or(bare.len()))?;
    let unit = unit.trim().to_ascii_uppercase();
    let amount = number(amount).filter(|_| UNITS.contains(&unit.as_str()))?;
    let more = if bare.len() < value.len() { "+" } else { "" };
    // In settings of 2.3 a percent sign is doubled.
    let unit = unit.replace("%%", "%");
    Some(format!("{more}{amount}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_told_and_what_is_none_is_not() {
        for (value, told) in [
            ("30d", "30 days"),
            ("2 weeks", "2 weeks"),
            ("1 day", "1 day"),
            ("12h", "12 hours"),
        ] {
            assert_eq!(time(value).as_deref(), Some(told));
        }
        for nothing in ["0", "0d", "30", "", "d", "never", "30x", "%{a}d", "-3d"] {
            assert_eq!(time(nothing), None, "{nothing}");
        }
        for (value, told) in [("1G", "1G"), ("+10%%", "+10%"), ("512 mb", "512MB")] {
            assert_eq!(size(value).as_deref(), Some(told));
        }
        for nothing in ["0", "0M", "unlimited", "", "%u", "1X", "+"] {
            assert_eq!(size(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn rules_of_quota() {
        let told = |value: &str| rule(value);
        let both = told("*:storage=1G:messages=20000");
        assert_eq!(both.as_deref(), Some("1G and 20000 mails"));
        let trash = told("Trash:storage=+10%%");
        assert_eq!(trash.as_deref(), Some("+10% in Trash"));
        for nothing in ["Archive:ignore", "*:storage=0", "*", "", "*:backend=x"] {
            assert_eq!(told(nothing), None, "{nothing}");
        }
        assert!(is_rule("quota_rule") && is_rule("quota_rule12") && is_rule("quota2_rule3"));
        assert!(!is_rule("quota_warning") && !is_rule("acl_rule") && !is_rule("quota_ruler"));
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[b"*:storage=+10%%:messages=3", b"30 days"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                drop((rule(&text), time(&text), name(&text)));
            },
        );
    }
}
