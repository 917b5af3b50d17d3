//! Writes a report of a made-up estate, and what each format cost.
//!
//!     cargo run --release -p groma-report --example generate_report -- 10000 200000 report.html
//!     cargo run --release -p groma-report --example generate_report -- office|moving|devices|guests|single report.html
//!     cargo run --release -p groma-report --example generate_report -- document inventory.json report.html
//!     cargo run --release -p groma-report --example generate_report -- sheets report.html    (questionnaires and the register beside it)
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
        ["moving", path] => (sample::moving(), *path),
        ["document", from, path] => {
            let text = std::fs::read(from).expect("the document can be read");
            let inventory = serde_json::from_slice(&text).expect("it is groma.inventory/1");
            (inventory, *path)
        }
        ["devices", path] => {
            let inventory = sample::devices();
            let sheet = groma_report::device_sheet(&inventory);
            std::fs::write(format!("{path}.sheet.html"), sheet).expect("the path can be written");
            (inventory, *path)
        }
        ["sheets", path] => {
            let inventory = with_hostile_systems();
            for sheet in groma_report::questionnaires(&inventory) {
                let stem = format!("{path}.{}", sheet.file_stem);
                std::fs::write(format!("{stem}.html"), sheet.html)
                    .expect("the path can be written");
                std::fs::write(format!("{stem}.csv"), sheet.csv).expect("the path can be written");
            }
            let risks = groma_report::risks_csv(&inventory);
            std::fs::write(format!("{path}.risks.csv"), risks).expect("the path can be written");
            (inventory, *path)
        }
        ["guests", path] => (sample::guests(), *path),
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
                "usage: generate_report HOSTS DEPENDENCIES PATH, or document FILE PATH, office PATH, moving PATH, devices PATH, sheets PATH, single PATH"
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

/// The office, with a system of every name that means harm on the sheet of the mail team.
fn with_hostile_systems() -> groma_model::inventory::Inventory {
    let mut inventory = sample::office();
    let first = inventory
        .systems
        .first()
        .cloned()
        .expect("the office has a system");
    let long = "mail.corp.example, ".repeat(40);
    for (at, text) in sample::HOSTILE
        .iter()
        .copied()
        .chain([long.as_str()])
        .enumerate()
    {
        let mut system = first.clone();
        system.id = format!("sys-{at}");
        text.clone_into(&mut system.name);
        system.key_users = Some(text.to_owned());
        inventory.systems.push(system);
    }
    inventory
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
