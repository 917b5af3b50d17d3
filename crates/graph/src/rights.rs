//! Who may do what with shares: as the server's configuration says it, and as the directories do.

use groma_model::fact::Grant;
use groma_model::inventory::Right;
use groma_model::{EntityId, Estate, EvidenceId, Foreign};

use crate::gather::Gathered;

/// Rights on shares, sorted; one row for each principal and right, however many facts say it.
pub(crate) fn given(gathered: &Gathered, estate: &Estate) -> Vec<Right> {
    let mut rights = Vec::new();
    for raw in &gathered.shares {
        let grants = raw.fact.grants.iter();
        rights.extend(grants.map(|g| right(&raw.host, g, "configuration", None, false, &raw.id)));
    }
    for raw in &gathered.accesses {
        let share = estate
            .entities
            .get(&raw.host)
            .and_then(|e| e.attributes.share.as_ref());
        let path = share
            .is_none_or(|s| s.path != raw.fact.path)
            .then(|| raw.fact.path.to_string());
        for grant in &raw.fact.grants {
            let orphan = raw.fact.orphans.contains(&grant.principal);
            rights.push(right(
                &raw.host,
                grant,
                &raw.fact.kind,
                path.clone(),
                orphan,
                &raw.id,
            ));
        }
    }
    rights.sort_by(|a, b| key(a).cmp(&key(b)));
    rights.dedup_by(|b, a| {
        let same = key(a) == key(b);
        if same {
            a.evidence.append(&mut b.evidence);
            a.evidence.sort();
            a.evidence.dedup();
            a.orphan |= b.orphan;
        }
        same
    });
    rights
}

type Key<'a> = (&'a EntityId, Option<&'a str>, &'a str, &'a str, &'a str);

fn key(right: &Right) -> Key<'_> {
    (
        &right.on,
        right.path.as_deref(),
        &right.principal,
        &right.right,
        &right.written_as,
    )
}

fn right(
    on: &EntityId,
    grant: &Grant,
    written_as: &str,
    path: Option<String>,
    orphan: bool,
    evidence: &EvidenceId,
) -> Right {
    let text = |foreign: &Foreign| foreign.to_string();
    Right {
        on: on.clone(),
        principal: text(&grant.principal),
        right: grant.right.clone(),
        written_as: written_as.to_owned(),
        path,
        orphan,
        evidence: vec![evidence.clone()],
    }
}
