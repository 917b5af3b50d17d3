//! Mailing lists: how many there are of each domain. Who reads them is not looked at.

use std::path::Path;

use groma_model::HostName;
use groma_model::fact::{RouteRule, RouteTarget};
use groma_source::EntryKind;

use super::aims::domain_of;
use super::{At, Found};

const LISTS_MAX: usize = 5_000;

pub(super) fn read(found: &mut Found<'_, '_, '_, '_>) {
    mailman_2(found);
    mailman_3(found);
    mlmmj(found);
    sympa(found);
}

fn directories(
    found: &mut Found<'_, '_, '_, '_>,
    place: &Path,
) -> Vec<(String, std::path::PathBuf)> {
    let entries = found
        .list(place)
        .into_iter()
        .filter(|e| e.kind == EntryKind::Directory);
    let named =
        entries.filter_map(|e| Some((e.path.file_name()?.to_str()?.to_owned(), e.path.clone())));
    named.take(LISTS_MAX).collect()
}

fn list(found: &mut Found<'_, '_, '_, '_>, product: &str, domain: Option<&str>, file: &Path) {
    let at = At {
        product,
        file,
        key: "",
        line: 0,
    };
    found.add(RouteRule::List, domain, RouteTarget::Here, at);
}

/// Each list keeps its domain in a file of Python's own; the one that new lists get stands in the settings.
fn mailman_2(found: &mut Found<'_, '_, '_, '_>) {
    let place = Path::new("/var/lib/mailman/lists");
    let lists = directories(found, place);
    let settings = found
        .text(Path::new("/etc/mailman/mm_cfg.py"))
        .unwrap_or_default();
    let line = settings
        .lines()
        .find_map(|l| l.trim().strip_prefix("DEFAULT_EMAIL_HOST")?.split_once('='));
    let domain = line.map(|(_, value)| value.trim().trim_matches(['\'', '"']).to_owned());
    for (name, path) in lists {
        if name != "mailman" && found.is_there(&path.join("config.pck")) {
            list(found, "Mailman 2", domain.as_deref(), place);
        }
    }
}

/// Lists are called `name.domain`, and have directories once mail went through them.
fn mailman_3(found: &mut Found<'_, '_, '_, '_>) {
    for place in [
        "/var/lib/mailman3/lists",
        "/var/lib/mailman3/data/lists",
        "/opt/mailman/var/lists",
    ]
    .map(Path::new)
    {
        for (name, _) in directories(found, place) {
            let domain = name
                .split_once('.')
                .and_then(|(_, domain)| HostName::parse(domain));
            list(
                found,
                "Mailman 3",
                domain.as_ref().map(HostName::as_str),
                place,
            );
        }
    }
}

fn mlmmj(found: &mut Found<'_, '_, '_, '_>) {
    let place = Path::new("/var/spool/mlmmj");
    for (_, path) in directories(found, place) {
        if let Some(address) = found.text(&path.join("control/listaddress")) {
            let domain = domain_of(address.trim());
            list(found, "mlmmj", domain.as_ref().map(HostName::as_str), place);
        }
    }
}

/// Lists stand below the data of the server, or below one directory for each of its domains.
fn sympa(found: &mut Found<'_, '_, '_, '_>) {
    let settings = [
        "/etc/sympa/sympa/sympa.conf",
        "/etc/sympa/sympa.conf",
        "/etc/sympa.conf",
    ];
    let text = settings.iter().find_map(|file| found.text(Path::new(file)));
    let main = text.unwrap_or_default().lines().find_map(|line| {
        let (key, value) = line.trim().split_once(char::is_whitespace)?;
        (key == "domain").then(|| value.trim().to_owned())
    });
    let place = Path::new("/var/lib/sympa/list_data");
    for (name, path) in directories(found, place) {
        if found.is_there(&path.join("config")) {
            list(found, "Sympa", main.as_deref(), place);
        } else {
            for (_, inner) in directories(found, &path) {
                if found.is_there(&inner.join("config")) {
                    list(found, "Sympa", Some(&name), place);
                }
            }
        }
    }
}
