//! PostgreSQL as its installer for Windows writes it down: one key an installation.

use super::{Server, bare, begin, key};
use crate::{Machine, Part, Said};

const ROOTS: &[&str] = &[
    r"HKLM\SOFTWARE\PostgreSQL\Installations",
    r"HKLM\SOFTWARE\WOW6432Node\PostgreSQL\Installations",
];

pub(super) fn read(machine: &Machine<'_>) -> Vec<Said> {
    let mut list = Part::begin("databases", "postgresql");
    let mut said = Vec::new();
    for root in ROOTS {
        for name in key(machine, &mut list, root).keys {
            let path = format!(r"{root}\{name}");
            let installed = key(machine, &mut list, &path);
            let Some(directory) = installed.text("Data Directory").map(bare) else {
                continue;
            };
            let mut part = begin(&directory);
            let known = Server {
                engine: "postgresql",
                closed: "names and owners of databases, foreign servers, subscriptions",
                version: version(machine, &directory)
                    .or_else(|| installed.text("Version").map(str::to_owned)),
                directory: directory.clone(),
                found_by: path,
                ..Server::default()
            };
            known.say(&mut part);
            said.push(part.close());
        }
    }
    said.push(list.close());
    said
}

/// The files' own word: `PG_VERSION`, one line.
fn version(machine: &Machine<'_>, directory: &str) -> Option<String> {
    let bytes = machine
        .files
        .read(&format!(r"{directory}\PG_VERSION"), 64)
        .ok()??;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    let is_version = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_version.then_some(text)
}
