//! A guest, as `virsh dumpxml` writes it.

use std::collections::BTreeMap;

use groma_model::Foreign;
use groma_model::virtualization::{Firmware, Guest, GuestSort, Power};

use super::tree::Element;
use super::{Document, Unreadable, card, device, disk};

/// The guest of one description, for whoever asked for a guest.
///
/// # Errors
/// It is no XML as libvirt writes it, or describes something else.
pub fn guest_of(bytes: &[u8]) -> Result<Guest, Unreadable> {
    match super::document(bytes)? {
        Some(Document::Guest(guest)) => Ok(*guest),
        _ => Err(Unreadable {
            at: 0,
            why: "no guest stands in it".to_owned(),
        }),
    }
}

/// A guest needs a name and a UUID; everything else may be missing.
pub(super) fn guest(domain: &Element) -> Option<Guest> {
    let key = crate::uuid(domain.text_at(&["uuid"])?)?;
    let sort = sort(domain);
    let os = domain.child("os");
    let firmware = os.and_then(|os| firmware(os, domain));
    let empty = Element::default();
    let devices = domain.child("devices").unwrap_or(&empty);
    let told = domain.text_at(&["hwuuid"]).unwrap_or(&key);
    let own_uuid = crate::own_uuid(told);
    Some(Guest {
        name: Foreign::from(domain.text_at(&["name"])?),
        uuid: own_uuid.filter(|_| sort == GuestSort::Machine),
        key,
        sort,
        power: domain.attribute("id").map(|_| Power::On),
        processors: processors(domain),
        cores_per_socket: cores_per_socket(domain),
        memory_bytes: domain.child("memory").and_then(bytes),
        disks: disk::disks(devices, sort),
        nics: card::cards(devices),
        firmware,
        secure_boot: os.and_then(secure_boot),
        tpm: (sort == GuestSort::Machine).then(|| devices.child("tpm").is_some()),
        hardware_version: os
            .and_then(|os| os.child("type")?.attribute("machine"))
            .map(str::to_owned),
        passthrough: device::passthrough(devices),
        media: disk::media(devices),
        cpu_affinity: cpu_affinity(domain),
        numa_affinity: numa_affinity(domain),
        configured_os: configured_os(domain),
        tools: device::tools(devices),
        ..Guest::default()
    })
}

fn sort(domain: &Element) -> GuestSort {
    let is_container = domain.text_at(&["os", "type"]) == Some("exe")
        || matches!(domain.attribute("type"), Some("lxc" | "openvz"));
    match is_container {
        true => GuestSort::Container,
        false => GuestSort::Machine,
    }
}

/// Those it has now, where fewer than its most are plugged in.
fn processors(domain: &Element) -> Option<u32> {
    let vcpu = domain.child("vcpu")?;
    let now = vcpu.attribute("current").and_then(|text| text.parse().ok());
    now.or_else(|| vcpu.text()?.parse().ok())
}

fn cores_per_socket(domain: &Element) -> Option<u32> {
    let topology = domain.at(&["cpu", "topology"])?;
    let of = |name: &str| {
        topology
            .attribute(name)
            .map_or(Some(1), |text| text.parse::<u32>().ok())
    };
    topology.attribute("cores")?;
    of("dies")?
        .checked_mul(of("clusters")?)?
        .checked_mul(of("cores")?)
}

/// A size with its unit; KiB where none is written.
pub(super) fn bytes(size: &Element) -> Option<u64> {
    let number: u64 = size.text()?.parse().ok()?;
    number.checked_mul(unit(size.attribute("unit").unwrap_or("KiB"))?)
}

/// Bytes of a unit, in every writing libvirt takes.
pub(super) fn unit(name: &str) -> Option<u64> {
    let lower = name.to_ascii_lowercase();
    let (letter, rest) = match lower.as_str() {
        "b" | "byte" | "bytes" => return Some(1),
        other => (other.chars().next()?, other.get(1..)?),
    };
    let power = u32::try_from("kmgtpe".find(letter)?).ok()? + 1;
    match rest {
        "" | "ib" => 1024_u64.checked_pow(power),
        "b" => 1000_u64.checked_pow(power),
        _ => None,
    }
}

/// What is written; and without a word about it, a machine of a PC starts from a BIOS.
fn firmware(os: &Element, domain: &Element) -> Option<Firmware> {
    let loader = os.child("loader");
    let of_path = |path: &str| {
        let path = path.to_ascii_lowercase();
        let is_efi = ["ovmf", "edk2", "aavmf", "uefi"]
            .iter()
            .any(|word| path.contains(word));
        is_efi.then_some(Firmware::Efi)
    };
    match (
        os.attribute("firmware"),
        loader.and_then(|loader| loader.attribute("type")),
    ) {
        (Some("efi"), _) | (_, Some("pflash")) => Some(Firmware::Efi),
        (Some("bios"), _) => Some(Firmware::Bios),
        (_, Some("rom")) => {
            let path = loader.and_then(Element::text);
            Some(path.and_then(of_path).unwrap_or(Firmware::Bios))
        }
        _ if loader.is_some() => loader.and_then(Element::text).and_then(of_path),
        _ => is_of_a_pc(os, domain).then_some(Firmware::Bios),
    }
}

fn is_of_a_pc(os: &Element, domain: &Element) -> bool {
    let sort = os.child("type");
    let is_pc = matches!(
        sort.and_then(|sort| sort.attribute("arch")),
        Some("x86_64" | "i686")
    );
    let is_full = sort.and_then(Element::text) == Some("hvm");
    is_pc && is_full && matches!(domain.attribute("type"), Some("kvm" | "qemu" | "xen"))
}

/// Only what is written: a firmware that could, and one that does, are two things.
fn secure_boot(os: &Element) -> Option<bool> {
    let of_feature = |name: &str| {
        let mut all = os.child("firmware")?.all("feature");
        let feature = all.find(|feature| feature.says("name", name))?;
        Some(feature.says("enabled", "yes"))
    };
    let of_loader = || {
        os.child("loader")?
            .attribute("secure")
            .map(|secure| secure == "yes")
    };
    if of_feature("enrolled-keys") == Some(false) {
        return Some(false);
    }
    of_feature("secure-boot").or_else(of_loader)
}

/// The pins of single processors, else the set all of them may use. Placed by libvirt itself is not bound by anybody.
fn cpu_affinity(domain: &Element) -> Option<String> {
    let pins = domain
        .child("cputune")
        .into_iter()
        .flat_map(|tune| tune.all("vcpupin"));
    let pins: BTreeMap<u32, &str> = pins
        .filter_map(|pin| {
            Some((
                pin.attribute("vcpu")?.parse().ok()?,
                pin.attribute("cpuset")?,
            ))
        })
        .collect();
    if !pins.is_empty() {
        let pins: Vec<String> = pins
            .iter()
            .map(|(own, set)| format!("{own}: {set}"))
            .collect();
        return Some(pins.join("; "));
    }
    let vcpu = domain.child("vcpu")?;
    let set = vcpu.attribute("cpuset")?;
    (!vcpu.says("placement", "auto")).then(|| set.to_owned())
}

fn numa_affinity(domain: &Element) -> Option<String> {
    let tune = domain.child("numatune")?;
    let whole = tune
        .child("memory")
        .filter(|memory| !memory.says("placement", "auto"));
    let whole = whole
        .and_then(|memory| memory.attribute("nodeset"))
        .map(str::to_owned);
    let cells = tune.all("memnode").filter_map(|cell| {
        Some(format!(
            "cell {}: {}",
            cell.attribute("cellid")?,
            cell.attribute("nodeset")?
        ))
    });
    let all: Vec<String> = whole.into_iter().chain(cells).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The address libosinfo has for it, which tells name and version.
fn configured_os(domain: &Element) -> Option<String> {
    let os = domain.at(&["metadata", "libosinfo", "os"])?;
    os.attribute("id").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_has_many_writings() {
        for (name, value) in [
            ("b", 1),
            ("bytes", 1),
            ("KB", 1000),
            ("k", 1024),
            ("KiB", 1024),
            ("MB", 1_000_000),
            ("M", 1 << 20),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
            ("TB", 1_000_000_000_000),
            ("EiB", 1 << 60),
        ] {
            assert_eq!(unit(name), Some(value), "{name}");
        }
        for none in ["", "x", "KiBi", "ib"] {
            assert_eq!(unit(none), None, "{none}");
        }
    }
}
