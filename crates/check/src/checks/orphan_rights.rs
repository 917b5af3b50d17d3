//! `orphan-rights`: rights on shared data that stand for nobody any more.

use std::collections::{BTreeMap, BTreeSet};

use groma_model::EntityId;
use groma_model::inventory::{Likelihood, Right, Severity};

use crate::wording::{count, names};
use crate::{Check, Draft, View};

pub(crate) struct OrphanRights;

impl Check for OrphanRights {
    fn name(&self) -> &'static str {
        "orphan-rights"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut hosts: BTreeMap<&EntityId, Vec<&Right>> = BTreeMap::new();
        for right in view.all(|i| &i.rights).filter(|r| r.orphan) {
            let host = view
                .entity(&right.on)
                .and_then(|e| e.attributes.lies_on.as_ref());
            hosts
                .entry(host.unwrap_or(&right.on))
                .or_default()
                .push(right);
        }
        let drafts = hosts
            .into_iter()
            .filter_map(|(host, rights)| draft(view, host, &rights));
        drafts.collect()
    }
}

fn draft(view: &View<'_>, host: &EntityId, rights: &[&Right]) -> Option<Draft> {
    let host = view.entity(host)?;
    let nobody: BTreeSet<&str> = rights.iter().map(|r| r.principal.as_str()).collect();
    let places: BTreeSet<String> = rights
        .iter()
        .filter_map(|r| {
            let on = view.entity(&r.on)?;
            Some(r.path.clone().unwrap_or_else(|| on.name.clone()))
        })
        .collect();
    let mut draft = Draft::about(&[host.id.as_str()]);
    draft.severity = Severity::Low;
    "storage".clone_into(&mut draft.layer);
    draft.likelihood = Likelihood::Medium;
    draft.risk = format!(
        "{} on {} {} to nobody any more: on a new machine the number may be somebody else's.",
        count(rights.len(), "right", "rights"),
        host.name,
        if rights.len() == 1 {
            "belongs"
        } else {
            "belong"
        },
    );
    draft.indicator = format!("{} on {}", names(&nobody), names(&places));
    let files = files(view, rights);
    if files > 0 {
        let said = count(files, "file belongs", "files belong");
        draft.indicator.push_str(&format!("; {said} to them"));
    }
    "Whoever gets such a number next reads or writes what was never meant for them; files nobody owns are left behind or cannot be opened.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Ask the owner of the data whose they were, and give the files to somebody who is there.",
        "Take the entries away before the copy, not after it.",
    ];
    draft.points_at(host);
    for right in rights {
        draft.subjects.insert(right.on.to_string());
        draft.cites_evidence(&right.evidence);
    }
    Some(draft)
}

/// How many files the shares hold that belong to nobody.
fn files(view: &View<'_>, rights: &[&Right]) -> usize {
    let shares: BTreeSet<&EntityId> = rights.iter().map(|r| &r.on).collect();
    let counted = shares
        .iter()
        .flat_map(|share| view.numbers(share, "content_orphan_items"));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of files, shown to a person"
    )]
    let sum = counted
        .map(|m| m.value as usize)
        .fold(0, usize::saturating_add);
    sum
}
