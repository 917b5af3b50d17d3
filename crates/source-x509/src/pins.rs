//! `certificates.pins`: hashes by which programs trust one certificate or one key, whatever name it carries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use groma_model::fact::Pin;
use groma_model::{CoverageState, Fact, Reason, Scope, SourceName};
use groma_source::disk::foreign;
use groma_source::{
    Budget, DiskError, EntryKind, Explanation, Sink, SinkExt, Source, Window, World,
};

use crate::pin::{self, Found};
use crate::places;

/// Trees that are walked. Each is a scope of its own.
const ROOTS: &[&str] = &[
    "/etc",
    "/home",
    "/opt",
    "/root",
    "/srv",
    "/usr/local",
    "/var/lib/rancher",
];
/// A file of settings is not larger.
const BYTES_MAX: u64 = 512 << 10;
/// Entries of one directory that are looked at.
const DIRECTORY_MAX: usize = 20_000;

/// Endings of names of settings and scripts.
const ENDINGS: &[&str] = &[
    "bash",
    "cf",
    "cfg",
    "cnf",
    "conf",
    "config",
    "env",
    "ini",
    "json",
    "list",
    "ovpn",
    "php",
    "pl",
    "properties",
    "ps1",
    "py",
    "rb",
    "service",
    "sh",
    "toml",
    "txt",
    "vhost",
    "xml",
    "yaml",
    "yml",
];

/// Pins in settings and scripts.
pub struct CertificatePins {
    world: World,
}

impl CertificatePins {
    /// The source over `world`'s disk.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for CertificatePins {
    fn name(&self) -> SourceName {
        SourceName::new("certificates.pins")
    }

    fn explain(&self) -> Explanation {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        Explanation {
            purpose: "Finds certificates that programs trust by their hash: renewed in a move, they break what pins them.".into(),
            reads: vec![format!(
                "settings and scripts up to 512 KiB below {}, by the ending of their name or without one",
                ROOTS.join(", ")
            )],
            contacts: Vec::new(),
            sends: lines(&["per pin: the hash of a public certificate or key, the directive, file and line"]),
            never_sends: lines(&["anything else of those files"]),
            rights: lines(&["none for what is open to all; root for closed files, each of which is otherwise a gap"]),
            cost: "one walk of those trees and a read of small files: a few hundred milliseconds".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut look = Look {
            world: &self.world,
            window,
            entries_left: budget.entries_max,
            bytes_left: budget.total_bytes_max,
            left_out: None,
        };
        for root in ROOTS {
            look.tree(Path::new(root), sink);
        }
    }
}

/// What was not read, by why.
type Refused = BTreeMap<Reason, BTreeSet<PathBuf>>;

struct Look<'a> {
    world: &'a World,
    window: &'a Window,
    entries_left: u64,
    bytes_left: u64,
    /// The first file or directory of a tree that was not looked at as a whole.
    left_out: Option<DiskError>,
}

impl Look<'_> {
    fn is_spent(&self) -> bool {
        self.window.is_over() || self.entries_left == 0 || self.bytes_left == 0
    }

    fn tree(&mut self, root: &Path, sink: &mut dyn Sink) {
        let scope = Scope::new("file", &root.to_string_lossy());
        let (mut whole, mut refused) = (true, Refused::new());
        let mut open = vec![(root.to_owned(), 0)];
        while let Some((directory, depth)) = open.pop() {
            let entries = match self.world.disk.list(&directory, DIRECTORY_MAX) {
                Ok(entries) => entries,
                Err(error) if error.is_absent() => continue,
                Err(error) => {
                    refused.entry(error.reason).or_default().insert(directory);
                    continue;
                }
            };
            if entries.len() >= DIRECTORY_MAX {
                self.leave_out(DiskError::because(&directory, Reason::TooLarge));
            }
            for entry in entries {
                if self.is_spent() {
                    whole = false;
                    break;
                }
                self.entries_left -= 1;
                let enter = depth < places::DEPTH_MAX
                    && !places::is_passed_over(&entry.path)
                    && !is_store_of_a_program(&entry.path);
                match entry.kind {
                    EntryKind::Directory if enter => open.push((entry.path, depth + 1)),
                    EntryKind::File if is_settings(&entry.path) => {
                        if let Err(reason) = self.file(&entry.path, &scope, sink) {
                            refused.entry(reason).or_default().insert(entry.path);
                        }
                    }
                    _ => {}
                }
            }
        }
        self.close(&scope, whole, &refused, sink);
    }

    /// Says the pins of one file.
    ///
    /// # Errors
    /// If it may not be read, or does not answer; what is of another sort holds no pins.
    fn file(&mut self, path: &Path, scope: &Scope, sink: &mut dyn Sink) -> Result<(), Reason> {
        let read = match self.world.disk.read(path, BYTES_MAX) {
            Ok(read) => read,
            Err(error) => {
                // What has no ending and is large is a program.
                let is_program = path.extension().is_none();
                match error.reason {
                    Reason::PermissionDenied | Reason::TimedOut => return Err(error.reason),
                    Reason::RemoteFileSystem => self.leave_out(error),
                    Reason::TooLarge if !is_program => self.leave_out(error),
                    _ => {}
                }
                return Ok(());
            }
        };
        let length = u64::try_from(read.bytes.len()).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.saturating_sub(length);
        for found in pin::pins(&read.bytes) {
            let Found {
                line,
                key,
                algorithm,
                digest,
                of,
            } = found;
            let pin = Pin {
                file: foreign(path),
                line,
                key,
                algorithm: algorithm.to_owned(),
                digest,
                of: of.to_owned(),
            };
            sink.saw_now(self.window, scope, Fact::Pin(pin));
        }
        Ok(())
    }

    fn leave_out(&mut self, error: DiskError) {
        self.left_out.get_or_insert(error);
    }

    fn close(&mut self, scope: &Scope, whole: bool, refused: &Refused, sink: &mut dyn Sink) {
        if !whole {
            sink.missed_because(
                scope,
                "hashes of certificates in files not reached yet",
                Reason::BudgetExhausted,
                "give the look more time or a larger budget",
            );
        }
        for (reason, places) in refused {
            let Some(first) = places.first() else {
                continue;
            };
            let (how, remedy) = match reason {
                Reason::PermissionDenied => (
                    "closed",
                    "run the agent as root, or let its account read this",
                ),
                _ => ("unread", ""),
            };
            let what = format!(
                "hashes of certificates in {} {how} files and directories, {} among them",
                places.len(),
                first.display()
            );
            sink.missed_because(scope, what, reason.clone(), remedy);
        }
        let left_out = self.left_out.take();
        let nothing_left_out = left_out.is_none();
        if let Some(error) = left_out {
            let what = format!(
                "hashes of certificates in {} and the like",
                error.path.display()
            );
            let remedy = match error.reason {
                Reason::RemoteFileSystem => "look from the machine the files lie on",
                _ => "look at it by hand: settings are seldom as large",
            };
            sink.missed_because(scope, what, error.reason, remedy);
        }
        let state = match whole && refused.is_empty() && nothing_left_out {
            true => CoverageState::Complete,
            false => CoverageState::Partial,
        };
        sink.covered_now(self.window, scope, state);
    }
}

/// Hidden directories are caches, registries and histories of programs; settings of people stand in a few.
fn is_store_of_a_program(directory: &Path) -> bool {
    const SETTINGS: &[&str] = &[
        ".acme.sh", ".config", ".curl", ".kube", ".msmtp", ".openvpn",
    ];
    let name = directory.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.') && !SETTINGS.contains(&name))
}

/// True for a file whose name says settings or script, and not an example or a copy of one.
fn is_settings(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().to_ascii_lowercase());
    let Some(name) = name.filter(|name| !places::is_left_over(name)) else {
        return false;
    };
    match name.trim_start_matches('.').rsplit_once('.') {
        Some((_, ending)) => ENDINGS.contains(&ending),
        // `main`, `.curlrc`, `tls_policy`, `/usr/local/bin/report`.
        None => true,
    }
}
