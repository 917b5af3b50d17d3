//! Microsoft SQL Server: instances with their folders (Microsoft: "File Locations for Default and Named Instances").

use std::collections::{BTreeMap, BTreeSet};

use super::{Server, bare, begin, key, list, on_share, remote, stem};
use crate::{Key, Machine, Part, Said, folder_of};

/// Where instances stand, for servers of 64 and of 32 bits.
const ROOTS: &[&str] = &[
    r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server",
    r"HKLM\SOFTWARE\WOW6432Node\Microsoft\Microsoft SQL Server",
];
/// Databases every server has, by the stems of their files.
const OWN: &[&str] = &[
    "master",
    "model",
    "msdb",
    "msdbdata",
    "tempdb",
    "mssqlsystemresource",
    "distmdl",
    "model_msdbdata",
    "model_replicatedmaster",
];
/// Endings of files that hold rows or a log.
const CONTENT: &[&str] = &["mdf", "ndf", "ldf"];
/// Arguments of a server that are read.
const ARGUMENTS_MAX: usize = 64;

pub(super) fn read(machine: &Machine<'_>) -> Vec<Said> {
    let mut list = Part::begin("databases", "sql-server");
    let mut said = Vec::new();
    for root in ROOTS {
        let names = key(machine, &mut list, &format!(r"{root}\Instance Names\SQL"));
        for (name, value) in &names.values {
            if let Some(id) = value.text().filter(|id| !id.is_empty()) {
                said.push(instance(machine, &format!(r"{root}\{id}"), name));
            }
        }
    }
    said.push(list.close());
    said
}

fn instance(machine: &Machine<'_>, root: &str, name: &str) -> Said {
    let mut early = Part::begin("databases", &format!("sql-server/{name}"));
    let setup = key(machine, &mut early, &format!(r"{root}\Setup"));
    let server = format!(r"{root}\MSSQLServer");
    let settings = key(machine, &mut early, &server);
    let arguments = key(machine, &mut early, &format!(r"{server}\Parameters"));
    let folders = folders(&setup, &settings, &arguments);
    let Some(directory) = folders.first().cloned() else {
        return early.close();
    };
    let mut part = begin(&directory);
    let missed = early.close();
    for gap in missed.gaps {
        part.missed(gap.what, gap.reason);
    }
    let unit = match name.eq_ignore_ascii_case("MSSQLSERVER") {
        true => "MSSQLSERVER".to_owned(),
        false => format!("MSSQL${name}"),
    };
    for value in ["DefaultData", "DefaultLog", "BackupDirectory"] {
        if let Some(elsewhere) = settings.text(value).and_then(remote) {
            part.saw(on_share(
                "windows-sqlserver-folder",
                &server,
                value,
                &unit,
                elsewhere,
            ));
        }
    }
    let (parts, bytes) = contents(machine, &mut part, &folders);
    let known = Server {
        engine: "sqlserver",
        closed: "linked servers, jobs of the agent, replication, availability groups and accounts",
        version: setup
            .text("PatchLevel")
            .or(setup.text("Version"))
            .map(str::to_owned),
        directory,
        found_by: format!(r"{root}\Setup"),
        parts,
        bytes: Some(bytes),
    };
    known.say(&mut part);
    part.close()
}

/// Folders with data files: of `master` first (the argument `-d`), then of new databases and new logs.
fn folders(setup: &Key, settings: &Key, arguments: &Key) -> Vec<String> {
    let mut found = Vec::new();
    for (_, value) in arguments.values.iter().take(ARGUMENTS_MAX) {
        let text = value.text().unwrap_or_default();
        let file = ["-d", "-l"].iter().find_map(|flag| text.strip_prefix(flag));
        found.extend(file.map(|file| folder_of(&bare(file)).to_owned()));
    }
    let root = setup
        .text("SQLDataRoot")
        .map(|root| format!(r"{}\DATA", bare(root)));
    found.extend(root.filter(|_| found.is_empty()));
    for value in ["DefaultData", "DefaultLog"] {
        found.extend(settings.text(value).map(bare));
    }
    let mut seen = BTreeSet::new();
    found.retain(|folder| !folder.is_empty() && seen.insert(folder.to_lowercase()));
    found
}

/// Databases by the stems of their first files, with the bytes of those files and of logs that are called alike.
fn contents(
    machine: &Machine<'_>,
    part: &mut Part,
    folders: &[String],
) -> (BTreeMap<String, u64>, u64) {
    let local = folders.iter().filter(|folder| !folder.starts_with(r"\\"));
    let files: Vec<_> = local
        .flat_map(|folder| list(machine, part, folder))
        .collect();
    let named = |entry| {
        let (stem, ending) = stem(entry)?;
        CONTENT.contains(&ending.as_str()).then_some((stem, ending))
    };
    let mut parts = BTreeMap::new();
    for (stem, ending) in files.iter().filter_map(named) {
        if ending == "mdf" && !OWN.contains(&stem.to_lowercase().as_str()) {
            parts.insert(database(stem).to_owned(), 0_u64);
        }
    }
    let mut bytes = 0_u64;
    for entry in &files {
        let Some((stem, _)) = named(entry) else {
            continue;
        };
        bytes = bytes.saturating_add(entry.bytes);
        if let Some(of_one) = parts.get_mut(database(stem)) {
            *of_one = of_one.saturating_add(entry.bytes);
        }
    }
    (parts, bytes)
}

/// `erp` of `erp`, `erp_log`, `erp_data`: what the wizard makes of a database's name.
fn database(stem: &str) -> &str {
    for ending in ["_log", "_data", "_primary"] {
        let at = stem.len().saturating_sub(ending.len());
        if at > 0
            && stem
                .get(at..)
                .is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
        {
            return stem.get(..at).unwrap_or(stem);
        }
    }
    stem
}
