//! How checks speak of consumers: one by its name, several by their number, and where it is spoken without TLS.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::inventory::Dependency;

pub(crate) use groma_model::wording::{
    agree, bytes, count, in_days, lasting, names, place, title, told,
};

/// `file:line`, or the file alone where it says something by being there.
pub(crate) fn place_of(file: &groma_model::Foreign, line: u32) -> String {
    match line {
        0 => file.to_string(),
        line => format!("{file}:{line}"),
    }
}

/// The one by its name, several by their number: `app1`, `12 machines`.
pub(crate) fn machines<'a>(names: impl IntoIterator<Item = (&'a EntityId, &'a str)>) -> String {
    let unique: BTreeMap<&EntityId, &str> = names.into_iter().collect();
    match unique.values().next() {
        Some(only) if unique.len() == 1 => (*only).to_owned(),
        _ => count(unique.len(), "machine", "machines"),
    }
}

/// The consumers: one by its name, several by their number.
pub(crate) fn consumers_of(dependencies: &[&Dependency]) -> String {
    machines(
        dependencies
            .iter()
            .map(|d| (&d.consumer.entity, d.consumer.name.as_str())),
    )
}

/// What is needed, each kind once: `directory logon (LDAP) and name resolution`.
pub(crate) fn kinds_of(dependencies: &[&Dependency]) -> String {
    // There are few words for kinds, and forty thousand dependencies of one of them.
    let mut kinds: Vec<&str> = Vec::new();
    for dependency in dependencies {
        if !kinds.contains(&dependency.kind.as_str()) {
            kinds.push(&dependency.kind);
        }
    }
    names(kinds.into_iter().map(title))
}

/// Who needs it, with the part that does: `app1 (nightly.service), app2 (billing.service) and 12 more`.
pub(crate) fn who(dependencies: &[&Dependency]) -> String {
    let named = dependencies.iter().map(|d| {
        let file = d.consumer.component.name.file_name();
        (d.consumer.name.as_str(), file)
    });
    told(named, |(machine, file)| match file.lossy() {
        none if none.is_empty() => (*machine).to_owned(),
        part => format!("{machine} ({part})"),
    })
}

/// Where it is spoken without TLS, by whom, and with which accounts: `dir1:389 without TLS: app1 (nslcd); as proxy`.
pub(crate) fn without_tls(dependencies: &[&Dependency]) -> String {
    let mut accounts = dependencies
        .iter()
        .flat_map(|d| &d.details.accounts)
        .peekable();
    let with = if accounts.peek().is_none() {
        String::new()
    } else {
        format!("; as {}", names(accounts))
    };
    format!(
        "{} without TLS: {}{with}",
        names(dependencies.iter().map(|d| place(&d.provider))),
        who(dependencies)
    )
}
