//! `certificate-not-loaded`: a program still presents the certificate that was replaced in its file.

use groma_model::fact::Certificate;
use groma_model::inventory::{CertificateUser, Entity, Likelihood, NotLoaded, Severity};

use crate::wording::names;
use crate::{Check, Draft, View};

/// So near to its end the old certificate is a reason to act at once.
const SOON_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

pub(crate) struct CertificateNotLoaded;

impl Check for CertificateNotLoaded {
    fn name(&self) -> &'static str {
        "certificate-not-loaded"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for entity in view.entities() {
            let waiting = entity.attributes.used_by.iter();
            for user in waiting.filter(|user| !user.not_loaded.is_empty()) {
                drafts.extend(draft(view, entity, user));
            }
        }
        drafts
    }
}

fn draft(view: &View<'_>, renewed: &Entity, user: &CertificateUser) -> Option<Draft> {
    let host = view.entity(&user.host)?;
    let new = renewed.attributes.certificate.as_ref()?;
    let old = user
        .not_loaded
        .iter()
        .filter_map(|one| presented(view, one));
    let (old_entity, old) = old.min_by_key(|(_, old)| old.not_after)?;
    let part = &user.setting.component.name;
    let ports = user.not_loaded.iter().map(|one| one.port.to_string());
    let ports = names(ports.collect::<Vec<_>>());
    let left = old.not_after.millis() - view.now.millis();
    let mut draft = Draft::about(&[
        host.id.as_str(),
        &part.to_string(),
        &user.setting.certificate_file.to_string(),
    ]);
    draft.severity = if left < SOON_DAYS * DAY_MS {
        Severity::High
    } else {
        Severity::Medium
    };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{part} on {} still presents a certificate that was replaced in its file: it was never told to read the new one.",
        host.name
    );
    draft.indicator = format!(
        "port {ports} presents one valid from {} until {}; {} holds one valid from {} until {}",
        old.not_before.day(),
        old.not_after.day(),
        user.setting.certificate_file,
        new.not_before.day(),
        new.not_after.day(),
    );
    draft.impact = "On the day the old one runs out every client refuses the connection, although the renewal looks done; a restart during a move changes the certificate unannounced.".to_owned();
    draft.mitigations = vec![
        "Let the service read its certificates again (reload), and look at what it presents afterwards.",
        "Add the reload to whatever renews the certificate.",
    ];
    draft.control_date = Some(old.not_after);
    [host, renewed, old_entity]
        .iter()
        .for_each(|entity| draft.points_at(entity));
    draft.evidence.insert(user.evidence.clone());
    Some(draft)
}

fn presented<'a>(view: &View<'a>, one: &NotLoaded) -> Option<(&'a Entity, &'a Certificate)> {
    let entity = view.entity(&one.presents)?;
    Some((entity, entity.attributes.certificate.as_ref()?))
}
