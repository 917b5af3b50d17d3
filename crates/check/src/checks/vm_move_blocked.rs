//! `vm-move-blocked`: a virtual machine that does not move, or not whole, before somebody has done something.

use groma_knowledge::vm_moves::remedy;
use groma_model::inventory::{Entity, Likelihood, Severity};
use groma_model::virtualization::{Blocker, BlockerSeverity, GuestRow};

use crate::wording::names;
use crate::{Check, Draft, View};

pub(crate) struct VmMoveBlocked;

impl Check for VmMoveBlocked {
    fn name(&self) -> &'static str {
        "vm-move-blocked"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let rows = view.all(|inventory| &inventory.guests);
        rows.filter_map(|row| draft(view.entity(&row.entity)?, row))
            .collect()
    }
}

fn draft(guest: &Entity, row: &GuestRow) -> Option<Draft> {
    let grave: Vec<&Blocker> = row
        .blockers
        .iter()
        .filter(|blocker| blocker.severity == BlockerSeverity::Critical)
        .collect();
    if grave.is_empty() {
        return None;
    }
    let mut draft = Draft::about(&[guest.id.as_str()]);
    draft.severity = Severity::Medium;
    draft.likelihood = Likelihood::High;
    "virtualization".clone_into(&mut draft.layer);
    draft.risk = format!(
        "{} does not move to another platform, or not whole, as it is set up now.",
        guest.name
    );
    draft.indicator = names(
        grave
            .iter()
            .map(|blocker| format!("{} ({})", blocker.rule, blocker.what)),
    );
    draft.impact = grave
        .iter()
        .map(|blocker| blocker.because.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    draft.mitigations = grave
        .iter()
        .filter_map(|blocker| remedy(&blocker.rule))
        .collect();
    draft.points_at(guest);
    draft.cites_evidence(&guest.evidence);
    Some(draft)
}
