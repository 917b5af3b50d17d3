//! `cluster-without-headroom`: a cluster whose guests do not fit once its largest host is away, by failure or to be emptied.

use groma_model::inventory::{Entity, Severity};
use groma_model::virtualization::{Cluster, Headroom, Numbers, Platforms};
use groma_model::wording::bytes;

use crate::wording::count;
use crate::{Check, Draft, View};

pub(crate) struct ClusterWithoutHeadroom;

impl Check for ClusterWithoutHeadroom {
    fn name(&self) -> &'static str {
        "cluster-without-headroom"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let of = |entity| Some((entity, entity_cluster(entity)?));
        let clusters: Vec<(&Entity, &Cluster)> = view.entities().filter_map(of).collect();
        if clusters.is_empty() {
            return Vec::new();
        }
        view.entities().for_each(drop);
        let platforms = Platforms::of(&view.inventory.entities);
        let numbers = Numbers::of(&view.inventory.measurements);
        let draft = |told: (&Entity, &Cluster)| draft(told, &platforms.headroom(told, &numbers));
        clusters.into_iter().filter_map(draft).collect()
    }
}

fn entity_cluster(entity: &Entity) -> Option<&Cluster> {
    entity.attributes.cluster.as_deref()
}

/// A cluster of one host promises nothing to anybody.
fn draft((entity, cluster): (&Entity, &Cluster), room: &Headroom<'_>) -> Option<Draft> {
    let lacking = room.lacking().filter(|_| room.hosts > 1)?;
    let (largest, host) = room.largest?;
    let mut draft = Draft::about(&[entity.id.as_str()]);
    draft.severity = match cluster.restarts_guests {
        Some(true) => Severity::Medium,
        _ => Severity::Low,
    };
    "virtualization".clone_into(&mut draft.layer);
    draft.risk = format!(
        "In {} guests do not fit while {} is away: {} of memory would be missing.",
        entity.name,
        largest.name,
        bytes(lacking)
    );
    draft.indicator = indicator(room, host.memory_bytes.unwrap_or_default());
    "No host can be emptied to be moved, changed or switched off while all guests run; and of a host that fails, some guests stay off.".clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Before a host is emptied, agree which guests are switched off, or move them to another cluster first.",
        "Give the new platform room for all guests without its largest host before the first wave goes there.",
    ];
    draft.points_at(entity);
    draft.points_at(largest);
    draft.cites_evidence(&entity.evidence);
    draft.cites_evidence(&largest.evidence);
    Some(draft)
}

fn indicator(room: &Headroom<'_>, largest: u64) -> String {
    let wanted = match room.used {
        Some(used) => format!("{} of memory in use", bytes(used)),
        None => format!("{} given to running guests", bytes(room.load.memory)),
    };
    let away = match room.hosts.saturating_sub(room.carrying) {
        0 => String::new(),
        away => format!(", {away} of them in maintenance or not reached"),
    };
    format!(
        "{}{away}; {wanted}; {} there, {} of it on the largest host",
        count(
            usize::try_from(room.hosts).unwrap_or(usize::MAX),
            "host",
            "hosts"
        ),
        bytes(room.memory.unwrap_or_default()),
        bytes(largest)
    )
}
