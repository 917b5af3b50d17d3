//! `orphan-rights`

use groma_model::inventory::{Inventory, Right};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "orphan-rights";

fn right(principal: &str, orphan: bool) -> Right {
    Right {
        on: id("share1"),
        principal: principal.to_owned(),
        right: "rwx".to_owned(),
        written_as: "posix-acl".to_owned(),
        path: Some("/srv/projects".to_owned()),
        orphan,
        evidence: vec![groma_model::EvidenceId::of(&["access", principal])],
    }
}

fn with(rights: Vec<Right>) -> Inventory {
    let mut share = host("share1");
    share.kind = "share".to_owned();
    share.has_agent = false;
    share.attributes.lies_on = Some(id("files1"));
    let mut inventory = inventory(vec![host("files1"), share], Vec::new());
    inventory.rights = rights;
    inventory
}

pub(crate) fn positive() -> Inventory {
    with(vec![
        right("anna", false),
        right("uid 1234", true),
        right("S-1-5-21-1-2-3-1107", true),
    ])
}

/// Names that only a directory knows are somebody.
pub(crate) fn negative() -> Inventory {
    with(vec![
        right("anna", false),
        right("uid 1234", false),
        right("S-1-5-21-1-2-3-1107", false),
    ])
}

#[test]
fn rights_of_nobody_are_told_once_for_each_machine() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.risk,
        "2 rights on files1 belong to nobody any more: on a new machine the number may be somebody else's."
    );
    assert_eq!(
        finding.indicator,
        "S-1-5-21-1-2-3-1107 and uid 1234 on /srv/projects"
    );
}

#[test]
fn files_of_nobody_are_counted_beside_the_rights() {
    let mut inventory = positive();
    inventory
        .measurements
        .push(groma_model::inventory::MeasurementEntry {
            entity: id("share1"),
            metric: "content_orphan_items".to_owned(),
            subject: "/srv/projects".to_owned(),
            value: 37.0,
            at: now(),
        });
    let finding = only(CHECK, &inventory);
    assert!(
        finding.indicator.ends_with("; 37 files belong to them"),
        "{}",
        finding.indicator
    );
}

#[test]
fn somebody_a_directory_knows_is_somebody() {
    assert!(found(CHECK, &negative()).is_empty());
}
