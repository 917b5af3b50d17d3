//! `scanner-mail-unknown`: devices scan, and nothing tells whether they send what they scan by mail.

use groma_model::device::Deed;
use groma_model::device_verdict::{Answer, DeviceEntry};
use groma_model::inventory::{Likelihood, Severity};

use super::mail_rows::name;
use crate::wording::{agree, count, machines, names};
use crate::{Check, Draft, View};

pub(crate) struct ScannerMailUnknown;

impl Check for ScannerMailUnknown {
    fn name(&self) -> &'static str {
        "scanner-mail-unknown"
    }

    fn look(&self, view: &View<'_>) -> Vec<Draft> {
        let unknown = view.all(|i| &i.devices).filter(|d| d.to_be_asked);
        let unknown: Vec<&DeviceEntry> = unknown.collect();
        match unknown.is_empty() {
            true => Vec::new(),
            false => vec![draft(view, &unknown)],
        }
    }
}

fn draft(view: &View<'_>, devices: &[&DeviceEntry]) -> Draft {
    let mut draft = Draft::about(&["devices"]);
    let number = devices.len();
    let sure = devices
        .iter()
        .filter(|d| d.answer(Deed::Scan) == Answer::Yes)
        .count();
    let who = machines(devices.iter().map(|d| (&d.entity, name(view, &d.entity))));
    draft.severity = Severity::Medium;
    draft.likelihood = Likelihood::Medium;
    "mail".clone_into(&mut draft.layer);
    draft.risk = format!(
        "{who} {} or may, and nothing tells whether {} what is scanned by mail, through which server and with which account.",
        agree(number, "scans or faxes,", "scan or fax,"),
        agree(number, "it sends", "they send"),
    );
    draft.indicator = format!(
        "{}, {sure} of them surely scanning: {}",
        count(
            number,
            "device without any trace of mail",
            "devices without any trace of mail"
        ),
        names(devices.iter().map(|d| told(view, d))),
    );
    "A copier that mails once a month stops silently on the day of the move, and no log shows it beforehand."
        .clone_into(&mut draft.impact);
    draft.mitigations = vec![
        "Print the sheet of devices and have somebody read the panels: mail server, port, TLS, account.",
        "Import the filled sheet; what it says becomes part of the map.",
        "Read the mail server's rotated logs further back, or let it log for a month.",
    ];
    for device in devices {
        if let Some(entity) = view.entity(&device.entity) {
            draft.points_at(entity);
        }
        draft.cites_evidence(&device.evidence);
    }
    draft
}

/// `copier1 (2nd floor)`.
fn told(view: &View<'_>, device: &DeviceEntry) -> String {
    let name = name(view, &device.entity);
    match device.location.first() {
        Some(place) => format!("{name} ({})", place.value),
        None => name.to_owned(),
    }
}
