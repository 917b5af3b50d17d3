//! `host.attached`: devices on a cable or in a slot that a new machine must have too, and software that talks to them.

mod bus;
mod cards;
mod ports;
mod scanners;
mod tunnels;
mod usb;

use groma_model::fact::Attachment;
use groma_model::{Fact, Reason};

use crate::{Area, Machine, Part, Said};

/// Devices attached to this machine.
pub(crate) const AREA: Area = Area {
    name: "host.attached",
    purpose: "Tells which devices hang on this machine (dongles, modems, tape drives, printers, readers), and which software talks to cards and private networks.",
    reads: &[
        "the table of devices that are present, and what HKLM\\SYSTEM\\CurrentControlSet\\Enum says of them: numbers, classes, names, drivers, ports",
        "HKLM\\HARDWARE\\DEVICEMAP\\SERIALCOMM; modems and scanners below HKLM\\SYSTEM\\CurrentControlSet\\Control\\Class; providers of the fax service",
        "HKLM\\SOFTWARE\\Microsoft\\Cryptography: cards and providers; whether services of known VPN clients are there",
        "rasphone.pbk and settings of OpenVPN: names and far ends of tunnels",
    ],
    never_sends: &[
        "serial numbers of devices",
        "accounts, passwords and keys of tunnels",
    ],
    read: attached,
};

fn attached(machine: &Machine<'_>) -> Vec<Said> {
    let mut part = Part::begin("host", "attached");
    let mut found = Vec::new();
    match machine.rows.missing("devices") {
        Some(reason) => part.missed("devices that are present", reason.clone()),
        // No machine is without any device: the table was never filled.
        None if machine.rows.devices.is_empty() => {
            part.missed("devices that are present", Reason::NotPresent);
        }
        None => bus::all(machine, &mut part, &mut found),
    }
    ports::all(machine, &mut part, &mut found);
    scanners::all(machine, &mut part, &mut found);
    cards::all(machine, &mut part, &mut found);
    let references = tunnels::all(machine, &mut part, &mut found);
    // Two alike in two sockets are one fact: which socket is volatile.
    found.sort();
    found.dedup();
    for device in found {
        part.saw(Fact::Attachment(device));
    }
    for reference in references {
        part.saw(Fact::Reference(reference));
    }
    vec![part.close()]
}

/// An attachment of which the bus and the role are known.
fn blank(bus: &str, role: &str) -> Attachment {
    Attachment {
        bus: bus.to_owned(),
        role: role.to_owned(),
        ..Attachment::default()
    }
}

#[cfg(test)]
mod tests;
