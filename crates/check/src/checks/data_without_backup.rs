//! `data-without-backup`: data that no job on its machine copies away.

use std::collections::BTreeMap;

use groma_model::inventory::{Entity, Likelihood, Severity};
use groma_model::{EntityId, Foreign};

use crate::wording::{bytes, count, names};
use crate::{Check, Draft, View};

pub(crate) struct DataWithoutBackup;

impl Check for DataWithoutBackup {
    fn name(&self) -> &'static str {
        "data-without-backup"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut hosts: BTreeMap<&EntityId, Vec<&Entity>> = BTreeMap::new();
        for entity in view.entities().filter(|e| is_data(e)) {
            let Some(host) = &entity.attributes.lies_on else {
                continue;
            };
            if !is_copied(view, entity) {
                hosts.entry(host).or_default().push(entity);
            }
        }
        hosts
            .iter()
            .filter(|(host, _)| view.is_complete(host, "host.backups", "backup:"))
            .filter_map(|(host, data)| Some(draft(view, view.entity(host)?, data)))
            .collect()
    }
}

/// What somebody would miss: not a follower of another server, not a server nobody made a database on, not a share
/// without a directory or with drivers of printers.
fn is_data(entity: &Entity) -> bool {
    let attributes = &entity.attributes;
    let spare = attributes.database.as_ref().is_some_and(|d| {
        let telling = matches!(d.engine.as_str(), "postgresql" | "mariadb" | "mysql");
        let first = |name: &Foreign| matches!(name.as_bytes(), b"postgres" | b"test");
        d.role.is_some() || (telling && d.names.iter().all(first))
    });
    let hollow = attributes
        .share
        .as_ref()
        .is_some_and(|s| s.path.is_empty() || s.name.as_bytes() == b"print$");
    let data = matches!(entity.kind.as_str(), "archive" | "database" | "share");
    data && !spare && !hollow
}

/// True if a job that something starts copies it.
fn is_copied(view: &View<'_>, entity: &Entity) -> bool {
    view.backups(&entity.id).any(|b| !b.unscheduled)
}

/// Agents that a server elsewhere tells what to copy.
fn agents<'a>(view: &View<'a>, host: &EntityId) -> Vec<&'a str> {
    let told_elsewhere = view.backups(host).filter(|b| b.covers.is_empty());
    told_elsewhere
        .map(|b| b.job.split(' ').next().unwrap_or_default())
        .collect()
}

fn draft(view: &View<'_>, host: &Entity, data: &[&Entity]) -> Draft {
    let agents = agents(view, &host.id);
    let own = data.iter().flat_map(|e| {
        let volumes = view.volumes(&e.id);
        volumes.filter(|v| e.names.contains(&v.subject))
    });
    let total = own.map(|v| v.bytes).fold(0, u64::saturating_add);
    let database = data.iter().any(|e| e.kind == "database");
    let mut draft = Draft::about(&[host.id.as_str()]);
    draft.severity = match (agents.is_empty(), database) {
        (true, true) => Severity::High,
        (true, false) => Severity::Medium,
        (false, _) => Severity::Low,
    };
    "backup".clone_into(&mut draft.layer);
    draft.likelihood = if agents.is_empty() {
        Likelihood::Medium
    } else {
        Likelihood::Low
    };
    let things = count(data.len(), "place with data", "places with data");
    draft.risk = match agents.is_empty() {
        true => format!(
            "No job on {} copies {things} away: if the move goes wrong, nothing brings it back.",
            host.name
        ),
        false => format!(
            "An agent of {} is set up on {}, but nothing here says whether it copies {things}.",
            names(&agents),
            host.name
        ),
    };
    draft.indicator = format!("{}: {}", bytes(total), names(data.iter().map(|e| &e.name)));
    draft.impact =
        "What was written since the last copy elsewhere, or all of it, would be lost.".to_owned();
    draft.mitigations = vec![
        "Ask whether the storage or the hypervisor copies the whole machine: that cannot be seen from inside.",
        "Make a copy before the move and read it back; for a database a dump, not its files.",
        "Write down what needs no backup, so that it is not asked again.",
    ];
    draft.points_at(host);
    for entity in data {
        draft.points_at(entity);
        draft.cites_evidence(&entity.evidence);
    }
    draft
}
