//! `host.attached`: devices on a cable or in a slot that a new machine must have too, and software that talks to them.

mod parse;
mod printers;
mod scanners;
mod tunnels;

use std::path::Path;

use groma_knowledge::attached::{self, SOFTWARE, Usb};
use groma_model::fact::Attachment;
use groma_model::{Fact, Scope, SourceName};
use groma_source::{Budget, EntryKind, Explanation, Sink, Source, Window, World};

use crate::part::Part;
use crate::reader::{Reader, file_name};
use crate::text::lossy;

const USB: &str = "/sys/bus/usb/devices";
const PCI: &str = "/sys/bus/pci/devices";
const TAPES: &str = "/sys/class/scsi_tape";

/// Files that name a device: path, keys, role.
const NAMING: &[(&str, &[&str], &str)] = &[
    ("/etc/apcupsd/apcupsd.conf", &["DEVICE"], "ups"),
    ("/etc/smsd.conf", &["device"], "modem"),
    ("/etc/gammurc", &["port", "device"], "modem"),
    ("/etc/gammu-smsdrc", &["port", "device"], "modem"),
    ("/etc/mgetty/mgetty.config", &["port"], "modem"),
];

/// Devices attached to this machine.
pub struct AttachedSource {
    world: World,
}

impl AttachedSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for AttachedSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.attached")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which devices hang on this machine: dongles, modems, tape drives, printers, readers.".into(),
            reads: words(&[
                "/sys/bus/usb/devices, /sys/bus/pci/devices, /sys/class/scsi_tape, and where those lead (/sys/devices): numbers, classes, names, drivers",
                "/etc/nut/ups.conf, apcupsd.conf, smsd.conf, gammurc, mgetty.config, /etc/hylafax/config.*, /etc/reader.conf.d",
                "/etc/cups/printers.conf, classes.conf and ppd: queues with their printers and drivers; /etc/sane.d: scanners on the network, and who may scan through this machine",
                "/etc/NetworkManager/system-connections, /etc/openvpn: names and far ends of tunnels",
                "/etc/pkcs11/modules, /usr/share/p11-kit/modules; whether known VPN, card and license software is there",
            ]),
            contacts: Vec::new(),
            sends: words(&["bus, role, number, maker, model, driver, the name a configuration knows it by, where it is reached, without account"]),
            never_sends: words(&["serial numbers of devices", "accounts, passwords and keys of printers and tunnels"]),
            rights: words(&["none; root for configurations only root may read"]),
            cost: "a few hundred reads of sysfs; no device is opened".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut part = Part::begin(window, sink, Scope::new("host", "attached"));
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let mut found = Vec::new();
        usb(&mut reader, &mut part, &mut found);
        pci(&mut reader, &mut part, &mut found);
        tapes(&mut reader, &mut part, &mut found);
        configured(&mut reader, &mut part, &mut found);
        software(&reader, &mut found);
        // Two alike in two sockets are one fact: which socket is volatile.
        found.sort();
        found.dedup();
        found
            .into_iter()
            .for_each(|device| part.saw(Fact::Attachment(device)));
        part.close();
    }
}

/// Names below a directory of sysfs; a machine without that bus has none.
fn names(reader: &mut Reader<'_>, part: &mut Part<'_>, directory: &str) -> Vec<String> {
    match reader.list(Path::new(directory)) {
        Ok(entries) => entries.iter().map(|e| lossy(file_name(&e.path))).collect(),
        Err(error) => {
            part.refused("attached devices", &error);
            Vec::new()
        }
    }
}

/// The last part of the link `driver`.
fn driver(reader: &Reader<'_>, device: &str) -> Option<String> {
    let to = reader
        .disk()
        .read_link(Path::new(&format!("{device}/driver")))
        .ok()?;
    Some(lossy(file_name(&to)))
}

fn usb(reader: &mut Reader<'_>, part: &mut Part<'_>, found: &mut Vec<Attachment>) {
    let all = names(reader, part, USB);
    // `1-1.4` is a device, `1-1.4:1.0` one of its interfaces, `usb1` a hub of the kernel.
    for name in all
        .iter()
        .filter(|n| !n.contains(':') && !n.starts_with("usb"))
    {
        let at = format!("{USB}/{name}");
        let (Some(vendor), Some(product)) = (
            reader.word(&format!("{at}/idVendor")),
            reader.word(&format!("{at}/idProduct")),
        ) else {
            continue;
        };
        let mut device = Usb {
            vendor,
            product,
            name: reader.word(&format!("{at}/product")).unwrap_or_default(),
            classes: reader
                .word(&format!("{at}/bDeviceClass"))
                .into_iter()
                .collect(),
            drivers: Vec::new(),
        };
        let prefix = format!("{name}:");
        for interface in all.iter().filter(|n| n.starts_with(&prefix)) {
            let at = format!("{USB}/{interface}");
            device
                .classes
                .extend(reader.word(&format!("{at}/bInterfaceClass")));
            device.drivers.extend(driver(reader, &at));
        }
        let Some((role, maker)) = attached::usb(&device) else {
            continue;
        };
        let said = reader.word(&format!("{at}/manufacturer"));
        device.drivers.sort();
        device.drivers.dedup();
        found.push(Attachment {
            bus: "usb".to_owned(),
            role: role.to_owned(),
            number: Some(format!("{}:{}", device.vendor, device.product)),
            vendor: said.or(maker.map(str::to_owned)),
            product: Some(device.name).filter(|n| !n.is_empty()),
            driver: Some(device.drivers.join(", ")).filter(|d| !d.is_empty()),
            ..Attachment::default()
        });
    }
}

fn pci(reader: &mut Reader<'_>, part: &mut Part<'_>, found: &mut Vec<Attachment>) {
    for name in names(reader, part, PCI) {
        let at = format!("{PCI}/{name}");
        let mut number = |what: &str| {
            let word = reader.word(&format!("{at}/{what}"))?;
            Some(word.trim_start_matches("0x").to_owned())
        };
        let (Some(class), Some(vendor), Some(product)) =
            (number("class"), number("vendor"), number("device"))
        else {
            continue;
        };
        if let Some((role, maker)) = attached::pci(&class, &vendor, &product) {
            found.push(Attachment {
                bus: "pci".to_owned(),
                role: role.to_owned(),
                number: Some(format!("{vendor}:{product}")),
                vendor: maker.map(str::to_owned),
                product: None,
                driver: driver(reader, &at),
                ..Attachment::default()
            });
        }
    }
}

fn tapes(reader: &mut Reader<'_>, part: &mut Part<'_>, found: &mut Vec<Attachment>) {
    // `st0` has seven further names (`nst0`, `st0a`, …) for the same drive.
    let all = names(reader, part, TAPES);
    let drives = all.iter().filter(|n| {
        n.strip_prefix("st")
            .is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()))
    });
    for name in drives {
        let at = format!("{TAPES}/{name}/device");
        found.push(Attachment {
            bus: "scsi".to_owned(),
            role: "tape-drive".to_owned(),
            number: None,
            vendor: reader.word(&format!("{at}/vendor")),
            product: reader.word(&format!("{at}/model")),
            driver: driver(reader, &at),
            known_as: Some(format!("/dev/{name}").into()),
            ..Attachment::default()
        });
    }
}

fn configured(reader: &mut Reader<'_>, part: &mut Part<'_>, found: &mut Vec<Attachment>) {
    let mut read = |reader: &mut Reader<'_>, path: &str| match reader.read_if_there(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            part.refused("devices a configuration names", &error);
            None
        }
    };
    if let Some(bytes) = read(reader, "/etc/nut/ups.conf") {
        found.extend(parse::nut(&bytes, "/etc/nut/ups.conf"));
    }
    for (path, keys, role) in NAMING {
        if let Some(bytes) = read(reader, path) {
            found.extend(parse::devices(&bytes, keys, role, path));
        }
    }
    found.extend(printers::all(&mut |path| read(reader, path)));
    let backends = below(reader, "/etc/sane.d/dll.d");
    found.extend(scanners::all(&backends, &mut |path| read(reader, path)));
    let readers = below(reader, "/etc/reader.conf.d");
    for path in readers
        .iter()
        .map(String::as_str)
        .chain(["/etc/reader.conf"])
    {
        let bytes = read(reader, path).unwrap_or_default();
        found.extend(parse::card_readers(&bytes, path));
    }
    for directory in tunnels::PLACES {
        for path in below(reader, directory) {
            let bytes = read(reader, &path).unwrap_or_default();
            found.extend(tunnels::connection(&bytes, &path));
        }
    }
    for directory in ["/etc/hylafax", "/var/spool/hylafax/etc"] {
        for entry in reader.list(Path::new(directory)).unwrap_or_default() {
            // `config.ttyS0` belongs to the modem at `/dev/ttyS0`.
            let name = lossy(file_name(&entry.path));
            if let Some(device) = name
                .strip_prefix("config.")
                .filter(|d| d.starts_with("tty"))
            {
                found.push(Attachment {
                    bus: "serial".to_owned(),
                    role: "modem".to_owned(),
                    known_as: Some(format!("/dev/{device}").into()),
                    used_in: Some(entry.path.to_string_lossy().into_owned().into()),
                    ..Attachment::default()
                });
            }
        }
    }
    for directory in ["/etc/pkcs11/modules", "/usr/share/p11-kit/modules"] {
        for entry in reader.list(Path::new(directory)).unwrap_or_default() {
            let path = entry.path.to_string_lossy().into_owned();
            if let Some(bytes) = read(reader, &path).filter(|_| path.ends_with(".module")) {
                found.extend(parse::module(&bytes, &path));
            }
        }
    }
}

/// Regular files of a directory, by their paths, sorted.
fn below(reader: &mut Reader<'_>, directory: &str) -> Vec<String> {
    let entries = reader.list(Path::new(directory)).unwrap_or_default();
    let files = entries.iter().filter(|e| e.kind == EntryKind::File);
    let mut paths: Vec<String> = files
        .filter_map(|e| Some(e.path.to_str()?.to_owned()))
        .collect();
    paths.sort();
    paths
}

fn software(reader: &Reader<'_>, found: &mut Vec<Attachment>) {
    for (path, role, product) in SOFTWARE {
        if reader.disk().metadata(Path::new(path)).is_ok() {
            found.push(Attachment {
                bus: "software".to_owned(),
                role: (*role).to_owned(),
                product: Some((*product).to_owned()),
                known_as: Some((*path).into()),
                ..Attachment::default()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use groma_source::Recorder;
    use groma_source::testing::{FakeDisk, window, world};

    use super::*;

    fn look(disk: FakeDisk) -> Vec<String> {
        let world = world(disk);
        let window = window(&world);
        let mut recorder = Recorder::new(SourceName::new("host.attached"));
        AttachedSource::new(world).look(&window, &Budget::default(), &mut recorder);
        recorder.facts().map(Fact::says).collect()
    }

    fn device(
        disk: FakeDisk,
        at: &str,
        vendor: &str,
        product: &str,
        name: &str,
        class: &str,
    ) -> FakeDisk {
        disk.file(&format!("{USB}/{at}/idVendor"), format!("{vendor}\n"))
            .file(&format!("{USB}/{at}/idProduct"), format!("{product}\n"))
            .file(&format!("{USB}/{at}/product"), format!("{name}\n"))
            .file(&format!("{USB}/{at}/serial"), "SERIAL\n")
            .file(
                &format!("{USB}/{at}:1.0/bInterfaceClass"),
                format!("{class}\n"),
            )
    }

    #[test]
    fn a_dongle_and_a_tape_are_said_and_the_keyboard_is_not() {
        let disk = device(FakeDisk::new(), "1-1", "0529", "0001", "HASP HL 3.25", "ff");
        let disk = device(disk, "1-2", "046d", "c31c", "USB Keyboard", "03");
        let disk = device(disk, "usb1", "1d6b", "0002", "xHCI Host Controller", "09")
            .file("/sys/class/scsi_tape/st0/device/vendor", "HP      \n")
            .file(
                "/sys/class/scsi_tape/st0/device/model",
                "Ultrium 5-SCSI  \n",
            )
            .file(
                "/sys/class/scsi_tape/nst0/device/model",
                "Ultrium 5-SCSI  \n",
            )
            .file("/sys/bus/pci/devices/0000:00:02.0/class", "0x020000\n")
            .file("/sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n")
            .file("/sys/bus/pci/devices/0000:00:02.0/device", "0x100e\n");
        assert_eq!(
            look(disk),
            [
                "scsi HP Ultrium 5-SCSI (tape-drive) as /dev/st0",
                "usb Aladdin/Thales HASP, Sentinel HASP HL 3.25 (license-dongle)"
            ]
        );
    }

    #[test]
    fn a_machine_without_any_bus_says_nothing() {
        assert!(look(FakeDisk::new()).is_empty());
    }
}
