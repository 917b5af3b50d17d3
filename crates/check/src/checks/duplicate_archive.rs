//! `duplicate-archive`: the same mail archive lies on several machines, and each would be moved.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Entity, Likelihood, Severity};

use crate::wording::{bytes, count, names};
use crate::{Check, Draft, View};

pub(crate) struct DuplicateArchive;

impl Check for DuplicateArchive {
    fn name(&self) -> &'static str {
        "duplicate-archive"
    }

    /// One finding for each set of machines, however many archives they share.
    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut shared: BTreeMap<Vec<&EntityId>, Vec<Vec<&Entity>>> = BTreeMap::new();
        for copies in alike(view) {
            let hosts = copies.iter().filter_map(|e| e.attributes.lies_on.as_ref());
            let hosts: BTreeSet<&EntityId> = hosts.collect();
            if hosts.len() > 1 {
                let hosts = hosts.into_iter().collect();
                shared.entry(hosts).or_default().push(copies);
            }
        }
        let drafts = shared.iter();
        drafts
            .filter_map(|(hosts, groups)| draft(view, hosts, groups))
            .collect()
    }
}

/// Archives with one key and one format, in groups of two and more.
fn alike<'a>(view: &View<'a>) -> Vec<Vec<&'a Entity>> {
    let mut by_key: BTreeMap<(u64, &str), Vec<&Entity>> = BTreeMap::new();
    let keys = view.all(|i| &i.measurements);
    for measurement in keys.filter(|m| m.metric == "content_key") {
        let entity = view.entity(&measurement.entity);
        if let Some((entity, archive)) =
            entity.and_then(|e| Some((e, e.attributes.archive.as_ref()?)))
        {
            let key = (measurement.value.to_bits(), archive.format.as_str());
            by_key.entry(key).or_default().push(entity);
        }
    }
    let groups = by_key.into_values().map(|mut group| {
        group.sort_by(|a, b| a.id.cmp(&b.id));
        group.dedup_by(|a, b| a.id == b.id);
        group
    });
    groups.filter(|group| group.len() > 1).collect()
}

fn draft(view: &View<'_>, hosts: &[&EntityId], groups: &[Vec<&Entity>]) -> Option<Draft> {
    let machines: Vec<&Entity> = hosts.iter().filter_map(|id| view.entity(id)).collect();
    let ids: Vec<&str> = hosts.iter().map(|id| id.as_str()).collect();
    if machines.len() != hosts.len() {
        return None;
    }
    // What lies there once too often: all copies but one of each group.
    let twice = groups.iter().map(|group| {
        let sizes = group.iter().flat_map(|e| view.volumes(&e.id));
        let all: Vec<u64> = sizes.map(|v| v.bytes).collect();
        let sum = all.iter().copied().fold(0, u64::saturating_add);
        sum - all.iter().max().copied().unwrap_or(0)
    });
    let twice = twice.fold(0, u64::saturating_add);
    let mut draft = Draft::about(&ids);
    draft.severity = Severity::Low;
    "mail".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::High;
    draft.risk = format!(
        "{} on {} {} the same: one move would bring each over several times.",
        count(groups.len(), "mail archive", "mail archives"),
        names(machines.iter().map(|e| e.name.as_str())),
        if groups.len() == 1 { "is" } else { "are" },
    );
    let same = groups.iter().map(|group| {
        let all: Vec<&str> = group.iter().map(|e| e.name.as_str()).collect();
        all.join(" = ")
    });
    draft.indicator = format!(
        "{}: equal size, header and sampled blocks; {} too much",
        names(same.collect::<Vec<String>>()),
        bytes(twice)
    );
    draft.impact = "The new storage fills with copies, searches show each message twice, and people go on writing into one of them only.".to_owned();
    draft.mitigations = vec![
        "Ask the owner which one is in use; move that one, and compare before the others go.",
        "Where a copy is somebody's backup, tell the backup to take it from its new place.",
    ];
    machines.iter().for_each(|host| draft.points_at(host));
    for entity in groups.iter().flatten() {
        draft.points_at(entity);
        draft.cites_evidence(&entity.evidence);
    }
    Some(draft)
}
