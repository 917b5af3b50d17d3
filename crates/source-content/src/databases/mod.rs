//! `host.databases`: what servers keep, told from their files and their configuration; nobody logs in.

mod mariadb;
mod mongodb;
mod openldap;
mod places;
mod postgresql;
mod redis;

use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::fact::Database;
use groma_model::{Fact, Foreign, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{Budget, EntryKind, Explanation, Sink, Source, Window, World};

use crate::part::Part;
use crate::reading::Reading;
use places::{Place, Places};

const TIME_MAX: Duration = Duration::from_secs(60);
/// Directories below a database that are summed up, and how deep.
const DIRECTORIES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 6;

const NO_LOGIN: &str = "name a read-only account for it; this version does not log in to databases yet, so ask its owner";

/// The databases of this machine.
pub struct DatabasesSource {
    world: World,
}

impl DatabasesSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

/// What the files of one server say.
#[derive(Clone, PartialEq, Debug, Default)]
struct Seen {
    engine: &'static str,
    version: Option<String>,
    role: Option<&'static str>,
    /// Databases and how many bytes each has.
    parts: Vec<(Foreign, u64)>,
    /// All of it, with what the databases share.
    bytes: u64,
    items: Option<u64>,
    /// True if some of it could not be summed up.
    cut: bool,
    /// What only somebody who logs in can see.
    closed: Option<&'static str>,
}

/// Where an engine keeps its data.
type Find = fn(&mut Reading<'_>, &places::Processes) -> Places;
/// What a data directory says; `None` if it is none of this engine.
type Read = fn(&mut Reading<'_>, &Path) -> Option<Seen>;

const ENGINES: &[(Find, Read)] = &[
    (postgresql::places, postgresql::read),
    (mariadb::places, mariadb::read),
    (redis::places, redis::read),
    (openldap::places, openldap::read),
    (mongodb::places, mongodb::read),
];

impl Source for DatabasesSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.databases")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which databases lie here, in which version and how large, without logging in.".into(),
            reads: words(&[
                "/etc/postgresql, /etc/mysql, /etc/my.cnf, /etc/my.cnf.d, /etc/redis, /etc/valkey, /etc/ldap, /etc/openldap, /etc/mongod.conf: data directories only",
                "the numbers in /proc, and cmdline of processes that are database servers, for the data directory in them",
                "PG_VERSION, pg_filenode.map and the file of pg_database; mariadb_upgrade_info; the first 4 KiB of dump.rdb; the two first pages of data.mdb; the file WiredTiger",
                "names, sizes and times of files in data directories (by default below /var/lib/postgresql, mysql, redis, valkey, ldap, mongodb)",
            ]),
            contacts: Vec::new(),
            sends: words(&["engine, version, data directory, names of databases, bytes of each, whether it follows another server"]),
            never_sends: words(&["rows, tables, keys, accounts or passwords of a database"]),
            rights: words(&["root (or CAP_DAC_READ_SEARCH): data directories are closed to others; without it a gap names them"]),
            cost: "one call for each file of a data directory, 60 s at most".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reading = Reading::begin(self.world.disk.as_ref(), window, budget, TIME_MAX);
        let processes = places::Processes::read(&mut reading);
        for (find, read) in ENGINES {
            let places = find(&mut reading, &processes);
            for error in &places.missed {
                let scope = Scope::new("database", &error.path.to_string_lossy());
                let mut part = Part::begin(window, sink, scope);
                part.refused("where a server keeps its data", error);
                part.close();
            }
            for (directory, place) in places.found {
                one(&mut reading, window, sink, &directory, &place, *read);
            }
        }
    }
}

fn one(
    reading: &mut Reading<'_>,
    window: &Window,
    sink: &mut dyn Sink,
    directory: &Path,
    place: &Place,
    read: Read,
) {
    let scope = Scope::new("database", &directory.to_string_lossy());
    let path = foreign(directory);
    let mut part = Part::begin(window, sink, scope.clone());
    match reading.list(directory) {
        Ok(entries) if entries.is_empty() => {
            let gone = reading.metadata(directory).is_err();
            if let Some(file) = place.written().filter(|_| gone) {
                part.missed_with(
                    format!("the data directory {path} that {file} names"),
                    Reason::NotPresent,
                    "ask whether the server still runs",
                );
            }
        }
        Ok(_) => match read(reading, directory) {
            Some(seen) => say(&mut part, &scope, &path, place, seen),
            None => part.missed(
                format!("what lies in {path}: not the files of a server we know"),
                Reason::Unsupported,
            ),
        },
        Err(error) => part.refused("a data directory", &error),
    }
    part.close();
}

fn say(part: &mut Part<'_>, scope: &Scope, path: &Foreign, place: &Place, seen: Seen) {
    let mut names: Vec<Foreign> = seen.parts.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    part.saw_in(
        scope,
        Fact::Database(Database {
            engine: seen.engine.to_owned(),
            version: seen.version,
            directory: path.clone(),
            found_by: place.by(),
            names,
            role: seen.role.or(place.role()).map(str::to_owned),
        }),
    );
    part.counted(scope, "content_bytes", path, seen.bytes);
    for (name, bytes) in &seen.parts {
        part.counted(scope, "content_bytes", name, *bytes);
    }
    if let Some(items) = seen.items {
        part.counted(scope, "content_items_estimated", path, items);
    }
    if seen.cut {
        part.missed(format!("the whole size of {path}"), Reason::BudgetExhausted);
    }
    if let Some(what) = seen.closed {
        part.cannot(format!("{what} in {path}"), Reason::Locked, NO_LOGIN);
    }
}

/// Bytes of all files below `directory`; false beside them if it was not all.
fn bytes_below(reading: &mut Reading<'_>, directory: &Path) -> (u64, bool) {
    let (mut bytes, mut whole) = (0_u64, true);
    let mut open = vec![(directory.to_owned(), 0)];
    let mut seen = 0;
    while let Some((at, depth)) = open.pop() {
        seen += 1;
        let entries = match reading.list(&at) {
            Ok(entries) if seen <= DIRECTORIES_MAX => entries,
            _ => return (bytes, false),
        };
        for entry in entries {
            match entry.kind {
                EntryKind::Directory if depth < DEPTH_MAX => open.push((entry.path, depth + 1)),
                EntryKind::File => match size(reading, &entry.path) {
                    Ok(more) => bytes = bytes.saturating_add(more),
                    Err(()) => whole = false,
                },
                _ => {}
            }
        }
    }
    (bytes, whole)
}

/// Bytes of a file; files of a running server come and go.
fn size(reading: &mut Reading<'_>, path: &Path) -> Result<u64, ()> {
    match reading.metadata(path) {
        Ok(metadata) => Ok(metadata.bytes),
        Err(error) if error.is_absent() => Ok(0),
        Err(_) => Err(()),
    }
}

/// Directories in `at` that `wanted` says yes to.
fn directories(reading: &mut Reading<'_>, at: &Path) -> Vec<PathBuf> {
    let entries = reading.list(at).unwrap_or_default();
    let directory = |e: &groma_source::Entry| e.kind == EntryKind::Directory;
    entries
        .into_iter()
        .filter(directory)
        .map(|e| e.path)
        .collect()
}
