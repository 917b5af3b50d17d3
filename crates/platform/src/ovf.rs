//! A descriptor of the Open Virtualization Format (DMTF DSP0243, versions 1 and 2): what somebody exported, or is about to
//! import.
//!
//! Each virtual system becomes a guest that nobody runs. The platform of an export has no name of its own; whoever imports it
//! says one. A key is the path of ids from the outermost collection, and an id is what the export alone tells systems apart by.

use std::collections::BTreeMap;

use groma_model::virtualization::{
    DiskController, DiskFormat, Firmware, Guest, GuestDisk, GuestNic, GuestSort, Passthrough,
    PassthroughSort, Platform, PlatformKind,
};
use groma_model::{Fact, Foreign};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::Read;
use crate::words::{mac_address, own_uuid};

/// Most elements of a descriptor, and how deep they stand.
const ELEMENTS_MAX: usize = 500_000;
const DEPTH_MAX: usize = 64;
/// Most systems, and pieces of hardware of one.
const SYSTEMS_MAX: usize = 10_000;
const HARDWARE_MAX: usize = 1_000;
/// Longest text of an element.
const TEXT_MAX: usize = 1_024;

/// True for the begin of a descriptor: its root is an `Envelope` of an OVF name space.
pub fn is_ovf(head: &str) -> bool {
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let end = head
        .char_indices()
        .nth(4_096)
        .map_or(head.len(), |(at, _)| at);
    let head = head.get(..end).unwrap_or_default();
    head.starts_with('<') && head.contains("Envelope") && head.contains("/ovf/envelope")
}

/// Reads the descriptor `text` of what the operator calls `platform`.
pub fn of_text(text: &str, platform: &str) -> Read {
    let mut read = Read::default();
    let mut reading = Reading::default();
    if let Err(why) = reading.all(text) {
        read.untold.push(why);
    }
    let platform = Platform {
        kind: PlatformKind::Other,
        id: platform.to_owned(),
    };
    let Reading {
        files,
        disks,
        systems,
        ..
    } = reading;
    for system in systems {
        let guest = system.guest(&platform, &files, &disks);
        read.facts.push(Fact::Guest(Box::new(guest)));
    }
    read
}

/// A piece of virtual hardware, as the schema of CIM calls its parts.
type Item = BTreeMap<String, String>;

/// What a disk of the descriptor says.
#[derive(Default)]
struct Disk {
    capacity: Option<u64>,
    file: Option<String>,
    format: Option<String>,
    parent: Option<String>,
}

#[derive(Default)]
struct System {
    key: String,
    name: Option<String>,
    os: Option<String>,
    hardware: Option<String>,
    uuid: Option<String>,
    is_efi: Option<bool>,
    is_secure: Option<bool>,
    items: Vec<Item>,
}

#[derive(Default)]
struct Reading {
    files: BTreeMap<String, String>,
    disks: BTreeMap<String, Disk>,
    systems: Vec<System>,
    /// Ids of the collections that are open.
    outer: Vec<String>,
    /// Names of the elements that are open.
    open: Vec<String>,
    in_system: bool,
    item: Option<Item>,
    text: String,
}

/// The value of the attribute whose name ends with `name`, whatever its prefix.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes();
    let attributes = attributes.with_checks(false).flatten().take(64);
    let mut meant = attributes.filter(|attribute| attribute.key.local_name().as_ref() == name);
    let text = meant.next()?;
    let text = quick_xml::escape::unescape(&text.value).ok()?;
    crate::json::short(&text)
}

impl Reading {
    fn all(&mut self, text: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(text);
        for _ in 0..ELEMENTS_MAX {
            let place = reader.buffer_position();
            let wrong = |why: &str| format!("byte {place}: {why}; the rest is not read");
            match reader
                .read_event()
                .map_err(|error| wrong(&error.to_string()))?
            {
                Event::Eof => return Ok(()),
                // Whoever declares entities wants them to be resolved.
                Event::DocType(_) => return Err(wrong("it declares a document type")),
                Event::Start(element) => {
                    self.begins(&element);
                    if self.open.len() > DEPTH_MAX {
                        return Err(wrong("elements stand too deep in each other"));
                    }
                }
                Event::Empty(element) => {
                    self.begins(&element);
                    self.ends();
                }
                Event::End(_) => self.ends(),
                Event::Text(text) if self.text.len() < TEXT_MAX => {
                    self.text.push_str(&text);
                }
                Event::GeneralRef(name) if self.text.len() < TEXT_MAX => {
                    let name: &str = &name;
                    if let Ok(read) = quick_xml::escape::unescape(&format!("&{name};")) {
                        self.text.push_str(&read);
                    }
                }
                _ => {}
            }
        }
        Err("there are more elements than a descriptor has; the rest is not read".to_owned())
    }

    fn begins(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name().as_ref().to_owned();
        self.text.clear();
        let text = |key: &str| attribute(element, key);
        match name.as_str() {
            "File" => {
                if let (Some(id), Some(place)) = (text("id"), text("href")) {
                    self.files.insert(id, without_user(&place));
                }
            }
            "Disk" => self.disk(element),
            "VirtualSystemCollection" => self.outer.push(text("id").unwrap_or_default()),
            "VirtualSystem" if self.systems.len() < SYSTEMS_MAX => {
                let id = text("id").unwrap_or_else(|| format!("system {}", self.systems.len() + 1));
                let path = self.outer.iter().chain([&id]).map(String::as_str);
                let key = path
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join("/");
                self.in_system = true;
                self.systems.push(System {
                    key,
                    ..System::default()
                });
            }
            "OperatingSystemSection" if self.in_system => {
                if let Some(system) = self.systems.last_mut() {
                    system.os = text("osType");
                }
            }
            "Item" | "StorageItem" | "EthernetPortItem" if self.in_system => {
                self.item = Some(Item::new())
            }
            "Config" if self.in_system => self.setting(text("key"), text("value")),
            // VirtualBox puts its own description beside, and gives a machine one UUID for all.
            "Machine" if self.in_system => {
                if let Some(system) = self.systems.last_mut() {
                    system.uuid = text("uuid").and_then(|text| own_uuid(&text));
                }
            }
            _ => {}
        }
        self.open.push(name);
    }

    fn disk(&mut self, element: &BytesStart<'_>) {
        let text = |key: &str| attribute(element, key);
        let Some(id) = text("diskId") else {
            return;
        };
        let number: Option<u64> = text("capacity").and_then(|number| number.parse().ok());
        let unit = text("capacityAllocationUnits").map_or(Some(1), |unit| units(&unit));
        let disk = Disk {
            capacity: number
                .zip(unit)
                .and_then(|(number, unit)| number.checked_mul(unit)),
            file: text("fileRef"),
            format: text("format"),
            parent: text("parentRef"),
        };
        self.disks.insert(id, disk);
    }

    /// `<vmw:Config key="firmware" value="efi"/>`.
    fn setting(&mut self, key: Option<String>, value: Option<String>) {
        let Some(system) = self.systems.last_mut() else {
            return;
        };
        match (key.as_deref(), value.as_deref()) {
            (Some("firmware"), Some(value)) => {
                system.is_efi = Some(value.eq_ignore_ascii_case("efi"))
            }
            (Some("bootOptions.efiSecureBootEnabled"), Some(value)) => {
                system.is_secure = crate::json::yes(value);
            }
            _ => {}
        }
    }

    fn ends(&mut self) {
        let Some(name) = self.open.pop() else {
            return;
        };
        let text = crate::json::short(&std::mem::take(&mut self.text));
        match name.as_str() {
            "VirtualSystem" => self.in_system = false,
            "VirtualSystemCollection" => drop(self.outer.pop()),
            "Item" | "StorageItem" | "EthernetPortItem" => {
                let item = self.item.take();
                if let (Some(item), Some(system)) = (item, self.systems.last_mut())
                    && system.items.len() < HARDWARE_MAX
                {
                    system.items.push(item);
                }
            }
            _ => self.word(&name, text),
        }
    }

    fn word(&mut self, name: &str, text: Option<String>) {
        let Some(text) = text else {
            return;
        };
        if let Some(item) = &mut self.item {
            if item.len() < 64 {
                item.entry(name.to_owned()).or_insert(text);
            }
            return;
        }
        let above = self.open.last().map(String::as_str);
        match (self.in_system, name, above, self.systems.last_mut()) {
            (true, "Name", Some("VirtualSystem"), Some(system)) => system.name = Some(text),
            (true, "VirtualSystemType", _, Some(system)) => system.hardware = Some(text),
            (true, "Description", Some("OperatingSystemSection"), Some(system)) => {
                system.os = Some(text);
            }
            _ => {}
        }
    }
}

impl System {
    fn guest(
        self,
        platform: &Platform,
        files: &BTreeMap<String, String>,
        disks: &BTreeMap<String, Disk>,
    ) -> Guest {
        let mut guest = Guest {
            platform: platform.clone(),
            name: Foreign::from(self.name.clone().unwrap_or_else(|| self.key.clone())),
            sort: GuestSort::Machine,
            firmware: self.is_efi.map(|is_efi| {
                if is_efi {
                    Firmware::Efi
                } else {
                    Firmware::Bios
                }
            }),
            secure_boot: self.is_secure,
            uuid: self.uuid.clone(),
            hardware_version: self.hardware.clone(),
            configured_os: self.os.clone(),
            key: self.key,
            ..Guest::default()
        };
        let controllers: BTreeMap<&str, DiskController> = self
            .items
            .iter()
            .filter_map(|item| Some((item.get("InstanceID")?.as_str(), controller(item)?)))
            .collect();
        for item in &self.items {
            match kind(item) {
                3 => processors(&mut guest, item),
                4 => guest.memory_bytes = amount(item),
                10 => guest.nics.push(card(item)),
                17 => guest.disks.extend(disk(item, files, disks, &controllers)),
                15 | 16 => guest.media.extend(medium(item, files)),
                23 => guest.passthrough.extend(usb(item)),
                _ => {}
            }
        }
        guest.media.sort();
        guest.passthrough.sort();
        guest
    }
}

/// CIM_ResourceAllocationSettingData.ResourceType.
fn kind(item: &Item) -> u32 {
    item.get("ResourceType")
        .and_then(|kind| kind.parse().ok())
        .unwrap_or_default()
}

fn processors(guest: &mut Guest, item: &Item) {
    guest.processors = item
        .get("VirtualQuantity")
        .and_then(|count| count.parse().ok());
    guest.cores_per_socket = item
        .get("CoresPerSocket")
        .and_then(|count| count.parse().ok());
}

/// Memory in bytes; without a unit it is in MiB, as every program that leaves it out means.
fn amount(item: &Item) -> Option<u64> {
    let number: u64 = item.get("VirtualQuantity")?.parse().ok()?;
    let unit = item
        .get("AllocationUnits")
        .map_or(Some(1 << 20), |unit| units(unit));
    number.checked_mul(unit?)
}

/// Bytes of `byte * 2^20` (DSP0004), and of the words older programs write.
fn units(text: &str) -> Option<u64> {
    let text: String = text.to_ascii_lowercase().split_whitespace().collect();
    match text.as_str() {
        "" | "byte" | "bytes" => return Some(1),
        "kilobytes" | "kb" => return Some(1 << 10),
        "megabytes" | "mb" => return Some(1 << 20),
        "gigabytes" | "gb" => return Some(1 << 30),
        _ => {}
    }
    let power = text.strip_prefix("byte*")?;
    let (base, exponent) = power.split_once('^')?;
    base.parse::<u64>()
        .ok()?
        .checked_pow(exponent.parse().ok()?)
}

fn card(item: &Item) -> GuestNic {
    let text = |key: &str| item.get(key).cloned();
    GuestNic {
        name: text("ElementName")
            .or_else(|| text("InstanceID"))
            .unwrap_or_default(),
        mac: item.get("Address").and_then(|mac| mac_address(mac)),
        model: text("ResourceSubType"),
        network: text("Connection"),
        connected: item
            .get("AutomaticAllocation")
            .and_then(|yes| crate::json::yes(yes)),
        ..GuestNic::default()
    }
}

fn controller(item: &Item) -> Option<DiskController> {
    let word = item
        .get("ResourceSubType")
        .map(|word| word.to_ascii_lowercase());
    let word = word.unwrap_or_default();
    match kind(item) {
        5 => Some(DiskController::Ide),
        6 if word.contains("virtualscsi") => Some(DiskController::Pvscsi),
        6 if word.contains("virtio") => Some(DiskController::VirtioScsi),
        6 => Some(DiskController::Scsi),
        20 if word.contains("nvme") => Some(DiskController::Nvme),
        20 => Some(DiskController::Sata),
        _ => None,
    }
}

fn disk(
    item: &Item,
    files: &BTreeMap<String, String>,
    disks: &BTreeMap<String, Disk>,
    controllers: &BTreeMap<&str, DiskController>,
) -> Option<GuestDisk> {
    let place = item.get("HostResource")?;
    // `ovf:/disk/vmdisk1`, `/disk/vmdisk1`, `ovf:/file/file1`.
    let id = place.rsplit('/').next().unwrap_or_default();
    let described = disks.get(id).filter(|_| place.contains("/disk/"));
    let file = match described {
        Some(disk) => disk.file.as_ref().and_then(|id| files.get(id)),
        None => files.get(id),
    };
    let format = described.and_then(|disk| disk.format.as_deref());
    let parent = described.and_then(|disk| disk.parent.as_ref());
    Some(GuestDisk {
        name: item
            .get("ElementName")
            .or_else(|| item.get("InstanceID"))?
            .clone(),
        format: written(format.unwrap_or_default(), file.map_or("", String::as_str)),
        capacity_bytes: described.and_then(|disk| disk.capacity),
        path: file.map(|file| Foreign::from(file.as_str())),
        controller: item
            .get("Parent")
            .and_then(|parent| controllers.get(parent.as_str()))
            .copied(),
        backing: parent
            .and_then(|id| files.get(disks.get(id)?.file.as_ref()?))
            .map(|file| Foreign::from(file.as_str())),
        ..GuestDisk::default()
    })
}

/// By the address of the format's own description, and by the name of the file.
fn written(format: &str, file: &str) -> DiskFormat {
    let text = format!("{format} {file}").to_ascii_lowercase();
    let formats = [
        ("vmdk", DiskFormat::Vmdk),
        ("qcow2", DiskFormat::Qcow2),
        ("vhdx", DiskFormat::Vhdx),
        ("vhd", DiskFormat::Vhd),
        ("vdi", DiskFormat::Vdi),
        (".raw", DiskFormat::Raw),
        (".img", DiskFormat::Raw),
    ];
    let known = formats.into_iter().find(|(word, _)| text.contains(word));
    known.map_or(DiskFormat::Unknown, |(_, format)| format)
}

/// A drive with an image that comes with the export; an empty drive is none.
fn medium(item: &Item, files: &BTreeMap<String, String>) -> Option<Foreign> {
    let place = item.get("HostResource")?;
    let file = place
        .contains("/file/")
        .then(|| files.get(place.rsplit('/').next()?))?;
    file.map(|file| Foreign::from(file.as_str()))
}

/// A controller is what every machine has; a device is told where one is named.
fn usb(item: &Item) -> Option<Passthrough> {
    let what = item.get("HostResource")?;
    Some(Passthrough {
        sort: PassthroughSort::Usb,
        what: what.clone(),
    })
}

/// The place without whoever is named before its server.
fn without_user(place: &str) -> String {
    let Some((scheme, rest)) = place.split_once("://") else {
        return place.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let server = authority.rsplit('@').next().unwrap_or(authority);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{server}{path}")
}

#[cfg(test)]
mod tests;
