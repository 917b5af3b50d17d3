//! Programs of servers and agents that keep in the registry whom they speak to, as their makers document it.

mod places;

use super::connection::connection_string;
use super::look::{Look, Need, unit};
use super::sql_server;
use super::url::urls;
use super::value::{Target, host, port, resource, unc};
use crate::Key;
use places::{OF_ACCOUNT, Place, SOFTWARE, STORES, Store};

/// Parts of one list of servers that are read.
const LISTED_MAX: usize = 64;

const SHAREPOINT: &str = r"HKLM\SOFTWARE\Microsoft\Shared Tools\Web Server Extensions";
const WATCHED: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Services\HealthService\Parameters\Management Groups";
const OFFICE: &[&str] = &[
    r"Software\Microsoft\Office",
    r"Software\Policies\Microsoft\Office",
];
/// Folders and add-ins of Office, by the key below a version: any value may hold a path.
const FOLDERS: &[&str] = &[
    r"Common\General",
    r"Word\Options",
    r"Excel\Options",
    r"PowerPoint\Options",
    r"Access\Settings",
];

/// Programs of the machine.
pub(super) fn machine(look: &mut Look<'_>) {
    for root in [r"HKLM\SOFTWARE", r"HKLM\SOFTWARE\WOW6432Node"] {
        SOFTWARE
            .iter()
            .for_each(|place| at_place(look, root, place));
    }
    STORES.iter().for_each(|store| database(look, store));
    for (version, ..) in look.below(SHAREPOINT) {
        let path = format!(r"{version}\Secure\ConfigDB");
        let key = look.key(&path);
        if let Some(target) = key.text("dsn").and_then(connection_string) {
            say(
                look,
                "windows-sharepoint-database",
                (&path, "dsn"),
                ("sql", Some(1433)),
                "SPTimerV4",
                target,
            );
        }
    }
    for (group, ..) in look.below(WATCHED) {
        for (at, _, key) in look.below(&format!(r"{group}\Parent Health Services")) {
            if let Some(mut target) = key.text("NetworkName").and_then(host) {
                target.port = number(&key, "Port");
                say(
                    look,
                    "windows-operations-manager",
                    (&at, "NetworkName"),
                    ("monitoring", Some(5723)),
                    "HealthService",
                    target,
                );
            }
        }
    }
}

/// Programs of one account.
pub(super) fn hive(look: &mut Look<'_>, hive: &str) {
    let root = format!(r"{hive}\Software");
    OF_ACCOUNT
        .iter()
        .for_each(|place| at_place(look, &root, place));
    for root in OFFICE {
        for (version, name, _) in look.below(&format!(r"{hive}\{root}")) {
            if name.ends_with(".0") {
                FOLDERS
                    .iter()
                    .for_each(|folder| office(look, &format!(r"{version}\{folder}")));
            }
        }
    }
}

/// `STARTUP-PATH`, `SharedTemplates`, `OPEN` = `/R "\\files1\addins\a.xlam"`.
fn office(look: &mut Look<'_>, path: &str) {
    for (name, value) in look.key(path).values {
        for at in super::starts::remote_paths(value.text().unwrap_or_default()) {
            look.needs_share("windows-office-folder", path, &name, &at);
        }
    }
}

fn at_place(look: &mut Look<'_>, root: &str, place: &Place) {
    let path = format!(r"{root}\{}", place.key);
    let keys = match path.strip_suffix(r"\*") {
        Some(above) => look
            .below(above)
            .into_iter()
            .map(|(at, _, key)| (at, key))
            .collect(),
        None => vec![(path.clone(), look.key(&path))],
    };
    for (at, key) in keys {
        for value in place.values {
            let text = key.list(value).join(";");
            for mut target in named(&text, place.kind) {
                target.port = target.port.or_else(|| number(&key, place.port_value));
                say(
                    look,
                    place.rule,
                    (&at, value),
                    (place.kind, place.port),
                    place.service,
                    target,
                );
            }
        }
    }
}

fn number(key: &Key, value: &str) -> Option<groma_model::Port> {
    let number = key.number(value).filter(|_| !value.is_empty());
    number.and_then(|number| port(&number.to_string()))
}

/// URLs, or a list of hosts; for files only paths on other machines.
fn named(text: &str, kind: &str) -> Vec<Target> {
    if kind == "smb" {
        return unc(text.trim_matches('"')).into_iter().collect();
    }
    if text.contains("://") {
        return urls(text);
    }
    if text.trim_start().starts_with(r"\\") {
        let mut target = unc(text);
        if let Some(target) = &mut target {
            target.kind = target.kind.or(Some("smb"));
            target.default_port = target.default_port.or(port("445"));
        }
        return target.into_iter().collect();
    }
    let words = text
        .split([';', ',', ' ', '\t'])
        .filter(|word| !word.is_empty())
        .take(LISTED_MAX);
    // `name|address|port` is one machine.
    let parts = words.filter_map(|word| {
        let mut fields = word.split('|');
        let mut target = host(fields.next()?)?;
        target.port = target.port.or_else(|| port(fields.nth(1)?));
        Some(target)
    });
    parts.collect()
}

fn database(look: &mut Look<'_>, (rule, key, [server, instance, name], service): &Store) {
    let path = format!(r"HKLM\{key}");
    let key = look.key(&path);
    let Some(mut target) = key.text(server).and_then(sql_server::server) else {
        return;
    };
    let is_named = key.text(instance).filter(|_| !instance.is_empty());
    if is_named.is_some_and(|name| !name.eq_ignore_ascii_case("MSSQLSERVER")) {
        // A named instance listens where the browser service says.
        target.default_port = None;
    }
    target.resource = key.text(name).and_then(resource).or(target.resource);
    say(look, rule, (&path, server), ("sql", None), service, target);
}

fn say(
    look: &mut Look<'_>,
    rule: &'static str,
    (key, value): (&str, &str),
    (kind, port): (&str, Option<u16>),
    service: &str,
    target: Target,
) {
    look.needs(Need {
        rule,
        key,
        value,
        kind,
        port,
        target,
        reader: Some(service).filter(|name| !name.is_empty()).and_then(unit),
        weak: false,
    });
}

#[cfg(test)]
mod tests;
