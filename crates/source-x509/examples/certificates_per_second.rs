//! How many certificates the source reads in one second of one core.
//!
//! `cargo run --release -p groma-source-x509 --example certificates_per_second -- DIRECTORY…`: every file of those
//! directories that holds a certificate is put, under as many names as it takes, into a made-up disk in memory; then
//! the whole source looks at it, with one thread. What is counted is processor time of the look: listing, reading,
//! decoding, parsing, hashing, comparing with keys, and saying each fact.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program that prints a figure"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use groma_model::Fact;
use groma_source::testing::{FakeDisk, window, world};
use groma_source::{Budget, Recorder, Source};
use groma_source_x509::CertificateFiles;

/// Files looked at, at least.
const FILES_MIN: usize = 20_000;

fn main() {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for directory in std::env::args_os().skip(1) {
        let entries = std::fs::read_dir(PathBuf::from(directory)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let bytes = paths.iter().filter_map(|path| std::fs::read(path).ok());
        contents.extend(bytes.filter(|b| {
            b.windows(17).any(|w| w == b"BEGIN CERTIFICATE") || b.starts_with(&[0x30, 0x82])
        }));
    }
    assert!(!contents.is_empty(), "name a directory with certificates");
    let mut disk = FakeDisk::new();
    for number in 0..FILES_MIN.max(contents.len()) {
        let directory = number / 500;
        let path = format!("/srv/tls/{directory}/{number}.crt");
        disk = disk.file(&path, contents[number % contents.len()].clone());
    }
    let world = world(disk);
    let budget = Budget {
        entries_max: u64::MAX,
        total_bytes_max: u64::MAX,
        observations_max: u64::MAX,
        ..Budget::default()
    };
    let mut source = CertificateFiles::new(world.clone());
    let mut recorder = Recorder::new(source.name());
    let before = processor_seconds();
    source.look(&window(&world), &budget, &mut recorder);
    let seconds = processor_seconds() - before;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for fact in recorder.facts() {
        if let Fact::Certificate(sighting) = fact {
            let certificate = &sighting.certificate;
            let kind = format!("{} {}", certificate.key_algorithm, certificate.key_bits);
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let total: usize = kinds.values().sum();
    for (kind, count) in &kinds {
        println!("{count:>8} {kind}");
    }
    println!(
        "{total} certificates in {seconds:.2} s of processor time: {:.0} per second and core ({} different files)",
        total as f64 / seconds,
        contents.len()
    );
}

/// Processor time this process has used (proc(5): fields 14 and 15 of `stat`, in hundredths of a second).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks: f64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}
