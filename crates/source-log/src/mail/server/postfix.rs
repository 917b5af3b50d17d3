//! Postfix's `main.cf` (postconf(5)), and what `master.cf` sets for single services: which domains it takes mail for, and which entries let a client send anywhere.

use std::collections::HashMap;
use std::path::Path;

use groma_model::Reason;
use groma_model::fact::RelayBy;
use groma_source::{Disk, Sink, Window};

use crate::postfix;

use super::{DEPTH_MAX, ENTRIES_MAX, Reading, VALUE_MAX, first_of};

const MAIN: &str = "/etc/postfix/main.cf";

pub(super) fn say(disk: &dyn Disk, window: &Window, sink: &mut dyn Sink) {
    let Some((_, text)) = first_of(disk, &[MAIN], window, sink) else {
        return;
    };
    let mut reading = Reading::new(disk, "Postfix", Path::new(MAIN));
    let mut settings = Settings::parse(&text);
    settings.know_defaults(disk);
    for setting in [
        "mydestination",
        "virtual_mailbox_domains",
        "virtual_alias_domains",
        "relay_domains",
    ] {
        for entry in settings.list(setting) {
            domains(&entry, &mut reading);
        }
    }
    relays(&settings, &mut reading);
    services(&settings, &mut reading);
    reading.say(window, sink);
}

/// Settings that say who is let through.
const LETS_THROUGH: &[&str] = &[
    "mynetworks",
    "mynetworks_style",
    "smtpd_client_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
];

/// Services with settings of their own: they let through whom those say, and nobody else.
fn services(settings: &Settings, reading: &mut Reading<'_>) {
    for service in postfix::services(reading.disk) {
        let lets = |name: &str| LETS_THROUGH.contains(&name);
        if !service.settings.iter().any(|(name, ..)| lets(name)) {
            continue;
        }
        let mut own = settings.clone();
        for (name, text, line) in service.settings {
            let file = postfix::MASTER;
            own.0.insert(name, vec![Written { text, file, line }]);
        }
        reading.server.own_ports.push(service.port);
        reading.port = Some(service.port);
        relays(&own, reading);
        reading.port = None;
    }
}

/// A value, with the place it is written in.
#[derive(Clone, Debug)]
struct Written {
    text: String,
    file: &'static str,
    /// Line, from 1; 0 for what nobody wrote.
    line: u32,
}

impl Written {
    fn place(&self) -> Option<(&'static str, u32)> {
        (self.line > 0).then_some((self.file, self.line))
    }
}

/// Everything `main.cf` sets, each in the lines it stands in.
#[derive(Clone, Default)]
struct Settings(HashMap<String, Vec<Written>>);

impl Settings {
    fn parse(text: &str) -> Self {
        let mut out: HashMap<String, Vec<Written>> = HashMap::new();
        let mut name: Option<String> = None;
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() || text.trim_start().starts_with('#') {
                continue;
            }
            if text.starts_with([' ', '\t']) {
                let known = name.as_ref().and_then(|name| out.get_mut(name));
                let text = text.trim().to_owned();
                known.into_iter().for_each(|lines| {
                    lines.push(Written {
                        text: text.clone(),
                        file: MAIN,
                        line,
                    })
                });
                continue;
            }
            let Some((key, value)) = text.split_once('=') else {
                continue;
            };
            let text = value.trim().to_owned();
            // What is set twice counts the last time.
            out.insert(
                key.trim().to_owned(),
                vec![Written {
                    text,
                    file: MAIN,
                    line,
                }],
            );
            name = Some(key.trim().to_owned());
        }
        Self(out)
    }

    /// What stands where nothing is set (postconf -d of 3.7).
    fn know_defaults(&mut self, disk: &dyn Disk) {
        let host = disk.read(Path::new("/proc/sys/kernel/hostname"), 256);
        let host = host.map_or_else(
            |_| String::new(),
            |read| String::from_utf8_lossy(&read.bytes).trim().to_owned(),
        );
        let named = self.value("myhostname").unwrap_or(host);
        let domain = named
            .split_once('.')
            .map_or("localdomain", |(_, domain)| domain)
            .to_owned();
        let level = self.value("compatibility_level").unwrap_or_default();
        let modern = level
            .split('.')
            .next()
            .and_then(|n| n.parse::<u32>().ok())
            .unwrap_or(0)
            >= 2;
        let defaults = [
            ("myhostname", named.as_str()),
            ("mydomain", domain.as_str()),
            (
                "mydestination",
                "$myhostname, localhost.$mydomain, localhost",
            ),
            ("virtual_mailbox_domains", "$virtual_mailbox_maps"),
            ("virtual_alias_domains", "$virtual_alias_maps"),
            ("virtual_alias_maps", "$virtual_maps"),
            ("relay_domains", if modern { "" } else { "$mydestination" }),
            (
                "smtpd_relay_restrictions",
                "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
            ),
        ];
        for (name, value) in defaults {
            let unset = Written {
                text: value.to_owned(),
                file: MAIN,
                line: 0,
            };
            self.0.entry(name.to_owned()).or_insert_with(|| vec![unset]);
        }
    }

    /// A value as one text, its variables put in.
    fn value(&self, name: &str) -> Option<String> {
        let lines = self.0.get(name)?;
        let text: Vec<&str> = lines.iter().map(|l| l.text.as_str()).collect();
        Some(self.expanded(&text.join(" "), 0))
    }

    fn expanded(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, behind) = variable(after);
            if depth < DEPTH_MAX && out.len() < VALUE_MAX {
                let value: Vec<&str> = self
                    .0
                    .get(name)
                    .into_iter()
                    .flatten()
                    .map(|l| l.text.as_str())
                    .collect();
                out.push_str(&self.expanded(&value.join(" "), depth + 1));
            }
            rest = behind;
        }
        out.push_str(rest);
        out.truncate(out.floor_char_boundary(VALUE_MAX));
        out
    }

    /// The entries of a list, each where it stands: those of a list it names too.
    fn list(&self, name: &str) -> Vec<Written> {
        let mut out = Vec::new();
        self.gather(name, 0, &mut out);
        out
    }

    fn gather(&self, name: &str, depth: usize, out: &mut Vec<Written>) {
        for line in self.0.get(name).into_iter().flatten() {
            for word in line
                .text
                .split([' ', '\t', ','])
                .filter(|word| !word.is_empty())
            {
                if out.len() >= ENTRIES_MAX {
                    return;
                }
                let whole = word
                    .strip_prefix('$')
                    .map(variable)
                    .filter(|(_, rest)| rest.is_empty());
                match whole {
                    Some((inner, _))
                        if depth < DEPTH_MAX && self.0.get(inner).is_some_and(|l| is_list(l)) =>
                    {
                        self.gather(inner, depth + 1, out);
                    }
                    _ => {
                        let text = self.expanded(word, 0);
                        out.push(Written {
                            text,
                            file: line.file,
                            line: line.line,
                        });
                    }
                }
            }
        }
    }
}

/// A value of several words is a list of its own, in its own lines.
fn is_list(lines: &[Written]) -> bool {
    lines.len() > 1 || lines.iter().any(|l| l.text.contains([' ', ',']))
}

/// The name behind a `$`, and what follows: `name`, `{name}`, `(name)`.
fn variable(text: &str) -> (&str, &str) {
    for (open, close) in [('{', '}'), ('(', ')')] {
        if let Some((inner, rest)) = text.strip_prefix(open).and_then(|t| t.split_once(close)) {
            // `${name?value}` says more than a name, and is left out.
            return (inner, rest);
        }
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Kinds of tables whose source is text, a key and a value to the line (postmap(1)).
const TEXT_TABLES: &[&str] = &["hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash"];

/// Kind and file of an entry that names a table.
fn table(entry: &str) -> Option<(&str, &str)> {
    let entry = entry.strip_prefix("proxy:").unwrap_or(entry);
    let (kind, path) = entry.split_once(':')?;
    let word = kind.bytes().all(|b| b.is_ascii_alphabetic()) && kind.len() > 1;
    (word && (path.starts_with('/') || !TEXT_TABLES.contains(&kind))).then_some((kind, path))
}

fn domains(entry: &Written, reading: &mut Reading<'_>) {
    let text = entry.text.as_str();
    if text.starts_with('!') {
        return;
    }
    if text.starts_with('/') {
        for (_, line) in reading.list(text) {
            reading.domain(&line);
        }
        return;
    }
    match table(text) {
        Some((kind, path)) if TEXT_TABLES.contains(&kind) => {
            for (_, line) in reading.list(path) {
                let key = line.split([' ', '\t', ':']).next().unwrap_or_default();
                // A table of addresses names no domain by them.
                if !key.contains('@') {
                    reading.domain(key);
                }
            }
        }
        Some((kind, path)) => reading
            .gaps
            .push((format!("{kind}:{path}"), Reason::Unsupported)),
        None => reading.domain(text),
    }
}

/// The entries that let a client through: those that say who may send anywhere, without those another list keeps out.
fn relays(settings: &Settings, reading: &mut Reading<'_>) {
    let before = reading.server.allows.len();
    permits(settings, reading);
    for gate in ["smtpd_client_restrictions", "smtpd_recipient_restrictions"] {
        if let Some(ways) = gate_of(settings, gate) {
            let mut at = 0;
            reading.server.allows.retain(|rule| {
                at += 1;
                at <= before || ways.contains(&rule.by)
            });
        }
    }
}

/// What a list that sends away all it does not name lets through; `None` for a list that lets the rest pass.
fn gate_of(settings: &Settings, name: &str) -> Option<Vec<RelayBy>> {
    let words = settings.list(name);
    let end = words.iter().position(|word| word.text == "reject")?;
    let way = |word: &Written| match word.text.as_str() {
        "permit_sasl_authenticated" => Some(RelayBy::Account),
        "permit_tls_clientcerts" | "permit_tls_all_clientcerts" => Some(RelayBy::Certificate),
        "permit_mynetworks" | "permit" | "check_client_access" => Some(RelayBy::Address),
        _ => None,
    };
    Some(words.iter().take(end).filter_map(way).collect())
}

/// The entries that let a client send anywhere, up to the one that sends the rest away.
fn permits(settings: &Settings, reading: &mut Reading<'_>) {
    let own = settings.list("smtpd_relay_restrictions");
    let setting = match own.is_empty() {
        true => "smtpd_recipient_restrictions",
        false => "smtpd_relay_restrictions",
    };
    let mut words = settings.list(setting).into_iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "permit_mynetworks" => networks(settings, reading),
            "permit_sasl_authenticated" => {
                reading.allow(RelayBy::Account, &word.text, setting, word.place())
            }
            "permit_tls_clientcerts" | "permit_tls_all_clientcerts" => {
                reading.allow(RelayBy::Certificate, &word.text, setting, word.place());
            }
            "permit" => reading.allow(RelayBy::Address, "permit", setting, word.place()),
            "check_client_access" => {
                if let Some(place) = words.next() {
                    clients(&place, reading);
                }
            }
            "reject_unauth_destination" | "defer_unauth_destination" | "reject" | "defer" => return,
            _ => {}
        }
    }
}

fn networks(settings: &Settings, reading: &mut Reading<'_>) {
    const SETTING: &str = "mynetworks";
    if !settings.0.contains_key(SETTING) {
        // By default the machine alone, or its networks: which ones no file says.
        let style = settings.value("mynetworks_style").unwrap_or_default();
        if style == "subnet" || style == "class" {
            let entry = format!("mynetworks_style = {style}");
            reading.allow(RelayBy::Address, &entry, SETTING, None);
        }
        return;
    }
    for entry in settings.list(SETTING) {
        if entry.text.starts_with('/') || table(&entry.text).is_some() {
            clients_of(&entry.text, SETTING, reading);
        } else {
            reading.allow(RelayBy::Address, &entry.text, SETTING, entry.place());
        }
    }
}

fn clients(place: &Written, reading: &mut Reading<'_>) {
    clients_of(&place.text, "check_client_access", reading);
}

/// Clients a file or a table lets through, each where it stands.
fn clients_of(place: &str, setting: &str, reading: &mut Reading<'_>) {
    let (path, keyed) = match table(place) {
        None => (place, false),
        Some((kind, path)) if TEXT_TABLES.contains(&kind) || kind == "cidr" => (path, true),
        Some((kind, path)) => {
            reading
                .gaps
                .push((format!("{kind}:{path}"), Reason::Unsupported));
            return;
        }
    };
    for (line, text) in reading.list(path) {
        let (entry, action) = text.split_once([' ', '\t']).unwrap_or((&text, ""));
        let action = action.trim().to_ascii_lowercase();
        let lets = !keyed
            || setting == "mynetworks"
            || matches!(action.as_str(), "ok" | "permit" | "relay");
        if lets && !action.starts_with("reject") {
            reading.allow(RelayBy::Address, entry, setting, Some((path, line)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_the_line_they_stand_in_and_variables_are_put_in() {
        let settings = Settings::parse(
            "# a\nmydomain = corp.example\nmyhostname = mail1.$mydomain\nmydestination = ${myhostname},\n  localhost.$mydomain\n# between\n  localhost\nlan = 10.0.0.0/8 10.1.0.0/16\nmynetworks = 127.0.0.0/8\n  $lan\nloop = $loop $loop\n",
        );
        let of = |name| -> Vec<(String, u32)> {
            settings
                .list(name)
                .into_iter()
                .map(|w| (w.text, w.line))
                .collect()
        };
        assert_eq!(
            of("mydestination"),
            [
                ("mail1.corp.example".into(), 4),
                ("localhost.corp.example".into(), 5),
                ("localhost".into(), 7)
            ]
        );
        assert_eq!(
            of("mynetworks")[1..],
            [("10.0.0.0/8".to_owned(), 8), ("10.1.0.0/16".to_owned(), 8)]
        );
        assert!(of("loop").len() <= ENTRIES_MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([a-z_]{1,6} ?= ?[$a-z{}(), ]{0,20}\n){0,8}") {
            let settings = Settings::parse(&text);
            for name in settings.0.keys() {
                let _ = (settings.list(name), settings.value(name));
            }
        }
    }
}
