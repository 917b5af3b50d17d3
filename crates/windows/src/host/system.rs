//! `host.system`: who the machine is, what it runs, what it is made of.

use groma_model::fact::{Disk, Hardware, HostIdentity, Measurement};
use groma_model::{Fact, HostName, Reason};

use super::firmware::{self, is_hyper_v, meant, virtualization};
use super::release::{CURRENT_VERSION, architecture, release};
use super::smbios::{self, Firmware};
use super::{TCPIP, measured, time_zones};
use crate::{AdapterKind, Area, Key, Machine, Part, Said};

/// Identity, operating system, hardware, memory and start of the machine.
pub(crate) const AREA: Area = Area {
    name: "host.system",
    purpose: "Tells who this machine is, what it runs and what it is made of.",
    reads: &[
        r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters (host name and domain)",
        r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName",
        r"HKLM\SYSTEM\CurrentControlSet\Control (ContainerType), …\Control\TimeZoneInformation",
        r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment (PROCESSOR_ARCHITECTURE)",
        r"HKLM\SOFTWARE\Microsoft\Cryptography (MachineGuid)",
        r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion (product, build)",
        r"HKLM\SOFTWARE\Microsoft\Virtual Machine\Guest\Parameters (what Hyper-V tells its guest)",
        r"HKLM\HARDWARE\DESCRIPTION\System\BIOS, …\CentralProcessor\0 (ProcessorNameString)",
        "the SMBIOS table, adapters, disks, memory, when the machine was started",
    ],
    never_sends: &["product keys", "the registered owner"],
    read: system,
};

const CONTROL: &str = r"HKLM\SYSTEM\CurrentControlSet\Control";
const ACTIVE_NAME: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ActiveComputerName";
const TIME_ZONE: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
const CRYPTOGRAPHY: &str = r"HKLM\SOFTWARE\Microsoft\Cryptography";
const GUEST: &str = r"HKLM\SOFTWARE\Microsoft\Virtual Machine\Guest\Parameters";
const BIOS: &str = r"HKLM\HARDWARE\DESCRIPTION\System\BIOS";
const PROCESSOR: &str = r"HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor\0";

fn system(machine: &Machine<'_>) -> Vec<Said> {
    let mut identity = Part::begin("host", "identity");
    let firmware = firmware_of(machine, &mut identity);
    look_at_identity(machine, &mut identity, &firmware);
    vec![
        identity.close(),
        look_at_system(machine, &firmware),
        look_at_hardware(machine, &firmware),
        look_at_boot(machine),
        look_at_memory(machine),
    ]
}

/// What stands at a key; nothing, and a gap, where it cannot be read.
fn key(machine: &Machine<'_>, part: &mut Part, path: &str) -> Key {
    let found = part.or_missed(path, machine.registry.key(path));
    found.unwrap_or_default()
}

fn firmware_of(machine: &Machine<'_>, part: &mut Part) -> Firmware {
    if let Some(reason) = machine.rows.missing("system") {
        part.missed("firmware, disks and memory", reason.clone());
    }
    let table = smbios::firmware(&machine.rows.system.smbios);
    if table.damaged {
        part.missed("the end of the SMBIOS table", Reason::Malformed);
    }
    firmware::completed(table, &key(machine, part, BIOS))
}

/// A container of Windows sees the firmware of the machine whose kernel it shares.
fn is_in_container(control: &Key) -> bool {
    control.number("ContainerType").is_some_and(|kind| kind > 0)
}

fn look_at_identity(machine: &Machine<'_>, part: &mut Part, firmware: &Firmware) {
    let network = key(machine, part, TCPIP);
    let control = key(machine, part, CONTROL);
    let in_container = is_in_container(&control);
    let host_name = host_name(machine, part, &network);
    if host_name.is_empty() {
        part.missed("host name", Reason::NotPresent);
    }
    let own = (!in_container).then_some(firmware);
    let guid = key(machine, part, CRYPTOGRAPHY);
    // A guest that was carried to another platform keeps the key, and it speaks of the old one.
    let told = match own.is_some_and(is_hyper_v) {
        true => key(machine, part, GUEST),
        false => Key::default(),
    };
    part.saw(Fact::Identity(HostIdentity {
        qualified_name: qualified_name(&host_name, &network),
        host_name: host_name.into(),
        machine_id: guid.text("MachineGuid").and_then(firmware::uuid),
        smbios_uuid: own.and_then(|own| firmware::uuid(own.uuid.as_deref()?)),
        serial: own.and_then(serial),
        macs: macs(machine),
        ssh_host_keys: Vec::new(),
        directory_sid: machine.rows.system.directory_sid.clone(),
        in_container,
        carried_by: carried_by(&told),
        guest_id: told.text("VirtualMachineId").and_then(firmware::uuid),
    }));
}

fn host_name(machine: &Machine<'_>, part: &mut Part, network: &Key) -> String {
    let told = machine.rows.system.host_name.trim();
    if !told.is_empty() {
        return told.to_owned();
    }
    let written = network
        .text("Hostname")
        .or_else(|| network.text("NV Hostname"));
    if let Some(name) = written {
        return name.to_owned();
    }
    let active = key(machine, part, ACTIVE_NAME);
    active.text("ComputerName").unwrap_or_default().to_owned()
}

/// The host name within the domain the machine is sure of: that of its settings, never what a DHCP server says.
fn qualified_name(host_name: &str, network: &Key) -> Option<HostName> {
    let own = HostName::parse(host_name)?;
    let domain = network.text("Domain").or_else(|| network.text("NV Domain"));
    let whole = match domain.filter(|_| !own.is_qualified()) {
        Some(domain) => HostName::parse(&format!("{own}.{domain}"))?,
        None => own,
    };
    let usable =
        whole.is_qualified() && !whole.is_loopback() && !whole.as_str().ends_with(".localdomain");
    usable.then_some(whole)
}

fn serial(firmware: &Firmware) -> Option<String> {
    let meant = |text: &Option<String>| text.as_deref().and_then(meant);
    meant(&firmware.serial).or_else(|| meant(&firmware.board_serial))
}

fn carried_by(told: &Key) -> Option<HostName> {
    let names = ["PhysicalHostNameFullyQualified", "PhysicalHostName"];
    let mut names = names
        .iter()
        .filter_map(|name| HostName::parse(told.text(name)?));
    names.find(|name| !name.is_loopback())
}

/// Of adapters that look physical. Addresses somebody chose count only where there are no others.
fn macs(machine: &Machine<'_>) -> Vec<String> {
    let adapters = machine.rows.adapters.iter();
    let physical = adapters.filter(|adapter| adapter.kind == AdapterKind::Physical);
    let mut macs: Vec<String> = physical
        .filter_map(|adapter| mac(adapter.mac.as_deref()?))
        .collect();
    if macs.iter().any(|mac| !is_locally_administered(mac)) {
        macs.retain(|mac| !is_locally_administered(mac));
    }
    macs.sort();
    macs.dedup();
    macs
}

/// A MAC address in lower case with colons; zeros, broadcast and multicast are none.
pub(crate) fn mac(text: &str) -> Option<String> {
    let octet = |text: &str| {
        u8::from_str_radix(text, 16)
            .ok()
            .filter(|_| text.len() == 2)
    };
    let octets: Option<Vec<u8>> = text.split([':', '-']).map(octet).collect();
    let octets = octets.filter(|octets| octets.len() == 6)?;
    let fits = octets.iter().any(|octet| *octet != 0) && octets.first()? & 1 == 0;
    fits.then(|| text.replace('-', ":").to_ascii_lowercase())
}

/// True if the second lowest bit of the first octet is set: an address somebody chose (IEEE 802c).
fn is_locally_administered(mac: &str) -> bool {
    let octet = mac
        .get(..2)
        .and_then(|octet| u8::from_str_radix(octet, 16).ok());
    octet.is_some_and(|octet| octet & 2 != 0)
}

fn look_at_system(machine: &Machine<'_>, firmware: &Firmware) -> Said {
    let mut part = Part::begin("host", "system");
    let path = CURRENT_VERSION;
    let found = part.or_missed(path, machine.registry.key(path));
    if found.as_ref().is_none_or(|key| key.values.is_empty()) {
        part.missed("which Windows it is", Reason::NotPresent);
    }
    let control = key(machine, &mut part, CONTROL);
    let virtualization = match is_in_container(&control) {
        true => Some("container"),
        false => virtualization(firmware),
    };
    let mut system = release(&found.unwrap_or_default(), architecture(machine));
    system.virtualization = virtualization.map(str::to_owned);
    system.time_zone = time_zone(machine, &mut part);
    part.saw(Fact::OperatingSystem(system));
    part.close()
}

fn time_zone(machine: &Machine<'_>, part: &mut Part) -> Option<String> {
    let zone = key(machine, part, TIME_ZONE);
    // Somebody switched summer time off: no zone that has it says what the clock shows.
    if zone.number("DynamicDaylightTimeDisabled").unwrap_or(0) != 0 {
        return fixed_zone(&zone);
    }
    let name = zone.text("TimeZoneKeyName")?;
    let known = time_zones::iana(name);
    if known.is_none() {
        part.missed(format!("the time zone {name:?}"), Reason::Unsupported);
    }
    known.map(str::to_owned)
}

/// Of `Bias`: minutes that are added to the clock to get UTC, as a signed number of 32 bits.
fn fixed_zone(zone: &Key) -> Option<String> {
    let bias = i32::from_ne_bytes(u32::try_from(zone.number("Bias")?).ok()?.to_ne_bytes());
    match (bias / 60, bias % 60) {
        (0, 0) => Some("UTC".to_owned()),
        (hours, 0) => Some(format!("Etc/GMT{hours:+}")),
        _ => None,
    }
}

fn look_at_hardware(machine: &Machine<'_>, firmware: &Firmware) -> Said {
    let mut part = Part::begin("host", "hardware");
    let system = &machine.rows.system;
    let meant = |text: &Option<String>| text.as_deref().and_then(meant);
    let processor = key(machine, &mut part, PROCESSOR);
    let processor = processor.text("ProcessorNameString").map(str::to_owned);
    let words = [meant(&firmware.vendor), meant(&firmware.version)];
    let words: Vec<String> = words.into_iter().flatten().collect();
    if let Some(reason) = machine.rows.missing("disks") {
        part.missed("disks", reason.clone());
    }
    let disk = |row: &crate::DiskRow| Disk {
        name: row.name.clone(),
        model: meant(&row.model),
        bytes: row.bytes,
    };
    part.saw(Fact::Hardware(Hardware {
        vendor: meant(&firmware.maker),
        product: meant(&firmware.product),
        firmware: (!words.is_empty()).then(|| words.join(" ")),
        firmware_date: firmware.date.clone(),
        processor: processor.or_else(|| meant(&firmware.processor)),
        processors: system.processors,
        memory_bytes: system.memory_bytes,
        disks: system.disks.iter().map(disk).collect(),
    }));
    part.close()
}

fn look_at_boot(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("host", "boot");
    let booted = machine.rows.system.booted;
    if let Some(seconds) = booted.and_then(|booted| u64::try_from(booted).ok()) {
        part.saw(Fact::Measurement(Measurement {
            metric: "booted_at_seconds".into(),
            subject: "system".into(),
            value: measured(seconds),
        }));
    }
    part.close()
}

fn look_at_memory(machine: &Machine<'_>) -> Said {
    let mut part = Part::begin("host", "memory");
    let system = &machine.rows.system;
    match system.memory_bytes > 0 {
        true => part.saw(Fact::Measurement(Measurement {
            metric: "memory_available_bytes".into(),
            subject: "memory".into(),
            value: measured(system.memory_available_bytes),
        })),
        false => part.missed("memory", Reason::NotPresent),
    }
    part.close()
}

#[cfg(test)]
#[path = "system_tests.rs"]
mod tests;
