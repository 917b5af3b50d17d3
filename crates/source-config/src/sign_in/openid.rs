//! Providers whose one settings file lists the services they sign people in for: Authelia and Dex, in YAML.

use groma_knowledge::rules::Format;
use groma_model::fact::SignInWay;

use super::party::{PARTIES_MAX, Party};
use crate::format;
use crate::glob::matches_word;

/// Where a product's settings keep its services.
pub(super) struct Layout {
    /// Glob over the section, in small letters.
    section: &'static str,
    identifier: &'static [&'static str],
    name: &'static [&'static str],
    places: &'static [&'static str],
    /// A rule for a site in front of which the provider stands: section, and the policies that ask nobody to sign in.
    gateway: Option<(&'static str, &'static [&'static str])>,
}

/// Authelia before and since 4.38 (`id`, `client_id`).
pub(super) const AUTHELIA: Layout = Layout {
    section: "identity_providers/oidc/clients",
    identifier: &["client_id", "id"],
    name: &["client_name", "description"],
    places: &["redirect_uris"],
    gateway: Some(("access_control/rules", &["bypass", "deny"])),
};

/// Dex.
pub(super) const DEX: Layout = Layout {
    section: "staticclients",
    identifier: &["id"],
    name: &["name"],
    places: &["redirecturis"],
    gateway: None,
};

/// The services `text` lists, and whether something may be missing.
pub(super) fn services(layout: &Layout, text: &str) -> (Vec<Party>, bool) {
    let settings = format::read(Format::Yaml, &[], text);
    let mut all: Vec<(u32, Party, bool)> = Vec::new();
    for setting in &settings.all {
        let section = setting.section.to_ascii_lowercase();
        let key = setting.key.to_ascii_lowercase();
        let gateway = layout.gateway.filter(|(rules, _)| *rules == section);
        if gateway.is_none() && !matches_word(layout.section, &section) {
            continue;
        }
        let known = all
            .last()
            .is_some_and(|(group, ..)| *group == setting.group);
        if !known {
            if all.len() >= PARTIES_MAX {
                return (counted(all), true);
            }
            let way = match gateway {
                Some(_) => SignInWay::Gateway,
                None => SignInWay::Oidc,
            };
            all.push((setting.group, Party::begin(setting.line, way), true));
        }
        let Some((_, party, counts)) = all.last_mut() else {
            continue;
        };
        match gateway {
            Some((_, open)) => rule(party, counts, open, &key, &setting.value),
            None => client(layout, party, &key, &setting.value),
        }
    }
    (counted(all), settings.partial)
}

fn counted(all: Vec<(u32, Party, bool)>) -> Vec<Party> {
    let counts = all.into_iter().filter(|(_, party, counts)| {
        *counts && (party.way != SignInWay::Gateway || party.identifier.is_some())
    });
    counts.map(|(_, party, _)| party).collect()
}

fn client(layout: &Layout, party: &mut Party, key: &str, value: &str) {
    if layout.identifier.contains(&key) {
        party.identifier = Some(value.to_owned());
    } else if layout.name.contains(&key) {
        party.name = Some(value.to_owned());
    } else if layout.places.contains(&key) {
        party.leads_to(value);
    }
}

/// `domain: wiki.corp.example`, one or a list; a pattern names nobody.
fn rule(party: &mut Party, counts: &mut bool, open: &[&str], key: &str, value: &str) {
    match key {
        "policy" => *counts &= !open.contains(&value.to_ascii_lowercase().as_str()),
        "domain" if !value.contains('*') => {
            party.identifier.get_or_insert_with(|| value.to_owned());
            party.leads_to(&format!("https://{value}/"));
        }
        _ => {}
    }
}
