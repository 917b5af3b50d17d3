//! `host.packages`: what the package managers installed.

mod database;
mod dpkg;
mod header;

use std::path::Path;

use groma_model::{Fact, Reason, Scope, SourceName};
use groma_source::{Budget, DiskError, Explanation, Sink, Source, Window, World};

use crate::part::Part;
use crate::reader::Reader;
use dpkg::StatusReader;

const STATUS: &str = "/var/lib/dpkg/status";

/// Where rpm's database stands: since Fedora 36 and on SUSE in `/usr`, before in `/var`.
const RPM_DIRECTORIES: &[&str] = &["/usr/lib/sysimage/rpm", "/var/lib/rpm", "/usr/share/rpm"];

/// The file of each format; the first that is there is the one rpm uses.
const RPM_FILES: &[&str] = &["rpmdb.sqlite", "Packages.db", "Packages"];

/// Managers that are known and not read yet: where their database stands.
const UNREAD: &[(&str, &str)] = &[
    ("apk", "/lib/apk/db/installed"),
    ("apk", "/usr/lib/apk/db/installed"),
    ("pacman", "/var/lib/pacman/local"),
    ("portage", "/var/db/pkg"),
];

/// Bytes of a status file that are held at once.
const PIECE_BYTES: usize = 64 << 10;

/// Installed packages of dpkg and rpm.
pub struct PackagesSource {
    world: World,
}

impl PackagesSource {
    /// A source on `world`.
    pub fn new(world: World) -> Self {
        Self { world }
    }
}

impl Source for PackagesSource {
    fn name(&self) -> SourceName {
        SourceName::new("host.packages")
    }

    fn explain(&self) -> Explanation {
        let words = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Explanation {
            purpose: "Tells which packages are installed, in which version.".into(),
            reads: words(&["/var/lib/dpkg/status", "rpm's database (rpmdb.sqlite, Packages.db or Packages) under /usr/lib/sysimage/rpm, /var/lib/rpm or /usr/share/rpm, as a file"]),
            contacts: Vec::new(),
            sends: words(&["package name, version, architecture, package manager"]),
            never_sends: words(&["names of files in packages, descriptions, maintainers"]),
            rights: words(&["none: both databases are readable by everybody"]),
            cost: "one pass over the status file; of an rpm database the begin of each entry. No package manager is ever run".into(),
        }
    }

    fn look(&mut self, window: &Window, budget: &Budget, sink: &mut dyn Sink) {
        let mut reader = Reader::new(self.world.disk.as_ref(), window, budget);
        let mut part = Part::begin(window, sink, Scope::new("packages", "dpkg"));
        look_at_status(&mut part, &mut reader);
        part.close();
        let mut part = Part::begin(window, sink, Scope::new("packages", "rpm"));
        look_at_rpm(&mut part, &mut reader, budget);
        part.close();
        for (manager, path) in UNREAD {
            if self.world.disk.metadata(Path::new(path)).is_ok() {
                let mut part = Part::begin(window, sink, Scope::new("packages", manager));
                part.missed(
                    format!("packages of {manager} ({path})"),
                    Reason::Unsupported,
                );
                part.close();
            }
        }
    }
}

fn look_at_status(part: &mut Part<'_>, reader: &mut Reader<'_>) {
    let mut status = StatusReader::default();
    let path = Path::new(STATUS);
    if let Err(error) = feed(path, reader, &mut status)
        && !error.is_absent()
    {
        part.refused("packages of dpkg", &error);
    }
    let (packages, unread) = status.finish();
    if unread > 0 {
        part.missed(format!("{unread} entries of {STATUS}"), Reason::Malformed);
    }
    for package in packages {
        part.saw(Fact::Package(package));
    }
}

fn feed(path: &Path, reader: &mut Reader<'_>, status: &mut StatusReader) -> Result<(), DiskError> {
    let file = reader.open(path)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    loop {
        if reader.is_spent() {
            return Err(DiskError::because(path, Reason::BudgetExhausted));
        }
        let many = file.read_at(offset, &mut piece)?;
        let Some(read) = piece.get(..many).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        status.feed(read);
        reader.spend(many);
        offset = offset.saturating_add(u64::try_from(many).unwrap_or(u64::MAX));
    }
}

fn look_at_rpm(part: &mut Part<'_>, reader: &mut Reader<'_>, budget: &Budget) {
    for directory in RPM_DIRECTORIES {
        for file in RPM_FILES {
            let path = Path::new(directory).join(file);
            match reader.open(&path) {
                Ok(open) => {
                    let installed = database::read(open.as_ref(), budget.total_bytes_max);
                    reader.spend(usize::try_from(installed.bytes_read).unwrap_or(usize::MAX));
                    if let Some(stop) = installed.stopped {
                        part.missed(
                            format!("packages of rpm, or a part of them ({})", path.display()),
                            stop.reason(),
                        );
                    }
                    if installed.unread > 0 {
                        part.missed(
                            format!("{} packages of rpm ({})", installed.unread, path.display()),
                            Reason::Malformed,
                        );
                    }
                    // What rpm wrote last may still wait beside the database.
                    let log = path.with_extension("sqlite-wal");
                    if reader
                        .disk()
                        .metadata(&log)
                        .is_ok_and(|waiting| waiting.bytes > 0)
                    {
                        part.missed(
                            "the latest changes of rpm's database, not yet written into it",
                            Reason::Unsupported,
                        );
                    }
                    for package in installed.packages {
                        part.saw(Fact::Package(package));
                    }
                    return;
                }
                Err(error) if error.is_absent() => {}
                Err(error) => part.refused("packages of rpm", &error),
            }
        }
    }
}
