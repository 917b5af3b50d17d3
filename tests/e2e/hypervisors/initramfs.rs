//! The file system a guest starts from: a busybox, the static agent, the modules of a network card, and a first process that
//! looks once. Written as the kernel reads it (`Documentation/driver-api/early-userspace/buffer-format.rst`, "newc").

use std::path::Path;

use super::guest::Card;

/// What the card needs of the kernel; whoever needs which of them first.
const MODULES: [&str; 8] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
];

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;
const DEVICE: u32 = 0o020_600;
const NOTHING: (u32, u32) = (0, 0);
const CONSOLE: (u32, u32) = (5, 1);

/// The whole file, out of what `tests/stages/guest.sh` put into `parts`, for a guest of this card.
pub(crate) fn build(parts: &Path, agent: &Path, card: &Card) -> Vec<u8> {
    let mut archive = Archive::default();
    for folder in [
        "bin", "dev", "etc", "modules", "proc", "run", "sys", "tmp", "var",
    ] {
        archive.put(folder, FOLDER, NOTHING, b"");
    }
    archive.put("dev/console", DEVICE, CONSOLE, b"");
    archive.put(
        "bin/busybox",
        PROGRAM,
        NOTHING,
        &read(&parts.join("busybox")),
    );
    archive.put("bin/sh", LINK, NOTHING, b"busybox");
    archive.put("bin/groma-agent", PROGRAM, NOTHING, &read(agent));
    archive.put("init", PROGRAM, NOTHING, include_bytes!("init"));
    for module in MODULES {
        let file = format!("modules/{module}.ko");
        archive.put(&file, FILE, NOTHING, &read(&parts.join(&file)));
    }
    for (file, line) in [
        ("modules/order", MODULES.join("\n")),
        ("etc/hostname", card.name.to_owned()),
        ("etc/machine-id", card.machine_id.to_owned()),
        ("etc/address", format!("{}/24", card.address)),
    ] {
        archive.put(file, FILE, NOTHING, format!("{line}\n").as_bytes());
    }
    archive.end()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Members one behind the other; each name and each content ends at a multiple of four bytes.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    members: usize,
}

impl Archive {
    fn put(&mut self, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.members += 1;
        let [ino, size, name_size] = [self.members, content.len(), name.len() + 1];
        self.bytes.extend_from_slice(b"070701");
        let fields = [
            u32::try_from(ino).unwrap(),
            mode,
            0, // uid
            0, // gid
            1, // links
            0, // mtime
            u32::try_from(size).unwrap(),
            0, // the device it lay on
            0,
            device.0,
            device.1,
            u32::try_from(name_size).unwrap(),
            0, // no checksum
        ];
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn end(mut self) -> Vec<u8> {
        self.put("TRAILER!!!", 0, NOTHING, b"");
        self.bytes
    }
}
