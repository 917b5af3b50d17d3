//! `attached-hardware`

use groma_model::fact::Attachment;
use groma_model::inventory::{Inventory, Severity};

use crate::build::*;
use crate::{found, only};

const CHECK: &str = "attached-hardware";

fn with_devices(devices: &[(&str, &str, &str)]) -> Inventory {
    let mut machine = host("app1");
    machine.attributes.attachments = devices
        .iter()
        .map(|(bus, role, product)| Attachment {
            bus: (*bus).to_owned(),
            role: (*role).to_owned(),
            product: Some((*product).to_owned()),
            ..Attachment::default()
        })
        .collect();
    inventory(vec![machine], Vec::new())
}

pub(crate) fn positive() -> Inventory {
    with_devices(&[
        ("usb", "license-dongle", "HASP HL 3.25"),
        ("scsi", "tape-drive", "Ultrium 5-SCSI"),
    ])
}

pub(crate) fn negative() -> Inventory {
    with_devices(&[
        ("usb", "other", "Controller"),
        ("software", "smart-card-middleware", "OpenSC"),
        ("network", "printer", "HP Color LaserJet"),
    ])
}

#[test]
fn a_dongle_is_named_and_graver_than_a_printer() {
    let finding = only(CHECK, &positive());
    assert_eq!(finding.severity, Severity::High);
    assert!(
        finding.risk.contains("license dongle HASP HL 3.25"),
        "{}",
        finding.risk
    );
    let printer = only(CHECK, &with_devices(&[("usb", "printer", "ZD420")]));
    assert_eq!(printer.severity, Severity::Medium);
}

#[test]
fn software_and_devices_of_unknown_use_are_silent() {
    assert!(found(CHECK, &negative()).is_empty());
}
