//! `host.databases`: what servers keep here, told from the registry and from names and sizes of files; nobody logs in.

mod mysql;
mod postgresql;
mod sql_server;

use std::collections::BTreeMap;

use groma_model::fact::{Component, ComponentClass, Database, Measurement, Reference};
use groma_model::{Fact, Foreign, Peer, Port, Reason, Transport};

use crate::{Area, FolderEntry, Key, Kind, Machine, Part, Said, base_name};

/// Databases of this machine.
pub(crate) const AREA: Area = Area {
    name: "host.databases",
    purpose: "Tells which databases lie here, in which version and how large, without logging in.",
    reads: &[
        r"HKLM\SOFTWARE\Microsoft\Microsoft SQL Server (also below WOW6432Node): instances, versions, folders of data, logs and backups",
        r"HKLM\SOFTWARE\PostgreSQL\Installations, HKLM\SOFTWARE\MySQL AB: versions and data folders",
        "names and sizes of files in data folders",
    ],
    never_sends: &["rows, tables, accounts or passwords of a database"],
    read: databases,
};

/// Files of one folder that are looked at.
const FILES_MAX: usize = 65_536;
/// Databases of one server that are named.
const NAMES_MAX: usize = 10_000;

fn databases(machine: &Machine<'_>) -> Vec<Said> {
    let mut said = sql_server::read(machine);
    said.extend(postgresql::read(machine));
    said.extend(mysql::read(machine));
    said
}

/// What is known of one server, before it is said.
#[derive(Default)]
struct Server {
    engine: &'static str,
    version: Option<String>,
    /// The folder with the data, without a final `\`.
    directory: String,
    /// The key that told it.
    found_by: String,
    /// Databases with their bytes.
    parts: BTreeMap<String, u64>,
    /// Bytes of all files, where they were looked at.
    bytes: Option<u64>,
    /// What only somebody who logs in can see.
    closed: &'static str,
}

const NO_LOGIN: &str = "name a read-only account for it; this version does not log in to databases yet, so ask its owner";

/// Begins `database:C:/…`.
fn begin(directory: &str) -> Part {
    Part::begin("database", &directory.replace('\\', "/"))
}

impl Server {
    fn say(self, part: &mut Part) {
        let directory = Foreign::from(self.directory.as_str());
        if self.parts.len() > NAMES_MAX {
            part.missed(format!("all databases in {directory}"), Reason::TooLarge);
        }
        let parts: Vec<(Foreign, u64)> = self
            .parts
            .into_iter()
            .take(NAMES_MAX)
            .map(|(name, bytes)| (name.into(), bytes))
            .collect();
        part.saw(Fact::Database(Database {
            engine: self.engine.to_owned(),
            version: self.version,
            directory: directory.clone(),
            found_by: self.found_by.into(),
            names: parts.iter().map(|(name, _)| name.clone()).collect(),
            role: None,
        }));
        let whole = self.bytes.map(|bytes| (directory, bytes));
        for (subject, bytes) in whole.into_iter().chain(parts) {
            part.saw(content_bytes(subject, bytes));
        }
        let what = format!("{} in {}", self.closed, self.directory);
        part.cannot(what, Reason::Locked, NO_LOGIN);
    }
}

fn content_bytes(subject: Foreign, bytes: u64) -> Fact {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a measurement is a floating number; a few bytes in a petabyte do not matter"
    )]
    let value = bytes as f64;
    Fact::Measurement(Measurement {
        metric: "content_bytes".to_owned(),
        subject,
        value,
    })
}

/// The key; one that cannot be read is a gap.
fn key(machine: &Machine<'_>, part: &mut Part, path: &str) -> Key {
    part.or_missed(path, machine.registry.key(path))
        .unwrap_or_default()
}

/// What a folder holds; one that cannot be listed is a gap.
fn list(machine: &Machine<'_>, part: &mut Part, path: &str) -> Vec<FolderEntry> {
    match machine.files.list(path, FILES_MAX) {
        Ok(entries) => entries,
        Err(reason) => {
            part.missed(format!("what lies in {path}"), reason);
            Vec::new()
        }
    }
}

/// The name of a file without its ending, and the ending in lower case.
fn stem(entry: &FolderEntry) -> Option<(&str, String)> {
    let (stem, ending) = base_name(&entry.path).rsplit_once('.')?;
    (entry.kind == Kind::File).then(|| (stem, ending.to_lowercase()))
}

/// A path without the `\` (or `/`) it may end with.
fn bare(path: &str) -> String {
    path.trim()
        .trim_matches('"')
        .replace('/', "\\")
        .trim_end_matches('\\')
        .to_owned()
}

/// The server and path of `\\server\share\path`, with the other slash between.
fn remote(path: &str) -> Option<(Peer, String)> {
    let (server, below) = path.strip_prefix(r"\\")?.split_once('\\')?;
    let peer = Peer::parse(server).filter(|peer| !peer.is_loopback())?;
    Some((peer, below.trim_end_matches('\\').replace('\\', "/")))
}

/// A folder of a server that lies on another machine.
fn on_share(rule: &str, file: &str, value: &str, unit: &str, (peer, path): (Peer, String)) -> Fact {
    Fact::Reference(Reference {
        rule: rule.to_owned(),
        file: file.into(),
        line: 1,
        key: value.to_owned(),
        peer,
        port: Some(Port(445)),
        transport: Transport::Tcp,
        kind: "smb".to_owned(),
        component: Component {
            class: ComponentClass::Unit,
            name: crate::host::units::unit_name(unit).into(),
        },
        resource: (!path.is_empty()).then(|| path.into()),
        account: None,
        mechanism: None,
        protection: None,
        has_secret: false,
        rhythm: None,
        weak: false,
    })
}

#[cfg(test)]
mod tests;
