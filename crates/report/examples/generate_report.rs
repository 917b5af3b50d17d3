//! Writes a report of a made-up estate, and what each format cost.
//!
//!     cargo run --release -p groma-report --example generate_report -- 10000 200000 report.html
//!     cargo run --release -p groma-report --example generate_report -- office|devices|single report.html
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints and reads the clock"
)]

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::time::Instant;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (inventory, path) = match words.as_slice() {
        ["office", path] => (sample::office(), *path),
        ["devices", path] => {
            let inventory = sample::devices();
            let sheet = groma_report::device_sheet(&inventory);
            std::fs::write(format!("{path}.sheet.html"), sheet).expect("the path can be written");
            (inventory, *path)
        }
        ["single", path] => (sample::single(), *path),
        [hosts, dependencies, path] => {
            let number = |text: &str| {
                text.parse()
                    .expect("a number of hosts, then of dependencies")
            };
            (sample::large(number(hosts), number(dependencies)), *path)
        }
        _ => {
            panic!(
                "usage: generate_report HOSTS DEPENDENCIES PATH, or office PATH, devices PATH, single PATH"
            )
        }
    };
    println!(
        "{} entities, {} dependencies",
        inventory.entities.len(),
        inventory.dependencies.len()
    );
    let html = timed("html", || groma_report::html(&inventory));
    timed("markdown", || groma_report::markdown(&inventory));
    timed("csv", || groma_report::csv(&inventory));
    timed("json", || groma_report::json(&inventory));
    let summary = timed("summary", || groma_report::summary(&inventory).to_string());
    std::fs::write(path, html).expect("the path can be written");
    println!("\n{summary}");
}

fn timed(format: &str, make: impl FnOnce() -> String) -> String {
    let begin = Instant::now();
    let text = make();
    println!(
        "{format:9} {:>8.1} ms {:>8.2} MB",
        begin.elapsed().as_secs_f64() * 1e3,
        text.len() as f64 / 1e6
    );
    text
}
