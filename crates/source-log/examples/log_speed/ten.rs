//! The log of a mail server of half a year, mixed plain and packed, and what is found in it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// The sender of one mail in the oldest file.
pub(crate) const MONTHLY: &str = "10.77.0.5";
/// Whom no line is of, and some speak of.
pub(crate) const FORGED: &str = "10.66.6.6";

/// How a file is kept.
#[derive(Clone, Copy)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// Name, packing, share of the text in percent, month, and the first of the next month in 2026 in seconds.
const FILES: &[(&str, Packing, u64, &str, u64)] = &[
    ("mail.log", Packing::Plain, 20, "Oct", 1_793_491_200),
    ("mail.log.1", Packing::Plain, 20, "Sep", 1_790_812_800),
    ("mail.log.2.gz", Packing::Gzip, 20, "Aug", 1_788_220_800),
    ("mail.log.3.zst", Packing::Zstd, 20, "Jul", 1_785_542_400),
    (
        "mail.log-20260630.gz",
        Packing::Gzip,
        10,
        "Jun",
        1_782_864_000,
    ),
    (
        "mail.log-20260531.zst",
        Packing::Zstd,
        10,
        "May",
        1_780_272_000,
    ),
];
/// After so many mails comes one that lies.
const LIES_EVERY: usize = 1_000;
/// After so many lies comes a line that is too long.
const LONG_EVERY: usize = 200;
const LONG: usize = 1 << 20;

fn lie(out: &mut Vec<u8>, month: &str, n: usize) {
    let forged = format!(
        "x {month}  1 00:00:00 mail1 postfix/smtpd[1]: ABCDEF1: client=liar[{FORGED}], sasl_method=PLAIN, sasl_username=liar"
    );
    writeln!(
        out,
        "{month} 28 00:00:00 mail1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[10.3.0.66]: 554 5.7.1 <{forged}>: Relay access denied; from=<{forged}@evil.example> to=<a@b.example> proto=ESMTP helo=<liar>"
    )
    .unwrap();
    out.extend_from_slice(b"\xc4hnlich: client=liar[10.66.6.6]\n");
    if n.is_multiple_of(LIES_EVERY * LONG_EVERY) {
        writeln!(
            out,
            "{month} 28 00:00:00 mail1 postfix/smtpd[7]: {}: client=liar[{FORGED}]",
            "A".repeat(LONG)
        )
        .unwrap();
    }
}

/// Writes `bytes` of text; the last file holds the one mail of a sender that comes once.
fn text(out: &mut dyn Write, month: &str, bytes: u64, monthly: bool) -> u64 {
    let (mut written, mut n) = (0, 0);
    while written < bytes {
        let mut block = String::new();
        for _ in 0..LIES_EVERY {
            crate::mail(&mut block, month, n);
            n += 1;
        }
        if monthly && n == 10 * LIES_EVERY {
            block.push_str(&format!(
                "{month}  1 03:00:00 mail1 postfix/smtpd[9]: connect from meter1.corp.example[{MONTHLY}]\n\
                 {month}  1 03:00:00 mail1 postfix/smtpd[9]: 4DMETER1: client=meter1.corp.example[{MONTHLY}], sasl_method=LOGIN, sasl_username=svc-meter\n\
                 {month}  1 03:00:00 mail1 postfix/qmgr[3]: 4DMETER1: from=<meter@corp.example>, size=900, nrcpt=1 (queue active)\n\
                 {month}  1 03:00:01 mail1 postfix/smtp[4]: 4DMETER1: to=<a@b.example>, relay=mx.corp.example[10.9.9.9]:25, delay=0.4, delays=0.1/0/0.1/0.2, dsn=2.0.0, status=sent (250 Ok)\n\
                 {month}  1 03:00:01 mail1 postfix/qmgr[3]: 4DMETER1: removed\n\
                 {month}  1 03:00:01 mail1 postfix/smtpd[9]: disconnect from meter1.corp.example[{MONTHLY}] ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6\n"
            ));
        }
        let mut block = block.into_bytes();
        lie(&mut block, month, n);
        out.write_all(&block).unwrap();
        written += block.len() as u64;
    }
    written
}

/// Writes all files below `root`, and says how much text that is.
fn write(root: &Path, bytes: u64) -> (u64, Vec<PathBuf>) {
    let folder = root.join("var/log");
    std::fs::create_dir_all(&folder).unwrap();
    let mut all = 0;
    let mut paths = Vec::new();
    for (place, (name, packing, share, month, modified)) in FILES.iter().enumerate() {
        let path = folder.join(name);
        let file = File::create(&path).unwrap();
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let (bytes, monthly) = (bytes * share / 100, place + 1 == FILES.len());
        all += match packing {
            Packing::Plain => text(&mut out, month, bytes, monthly),
            Packing::Gzip => {
                let mut packed =
                    flate2::write::GzEncoder::new(&mut out, flate2::Compression::new(6));
                let written = text(&mut packed, month, bytes, monthly);
                packed.finish().unwrap();
                written
            }
            Packing::Zstd => {
                let mut packed = zstd::stream::write::Encoder::new(&mut out, 3).unwrap();
                let written = text(&mut packed, month, bytes, monthly);
                packed.finish().unwrap();
                written
            }
        };
        let file = out.into_inner().unwrap();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(*modified);
        file.set_modified(modified).unwrap();
        paths.push(path);
    }
    (all, paths)
}

/// Seconds ripgrep takes for the same lines, on one core; where it is not there, `None`.
fn ripgrep(paths: &[PathBuf]) -> Option<f64> {
    let begin = (crate::children_on_core(), Instant::now());
    let mut command = Command::new("rg");
    command.args(["-z", "-c", "-j1", "--no-config", "client=[^ ]*"]);
    let status = command.args(paths).stdout(Stdio::null()).status();
    status.ok()?;
    Some(crate::children_on_core() - begin.0)
}

/// Writes the log into a scratch directory, reads it in a process of its own, and says what came of it.
pub(crate) fn run(gigabytes: f64) {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let (bytes, paths) = write(root, (gigabytes * 1e9) as u64);
    let on_disk: u64 = paths
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    println!(
        "{:.2} GB of text in {} files, {:.2} GB on disk",
        bytes as f64 / 1e9,
        paths.len(),
        on_disk as f64 / 1e9
    );
    let own = std::env::current_exe().unwrap();
    let mut child = Command::new(own);
    let status = child.arg("read").arg(root).arg(bytes.to_string()).status();
    assert!(status.unwrap().success(), "what was asked for is not there");
    if let Some(seconds) = ripgrep(&paths) {
        println!(
            "rg -z -c -j1 on the same files: {:.0} MB/s of plain text, its unpackers included",
            bytes as f64 / 1e6 / seconds
        );
    }
}

/// Reads what lies below `root`, in this process alone, and says how fast and what of it was found.
pub(crate) fn read(root: &Path, bytes: u64) -> bool {
    let (begin, wall) = (crate::on_core(), Instant::now());
    let recorder = crate::looked(root);
    let (seconds, wall) = (crate::on_core() - begin, wall.elapsed().as_secs_f64());
    println!(
        "{} uses, {:.0} MB/s of plain text per core ({seconds:.1} s on a core, {wall:.1} s by the clock)",
        recorder.facts().count(),
        bytes as f64 / 1e6 / seconds
    );
    println!("peak memory: {}", crate::peak());
    for record in &recorder.records {
        let said = format!("{:?}", record.said);
        if said.contains("/var/log/mail.log") && !said.starts_with("Saw") {
            println!("{said}");
        }
    }
    let told: Vec<String> = recorder.facts().map(|fact| fact.says()).collect();
    let has = |text: &str| told.iter().any(|says| says.contains(text));
    let (monthly, forged) = (has(MONTHLY), has(FORGED));
    println!(
        "the monthly sender: {}",
        if monthly { "there" } else { "MISSING" }
    );
    println!(
        "the forged sender: {}",
        if forged { "BELIEVED" } else { "not believed" }
    );
    monthly && !forged
}
