//! `attached-hardware`: a device hangs on a machine, and will not move with its disk image.

use std::collections::BTreeMap;

use groma_model::fact::Attachment;
use groma_model::inventory::{Likelihood, Severity};
use groma_model::{EntityId, EvidenceId};

use crate::wording::names;
use crate::{Check, Draft, View};

/// Roles a virtual or a new machine does not have by itself.
const ROLES: &[&str] = &[
    "license-dongle",
    "signing-token",
    "smart-card-reader",
    "modem",
    "fax-board",
    "telephony-board",
    "tape-drive",
    "printer",
    "scanner",
    "serial-adapter",
    "serial-device",
    "ups",
    "barcode-reader",
];

pub(crate) struct AttachedHardware;

impl Check for AttachedHardware {
    fn name(&self) -> &'static str {
        "attached-hardware"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let sightings = sightings(view);
        for entity in view.entities() {
            let attached = entity.attributes.attachments.iter();
            let devices: Vec<&Attachment> = attached
                // What is reached through the network does not hang on this machine.
                .filter(|a| !matches!(a.bus.as_str(), "software" | "network"))
                .filter(|a| ROLES.contains(&a.role.as_str()))
                .collect();
            if devices.is_empty() {
                continue;
            }
            let locks =
                |a: &&&Attachment| matches!(a.role.as_str(), "license-dongle" | "signing-token");
            let mut draft = Draft::about(&[entity.id.as_str()]);
            draft.severity = if devices.iter().any(|d| locks(&d)) {
                Severity::High
            } else {
                Severity::Medium
            };
            draft.layer = "hardware".to_owned();
            draft.likelihood = Likelihood::High;
            let said: Vec<String> = devices.iter().map(|d| called(d)).collect();
            draft.risk = format!(
                "{} has hardware attached that does not move with its disks: {}.",
                entity.name,
                names(said.iter().map(String::as_str))
            );
            let known: Vec<String> = devices
                .iter()
                .filter_map(|d| Some(format!("{} ({})", d.known_as.as_ref()?, called(d))))
                .collect();
            draft.indicator = match known.is_empty() {
                true => format!("seen on the buses of {}", entity.name),
                false => format!(
                    "seen on the buses of {}, or named there as {}",
                    entity.name,
                    names(known.iter().map(String::as_str))
                ),
            };
            "What needs the device stops at the first start without it: a program that checks its license, a fax line, a backup to tape.".clone_into(&mut draft.impact);
            draft.mitigations = vec![
                "Ask what uses the device, and whether its maker offers it over the network or as software.",
                "Plan how it reaches the new machine: a device server, a passed-through port, or hardware that stays.",
            ];
            draft.points_at(entity);
            // Where the document does not carry the sightings, what the machine itself is known by.
            let known_by = || entity.evidence.get(..3).unwrap_or(&entity.evidence);
            let own = sightings.get(&entity.id).map(Vec::as_slice);
            draft.cites_evidence(own.unwrap_or_else(known_by));
            drafts.push(draft);
        }
        drafts
    }
}

/// The sightings of devices, by the machine that has them.
fn sightings<'a>(view: &View<'a>) -> BTreeMap<&'a EntityId, Vec<EvidenceId>> {
    let mut sightings: BTreeMap<&EntityId, Vec<EvidenceId>> = BTreeMap::new();
    let entries = view.all(|inventory| &inventory.evidence);
    for entry in entries.filter(|e| e.source.as_str() == "host.attached") {
        let own = sightings.entry(&entry.vantage).or_default();
        own.push(entry.id.clone());
    }
    sightings
}

/// The device in a word or three.
fn called(device: &Attachment) -> String {
    let role = device.role.replace('-', " ");
    match device.product.as_ref().or(device.vendor.as_ref()) {
        Some(name) => format!("{role} {name}"),
        None => role,
    }
}
