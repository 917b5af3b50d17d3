//! Writes the workbook of a made-up estate, and what it cost.
//!
//!     cargo run --release -p groma-workbook --example large_workbook -- 10000 200000 estate.xlsx
//!     cargo run --release -p groma-workbook --example large_workbook -- office estate.xlsx
//!     cargo run --release -p groma-workbook --example large_workbook -- from inventory.json estate.xlsx
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints, reads the clock and writes a file"
)]

#[path = "../../report/tests/sample/mod.rs"]
mod sample;

use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| {
        text.parse()
            .expect("a number of hosts, then of dependencies")
    };
    let (inventory, path) = match words.as_slice() {
        ["office", path] => (sample::office(), *path),
        ["devices", path] => (sample::devices(), *path),
        ["from", document, path] => {
            let json = std::fs::read_to_string(document).expect("the document can be read");
            let inventory = serde_json::from_str(&json).expect("an inventory document");
            (inventory, *path)
        }
        [hosts, dependencies, path] => (sample::large(number(hosts), number(dependencies)), *path),
        _ => {
            panic!("usage: large_workbook HOSTS DEPENDENCIES PATH, or office PATH, from JSON PATH")
        }
    };
    let before = peak_mib();
    let begin = Instant::now();
    let bytes = groma_workbook::workbook(&inventory).expect("the estate fits into a workbook");
    println!(
        "{} entities, {} dependencies: {:.1} s, {} MiB peak ({before} MiB of it the estate), {:.1} MB",
        inventory.entities.len(),
        inventory.dependencies.len(),
        begin.elapsed().as_secs_f64(),
        peak_mib(),
        bytes.len() as f64 / 1e6,
    );
    std::fs::write(path, bytes).expect("the path can be written");
}

/// The most memory this process ever held, in MiB; 0 where the system does not tell.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
