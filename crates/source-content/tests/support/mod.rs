//! A machine made up of a directory: the real disk, with another root.
#![allow(dead_code, reason = "each test uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use groma_model::fact::Measurement;
use groma_model::{Fact, Timestamp};
use groma_source::testing::{FakeClock, FakeRandomness, NoNetwork};
use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, OpenFile, Recorder, Source, Space, Stop,
    Window, World,
};
use groma_sys::LocalDisk;

/// The real disk below a directory.
pub(crate) struct Rooted {
    root: PathBuf,
    disk: LocalDisk,
}

impl Rooted {
    fn outer(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn inner(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.root) {
            Ok(rest) => Path::new("/").join(rest),
            Err(_) => path.to_owned(),
        }
    }

    fn told<T>(&self, result: Result<T, DiskError>) -> Result<T, DiskError> {
        result.map_err(|error| DiskError {
            path: self.inner(&error.path),
            ..error
        })
    }
}

impl Disk for Rooted {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let read = self.told(self.disk.read(&self.outer(path), limit))?;
        let path = self.inner(&read.path);
        Ok(FileRead { path, ..read })
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        self.told(self.disk.open(&self.outer(path)))
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let entries = self.told(self.disk.list(&self.outer(path), limit))?;
        let inner = |e: Entry| Entry {
            path: self.inner(&e.path),
            ..e
        };
        Ok(entries.into_iter().map(inner).collect())
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.told(self.disk.metadata(&self.outer(path)))
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.told(self.disk.read_link(&self.outer(path)))
    }
    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        self.told(self.disk.attribute(&self.outer(path), name))
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.told(self.disk.space(&self.outer(path)))
    }
}

/// A directory that is the root of a machine with one ext4 file system.
pub(crate) fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    put(
        root.path(),
        "proc/self/mountinfo",
        b"1 0 254:0 / / rw - ext4 /dev/vda1 rw\n",
    );
    root
}

/// Writes a file below `root`, with its directories.
pub(crate) fn put(root: &Path, path: &str, content: &[u8]) {
    let at = root.join(path);
    std::fs::create_dir_all(at.parent().expect("below the root")).expect("directories");
    std::fs::write(at, content).expect("a file");
}

pub(crate) fn world(root: &Path) -> World {
    World {
        clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_795_165_200))),
        disk: Arc::new(Rooted {
            root: root.to_owned(),
            disk: LocalDisk::of_this_machine(),
        }),
        network: Arc::new(NoNetwork),
        randomness: Arc::new(FakeRandomness::default()),
    }
}

pub(crate) fn look(source: &mut dyn Source, world: &World) -> Recorder {
    look_within(source, world, &Budget::default())
}

pub(crate) fn look_within(source: &mut dyn Source, world: &World, budget: &Budget) -> Recorder {
    let length = std::time::Duration::from_secs(3600);
    let window = Window::open(world.clock.clone(), Stop::default(), length, length);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, budget, &mut recorder);
    recorder
}

/// The facts as lines a person reads, without measurements.
pub(crate) fn says(recorder: &Recorder) -> Vec<String> {
    let facts = recorder
        .facts()
        .filter(|f| !matches!(f, Fact::Measurement(_)));
    let mut lines: Vec<String> = facts.map(Fact::says).collect();
    lines.sort();
    lines
}

/// The value of a number.
pub(crate) fn number(recorder: &Recorder, metric: &str, subject: &str) -> Option<f64> {
    recorder.facts().find_map(|f| match f {
        Fact::Measurement(Measurement {
            metric: m,
            subject: s,
            value,
        }) if m == metric && s.to_string() == subject => Some(*value),
        _ => None,
    })
}
