//! Cards of a guest, devices of the host it has for itself, and what lies in its drives.

use std::net::IpAddr;

use groma_model::Foreign;
use groma_model::virtualization::{GuestNic, Passthrough, PassthroughSort};

use super::answer::Object;
use super::element::Element;
use super::network::Networks;
use crate::{lasting, mac_address};

/// The maker that NVIDIA is on the PCI bus.
const NVIDIA: i32 = 0x10de;

/// The cards among `devices`, in their order, with what is told from inside.
pub(super) fn nics(
    object: &Object,
    devices: &[&Element],
    networks: &Networks,
    host: Option<&str>,
) -> Vec<GuestNic> {
    let inside: Vec<&Element> = object
        .value("guest.net")
        .map(|net| net.all("GuestNicInfo").collect())
        .unwrap_or_default();
    let is_on = object.text("runtime.powerState") == Some("poweredOn");
    let cards = devices.iter().filter(|device| is_card(device));
    let mut all: Vec<GuestNic> = cards
        .map(|card| nic(card, &inside, networks, host, is_on))
        .collect();
    // Older helpers tell one address and not whose it is; with one card there is no doubt.
    if let [only] = all.as_mut_slice()
        && inside.is_empty()
    {
        let mac = only.mac.as_deref();
        let told = object.text("guest.ipAddress");
        let told = told.and_then(|text| lasting(text, mac));
        only.addresses.extend(told);
    }
    all
}

fn is_card(device: &Element) -> bool {
    device.at("macAddress").is_some()
        || matches!(
            device.kind.as_str(),
            "VirtualE1000"
                | "VirtualE1000e"
                | "VirtualPCNet32"
                | "VirtualVmxnet"
                | "VirtualVmxnet2"
                | "VirtualVmxnet3"
                | "VirtualVmxnet3Vrdma"
                | "VirtualSriovEthernetCard"
        )
}

fn nic(
    card: &Element,
    inside: &[&Element],
    networks: &Networks,
    host: Option<&str>,
    is_on: bool,
) -> GuestNic {
    let mac = card.text("macAddress").and_then(mac_address);
    let plug = card
        .at("backing")
        .map(|backing| networks.plug(backing, host))
        .unwrap_or_default();
    // Of a guest that is off no cable carries anything; what counts is whether it will.
    let cable = match is_on {
        true => card.truth("connectable/connected"),
        false => card.truth("connectable/startConnected"),
    };
    GuestNic {
        name: label(card),
        addresses: addresses(card, mac.as_deref(), inside),
        mac,
        model: model(&card.kind),
        switch: plug.switch,
        network: plug.network,
        vlan: plug.vlan,
        connected: cable,
    }
}

/// `VirtualVmxnet3` is a `vmxnet3`.
fn model(kind: &str) -> Option<String> {
    let bare = kind.strip_prefix("Virtual")?;
    let bare = bare.strip_suffix("EthernetCard").unwrap_or(bare);
    (!bare.is_empty()).then(|| bare.to_lowercase())
}

/// What is told of this card from inside: by its key, or by its address on the wire where no key is told. Bridges and tunnels of
/// the guest have the key -1.
fn addresses(card: &Element, mac: Option<&str>, inside: &[&Element]) -> Vec<IpAddr> {
    let key = card.text("key");
    let of_it = inside
        .iter()
        .filter(|told| match told.text("deviceConfigId") {
            Some(told) => Some(told) == key,
            None => {
                mac.is_some() && told.text("macAddress").and_then(mac_address).as_deref() == mac
            }
        });
    let mut all: Vec<IpAddr> = of_it.flat_map(|told| told_addresses(told, mac)).collect();
    all.sort();
    all.dedup();
    all
}

/// The addresses a card was told to have. One that is another tomorrow is no fact.
fn told_addresses(told: &Element, mac: Option<&str>) -> Vec<IpAddr> {
    let settings = told.at("ipConfig").into_iter();
    let newer = settings.flat_map(|settings| settings.all("ipAddress"));
    let newer = newer.filter_map(|one| {
        let length = one.text("prefixLength").unwrap_or_default();
        Some((one.text("ipAddress")?, length))
    });
    let mut all: Vec<(&str, &str)> = newer.collect();
    if all.is_empty() {
        let older = told.all("ipAddress").filter_map(Element::own_text);
        all.extend(older.map(|text| (text, "")));
    }
    let all = all.into_iter();
    all.filter_map(|(text, length)| lasting(&format!("{text}/{length}"), mac))
        .collect()
}

fn label(device: &Element) -> String {
    device
        .text("deviceInfo/label")
        .unwrap_or_default()
        .to_owned()
}

/// Devices of the host among `devices`, sorted.
pub(super) fn passthrough(devices: &[&Element]) -> Vec<Passthrough> {
    let mut all: Vec<Passthrough> = devices.iter().filter_map(|device| handed(device)).collect();
    all.sort();
    all.dedup();
    all
}

/// A device that a person at a client lends, a file and a pipe are none of the host.
fn handed(device: &Element) -> Option<Passthrough> {
    let backing = device.at("backing");
    let kind = backing.map_or("", |backing| backing.kind.as_str());
    let named = || backing?.text("deviceName");
    let (sort, what) = match (device.kind.as_str(), kind) {
        ("VirtualPCIPassthrough", "VirtualPCIPassthroughVmiopBackingInfo") => {
            (PassthroughSort::Gpu, backing?.text("vgpu"))
        }
        ("VirtualPCIPassthrough", _) => pci(backing),
        ("VirtualSriovEthernetCard", _) => (PassthroughSort::Sriov, function(device)),
        ("VirtualUSB", "VirtualUSBUSBBackingInfo" | "VirtualUSBRemoteHostBackingInfo") => {
            (PassthroughSort::Usb, named())
        }
        ("VirtualSerialPort", "VirtualSerialPortDeviceBackingInfo")
        | ("VirtualParallelPort", "VirtualParallelPortDeviceBackingInfo") => {
            (PassthroughSort::Port, named())
        }
        ("VirtualSCSIPassthrough", "VirtualSCSIPassthroughDeviceBackingInfo") => {
            (PassthroughSort::Scsi, named())
        }
        _ => return None,
    };
    Some(Passthrough {
        sort,
        what: what.map_or_else(|| label(device), str::to_owned),
    })
}

fn pci(backing: Option<&Element>) -> (PassthroughSort, Option<&str>) {
    let Some(backing) = backing else {
        return (PassthroughSort::Pci, None);
    };
    // The number has 16 bits with a sign.
    let maker = backing
        .number::<i32>("vendorId")
        .map(|maker| maker & 0xffff);
    let sort = match maker {
        Some(NVIDIA) => PassthroughSort::Gpu,
        _ => PassthroughSort::Pci,
    };
    let what = ["id", "assignedId", "customLabel", "deviceName"];
    (sort, what.iter().find_map(|path| backing.text(path)))
}

fn function(device: &Element) -> Option<&str> {
    let backing = device.at("sriovBacking")?;
    let own = backing.text("virtualFunctionBacking/id");
    own.or_else(|| backing.text("physicalFunctionBacking/id"))
}

/// What lies in the drives among `devices`, sorted: an image, or a drive of the host. What a person at a client lends is not there
/// to stay, and an image whose drive is open is not in it.
pub(super) fn media(devices: &[&Element]) -> Vec<Foreign> {
    let mut all: Vec<Foreign> = devices.iter().filter_map(|drive| medium(drive)).collect();
    all.sort();
    all.dedup();
    all
}

fn medium(drive: &Element) -> Option<Foreign> {
    if !matches!(drive.kind.as_str(), "VirtualCdrom" | "VirtualFloppy") {
        return None;
    }
    let is_in = |path| drive.truth(path) == Some(true);
    if !is_in("connectable/connected") && !is_in("connectable/startConnected") {
        return None;
    }
    let backing = drive.at("backing")?;
    let what = match backing.kind.as_str() {
        "VirtualCdromIsoBackingInfo" | "VirtualFloppyImageBackingInfo" => backing.text("fileName"),
        "VirtualCdromAtapiBackingInfo"
        | "VirtualCdromPassthroughBackingInfo"
        | "VirtualFloppyDeviceBackingInfo" => backing.text("deviceName"),
        _ => None,
    };
    what.map(Foreign::from)
}
