//! LemonLDAP::NG: one JSON file per saved state of the configuration, `lmConf-NUMBER.json`; the highest number counts.

use std::collections::BTreeMap;

use groma_knowledge::rules::Format;
use groma_model::fact::SignInWay;

use super::metadata;
use super::party::{PARTIES_MAX, Party};
use crate::format;
use crate::settings::{Setting, Settings};

/// Sites the package's own configuration puts behind the handler.
const SHIPPED: &str = ".example.com";

/// The number of a state, by the name of its file.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("lmConf-")?.strip_suffix(".json")?;
    digits.parse().ok()
}

/// The services `text` lists, and whether something may be missing.
pub(super) fn services(text: &str) -> (Vec<Party>, bool) {
    let settings = format::read(Format::Yaml, &[], text);
    let mut all = Vec::new();
    let mut partial = settings.partial;
    if is_on(&settings, "issuerDBOpenIDConnectActivation") {
        all.extend(openid(&settings));
    }
    if is_on(&settings, "issuerDBCASActivation") {
        all.extend(cas(&settings));
    }
    if is_on(&settings, "issuerDBSAMLActivation") {
        for setting in of(&settings, "samlSPMetaDataXML").map(|(_, setting)| setting) {
            let (found, cut) = metadata::services(&setting.value);
            partial |= cut;
            all.extend(found.into_iter().map(|party| Party {
                line: setting.line,
                ..party
            }));
        }
    }
    all.extend(sites(&settings));
    partial |= all.len() > PARTIES_MAX;
    all.truncate(PARTIES_MAX);
    (all, partial)
}

fn is_on(settings: &Settings, key: &str) -> bool {
    let said = settings
        .all
        .iter()
        .find(|s| s.section.is_empty() && s.key == key);
    said.is_some_and(|s| !matches!(s.value.as_str(), "" | "0"))
}

/// Settings below `top/NAME`, with the name.
fn of<'s>(settings: &'s Settings, top: &'s str) -> impl Iterator<Item = (&'s str, &'s Setting)> {
    settings.all.iter().filter_map(move |setting| {
        let name = setting.section.strip_prefix(top)?.strip_prefix('/')?;
        Some((name, setting))
    })
}

/// By name, in the order of names, so that a service is one whatever order its settings have.
fn gather<'s>(
    found: impl Iterator<Item = (&'s str, &'s Setting)>,
    way: SignInWay,
    take: impl Fn(&mut Party, &'s Setting),
) -> Vec<Party> {
    let mut all: BTreeMap<&str, Party> = BTreeMap::new();
    for (name, setting) in found {
        let party = all.entry(name).or_insert_with(|| {
            let mut party = Party::begin(setting.line, way);
            party.name = Some(name.to_owned());
            party
        });
        take(party, setting);
    }
    all.into_values().collect()
}

fn openid(settings: &Settings) -> Vec<Party> {
    let found = of(settings, "oidcRPMetaDataOptions");
    gather(found, SignInWay::Oidc, |party, setting| {
        match setting.key.as_str() {
            "oidcRPMetaDataOptionsClientID" => party.identifier = Some(setting.value.clone()),
            "oidcRPMetaDataOptionsDisplayName" if !setting.value.is_empty() => {
                party.name = Some(setting.value.clone());
            }
            "oidcRPMetaDataOptionsRedirectUris" => party.leads_to(&setting.value),
            _ => {}
        }
    })
}

fn cas(settings: &Settings) -> Vec<Party> {
    let found = of(settings, "casAppMetaDataOptions");
    gather(found, SignInWay::Cas, |party, setting| {
        if setting.key == "casAppMetaDataOptionsService" {
            party.leads_to(&setting.value);
        }
    })
}

/// Sites that the handler of LemonLDAP::NG stands in front of; not the portal and the manager, and none in maintenance.
fn sites(settings: &Settings) -> Vec<Party> {
    let portal = settings
        .all
        .iter()
        .find(|s| s.section.is_empty() && s.key == "portal");
    let portal = portal.map_or("", |s| s.value.as_str());
    let off: Vec<&str> = of(settings, "vhostOptions")
        .filter(|(_, s)| s.key == "vhostMaintenance" && s.value == "1")
        .map(|(name, _)| name)
        .collect();
    let is_own = |name: &str| {
        let host = portal.split_once("://").map_or("", |(_, rest)| rest);
        host.split(['/', ':']).next() == Some(name)
            || name.starts_with("manager.")
            || name.ends_with(SHIPPED)
            || off.contains(&name)
    };
    let found = of(settings, "locationRules").filter(|(name, _)| !is_own(name));
    let mut all = gather(found, SignInWay::Gateway, |_, _| ());
    for party in &mut all {
        let name = party.name.clone().unwrap_or_default();
        party.leads_to(&format!("https://{name}/"));
    }
    all
}
