//! Where an alias, a forward or a map leads: addresses, programs, files and lists of further addresses (aliases(5)).

use std::path::{Path, PathBuf};

use groma_model::fact::{RouteRule, RouteTarget};
use groma_model::{Foreign, HostName, Reason};

use super::command::program;
use super::map::logical;
use super::{At, Found, Text};

/// Lists within lists that are followed.
const INCLUDED_DEEP_MAX: usize = 4;
/// Aims of one entry that are read: a list of a hundred thousand people has a file of its own.
const AIMS_MAX: usize = 100_000;

/// One aim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Aim {
    Domain(HostName),
    Program(Foreign),
    File(Foreign),
    Include(PathBuf),
}

/// The aims of a value; local users, and what is no address, give none.
pub(super) fn aims(value: &str) -> Vec<Aim> {
    parts(value).iter().filter_map(|part| aim(part)).collect()
}

fn aim(part: &str) -> Option<Aim> {
    let outer = part.trim();
    let whole = outer
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let inner = whole.unwrap_or(outer).trim();
    if let Some(command) = inner.strip_prefix('|') {
        return program(command).map(Aim::Program);
    }
    if let Some(path) = inner.strip_prefix(":include:") {
        return Some(Aim::Include(PathBuf::from(path.trim())));
    }
    let is_address = inner.contains('@');
    if inner.starts_with('/') && !is_address {
        return match inner {
            "/dev/null" => None,
            path => Some(Aim::File(path.into())),
        };
    }
    domain_of(outer).map(Aim::Domain)
}

/// The domain of an address, `"Anna" <anna@example.org>` too.
pub(super) fn domain_of(address: &str) -> Option<HostName> {
    let address = match address.rsplit_once('<') {
        Some((_, inner)) => inner.split('>').next().unwrap_or_default(),
        None => address,
    };
    let (_, domain) = address.rsplit_once('@')?;
    let domain = domain.trim_matches(['"', '\'', '\\', ' ', '\t', '>', ';']);
    HostName::parse(domain).filter(|name| name.is_qualified() && !name.is_loopback())
}

/// Between commas, but not within quotes; a command without quotes around it may have those of a shell in it.
fn parts(value: &str) -> Vec<String> {
    let (mut parts, mut part, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    let mut single = false;
    for c in value.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if !single => quoted = !quoted,
            '\'' if !quoted && part.trim_start().starts_with('|') => single = !single,
            ',' if !quoted && !single => {
                parts.push(std::mem::take(&mut part));
                if parts.len() >= AIMS_MAX {
                    return parts;
                }
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}

/// Adds what a value leads to under `rule`; lists that it includes are read.
pub(super) fn add(
    found: &mut Found<'_, '_, '_, '_>,
    rule: RouteRule,
    from: Option<&str>,
    value: &str,
    at: At<'_>,
) {
    add_deep(found, rule, from, value, at, 0);
}

fn add_deep(
    found: &mut Found<'_, '_, '_, '_>,
    rule: RouteRule,
    from: Option<&str>,
    value: &str,
    at: At<'_>,
    deep: usize,
) {
    for aim in aims(value) {
        match aim {
            Aim::Domain(domain) => found.add(rule, from, RouteTarget::Domain { domain }, at),
            Aim::Program(path) => found.add(rule, from, RouteTarget::Program { path }, at),
            Aim::File(path) => found.add(rule, from, RouteTarget::File { path }, at),
            Aim::Include(path) => included(found, rule, from, &path, at, deep + 1),
        }
    }
}

fn included(
    found: &mut Found<'_, '_, '_, '_>,
    rule: RouteRule,
    from: Option<&str>,
    file: &Path,
    at: At<'_>,
    deep: usize,
) {
    if deep > INCLUDED_DEEP_MAX || !file.is_absolute() {
        let what = format!(
            "the list of addresses {} that {} includes",
            file.display(),
            at.file.display()
        );
        return found.gap(&what, Reason::Unsupported, "");
    }
    match found.included(rule, from, at, file) {
        Text::Read(text) => {
            let inner = At { file, ..at };
            each_line(&text, |line, value| {
                add_deep(found, rule, from, value, At { line, ..inner }, deep);
            });
        }
        Text::Absent => {
            let what = format!(
                "the list of addresses {} that {} includes",
                file.display(),
                at.file.display()
            );
            found.gap(&what, Reason::NotPresent, "");
        }
        Text::Refused => {}
    }
}

/// Lines with addresses, of an included list or a forward.
pub(super) fn each_line(text: &str, mut with: impl FnMut(u32, &str)) {
    for (line, value) in (1_u32..).zip(text.lines()) {
        let value = value.trim();
        if !value.is_empty() && !value.starts_with('#') {
            with(line, value);
        }
    }
}

/// A file of aliases: `name: aim, aim`.
pub(super) fn alias_file(found: &mut Found<'_, '_, '_, '_>, at: At<'_>) {
    found.aliases.insert(at.file.to_owned());
    let Some(text) = found.text(at.file) else {
        return;
    };
    for (line, entry) in logical(&text) {
        if let Some((_, value)) = split_name(&entry) {
            add(found, RouteRule::Alias, None, value, At { line, ..at });
        }
    }
}

/// `name: value`, where the name may be quoted and hold a colon.
fn split_name(entry: &str) -> Option<(&str, &str)> {
    match entry.strip_prefix('"') {
        Some(rest) => {
            let (name, rest) = rest.split_once('"')?;
            Some((name, rest.trim_start().strip_prefix(':')?))
        }
        None => entry.split_once(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str) -> Vec<String> {
        let show = |aim: &Aim| match aim {
            Aim::Domain(domain) => domain.to_string(),
            Aim::Program(path) => format!("|{path}"),
            Aim::File(path) => path.to_string(),
            Aim::Include(path) => format!("include {}", path.display()),
        };
        aims(value).iter().map(show).collect()
    }

    #[test]
    fn what_an_alias_leads_to() {
        assert_eq!(shown("anna, root, \\bob, postmaster"), [] as [&str; 0]);
        assert_eq!(
            shown("a@Example.NET, \"B, C\" <bc@example.org>"),
            ["example.net", "example.org"]
        );
        assert_eq!(
            shown(
                "\"|/usr/bin/fax --password hunter2\", |\"/opt/x y\", \"|IFS=' ' && exec /usr/bin/procmail -f-\""
            ),
            ["|/usr/bin/fax", "|/opt/x", "|/usr/bin/procmail"]
        );
        assert_eq!(
            shown(
                "/var/mail/archive, /dev/null, :include:/etc/mail/all.list, :fail: gone, a@localhost"
            ),
            ["/var/mail/archive", "include /etc/mail/all.list"]
        );
    }

    #[test]
    fn a_value_in_a_command_is_neither_program_nor_domain() {
        for command in [
            "\"|API_KEY='two canary' /usr/bin/notify\"",
            "|PW=\"a canary\" /usr/bin/notify",
            "\"|PW=\\\"a canary\\\" /usr/bin/notify\"",
            "|PW='a, x@canary.example' /usr/bin/notify",
        ] {
            assert_eq!(shown(command), ["|/usr/bin/notify"], "{command}");
        }
    }

    #[test]
    fn no_text_breaks_it() {
        groma_fuzz::hammer(
            2_000,
            &[b"a@b.example, \"|/x y\", :include:/z, \"q\\\"\" <c@d.example>"],
            |bytes| {
                let text = String::from_utf8_lossy(bytes);
                assert!(aims(&text).len() <= text.len() + 1);
                split_name(&text);
            },
        );
    }
}
