//! `service-account-old-keys`: an account that services run as takes no ticket a new domain controller gives out.

use groma_model::fact::DirectoryEntry;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::view::{told, values};
use crate::wording::{agree, count, names};
use crate::{Check, Draft, View};

const CLASSES: [&str; 3] = ["service-account", "managed-service-account", "computer"];

pub(crate) struct ServiceAccountOldKeys;

impl Check for ServiceAccountOldKeys {
    fn name(&self) -> &'static str {
        "service-account-old-keys"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let old: Vec<(&Entity, &DirectoryEntry)> = told(view, &CLASSES).filter(is_old).collect();
        match old.is_empty() {
            true => Vec::new(),
            false => vec![draft(&old)],
        }
    }
}

/// It says which keys it takes, and a modern one is not among them. Who says nothing gets what the controllers decide.
fn is_old((_, entry): &(&Entity, &DirectoryEntry)) -> bool {
    let object = &entry.object;
    let keys = values(object, "keys");
    let in_use = values(object, "activity")
        .iter()
        .any(|word| word == "active");
    let disabled = values(object, "state")
        .iter()
        .any(|word| word == "disabled");
    !keys.is_empty() && !keys.iter().any(|key| key == "AES") && in_use && !disabled
}

fn draft(old: &[(&Entity, &DirectoryEntry)]) -> Draft {
    let mut draft = Draft::about(&["service-account-old-keys"]);
    draft.severity = Severity::High;
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} {} only tickets with RC4 or DES: controllers that give out none of these refuse every logon at the service.",
        count(
            old.len(),
            "account or machine in use",
            "accounts and machines in use"
        ),
        agree(old.len(), "takes", "take"),
    );
    let said = old.iter().map(|(_, entry)| {
        let object = &entry.object;
        let keys = values(object, "keys").join(" and ");
        match values(object, "password-age").first() {
            Some(age) => format!(
                "{} ({keys}, password {})",
                object.name,
                age.replace('-', " ")
            ),
            None => format!("{} ({keys})", object.name),
        }
    });
    draft.indicator = names(said);
    "The service answers nobody who comes with a ticket, from the day the last old controller is switched off; some fall back to NTLM, where that is still allowed."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Add AES to msDS-SupportedEncryptionTypes of each, then set its password anew: keys of the new kind are made only then.",
        "Write new keytabs for services on other systems on the same day, and try a logon.",
        "Only then let the new controllers refuse RC4; a key that only a device takes needs another way for that device.",
    ];
    for (entity, entry) in old {
        draft.points_at(entity);
        draft.cites_evidence(&entry.evidence);
    }
    draft
}
