//! MySQL as its installer for Windows writes it down: a folder for each schema below the data folder.

use super::{Server, bare, begin, key, list};
use crate::{Kind, Machine, Part, Said, base_name, joined};

const ROOTS: &[&str] = &[
    r"HKLM\SOFTWARE\MySQL AB",
    r"HKLM\SOFTWARE\WOW6432Node\MySQL AB",
];
/// Schemas every server has, and folders that are none.
const OWN: &[&str] = &["mysql", "performance_schema", "sys", "information_schema"];

pub(super) fn read(machine: &Machine<'_>) -> Vec<Said> {
    let mut overview = Part::begin("databases", "mysql");
    let mut said = Vec::new();
    for root in ROOTS {
        for name in key(machine, &mut overview, root).keys {
            let path = format!(r"{root}\{name}");
            let installed = key(machine, &mut overview, &path);
            // Workbench and connectors stand here, too; only a server has data.
            if let Some(data) = installed.text("DataLocation").map(bare) {
                let version = installed.text("Version").map(str::to_owned);
                said.push(one(machine, path, &joined(&data, "Data"), version));
            }
        }
    }
    said.push(overview.close());
    said
}

fn one(machine: &Machine<'_>, found_by: String, directory: &str, version: Option<String>) -> Said {
    let mut part = begin(directory);
    let mut known = Server {
        engine: "mysql",
        closed: "foreign servers, events, accounts and the server it follows",
        version,
        directory: directory.to_owned(),
        found_by,
        ..Server::default()
    };
    let mut whole = 0_u64;
    for entry in list(machine, &mut part, directory) {
        let mut bytes = entry.bytes;
        let name = base_name(&entry.path);
        if entry.kind == Kind::Folder {
            let files = list(machine, &mut part, &entry.path);
            bytes = files
                .iter()
                .fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
            if !name.starts_with('#') && !OWN.contains(&name.to_lowercase().as_str()) {
                known.parts.insert(decoded(name), bytes);
            }
        }
        whole = whole.saturating_add(bytes);
    }
    known.bytes = Some(whole);
    known.say(&mut part);
    part.close()
}

/// `a@002db` is `a-b` (MySQL: "Mapping of Identifiers to File Names").
fn decoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        let code = after
            .get(..4)
            .and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.and_then(char::from_u32) {
            Some(letter) => {
                out.push(letter);
                rest = after.get(4..).unwrap_or_default();
            }
            None => {
                out.push('@');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_schemas_are_undone() {
        assert_eq!(decoded("a@002db"), "a-b");
        assert_eq!(decoded("caf@00e9"), "café");
        assert_eq!(decoded("x@1"), "x@1");
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_undone(text in ".{0,100}") {
            let _ = decoded(&text);
        }
    }
}
