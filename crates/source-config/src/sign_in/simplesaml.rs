//! SimpleSAMLphp: services stand in `metadata/saml20-sp-remote.php` and its kin, one `$metadata['…'] = […]` each.
//!
//! They count where `config.php` switches the provider of that language on (`enable.saml20-idp`): the file may be left
//! over, and as the package brings `config.php`, none is on.

use groma_knowledge::rules::Format;
use groma_model::fact::SignInWay;

use super::party::{PARTIES_MAX, Party};
use crate::format;

/// Name of a metadata file, the switch of its provider in `config.php`, and the language.
pub(super) const SETS: &[(&str, &str, SignInWay)] = &[
    ("saml20-sp-remote.php", "enable.saml20-idp", SignInWay::Saml),
    ("shib13-sp-remote.php", "enable.shib13-idp", SignInWay::Saml),
    (
        "adfs-sp-remote.php",
        "enable.adfs-idp",
        SignInWay::WsFederation,
    ),
];

/// Where people are sent back to.
const RETURNS: &[&str] = &["AssertionConsumerService", "SingleLogoutService", "prp"];
/// What a service is called, the best first.
const NAMES: &[&str] = &["name", "UIInfo/DisplayName", "OrganizationDisplayName"];

/// True if `config` switches the provider `switch` on.
pub(super) fn is_on(config: &str, switch: &str) -> bool {
    let settings = format::read(Format::Php, &[], config);
    let said = settings.all.iter().rev().find(|s| s.key == switch);
    said.is_some_and(|s| s.value.eq_ignore_ascii_case("true") || s.value == "1")
}

/// The services `text` lists, and whether something may be missing.
pub(super) fn services(text: &str, way: SignInWay) -> (Vec<Party>, bool) {
    let settings = format::read(Format::Php, &[], text);
    let mut all: Vec<Party> = Vec::new();
    for setting in &settings.all {
        let Some(entity) = entity(&setting.section, &setting.key) else {
            continue;
        };
        let known = all.last().and_then(|p| p.identifier.as_deref()) == Some(entity.name);
        if !known {
            if all.len() >= PARTIES_MAX {
                return (all, true);
            }
            let mut party = Party::begin(setting.line, way);
            party.identifier = Some(entity.name.to_owned());
            all.push(party);
        }
        let Some(party) = all.last_mut() else {
            continue;
        };
        match entity.says {
            Says::Place => party.leads_to(&setting.value),
            Says::Name if party.name.is_none() => party.name = Some(setting.value.clone()),
            Says::Name | Says::Presence => {}
        }
    }
    (all, settings.partial)
}

struct Entity<'s> {
    name: &'s str,
    says: Says,
}

enum Says {
    Place,
    Name,
    Presence,
}

/// Whose setting it is. An entity's own name may hold slashes, so its end is found by what stands behind it.
fn entity<'s>(section: &'s str, key: &str) -> Option<Entity<'s>> {
    let inner = section.strip_prefix("metadata/")?;
    let of = |name, says| Some(Entity { name, says });
    if RETURNS.contains(&key) {
        return of(inner, Says::Place);
    }
    if key == "entityid" || key == "metadata-set" {
        return of(inner, Says::Presence);
    }
    if NAMES.contains(&key) {
        return of(inner, Says::Name);
    }
    let below = |word: &str| inner.strip_suffix(word)?.strip_suffix('/');
    if key == "Location" {
        let name = RETURNS.iter().find_map(|word| below(word))?;
        return of(name, Says::Place);
    }
    let name = NAMES.iter().find_map(|word| below(word))?;
    of(name, Says::Name)
}
