//! A machine or a template becomes a guest.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use groma_model::virtualization::{
    AffinityRule, Firmware, Guest, GuestNic, GuestSnapshot, GuestSort, Passthrough,
    PassthroughSort, Power, Tools,
};
use groma_model::{Foreign, HostName};
use serde_json::Value;

use super::answer::{at, date, id, link, within, word};
use super::disk::Disks;
use super::network::Networks;
use super::rules::placed;
use crate::json::{as_text, flag, small, text, whole};
use crate::words::{mac_address, reachable, steady, uuid};

/// Most cards, devices, snapshots and the like of one guest.
const PARTS_MAX: usize = 1_000;
/// Most addresses of a card.
const ADDRESSES_MAX: usize = 100;
/// What every engine has and nobody made.
const BLANK: &str = "00000000-0000-0000-0000-000000000000";

/// A guest as its own entry tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    guest: Guest,
    /// The profile of each card.
    profiles: Vec<Option<String>>,
    pub(super) cluster: Option<String>,
    /// True where its firmware is what its cluster says.
    asks_cluster: bool,
    pub(super) disk_used: Option<u64>,
    /// Where its own settings put it.
    pub(super) placed: Option<AffinityRule>,
    /// False where the engine put a link where its disks and cards were asked for.
    pub(super) is_whole: bool,
    /// True once what is told on demand alone was.
    has_devices: bool,
}

impl Draft {
    /// An entry of `vms`.
    pub(super) fn machine(entry: &Value) -> Option<Self> {
        let mut draft = Self::common(entry, GuestSort::Machine)?;
        let guest = &mut draft.guest;
        guest.uuid = uuid(&guest.key);
        guest.instance_uuid = uuid(&guest.key);
        guest.power = word(entry, "status").as_deref().and_then(power);
        guest.host = link(entry, "host");
        guest.nics = cards(entry, &mut draft.profiles);
        guest.snapshots = snapshots(entry);
        guest.passthrough = passthrough(entry);
        guest.cpu_affinity = bound(entry);
        guest.numa_affinity = bound_memory(entry);
        guest.consolidation_needed = flag(entry, "has_illegal_images");
        guest.restarted_elsewhere = restarted(entry);
        inside(guest, entry);
        draft.is_whole = entry.get("disk_attachments").is_some() && entry.get("nics").is_some();
        draft.placed = placed(entry, &guest.name.to_string());
        Some(draft)
    }

    /// An entry of `templates`. `None` for the blank one that machines without a template come from.
    pub(super) fn template(entry: &Value) -> Option<Self> {
        let draft = Self::common(entry, GuestSort::Template)?;
        (draft.guest.key != BLANK).then_some(Self {
            is_whole: true,
            ..draft
        })
    }

    fn common(entry: &Value, sort: GuestSort) -> Option<Self> {
        let key = id(entry)?;
        let topology = at(entry, "cpu/topology");
        let cores = small(topology, "cores");
        let disks = Disks::of(entry);
        let bios = word(at(entry, "bios"), "type");
        let mut draft = Self {
            guest: Guest {
                name: Foreign::from(text(entry, "name").unwrap_or_else(|| key.clone())),
                key,
                sort,
                processors: processors(topology),
                cores_per_socket: cores,
                memory_bytes: whole(entry, "memory").filter(|bytes| *bytes > 0),
                disks: disks.all,
                changed_block_tracking: disks.tracked,
                tpm: flag(entry, "tpm_enabled"),
                hardware_version: text(entry, "custom_emulated_machine"),
                media: media(entry),
                configured_os: text(at(entry, "os"), "type"),
                ..Guest::default()
            },
            cluster: link(entry, "cluster"),
            asks_cluster: bios.as_deref() == Some("cluster_default"),
            disk_used: disks.used,
            ..Self::default()
        };
        draft.starts_by(bios.as_deref());
        Some(draft)
    }

    fn starts_by(&mut self, bios: Option<&str>) {
        let firmware = match bios {
            Some("i440fx_sea_bios" | "q35_sea_bios") => Some(Firmware::Bios),
            Some("q35_ovmf" | "q35_secure_boot") => Some(Firmware::Efi),
            _ => None,
        };
        self.guest.firmware = firmware;
        self.guest.secure_boot = firmware.map(|_| bios == Some("q35_secure_boot"));
    }

    /// What is told on demand alone.
    /// True the first time.
    pub(super) fn devices(&mut self, entry: &Value) -> bool {
        self.guest.tpm = flag(entry, "tpm_enabled").or(self.guest.tpm);
        !std::mem::replace(&mut self.has_devices, true)
    }

    /// True for one that may have a trusted platform module and did not tell: it needs UEFI.
    pub(super) fn may_have_tpm(&self, bios: &BTreeMap<String, String>) -> bool {
        self.finished(&Networks::default(), bios).firmware == Some(Firmware::Efi)
            && self.guest.tpm.is_none()
    }

    /// The host it is on.
    pub(super) fn host(&self) -> Option<&String> {
        self.guest.host.as_ref()
    }

    /// The guest, with what its cards are plugged into. `bios` is what clusters start their machines by.
    pub(super) fn finished(&self, networks: &Networks, bios: &BTreeMap<String, String>) -> Guest {
        let mut draft = self.clone();
        if let (true, Some(cluster)) = (self.asks_cluster, &self.cluster) {
            draft.starts_by(bios.get(cluster).map(String::as_str));
        }
        let mut guest = draft.guest;
        let mut parts = Vec::new();
        for (nic, profile) in guest.nics.iter_mut().zip(&self.profiles) {
            let by_profile = profile
                .as_ref()
                .is_some_and(|profile| networks.plug(nic, profile));
            if by_profile || nic.model.as_deref() == Some("pci_passthrough") {
                nic.switch = None;
                parts.push(Passthrough {
                    sort: PassthroughSort::Sriov,
                    what: nic.name.clone(),
                });
            }
        }
        guest.passthrough.append(&mut parts);
        guest.passthrough.sort();
        guest.passthrough.dedup();
        guest
    }
}

/// Sockets, cores of each and threads of each; one that is not told is one.
fn processors(topology: &Value) -> Option<u32> {
    let told = ["sockets", "cores", "threads"].map(|key| small(topology, key));
    told.iter().any(Option::is_some).then_some(())?;
    let mut each = told.into_iter().map(|count| count.unwrap_or(1));
    each.try_fold(1_u32, u32::checked_mul)
        .filter(|count| *count > 0)
}

fn power(status: &str) -> Option<Power> {
    match status {
        "up" | "powering_up" | "powering_down" | "reboot_in_progress" | "migrating"
        | "wait_for_launch" | "not_responding" => Some(Power::On),
        "paused" | "suspended" | "saving_state" | "restoring_state" => Some(Power::Suspended),
        "down" | "image_locked" => Some(Power::Off),
        _ => None,
    }
}

/// Nobody says it of the machine the engine itself runs in: agents of its hosts watch over that one.
fn restarted(entry: &Value) -> Option<bool> {
    let origin = word(entry, "origin").unwrap_or_default();
    let is_engine = matches!(origin.as_str(), "hosted_engine" | "managed_hosted_engine");
    flag(at(entry, "high_availability"), "enabled").filter(|_| !is_engine)
}

/// The cards, each with its profile, and addresses that the agent inside reports for its hardware address.
fn cards(entry: &Value, profiles: &mut Vec<Option<String>>) -> Vec<GuestNic> {
    let mut reported: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    report(entry, &mut reported);
    let all: Vec<&Value> = within(entry, "nics", "nic", PARTS_MAX).collect();
    all.iter().for_each(|card| report(card, &mut reported));
    let made = all.into_iter().map(|card| {
        profiles.push(link(card, "vnic_profile"));
        let mac = text(at(card, "mac"), "address").and_then(|mac| mac_address(&mac));
        let addresses = mac.as_ref().and_then(|mac| reported.get(mac));
        let (linked, plugged) = (flag(card, "linked"), flag(card, "plugged"));
        GuestNic {
            name: text(card, "name").unwrap_or_default(),
            addresses: addresses.into_iter().flatten().copied().collect(),
            mac,
            model: word(card, "interface"),
            connected: match (linked, plugged) {
                (None, None) => None,
                (linked, plugged) => Some(linked != Some(false) && plugged != Some(false)),
            },
            ..GuestNic::default()
        }
    });
    made.collect()
}

fn report(of: &Value, reported: &mut BTreeMap<String, BTreeSet<IpAddr>>) {
    for device in within(of, "reported_devices", "reported_device", PARTS_MAX) {
        let Some(mac) = text(at(device, "mac"), "address").and_then(|mac| mac_address(&mac)) else {
            continue;
        };
        let written = within(device, "ips", "ip", ADDRESSES_MAX);
        let written = written.filter_map(|ip| text(ip, "address"));
        let found = written.filter(|text| steady(text, Some(&mac)));
        let found: Vec<IpAddr> = found.filter_map(|text| reachable(&text)).collect();
        reported.entry(mac).or_default().extend(found);
    }
}

/// Without the state of now, which stands in the list too.
fn snapshots(entry: &Value) -> Vec<GuestSnapshot> {
    let kept = within(entry, "snapshots", "snapshot", PARTS_MAX).filter(|snapshot| {
        match word(snapshot, "snapshot_type").as_deref() {
            Some("active" | "preview") => false,
            Some(_) => true,
            None => text(snapshot, "description").as_deref() != Some("Active VM"),
        }
    });
    let mut all: Vec<GuestSnapshot> = kept
        .map(|snapshot| GuestSnapshot {
            name: Foreign::from(text(snapshot, "description").unwrap_or_default()),
            taken_at: date(snapshot, "date"),
            with_memory: flag(snapshot, "persist_memorystate") == Some(true),
            current: false,
        })
        .collect();
    all.sort_by(|a, b| (a.taken_at, &a.name).cmp(&(b.taken_at, &b.name)));
    all
}

fn media(entry: &Value) -> Vec<Foreign> {
    let drives = within(entry, "cdroms", "cdrom", PARTS_MAX);
    let drives = drives.chain(within(entry, "floppies", "floppy", PARTS_MAX));
    let files: BTreeSet<String> = drives
        .filter_map(|drive| {
            let file = at(drive, "file");
            text(file, "name").or_else(|| text(file, "id"))
        })
        .collect();
    files.into_iter().map(Foreign::from).collect()
}

fn passthrough(entry: &Value) -> Vec<Passthrough> {
    let devices = within(entry, "host_devices", "host_device", PARTS_MAX);
    // What stands in for the rest of a group is not the machine's.
    let devices = devices.filter(|device| flag(device, "placeholder") != Some(true));
    let devices = devices.filter_map(|device| {
        let own = text(device, "name")?;
        let product = text(at(device, "product"), "name");
        let is_part = device
            .get("physical_function")
            .is_some_and(|of| !of.is_null());
        Some(Passthrough {
            sort: match word(device, "capability").as_deref() {
                Some("usb" | "usb_device") => PassthroughSort::Usb,
                Some("scsi" | "scsi_generic") => PassthroughSort::Scsi,
                Some("mdev") => PassthroughSort::Gpu,
                _ if is_part => PassthroughSort::Sriov,
                _ => PassthroughSort::Pci,
            },
            what: product.map_or(own.clone(), |product| format!("{own} {product}")),
        })
    });
    devices.chain(parts_of_screens(entry)).collect()
}

/// Until version 4.4 a part of a graphics card stands in a property of its own.
fn parts_of_screens(entry: &Value) -> impl Iterator<Item = Passthrough> {
    let all = within(entry, "custom_properties", "custom_property", PARTS_MAX);
    let all = all.filter(|property| text(property, "name").as_deref() == Some("mdev_type"));
    all.filter_map(|property| {
        Some(Passthrough {
            sort: PassthroughSort::Gpu,
            what: text(property, "value")?,
        })
    })
}

/// Processors it is bound to, as the engine's own pages write them: `0#0-3_1#4`. A policy that binds anew at each start is
/// told by its word.
fn bound(entry: &Value) -> Option<String> {
    let pins = within(
        at(entry, "cpu/cpu_tune"),
        "vcpu_pins",
        "vcpu_pin",
        PARTS_MAX,
    );
    let pins =
        pins.filter_map(|pin| Some(format!("{}#{}", text(pin, "vcpu")?, text(pin, "cpu_set")?)));
    let pins: Vec<String> = pins.collect();
    if !pins.is_empty() {
        return Some(pins.join("_"));
    }
    word(entry, "cpu_pinning_policy").filter(|policy| !matches!(policy.as_str(), "none" | "manual"))
}

/// Nodes of the host that its own nodes of memory are bound to.
fn bound_memory(entry: &Value) -> Option<String> {
    let nodes = within(entry, "numa_nodes", "vm_numa_node", PARTS_MAX);
    let nodes = nodes.chain(within(entry, "numa_nodes", "numa_node", PARTS_MAX));
    let pins = nodes.flat_map(|node| within(node, "numa_node_pins", "numa_node_pin", PARTS_MAX));
    let to: BTreeSet<u64> = pins.filter_map(|pin| whole(pin, "index")).collect();
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    (!to.is_empty()).then(|| to.join(","))
}

/// What the agent inside says. Nothing of it, and nobody knows whether there is one.
fn inside(guest: &mut Guest, entry: &Value) {
    let system = at(entry, "guest_operating_system");
    let name = text(system, "distribution").or_else(|| text(system, "family"));
    let version = at(system, "version").get("full_version").and_then(as_text);
    guest.reported_os = name.map(|name| match version {
        Some(version) => format!("{name} {version}"),
        None => name,
    });
    guest.host_name = text(entry, "fqdn").and_then(|name| HostName::parse(&name));
    let speaks = guest.reported_os.is_some()
        || guest.host_name.is_some()
        || guest.addresses().next().is_some();
    if speaks && guest.power == Some(Power::On) {
        guest.tools = Some(Tools {
            installed: Some(true),
            running: Some(true),
            ..Tools::default()
        });
    }
}
