//! The host: what `virsh capabilities`, `virsh sysinfo` and `virsh iface-dumpxml` write.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::domain::bytes;
use super::tree::Element;

/// A host, as far as it is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Host {
    /// What libvirt tells it from others by; made up at each start of the daemon where the SMBIOS has none.
    pub uuid: Option<String>,
    /// As it calls itself; `capabilities` does not tell.
    pub name: Option<String>,
    /// Hypervisor and version, as a person reads them; `capabilities` does not tell.
    pub product: Option<String>,
    /// Processor model by libvirt's table: `EPYC-Milan`.
    pub processor: Option<String>,
    /// Sockets.
    pub sockets: Option<u32>,
    /// Cores of all sockets.
    pub cores: Option<u32>,
    /// Threads of all cores.
    pub threads: Option<u32>,
    /// Main memory.
    pub memory_bytes: Option<u64>,
    /// Memory that is in use; `capabilities` does not tell.
    pub memory_used_bytes: Option<u64>,
}

/// The hardware of a host, by its SMBIOS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Machine {
    /// UUID of the system.
    pub uuid: Option<String>,
    /// Who made it.
    pub vendor: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// The processor's whole name.
    pub processor: Option<String>,
}

/// A network card or bridge of a host.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Card {
    /// Its name.
    pub name: String,
    /// `ethernet`, `bridge`, `bond` or `vlan`.
    pub sort: String,
    /// Lower case with colons.
    pub mac: Option<String>,
    /// Speed of the link.
    pub speed_mbps: Option<u32>,
    /// Largest frame.
    pub mtu: Option<u32>,
    /// Addresses of the host on it, without those of its link alone and those that may be others tomorrow.
    pub addresses: Vec<IpAddr>,
    /// What is plugged into a bridge or a bond.
    pub ports: Vec<String>,
}

pub(super) fn host(capabilities: &Element) -> Host {
    let empty = Element::default();
    let host = capabilities.child("host").unwrap_or(&empty);
    let cells: Vec<&Element> = host
        .at(&["topology", "cells"])
        .map(|cells| cells.all("cell").collect())
        .unwrap_or_default();
    let processors: Vec<&Element> = cells
        .iter()
        .filter_map(|cell| cell.child("cpus"))
        .flat_map(|cpus| cpus.all("cpu"))
        .collect();
    let memory = cells.iter().filter_map(|cell| bytes(cell.child("memory")?));
    let memory = memory.fold(0_u64, u64::saturating_add);
    Host {
        uuid: host.text_at(&["uuid"]).and_then(crate::own_uuid),
        processor: host.text_at(&["cpu", "model"]).map(str::to_owned),
        sockets: distinct(&processors, &["socket_id"]),
        cores: distinct(
            &processors,
            &["socket_id", "die_id", "cluster_id", "core_id"],
        ),
        threads: u32::try_from(processors.len())
            .ok()
            .filter(|many| *many > 0),
        memory_bytes: Some(memory).filter(|bytes| *bytes > 0),
        ..Host::default()
    }
}

/// How many differ in these places; `None` where no processor names the last of them.
fn distinct(processors: &[&Element], names: &[&str]) -> Option<u32> {
    let last = names.last()?;
    let known = processors
        .iter()
        .filter(|one| one.attribute(last).is_some());
    let places: BTreeSet<Vec<Option<&str>>> = known
        .map(|one| names.iter().map(|name| one.attribute(name)).collect())
        .collect();
    u32::try_from(places.len()).ok().filter(|many| *many > 0)
}

pub(super) fn machine(sysinfo: &Element) -> Machine {
    let entry = |part: &str, name: &str| {
        let mut entries = sysinfo.child(part)?.all("entry");
        let found = entries.find(|entry| entry.says("name", name))?;
        found.text().map(str::to_owned)
    };
    Machine {
        uuid: entry("system", "uuid").as_deref().and_then(crate::own_uuid),
        vendor: entry("system", "manufacturer"),
        model: entry("system", "product"),
        processor: entry("processor", "version"),
    }
}

pub(super) fn card(interface: &Element) -> Option<Card> {
    let sort = interface.attribute("type").unwrap_or("ethernet");
    let up = interface
        .child("link")
        .filter(|link| link.says("state", "up"));
    let speed = up.and_then(|link| link.attribute("speed")?.parse().ok());
    let ports = interface
        .child(sort)
        .into_iter()
        .flat_map(|held| held.all("interface"));
    let mut ports: Vec<String> = ports
        .filter_map(|port| port.attribute("name").map(str::to_owned))
        .collect();
    ports.sort();
    let mac = interface.child("mac");
    let mac = mac.and_then(|mac| crate::mac_address(mac.attribute("address")?));
    Some(Card {
        name: interface.attribute("name")?.to_owned(),
        sort: sort.to_owned(),
        // All ones is the kernel's way to say that it does not know.
        speed_mbps: speed.filter(|speed| *speed > 0 && *speed < u32::MAX),
        mtu: interface
            .child("mtu")
            .and_then(|mtu| mtu.attribute("size")?.parse().ok()),
        addresses: addresses(interface, mac.as_deref()),
        mac,
        ports,
    })
}

fn addresses(interface: &Element, mac: Option<&str>) -> Vec<IpAddr> {
    let all = interface
        .all("protocol")
        .flat_map(|family| family.all("ip"));
    let mut all: Vec<IpAddr> = all
        .filter_map(|ip| {
            let (text, length) = (ip.attribute("address")?, ip.attribute("prefix"));
            crate::lasting(&format!("{text}/{}", length.unwrap_or_default()), mac)
        })
        .collect();
    all.sort();
    all
}
