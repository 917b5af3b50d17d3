//! `vm-move-blocked`

use groma_model::inventory::{Inventory, Severity};
use groma_model::virtualization::{Blocker, BlockerSeverity, GuestRow};

use crate::build::*;
use crate::{found, only};

pub(crate) const CHECK: &str = "vm-move-blocked";

fn blocked(severity: BlockerSeverity, rule: &str) -> Inventory {
    let mut estate = inventory(vec![entity("vm", "db1")], Vec::new());
    estate.guests = vec![GuestRow {
        entity: id("db1"),
        host: None,
        bytes: None,
        bytes_measured: false,
        transfer_hours: None,
        blockers: vec![Blocker {
            severity,
            rule: rule.into(),
            what: "Hard disk 2".into(),
            because: "The disk is a device of the storage itself.".into(),
            remedy: "Copy it.".into(),
        }],
        ways: Vec::new(),
    }];
    estate
}

pub(crate) fn positive() -> Inventory {
    blocked(BlockerSeverity::Critical, "rdm_disk")
}

/// What is only lost or slow is told where its wave is checked.
pub(crate) fn negative() -> Inventory {
    blocked(BlockerSeverity::Warning, "tpm_enabled")
}

#[test]
fn what_keeps_a_machine_from_moving_is_a_risk_with_what_to_do_about_it() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        (finding.severity, finding.layer.as_str()),
        (Severity::Medium, "virtualization")
    );
    assert_eq!(finding.indicator, "rdm_disk (Hard disk 2)");
    assert!(
        finding.mitigations.concat().contains("connected anew"),
        "{:?}",
        finding.mitigations
    );
    assert!(found(CHECK, &negative()).is_empty());
}
