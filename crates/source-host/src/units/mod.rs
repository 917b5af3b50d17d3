//! `host.units`: what the service manager starts, and when.

mod catalogue;
mod file;
mod names;

use std::path::{Path, PathBuf};

use groma_model::fact::{Job, Measurement};
use groma_model::{Fact, Reason, Scope, SourceName};
use groma_source::{Budget, DiskError, EntryKind, Explanation, Sink, Source, Window, World, disk};

use crate::part::Part;
use crate::reader::{Reader, file_name, joined};
use crate::text::lossy;
use catalogue::{Catalogue, Entry, Rank};

/// Unit directories, the strongest first (systemd.unit(5)).
const DIRECTORIES: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// Kinds of unit files that are read; slices, scopes and devices start nothing.
const KINDS: &[&str] = &[
    "service",
    "socket",
    "timer",
    "path",
    "mount",
    "automount",
    "target",
];

/// Units and timers of this machine.
pub struct UnitsSource {
    world: World,
}

impl UnitsSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for UnitsSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.units")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which services, sockets, timers and mounts the service manager knows, and which of them start at boot.".into(),
            reads: DIRECTORIES
                .iter()
                .map(|directory| format!("unit files, drop-ins and links under {directory}"))
                .chain(["when the files in /var/lib/systemd/timers were touched: the last runs of timers".into()])
                .collect(),
            contacts: Vec::new(),
            sends: words(&["unit name, description, program without arguments, account, required units, whether it starts at boot", "timers that run: schedule as written, delay, rhythm, program, account, last run"]),
            never_sends: words(&["Environment= and credentials (dropped while reading)", "arguments of programs"]),
            rights: words(&["none; units of single users (systemctl --user) are not looked at"]),
            cost: "some 250 small files, about ten milliseconds".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let mut gathered = Gathered::default();
        for (rank, directory) in DIRECTORIES.iter().enumerate() {
            // With a merged /usr the last one is a second way to the same place.
            let twice = *directory == "/lib/systemd/system"
                && self.world.disk.read_link(Path::new("/lib")).is_ok();
            if !twice {
                gathered.directory(&mut reader, rank, Path::new(directory));
            }
        }
        let facts = gathered.catalogue.facts();
        for (rank, directory) in DIRECTORIES.iter().enumerate() {
            let mut part = Part::begin(window, sink, Scope::new("file", directory));
            for (_, error) in gathered.problems.iter().filter(|(at, _)| *at == rank) {
                part.refused("unit", error);
            }
            for (_, unit) in facts.units.iter().filter(|(at, _)| *at == rank) {
                part.saw(Fact::Unit(unit.clone()));
            }
            for (_, job) in facts.jobs.iter().filter(|(at, _)| *at == rank) {
                part.saw(Fact::Job(job.clone()));
                if let Some(ran) = last_run(self.world.disk.as_ref(), job) {
                    part.saw(Fact::Measurement(ran));
                }
            }
            part.close();
        }
    }
}

/// When a timer last elapsed: systemd touches a file for each one that makes up for missed runs.
fn last_run(disk: &dyn groma_source::Disk, job: &Job) -> Option<Measurement> {
    let name = job.name.as_str().filter(|_| job.persistent)?;
    let stamp = format!("/var/lib/systemd/timers/stamp-{name}");
    let metadata = disk.metadata(Path::new(&stamp)).ok()?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds since 1970 stay below 2^53"
    )]
    let value = metadata.modified as f64;
    Some(Measurement {
        metric: "job_last_run_seconds".into(),
        subject: job.name.clone(),
        value,
    })
}

#[derive(Default)]
struct Gathered {
    catalogue: Catalogue,
    problems: Vec<(Rank, DiskError)>,
}

impl Gathered {
    fn directory(&mut self, reader: &mut Reader<'_>, rank: Rank, directory: &Path) {
        let entries = reader.list(directory).unwrap_or_else(|error| {
            self.problems.push((rank, error));
            Vec::new()
        });
        for entry in entries {
            if reader.is_spent() {
                self.problems.push((
                    rank,
                    DiskError::because(&entry.path, Reason::BudgetExhausted),
                ));
                return;
            }
            let name = lossy(file_name(&entry.path));
            let suffix = name
                .rsplit_once('.')
                .map(|(stem, suffix)| (stem.to_owned(), suffix.to_owned()));
            match suffix {
                Some((unit, kind)) if matches!(kind.as_str(), "wants" | "requires" | "upholds") => {
                    self.links(reader, rank, &entry.path, &unit, kind == "requires")
                }
                Some((unit, kind)) if kind == "d" => {
                    self.drop_ins(reader, rank, &entry.path, &unit)
                }
                Some((_, kind)) if KINDS.contains(&kind.as_str()) && !self.catalogue.has(&name) => {
                    self.unit(reader, rank, &entry.path, entry.kind, name)
                }
                _ => {}
            }
        }
    }

    fn links(
        &mut self,
        reader: &mut Reader<'_>,
        rank: Rank,
        at: &Path,
        unit: &str,
        required: bool,
    ) {
        match reader.list(at) {
            Ok(entries) => {
                for entry in entries {
                    self.catalogue
                        .link(unit, &lossy(file_name(&entry.path)), required);
                }
            }
            Err(error) => self.problems.push((rank, error)),
        }
    }

    fn drop_ins(&mut self, reader: &mut Reader<'_>, rank: Rank, at: &Path, unit: &str) {
        let entries = reader.list(at).unwrap_or_else(|error| {
            self.problems.push((rank, error));
            Vec::new()
        });
        for entry in entries {
            let name = file_name(&entry.path);
            if !name.ends_with(b".conf") || self.catalogue.has_drop_in(unit, name) {
                continue;
            }
            let masked = reader
                .disk()
                .read_link(&entry.path)
                .is_ok_and(|to| to == Path::new("/dev/null"));
            match if masked {
                Ok(Vec::new())
            } else {
                reader.read(&entry.path).map(|read| read.bytes)
            } {
                Ok(bytes) => self.catalogue.add_drop_in(unit, name, bytes),
                Err(error) => self.problems.push((rank, error)),
            }
        }
    }

    fn unit(
        &mut self,
        reader: &mut Reader<'_>,
        rank: Rank,
        path: &Path,
        kind: EntryKind,
        name: String,
    ) {
        let mut at = PathBuf::from(path);
        if kind == EntryKind::Link {
            match reader.disk().read_link(path) {
                Ok(to) => {
                    let to = joined(path, &to);
                    if to == Path::new("/dev/null") {
                        return self.catalogue.add(
                            name,
                            Entry::Masked {
                                rank,
                                path: disk::foreign(path),
                            },
                        );
                    }
                    let other = lossy(file_name(&to));
                    if other != name {
                        return self.catalogue.add(name, Entry::Alias(other));
                    }
                    at = to;
                }
                Err(error) => return self.problems.push((rank, error)),
            }
        }
        match reader.read(&at) {
            Ok(read) if read.bytes.is_empty() => self.catalogue.add(
                name,
                Entry::Masked {
                    rank,
                    path: disk::foreign(path),
                },
            ),
            Ok(read) => self.catalogue.add(
                name,
                Entry::Fragment {
                    rank,
                    path: disk::foreign(&at),
                    bytes: read.bytes,
                },
            ),
            // A link left behind by a removed package starts nothing; the manager ignores it as well.
            Err(error)
                if kind == EntryKind::Link
                    && (error.is_absent() || error.reason == Reason::BrokenLink) => {}
            Err(error) => self.problems.push((rank, error)),
        }
    }
}
