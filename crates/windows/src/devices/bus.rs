//! Devices that are present, by their buses. The table of present devices says which; `Enum` in the registry says what of them.

use groma_knowledge::attached::{self, made_up};
use groma_model::Reason;
use groma_model::fact::Attachment;

use super::{blank, usb};
use crate::{DeviceRow, Key, Machine, Part};

const ENUM: &str = r"HKLM\SYSTEM\CurrentControlSet\Enum";
/// Devices that are looked at; a large server has some hundreds.
const DEVICES_MAX: usize = 20_000;
/// Buses whose devices are looked at; the collector exports no others.
const ENUMERATORS: &[&str] = &[
    "USB", "USBPRINT", "USBSTOR", "HID", "FTDIBUS", "PCI", "HDAUDIO", "SCSI", "SERENUM", "SWD",
];

/// Classes that tell what a device is for, in lower case.
pub(super) const ROLES: &[(&str, &str)] = &[
    ("modem", "modem"),
    ("smartcardreader", "smart-card-reader"),
    ("tapedrive", "tape-drive"),
    ("mediumchanger", "tape-drive"),
    ("barcodescanner", "barcode-reader"),
    ("battery", "ups"),
    ("printer", "printer"),
    ("posprinter", "printer"),
    ("image", "scanner"),
    ("ports", "serial-adapter"),
    ("multiportserial", "serial-adapter"),
];
/// One device, with what table and registry say of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Device {
    /// First part of its instance, in upper case.
    pub(super) enumerator: String,
    /// Second part of its instance, in upper case: numbers or names of the model.
    pub(super) model: String,
    /// Last part of its instance, in lower case; it may be a serial number.
    pub(super) place: String,
    pub(super) class: String,
    pub(super) name: Option<String>,
    pub(super) maker: Option<String>,
    pub(super) service: String,
    /// What it is like, as `USB\CLASS_07&SUBCLASS_01`, in upper case.
    pub(super) like: Vec<String>,
    /// Where it is reached; a device of the network has a URL here.
    pub(super) location: Option<String>,
    /// `COM3`.
    pub(super) port: Option<String>,
    /// What the places of devices behind it begin with.
    pub(super) below: Option<String>,
}

/// All devices that are present and not usual.
pub(super) fn all(machine: &Machine<'_>, part: &mut Part, found: &mut Vec<Attachment>) {
    let rows = machine.rows.devices.iter().filter(|row| row.present);
    let rows: Vec<&DeviceRow> = rows.take(DEVICES_MAX + 1).collect();
    if rows.len() > DEVICES_MAX {
        let what = format!("devices beyond the first {DEVICES_MAX}");
        part.missed(what, Reason::TooLarge);
    }
    let rows = rows.into_iter().take(DEVICES_MAX);
    let devices: Vec<Device> = rows.filter_map(|row| device(machine, row, part)).collect();
    usb::all(&devices, found);
    found.extend(devices.iter().filter_map(elsewhere));
}

fn device(machine: &Machine<'_>, row: &DeviceRow, part: &mut Part) -> Option<Device> {
    let mut parts = row.instance.splitn(3, '\\');
    let (enumerator, model, place) = (parts.next()?, parts.next()?, parts.next()?);
    let enumerator = enumerator.to_uppercase();
    if !ENUMERATORS.contains(&enumerator.as_str()) {
        return None;
    }
    let path = format!(r"{ENUM}\{}", row.instance);
    let read = machine.registry.key(&path);
    let key = part
        .or_missed("what is known of a device", read)
        .unwrap_or_default();
    let parameters = machine.registry.key(&format!(r"{path}\Device Parameters"));
    let parameters = parameters.ok().flatten().unwrap_or_default();
    let said = |row: &Option<String>, value: &str| row.clone().or_else(|| shown(&key, value));
    let class = said(&row.class, "Class").unwrap_or_default();
    let service = said(&row.service, "Service").unwrap_or_default();
    let name = said(&row.friendly_name, "FriendlyName").or_else(|| shown(&key, "DeviceDesc"));
    let like = ["CompatibleIDs", "HardwareID"].into_iter();
    let like = like
        .flat_map(|value| key.list(value))
        .map(str::to_uppercase);
    Some(Device {
        enumerator,
        model: model.to_uppercase(),
        place: place.to_lowercase(),
        class: class.to_lowercase(),
        name: name.map(|name| without_port(&name)),
        maker: said(&row.manufacturer, "Mfg").filter(|maker| !maker.starts_with('(')),
        service: service.to_lowercase(),
        like: like.collect(),
        location: shown(&key, "LocationInformation"),
        port: parameters.text("PortName").map(str::to_owned),
        below: key.text("ParentIdPrefix").map(str::to_lowercase),
    })
}

/// A text as a person reads it: `@oem1.inf,%a%;Name` is `Name`.
fn shown(key: &Key, value: &str) -> Option<String> {
    let text = key.text(value)?;
    let text = match text.starts_with('@') {
        true => text.rsplit(';').next().unwrap_or(text),
        false => text,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `USB Serial Port (COM3)` without the number, which another socket changes.
fn without_port(name: &str) -> String {
    let cut = name.rfind(" (COM").filter(|_| name.ends_with(')'));
    name.get(..cut.unwrap_or(name.len()))
        .unwrap_or(name)
        .to_owned()
}

/// Numbers of vendor and product in `VID_0529&PID_0001`, in lower case.
pub(super) fn number(model: &str, vendor: &str, product: &str) -> Option<(String, String)> {
    let four = |mark: &str| {
        let at = model.find(mark)?.checked_add(mark.len())?;
        let digits = model.get(at..at.checked_add(4)?)?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_number.then(|| digits.to_lowercase())
    };
    Some((four(vendor)?, four(product)?))
}

/// What hangs on another bus.
fn elsewhere(device: &Device) -> Option<Attachment> {
    let by_class = ROLES.iter().find(|(class, _)| *class == device.class);
    let by_class = by_class.map(|(_, role)| *role);
    let (bus, role, maker) = match device.enumerator.as_str() {
        "PCI" => {
            let (role, maker) = on_pci(device, by_class)?;
            ("pci", role, maker)
        }
        // Modems on a sound card.
        "HDAUDIO" => ("pci", by_class.filter(|role| *role == "modem")?, None),
        "SCSI" | "USBSTOR" => {
            let bus = if device.enumerator == "SCSI" {
                "scsi"
            } else {
                "usb"
            };
            (bus, by_class.filter(|role| *role == "tape-drive")?, None)
        }
        "SERENUM" => {
            let on_a_line = |role: &&str| matches!(*role, "modem" | "ups" | "barcode-reader");
            ("serial", by_class.filter(on_a_line)?, None)
        }
        "SWD" if device.model.starts_with("DAFWSDPROVIDER") => {
            ("network", by_class.filter(|role| *role == "scanner")?, None)
        }
        _ => return None,
    };
    let place = device.location.as_deref().filter(|_| bus == "network");
    let place = place.and_then(|url| url.split(['?', '#']).next());
    let number = number(&device.model, "VEN_", "DEV_").filter(|_| bus == "pci");
    Some(Attachment {
        number: number.map(|(vendor, product)| format!("{vendor}:{product}")),
        vendor: maker.map(str::to_owned).or_else(|| device.maker.clone()),
        product: device.name.clone(),
        driver: Some(device.service.clone()).filter(|driver| !driver.is_empty()),
        known_as: device.port.as_deref().map(Into::into),
        at: place.filter(|url| !url.contains('@')).map(Into::into),
        ..blank(bus, role)
    })
}

fn on_pci(
    device: &Device,
    by_class: Option<&'static str>,
) -> Option<(&'static str, Option<&'static str>)> {
    let (vendor, product) = number(&device.model, "VEN_", "DEV_")?;
    if made_up(&vendor) {
        return None;
    }
    let mut codes = device
        .like
        .iter()
        .filter_map(|like| like.split("CC_").nth(1)?.get(..4));
    let code = codes.next().map(str::to_lowercase).unwrap_or_default();
    let known = attached::pci(&code, &vendor, &product);
    // Ports and pictures of a board are told by their numbers alone.
    let sure = |role: &&str| matches!(*role, "modem" | "smart-card-reader" | "tape-drive");
    known.or_else(|| Some((by_class.filter(sure)?, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = include_str!("../../../../agent/packaging/windows/groma-collect.ps1");

    #[test]
    fn the_keys_of_devices_the_script_exports_are_those_looked_at() {
        let line = SCRIPT
            .lines()
            .find_map(|line| line.strip_prefix("$Enumerators = "))
            .unwrap();
        let named: Vec<&str> = line
            .split(", ")
            .map(|name| name.trim_matches('\''))
            .collect();
        assert_eq!(named, ENUMERATORS);
    }

    #[test]
    fn numbers_and_names_are_read_and_nonsense_is_not() {
        let usb = |model: &str| number(model, "VID_", "PID_").map(|(a, b)| format!("{a}:{b}"));
        assert_eq!(usb("VID_0403+PID_6001+A9ABC").as_deref(), Some("0403:6001"));
        assert_eq!(usb("VID_05C6&PID_9"), None);
        assert_eq!(usb("ROOT_HUB30"), None);
        assert_eq!(without_port("USB Serial Port (COM3)"), "USB Serial Port");
        assert_eq!(without_port("Reader (rev 2)"), "Reader (rev 2)");
    }

    #[test]
    fn no_instance_makes_it_panic() {
        groma_fuzz::hammer(1000, &[b"VID_0403&PID_6001\xc3\xa4 (COM3)"], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            number(&text, "VID_", "PID_");
            without_port(&text);
        });
    }
}
