//! `local-mail-archive`: mail that lies in files beside the mail server, where nobody plans for it.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::fact::Archive;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::wording::{agree, bytes, count, names};
use crate::{Check, Draft, View};

pub(crate) struct LocalMailArchive;

impl Check for LocalMailArchive {
    fn name(&self) -> &'static str {
        "local-mail-archive"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut hosts: BTreeMap<&EntityId, Vec<(&Entity, &Archive)>> = BTreeMap::new();
        for entity in view.entities() {
            let archive = entity.attributes.archive.as_ref().filter(|a| is_local(a));
            if let (Some(archive), Some(host)) = (archive, &entity.attributes.lies_on) {
                hosts.entry(host).or_default().push((entity, archive));
            }
        }
        let first = First::of(view);
        hosts
            .iter()
            .filter_map(|(host, archives)| Some(draft(view, view.entity(host)?, archives, &first)))
            .collect()
    }
}

/// Not what a mail server of this machine keeps and takes along when it moves.
fn is_local(archive: &Archive) -> bool {
    let server = |who: &String| matches!(who.as_str(), "Dovecot" | "Postfix");
    // Only servers write these formats.
    let servers = matches!(archive.format.as_str(), "cyrus" | "mdbox" | "sdbox");
    archive.variant.as_deref() != Some("store") && !servers && !archive.used_by.iter().any(server)
}

fn draft(
    view: &View<'_>,
    host: &Entity,
    archives: &[(&Entity, &Archive)],
    first: &First<'_>,
) -> Draft {
    let ids: BTreeSet<&EntityId> = archives.iter().map(|(entity, _)| &entity.id).collect();
    let total = ids
        .iter()
        .flat_map(|id| view.volumes(id))
        .map(|v| v.bytes)
        .fold(0, u64::saturating_add);
    let owners: BTreeSet<String> = archives
        .iter()
        .filter_map(|(_, a)| a.owner.as_ref())
        .map(ToString::to_string)
        .collect();
    let some = |number: usize, what: &str| (number > 0).then(|| format!("{number} {what}"));
    let marks = [
        some(
            archives.iter().filter(|(_, a)| a.orphan).count(),
            "that no setting names any more",
        ),
        some(
            archives.iter().filter(|(_, a)| a.damaged).count(),
            "with a damaged header",
        ),
        some(
            archives.iter().filter(|(_, a)| a.medium.is_some()).count(),
            "on a medium that can be pulled out",
        ),
        some(first.copies(view, &ids), "that are copies of another one"),
    ];
    let mut draft = Draft::about(&[host.id.as_str()]);
    draft.severity = Severity::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    let number = count(archives.len(), "mail archive", "mail archives");
    draft.risk = format!(
        "{number} on {} {} no part of any mail server: a move of the mailboxes leaves {} behind.",
        host.name,
        agree(archives.len(), "is", "are"),
        agree(archives.len(), "it", "them")
    );
    let mut said = vec![format!("{} of {}", bytes(total), names(&owners))];
    if owners.is_empty() {
        said = vec![bytes(total)];
    }
    said.extend(marks.into_iter().flatten());
    draft.indicator = format!(
        "{}: {}",
        names(archives.iter().map(|(entity, _)| &entity.name)),
        said.join("; ")
    );
    draft.impact = "People lose old mail that nobody else has, and notice weeks later.".to_owned();
    draft.mitigations = vec![
        "Ask each owner whether it is still needed, and where it should go.",
        "Import it into the new mailboxes, or move it to storage that is backed up.",
        "Open one of each sort before the old machine goes: a damaged one is easier to repair there.",
    ];
    draft.points_at(host);
    for (entity, _) in archives {
        draft.points_at(entity);
        draft.cites_evidence(&entity.evidence);
    }
    draft
}

/// Of all that have one key, on whatever machine, the one that sorts first.
struct First<'a>(BTreeMap<u64, &'a EntityId>);

impl<'a> First<'a> {
    fn of(view: &View<'a>) -> Self {
        let mut first: BTreeMap<u64, &EntityId> = BTreeMap::new();
        let keys = view.all(|inventory| &inventory.measurements);
        for key in keys.filter(|m| m.metric == "content_key") {
            let slot = first.entry(key.value.to_bits()).or_insert(&key.entity);
            *slot = (*slot).min(&key.entity);
        }
        Self(first)
    }

    /// How many of these share their key with one that sorts before them.
    fn copies(&self, view: &View<'_>, ids: &BTreeSet<&EntityId>) -> usize {
        let keys = ids.iter().flat_map(|id| view.numbers(id, "content_key"));
        keys.filter(|key| {
            let first = self.0.get(&key.value.to_bits());
            first.is_some_and(|one| **one != key.entity)
        })
        .count()
    }
}
