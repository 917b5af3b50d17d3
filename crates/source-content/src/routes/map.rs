//! Maps of Postfix: the text of tables, and who is asked where a map is no file (DATABASE_README, *_table(5)).

use std::path::{Path, PathBuf};

use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::{Peer, Port, Reason};

use super::hops::{endpoint, port_of};
use super::{At, Found};

/// A logical line longer than this is cut off.
const LOGICAL_MAX: usize = 1 << 20;
/// Maps within maps.
const WITHIN_MAX: usize = 4;

/// One entry of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// None where no file holds it: it stands in the settings.
    pub(super) file: Option<PathBuf>,
    pub(super) line: u32,
    /// Empty where the left side is a pattern.
    pub(super) left: String,
    pub(super) right: String,
}

/// Lines with those that continue them: a line that begins with white space goes on, comments and empty lines end none.
pub(super) fn logical(text: &str) -> Vec<(u32, String)> {
    let mut joined: Vec<(u32, String)> = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match joined.last_mut() {
            Some((_, last)) if line.starts_with([' ', '\t']) => {
                if last.len() + trimmed.len() < LOGICAL_MAX {
                    last.push(' ');
                    last.push_str(trimmed);
                }
            }
            _ => joined.push((number, trimmed.to_owned())),
        }
    }
    joined
}

/// Words of a value between commas and blanks; what stands in braces is one word.
pub(super) fn words(value: &str) -> Vec<&str> {
    let (mut words, mut start, mut deep) = (Vec::new(), None, 0_usize);
    for (at, c) in value.char_indices() {
        match c {
            '{' => deep += 1,
            '}' => deep = deep.saturating_sub(1),
            _ => {}
        }
        let parts = deep == 0 && (c == ',' || c.is_ascii_whitespace());
        match (parts, start) {
            (true, Some(from)) => {
                words.extend(value.get(from..at));
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    words.extend(start.and_then(|from| value.get(from..)));
    words.retain(|word| !word.is_empty());
    words
}

/// All entries of the maps that `value` names. Who is asked instead of a file becomes a route of its own.
pub(super) fn entries(found: &mut Found<'_, '_, '_, '_>, value: &str, at: At<'_>) -> Vec<Entry> {
    let mut all = Vec::new();
    for word in words(value) {
        map(found, word, at, 0, &mut all);
    }
    all
}

fn map(
    found: &mut Found<'_, '_, '_, '_>,
    word: &str,
    at: At<'_>,
    within: usize,
    all: &mut Vec<Entry>,
) {
    let mut word = word.trim();
    while let Some(rest) = word.strip_prefix("proxy:") {
        word = rest;
    }
    if within > WITHIN_MAX {
        return;
    }
    let (kind, name) = match word.split_once(':') {
        Some((kind, name)) => (kind, name),
        None if word.starts_with('/') => ("hash", word),
        None => return,
    };
    match kind {
        "hash" | "btree" | "lmdb" | "dbm" | "cdb" | "sdbm" | "texthash" => {
            table(found, Path::new(name), at, all)
        }
        "regexp" | "pcre" | "cidr" => patterns(found, Path::new(name), all),
        "static" => all.push(here(at, "", braced(name))),
        "inline" => inline(name, at, all),
        "unionmap" | "pipemap" => {
            for inner in words(braced(name)) {
                map(found, inner, at, within + 1, all);
            }
        }
        "ldap" | "mysql" | "pgsql" | "memcache" | "mongodb" => {
            asked(found, kind, Path::new(name), at)
        }
        "tcp" | "socketmap" => {
            let name = name.strip_prefix("inet:").unwrap_or(name);
            let host = name.rsplitn(if kind == "tcp" { 1 } else { 2 }, ':').last();
            if let Some((peer, port)) = host.and_then(endpoint) {
                found.add(
                    RouteRule::Lookup,
                    None,
                    RouteTarget::Host { peer, port },
                    at,
                );
            }
        }
        _ => {}
    }
}

fn here(at: At<'_>, left: &str, right: &str) -> Entry {
    Entry {
        file: None,
        line: at.line,
        left: left.trim().to_owned(),
        right: right.trim().to_owned(),
    }
}

fn braced(text: &str) -> &str {
    let inner = text.trim().strip_prefix('{');
    inner
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(text)
}

/// `inline:{ key=value, { key = text with blanks } }`.
fn inline(name: &str, at: At<'_>, all: &mut Vec<Entry>) {
    for word in words(braced(name)) {
        if let Some((left, right)) = braced(word).split_once('=') {
            all.push(here(at, left, right));
        }
    }
}

/// The text a compiled map was made of stands beside it under its name. Where it does not, what the map says is not known.
fn table(found: &mut Found<'_, '_, '_, '_>, file: &Path, at: At<'_>, all: &mut Vec<Entry>) {
    if !file.is_absolute() {
        return;
    }
    let Some(text) = found.text(file) else {
        return unread(found, file, at);
    };
    for (line, entry) in logical(&text) {
        let (left, right) = entry.split_once([' ', '\t']).unwrap_or((&entry, ""));
        all.push(Entry {
            file: Some(file.to_owned()),
            line,
            left: left.to_owned(),
            right: right.trim().to_owned(),
        });
    }
}

/// Says what became of a map whose text was not read.
pub(super) fn unread(found: &mut Found<'_, '_, '_, '_>, file: &Path, at: At<'_>) {
    if found.is_there(file) {
        return;
    }
    let compiled = ["db", "lmdb", "cdb", "pag"].iter().find_map(|ending| {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{ending}"));
        let path = PathBuf::from(name);
        found.is_there(&path).then_some(path)
    });
    let (key, product) = (at.key, at.product);
    match compiled {
        Some(compiled) => {
            let what = format!(
                "the entries of {key} of {product}: only the compiled map {} is there, not the text it was made of",
                compiled.display()
            );
            let remedy = format!(
                "list them on the machine with `postmap -s {}`",
                file.display()
            );
            found.gap(&what, Reason::Unsupported, &remedy);
        }
        // The list of system aliases is asked for whether or not anybody made it.
        None if key == "alias_maps" => {}
        None => {
            let what = format!(
                "the entries of {key} of {product}: {} is not there",
                file.display()
            );
            found.gap(&what, Reason::NotPresent, "");
        }
    }
}

/// `/pattern/flags result`, `if` and `endif` between.
fn patterns(found: &mut Found<'_, '_, '_, '_>, file: &Path, all: &mut Vec<Entry>) {
    let Some(text) = found.text(file) else {
        return;
    };
    for (line, entry) in logical(&text) {
        if let Some(right) = behind_pattern(&entry) {
            all.push(Entry {
                file: Some(file.to_owned()),
                line,
                left: String::new(),
                right: right.trim().to_owned(),
            });
        }
    }
}

/// What stands behind the pattern of a line.
fn behind_pattern(line: &str) -> Option<&str> {
    let line = line.strip_prefix('!').unwrap_or(line);
    let mark = line.chars().next()?;
    if mark.is_ascii_alphanumeric() || mark == ':' {
        // An address of cidr_table(5); `if` and `endif` lead nowhere.
        let (left, right) = line.split_once([' ', '\t'])?;
        return (!matches!(left, "if" | "endif")).then_some(right);
    }
    let mut escaped = false;
    let mut rest = line.char_indices().skip(1);
    let (end, _) = rest.find(|(_, c)| {
        let ends = *c == mark && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    })?;
    let behind = line.get(end + mark.len_utf8()..)?;
    Some(behind.split_once([' ', '\t'])?.1)
}

/// A directory or database that is asked: its servers, and nothing else of the file, for passwords stand in it too.
fn asked(found: &mut Found<'_, '_, '_, '_>, kind: &str, file: &Path, at: At<'_>) {
    if !file.is_absolute() {
        return;
    }
    let Some(text) = found.text(file) else {
        return;
    };
    let lines = logical(&text);
    let pairs = lines.iter().filter_map(|(line, entry)| {
        entry
            .split_once('=')
            .map(|(k, v)| (*line, k.trim(), v.trim()))
    });
    let pairs: Vec<(u32, &str, &str)> = pairs.collect();
    let written = pairs.iter().find(|(_, key, _)| *key == "server_port");
    let port = written.and_then(|(_, _, value)| value.parse().ok().map(Port));
    let usual = match kind {
        "ldap" => 389,
        "mysql" => 3306,
        "pgsql" => 5432,
        "memcache" => 11211,
        _ => 27017,
    };
    for (line, key, value) in &pairs {
        if !matches!(*key, "server_host" | "hosts" | "memcache" | "uri") {
            continue;
        }
        for word in words(value) {
            let place = At {
                file,
                line: *line,
                ..at
            };
            if let Some((peer, own)) = server(word) {
                let port = own.or(port).or(Some(Port(usual)));
                found.add(
                    RouteRule::Lookup,
                    None,
                    RouteTarget::Host { peer, port },
                    place,
                );
            }
        }
    }
}

/// `ldaps://host:636/base`, `inet:host:5432`, `host`; not `unix:/run/mysqld.sock`, and nothing before an `@`.
fn server(word: &str) -> Option<(Peer, Option<Port>)> {
    let secure = word.starts_with("ldaps://");
    let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
    let rest = rest.strip_prefix("inet:").unwrap_or(rest);
    if rest.starts_with("unix:") || rest.starts_with('/') {
        return None;
    }
    let (host, behind) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // A password with a `/` in it that nobody escaped: what stands before is an account, not a machine.
    if behind.contains('@') && !host.contains('@') && !word.starts_with("ldap") {
        return None;
    }
    let rest = host.rsplit('@').next().unwrap_or_default();
    let (peer, port) = endpoint(rest)?;
    Some((
        peer,
        port.or_else(|| secure.then(|| port_of("636")).flatten()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_hold_words_together() {
        assert_eq!(
            words("hash:/a, inline:{ {a = b c}, d=e },,pcre:/x y"),
            ["hash:/a", "inline:{ {a = b c}, d=e }", "pcre:/x", "y"]
        );
    }

    #[test]
    fn what_stands_behind_a_pattern() {
        assert_eq!(
            behind_pattern(r"/^Subject: a\/b/i REDIRECT x@y.example"),
            Some("REDIRECT x@y.example")
        );
        assert_eq!(behind_pattern("10.0.0.0/8 REJECT"), Some("REJECT"));
        assert_eq!(behind_pattern("if /x/"), None);
        assert_eq!(behind_pattern("!/x/ FILTER a:b"), Some("FILTER a:b"));
    }

    #[test]
    fn a_server_is_told_without_the_account_before_it() {
        let shown = |word| server(word).map(|(p, port)| format!("{p} {}", port.map_or(0, |p| p.0)));
        assert_eq!(
            shown("ldaps://ldap1.corp.example/dc=x").as_deref(),
            Some("ldap1.corp.example 636")
        );
        assert_eq!(
            shown("postgresql://u:canary@db1.corp.example:5433/x").as_deref(),
            Some("db1.corp.example 5433")
        );
        assert_eq!(shown("unix:/run/mysqld/mysqld.sock"), None);
        assert_eq!(shown("postgresql://canary:12/34@db1.corp.example/x"), None);
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[
                b"/a\\/b/ REDIRECT x\n a b\n#c\ninline:{ {a = b}, c }",
                b"ldap://u:p@h:389/x",
            ],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                logical(&text);
                words(&text);
                behind_pattern(&text);
                server(&text);
            },
        );
    }
}
