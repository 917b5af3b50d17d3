//! SAML metadata of services: `EntityDescriptor` with an `SPSSODescriptor` (SAML 2.0 metadata, 2.3 and 2.4.4).

use groma_model::fact::SignInWay;

use super::party::{PARTIES_MAX, Party};
use crate::format;
use crate::settings::Settings;
use groma_knowledge::rules::Format;

/// The services `text` describes; providers in it are none. True if something may be missing.
pub(super) fn services(text: &str) -> (Vec<Party>, bool) {
    let settings = format::read(Format::Xml, &[], text);
    let partial = settings.partial;
    let found = of(&settings);
    let cut = found.len() > PARTIES_MAX;
    (
        found.into_iter().take(PARTIES_MAX).collect(),
        partial || cut,
    )
}

/// An entity as far as it was read.
struct Entity {
    party: Party,
    is_service: bool,
}

fn of(settings: &Settings) -> Vec<Party> {
    let mut all: Vec<Party> = Vec::new();
    let mut entity: Option<Entity> = None;
    let close = |entity: &mut Option<Entity>, all: &mut Vec<Party>| {
        let done = entity.take().filter(|entity| entity.is_service);
        all.extend(done.map(|entity| entity.party));
    };
    for setting in &settings.all {
        let section = setting.section.to_ascii_lowercase();
        let key = setting.key.to_ascii_lowercase();
        if key == "@entityid" && last(&section) == "entitydescriptor" {
            close(&mut entity, &mut all);
            let mut party = Party::begin(setting.line, SignInWay::Saml);
            party.identifier = Some(setting.value.clone());
            entity = Some(Entity {
                party,
                is_service: false,
            });
        }
        if let Some(entity) = &mut entity {
            entity.take(&section, &key, &setting.value);
        }
        if all.len() > PARTIES_MAX {
            break;
        }
    }
    close(&mut entity, &mut all);
    all
}

impl Entity {
    fn take(&mut self, section: &str, key: &str, value: &str) {
        let is_below = section.contains("entitydescriptor/spssodescriptor");
        self.is_service |= is_below;
        let returns = ["assertionconsumerservice", "singlelogoutservice"];
        if is_below && key == "@location" && returns.contains(&last(section)) {
            self.party.leads_to(value);
        }
        // What the service calls itself wins over what its organisation is called.
        let is_own = key == "displayname" && last(section) == "uiinfo";
        if is_own || (key == "organizationdisplayname" && self.party.name.is_none()) {
            self.party.name = Some(value.to_owned());
        }
    }
}

fn last(section: &str) -> &str {
    section.rsplit('/').next().unwrap_or_default()
}
