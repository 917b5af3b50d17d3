//! `scanner-mail-unknown`

use groma_model::device::{Deed, DeviceClass};
use groma_model::device_verdict::{Answer, DeedEntry, DeviceEntry, DeviceWord};
use groma_model::inventory::Inventory;

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "scanner-mail-unknown";

fn copier(mails: Answer) -> DeviceEntry {
    let deed = |deed, answer| DeedEntry {
        deed,
        answer,
        disputed: false,
        because: Vec::new(),
    };
    DeviceEntry {
        entity: id("copier1"),
        class: Some(DeviceClass::Multifunction),
        classes: Vec::new(),
        maker: Vec::new(),
        model: Vec::new(),
        serial: Vec::new(),
        location: vec![DeviceWord {
            value: "2nd floor".to_owned(),
            by: vec!["SNMP".to_owned()],
            evidence: Vec::new(),
        }],
        deeds: vec![deed(Deed::Scan, Answer::Yes), deed(Deed::Mail, mails)],
        mail: Vec::new(),
        needs: Vec::new(),
        to_be_asked: mails == Answer::Unknown,
        told_by: Vec::new(),
        evidence: vec![groma_model::EvidenceId::of(&["copier1"])],
    }
}

fn estate(mails: Answer) -> Inventory {
    let mut inventory = inventory(vec![entity("device", "copier1")], Vec::new());
    inventory.devices = vec![copier(mails)];
    inventory
}

pub(crate) fn positive() -> Inventory {
    estate(Answer::Unknown)
}

/// Somebody knows that it mails.
pub(crate) fn negative() -> Inventory {
    estate(Answer::Yes)
}

#[test]
fn a_copier_nobody_knows_the_mail_of_is_named_with_its_place() {
    let finding = only(CHECK, &positive());
    assert!(
        finding.indicator.contains("copier1 (2nd floor)"),
        "{}",
        finding.indicator
    );
    assert!(found(CHECK, &negative()).is_empty());
    assert!(found(CHECK, &estate(Answer::No)).is_empty());
}
