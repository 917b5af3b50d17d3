//! The office with its devices: one that mails, one of which nobody knows, one about which witnesses do not agree.

use groma_model::EntityId;
use groma_model::device::{Deed, DeviceClass, DeviceWitness};
use groma_model::device_verdict::{
    Answer, DeedEntry, DeedReason, DeviceEntry, DeviceMailNeed, DeviceWord,
};
use groma_model::evidence::Witness;
use groma_model::inventory::{Inventory, ReachedBy};
use groma_model::name::{Port, Protection};

use super::{Estate, HOSTILE, noon, office};

/// [`office`] with devices.
pub fn devices() -> Inventory {
    let mut e = Estate {
        inventory: office(),
    };
    for (key, name, address) in [
        ("dev-copier", "copier1.corp.example", "10.1.0.50"),
        ("dev-scanner", "10.1.0.51", "10.1.0.51"),
        ("dev-label", "labels.corp.example", "10.1.0.52"),
        ("dev-hostile", HOSTILE[2], "10.1.0.53"),
    ] {
        let entity = e.entity(key, "device", "endpoint", name, address);
        entity.attributes.macs = vec!["02:00:00:00:00:50".to_owned()];
    }
    let mut inventory = e.finish();
    inventory.devices = vec![mailing(), silent(), disputed(), hostile()];
    inventory.devices.sort();
    inventory
}

fn word(value: &str, by: &str) -> Vec<DeviceWord> {
    vec![DeviceWord {
        value: value.to_owned(),
        by: vec![by.to_owned()],
        evidence: Vec::new(),
    }]
}

fn deed(deed: Deed, answer: Answer, says: &[(&str, bool)]) -> DeedEntry {
    let because = says.iter().map(|(says, against)| DeedReason {
        says: (*says).to_owned(),
        against: *against,
        evidence: Vec::new(),
    });
    DeedEntry {
        deed,
        answer,
        disputed: says.iter().any(|s| s.1) && says.iter().any(|s| !s.1),
        because: because.collect(),
    }
}

fn device(key: &str, class: DeviceClass) -> DeviceEntry {
    DeviceEntry {
        entity: EntityId::new(format!("ent-{key}")),
        class: Some(class),
        classes: word(class.words(), "SNMP"),
        maker: word("Example", "IPP"),
        model: word("C 300", "IPP"),
        serial: word("X1", "SNMP"),
        location: word("2nd floor, copy room", "SNMP"),
        deeds: vec![
            deed(
                Deed::Print,
                Answer::Yes,
                &[("can (IPP: Get-Printer-Attributes)", false)],
            ),
            deed(
                Deed::Scan,
                Answer::Yes,
                &[("can (eSCL: ScannerCapabilities)", false)],
            ),
            deed(Deed::Fax, Answer::Unknown, &[]),
            deed(Deed::Mail, Answer::Unknown, &[]),
        ],
        mail: Vec::new(),
        needs: Vec::new(),
        to_be_asked: false,
        told_by: vec![DeviceWitness::Snmp, DeviceWitness::Ipp],
        evidence: Vec::new(),
    }
}

fn mailing() -> DeviceEntry {
    let mut out = device("dev-copier", DeviceClass::Multifunction);
    out.deeds[3] = deed(
        Deed::Mail,
        Answer::Yes,
        &[("sent through mail1.corp.example, as its log tells", false)],
    );
    out.mail = vec![DeviceMailNeed {
        server: EntityId::new("ent-mail1"),
        port: Some(Port(25)),
        anonymous: Some(true),
        account: None,
        mechanism: None,
        protection: Some(Protection::Starttls),
        tls: vec!["TLSv1".to_owned()],
        reached_by: Some(ReachedBy::AddressLiteral),
        reached_as: Some("10.1.0.11".to_owned()),
        witnesses: vec![Witness::History],
        last_seen: noon(),
        evidence: Vec::new(),
    }];
    out
}

/// Nobody knows whether it mails.
fn silent() -> DeviceEntry {
    DeviceEntry {
        to_be_asked: true,
        location: Vec::new(),
        ..device("dev-scanner", DeviceClass::Scanner)
    }
}

fn disputed() -> DeviceEntry {
    let mut out = device("dev-label", DeviceClass::LabelPrinter);
    out.serial.extend(word("Y2", "WSD"));
    out.deeds[1] = deed(
        Deed::Scan,
        Answer::Unknown,
        &[("can (mDNS: scan=T)", false), ("cannot (SNMP)", true)],
    );
    out
}

fn hostile() -> DeviceEntry {
    DeviceEntry {
        to_be_asked: true,
        location: word(HOSTILE[0], "SNMP"),
        model: word(HOSTILE[1], "IPP"),
        ..device("dev-hostile", DeviceClass::Multifunction)
    }
}
