//! Formats in which a line is a setting.

use std::collections::HashMap;
use std::net::IpAddr;

use groma_model::HostName;

use crate::settings::Settings;
use crate::text::{bare, joined_lines, lines};

/// True if a line says nothing to the program: empty, or a comment in any of the common styles.
pub(crate) fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    let Some(first) = line.bytes().next() else {
        return true;
    };
    // Letters and digits begin nearly every line.
    match first {
        b'#' | b';' | b'!' => true,
        b'/' => line.starts_with("//") || line.starts_with("/*"),
        b'*' => line.starts_with("* ") || line.starts_with("*/"),
        b'<' => line.starts_with("<!--"),
        b'-' => line.starts_with("--"),
        b'd' => line.starts_with("dnl "),
        b'r' => line.starts_with("rem "),
        b'R' => line.starts_with("REM "),
        b'%' => line.starts_with("%%"),
        _ => false,
    }
}

/// `key = value` and `key: value`, whichever sign comes first; a backslash joins lines.
pub(super) fn equals(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in joined_lines(text) {
        let line = line.trim();
        if is_comment(line) {
            continue;
        }
        if let Some((key, value)) = line.split_once(['=', ':']) {
            let value = value.strip_prefix('=').unwrap_or(value);
            // Properties escape the signs that end a key: `jdbc\:postgresql\://db1\:5432`.
            let value = value.replace("\\:", ":").replace("\\=", "=");
            // Quarkus writes the profile before a key.
            let key = match key.trim().strip_prefix('%').and_then(|k| k.split_once('.')) {
                Some((profile, _)) if crate::silence::is_for_development(profile) => continue,
                Some((_, key)) => key,
                None => key.trim(),
            };
            settings.add(number, 0, "", key, bare(&value));
        }
    }
    fill(&mut settings);
    settings
}

/// Times values are filled into each other.
const ROUNDS_MAX: usize = 4;
/// A value that would grow beyond this stays as it is written.
const FILLED_MAX: usize = 4096;

/// `${name}` and `${name:default}` become the value of `name` in the same file, as Java applications and many others
/// read them; a value with a name nobody sets stays as it is.
fn fill(settings: &mut Settings) {
    if !settings.all.iter().any(|s| s.value.contains("${")) {
        return;
    }
    for _ in 0..ROUNDS_MAX {
        let known: HashMap<String, String> = settings
            .all
            .iter()
            .filter(|s| !s.value.contains("${") && s.value.len() < 1024)
            .map(|s| (s.key.clone(), s.value.clone()))
            .collect();
        for at in 0..settings.all.len() {
            let setting = settings.all.get(at).filter(|s| s.value.contains("${"));
            if let Some(value) = setting.and_then(|s| filled(&s.value, &known)) {
                settings.refill(at, value);
            }
        }
    }
}

fn filled(value: &str, known: &HashMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (inner, tail) = after.split_once('}')?;
        let (name, default) = inner
            .split_once(':')
            .map_or((inner, None), |(n, d)| (n, Some(d)));
        out.push_str(known.get(name.trim()).map(String::as_str).or(default)?);
        if out.len() >= FILLED_MAX {
            return None;
        }
        rest = tail;
    }
    out.push_str(rest);
    (out.len() < FILLED_MAX).then_some(out)
}

/// `key value …` and `key=value`; a key among `groups` begins a group of its own.
pub(super) fn words(text: &str, groups: &[String]) -> Settings {
    let mut settings = Settings::default();
    let mut group = 0;
    for (number, line) in joined_lines(text) {
        let line = line.trim();
        if is_comment(line) || line.starts_with('<') {
            continue;
        }
        let (key, value) = line.split_once([' ', '\t', '=']).unwrap_or((line, ""));
        if groups.iter().any(|g| g.eq_ignore_ascii_case(key)) {
            group = settings.open_group();
        }
        let value = value.trim_start().trim_start_matches('=');
        settings.add(number, group, "", key, bare(value));
    }
    settings
}

/// `[section]`, `key = value`; a line that begins with white space goes on with the value before it.
pub(super) fn ini(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut section = String::new();
    let mut group = 0;
    for (number, line) in joined_lines(text) {
        let body = line.trim();
        if is_comment(body) {
            continue;
        }
        if let Some(name) = body
            .strip_prefix('[')
            .and_then(|b| b.split_once(']').map(|(name, _)| name))
        {
            section = name.trim_matches(['[', ']', ' ', '"']).to_owned();
            group = settings.open_group();
            continue;
        }
        // A further URL of the value before it (`baseurl` of YUM), not a key `https`.
        let goes_on = line.starts_with([' ', '\t'])
            && body
                .split_once("://")
                .is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()));
        if goes_on && settings.all.last().is_some_and(|s| s.group == group) {
            go_on(&mut settings, body);
            continue;
        }
        let split = body
            .split_once('=')
            .or_else(|| body.split_once([':', ' ', '\t']));
        match split {
            Some((key, value)) if !key.trim().is_empty() => {
                settings.add(number, group, &section, key.trim(), bare(value))
            }
            _ if line.starts_with([' ', '\t']) => go_on(&mut settings, body),
            _ => {}
        }
    }
    interpolate(&mut settings);
    settings
}

/// As [`ini`], but the whole file is one group: a key is `section.key`.
pub(super) fn ini_whole(text: &str) -> Settings {
    let mut settings = ini(text);
    for setting in &mut settings.all {
        setting.group = 0;
        if !setting.section.is_empty() {
            setting.key = format!("{}.{}", setting.section, setting.key);
            setting.section.clear();
        }
    }
    settings
}

fn go_on(settings: &mut Settings, more: &str) {
    if let Some(last) = settings.all.last_mut().filter(|s| s.value.len() < 64 << 10) {
        last.value.push(' ');
        last.value.push_str(bare(more));
    }
}

/// `%(name)s` becomes the value of `name` in the same section or in `DEFAULT`, once.
fn interpolate(settings: &mut Settings) {
    if !settings.all.iter().any(|s| s.value.contains("%(")) {
        return;
    }
    let known = settings.all.clone();
    // The first of its name, in a group and in `DEFAULT`.
    let mut near: HashMap<(u32, &str), usize> = HashMap::new();
    let mut shared: HashMap<&str, usize> = HashMap::new();
    for (at, setting) in known.iter().enumerate() {
        near.entry((setting.group, &setting.key)).or_insert(at);
        if setting.section == "DEFAULT" {
            shared.entry(&setting.key).or_insert(at);
        }
    }
    for (at, setting) in known.iter().enumerate() {
        let Some((before, rest)) = setting.value.split_once("%(") else {
            continue;
        };
        let Some((name, after)) = rest.split_once(")s") else {
            continue;
        };
        let places = [near.get(&(setting.group, name)), shared.get(name)];
        let found = places.into_iter().flatten().min();
        let found = found.and_then(|at| known.get(*at));
        if let Some(found) = found.filter(|f| f.value.len() < FILLED_MAX) {
            settings.refill(at, format!("{before}{}{after}", found.value));
        }
    }
}

/// `key: value`; a key without value is a heading and begins a group.
pub(super) fn colon(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut section = String::new();
    let mut group = 0;
    for (number, line) in lines(text) {
        if is_comment(line) {
            continue;
        }
        let Some((key, value)) = line.trim().split_once(':') else {
            continue;
        };
        let value = bare(value);
        if value.is_empty() {
            key.clone_into(&mut section);
            group = settings.open_group();
        } else {
            settings.add(number, group, &section, key, value);
        }
    }
    settings
}

/// Paragraphs of `Key: value` (deb822): one group each, whatever the order of its fields; an indented line goes on.
pub(super) fn paragraphs(text: &str) -> Settings {
    let mut settings = Settings::default();
    let mut group = settings.open_group();
    for (number, line) in lines(text) {
        if line.trim().is_empty() {
            group = settings.open_group();
        } else if line.trim_start().starts_with('#') {
            continue;
        } else if line.starts_with([' ', '\t']) {
            go_on(&mut settings, line.trim());
        } else if let Some((key, value)) = line.split_once(':') {
            settings.add(number, group, "", key.trim(), value.trim());
        }
    }
    settings
}

/// Columns divided by white space, keys `1`, `2`, …; `4.name` holds the part `name=…` of the fourth.
pub(super) fn columns(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in joined_lines(text) {
        // `//` begins a share here and `*` a wildcard.
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let group = settings.open_group();
        for (at, word) in line
            .split_whitespace()
            .take_while(|w| !w.starts_with('#'))
            .take(16)
            .enumerate()
        {
            let key = (at + 1).to_string();
            settings.add(number, group, "", &key, &word.replace("\\040", " "));
            for (name, value) in word.split(',').filter_map(|part| part.split_once('=')) {
                settings.add(number, group, "", &format!("{key}.{name}"), value);
            }
        }
    }
    settings
}

/// Columns divided by `:`, with `\:` for a colon within one.
pub(super) fn colon_columns(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let group = settings.open_group();
        let hidden = line.trim().replace("\\:", "\u{1}");
        for (at, word) in hidden.split(':').take(8).enumerate() {
            settings.add(
                number,
                group,
                "",
                &(at + 1).to_string(),
                &word.replace('\u{1}', ":"),
            );
        }
    }
    settings
}

/// Known hosts: one setting `host` per readable name. Hashed names and patterns say nothing.
pub(super) fn known_hosts(text: &str) -> Settings {
    let mut settings = Settings::default();
    for (number, line) in lines(text) {
        if is_comment(line) || line.starts_with(['|', '@']) {
            continue;
        }
        let names = line.split_whitespace().next().unwrap_or_default();
        for name in names
            .split(',')
            .filter(|n| !n.contains(['*', '?', '!', '|']))
            .take(64)
        {
            settings.add(number, 0, "", "host", name);
        }
    }
    settings
}

/// Names the hosts file gives, with the addresses it gives them, in its order; loopback left out.
pub(crate) fn hosts(text: &str) -> Vec<(HostName, IpAddr)> {
    let mut out = Vec::new();
    for (_, line) in lines(text) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(address) = words
            .next()
            .and_then(|w| w.split('%').next())
            .and_then(|w| w.parse::<IpAddr>().ok())
        else {
            continue;
        };
        if address.is_loopback() || address.is_multicast() || address.is_unspecified() {
            continue;
        }
        out.extend(
            words
                .take(64)
                .filter_map(HostName::parse)
                .filter(|n| !n.is_loopback())
                .map(|name| (name, address)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(settings: &Settings) -> Vec<(&str, &str)> {
        settings
            .all
            .iter()
            .map(|s| (s.key.as_str(), s.value.as_str()))
            .collect()
    }

    #[test]
    fn comments_say_nothing() {
        let settings = equals("# host = old\n; host = older\nhost = new # note\n//x = y\n");
        assert_eq!(pairs(&settings), [("host", "new")]);
        assert_eq!(settings.all[0].line, 3);
    }

    #[test]
    fn names_in_braces_are_filled_in_where_the_file_knows_them() {
        let settings = equals(
            "a.host=db\na.zone=corp\nurl=jdbc:x://${a.host}.${a.zone}:1/${n:d}\nb=${unknown}\nc=${c}\n",
        );
        assert_eq!(settings.all[2].value, "jdbc:x://db.corp:1/d");
        assert_eq!(settings.all[3].value, "${unknown}");
        assert_eq!(settings.all[4].value, "${c}");
    }

    #[test]
    fn what_would_grow_beyond_measure_stays_as_it_is_written() {
        let long = "x".repeat(1000);
        let text = format!("a={long}\nb={}\nc=${{a}}.d\n", "${a}".repeat(100_000));
        let settings = equals(&text);
        assert!(settings.all[1].value.starts_with("${a}${a}"));
        assert_eq!(settings.all[2].value, format!("{long}.d"));
        let many = format!("a={long}\n{}", "b=${a}${a}${a}\n".repeat(150_000));
        let settings = equals(&many);
        let bytes: usize = settings.all.iter().map(|s| s.value.len()).sum();
        assert!(settings.partial && bytes < 80 << 20, "{bytes}");
        let many = format!("[s]\na={long}\n{}", "b=%(a)s\n".repeat(150_000));
        let settings = ini(&many);
        let bytes: usize = settings.all.iter().map(|s| s.value.len()).sum();
        assert!(settings.partial && bytes < 80 << 20, "{bytes}");
    }

    #[test]
    fn a_section_is_a_group_and_interpolates() {
        let settings =
            ini("[DEFAULT]\nhost = db1\n[a]\nurl = postgresql://%(host)s/x\n[b]\nurl=2\n");
        assert_eq!(settings.all[1].value, "postgresql://db1/x");
        assert_ne!(settings.all[1].group, settings.all[2].group);
    }

    #[test]
    fn sections_that_are_one_thing_stand_beside_each_other() {
        let settings = ini_whole("[Mail Account]\nBackendName=imapx\n[Authentication]\nHost=h\n");
        assert_eq!(
            pairs(&settings),
            [
                ("Mail Account.BackendName", "imapx"),
                ("Authentication.Host", "h")
            ]
        );
        assert_eq!(settings.all[0].group, settings.all[1].group);
    }

    #[test]
    fn options_of_a_column_have_names() {
        let settings = columns("//nas/x /mnt cifs ro,username=scan,password=s 0 0\n");
        assert!(pairs(&settings).contains(&("4.username", "scan")));
    }

    #[test]
    fn hashed_names_stay_hidden() {
        let text =
            "|1|x=|y= ssh-rsa A\nh1,10.0.0.1 ssh-rsa A\n*.corp ssh-rsa A\n@revoked h2 ssh-rsa A\n";
        assert_eq!(
            pairs(&known_hosts(text)),
            [("host", "h1"), ("host", "10.0.0.1")]
        );
    }

    #[test]
    fn hosts_beyond_loopback_are_names() {
        let names = hosts(
            "127.0.0.1 localhost\n::1 ip6-localhost\nff02::1 ip6-allnodes\n10.0.0.5 Old-Mail.corp old # x\n#10.0.0.6 y\n",
        );
        let shown: Vec<_> = names.iter().map(|(n, a)| format!("{n} {a}")).collect();
        assert_eq!(shown, ["old-mail.corp 10.0.0.5", "old 10.0.0.5"]);
    }
}
