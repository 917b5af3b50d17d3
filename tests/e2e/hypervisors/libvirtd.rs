//! The same guest, started by a real libvirtd, which is asked about it while it runs.

use std::path::Path;
use std::process::Command;

use super::guest::{Card, Parts, memory};

/// What the agent in the guest said, and what an agent said that asked the platform.
pub(crate) struct Looks {
    pub(crate) inside: Vec<u8>,
    pub(crate) outside: Vec<u8>,
}

/// What is missing for a libvirtd in a room of its own.
pub(crate) fn lack() -> Option<&'static str> {
    let does = |script: &str| {
        let done = Command::new("sh").args(["-c", script]).output();
        done.is_ok_and(|output| output.status.success())
    };
    match () {
        () if !does("unshare -m -n -u -p -f true") => {
            Some("namespaces cannot be made here; that needs root")
        }
        () if !does("command -v libvirtd && command -v virsh && command -v ip") => {
            Some("libvirtd, virsh or ip is not installed; `tests/run packages` installs them")
        }
        () => None,
    }
}

/// Starts a guest of this card by libvirt (`libvirtd.sh`), with a second one beside it that is off.
pub(crate) fn looked_at_from_both_sides(parts: &Parts, card: &Card, room: &Path) -> Looks {
    let initramfs = room.join("initramfs");
    let bytes = super::initramfs::build(&parts.folder, &parts.agent, card);
    std::fs::write(&initramfs, &bytes).unwrap();
    std::fs::write(
        room.join("shop.xml"),
        shop(parts, card, room, memory(bytes.len())),
    )
    .unwrap();
    std::fs::write(room.join("ledger.xml"), LEDGER).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/hypervisors/libvirtd.sh");
    let done = Command::new("timeout")
        .args(["-k", "5", "150", "unshare", "-m", "-n", "-u", "-p", "-f"])
        .args([
            "--kill-child",
            "--mount-proc",
            "--propagation",
            "private",
            "bash",
        ])
        .arg(script)
        .arg(room)
        .arg(&parts.agent)
        .output()
        .unwrap();
    let said = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    assert!(done.status.success(), "{}\n{}", said.concat(), done.status);
    let [inside, outside] = ["batch", "outside"].map(|name| std::fs::read(room.join(name)));
    Looks {
        inside: inside.unwrap(),
        outside: outside.unwrap(),
    }
}

fn shop(parts: &Parts, card: &Card, room: &Path, memory: usize) -> String {
    let (folder, room) = (parts.folder.display(), room.display());
    let Card {
        uuid, mac, serial, ..
    } = card;
    format!(
        "<domain type='qemu'>
  <name>shop-production</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>1</vcpu>
  <sysinfo type='smbios'><system><entry name='manufacturer'>QEMU</entry><entry name='serial'>{serial}</entry></system></sysinfo>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{folder}/vmlinuz</kernel>
    <initrd>{room}/initramfs</initrd>
    <cmdline>console=ttyS0 quiet panic=-1 stay</cmdline>
    <smbios mode='sysinfo'/>
  </os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='user'><mac address='{mac}'/><model type='virtio'/></interface>
    <serial type='file'><source path='{room}/console'/><target port='0'/></serial>
    <serial type='file'><source path='{room}/batch'/><target port='1'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"
    )
}

const LEDGER: &str = "<domain type='qemu'>
  <name>ledger1</name>
  <uuid>0d4c9a18-55e2-4b7f-8f60-7a2b9c1d3e4f</uuid>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <interface type='user'><mac address='52:54:00:5e:00:33'/><model type='virtio'/></interface>
  </devices>
</domain>
";
