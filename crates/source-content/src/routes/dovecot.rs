//! Dovecot: scripts for everybody and where those of users lie, replicas, proxies, programs on events, shared folders.

use std::path::{Path, PathBuf};

use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::{Peer, Port, Reason};

use super::command::program;
use super::hops::endpoint;
use super::retention;
use super::sieve::{self, Scripts};
use super::{At, Found};

const PRODUCT: &str = "Dovecot";
const MAIN: &str = "/etc/dovecot/dovecot.conf";
const INCLUDES_MAX: usize = 200;
/// Files that include files that include files.
const INCLUDED_DEPTH_MAX: usize = 10;
/// Homes in lists of users.
const LISTED_MAX: usize = 10_000;

/// One setting, with the sections around it and the number of the innermost one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Setting {
    pub(super) file: PathBuf,
    line: u32,
    sections: Vec<String>,
    block: usize,
    pub(super) key: String,
    pub(super) value: String,
}

pub(super) fn read(found: &mut Found<'_, '_, '_, '_>) -> Scripts {
    let settings = load(found);
    let mut scripts = Scripts::default();
    if settings.is_empty() {
        return scripts;
    }
    scripts.in_homes.push(PathBuf::from(".dovecot.sieve"));
    for setting in &settings {
        one(found, setting, &settings, &mut scripts);
    }
    retention::read(found, &settings);
    scripts.in_homes.sort();
    scripts.in_homes.dedup();
    scripts.homes.sort();
    scripts.homes.dedup();
    scripts
}

/// Every setting, in the order in which Dovecot reads them: what comes later holds.
pub(super) fn load(found: &mut Found<'_, '_, '_, '_>) -> Vec<Setting> {
    let mut loaded = Loaded::default();
    loaded.file(found, Path::new(MAIN), INCLUDED_DEPTH_MAX);
    loaded.settings
}

#[derive(Default)]
struct Loaded {
    settings: Vec<Setting>,
    read: usize,
    blocks: usize,
}

impl Loaded {
    fn file(&mut self, found: &mut Found<'_, '_, '_, '_>, file: &Path, depth: usize) {
        if depth == 0 || self.read >= INCLUDES_MAX {
            return;
        }
        self.read += 1;
        let text = found.text(file).unwrap_or_default();
        let (settings, includes) = parse(&text, file, &mut self.blocks);
        let mut settings = settings.into_iter().peekable();
        for (line, pattern) in includes {
            while let Some(setting) = settings.next_if(|setting| setting.line < line) {
                self.settings.push(setting);
            }
            for target in included(found, file, &pattern) {
                self.file(found, &target, depth - 1);
            }
        }
        self.settings.extend(settings);
    }
}

/// Settings of one file, and the patterns it includes with their lines.
fn parse(text: &str, file: &Path, blocks: &mut usize) -> (Vec<Setting>, Vec<(u32, String)>) {
    let (mut settings, mut includes) = (Vec::new(), Vec::new());
    let mut sections: Vec<(String, usize)> = Vec::new();
    for (line, text) in (1_u32..).zip(text.lines()) {
        let text = text.split(" #").next().unwrap_or_default().trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(pattern) = text
            .strip_prefix("!include_try")
            .or_else(|| text.strip_prefix("!include"))
        {
            includes.push((line, pattern.trim().to_owned()));
        } else if text == "}" {
            sections.pop();
        } else if let Some(opened) = text.strip_suffix('{') {
            *blocks += 1;
            sections.push((opened.trim().to_owned(), *blocks));
        } else if let Some((key, value)) = text.split_once('=') {
            let value = value.trim();
            let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            settings.push(Setting {
                file: file.to_owned(),
                line,
                sections: sections.iter().map(|(name, _)| name.clone()).collect(),
                block: sections.last().map_or(0, |(_, block)| *block),
                key: key.trim().to_owned(),
                value: bare.unwrap_or(value).to_owned(),
            });
        }
    }
    (settings, includes)
}

/// A file, or the last part as a pattern with one `*`.
fn included(found: &mut Found<'_, '_, '_, '_>, from: &Path, pattern: &str) -> Vec<PathBuf> {
    let target = from.parent().unwrap_or(Path::new("/")).join(pattern);
    let name = target
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let Some((start, end)) = name.split_once('*') else {
        return vec![target];
    };
    let inside = found.list(target.parent().unwrap_or(Path::new("/")));
    let fits = |path: &PathBuf| {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        name.starts_with(start) && name.ends_with(end)
    };
    let mut files: Vec<PathBuf> = inside.into_iter().map(|e| e.path).filter(fits).collect();
    files.sort();
    files
}

impl Setting {
    pub(super) fn at(&self) -> At<'_> {
        At {
            product: PRODUCT,
            file: &self.file,
            key: &self.key,
            line: self.line,
        }
    }

    /// What makes two settings of one key the same one: sections of one name are one section, those without are not.
    pub(super) fn section(&self) -> (&[String], usize) {
        let has_name = |section: &String| section.contains(' ') || section == "plugin";
        let block = match self.sections.iter().all(has_name) {
            true => 0,
            false => self.block,
        };
        (&self.sections, block)
    }

    /// The section it stands in.
    pub(super) fn innermost(&self) -> Option<&str> {
        self.sections.last().map(String::as_str)
    }

    pub(super) fn is_in(&self, section: &str) -> bool {
        let first = |name: &String| name.split_ascii_whitespace().next() == Some(section);
        self.sections.iter().any(first)
    }
}

fn one(
    found: &mut Found<'_, '_, '_, '_>,
    setting: &Setting,
    all: &[Setting],
    scripts: &mut Scripts,
) {
    let (key, value) = (setting.key.as_str(), setting.value.as_str());
    let beside = |wanted: &str| {
        let same = all
            .iter()
            .find(|s| s.key == wanted && (s.block == setting.block));
        same.map(|s| s.value.as_str())
    };
    let port = |wanted: &str, usual: u16| {
        Some(
            beside(wanted)
                .and_then(|p| p.parse().ok())
                .map_or(Port(usual), Port),
        )
    };
    match key {
        "mail_replica" => {
            let rest = ["tcps:", "tcp:", "remote:"]
                .iter()
                .find_map(|kind| value.strip_prefix(kind));
            let rest = rest.unwrap_or(value).rsplit('@').next().unwrap_or_default();
            if let Some((peer, own)) = endpoint(rest) {
                let over_ssh = value.starts_with("remote");
                let port = own.or_else(|| port("doveadm_port", if over_ssh { 22 } else { 12345 }));
                found.add(
                    RouteRule::Replica,
                    None,
                    RouteTarget::Host { peer, port },
                    setting.at(),
                );
            }
        }
        "director_servers" | "director_mail_servers" => {
            for word in value.split_ascii_whitespace() {
                let first = word
                    .split('-')
                    .next()
                    .filter(|first| first.contains('.') && word.contains('-'));
                if let Some((peer, port)) = endpoint(
                    first
                        .filter(|f| f.parse::<std::net::IpAddr>().is_ok())
                        .unwrap_or(word),
                ) {
                    found.add(
                        RouteRule::Proxy,
                        None,
                        RouteTarget::Host { peer, port },
                        setting.at(),
                    );
                }
            }
        }
        "imapc_host" => host(
            found,
            setting,
            RouteRule::Proxy,
            value,
            port("imapc_port", 143),
        ),
        "pop3c_host" => host(
            found,
            setting,
            RouteRule::Proxy,
            value,
            port("pop3c_port", 110),
        ),
        "submission_relay_host" => host(
            found,
            setting,
            RouteRule::Relay,
            value,
            port("submission_relay_port", 25),
        ),
        "args" | "default_fields" | "override_fields" if setting.is_in("passdb") => {
            passdb(found, setting, value)
        }
        "host"
            if setting.is_in("passdb") && setting.is_in("fields") && beside("proxy").is_some() =>
        {
            host(found, setting, RouteRule::Proxy, value, port("port", 143));
        }
        "driver" if value == "checkpassword" => {
            if let Some(path) = beside("args").and_then(program) {
                found.add(
                    RouteRule::Lookup,
                    None,
                    RouteTarget::Program { path },
                    setting.at(),
                );
            }
        }
        "executable" if setting.is_in("service") => {
            if let Some(path) = value.strip_prefix("script ").and_then(program) {
                found.add(
                    RouteRule::Script,
                    None,
                    RouteTarget::Program { path },
                    setting.at(),
                );
            }
        }
        "type" if setting.is_in("namespace") && matches!(value, "public" | "shared") => {
            let place = beside("location")
                .or_else(|| beside("mail_path"))
                .unwrap_or_default();
            let path = place.split_once(':').map_or(place, |(_, path)| path);
            let path = path.split([':', '%']).next().unwrap_or_default();
            let to = match path.starts_with('/') {
                true => RouteTarget::File { path: path.into() },
                false => RouteTarget::Here,
            };
            found.add(RouteRule::Shared, None, to, setting.at());
        }
        _ => {}
    }
    script(found, setting, &beside, scripts);
    homes(found, setting, scripts);
}

fn host(
    found: &mut Found<'_, '_, '_, '_>,
    setting: &Setting,
    rule: RouteRule,
    value: &str,
    port: Option<Port>,
) {
    if let Some((peer, _)) = endpoint(value).filter(|(peer, _)| !peer.is_loopback()) {
        found.add(rule, None, RouteTarget::Host { peer, port }, setting.at());
    }
}

/// `proxy=y host=imap2.corp.example port=993 nopassword=y`: only the host and the port are looked at.
fn passdb(found: &mut Found<'_, '_, '_, '_>, setting: &Setting, value: &str) {
    let fields = || value.split_ascii_whitespace();
    if !fields()
        .any(|word| word == "proxy" || word.starts_with("proxy=") || word == "proxy_maybe=y")
    {
        return;
    }
    let of = |key: &str| fields().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let port = of("port")
        .and_then(|port| port.parse().ok())
        .map_or(Port(143), Port);
    let peer = of("host").and_then(Peer::parse);
    if let Some(peer) = peer {
        let to = RouteTarget::Host {
            peer,
            port: Some(port),
        };
        found.add(RouteRule::Proxy, None, to, setting.at());
    }
}

/// Scripts for everybody are read; where a user's own lies is remembered.
fn script<'a>(
    found: &mut Found<'_, '_, '_, '_>,
    setting: &Setting,
    beside: &dyn Fn(&str) -> Option<&'a str>,
    scripts: &mut Scripts,
) {
    let key = setting.key.as_str();
    let of_all = key.starts_with("sieve_before")
        || key.starts_with("sieve_after")
        || matches!(key, "sieve_default" | "sieve_global" | "sieve_global_path");
    let of_2_4 = setting.is_in("sieve_script")
        && matches!(
            key,
            "path" | "active_path" | "sieve_script_path" | "sieve_script_active_path"
        );
    if !of_all && !of_2_4 && key != "sieve" {
        return;
    }
    for part in setting.value.split(';') {
        let part = part
            .strip_prefix("active=")
            .or_else(|| part.strip_prefix("file:"))
            .unwrap_or(part);
        if let Some(inner) = part.strip_prefix("~/").or_else(|| part.strip_prefix("%h/")) {
            let names_a_file =
                key == "sieve" || key.ends_with("active_path") || part.ends_with(".sieve");
            let is_personal = beside("type")
                .or_else(|| beside("sieve_script_type"))
                .is_none_or(|t| t == "personal");
            if names_a_file && is_personal && inner.ends_with("sieve") {
                scripts.in_homes.push(PathBuf::from(inner));
            }
        } else if part.starts_with('/') && !part.contains('%') {
            of_everybody(found, Path::new(part), key);
        }
    }
}

/// A script, or a directory of scripts.
fn of_everybody(found: &mut Found<'_, '_, '_, '_>, path: &Path, key: &str) {
    if path.extension().is_some_and(|e| e == "sieve") {
        return sieve::add(found, path, key);
    }
    for entry in found.list(path) {
        if entry.path.extension().is_some_and(|e| e == "sieve") {
            sieve::add(found, &entry.path, key);
        }
    }
}

/// What the names of public folders begin with.
pub(super) fn prefixes_of_public(settings: &[Setting]) -> Vec<String> {
    let is_public = |s: &&Setting| s.is_in("namespace") && s.key == "type" && s.value == "public";
    let blocks: Vec<usize> = settings.iter().filter(is_public).map(|s| s.block).collect();
    let prefix = |s: &&Setting| matches!(s.key.as_str(), "prefix" | "namespace_prefix");
    let of_public = settings.iter().filter(|s| blocks.contains(&s.block));
    let prefixes = of_public.filter(prefix).filter(|s| !s.value.is_empty());
    prefixes.map(|s| s.value.clone()).collect()
}

/// True for a setting somewhere within a name space of public folders.
pub(super) fn is_within_public(setting: &Setting, settings: &[Setting]) -> bool {
    let around = |s: &Setting| setting.sections.starts_with(&s.sections);
    let mut all = settings.iter().filter(|s| s.is_in("namespace"));
    all.any(|s| s.key == "type" && s.value == "public" && around(s))
}

/// Where users that only Dovecot knows have their homes: directories, and how many levels below.
pub(super) fn homes_of_users(
    found: &mut Found<'_, '_, '_, '_>,
    settings: &[Setting],
) -> Vec<(PathBuf, usize)> {
    let mut scripts = Scripts::default();
    for setting in settings {
        homes(found, setting, &mut scripts);
    }
    scripts.homes.sort();
    scripts.homes.dedup();
    scripts.homes
}

/// Where users that only Dovecot knows have their homes.
fn homes(found: &mut Found<'_, '_, '_, '_>, setting: &Setting, scripts: &mut Scripts) {
    let (key, value) = (setting.key.as_str(), setting.value.as_str());
    match key {
        "mail_home" | "home" if value.starts_with('/') => scripts.homes.extend(below(value)),
        "args" | "default_fields" | "override_fields" if setting.is_in("userdb") => {
            for word in value.split_ascii_whitespace() {
                match word.strip_prefix("home=") {
                    Some(home) => scripts.homes.extend(below(home)),
                    None if word.starts_with('/')
                        && !word.contains('%')
                        && !word.ends_with(".ext") =>
                    {
                        listed(found, Path::new(word), scripts);
                    }
                    None => {}
                }
            }
        }
        "passwd_file_path" if !value.contains('%') => listed(found, Path::new(value), scripts),
        _ => {}
    }
}

/// `/var/vmail/%d/%n` is two levels below `/var/vmail`.
fn below(template: &str) -> Option<(PathBuf, usize)> {
    let parts: Vec<&str> = template
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let fixed = parts.iter().position(|part| part.contains(['%', '$']))?;
    let levels = parts.len() - fixed;
    let base = PathBuf::from(format!("/{}", parts.get(..fixed)?.join("/")));
    (fixed > 0 && levels <= 4 && base != Path::new("/home")).then_some((base, levels))
}

/// Homes in a list of users: the sixth field. The second holds a password and is passed over.
fn listed(found: &mut Found<'_, '_, '_, '_>, file: &Path, scripts: &mut Scripts) {
    let text = found.text(file).unwrap_or_default();
    if text.lines().nth(LISTED_MAX).is_some() {
        let what = format!(
            "rules of users beyond the first {LISTED_MAX} of {}",
            file.display()
        );
        found.gap(&what, Reason::BudgetExhausted, "");
    }
    for line in text.lines().take(LISTED_MAX) {
        if let Some(home) = line
            .split(':')
            .nth(5)
            .filter(|home| home.starts_with('/') && home.len() > 1)
        {
            scripts.homes.push((PathBuf::from(home), 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_know_their_sections() {
        let text = "mail_home = /x\npassdb {\n  driver = static\n  args = proxy=y host=a  # why\n}\n!include conf.d/*.conf\nuserdb static {\n fields {\n home = /v/%{user}\n }\n}\n";
        let mut blocks = 0;
        let (settings, includes) = parse(text, Path::new("/f"), &mut blocks);
        let shown: Vec<String> = settings
            .iter()
            .map(|s| format!("{} {}={}", s.sections.join("/"), s.key, s.value))
            .collect();
        assert_eq!(
            shown,
            [
                " mail_home=/x",
                "passdb driver=static",
                "passdb args=proxy=y host=a",
                "userdb static/fields home=/v/%{user}"
            ]
        );
        assert_eq!(includes, [(6, "conf.d/*.conf".to_owned())]);
    }

    #[test]
    fn homes_below_a_directory() {
        assert_eq!(
            below("/var/vmail/%d/%n"),
            Some((PathBuf::from("/var/vmail"), 2))
        );
        assert_eq!(below("/home/%u"), None);
        assert_eq!(below("/srv/mail"), None);
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(2_000, &[b"passdb {\n args = proxy=y host=a\n}\nplugin {\n sieve = file:~/s;active=~/.a\n}\n"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            parse(&text, Path::new("/f"), &mut 0);
            below(&text);
        });
    }
}
