//! The settings of a machine (qm.conf(5)) become a guest.

use groma_model::virtualization::{Firmware, Guest, GuestNic, Passthrough, PassthroughSort};

use super::disk::{Place, drives};
use super::property::Properties;
use super::settings::Settings;
use crate::words::{mac_address, own_uuid, uuid};

/// A machine as its settings tell it. What they do not tell (name within the platform, host, power) is left as it is.
pub(crate) fn machine(guest: &mut Guest, settings: &Settings, place: &Place<'_>) {
    let sockets = settings.number("sockets").unwrap_or(1_u32);
    let cores = settings.number("cores").unwrap_or(1_u32);
    guest.processors = settings
        .number("vcpus")
        .or_else(|| sockets.checked_mul(cores));
    guest.cores_per_socket = Some(cores);
    guest.memory_bytes = memory(settings).or(guest.memory_bytes);
    (guest.disks, guest.media) = drives(settings, place);
    guest.nics = cards(settings);
    guest.uuid = settings
        .value("smbios1")
        .and_then(|text| own_uuid(Properties::of(text).value("uuid")?));
    guest.instance_uuid = settings.value("vmgenid").and_then(uuid);
    firmware(guest, settings);
    guest.hardware_version = settings
        .value("machine")
        .and_then(|text| Properties::of(text).first_or("type").map(str::to_owned));
    guest.passthrough = passthrough(settings);
    guest.cpu_affinity = settings.value("affinity").map(str::to_owned);
    guest.numa_affinity = bound(settings);
    guest.configured_os = settings.value("ostype").map(str::to_owned);
}

/// In MiB; from version 8 on it may be written `current=4096`.
fn memory(settings: &Settings) -> Option<u64> {
    let text = settings.value("memory").unwrap_or("512");
    let mebibytes: u64 = Properties::of(text).first_or("current")?.parse().ok()?;
    mebibytes.checked_mul(1 << 20)
}

fn firmware(guest: &mut Guest, settings: &Settings) {
    guest.tpm = Some(settings.value("tpmstate0").is_some());
    let is_efi = settings.value("bios") == Some("ovmf");
    guest.firmware = Some(if is_efi {
        Firmware::Efi
    } else {
        Firmware::Bios
    });
    // Keys that were enrolled for it make the firmware ask for signatures; without them it cannot.
    let keys = settings
        .value("efidisk0")
        .and_then(|text| Properties::of(text).flag("pre-enrolled-keys"));
    guest.secure_boot = Some(is_efi && keys == Some(true));
}

/// Nodes of memory that settings bind to nodes of the host.
fn bound(settings: &Settings) -> Option<String> {
    let nodes: Vec<&str> = settings
        .numbered("numa")
        .into_iter()
        .filter_map(|(_, value)| Properties::of(value).value("hostnodes"))
        .collect();
    (!nodes.is_empty()).then(|| nodes.join(","))
}

/// `net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5`.
fn cards(settings: &Settings) -> Vec<GuestNic> {
    let cards = settings.numbered("net").into_iter();
    cards
        .map(|(name, value)| {
            let properties = Properties::of(value);
            // The model stands as the key of the address, or each behind a key of its own.
            let known = properties.all().find_map(|(key, value)| {
                let mac = mac_address(value).filter(|_| key != "macaddr")?;
                Some((key, Some(mac)))
            });
            let written = || {
                let mac = properties.value("macaddr").and_then(mac_address);
                Some((properties.first_or("model")?, mac))
            };
            let (model, mac) = known.or_else(written).unzip();
            GuestNic {
                mac: mac.flatten(),
                model: model.map(str::to_owned),
                ..card(name, &properties)
            }
        })
        .collect()
}

/// What cards of machines and of containers have in common.
pub(crate) fn card(name: String, properties: &Properties<'_>) -> GuestNic {
    let trunks = properties
        .value("trunks")
        .map(|trunks| trunks.replace(';', ","));
    GuestNic {
        name,
        switch: properties.value("bridge").map(str::to_owned),
        vlan: properties.value("tag").map(str::to_owned).or(trunks),
        connected: Some(properties.flag("link_down") != Some(true)),
        ..GuestNic::default()
    }
}

fn passthrough(settings: &Settings) -> Vec<Passthrough> {
    let mut found: Vec<Passthrough> = Vec::new();
    let mut has = |sort, what: &str| {
        found.push(Passthrough {
            sort,
            what: what.to_owned(),
        });
    };
    for (_, value) in settings.numbered("hostpci") {
        let properties = Properties::of(value);
        let part = properties.value("mdev");
        let is_screen = part.is_some() || properties.flag("x-vga") == Some(true);
        let sort = if is_screen {
            PassthroughSort::Gpu
        } else {
            PassthroughSort::Pci
        };
        if let Some(which) = properties
            .first_or("host")
            .or_else(|| properties.value("mapping"))
        {
            has(
                sort,
                &part.map_or_else(|| which.to_owned(), |part| format!("{which} {part}")),
            );
        }
    }
    for (_, value) in settings.numbered("usb") {
        let properties = Properties::of(value);
        // A port of SPICE is what a person plugs in at the far end of the screen.
        let which = properties.first_or("host").filter(|host| *host != "spice");
        if let Some(which) = which.or_else(|| properties.value("mapping")) {
            has(PassthroughSort::Usb, which);
        }
    }
    for (_, value) in settings
        .numbered("serial")
        .into_iter()
        .chain(settings.numbered("parallel"))
    {
        if value.starts_with("/dev/") {
            has(PassthroughSort::Port, value);
        }
    }
    for device in settings.value("args").into_iter().flat_map(raw_devices) {
        has(PassthroughSort::Pci, device);
    }
    found.sort();
    found.dedup();
    found
}

/// Devices that arguments for QEMU hand through: `-device vfio-pci,host=01:00.0`.
fn raw_devices(arguments: &str) -> impl Iterator<Item = &str> {
    let words = arguments.split_whitespace();
    words.filter_map(|word| Properties::of(word.strip_prefix("vfio-pci,")?).value("host"))
}
