//! Sendmail: what sendmail.cf and the tables it names say about where mail goes (cf/README of its sources).

use std::path::Path;

use groma_model::Port;
use groma_model::fact::{RouteRule, RouteTarget};

use super::hops::{self, Services};
use super::map::{logical, unread};
use super::postfix::{domain, domain_part};
use super::{At, Found, aims};

const PRODUCT: &str = "Sendmail";
const SETTINGS: &[&str] = &["/etc/mail/sendmail.cf", "/etc/sendmail.cf"];

/// What the settings in use say.
pub(super) fn read(found: &mut Found<'_, '_, '_, '_>) {
    for file in SETTINGS.iter().map(Path::new) {
        if let Some(text) = found.text(file) {
            return settings(found, file, &text);
        }
    }
}

fn settings(found: &mut Found<'_, '_, '_, '_>, file: &Path, text: &str) {
    for (line, command) in (1_u32..).zip(text.lines()) {
        let Some((letter, rest)) = command.split_at_checked(1) else {
            continue;
        };
        let at = At {
            product: PRODUCT,
            file,
            key: "",
            line,
        };
        match letter {
            "D" => macro_of(found, rest, at),
            "C" => class(found, rest, at),
            "F" => class_file(found, rest, at),
            "K" => table(found, rest, at),
            "X" => filter(found, rest, at),
            "O" => option(found, rest.trim_start(), at),
            _ => {}
        }
    }
}

/// `DSsmtp:[relay.example]`: the smart host; `DH`, the machine with the mailboxes; `DR`, that for names without a domain.
fn macro_of(found: &mut Found<'_, '_, '_, '_>, rest: &str, at: At<'_>) {
    let (rule, key, value) = match rest.split_at_checked(1) {
        Some(("S", value)) => (RouteRule::Relay, "SMART_HOST", value),
        Some(("H", value)) => (RouteRule::Delivery, "MAIL_HUB", value),
        Some(("R", value)) => (RouteRule::Delivery, "LOCAL_RELAY", value),
        _ => return,
    };
    lead(found, rule, None, value, At { key, ..at });
}

/// Adds the machines that `mailer:host`, `mailer:host:host` or `host` names.
fn lead(
    found: &mut Found<'_, '_, '_, '_>,
    rule: RouteRule,
    from: Option<&str>,
    value: &str,
    at: At<'_>,
) {
    let value = value.trim();
    let (mailer, hosts) = match value.split_once(':') {
        Some((mailer, hosts)) if !mailer.starts_with('[') => (mailer, hosts),
        _ => ("esmtp", value),
    };
    if matches!(mailer, "local" | "error" | "discard" | "prog") {
        return;
    }
    // Several machines stand one behind the other, each in brackets or not.
    for host in parts(hosts) {
        if let Some(to) = hops::of_transport(&format!("{mailer}:{host}"), &Services::new()) {
            found.add(rule, from, to, at);
        }
    }
}

/// Between colons, but not within brackets.
fn parts(hosts: &str) -> Vec<&str> {
    let mut deep = false;
    let between = |c: char| {
        deep = (deep || c == '[') && c != ']';
        c == ':' && !deep
    };
    hosts
        .split(between)
        .filter(|host| !host.is_empty())
        .collect()
}

/// The name of a class, and what follows.
fn class_of(rest: &str) -> Option<(RouteRule, &'static str, &str)> {
    let (name, words) = match rest.strip_prefix('{') {
        Some(inner) => inner.split_once('}')?,
        None => rest.split_at_checked(1)?,
    };
    match name {
        "w" => Some((RouteRule::Takes, "class w", words)),
        "VirtHost" => Some((RouteRule::Takes, "VIRTUSER_DOMAIN", words)),
        "R" => Some((RouteRule::RelaysFor, "RELAY_DOMAIN", words)),
        _ => None,
    }
}

fn class(found: &mut Found<'_, '_, '_, '_>, rest: &str, at: At<'_>) {
    if let Some((rule, key, words)) = class_of(rest) {
        for word in words.split_whitespace() {
            domain(found, rule, word, At { key, ..at });
        }
    }
}

/// `w/etc/mail/local-host-names %[^\#]`; what is no file is neither run nor asked.
fn class_file(found: &mut Found<'_, '_, '_, '_>, rest: &str, at: At<'_>) {
    let Some((rule, key, place)) = class_of(rest) else {
        return;
    };
    let place = place.trim_start();
    let place = place.strip_prefix("-o").unwrap_or(place).trim_start();
    let path = place.split([' ', '\t']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return;
    }
    let file = Path::new(path);
    let text = found.text(file).unwrap_or_default();
    for (line, words) in logical(&text) {
        let words = words.split('#').next().unwrap_or_default();
        for word in words.split_whitespace() {
            let at = At {
                key,
                file,
                line,
                ..at
            };
            domain(found, rule, word, at);
        }
    }
}

/// `mailertable hash -o /etc/mail/mailertable`, `virtuser hash …`, `access hash …`, and a map that a directory answers.
fn table(found: &mut Found<'_, '_, '_, '_>, rest: &str, at: At<'_>) {
    let mut words = rest.split_whitespace();
    let (Some(name), Some(kind)) = (words.next(), words.next()) else {
        return;
    };
    let at = At { key: name, ..at };
    if kind == "ldap" {
        return asked(found, words, at);
    }
    let path = words
        .find(|word| !word.starts_with('-'))
        .unwrap_or_default();
    if !matches!(name, "mailertable" | "virtuser" | "access") || !path.starts_with('/') {
        return;
    }
    let file = Path::new(path.strip_suffix(".db").unwrap_or(path));
    let Some(text) = found.text(file) else {
        return unread(found, file, at);
    };
    for (line, entry) in logical(&text) {
        let (left, right) = entry.split_once([' ', '\t']).unwrap_or((&entry, ""));
        row(found, left, right.trim(), At { file, line, ..at });
    }
}

fn row(found: &mut Found<'_, '_, '_, '_>, left: &str, right: &str, at: At<'_>) {
    let from = domain_part(left);
    match at.key {
        "mailertable" => lead(found, RouteRule::Transport, from.as_deref(), right, at),
        "virtuser" if !right.starts_with("error:") => {
            aims::add(found, RouteRule::Alias, from.as_deref(), right, at);
        }
        "access" if right.starts_with("RELAY") => {
            if let Some(name) = left.strip_prefix("To:") {
                domain(found, RouteRule::RelaysFor, name, at);
            }
        }
        _ => {}
    }
}

/// `-h ldap1.corp.example ldap2 -b …`, or `-H ldap://ldap1.corp.example`.
fn asked<'w>(found: &mut Found<'_, '_, '_, '_>, words: impl Iterator<Item = &'w str>, at: At<'_>) {
    let words: Vec<&str> = words.collect();
    for (flag, value) in words.iter().zip(words.iter().skip(1)) {
        if !matches!(*flag, "-h" | "-H") {
            continue;
        }
        let value = value.trim_matches(['"', '\'']);
        let host = value.split_once("://").map_or(value, |(_, host)| host);
        let usual = Port(if value.starts_with("ldaps:") {
            636
        } else {
            389
        });
        if let Some(to) = hops::host(host.trim_end_matches('/'), usual) {
            found.add(RouteRule::Lookup, None, to, at);
        }
    }
}

/// `Xclamav, S=inet:7357@127.0.0.1, F=T, T=…`: a milter.
fn filter(found: &mut Found<'_, '_, '_, '_>, rest: &str, at: At<'_>) {
    let mut fields = rest.split(',').map(str::trim);
    let socket = fields.find_map(|field| field.strip_prefix("S="));
    if let Some(to) = socket.and_then(socket_of) {
        let key = "INPUT_MAIL_FILTER";
        found.add(RouteRule::Filter, None, to, At { key, ..at });
    }
}

fn socket_of(text: &str) -> Option<RouteTarget> {
    match text.starts_with('/') {
        true => Some(RouteTarget::Socket { path: text.into() }),
        false => hops::service(text),
    }
}

/// `AliasFile=/etc/mail/aliases,nis:mail.aliases`.
fn option(found: &mut Found<'_, '_, '_, '_>, rest: &str, at: At<'_>) {
    let Some(value) = rest.strip_prefix("AliasFile=") else {
        return;
    };
    for word in value.split(',') {
        let path = word.rsplit(':').next().unwrap_or(word).trim();
        if path.starts_with('/') {
            let file = Path::new(path);
            let at = At {
                key: "AliasFile",
                file,
                line: 0,
                ..at
            };
            match found.is_there(file) {
                true => aims::alias_file(found, at),
                false => unread(found, file, at),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_one_behind_the_other_are_parted_and_an_address_is_not() {
        assert_eq!(
            parts("[10.0.0.1]:[fd00::1]:mx"),
            ["[10.0.0.1]", "[fd00::1]", "mx"]
        );
        assert_eq!(parts(""), [""; 0]);
    }
}
