//! The files guests are configured by: `/etc/pve/qemu-server/104.conf` (qm.conf(5)), `/etc/pve/lxc/105.conf` (pct.conf(5)).

use groma_model::virtualization::{Guest, GuestSort, Platform, PlatformKind};
use groma_model::{Fact, Foreign};

use super::disk::Place;
use super::reader::told;
use super::settings::Settings;
use super::storage::Stores;
use crate::Read;

/// Settings that are of such a file alone, several of which every one has.
const MACHINE: &[&str] = &[
    "scsihw", "smbios1", "vmgenid", "ostype", "sockets", "boot", "bootdisk", "meta", "bios",
    "machine", "cpu", "numa", "agent", "onboot", "memory", "cores",
];
const CONTAINER: &[&str] = &[
    "rootfs",
    "unprivileged",
    "hostname",
    "arch",
    "ostype",
    "swap",
    "features",
    "memory",
    "cores",
];
/// How many of those it takes.
const KNOWN_MIN: usize = 3;

/// True for the configuration file of a machine or container.
pub fn is_file(text: &str) -> bool {
    let settings = Settings::of_file(text);
    kind(&settings).is_some()
}

/// `lxc` or `qemu`.
fn kind(settings: &Settings) -> Option<&'static str> {
    let known = |words: &[&str]| {
        words
            .iter()
            .filter(|word| settings.value(word).is_some())
            .count()
    };
    let is_container = settings.value("rootfs").is_some() && known(CONTAINER) >= KNOWN_MIN;
    let drives = ["ide", "sata", "scsi", "virtio", "net"];
    let has_devices = drives.iter().any(|bus| !settings.numbered(bus).is_empty());
    match (is_container, has_devices && known(MACHINE) >= KNOWN_MIN) {
        (true, _) => Some("lxc"),
        (false, true) => Some("qemu"),
        (false, false) => None,
    }
}

/// Reads the configuration file `text` of the guest whose number is `number`, within the cluster (or of the lone node)
/// `platform`. Both stand in the place of the file alone (`/etc/pve/nodes/NODE/qemu-server/104.conf`). Where no number is said,
/// the names of its volumes tell it; else what the guest is called is its key.
pub fn of_file(text: &str, platform: &str, number: Option<u32>) -> Read {
    let mut read = Read::default();
    let settings = Settings::of_file(text);
    let Some(kind) = kind(&settings) else {
        read.untold
            .push("this is no configuration of a guest of Proxmox VE".to_owned());
        return read;
    };
    let name = settings
        .value("name")
        .or_else(|| settings.value("hostname"));
    let number = number.or_else(|| own_number(&settings));
    let key = match (number, name) {
        (Some(number), _) => format!("{kind}/{number}"),
        (None, Some(name)) => format!("{kind}/{name}"),
        (None, None) => {
            read.untold.push("neither the name of the file nor the file says which guest this is: name it NUMBER.conf".to_owned());
            return read;
        }
    };
    let stores = Stores::default();
    let place = Place {
        stores: &stores,
        node: None,
    };
    let mut guest = Guest {
        platform: Platform {
            kind: PlatformKind::Proxmox,
            id: platform.to_owned(),
        },
        name: Foreign::from(name.unwrap_or(&key)),
        key,
        snapshots: settings.snapshots.clone(),
        ..Guest::default()
    };
    if settings.flag("template") == Some(true) {
        guest.sort = GuestSort::Template;
    }
    told(&mut guest, &settings, &place);
    read.facts.push(Fact::Guest(Box::new(guest)));
    read
}

/// 104 of `local-lvm:vm-104-disk-0`, if all volumes that tell one tell the same.
fn own_number(settings: &Settings) -> Option<u32> {
    let buses = ["rootfs", "ide", "sata", "scsi", "virtio", "efidisk"];
    let volumes = buses
        .iter()
        .flat_map(|bus| settings.numbered(bus))
        .map(|(_, volume)| volume);
    let told = volumes
        .chain(settings.value("rootfs"))
        .filter_map(|volume| {
            let volume = volume.split(',').next()?;
            let (_, rest) = ["/vm-", ":vm-", "/subvol-", ":subvol-", ":base-", "/base-"]
                .iter()
                .find_map(|mark| volume.rsplit_once(mark))?;
            rest.split('-').next()?.parse().ok()
        });
    let mut told: Vec<u32> = told.collect();
    told.sort_unstable();
    told.dedup();
    match *told.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}
