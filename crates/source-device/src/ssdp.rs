//! UPnP: where a machine describes itself (SSDP), and what the description says.

use std::net::{IpAddr, SocketAddr};

use groma_model::device::{Deed, DeviceClass, DeviceSays, DeviceWitness};

use crate::http::Url;
use crate::text::{plain, uuid, without_maker};
use crate::xml::{Place, places, text};

/// The question, for one machine alone.
pub fn question(to: SocketAddr) -> Vec<u8> {
    format!("M-SEARCH * HTTP/1.1\r\nHOST: {to}\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n").into_bytes()
}

/// Where the machine at `address` describes itself; a place at another machine is none.
pub fn location(address: IpAddr, answer: &[u8]) -> Option<Url> {
    let text = String::from_utf8_lossy(answer);
    let mut lines = text.lines();
    if !lines.next()?.starts_with("HTTP/1.") {
        return None;
    }
    let mut headers = lines.filter_map(|line| line.split_once(':'));
    let found = headers.find(|(name, _)| name.trim().eq_ignore_ascii_case("location"));
    Url::of(found?.1.trim(), address)
}

/// The class of a type of device, if it is one that takes no agent.
fn class(kind: &str) -> Option<DeviceClass> {
    let name = kind.rsplit(':').nth(1).unwrap_or(kind);
    match name {
        "Printer" | "PrinterBasic" | "PrinterAdvanced" => Some(DeviceClass::Printer),
        "Scanner" => Some(DeviceClass::Scanner),
        "InternetGatewayDevice" => Some(DeviceClass::Router),
        "WLANAccessPointDevice" => Some(DeviceClass::AccessPoint),
        "DigitalSecurityCamera" => Some(DeviceClass::Camera),
        _ => None,
    }
}

/// What a program on a computer says of itself, and no device.
fn is_program(kind: &str) -> bool {
    ["MediaServer", "MediaRenderer"]
        .iter()
        .any(|word| kind.contains(word))
}

/// What the description by the machine at `address` says of it; `None` if it is of none, or of a program.
pub fn says(address: IpAddr, document: &[u8]) -> Option<DeviceSays> {
    let all: Vec<Place> = places(document);
    let root = |name: &str| text(&all, &format!("root/device/{name}"));
    let kind = root("deviceType")?;
    if is_program(kind) {
        return None;
    }
    let mut says = DeviceSays::new(address, DeviceWitness::Ssdp);
    says.maker = root("manufacturer").and_then(plain);
    says.model = root("modelName").and_then(|model| without_maker(model, says.maker.as_deref()));
    says.serial = root("serialNumber").and_then(plain);
    says.uuid = root("UDN").and_then(uuid);
    says.class = class(kind);
    match says.class {
        Some(DeviceClass::Printer) => says.can = vec![Deed::Print],
        Some(DeviceClass::Scanner) => says.can = vec![Deed::Scan],
        _ => {}
    }
    says.proof = vec![format!("deviceType {}", plain(kind)?)];
    Some(says)
}
