//! Hyper-V, by what `docs/reference/hyperv-inventory.ps1` writes on one of its hosts.
//!
//! The platform is the failover cluster by its name, or a lone host by its own. A guest's key is its `VMId` in lower case, which
//! is **not** the UUID of its SMBIOS: that is the `BIOSGUID` of its settings. A host's key is its name in lower case.
//!
//! Windows PowerShell 5.1 and PowerShell 7 write the same things differently (moments as `/Date(…)/`, words as numbers, a list
//! of one as that one), and both are read. **Never run against a real Hyper-V**: shapes are those of the maker's description of
//! the cmdlets.

mod disk;
mod host;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use groma_model::virtualization::{
    Firmware, Guest, GuestNic, GuestSnapshot, GuestSort, Passthrough, PassthroughSort, Platform,
    PlatformKind, Power, Tools,
};
use groma_model::{Fact, Foreign, HostName, Timestamp};
use serde_json::Value;

use self::disk::{Stores, disks};
use crate::Read;
use crate::json::{as_text, flag, list, number, small, text, whole};
use crate::words::{lasting, mac_address, own_uuid, uuid};

/// What stands in such a file as its `schema`.
pub const SCHEMA: &str = "groma.hyperv/1";

const MACHINES_MAX: usize = 20_000;
const PARTS_MAX: usize = 1_000;

/// Reads what the script wrote, as JSON that was taken in already.
pub fn of_value(value: &Value) -> Read {
    let mut read = Read::default();
    let host = value.get("Host").unwrap_or(&Value::Null);
    let cluster = value.get("Cluster").unwrap_or(&Value::Null);
    let Some(name) = text(host, "Name").map(|name| name.to_lowercase()) else {
        read.untold
            .push("Host.Name is missing: nobody knows which Hyper-V this is".to_owned());
        return read;
    };
    let cluster_name = text(cluster, "Name");
    let platform = Platform {
        kind: PlatformKind::HyperV,
        id: cluster_name
            .clone()
            .unwrap_or_else(|| name.clone())
            .to_lowercase(),
    };
    for problem in list(value, "Problems", PARTS_MAX).filter_map(as_text) {
        read.untold.push(format!("the script says: {problem}"));
    }
    if let Some(cluster_name) = &cluster_name {
        read.facts.push(host::cluster(&platform, cluster_name));
    }
    let mut stores = Stores::of(&name);
    let mut guests = BTreeMap::new();
    for (at, machine) in list(value, "Machines", MACHINES_MAX).enumerate() {
        match guest(machine, &platform, &name, &mut stores) {
            Some((guest, used)) => drop(guests.insert(guest.key.clone(), (guest, used))),
            None => read.untold.push(format!("Machines[{at}]: no VMId")),
        }
    }
    let keys = stores.tell(&platform, &mut read);
    let own = host::host(value, &platform, &name, cluster_name.is_some(), keys);
    read.facts.push(own);
    for (key, (guest, used)) in guests {
        if let Some(used) = used {
            read.measured("vm_disk_used_bytes", &platform.subject(&key), used);
        }
        read.facts.push(Fact::Guest(Box::new(guest)));
    }
    read
}

/// A machine, and what its disks take.
fn guest(
    machine: &Value,
    platform: &Platform,
    host: &str,
    stores: &mut Stores,
) -> Option<(Guest, Option<f64>)> {
    let key = text(machine, "VMId").as_deref().and_then(uuid)?;
    let (disks, used) = disks(machine, stores);
    let snapshots = snapshots(machine);
    let of_checkpoint = disks.iter().any(|disk| {
        let path = disk
            .path
            .as_ref()
            .and_then(Foreign::as_str)
            .unwrap_or_default()
            .to_lowercase();
        path.ends_with(".avhdx") || path.ends_with(".avhd")
    });
    let generation = small(machine, "Generation");
    let security = machine.get("Security").unwrap_or(&Value::Null);
    let inside = machine.get("Inside").unwrap_or(&Value::Null);
    let guest = Guest {
        platform: platform.clone(),
        name: Foreign::from(text(machine, "Name").unwrap_or_else(|| key.clone())),
        sort: GuestSort::Machine,
        uuid: text(machine, "BiosGuid").as_deref().and_then(own_uuid),
        instance_uuid: Some(key.clone()),
        key,
        power: power(machine),
        host: Some(host.to_owned()),
        processors: small(machine, "ProcessorCount"),
        memory_bytes: memory(machine),
        disks,
        nics: cards(machine),
        // Written into a file of a checkpoint, and no checkpoint is there: one was removed, and not joined.
        consolidation_needed: Some(of_checkpoint && snapshots.is_empty()),
        snapshots,
        firmware: match generation {
            Some(1) => Some(Firmware::Bios),
            Some(2) => Some(Firmware::Efi),
            _ => None,
        },
        secure_boot: match generation {
            Some(1) => Some(false),
            _ => secure_boot(machine),
        },
        tpm: flag(security, "TpmEnabled"),
        hardware_version: text(machine, "Version"),
        passthrough: passthrough(machine),
        media: media(machine),
        restarted_elsewhere: flag(machine, "IsClustered"),
        starts_with_host: word(
            machine,
            "AutomaticStartAction",
            &[(2, "nothing"), (3, "startifrunning"), (4, "start")],
        )
        .map(|word| word != "nothing"),
        reported_os: text(inside, "OSName"),
        host_name: text(inside, "FullyQualifiedDomainName")
            .as_deref()
            .and_then(HostName::parse),
        tools: tools(machine),
        ..Guest::default()
    };
    Some((guest, used))
}

/// A word in lower case, also where PowerShell wrote its number.
fn word(of: &Value, key: &str, numbers: &[(u64, &str)]) -> Option<String> {
    let found = text(of, key)?.to_lowercase();
    let Ok(number) = found.parse::<u64>() else {
        return Some(found);
    };
    let meant = numbers.iter().find(|(known, _)| *known == number)?;
    Some(meant.1.to_owned())
}

/// Microsoft.HyperV.PowerShell.VMState.
fn power(machine: &Value) -> Option<Power> {
    match word(
        machine,
        "State",
        &[(2, "running"), (3, "off"), (6, "saved"), (9, "paused")],
    )?
    .as_str()
    {
        "running" => Some(Power::On),
        "off" => Some(Power::Off),
        "saved" | "paused" | "fastsaved" => Some(Power::Suspended),
        _ => None,
    }
}

/// What it may have at most, where it grows and shrinks.
fn memory(machine: &Value) -> Option<u64> {
    let most = whole(machine, "MemoryMaximum")
        .filter(|_| flag(machine, "DynamicMemoryEnabled") == Some(true));
    most.or_else(|| whole(machine, "MemoryStartup"))
}

/// Microsoft.HyperV.PowerShell.OnOffState, in which on is 0.
fn secure_boot(machine: &Value) -> Option<bool> {
    let firmware = machine.get("Firmware")?;
    match word(firmware, "SecureBoot", &[(0, "on"), (1, "off")])?.as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn cards(machine: &Value) -> Vec<GuestNic> {
    let adapters = list(machine, "Adapters", PARTS_MAX);
    adapters
        .enumerate()
        .map(|(at, adapter)| {
            // An address that is given out at the first start is all zeros before it.
            let mac = text(adapter, "MacAddress").as_deref().and_then(mac_address);
            let mut addresses: Vec<_> = list(adapter, "IPAddresses", PARTS_MAX)
                .filter_map(as_text)
                .filter_map(|text| lasting(&text, mac.as_deref()))
                .collect();
            addresses.sort();
            addresses.dedup();
            GuestNic {
                name: text(adapter, "Name").unwrap_or_else(|| format!("adapter {}", at + 1)),
                mac,
                model: flag(adapter, "IsLegacy")
                    .map(|is_legacy| if is_legacy { "legacy" } else { "synthetic" }.to_owned()),
                switch: text(adapter, "SwitchName"),
                network: None,
                vlan: vlan(adapter),
                connected: Some(text(adapter, "SwitchName").is_some()),
                addresses,
            }
        })
        .collect()
}

fn vlan(adapter: &Value) -> Option<String> {
    match word(
        adapter,
        "VlanMode",
        &[(0, "untagged"), (1, "access"), (2, "trunk"), (3, "private")],
    )?
    .as_str()
    {
        "access" => text(adapter, "AccessVlanId").filter(|id| id != "0"),
        "trunk" => text(adapter, "AllowedVlanIdList"),
        "private" => text(adapter, "PrimaryVlanId").filter(|id| id != "0"),
        _ => None,
    }
}

fn snapshots(machine: &Value) -> Vec<GuestSnapshot> {
    let goes_on_from = text(machine, "ParentCheckpointId")
        .as_deref()
        .and_then(uuid);
    let told = list(machine, "Snapshots", PARTS_MAX).filter_map(|snapshot| {
        let id = text(snapshot, "Id").as_deref().and_then(uuid);
        Some(GuestSnapshot {
            name: Foreign::from(text(snapshot, "Name")?),
            taken_at: snapshot.get("CreationTime").and_then(moment),
            with_memory: matches!(
                word(snapshot, "State", &[(2, "running"), (6, "saved")]).as_deref(),
                Some("saved" | "running" | "fastsaved")
            ),
            current: id.is_some() && id == goes_on_from,
        })
    });
    let mut all: Vec<GuestSnapshot> = told.collect();
    all.sort_by(|a, b| (a.taken_at, &a.name).cmp(&(b.taken_at, &b.name)));
    all
}

/// `2026-11-20T10:00:00Z`, `/Date(1763632800000)/`, `/Date(1763632800000+0100)/`, or either within an object as `value`.
fn moment(value: &Value) -> Option<Timestamp> {
    let written = value.get("value").unwrap_or(value).as_str()?;
    let Some(inner) = written
        .strip_prefix("/Date(")
        .and_then(|rest| rest.strip_suffix(")/"))
    else {
        return written.parse().ok();
    };
    // What stands behind the number is where it was written, and changes nothing.
    let end = inner
        .char_indices()
        .skip(1)
        .find(|(_, c)| !c.is_ascii_digit())
        .map_or(inner.len(), |(at, _)| at);
    inner.get(..end)?.parse().ok().map(Timestamp::from_millis)
}

fn passthrough(machine: &Value) -> Vec<Passthrough> {
    let mut found: Vec<Passthrough> = Vec::new();
    let mut has = |sort, what: String| found.push(Passthrough { sort, what });
    for device in list(machine, "Devices", PARTS_MAX) {
        if let Some(what) = text(device, "LocationPath").or_else(|| text(device, "InstanceID")) {
            has(PassthroughSort::Pci, what);
        }
    }
    for part in list(machine, "Gpus", PARTS_MAX) {
        if let Some(what) = text(part, "InstancePath").or_else(|| text(part, "Id")) {
            has(PassthroughSort::Gpu, what);
        }
    }
    for adapter in list(machine, "Adapters", PARTS_MAX) {
        if number(adapter, "IovWeight").is_some_and(|weight| weight > 0.0) {
            has(
                PassthroughSort::Sriov,
                text(adapter, "Name").unwrap_or_default(),
            );
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Images in drives; a drive without a path is empty.
fn media(machine: &Value) -> Vec<Foreign> {
    let drives = list(machine, "Dvds", PARTS_MAX).chain(list(machine, "Floppies", PARTS_MAX));
    let mut media: Vec<Foreign> = drives
        .filter_map(|drive| text(drive, "Path"))
        .map(Foreign::from)
        .collect();
    media.sort();
    media
}

/// The integration services: they run where their heartbeat is heard.
fn tools(machine: &Value) -> Option<Tools> {
    let services = list(machine, "Services", PARTS_MAX);
    let heartbeat = services.filter(|service| {
        // By its id, for its name is translated.
        let id = text(service, "Id").unwrap_or_default().to_uppercase();
        id.ends_with("84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47")
            || text(service, "Name").as_deref() == Some("Heartbeat")
    });
    let states: Vec<String> = heartbeat
        .filter_map(|service| {
            word(
                service,
                "PrimaryOperationalStatus",
                &[(2, "ok"), (12, "nocontact"), (13, "lostcommunication")],
            )
        })
        .collect();
    let running = states.first().map(|state| state == "ok");
    let version = text(machine, "IntegrationServicesVersion").filter(|version| version != "0.0");
    let state = word(machine, "IntegrationServicesState", &[]).unwrap_or_default();
    let told = running.is_some() || version.is_some();
    told.then(|| Tools {
        installed: (running == Some(true) || version.is_some()).then_some(true),
        running,
        version,
        outdated: match state.as_str() {
            "up to date" => Some(false),
            "update required" => Some(true),
            _ => None,
        },
    })
}
