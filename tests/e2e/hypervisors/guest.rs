//! A virtual machine that is started, looked at from inside by the agent it holds, and gone again.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Far more than it takes: a machine without KVM that does many other things besides needs about ten seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a guest is known by.
pub(crate) struct Card {
    pub(crate) name: &'static str,
    pub(crate) uuid: &'static str,
    pub(crate) serial: &'static str,
    pub(crate) mac: &'static str,
    pub(crate) address: &'static str,
    pub(crate) machine_id: &'static str,
}

/// Where the parts are that a guest is made of.
pub(crate) struct Parts {
    /// See `tests/stages/guest.sh`.
    pub(crate) folder: PathBuf,
    pub(crate) agent: PathBuf,
}

impl Parts {
    /// All parts, or what is missing.
    pub(crate) fn found() -> Result<Self, String> {
        let named = |variable: &str| {
            std::env::var_os(variable)
                .map(PathBuf::from)
                .ok_or_else(|| format!("{variable} is not set; `tests/run e2e` sets it"))
        };
        let parts = Self {
            folder: named("GROMA_GUEST")?,
            agent: named("GROMA_AGENT_BIN")?,
        };
        if !parts.folder.join("busybox").exists() {
            return Err("no kernel for a virtual machine; `tests/run packages` fetches it".into());
        }
        if !parts.agent.exists() {
            return Err("GROMA_AGENT_BIN names a file that is not there".into());
        }
        if needs_a_loader(&parts.agent) {
            return Err("GROMA_AGENT_BIN needs shared libraries, which a guest does not have; `tests/run static` links it without".into());
        }
        // The batches of platforms are packed by the last one.
        for program in ["qemu-system-x86_64", "zstd"] {
            let there = Command::new(program).arg("--version").output();
            there.map_err(|_| {
                format!("{program} is not installed; `tests/run packages` installs it")
            })?;
        }
        Ok(parts)
    }
}

/// True for a program that the kernel cannot start alone. The loader's name stands in its first page.
fn needs_a_loader(program: &Path) -> bool {
    let bytes = std::fs::read(program).unwrap_or_default();
    let head = bytes.get(..4096).unwrap_or(&bytes);
    head.windows(8).any(|part| part == b"ld-linux")
}

/// A word for the kernel by which a guest shows no firmware, as micro-VMs have none.
pub(crate) const NO_FIRMWARE: &str = "initcall_blacklist=dmi_id_init";

/// Starts a guest of this card, its kernel with these words more, and waits until it switched itself off: the batch its
/// agent made.
pub(crate) fn looked_at_from_inside(
    parts: &Parts,
    card: &Card,
    kernel: &str,
    at: &Path,
) -> Vec<u8> {
    let initramfs = at.join("initramfs");
    std::fs::write(
        &initramfs,
        super::initramfs::build(&parts.folder, &parts.agent, card),
    )
    .unwrap();
    let (console, batch) = (at.join("console"), at.join("batch"));
    let log = std::fs::File::create(at.join("qemu")).unwrap();
    let started = Command::new("qemu-system-x86_64")
        .args(words(parts, card, kernel, &initramfs))
        .args(["-serial".to_owned(), file(&console)])
        .args(["-serial".to_owned(), file(&batch)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let ended = Running(started.expect("qemu starts")).wait();
    let mut said = String::new();
    for name in ["qemu", "console"] {
        let bytes = std::fs::read(at.join(name)).unwrap_or_default();
        let _ = writeln!(said, "--- {name}\n{}", String::from_utf8_lossy(&bytes));
    }
    let ended = ended.unwrap_or_else(|| panic!("the guest did not end by itself\n{said}"));
    assert!(ended.success(), "{ended}\n{said}");
    assert!(said.contains("groma: looked 0"), "{said}");
    let batch = std::fs::read(&batch).unwrap();
    assert!(!batch.is_empty(), "the agent said nothing\n{said}");
    batch
}

fn file(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// Megabytes a guest needs that starts from so many bytes: what is unpacked lies in memory beside what it was unpacked from.
pub(crate) fn memory(initramfs: usize) -> usize {
    192 + 2 * (initramfs >> 20)
}

/// A machine of software alone, so that it also runs where no KVM is; one card that leads nowhere; and nothing that makes
/// chance, of which it has none when it starts.
fn words(parts: &Parts, card: &Card, kernel: &str, initramfs: &Path) -> Vec<String> {
    let append = format!("console=ttyS0 quiet panic=-1 {kernel}");
    let kernel = parts.folder.join("vmlinuz");
    let size = std::fs::metadata(initramfs).unwrap().len();
    let memory = memory(size.try_into().unwrap());
    let firmware = format!("type=1,manufacturer=QEMU,serial={}", card.serial);
    let plugged = format!("virtio-net-pci,netdev=n0,mac={}", card.mac);
    [
        "-accel",
        "tcg",
        "-m",
        &memory.to_string(),
        "-display",
        "none",
        "-monitor",
        "none",
        "-no-reboot",
        "-nodefaults",
        "-kernel",
        &kernel.display().to_string(),
        "-initrd",
        &initramfs.display().to_string(),
        "-append",
        &append,
        "-uuid",
        card.uuid,
        "-smbios",
        &firmware,
        "-netdev",
        "user,id=n0,restrict=on",
        "-device",
        &plugged,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A process that does not outlive the test.
struct Running(Child);

impl Running {
    fn wait(mut self) -> Option<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(ended) = self.0.try_wait().expect("a child can be waited for") {
                return Some(ended);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it ended by itself there is nobody to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
