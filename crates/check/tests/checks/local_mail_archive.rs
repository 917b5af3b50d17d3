//! `local-mail-archive`

use groma_model::inventory::{Inventory, MeasurementEntry};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "local-mail-archive";

pub(crate) fn positive() -> Inventory {
    inventory(
        vec![
            host("files1"),
            holds("archive", "files1", "/home/anna/old.pst"),
        ],
        Vec::new(),
    )
}

/// The mailboxes of the machine's own mail server move with it.
pub(crate) fn negative() -> Inventory {
    let mut inventory = positive();
    for entity in &mut inventory.entities {
        if let Some(archive) = &mut entity.attributes.archive {
            archive.used_by = vec!["Dovecot".to_owned()];
        }
    }
    inventory
}

#[test]
fn it_says_whose_and_how_many() {
    let finding = only(CHECK, &positive());
    assert_eq!(
        finding.indicator,
        "files1:/home/anna/old.pst: 0 bytes of anna"
    );
    assert!(
        finding
            .risk
            .starts_with("1 mail archive on files1 is no part of any mail server"),
        "{}",
        finding.risk
    );
}

#[test]
fn copies_are_counted_once_each() {
    let mut inventory = positive();
    let copy = holds("archive", "files1", "/srv/copy.pst");
    for entity in [inventory.entities[1].id.clone(), copy.id.clone()] {
        inventory.measurements.push(MeasurementEntry {
            entity,
            metric: "content_key".to_owned(),
            subject: "x".to_owned(),
            value: 42.0,
            at: now(),
        });
    }
    inventory.entities.push(copy);
    let finding = only(CHECK, &inventory);
    assert!(
        finding
            .indicator
            .ends_with("1 that are copies of another one"),
        "{}",
        finding.indicator
    );
}

#[test]
fn a_store_with_a_mailbox_for_each_person_is_a_mail_servers() {
    let mut inventory = positive();
    for entity in &mut inventory.entities {
        if let Some(archive) = &mut entity.attributes.archive {
            archive.variant = Some("store".to_owned());
        }
    }
    assert!(found(CHECK, &inventory).is_empty());
}
