//! The sheets with one row per guest, and what stands in its way.

use groma_model::virtualization::{BlockerSeverity, Firmware, Guest, GuestSort, Power, Tools};

use super::estate::{Estate, Told, of_platform};
use super::row::{self, Row, maybe_truth, mib, truth};
use crate::cell::{Cell, list};

/// Columns of vInfo for networks.
const NETWORKS: [&str; 8] = [
    "Network #1",
    "Network #2",
    "Network #3",
    "Network #4",
    "Network #5",
    "Network #6",
    "Network #7",
    "Network #8",
];

/// What each sheet says of a guest.
pub(super) fn common<'a>(estate: &Estate<'a>, told: &Told<'a>) -> Row {
    let guest = told.guest;
    let host = estate.platforms.host_of((told.entity, guest));
    let row = of_platform(&guest.platform)
        .with("VM", guest.name.to_string())
        .with("Powerstate", guest.power.map(power))
        .with("Template", truth(guest.sort == GuestSort::Template))
        .with("Host", host.map(|(_, host)| host.name.to_string()))
        .with("Folder", guest.folder.as_ref().map(ToString::to_string))
        .with("VM ID", guest.key.as_str())
        .with("VM UUID", uuid(guest))
        .with(
            "OS according to the configuration file",
            guest.configured_os.clone(),
        )
        .with(
            "OS according to the VMware Tools",
            guest.reported_os.clone(),
        );
    match host {
        Some(host) => row.with("Cluster", estate.cluster(host)),
        None => row,
    }
}

/// A container has the UUID of its host, and would be joined with it.
fn uuid(guest: &Guest) -> Option<&str> {
    let own = guest.sort != GuestSort::Container;
    guest.uuid.as_deref().filter(|_| own)
}

fn power(power: Power) -> &'static str {
    match power {
        Power::On => "poweredOn",
        Power::Off => "poweredOff",
        Power::Suspended => "suspended",
    }
}

/// A row of vInfo.
pub(super) fn info<'a>(estate: &Estate<'a>, told: &Told<'a>) -> Row {
    let guest = told.guest;
    let capacity = guest.capacity_bytes();
    let running = guest.tools.as_ref().and_then(|tools| tools.running);
    let rules = estate.platforms.rules((told.entity, guest));
    let rules = rules.iter().map(|rule| &rule.name);
    let mut row = common(estate, told)
        .with(
            "DNS Name",
            guest.host_name.as_ref().map(ToString::to_string),
        )
        .with(
            "Guest state",
            running.map(|runs| if runs { "running" } else { "notRunning" }),
        )
        .with(
            "Consolidation Needed",
            maybe_truth(guest.consolidation_needed),
        )
        .with("CPUs", guest.processors)
        .with("Memory", mib(guest.memory_bytes))
        .with("NICs", row::told(guest.nics.len()))
        .with("Disks", row::told(guest.disks.len()))
        .with("Total disk capacity MiB", mib(capacity))
        .with("Provisioned MiB", mib(capacity))
        .with(
            "In Use MiB",
            mib(estate.numbers.bytes(&told.entity.id, "vm_disk_used_bytes")),
        )
        .with("CBT", maybe_truth(guest.changed_block_tracking))
        .with("Primary IP Address", address(guest))
        .with("DAS protection", maybe_truth(guest.restarted_elsewhere))
        .with("FT State", fault_tolerance(guest))
        .with("Cluster rule name(s)", list(rules))
        .with("EFI Secure boot", maybe_truth(guest.secure_boot))
        .with("Firmware", guest.firmware.map(firmware))
        .with("HW version", hardware(guest))
        .with("SMBIOS UUID", uuid(guest))
        .with("VI SDK Server type", guest.platform.kind.title());
    let networks = guest
        .nics
        .iter()
        .map(|nic| nic.network.as_ref().or(nic.switch.as_ref()));
    for (title, network) in NETWORKS.into_iter().zip(networks) {
        row = row.with(title, network.map(String::as_str));
    }
    row
}

fn fault_tolerance(guest: &Guest) -> Option<&'static str> {
    let follows = guest.fault_tolerance == Some(true);
    follows.then_some(match guest.power {
        Some(Power::On) => "running",
        _ => "enabled",
    })
}

/// The first address of version 4, or of version 6 where it has no other.
fn address(guest: &Guest) -> Option<String> {
    let first = guest.addresses().find(std::net::IpAddr::is_ipv4);
    first
        .or(guest.addresses().next())
        .map(|address| address.to_string())
}

fn firmware(firmware: Firmware) -> &'static str {
    match firmware {
        Firmware::Bios => "bios",
        Firmware::Efi => "efi",
    }
}

/// The number of `vmx-19`, as RVTools has it; the machine type of another platform as it is.
fn hardware(guest: &Guest) -> Cell {
    let version = guest.hardware_version.as_deref();
    let number = version.and_then(|version| version.strip_prefix("vmx-")?.parse::<u32>().ok());
    number.map_or_else(|| version.into(), Cell::from)
}

/// A row of vCPU.
pub(super) fn cpu<'a>(estate: &Estate<'a>, told: &Told<'a>) -> Row {
    let guest = told.guest;
    let cores = guest.cores_per_socket.filter(|cores| *cores > 0);
    let sockets = guest
        .processors
        .zip(cores)
        .map(|(all, cores)| all.div_ceil(cores));
    common(estate, told)
        .with("CPUs", guest.processors)
        .with("Sockets", sockets)
        .with("Cores p/s", cores)
}

/// A row of vMemory.
pub(super) fn memory<'a>(estate: &Estate<'a>, told: &Told<'a>) -> Row {
    common(estate, told).with("Size MiB", mib(told.guest.memory_bytes))
}

/// A row of vTools.
pub(super) fn tools<'a>(estate: &Estate<'a>, told: &Told<'a>) -> Row {
    let tools = told.guest.tools.as_ref();
    common(estate, told)
        .with("VM Version", hardware(told.guest))
        .with("Tools", tools.and_then(state))
        .with(
            "Tools Version",
            tools.and_then(|tools| tools.version.clone()),
        )
}

fn state(tools: &Tools) -> Option<&'static str> {
    match (tools.installed, tools.running, tools.outdated) {
        (Some(false), _, _) => Some("toolsNotInstalled"),
        (_, Some(false), _) => Some("toolsNotRunning"),
        (_, Some(true), Some(true)) => Some("toolsOld"),
        (_, Some(true), _) => Some("toolsOk"),
        (_, None, _) => None,
    }
}

/// What stands in the way of guests, as vHealth tells its warnings.
pub(super) fn health<'a>(estate: &'a Estate<'a>) -> impl Iterator<Item = Row> + 'a {
    estate.guests.iter().flat_map(|told| {
        let blockers = told.row.into_iter().flat_map(|row| &row.blockers);
        blockers.map(|blocker| {
            let grave = match blocker.severity {
                BlockerSeverity::Critical => "Critical",
                BlockerSeverity::Warning => "Warning",
            };
            let says = format!("{}: {} {}", blocker.what, blocker.because, blocker.remedy);
            of_platform(&told.guest.platform)
                .with("Name", told.guest.name.to_string())
                .with("Message", says)
                .with("Message type", grave)
        })
    })
}
