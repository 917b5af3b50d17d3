//! Devices of the host that a guest has for itself, and the helper inside it.
//!
//! `redirdev` is none of them: somebody who looks at the guest's screen may plug a device in from afar.

use groma_model::virtualization::{Passthrough, PassthroughSort, Tools};

use super::tree::Element;

/// Name of the channel the QEMU guest agent listens at.
const AGENT: &str = "org.qemu.guest_agent.0";

pub(super) fn passthrough(devices: &Element) -> Vec<Passthrough> {
    let handed = devices.all("hostdev").filter_map(handed);
    let cards = devices.all("interface").filter_map(card);
    let ports = ["serial", "parallel"].into_iter();
    let ports = ports.flat_map(|name| devices.all(name)).filter_map(port);
    let disks = devices.all("disk").filter_map(nvme);
    let mut all: Vec<Passthrough> = handed.chain(cards).chain(ports).chain(disks).collect();
    all.sort();
    all.dedup();
    all
}

fn handed(device: &Element) -> Option<Passthrough> {
    let source = device.child("source")?;
    let (sort, what) = match device.attribute("type")? {
        "pci" => (PassthroughSort::Pci, pci(source.child("address")?)?),
        "usb" => (PassthroughSort::Usb, usb(source)?),
        "scsi" => (PassthroughSort::Scsi, scsi(source)?),
        "scsi_host" => (PassthroughSort::Scsi, source.attribute("wwpn")?.to_owned()),
        "mdev" => {
            let part = source.child("address")?.attribute("uuid")?.to_owned();
            match device.attribute("model") {
                Some("vfio-ccw" | "vfio-ap") => (PassthroughSort::Pci, part),
                _ => (PassthroughSort::Gpu, part),
            }
        }
        // Of a container: a card of the host, a device node.
        "net" => (
            PassthroughSort::Pci,
            source.text_at(&["interface"])?.to_owned(),
        ),
        "misc" => (PassthroughSort::Port, source.text_at(&["char"])?.to_owned()),
        _ => return None,
    };
    Some(Passthrough { sort, what })
}

/// The address of a device on the bus: `0000:06:12.5`.
pub(super) fn pci(address: &Element) -> Option<String> {
    let number = |name: &str| {
        let text = address.attribute(name).unwrap_or("0");
        u16::from_str_radix(text.trim_start_matches("0x"), 16).ok()
    };
    address.attribute("bus")?;
    let [domain, bus] = [number("domain")?, number("bus")?];
    let [slot, function] = [number("slot")?, number("function")?];
    Some(format!("{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"))
}

/// Maker and product where they are named, else the place it is plugged into.
fn usb(source: &Element) -> Option<String> {
    let id = |name: &str| {
        let id = source.child(name)?.attribute("id")?;
        Some(id.trim_start_matches("0x").to_owned())
    };
    if let (Some(vendor), Some(product)) = (id("vendor"), id("product")) {
        return Some(format!("{vendor}:{product}"));
    }
    let address = source.child("address")?;
    let [bus, device] = [address.attribute("bus")?, address.attribute("device")?];
    Some(format!("bus {bus} device {device}"))
}

fn scsi(source: &Element) -> Option<String> {
    if source.says("protocol", "iscsi") {
        return source.attribute("name").map(str::to_owned);
    }
    let adapter = source.child("adapter")?.attribute("name")?;
    let address = source.child("address")?;
    let of = |name: &str| address.attribute(name).unwrap_or("0");
    Some(format!(
        "{adapter}:{}:{}:{}",
        of("bus"),
        of("target"),
        of("unit")
    ))
}

fn card(card: &Element) -> Option<Passthrough> {
    let source = card.child("source")?;
    let what = match card.attribute("type")? {
        "hostdev" => source.child("address").and_then(pci)?,
        "vdpa" => source.attribute("dev")?.to_owned(),
        _ => return None,
    };
    Some(Passthrough {
        sort: PassthroughSort::Sriov,
        what,
    })
}

fn port(port: &Element) -> Option<Passthrough> {
    let path = port.child("source")?.attribute("path")?;
    port.says("type", "dev").then(|| Passthrough {
        sort: PassthroughSort::Port,
        what: path.to_owned(),
    })
}

fn nvme(disk: &Element) -> Option<Passthrough> {
    let address = disk.child("source")?.child("address")?;
    let what = pci(address).filter(|_| disk.says("type", "nvme"))?;
    Some(Passthrough {
        sort: PassthroughSort::Pci,
        what,
    })
}

/// The QEMU guest agent, by the state of its channel, which libvirt knows of a running guest alone.
pub(super) fn tools(devices: &Element) -> Option<Tools> {
    let targets = devices
        .all("channel")
        .filter_map(|channel| channel.child("target"));
    let mut own = targets.filter(|target| target.says("name", AGENT));
    let running = own.find_map(|target| target.attribute("state"))? == "connected";
    Some(Tools {
        installed: running.then_some(true),
        running: Some(running),
        ..Tools::default()
    })
}
