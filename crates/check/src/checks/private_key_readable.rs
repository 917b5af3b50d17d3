//! `private-key-readable`: the key of a certificate may be read by accounts that do not need it.

use std::collections::BTreeMap;

use groma_model::EntityId;
use groma_model::fact::KeyFile;
use groma_model::inventory::{Entity, Likelihood, Severity};

use super::standing::Confirmed;
use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct PrivateKeyReadable;

/// A key with the host it stands on and the certificates it belongs to.
type Open<'a> = BTreeMap<(&'a EntityId, &'a KeyFile), Vec<&'a Entity>>;

impl Check for PrivateKeyReadable {
    fn name(&self) -> &'static str {
        "private-key-readable"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut open: Open<'_> = BTreeMap::new();
        let confirmed = Confirmed::of(view);
        for entity in view.entities() {
            let places = entity.attributes.places.iter();
            for place in places.filter(|place| confirmed.stands(view, place)) {
                if let Some(key) = place.key.as_ref().filter(|key| {
                    key.is_open_to_all() || key.is_open_to_a_group() || !key.people().is_empty()
                }) {
                    open.entry((&place.host, key)).or_default().push(entity);
                }
            }
        }
        open.iter()
            .filter_map(|((host, key), certificates)| {
                Some(draft(view.entity(host)?, key, certificates))
            })
            .collect()
    }
}

fn draft(host: &Entity, key: &KeyFile, certificates: &[&Entity]) -> Draft {
    let all = key.is_open_to_all();
    let path = key.path.to_string();
    let mut draft = Draft::about(&[host.id.as_str(), &path]);
    draft.severity = if all { Severity::High } else { Severity::Low };
    "identity".clone_into(&mut draft.layer);
    draft.likelihood = if all {
        Likelihood::Medium
    } else {
        Likelihood::Low
    };
    let who = who(key);
    draft.risk = format!(
        "{who} of {} may read the private key of {}: whoever has it can stand in for the service.",
        host.name,
        names(certificates.iter().map(|c| &c.name))
    );
    draft.risk = upper_first(&draft.risk);
    draft.indicator = format!(
        "{path} has mode {:04o}, owner {}, group {}{}; it belongs to {}",
        key.mode.unwrap_or(0),
        number(key.owner),
        number(key.group),
        by_list(key),
        count(certificates.len(), "certificate", "certificates")
    );
    "Any program that is broken into on this machine can take the key along; the certificate then has to be revoked.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Let only the account of the service read the key: mode 0600, or 0640 with a group of its own.",
        "With the move, make a new key instead of copying this one.",
    ];
    draft.points_at(host);
    for certificate in certificates {
        draft.points_at(certificate);
        draft.cites_evidence(&certificate.evidence);
    }
    draft
}

fn number(id: Option<u32>) -> String {
    id.map_or_else(|| "unknown".to_owned(), |id| id.to_string())
}

/// Whom the sentence is about.
fn who(key: &KeyFile) -> String {
    if key.is_open_to_all() {
        return "every account".to_owned();
    }
    let groups = key.groups_of_people();
    let groups = groups
        .iter()
        .map(|gid| format!("every member of group {gid}"));
    let people = key.people();
    let people = people.iter().map(|uid| format!("account {uid}"));
    groups.chain(people).collect::<Vec<_>>().join(" and ")
}

/// What the mode alone does not show: an access list gives more than it.
fn by_list(key: &KeyFile) -> String {
    let groups = key
        .groups_of_people()
        .into_iter()
        .filter(|gid| Some(*gid) != key.group);
    let words: Vec<String> = groups
        .map(|gid| format!("group {gid}"))
        .chain(key.people().into_iter().map(|uid| format!("account {uid}")))
        .collect();
    match words.is_empty() || key.is_open_to_all() {
        true => String::new(),
        false => format!(", and an access list that names {}", words.join(", ")),
    }
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
