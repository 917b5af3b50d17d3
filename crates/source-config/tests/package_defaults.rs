//! The untouched default files of real packages name nobody, but for the few that do by design.
//!
//! It needs packages unpacked below `GROMA_PACKAGE_ROOT`; `package_defaults.sh` fetches them and calls it.
#![allow(clippy::print_stderr, reason = "a skipped test says so aloud")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use groma_model::Fact;
use groma_model::fact::Reference;
use groma_source::testing::{FakeClock, FakeRandomness, NoNetwork};
use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, Recorder, Source, Space, Stop, Window,
    World,
};
use groma_source_config::ConfigSource;

/// What a package's own default does name: (file, what, why that is true of an untouched machine).
const TRUE_DEFAULTS: &[(&str, &str, &str)] = &[
    (
        "/etc/phpmyadmin/config.inc.php",
        "localhost",
        "an untouched phpMyAdmin asks the machine's own database",
    ),
    (
        "/etc/roundcube/debian-db-roundcube.php",
        "localhost",
        "an untouched Roundcube asks the machine's own database",
    ),
    (
        "/etc/chrony/chrony.conf",
        "pool.ntp.org",
        "an untouched chrony asks Debian's public pool",
    ),
    (
        "/etc/ntpsec/ntp.conf",
        "pool.ntp.org",
        "an untouched ntpsec asks Debian's public pool",
    ),
    (
        "/etc/systemd/timesyncd.conf",
        "pool.ntp.org",
        "an untouched timesyncd asks Debian's public pool",
    ),
];

/// A disk whose root is a directory of this machine.
struct Unpacked {
    root: PathBuf,
    disk: groma_sys::LocalDisk,
}

impl Unpacked {
    fn outside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }
    fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root)
            .map_or_else(|_| path.to_owned(), |p| Path::new("/").join(p))
    }
    /// Links in packages are absolute: they mean the unpacked tree.
    fn settled(&self, path: &Path) -> PathBuf {
        let mut at = path.to_owned();
        for _ in 0..8 {
            match self.disk.read_link(&self.outside(&at)) {
                Ok(to) => at = at.parent().unwrap_or(Path::new("/")).join(to),
                Err(_) => break,
            }
        }
        at
    }
}

impl Disk for Unpacked {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let settled = self.settled(path);
        self.disk
            .read(&self.outside(&settled), limit)
            .map(|read| FileRead {
                path: settled,
                ..read
            })
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let entries = self.disk.list(&self.outside(path), limit)?;
        Ok(entries
            .into_iter()
            .map(|e| Entry {
                path: self.inside(&e.path),
                kind: e.kind,
            })
            .collect())
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.disk.metadata(&self.outside(path))
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.disk.read_link(&self.outside(path))
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.disk.space(&self.outside(path))
    }
}

fn is_true_default(reference: &Reference) -> bool {
    TRUE_DEFAULTS.iter().any(|(file, what, _)| {
        reference.file.as_str() == Some(file) && reference.peer.to_string().ends_with(what)
    })
}

#[test]
fn untouched_packages_name_nobody() {
    let Some(root) = std::env::var_os("GROMA_PACKAGE_ROOT").map(PathBuf::from) else {
        eprintln!(
            "skipped: GROMA_PACKAGE_ROOT is not set; run crates/source-config/tests/package_defaults.sh"
        );
        return;
    };
    let clock = std::sync::Arc::new(FakeClock::at(groma_model::Timestamp::from_seconds(
        1_795_165_200,
    )));
    let disk = Unpacked {
        root,
        disk: groma_sys::LocalDisk::of_this_machine(),
    };
    let world = World {
        clock: clock.clone(),
        disk: std::sync::Arc::new(disk),
        network: std::sync::Arc::new(NoNetwork),
        randomness: std::sync::Arc::new(FakeRandomness::default()),
    };
    let window = Window::open(
        clock,
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(600),
    );
    let mut source = ConfigSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    let mut seen = 0;
    let invented: Vec<String> = recorder
        .facts()
        .filter_map(|fact| match fact {
            Fact::Reference(r) if is_true_default(r) => {
                seen += 1;
                None
            }
            Fact::Reference(r) => Some(format!(
                "{}:{} {} -> {} {} [{}]",
                r.file, r.line, r.key, r.kind, r.peer, r.rule
            )),
            _ => None,
        })
        .collect();
    eprintln!("{seen} true defaults, {} gaps", recorder.gaps().count());
    assert!(
        invented.is_empty(),
        "{} references nobody wrote:\n{}",
        invented.len(),
        invented.join("\n")
    );
}
