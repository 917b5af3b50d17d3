//! `host.system`: who the machine is, what it runs, what it is made of.

mod key_values;
pub(crate) mod machine;
mod parse;
mod virtualization;

use std::path::Path;

use groma_model::fact::{
    Disk as BlockDevice, Hardware, HostIdentity, Measurement, OperatingSystem,
};
use groma_model::{Fact, Foreign, Reason, Scope, SourceName};
use groma_source::{Budget, DiskError, Explanation, Sink, Source, Window, World};

pub use machine::Machine;

use crate::part::{BE_ROOT, Part};
use crate::reader::{Reader, file_name};
use crate::text::lossy;
use virtualization::Signs;

const DMI: &str = "/sys/class/dmi/id";

/// Identity, operating system, hardware and free memory of this machine.
pub struct SystemSource {
    world: World,
    machine: fn() -> Machine,
}

impl SystemSource {
    /// A source on `world`; kernel, processors and memory come from the machine it runs on.
    pub fn new(world: World) -> Self {
        Self {
            world,
            machine: machine::this_machine,
        }
    }

    /// The same with another way to know the machine, for a world that is made up.
    pub fn with_machine(world: World, machine: fn() -> Machine) -> Self {
        Self { world, machine }
    }
}

impl Source for SystemSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.system")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells who this machine is, what it runs and what it is made of.".into(),
            reads: words(&[
                "/etc/localtime (where it leads), /etc/timezone, /etc/sysconfig/clock",
                "/etc/os-release, /usr/lib/os-release, /etc/machine-id, /var/lib/dbus/machine-id, /etc/hostname, /etc/hosts",
                "/proc/sys/kernel/hostname, /proc/cpuinfo, /proc/stat, /proc/meminfo, /proc/1/cgroup, /proc/self/mountinfo, /proc/xen/capabilities",
                "/sys/class/dmi/id (maker, product, firmware, serial, UUID), /sys/block, /sys/class/net/*/address, /sys/hypervisor, /sys/bus/virtio/devices, the kernel's clock sources, and where those lead (/sys/devices)",
                "/etc/ssh/ssh_host_*_key.pub (public halves only)",
                "/var/lib/hyperv/.kvp_pool_3, in which Hyper-V tells its guest the names of the host and of the guest",
                "whether /.dockerenv, /run/.containerenv and /run/systemd/container are there",
            ]),
            contacts: Vec::new(),
            sends: words(&[
                "host name, qualified name, machine id, SMBIOS UUID, serial, MAC addresses of physical-looking interfaces, SSH host key fingerprints",
                "distribution, version, kernel, architecture, kind of virtualisation, time zone, when it was started",
                "maker, product, firmware, processor, memory, disks with model and size; memory available now",
            ]),
            never_sends: words(&[
                "private keys (never opened)",
                "the environment of any process",
                "the hosts file itself",
            ]),
            rights: words(&[
                "none for most; without root the serial and the SMBIOS UUID are missing, and the gap says so",
            ]),
            cost: "about sixty small reads from /proc and /sys, a few milliseconds".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let machine = (self.machine)();
        let signs = signs(&mut reader);
        look_at_identity(window, sink, &mut reader, &signs);
        look_at_system(window, sink, &mut reader, &machine, &signs);
        look_at_hardware(window, sink, &mut reader, &machine, &signs);
        look_at_boot(window, sink, &mut reader);
        let mut part = Part::begin(window, sink, Scope::new("host", "memory"));
        if machine.memory_bytes > 0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a measurement is a floating number; memory stays below 2^53 bytes"
            )]
            let value = machine.memory_available_bytes as f64;
            part.saw(Fact::Measurement(Measurement {
                metric: "memory_available_bytes".into(),
                subject: "memory".into(),
                value,
            }));
        } else {
            part.missed("memory", Reason::NotPresent);
        }
        part.close();
    }
}

fn signs(reader: &mut Reader<'_>) -> Signs {
    let stands = |reader: &Reader<'_>, path: &str| reader.disk().metadata(Path::new(path)).is_ok();
    let first_domain = reader
        .word("/proc/xen/capabilities")
        .is_some_and(|w| w.contains("control_d"));
    Signs {
        container_word: reader.word("/run/systemd/container"),
        container_mark: stands(reader, "/.dockerenv") || stands(reader, "/run/.containerenv"),
        first_cgroup: reader.word("/proc/1/cgroup").unwrap_or_default(),
        mounts: reader
            .read_if_there("/proc/self/mountinfo")
            .ok()
            .flatten()
            .unwrap_or_default(),
        vendor: reader
            .word(&format!("{DMI}/sys_vendor"))
            .unwrap_or_default(),
        product: reader
            .word(&format!("{DMI}/product_name"))
            .unwrap_or_default(),
        firmware: reader
            .word(&format!("{DMI}/bios_vendor"))
            .unwrap_or_default(),
        hypervisor: reader
            .word("/sys/hypervisor/type")
            .filter(|_| !first_domain)
            .unwrap_or_default(),
        clocks: reader
            .word("/sys/devices/system/clocksource/clocksource0/available_clocksource")
            .unwrap_or_default(),
        hypervisor_flag: reader
            .read_if_there("/proc/cpuinfo")
            .ok()
            .flatten()
            .is_some_and(|b| virtualization::hypervisor_flag(&b)),
        virtio: reader
            .list(Path::new("/sys/bus/virtio/devices"))
            .is_ok_and(|devices| !devices.is_empty()),
    }
}

fn look_at_identity(window: &Window, sink: &mut dyn Sink, reader: &mut Reader<'_>, signs: &Signs) {
    let mut part = Part::begin(window, sink, Scope::new("host", "identity"));
    let host_name = match reader.read_if_there("/proc/sys/kernel/hostname") {
        Ok(Some(bytes)) if !bytes.trim_ascii().is_empty() => bytes.trim_ascii().to_vec(),
        _ => reader
            .word("/etc/hostname")
            .unwrap_or_default()
            .into_bytes(),
    };
    if host_name.is_empty() {
        part.missed("host name", Reason::NotPresent);
    }
    let hosts = reader.read_if_there("/etc/hosts").unwrap_or_else(|error| {
        part.refused("qualified name", &error);
        None
    });
    let machine_id = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| parse::machine_id(&reader.word(path)?));
    let in_container = virtualization::in_container(signs);
    // A container sees the firmware of the machine it shares: that is not its own identity.
    let own_firmware = !in_container;
    // A guest that was carried to another platform keeps the file, and it speaks of the old one.
    let on_hyper_v = own_firmware && signs.vendor.starts_with("Microsoft Corporation");
    let told = match on_hyper_v {
        true => told_by_host(&mut part, reader),
        false => key_values::Told::default(),
    };
    let identity = HostIdentity {
        qualified_name: parse::qualified_name(
            &lossy(&host_name),
            hosts.as_deref().unwrap_or_default(),
        ),
        host_name: Foreign::from_bytes(host_name),
        machine_id,
        smbios_uuid: firmware_secret(&mut part, reader, "product_uuid", own_firmware)
            .and_then(|t| parse::uuid(&t))
            // A guest of Xen without firmware of its own.
            .or_else(|| {
                parse::uuid(
                    &reader
                        .word("/sys/hypervisor/uuid")
                        .filter(|_| own_firmware)?,
                )
            }),
        serial: ["product_serial", "board_serial"].iter().find_map(|file| {
            parse::firmware_text(&firmware_secret(&mut part, reader, file, own_firmware)?)
        }),
        macs: macs(&mut part, reader),
        ssh_host_keys: ssh_host_keys(&mut part, reader),
        directory_sid: None,
        in_container,
        carried_by: told.host,
        guest_id: told.guest.and_then(|id| parse::uuid(&id)),
    };
    part.saw(Fact::Identity(identity));
    part.close();
}

/// What Hyper-V tells its guest. Other machines have no such file.
fn told_by_host(part: &mut Part<'_>, reader: &mut Reader<'_>) -> key_values::Told {
    match reader.read_if_there(key_values::POOL) {
        Ok(bytes) => key_values::told(&bytes.unwrap_or_default()),
        Err(error) => {
            part.refused("what the host tells its guest", &error);
            key_values::Told::default()
        }
    }
}

/// A DMI file only root may read. Its absence is normal: micro-VMs and most ARM boards have no DMI.
fn firmware_secret(
    part: &mut Part<'_>,
    reader: &mut Reader<'_>,
    file: &str,
    wanted: bool,
) -> Option<String> {
    if !wanted {
        return None;
    }
    match reader.read_if_there(&format!("{DMI}/{file}")) {
        Ok(bytes) => bytes.map(|b| lossy(b.trim_ascii())),
        Err(error) => {
            part.missed_with(format!("{file} of the firmware"), error.reason, BE_ROOT);
            None
        }
    }
}

fn macs(part: &mut Part<'_>, reader: &mut Reader<'_>) -> Vec<String> {
    let interfaces = reader
        .list(Path::new("/sys/class/net"))
        .unwrap_or_else(|error| {
            part.refused("MAC addresses", &error);
            Vec::new()
        });
    let (mut with_device, mut by_name) = (Vec::new(), Vec::new());
    for interface in interfaces {
        let at = interface.path.to_string_lossy().into_owned();
        if reader.word(&format!("{at}/type")).as_deref() != Some("1") {
            continue;
        }
        // A port of a bond wears the bond's address; its own stands beside.
        let own = reader
            .word(&format!("{at}/bonding_slave/perm_hwaddr"))
            .or_else(|| reader.word(&format!("{at}/address")));
        let Some(mac) = own.and_then(|text| parse::mac(&text)) else {
            continue;
        };
        let name = file_name(&interface.path);
        if reader
            .disk()
            .metadata(&interface.path.join("device"))
            .is_ok()
        {
            with_device.push(mac);
        } else if name.starts_with(b"eth") || name.starts_with(b"en") {
            by_name.push(mac);
        }
    }
    let mut macs = if with_device.is_empty() {
        by_name
    } else {
        with_device
    };
    if macs.iter().any(|mac| !parse::is_locally_administered(mac)) {
        macs.retain(|mac| !parse::is_locally_administered(mac));
    }
    macs.sort();
    macs.dedup();
    macs
}

fn ssh_host_keys(part: &mut Part<'_>, reader: &mut Reader<'_>) -> Vec<String> {
    let entries = reader.list(Path::new("/etc/ssh")).unwrap_or_else(|error| {
        part.refused("SSH host keys", &error);
        Vec::new()
    });
    let mut keys = Vec::new();
    for entry in entries {
        let name = file_name(&entry.path);
        if !(name.starts_with(b"ssh_host_") && name.ends_with(b"_key.pub")) {
            continue;
        }
        match reader.read(&entry.path) {
            Ok(read) => match parse::ssh_fingerprint(&read.bytes) {
                Some(key) => keys.push(key),
                None => part.refused(
                    "SSH host key",
                    &DiskError::because(&entry.path, Reason::Malformed),
                ),
            },
            Err(error) => part.refused("SSH host key", &error),
        }
    }
    keys.sort();
    keys
}

fn look_at_system(
    window: &Window,
    sink: &mut dyn Sink,
    reader: &mut Reader<'_>,
    machine: &Machine,
    signs: &Signs,
) {
    let mut part = Part::begin(window, sink, Scope::new("host", "system"));
    let mut release = None;
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        match reader.read_if_there(path) {
            Ok(Some(bytes)) => {
                release = Some(parse::release(&bytes));
                break;
            }
            Ok(None) => {}
            Err(error) => part.refused("distribution", &error),
        }
    }
    if release.is_none() {
        part.missed("distribution: no os-release file", Reason::NotPresent);
    }
    let release = release.unwrap_or_default();
    part.saw(Fact::OperatingSystem(OperatingSystem {
        family: "linux".into(),
        pretty_name: if release.pretty_name.is_empty() {
            "Linux".into()
        } else {
            release.pretty_name
        },
        id: release.id,
        version: release.version,
        kernel: machine.kernel.clone(),
        architecture: machine.architecture.clone(),
        virtualization: virtualization::kind(signs).map(str::to_owned),
        time_zone: time_zone(reader),
    }));
    part.close();
}

/// The zone of the wall clock: where `/etc/localtime` leads, else what distributions write beside it; without any
/// of them the clock is read as UTC. A plain copy of a zone's rules has no name.
fn time_zone(reader: &mut Reader<'_>) -> Option<String> {
    let localtime = Path::new("/etc/localtime");
    if let Ok(to) = reader.disk().read_link(localtime) {
        return parse::zone_of_link(&to.to_string_lossy());
    }
    let written = reader.word("/etc/timezone").or_else(|| {
        let clock = reader.word("/etc/sysconfig/clock")?;
        parse::zone_of_clock(&clock)
    });
    let unset = written.is_none() && reader.disk().metadata(localtime).is_err();
    written
        .and_then(|text| parse::zone_name(&text))
        .or_else(|| unset.then(|| "UTC".to_owned()))
}

/// When the kernel was started, by its own account: spans of timers count from there.
fn look_at_boot(window: &Window, sink: &mut dyn Sink, reader: &mut Reader<'_>) {
    let mut part = Part::begin(window, sink, Scope::new("host", "boot"));
    match reader.read_if_there("/proc/stat") {
        Ok(bytes) => {
            let booted = bytes.and_then(|bytes| parse::booted(&bytes));
            if let Some(value) = booted {
                part.saw(Fact::Measurement(Measurement {
                    metric: "booted_at_seconds".into(),
                    subject: "system".into(),
                    value,
                }));
            }
        }
        Err(error) => part.refused("when the machine was started", &error),
    }
    part.close();
}

fn look_at_hardware(
    window: &Window,
    sink: &mut dyn Sink,
    reader: &mut Reader<'_>,
    machine: &Machine,
    signs: &Signs,
) {
    let mut part = Part::begin(window, sink, Scope::new("host", "hardware"));
    let firmware = [
        Some(signs.firmware.clone()),
        reader.word(&format!("{DMI}/bios_version")),
    ];
    let firmware: Vec<String> = firmware
        .into_iter()
        .flatten()
        .filter_map(|text| parse::firmware_text(&text))
        .collect();
    let hardware = Hardware {
        vendor: parse::firmware_text(&signs.vendor),
        product: parse::firmware_text(&signs.product),
        firmware: (!firmware.is_empty()).then(|| firmware.join(" ")),
        firmware_date: reader.word(&format!("{DMI}/bios_date")),
        processor: machine.processor.clone(),
        processors: machine.processors,
        memory_bytes: machine.memory_bytes,
        disks: disks(&mut part, reader),
    };
    part.saw(Fact::Hardware(hardware));
    part.close();
}

/// Block devices that look like disks: not loops, memory disks, optical drives or what is composed of others.
fn disks(part: &mut Part<'_>, reader: &mut Reader<'_>) -> Vec<BlockDevice> {
    const COMPOSED: &[&[u8]] = &[
        b"loop", b"ram", b"zram", b"dm-", b"md", b"sr", b"fd", b"nbd", b"zd", b"drbd",
    ];
    let entries = reader
        .list(Path::new("/sys/block"))
        .unwrap_or_else(|error| {
            part.refused("disks", &error);
            Vec::new()
        });
    let mut disks = Vec::new();
    for entry in entries {
        let name = file_name(&entry.path);
        let at = entry.path.to_string_lossy().into_owned();
        if COMPOSED.iter().any(|start| name.starts_with(start))
            || reader.word(&format!("{at}/hidden")).as_deref() == Some("1")
        {
            continue;
        }
        // The size is in units of 512 bytes, whatever the device's own sectors are (sysfs-block).
        let sectors: u64 = reader
            .word(&format!("{at}/size"))
            .and_then(|size| size.parse().ok())
            .unwrap_or(0);
        if sectors > 0 {
            let model = reader
                .word(&format!("{at}/device/model"))
                .and_then(|text| parse::firmware_text(&text));
            disks.push(BlockDevice {
                name: lossy(name),
                model,
                bytes: sectors.saturating_mul(512),
            });
        }
    }
    disks
}
