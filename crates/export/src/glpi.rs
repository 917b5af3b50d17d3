//! Inventories for GLPI: its inventory format (github.com/glpi-project/inventory_format, `inventory.schema.json` of
//! version 1.2.3), as GLPI's own agent sends it.
//!
//! One document per host and device in a list; each element is a file of its own for `php bin/console
//! glpi:inventory` or one POST to `front/inventory.php`. Sizes are whole mebibytes, as the format has them. What
//! groma does not know is left out, never guessed: no chassis, no time zone. No accounts of persons: GLPI would show
//! them to everybody who sees the asset.

use std::collections::BTreeMap;
use std::net::IpAddr;

use groma_model::device::DeviceClass;
use groma_model::device_verdict::{DeviceEntry, DeviceWord};
use groma_model::fact::{FileSystem, Interface, OperatingSystem};
use groma_model::inventory::{Entity, Inventory};
use serde_json::Value;

use crate::object::Object;
use crate::view::{View, addresses_of, called, is_machine, is_reachable, qualified_name};

/// What wrote the documents, as GLPI shows it.
const CLIENT: &str = concat!("groma_v", env!("CARGO_PKG_VERSION"));

/// Architectures the format has a word for.
const ARCHITECTURES: &[&str] = &[
    "mips",
    "mips64",
    "alpha",
    "sparc",
    "sparc64",
    "m68k",
    "i386",
    "i486",
    "i586",
    "i686",
    "x86_64",
    "powerpc",
    "powerpc64",
    "arm",
    "armv6l",
    "armv7l",
    "arm64",
    "aarch64",
];

/// One inventory per host and device, as a JSON list.
pub fn glpi(inventory: &Inventory) -> String {
    let view = View::of(inventory);
    let devices: BTreeMap<&str, &DeviceEntry> = inventory
        .devices
        .iter()
        .map(|entry| (entry.entity.as_str(), entry))
        .collect();
    let guests = guests(&view);
    let shown = view
        .entities()
        .filter(|e| is_machine(e) || e.kind == "device");
    let documents = shown.map(|entity| {
        let device = devices.get(entity.id.as_str()).copied();
        let guests = guests
            .get(entity.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        Value::from(document(&view, entity, device, guests))
    });
    let documents: Vec<Value> = documents.collect();
    format!("{:#}\n", Value::from(documents))
}

fn document(
    view: &View<'_>,
    entity: &Entity,
    device: Option<&DeviceEntry>,
    guests: &[&Entity],
) -> Object {
    let item = item_type(entity, device);
    let known = &entity.attributes;
    let mut content = Object::default()
        .with("versionclient", CLIENT)
        .within("hardware", hardware(entity))
        .within("bios", bios(entity, device))
        .list("networks", networks(entity))
        .list("softwares", softwares(entity))
        .list(
            "drives",
            known
                .file_systems
                .iter()
                .map(|f| drive(f, known.operating_system.as_ref()))
                .collect(),
        )
        .list("storages", storages(entity))
        .list("cpus", cpus(entity))
        .list(
            "virtualmachines",
            guests.iter().map(|guest| virtual_machine(guest)).collect(),
        );
    if let Some(system) = &known.operating_system {
        content = content.within("operatingsystem", operating_system(system, entity));
    }
    if !is_machine(entity) {
        content = content.within("network_device", network_device(entity, device));
    }
    Object::default()
        .text("deviceid", entity.id.as_str())
        .with("action", "inventory")
        .with("itemtype", item)
        .text("tag", view.site(entity))
        .with("content", content)
}

/// What GLPI files it under.
fn item_type(entity: &Entity, device: Option<&DeviceEntry>) -> &'static str {
    use DeviceClass as Class;
    match device.and_then(|device| device.class) {
        _ if is_machine(entity) => "Computer",
        Some(Class::Multifunction | Class::Printer | Class::LabelPrinter) => "Printer",
        Some(Class::Switch | Class::Router | Class::Firewall | Class::AccessPoint) => {
            "NetworkEquipment"
        }
        Some(Class::Phone) => "Phone",
        Some(Class::Computer) => "Computer",
        _ => "Unmanaged",
    }
}

fn hardware(entity: &Entity) -> Object {
    let known = &entity.attributes;
    let identity = known.identity.as_ref();
    let system = known.operating_system.as_ref();
    let gateway = known
        .routes
        .iter()
        .filter(|route| matches!(route.destination.as_str(), "0.0.0.0/0" | "::/0"))
        .filter_map(|route| route.gateway)
        .min();
    let memory = known
        .hardware
        .as_ref()
        .map(|hardware| mebibytes(hardware.memory_bytes));
    let virtual_by = system.and_then(|system| system.virtualization.as_deref());
    Object::default()
        .text("name", &called(&entity.name, &entity.id))
        .text(
            "uuid",
            identity
                .and_then(|i| i.smbios_uuid.as_deref())
                .unwrap_or_default(),
        )
        .text(
            "vmsystem",
            system.map_or("", |_| virtual_by.unwrap_or("Physical")),
        )
        .maybe("defaultgateway", gateway.map(|gateway| gateway.to_string()))
        .maybe("memory", memory.filter(|memory| *memory > 0))
}

fn bios(entity: &Entity, device: Option<&DeviceEntry>) -> Object {
    let hardware = entity.attributes.hardware.as_ref();
    let identity = entity.attributes.identity.as_ref();
    let of = |own: Option<&str>, told: fn(&DeviceEntry) -> &[DeviceWord]| {
        let told = device.and_then(|device| told(device).first());
        own.or(told.map(|word| word.value.as_str()))
            .unwrap_or_default()
            .to_owned()
    };
    let date = hardware
        .and_then(|h| h.firmware_date.as_deref())
        .and_then(day);
    Object::default()
        .text(
            "smanufacturer",
            &of(hardware.and_then(|h| h.vendor.as_deref()), |d| &d.maker),
        )
        .text(
            "smodel",
            &of(hardware.and_then(|h| h.product.as_deref()), |d| &d.model),
        )
        .text(
            "ssn",
            &of(identity.and_then(|i| i.serial.as_deref()), |d| &d.serial),
        )
        .text(
            "bversion",
            hardware
                .and_then(|h| h.firmware.as_deref())
                .unwrap_or_default(),
        )
        .maybe("bdate", date)
}

/// A firmware's date as SMBIOS writes it (`04/01/2014`, DSP0134 §7.1.3) or as a calendar does, as `2014-04-01`.
fn day(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split(['/', '-']).collect();
    let numbers: Option<Vec<u32>> = parts.iter().map(|part| part.parse().ok()).collect();
    let (year, month, day) = match (numbers?.as_slice(), text.contains('/')) {
        ([month, day, year], true) => (*year, *month, *day),
        ([year, month, day], false) => (*year, *month, *day),
        _ => return None,
    };
    let fits =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn operating_system(system: &OperatingSystem, entity: &Entity) -> Object {
    let name = qualified_name(entity)
        .map(|name| name.to_string())
        .unwrap_or_default();
    let kernel = if system.family == "windows" {
        "win32"
    } else {
        &system.family
    };
    Object::default()
        .text(
            "name",
            if system.id.is_empty() {
                &system.family
            } else {
                &system.id
            },
        )
        .text("full_name", &system.pretty_name)
        .text("version", &system.version)
        .text("kernel_name", kernel)
        .text("kernel_version", &system.kernel)
        .text("arch", &system.architecture)
        .text("fqdn", &name)
        .text(
            "dns_domain",
            name.split_once('.').map_or("", |(_, domain)| domain),
        )
}

/// A row per address; a row without one for an interface that has none; and what no interface is known for.
fn networks(entity: &Entity) -> Vec<Object> {
    let mut interfaces: Vec<&Interface> = entity.attributes.interfaces.iter().collect();
    interfaces.sort_by(|a, b| (&a.name, &a.mac).cmp(&(&b.name, &b.mac)));
    let mut rows = Vec::new();
    for interface in &interfaces {
        let before = rows.len();
        rows.extend(addresses_of(interface).map(|found| address_row(network(interface), found)));
        if rows.len() == before {
            rows.push(network(interface));
        }
    }
    let known = |address: &IpAddr| {
        interfaces
            .iter()
            .flat_map(|own| addresses_of(own))
            .any(|(own, _)| own == *address)
    };
    let mut others: Vec<IpAddr> = entity
        .addresses
        .iter()
        .copied()
        .filter(|a| !known(a))
        .collect();
    others.sort_unstable();
    let nameless = || Object::default().with("description", "unknown interface");
    rows.extend(others.into_iter().map(|address| match address {
        IpAddr::V4(address) => nameless().with("ipaddress", address.to_string()),
        IpAddr::V6(address) => nameless().with("ipaddress6", address.to_string()),
    }));
    let has = |mac: &&String| interfaces.iter().any(|i| i.mac.as_ref() == Some(*mac));
    let mut macs: Vec<&String> = entity
        .attributes
        .macs
        .iter()
        .filter(|mac| !has(mac))
        .collect();
    macs.sort_unstable();
    rows.extend(macs.into_iter().map(|mac| nameless().text("mac", mac)));
    rows
}

fn network(interface: &Interface) -> Object {
    let kind = match interface.kind.as_str() {
        "loopback" => Some("loopback"),
        "bridge" => Some("bridge"),
        _ => None,
    };
    let name = interface.name.lossy();
    let name = if name.trim().is_empty() {
        "unknown interface"
    } else {
        &name
    };
    Object::default()
        .text("description", name)
        .text("mac", interface.mac.as_deref().unwrap_or_default())
        .with("status", if interface.up { "up" } else { "down" })
        .with("virtualdev", interface.kind != "physical")
        .maybe("type", kind)
}

fn address_row(row: Object, (address, length): (IpAddr, u8)) -> Object {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32 - u32::from(length))
                .unwrap_or_default();
            let net = address.to_bits() & mask;
            row.with("ipaddress", address.to_string())
                .with("ipmask", std::net::Ipv4Addr::from_bits(mask).to_string())
                .with("ipsubnet", std::net::Ipv4Addr::from_bits(net).to_string())
        }
        IpAddr::V6(address) => row.with("ipaddress6", address.to_string()),
    }
}

fn softwares(entity: &Entity) -> Vec<Object> {
    let packages = entity.attributes.packages.iter();
    let named = packages.filter(|(name, _)| !name.trim().is_empty());
    named
        .map(|(name, version)| {
            Object::default()
                .text("name", name)
                .text("version", version)
        })
        .collect()
}

fn drive(file_system: &FileSystem, system: Option<&OperatingSystem>) -> Object {
    let is_windows = system.is_some_and(|system| system.family == "windows");
    Object::default()
        .text(
            if is_windows { "letter" } else { "type" },
            &file_system.mount_point.lossy(),
        )
        .text("volumn", &file_system.device.lossy())
        .text("filesystem", &file_system.kind)
        .maybe("total", file_system.bytes.map(mebibytes))
}

fn storages(entity: &Entity) -> Vec<Object> {
    let own = entity
        .attributes
        .hardware
        .iter()
        .flat_map(|hardware| &hardware.disks);
    own.chain(&entity.attributes.disks)
        .map(|disk| {
            Object::default()
                .text("name", &disk.name)
                .text("model", disk.model.as_deref().unwrap_or_default())
                .with("disksize", mebibytes(disk.bytes))
                .with("type", "disk")
        })
        .collect()
}

/// One entry: how many packages the logical processors stand in is not known.
fn cpus(entity: &Entity) -> Vec<Object> {
    let system = entity.attributes.operating_system.as_ref();
    let architecture = system.map(|system| system.architecture.as_str());
    let known = architecture.filter(|word| ARCHITECTURES.contains(word));
    let name = entity
        .attributes
        .hardware
        .iter()
        .filter_map(|h| h.processor.as_deref());
    name.map(|name| Object::default().text("name", name).maybe("arch", known))
        .filter(|cpu| !cpu.is_empty())
        .collect()
}

/// The machines that run on each other one, by its id.
fn guests<'i>(view: &View<'i>) -> BTreeMap<&'i str, Vec<&'i Entity>> {
    let mut found: BTreeMap<&str, Vec<&Entity>> = BTreeMap::new();
    for need in view.needs.iter().filter(|need| need.kind == "runs-on") {
        if let Some(guest) = view
            .entity(&need.consumer.entity)
            .filter(|guest| is_machine(guest))
        {
            found
                .entry(need.provider.entity.as_str())
                .or_default()
                .push(guest);
        }
    }
    for guests in found.values_mut() {
        guests.sort_by_key(|guest| guest.id.as_str());
        guests.dedup_by_key(|guest| guest.id.as_str());
    }
    found
}

fn virtual_machine(guest: &Entity) -> Object {
    let identity = guest.attributes.identity.as_ref();
    let system = guest.attributes.operating_system.as_ref();
    let address = guest
        .addresses
        .iter()
        .filter(|address| is_reachable(address))
        .min();
    let kind = system.and_then(|system| system.virtualization.as_deref());
    Object::default()
        .text("name", &called(&guest.name, &guest.id))
        .text(
            "uuid",
            identity
                .and_then(|i| i.smbios_uuid.as_deref())
                .unwrap_or_default(),
        )
        .text("vmtype", kind.unwrap_or_default())
        .maybe("ipaddress", address.map(|address| address.to_string()))
}

fn network_device(entity: &Entity, device: Option<&DeviceEntry>) -> Object {
    use DeviceClass as Class;
    let kind = match device.and_then(|device| device.class) {
        Some(Class::Multifunction | Class::Printer | Class::LabelPrinter) => "Printer",
        Some(Class::Switch | Class::Router | Class::Firewall | Class::AccessPoint) => "Networking",
        Some(Class::Phone) => "Phone",
        Some(Class::Storage) => "Storage",
        Some(Class::Ups | Class::PowerStrip) => "Power",
        Some(Class::Camera | Class::VideoRecorder) => "Video",
        Some(Class::Computer) => "Computer",
        _ => "Unmanaged",
    };
    let first = |words: fn(&DeviceEntry) -> &[DeviceWord]| {
        let word = device.and_then(|device| words(device).first());
        word.map_or("", |word| word.value.as_str()).to_owned()
    };
    let mut addresses: Vec<IpAddr> = entity.addresses.clone();
    addresses.sort_unstable();
    let addresses: Vec<Value> = addresses
        .iter()
        .map(|a| Value::from(a.to_string()))
        .collect();
    let mac = entity
        .attributes
        .macs
        .iter()
        .min()
        .map_or("", String::as_str);
    Object::default()
        .with("type", kind)
        .text("name", &called(&entity.name, &entity.id))
        .text("manufacturer", &first(|d| &d.maker))
        .text("model", &first(|d| &d.model))
        .text("serial", &first(|d| &d.serial))
        .text("location", &first(|d| &d.location))
        .text("mac", mac)
        .maybe("ips", Some(addresses).filter(|ips| !ips.is_empty()))
}

fn mebibytes(bytes: u64) -> u64 {
    bytes >> 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_firmware_is_a_day_or_nothing() {
        assert_eq!(day("04/01/2014").as_deref(), Some("2014-04-01"));
        assert_eq!(day("2020-12-31").as_deref(), Some("2020-12-31"));
        for none in ["", "N/A", "13/45/2014", "04/01/14", "1/2", "2014-04-01-x"] {
            assert_eq!(day(none), None, "{none}");
        }
    }
}
