//! Devices of a host that a guest has for itself.

use std::collections::BTreeMap;

use groma_model::virtualization::{Passthrough, PassthroughSort};
use serde_json::Value;

use super::class::Class;
use super::network::{Networks, is_split};
use super::table::{Tables, reference, references, within};
use crate::json::text;

/// Most devices of a guest.
const DEVICES_MAX: usize = 256;

/// All devices of a guest, sorted.
pub(super) fn devices(
    tables: &Tables,
    networks: &Networks<'_>,
    record: &Value,
) -> Vec<Passthrough> {
    let mut found: Vec<Passthrough> = buses(tables, record)
        .into_iter()
        .map(|(what, sort)| Passthrough { sort, what })
        .collect();
    found.extend(graphics(tables, record));
    found.extend(usb(tables, record));
    found.extend(split_cards(tables, networks, record));
    found.sort();
    found.dedup();
    found.truncate(DEVICES_MAX);
    found
}

/// What a guest points to here, by class.
pub(super) fn pointed(record: &Value) -> impl Iterator<Item = (Class, &str)> {
    let of = |field, class| references(record, field).map(move |at| (class, at));
    of("attached_PCIs", Class::Pci)
        .chain(of("VGPUs", Class::Vgpu))
        .chain(of("VUSBs", Class::Vusb))
}

/// Devices on the PCI bus by their address there: what settings name, and what is attached now.
fn buses(tables: &Tables, record: &Value) -> BTreeMap<String, PassthroughSort> {
    let set = within(record, "other_config", "pci").unwrap_or_default();
    // Each address stands behind its number: `0/0000:04:01.0,1/0000:04:01.1`.
    let named = set.split(',').filter_map(|part| {
        let address = part.rsplit('/').next()?.trim();
        (!address.is_empty()).then(|| (address.to_owned(), PassthroughSort::Pci))
    });
    let mut found: BTreeMap<String, PassthroughSort> = named.take(DEVICES_MAX).collect();
    for device in tables.each(record, "attached_PCIs", Class::Pci) {
        if let Some(address) = text(device, "pci_id") {
            found.insert(address, sort(device));
        }
    }
    found
}

fn sort(device: &Value) -> PassthroughSort {
    let class = text(device, "class_name").unwrap_or_default();
    let class = class.to_ascii_lowercase();
    match ["vga", "display", "3d controller"]
        .iter()
        .any(|word| class.contains(word))
    {
        true => PassthroughSort::Gpu,
        false => PassthroughSort::Pci,
    }
}

/// Graphics cards, or parts of them, by the group they are taken from. One whose device is attached is told as that.
fn graphics(tables: &Tables, record: &Value) -> Vec<Passthrough> {
    let attached: Vec<&str> = references(record, "attached_PCIs").collect();
    let parts = tables.each(record, "VGPUs", Class::Vgpu);
    let parts = parts.take(DEVICES_MAX).filter(|part| {
        let device = reference(part, "PCI");
        device.is_none_or(|device| !attached.contains(&device))
    });
    parts
        .map(|part| {
            let group = tables.follow(part, "GPU_group", Class::GpuGroup);
            let name = group.and_then(|group| text(group, "name_label"));
            Passthrough {
                sort: PassthroughSort::Gpu,
                what: name.unwrap_or_else(|| "a virtual graphics card".to_owned()),
            }
        })
        .collect()
}

fn usb(tables: &Tables, record: &Value) -> Vec<Passthrough> {
    let own = tables.each(record, "VUSBs", Class::Vusb);
    let groups: Vec<&str> = own.filter_map(|usb| reference(usb, "USB_group")).collect();
    if groups.is_empty() {
        return Vec::new();
    }
    let all = tables.all(Class::Pusb).map(|(_, device)| device);
    let plugged: Vec<Passthrough> = all
        .filter(|device| reference(device, "USB_group").is_some_and(|at| groups.contains(&at)))
        .take(DEVICES_MAX)
        .map(|device| Passthrough {
            sort: PassthroughSort::Usb,
            what: usb_name(device),
        })
        .collect();
    match plugged.is_empty() {
        false => plugged,
        true => vec![Passthrough {
            sort: PassthroughSort::Usb,
            what: "a USB device".to_owned(),
        }],
    }
}

/// `0529:0001 HASP dongle 1234`: what a person looks for on the host.
fn usb_name(device: &Value) -> String {
    let number = match (text(device, "vendor_id"), text(device, "product_id")) {
        (Some(vendor), Some(product)) => Some(format!("{vendor}:{product}")),
        _ => None,
    };
    let parts = [number, text(device, "description"), text(device, "serial")];
    let words: Vec<String> = parts.into_iter().flatten().collect();
    match words.is_empty() {
        true => "a USB device".to_owned(),
        false => words.join(" "),
    }
}

/// Cards in a network of parts of a physical card (SR-IOV).
fn split_cards(tables: &Tables, networks: &Networks<'_>, record: &Value) -> Vec<Passthrough> {
    let cards = tables.each(record, "VIFs", Class::Vif);
    let split = cards.filter_map(|card| {
        let at = reference(card, "network")?;
        if !is_split(networks.ways(at)) {
            return None;
        }
        let network = tables.at(Class::Network, at)?;
        let (number, name) = (text(card, "device")?, text(network, "name_label")?);
        Some(Passthrough {
            sort: PassthroughSort::Sriov,
            what: format!("vif{number} in {name}"),
        })
    });
    split.take(DEVICES_MAX).collect()
}
