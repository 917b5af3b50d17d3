//! Sendmail's `sendmail.cf` and the tables it names (cf/README, "Access database" and "Relaying"): which domains it takes
//! mail for, and which entries let a client send anywhere. Of tables the text beside the compiled file is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use groma_model::fact::RelayBy;
use groma_model::{CoverageState, Reason, Scope};
use groma_source::{Disk, Sink, SinkExt, Window};

use super::Reading;
use crate::sendmail::{self, commands};

pub(super) fn say(disk: &dyn Disk, window: &Window, sink: &mut dyn Sink) {
    let (file, text) = match sendmail::settings(disk) {
        Ok(Some(found)) => found,
        Ok(None) => return,
        Err(error) => {
            let scope = Scope::new("file", &error.path.to_string_lossy());
            let what = error.path.display().to_string();
            sink.missed_because(&scope, what, error.reason, "run as root");
            return sink.covered_now(window, &scope, CoverageState::Partial);
        }
    };
    let settings = Settings::parse(file, &text);
    let mut reading = Reading::new(disk, "Sendmail", Path::new(file));
    domains(&settings, &mut reading);
    relays(&settings, &mut reading);
    reading.say(window, sink);
}

/// What the file sets, as far as it is asked for here.
#[derive(Default)]
struct Settings<'t> {
    file: &'static str,
    /// Words of classes, by name, each with its line.
    classes: BTreeMap<&'t str, Vec<(u32, &'t str)>>,
    /// Files with further words of them.
    class_files: BTreeMap<&'t str, Vec<&'t str>>,
    /// Kind and file of tables, by name.
    tables: BTreeMap<&'t str, (&'t str, &'t str)>,
    /// Names of the features it was made with, and their lines (`#####  $Id: relay_entire_domain.m4,v`).
    features: BTreeMap<&'t str, u32>,
    /// Its own name, where it is set.
    host: Option<&'t str>,
}

impl<'t> Settings<'t> {
    fn parse(file: &'static str, text: &'t str) -> Self {
        let mut out = Self {
            file,
            ..Self::default()
        };
        for (line, header) in (1..).zip(text.lines()) {
            let named = header
                .strip_prefix("#####")
                .and_then(|rest| rest.trim_start().strip_prefix("$Id: "));
            let name = named
                .and_then(|rest| rest.split_once(".m4"))
                .map(|(n, _)| n);
            out.features.extend(name.map(|name| (name, line)));
        }
        for (line, command) in commands(text) {
            let Some((letter, rest)) = command.split_at_checked(1) else {
                continue;
            };
            match letter {
                "C" => out.class(line, rest),
                "F" => out.class_file(rest),
                "K" => out.table(rest),
                "D" => out.host = rest.strip_prefix('j').or(out.host),
                _ => {}
            }
        }
        out
    }

    fn class(&mut self, line: u32, rest: &'t str) {
        if let Some((name, words)) = class_name(rest) {
            let words = words.split_whitespace().map(|word| (line, word));
            self.classes.entry(name).or_default().extend(words);
        }
    }

    /// `w/etc/mail/local-host-names %[^\#]`, `R-o /etc/mail/relay-domains`.
    fn class_file(&mut self, rest: &'t str) {
        let Some((name, place)) = class_name(rest) else {
            return;
        };
        let place = place.trim_start();
        let place = place.strip_prefix("-o").unwrap_or(place).trim_start();
        let path = place.split([' ', '\t']).next().unwrap_or_default();
        self.class_files.entry(name).or_default().push(path);
    }

    /// `access hash -T<TMPF> /etc/mail/access`.
    fn table(&mut self, rest: &'t str) {
        let mut words = rest.split_whitespace();
        let (Some(name), Some(kind)) = (words.next(), words.next()) else {
            return;
        };
        let path = words
            .find(|word| !word.starts_with('-'))
            .unwrap_or_default();
        self.tables.insert(name, (kind, path));
    }
}

/// Name of a class of one letter or in braces, and what follows.
fn class_name(rest: &str) -> Option<(&str, &str)> {
    match rest.strip_prefix('{') {
        Some(inner) => inner.split_once('}'),
        None => rest.split_at_checked(rest.chars().next()?.len_utf8()),
    }
}

/// One word of a class: where it stands, and as what.
struct Member {
    word: String,
    file: String,
    line: u32,
}

/// Every word of a class, those of its files too; what cannot be read is a gap.
fn class(settings: &Settings<'_>, name: &str, reading: &mut Reading<'_>) -> Vec<Member> {
    let written = settings.classes.get(name).into_iter().flatten();
    let mut out: Vec<Member> = written
        .map(|(line, word)| Member {
            word: (*word).to_owned(),
            file: settings.file.to_owned(),
            line: *line,
        })
        .collect();
    for path in settings.class_files.get(name).into_iter().flatten() {
        if !path.starts_with('/') {
            // A command, or a table: neither is run nor opened.
            let place = (*path).to_owned();
            reading.gaps.push((place, Reason::Unsupported));
            continue;
        }
        if is_absent(reading, path) {
            continue;
        }
        for (line, text) in reading.list(path) {
            let words = text
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            out.extend(words.map(|word| Member {
                word: word.to_owned(),
                file: (*path).to_owned(),
                line,
            }));
        }
    }
    out
}

/// A file that need not be there says nothing where it is not.
fn is_absent(reading: &Reading<'_>, path: &str) -> bool {
    let there = reading.disk.metadata(Path::new(path));
    there.is_err_and(|error| error.is_absent())
}

fn domains(settings: &Settings<'_>, reading: &mut Reading<'_>) {
    if let Some(host) = settings.host.filter(|host| !host.contains('$')) {
        reading.domain(host);
    }
    for name in ["w", "VirtHost"] {
        for member in class(settings, name, reading) {
            reading.domain(&member.word);
        }
    }
    for (_, key, what) in table(settings, "access", reading) {
        if let Some(domain) = key.strip_prefix("To:").filter(|_| what == "RELAY") {
            reading.domain(domain.rsplit('@').next().unwrap_or(domain));
        }
    }
}

/// Line, key and first word of the value of each entry of a table.
fn table(
    settings: &Settings<'_>,
    name: &str,
    reading: &mut Reading<'_>,
) -> Vec<(u32, String, String)> {
    let Some((kind, path)) = settings.tables.get(name) else {
        return Vec::new();
    };
    if !path.starts_with('/') || !matches!(*kind, "hash" | "btree" | "dbm" | "cdb" | "text") {
        let what = format!("{kind} {path}");
        // The gap stands once, whoever asks.
        if !reading.gaps.iter().any(|(known, _)| *known == what) {
            reading.gaps.push((what, Reason::Unsupported));
        }
        return Vec::new();
    }
    let path = path.strip_suffix(".db").unwrap_or(path);
    if is_absent(reading, path) && is_absent(reading, &format!("{path}.db")) {
        return Vec::new();
    }
    let known = reading.gaps.iter().any(|(known, _)| known == path);
    let entry = |(line, text): (u32, String)| {
        let (key, value) = text.split_once([' ', '\t'])?;
        let value = value.split_whitespace().next()?.to_owned();
        Some((line, key.to_owned(), value))
    };
    let entries = reading.list(path).into_iter().filter_map(entry).collect();
    if known {
        reading.gaps.pop();
    }
    entries
}

/// Features of the m4 sources that let clients through by what they say themselves (cf/README, "Relaying").
const OPEN_FEATURES: &[&str] = &["promiscuous_relay", "relay_local_from", "relay_mail_from"];

/// The entries that let a client send anywhere. Of addresses the longest entry counts, so it stands first.
fn relays(settings: &Settings<'_>, reading: &mut Reading<'_>) {
    let mut entries: Vec<(String, &str, String, u32)> = Vec::new();
    let access = settings.tables.get("access").map_or("", |(_, path)| *path);
    for (line, key, what) in table(settings, "access", reading) {
        if what == "RELAY"
            && let Some(entry) = network(key.strip_prefix("Connect:").unwrap_or(&key))
        {
            let file = access.strip_suffix(".db").unwrap_or(access).to_owned();
            entries.push((entry, "access", file, line));
        }
    }
    let mut names = BTreeSet::new();
    for member in class(settings, "R", reading) {
        match network(&member.word) {
            Some(entry) => entries.push((entry, "relay-domains", member.file, member.line)),
            None => drop(names.insert(member.word)),
        }
    }
    // Whoever has such a name in reverse may send anywhere, and mail for it is passed on.
    for name in names {
        reading.domain(&name);
        reading.domain(&format!(".{name}"));
    }
    entries.sort_by_key(|(entry, ..)| std::cmp::Reverse(entry.len()));
    for (entry, setting, file, line) in entries {
        reading.allow(RelayBy::Address, &entry, setting, Some((&file, line)));
    }
    for name in ["TrustAuthMech"] {
        if let Some((line, _)) = settings.classes.get(name).and_then(|words| words.first()) {
            let place = Some((settings.file, *line));
            reading.allow(RelayBy::Account, "TRUST_AUTH_MECH", "TrustAuthMech", place);
        }
    }
    for feature in OPEN_FEATURES {
        if let Some(line) = settings.features.get(feature) {
            // Only the first lets everybody through; the others ask for a sender, which anybody may write.
            let place = Some((settings.file, *line));
            let entry = if *feature == "promiscuous_relay" {
                "*"
            } else {
                feature
            };
            reading.allow(RelayBy::Address, entry, feature, place);
        }
    }
}

/// An address or the first numbers of one, in the notation of networks: `10.20`, `IPv6:2001:db8`.
fn network(entry: &str) -> Option<String> {
    if let Some(groups) = entry.strip_prefix("IPv6:") {
        let whole = groups.parse::<std::net::Ipv6Addr>().ok();
        let count = groups.split(':').filter(|group| !group.is_empty()).count();
        return match whole {
            Some(address) => Some(address.to_string()),
            None if count < 8 && !groups.contains("::") => {
                let first = groups.trim_end_matches(':');
                let network = format!("{first}::");
                network.parse::<std::net::Ipv6Addr>().ok()?;
                Some(format!("{network}/{}", 16 * count))
            }
            None => None,
        };
    }
    let entry = entry.trim_matches(['[', ']']).trim_end_matches('.');
    let numbers = entry.split('.').all(|part| part.parse::<u8>().is_ok());
    (numbers && entry.split('.').count() <= 4).then(|| entry.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_tables_are_networks_and_names_are_none() {
        for (entry, told) in [
            ("10.20", Some("10.20")),
            ("10.20.1.201", Some("10.20.1.201")),
            ("[10.20.1.201]", Some("10.20.1.201")),
            ("IPv6:2001:db8:1", Some("2001:db8:1::/48")),
            ("IPv6:2001:db8::1", Some("2001:db8::1")),
            ("corp.example", None),
            ("anna@corp.example", None),
            ("10.20.1.300", None),
            ("IPv6:x", None),
        ] {
            assert_eq!(network(entry).as_deref(), told, "{entry}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([CFKDO][{}a-zA-Z \\-/$.<>=]{0,24}\n|#####  \\$Id: [a-z_.]{0,9}m4\n){0,8}", entry in "(IPv6:)?[0-9a-f.:\\[\\]]{0,20}") {
            drop(Settings::parse("/etc/mail/sendmail.cf", &text));
            drop(network(&entry));
        }
    }
}
