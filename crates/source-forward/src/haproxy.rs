//! HAProxy: what `bind`s of frontends and `listen` sections hand on to the servers of backends.
//!
//! `mode` comes from the section or from the `defaults` before it (TCP where nobody says it). A backend
//! nobody uses gives nothing, a server that is `disabled` neither; a `backup` server is said as one.

use std::collections::BTreeMap;

use groma_model::fact::{Forward, ForwardEnd, ForwardMode};
use groma_model::{Peer, Transport};

use crate::handed::{
    FORWARDS_MAX, endpoint, everywhere, host, host_and_port, names, number, plain, socket, unit,
};
use crate::read::{Reading, Text};

const SECTIONS_MAX: usize = 5_000;
/// Ports of one `bind` range that are listed.
const RANGE_MAX: u16 = 32;

#[derive(Debug, Default)]
struct Section {
    kind: String,
    name: String,
    http: bool,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    words: Vec<String>,
    file: String,
    number: u32,
}

impl Line {
    fn key(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }
}

/// Everything the configuration hands on. `files` are those the service is started with.
pub(crate) fn forwards(reading: &mut Reading<'_>, files: &[String]) -> Vec<Forward> {
    let mut sections = Vec::new();
    for pattern in files {
        for text in reading.texts(pattern) {
            read(&text, &mut sections);
        }
    }
    told(&sections)
}

fn read(text: &Text, sections: &mut Vec<Section>) {
    let mut http = false;
    for (number, line) in (1_u32..).zip(text.text.lines()) {
        let words = words(line);
        let Some(first) = words.first().map(String::as_str) else {
            continue;
        };
        if matches!(
            first,
            "global"
                | "defaults"
                | "frontend"
                | "backend"
                | "listen"
                | "peers"
                | "resolvers"
                | "mailers"
                | "userlist"
                | "program"
                | "cache"
                | "ring"
                | "http-errors"
                | "fcgi-app"
        ) {
            if sections.len() >= SECTIONS_MAX {
                return;
            }
            if first == "defaults" {
                http = false;
            }
            sections.push(Section {
                kind: first.to_owned(),
                name: words.get(1).cloned().unwrap_or_default(),
                http,
                lines: Vec::new(),
            });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            continue;
        };
        if first == "mode" {
            section.http = words.get(1).is_some_and(|w| w == "http");
            if section.kind == "defaults" {
                http = section.http;
            }
        }
        section.lines.push(Line {
            words,
            file: text.path.clone(),
            number,
        });
    }
}

/// Words between blanks; quotes keep them together, a backslash keeps a blank, `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut rest = line.chars().take(16 << 10);
    while let Some(c) = rest.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.extend(rest.next()),
            (c, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('#', None) => break,
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, _) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A way from a frontend to a backend.
struct Use<'a> {
    backend: &'a str,
    names: Vec<String>,
    conditional: bool,
}

fn told(sections: &[Section]) -> Vec<Forward> {
    let backends: BTreeMap<&str, &Section> = sections
        .iter()
        .filter(|s| matches!(s.kind.as_str(), "backend" | "listen"))
        .map(|s| (s.name.as_str(), s))
        .collect();
    let mut found = Vec::new();
    let takes_in = |s: &&Section| matches!(s.kind.as_str(), "frontend" | "listen");
    for section in sections.iter().filter(takes_in) {
        if section.lines.iter().any(|l| l.key() == "disabled") {
            continue;
        }
        let ends: Vec<ForwardEnd> = section
            .lines
            .iter()
            .filter(|l| l.key() == "bind")
            .flat_map(|l| l.word(1).split(','))
            .flat_map(binds)
            .collect();
        let mut uses = uses(section);
        if section.kind == "listen" {
            let conditional = false;
            let names = Vec::new();
            uses.push(Use {
                backend: &section.name,
                names,
                conditional,
            });
        }
        for way in &uses {
            let Some(backend) = backends.get(way.backend) else {
                continue;
            };
            for end in &ends {
                servers(section, backend, end, way, &mut found);
                if found.len() >= FORWARDS_MAX {
                    return found;
                }
            }
        }
    }
    found
}

/// `*:80`, `:8000-8010`, `10.0.0.1:443`, `/run/x.sock`, `unix@/x`, `ipv4@…`.
fn binds(text: &str) -> Vec<ForwardEnd> {
    if let Some(path) = socket_path(text) {
        return vec![socket(path)];
    }
    let text = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    let Some((peer, Some(port))) = host_and_last_port(text) else {
        return Vec::new();
    };
    let peer = match peer {
        Peer::Address(a) if a.is_unspecified() => everywhere(),
        peer => peer,
    };
    let last = text
        .rsplit_once(':')
        .and_then(|(_, ports)| ports.split_once('-'))
        .and_then(|(_, last)| number(last));
    let last = last.map_or(port, |last| last.min(port.saturating_add(RANGE_MAX)));
    (port..=last.max(port))
        .map(|port| endpoint(peer.clone(), Some(port), Transport::Tcp))
        .collect()
}

/// An address as HAProxy reads it: the last colon is the port's, also behind an IPv6 address without brackets.
fn host_and_last_port(text: &str) -> Option<(Peer, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((name, "")) if name.contains(':') => Some((host(name)?, None)),
        Some((name, port)) if name.contains(':') && !text.starts_with('[') => {
            Some((host(name)?, Some(number(port)?)))
        }
        _ => host_and_port(text),
    }
}

fn socket_path(text: &str) -> Option<&str> {
    let path = text.strip_prefix("unix@").unwrap_or(text);
    path.starts_with('/').then_some(path)
}

/// What a frontend uses: by a name where its condition is one, else under a condition nobody can hold a name against.
fn uses(section: &Section) -> Vec<Use<'_>> {
    let acls = acls(section);
    let mut uses: Vec<Use<'_>> = Vec::new();
    for line in section.lines.iter().filter(|l| l.key() == "use_backend") {
        let names = condition_names(line.words.get(2..).unwrap_or_default(), &acls);
        uses.push(Use {
            backend: line.word(1),
            conditional: names.is_none() && line.words.len() > 2,
            names: names.unwrap_or_default(),
        });
    }
    let by_name = uses.iter().any(|u| !u.names.is_empty());
    for line in section
        .lines
        .iter()
        .filter(|l| l.key() == "default_backend")
    {
        let names = if by_name {
            vec!["*".to_owned()]
        } else {
            Vec::new()
        };
        uses.push(Use {
            backend: line.word(1),
            names,
            conditional: false,
        });
    }
    uses
}

/// Names an `acl` holds the host name or the TLS server name against.
fn acls(section: &Section) -> BTreeMap<&str, Option<Vec<String>>> {
    let mut acls: BTreeMap<&str, Option<Vec<String>>> = BTreeMap::new();
    for line in section.lines.iter().filter(|l| l.key() == "acl") {
        let found = tested_names(line.words.get(2..).unwrap_or_default());
        let slot = acls.entry(line.word(1)).or_insert_with(|| Some(Vec::new()));
        match (slot.as_mut(), found) {
            (Some(known), Some(found)) => known.extend(found),
            _ => *slot = None,
        }
    }
    acls
}

/// `hdr(host) -i a.example b.example`, `req.ssl_sni a.example`, `hdr_end(host) .b.example`.
fn tested_names(words: &[String]) -> Option<Vec<String>> {
    let (test, rest) = words.split_first()?;
    let test = test.to_ascii_lowercase();
    let about_host = test.contains("hdr") && test.contains("host")
        || test.contains("ssl_sni")
        || test.contains("ssl_fc_sni");
    let exact = !test.contains("_beg")
        && !test.contains("_sub")
        && !test.contains("_reg")
        && !test.contains("map(");
    if !about_host || !exact {
        return None;
    }
    let mut ends = test.contains("_end") || test.contains("_dom");
    let mut out = Vec::new();
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-i" | "--" | "str" => {}
            "-m" => match rest.next().map(String::as_str) {
                Some("end" | "dom") => ends = true,
                Some("str") => {}
                _ => return None,
            },
            flag if flag.starts_with('-') => return None,
            name => {
                let name = name.split(':').next().unwrap_or(name);
                if ends {
                    out.push(format!("*.{}", name.trim_start_matches('.')));
                    if !name.starts_with('.') {
                        out.push(name.to_owned());
                    }
                } else {
                    out.push(name.to_owned());
                }
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

/// The names of `if is_a`, `if is_a or is_b`, `if { hdr(host) a.example }`; anything else is a condition of its own.
fn condition_names(
    words: &[String],
    acls: &BTreeMap<&str, Option<Vec<String>>>,
) -> Option<Vec<String>> {
    let (word, rest) = words.split_first()?;
    if word != "if" {
        return None;
    }
    if let (Some("{"), Some("}")) = (
        rest.first().map(String::as_str),
        rest.last().map(String::as_str),
    ) {
        let inner = rest.get(1..rest.len().saturating_sub(1))?;
        if inner.iter().any(|w| w == "{" || w == "}") {
            return None;
        }
        return tested_names(inner).map(names);
    }
    let mut out = Vec::new();
    for part in rest.split(|w| w == "or" || w == "||") {
        let [only] = part else { return None };
        out.extend(acls.get(only.as_str())?.clone()?);
    }
    (!out.is_empty()).then(|| names(out))
}

fn servers(
    section: &Section,
    backend: &Section,
    end: &ForwardEnd,
    way: &Use<'_>,
    found: &mut Vec<Forward>,
) {
    for line in &backend.lines {
        let address = match line.key() {
            "server" => line.word(2),
            "server-template" => line.word(3),
            _ => continue,
        };
        if line.has("disabled") {
            continue;
        }
        let to = match socket_path(address) {
            Some(path) => socket(path),
            None => {
                let bare = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
                let Some((peer, port)) = host_and_last_port(bare) else {
                    continue;
                };
                endpoint(peer, port, Transport::Tcp)
            }
        };
        let mode = if section.http {
            ForwardMode::HttpProxy
        } else {
            ForwardMode::TcpProxy
        };
        let mut forward = plain(mode, end.clone(), to, unit("haproxy.service"));
        forward.names.clone_from(&way.names);
        forward.conditional = way.conditional;
        forward.group = Some(backend.name.clone());
        forward.backup = line.has("backup");
        forward.kind = section.http.then(|| "http".to_owned());
        forward.file = Some(line.file.as_str().into());
        forward.line = Some(line.number);
        found.push(forward);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let mut sections = Vec::new();
        let path = "/etc/haproxy/haproxy.cfg".into();
        let text = text.to_owned();
        read(&Text { path, text }, &mut sections);
        told(&sections)
            .iter()
            .map(|f| {
                format!(
                    "{:?} {} > {} [{}]{}{} {}",
                    f.mode,
                    f.listens,
                    f.sends_to,
                    f.names.join(","),
                    if f.conditional { " ?" } else { "" },
                    if f.backup { " backup" } else { "" },
                    f.line.unwrap_or(0),
                )
            })
            .collect()
    }

    #[test]
    fn the_mode_of_the_defaults_holds_until_somebody_says_otherwise() {
        let text = "defaults\n mode tcp\nfrontend pg\n bind *:5432\n default_backend db\nbackend db\n server a 192.0.2.1:5432 check\n server b 192.0.2.2:5432 backup\n server c 192.0.2.3:5432 disabled\nbackend nobody\n server x 192.0.2.9:1\n";
        assert_eq!(
            shown(text),
            [
                "TcpProxy 0.0.0.0:5432 > 192.0.2.1:5432 [] 7",
                "TcpProxy 0.0.0.0:5432 > 192.0.2.2:5432 [] backup 8"
            ]
        );
    }

    #[test]
    fn names_choose_backends_and_the_default_takes_the_rest() {
        let text = "defaults\n mode http\nfrontend web\n bind :80,192.0.2.7:81\n acl a hdr(host) -i a.example\n acl p path_beg /api\n use_backend one if a\n use_backend two if { req.hdr(host) -m end .b.example }\n use_backend api if p\n default_backend rest\nbackend one\n server s 192.0.2.1:80\nbackend two\n server s 192.0.2.2:80\nbackend api\n server s 192.0.2.3:80\nbackend rest\n server s web4:8080\n";
        let all = shown(text);
        assert!(
            all.contains(&"HttpProxy 0.0.0.0:80 > 192.0.2.1:80 [a.example] 12".to_owned()),
            "{all:#?}"
        );
        assert!(all.contains(&"HttpProxy 192.0.2.7:81 > 192.0.2.2:80 [*.b.example] 14".to_owned()));
        assert!(all.contains(&"HttpProxy 0.0.0.0:80 > 192.0.2.3:80 [] ? 16".to_owned()));
        assert!(all.contains(&"HttpProxy 0.0.0.0:80 > web4:8080 [*] 18".to_owned()));
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn the_last_colon_is_the_ports() {
        let text = "listen l\n bind :::443 v4v6\n bind [2001:db8::1]:80\n server a 2001:db8::10:8080\n server b [2001:db8::11]:81\n server c web1:82\n";
        assert_eq!(
            shown(text),
            [
                "TcpProxy 0.0.0.0:443 > [2001:db8::10]:8080 [] 4",
                "TcpProxy 0.0.0.0:443 > [2001:db8::11]:81 [] 5",
                "TcpProxy 0.0.0.0:443 > web1:82 [] 6",
                "TcpProxy [2001:db8::1]:80 > [2001:db8::10]:8080 [] 4",
                "TcpProxy [2001:db8::1]:80 > [2001:db8::11]:81 [] 5",
                "TcpProxy [2001:db8::1]:80 > web1:82 [] 6"
            ]
        );
        assert_eq!(
            host_and_last_port("::1:"),
            Some((Peer::parse("::1").unwrap(), None))
        );
        assert_eq!(host_and_last_port("2001:db8::a"), None);
    }

    #[test]
    fn a_listen_section_is_both_ends_and_a_disabled_one_is_none() {
        let text = "listen smtp\n bind 10.0.0.1:25\n server m 192.0.2.5:25\n server u /run/x.sock\nlisten off\n disabled\n bind *:26\n server m 192.0.2.6:25\n";
        assert_eq!(
            shown(text),
            [
                "TcpProxy 10.0.0.1:25 > 192.0.2.5:25 [] 3",
                "TcpProxy 10.0.0.1:25 > /run/x.sock [] 4"
            ]
        );
    }

    #[test]
    fn hammered_configurations_never_panic() {
        let corpus: &[&[u8]] = &[
            b"listen a\n bind *:1-9,/x\n server s h:1 backup\n",
            b"frontend f\n acl a hdr(host) -i x\n use_backend b if a or { path / }\nbackend b\n server \"s q\" h\\ :1\n",
        ];
        groma_fuzz::hammer(1000, corpus, |bytes| {
            shown(&String::from_utf8_lossy(bytes));
        });
    }
}
