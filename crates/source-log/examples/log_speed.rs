//! How fast a mail log is read: `cargo run --release -p groma-source-log --example log_speed -- [MEGABYTES]`.
//!
//! Writes a Postfix log of 2,000 clients into a scratch directory, plain, gzip and zstd, reads it as the source does, and
//! counts its lines with ripgrep in the same minute. Prints medians of five rounds, in seconds of this thread on a
//! core: what other programs do meanwhile does not count.
//!
//! `-- ten [GIGABYTES]` writes ten gigabytes of it, mixed plain, gzip and zstd in rotated files, with forged and endless lines and
//! a sender that stands in the oldest file alone, reads that in a process of its own, and says how fast, in how much memory, and
//! whether the sender was found. It takes half as much room on the disk (`TMPDIR`). `-- facts DIRECTORY` prints what `var/log`
//! below it tells, to compare two ways of reading.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for whoever measures"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Recorder, Source, Space, Stop,
    Window, World,
};
use groma_source_log::LogSource;

#[path = "log_speed/ten.rs"]
mod ten;

const ROUNDS: usize = 5;

/// The scratch directory as `/var/log`.
struct Scratch {
    disk: Arc<dyn Disk>,
    root: PathBuf,
}

impl Scratch {
    fn outside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
}

impl Disk for Scratch {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.disk.read(&self.outside(path), limit)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.disk.open(&self.outside(path))
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let mut entries = self.disk.list(&self.outside(path), limit)?;
        for entry in &mut entries {
            let inside = entry.path.strip_prefix(&self.root).unwrap_or(&entry.path);
            entry.path = Path::new("/").join(inside);
        }
        Ok(entries)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.disk.metadata(&self.outside(path))
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.disk.read_link(&self.outside(path))
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.disk.space(&self.outside(path))
    }
}

/// One mail in the seven lines Postfix writes about it.
pub(crate) fn mail(out: &mut String, month: &str, n: usize) {
    let (day, hour, minute, second) = (1 + n / 86_400 % 28, n / 3_600 % 24, n / 60 % 60, n % 60);
    let client = format!(
        "app{}.corp.example[10.{}.{}.{}]",
        n % 2_000,
        n % 4,
        n / 4 % 5,
        n / 20 % 100
    );
    let (process, queue) = (1_000 + n % 40, format!("{:011X}", n * 7_919));
    let mut line = |program: &str, text: String| {
        writeln!(out, "{month} {day:2} {hour:02}:{minute:02}:{second:02} mail1 postfix/{program}[{process}]: {text}").unwrap();
    };
    line("smtpd", format!("connect from {client}"));
    line(
        "smtpd",
        format!(
            "{queue}: client={client}, sasl_method=PLAIN, sasl_username=svc{}",
            n % 50
        ),
    );
    line(
        "cleanup",
        format!("{queue}: message-id=<{queue}.{n}@corp.example>"),
    );
    line(
        "qmgr",
        format!(
            "{queue}: from=<scan{}@corp.example>, size={}, nrcpt=1 (queue active)",
            n % 90,
            900 + n % 70_000
        ),
    );
    line(
        "smtp",
        format!(
            "{queue}: to=<a{n}@corp.example>, relay=mx.corp.example[10.9.9.9]:25, delay=0.4, delays=0.1/0/0.1/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {queue})"
        ),
    );
    line("qmgr", format!("{queue}: removed"));
    line(
        "smtpd",
        format!(
            "disconnect from {client} ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8"
        ),
    );
}

fn write(root: &Path, megabytes: usize) -> u64 {
    std::fs::create_dir_all(root.join("var/log")).unwrap();
    let mut file = std::fs::File::create(root.join("var/log/mail.log")).unwrap();
    let (mut written, mut n) = (0_u64, 0);
    while written < (megabytes as u64) << 20 {
        let mut text = String::new();
        for _ in 0..1_000 {
            mail(&mut text, "Nov", n);
            n += 1;
        }
        file.write_all(text.as_bytes()).unwrap();
        written += text.len() as u64;
    }
    written
}

fn look(root: &Path) -> usize {
    looked(root).facts().count()
}

pub(crate) fn looked(root: &Path) -> Recorder {
    let real = groma_sys::this_machine(true);
    let disk = Scratch {
        disk: real.disk.clone(),
        root: root.to_owned(),
    };
    let world = World {
        disk: Arc::new(disk),
        ..real
    };
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(3_600),
    );
    let mut recorder = Recorder::new(LogSource::new(world.clone()).name());
    LogSource::new(world).look(&window, &Budget::default(), &mut recorder);
    recorder
}

/// Every record as JSON, in order: what two ways of reading must agree on.
fn told(root: &Path) -> String {
    let recorder = looked(root);
    let records = recorder
        .records
        .iter()
        .map(|record| format!("{:?}\n", record.said));
    let mut lines: Vec<String> = records.collect();
    lines.sort();
    lines.concat()
}

/// Seconds this thread was on a core.
pub(crate) fn on_core() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|n| n.parse().ok());
    nanos.unwrap_or(0.0) / 1e9
}

/// Seconds programs this one started were on a core, in hundredths.
pub(crate) fn children_on_core() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default();
    let ticks = |n: usize| {
        fields
            .split_whitespace()
            .nth(n)
            .and_then(|t| t.parse().ok())
    };
    (ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / 100.0
}

fn median(clock: fn() -> f64, mut once: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begin = clock();
            once();
            clock() - begin
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(ROUNDS / 2).copied().unwrap_or_default()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [word, root] if word == "facts" => return print!("{}", told(Path::new(root))),
        [word, root, bytes] if word == "read" => {
            let found = ten::read(Path::new(root), bytes.parse().unwrap());
            std::process::exit(i32::from(!found));
        }
        [word, root, megabytes] if word == "write" => {
            write(Path::new(root), megabytes.parse().unwrap());
            return;
        }
        [word, rest @ ..] if word == "ten" => {
            let gigabytes = rest.first().map_or(10.0, |text| text.parse().unwrap());
            return ten::run(gigabytes);
        }
        _ => {}
    }
    let megabytes = arguments.first().and_then(|n| n.parse().ok());
    let megabytes = megabytes.unwrap_or(512);
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let bytes = write(root, megabytes) as f64 / 1e6;
    let log = root.join("var/log/mail.log");
    let mut uses = 0;
    let plain = median(on_core, || uses = look(root));
    let ripgrep = median(children_on_core, || {
        let mut command = Command::new("rg");
        command
            .args(["-c", "-j1", "--no-config", "client=[^ ]*"])
            .arg(&log);
        let _ = command.stdout(Stdio::null()).status();
    });
    println!(
        "plain: {bytes:.0} MB, {uses} uses, {:.0} MB/s; rg -c on the same bytes {:.0} MB/s",
        bytes / plain,
        bytes / ripgrep
    );
    for (program, ending) in [("gzip", "gz"), ("zstd", "zst")] {
        let name = root.join(format!("var/log/mail.log.2.{ending}"));
        let out = std::fs::File::create(&name).unwrap();
        let mut command = Command::new(program);
        command.args(["-1", "-q", "-c"]).arg(&log).stdout(out);
        let is_packed = command.status().is_ok_and(|status| status.success());
        let aside = root.join("mail.log");
        std::fs::rename(&log, &aside).unwrap();
        if is_packed {
            let packed = median(on_core, || uses = look(root));
            println!(
                "{program}: {uses} uses, {:.0} MB/s of plain text",
                bytes / packed
            );
        }
        std::fs::rename(&aside, &log).unwrap();
        std::fs::remove_file(&name).unwrap();
    }
    println!("peak memory: {}", peak());
}

/// The most memory this process had, as the system says it.
pub(crate) fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    peak.unwrap_or("unknown").to_owned()
}
