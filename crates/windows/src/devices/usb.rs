//! What hangs on USB. One product is several devices for the system: the whole, its interfaces, the ports and printers behind.

use std::collections::{BTreeMap, BTreeSet};

use groma_knowledge::attached::{self, Usb, made_up, usb_number};
use groma_model::fact::Attachment;

use super::blank;
use super::bus::{Device, ROLES, number};

/// Classes of what every desk has: nothing that would be missed after a move.
const USUAL: &[&str] = &[
    "audioendpoint",
    "biometric",
    "bluetooth",
    "camera",
    "cdrom",
    "diskdrive",
    "display",
    "hidclass",
    "keyboard",
    "media",
    "monitor",
    "mouse",
    "net",
    "scsiadapter",
    "volume",
    "wpd",
];
/// Drivers that stand for a bus, not for what hangs on it.
const CARRIERS: &[&str] = &[
    "usbccgp", "usbhub", "usbhub3", "hidusb", "usbprint", "usbstor", "uaspstor",
];
/// Drivers of modems that are network cards for the system.
const MOBILE: &[&str] = &["wmbclass", "cxwmbclass"];

/// What hangs on USB: all parts of one product together, as each is a device of its own for the system.
pub(super) fn all(devices: &[Device], found: &mut Vec<Attachment>) {
    let mut products: BTreeMap<(String, String), Vec<&Device>> = BTreeMap::new();
    let buses = ["USB", "HID", "FTDIBUS"];
    for device in devices
        .iter()
        .filter(|d| buses.contains(&d.enumerator.as_str()))
    {
        if let Some(number) = number(&device.model, "VID_", "PID_") {
            products.entry(number).or_default().push(device);
        }
    }
    let mut printers: BTreeSet<&str> = BTreeSet::new();
    for ((vendor, product), parts) in &products {
        let Some((role, maker)) = role(vendor, product, parts) else {
            continue;
        };
        let printer = parts.iter().find_map(|part| printer_of(part, devices));
        printers.extend(printer.map(|printer| printer.place.as_str()));
        let mut drivers: Vec<&str> = parts.iter().map(|part| part.service.as_str()).collect();
        drivers.retain(|driver| !driver.is_empty() && *driver != "usbccgp");
        drivers.sort_unstable();
        drivers.dedup();
        let one = Attachment {
            number: Some(format!("{vendor}:{product}")),
            vendor: maker.map(str::to_owned).or_else(|| maker_of(parts)),
            product: printer
                .and_then(|p| p.name.clone())
                .or_else(|| name_of(parts)),
            driver: Some(drivers.join(", ")).filter(|drivers| !drivers.is_empty()),
            ..blank("usb", role)
        };
        let ports: BTreeSet<&String> = parts.iter().filter_map(|p| p.port.as_ref()).collect();
        match ports.is_empty() {
            true => found.push(one),
            false => found.extend(ports.into_iter().map(|port| Attachment {
                known_as: Some(port.as_str().into()),
                ..one.clone()
            })),
        }
    }
    let alone = devices
        .iter()
        .filter(|device| device.enumerator == "USBPRINT");
    for printer in alone.filter(|printer| !printers.contains(printer.place.as_str())) {
        found.push(Attachment {
            vendor: printer.maker.clone(),
            product: printer.name.clone(),
            ..blank("usb", "printer")
        });
    }
}

/// The printer behind a cable: its place begins with what the cable gives out.
fn printer_of<'a>(cable: &Device, devices: &'a [Device]) -> Option<&'a Device> {
    let below = cable.below.as_deref()?;
    let mut printers = devices
        .iter()
        .filter(|device| device.enumerator == "USBPRINT");
    printers.find(|printer| printer.place.starts_with(below))
}

/// What the part with a port is called, else one that is no mere carrier, else any.
fn name_of(parts: &[&Device]) -> Option<String> {
    let ports = parts.iter().filter(|part| part.port.is_some());
    let own = parts
        .iter()
        .filter(|part| !CARRIERS.contains(&part.service.as_str()));
    ports
        .chain(own)
        .chain(parts)
        .find_map(|part| part.name.clone())
}

fn maker_of(parts: &[&Device]) -> Option<String> {
    let own = parts
        .iter()
        .filter(|part| !CARRIERS.contains(&part.service.as_str()));
    let makers = own.filter_map(|part| part.maker.clone());
    makers.into_iter().find(|maker| maker != "Microsoft")
}

fn role(
    vendor: &str,
    product: &str,
    parts: &[&Device],
) -> Option<(&'static str, Option<&'static str>)> {
    if made_up(vendor) {
        return None;
    }
    if let Some((role, maker)) = usb_number(vendor, product) {
        return Some((role, Some(maker)));
    }
    let codes = parts.iter().flat_map(|part| &part.like);
    let codes = codes.filter_map(|like| like.strip_prefix(r"USB\CLASS_")?.get(..2));
    let codes: BTreeSet<String> = codes.map(str::to_lowercase).collect();
    // Cameras are of the same class as scanners: pictures (06) and moving ones (0e).
    let camera = codes.contains("06") || codes.contains("0e");
    let is_of = |part: &&&Device, class: &str, role: &str| {
        part.class == class && (role != "scanner" || (part.service == "usbscan" && !camera))
    };
    let by_class = ROLES
        .iter()
        .find(|(class, role)| parts.iter().any(|part| is_of(&part, class, role)));
    if let Some((_, role)) = by_class {
        return Some((role, None));
    }
    if parts
        .iter()
        .any(|part| MOBILE.contains(&part.service.as_str()))
    {
        return Some(("modem", None));
    }
    let names: Vec<&str> = parts.iter().filter_map(|p| p.name.as_deref()).collect();
    let found = attached::usb(&Usb {
        vendor: vendor.to_owned(),
        product: product.to_owned(),
        name: names.join(" "),
        classes: codes.into_iter().collect(),
        drivers: Vec::new(),
    });
    let usual = |part: &&Device| part.class == "image" || USUAL.contains(&part.class.as_str());
    let usual = parts.iter().any(usual);
    let carriers = parts
        .iter()
        .all(|part| CARRIERS.contains(&part.service.as_str()));
    found.filter(|(role, _)| *role != "other" || !(usual || camera || carriers))
}
