//! What is kept from one look to the next, on real files: nothing vanishes, no change is overlooked, and nobody
//! else's file is believed.
#![allow(
    clippy::unwrap_used,
    reason = "what prepares a test may fail as the test does"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groma_model::Fact;
use groma_source::{
    Budget, Disk, DiskError, Entry, FileMet, FileRead, Listed, Memory, Metadata, Recorder, Source,
    Space, Stop, Window, World,
};
use groma_source_config::{ConfigSource, NAME};

/// The real disk below one tree and nothing elsewhere, and how many files were read. The rest of the machine is
/// left out because it lives: a package that is installed meanwhile makes everything kept doubtful, and rightly so.
struct Counted {
    disk: Arc<dyn Disk>,
    tree: PathBuf,
    read: AtomicUsize,
}

impl Counted {
    fn below(&self, path: &Path) -> Result<&dyn Disk, DiskError> {
        if path.starts_with(&self.tree) {
            return Ok(&*self.disk);
        }
        let absent = std::io::Error::from(std::io::ErrorKind::NotFound);
        Err(DiskError::of_io(path, absent))
    }
}

impl Disk for Counted {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.below(path)?.read(path, limit)
    }
    fn read_into(
        &self,
        path: &Path,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<FileMet, DiskError> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.below(path)?.read_into(path, limit, buffer)
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        self.below(path)?.list(path, limit)
    }
    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        self.below(path)?.list_stamped(path, limit)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.below(path)?.metadata(path)
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.below(path)?.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.below(path)?.space(path)
    }
}

struct Machine {
    directory: tempfile::TempDir,
    program: String,
}

struct Looked {
    facts: Vec<Fact>,
    gaps: Vec<String>,
    kept: Vec<String>,
    read: usize,
}

impl Machine {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("srv/sub")).unwrap();
        let machine = Self {
            directory,
            program: "1".into(),
        };
        machine.write("srv/a.conf", "url = https://erp1.corp.example:8443/\n");
        machine.write("srv/sub/b.conf", "host = db1.corp.example\nport = 5432\n");
        machine.write("srv/sub/c.conf", "nothing = here\n");
        machine.write("srv/prose.md", "http://silent.corp.example/\n");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn memory(&self) -> Memory {
        Memory {
            path: self.path("memory"),
            owner: Some(fs::metadata("/proc/self").unwrap().uid()),
            program: self.program.clone(),
        }
    }

    /// Looks, and keeps what is to be kept as the agent does.
    fn look(&self, memory: bool) -> Looked {
        let real = groma_sys::this_machine(true);
        let disk = Arc::new(Counted {
            disk: real.disk.clone(),
            tree: self.directory.path().to_owned(),
            read: AtomicUsize::new(0),
        });
        let world = World {
            disk: disk.clone(),
            ..real
        };
        let limit = Duration::from_secs(60);
        let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, limit);
        let mut source = ConfigSource::with_roots(world, vec![self.path("srv")]);
        if memory {
            source.remember(self.memory());
        }
        let mut recorder = Recorder::new(source.name());
        assert_eq!(source.name().as_str(), NAME);
        source.look(&window, &Budget::default(), &mut recorder);
        if !recorder.kept.is_empty() {
            self.keep(&recorder.kept);
        }
        Looked {
            facts: recorder.facts().cloned().collect(),
            gaps: recorder.gaps().map(|gap| gap.what.clone()).collect(),
            read: disk.read.load(Ordering::Relaxed),
            kept: recorder.kept,
        }
    }

    fn keep(&self, lines: &[String]) {
        let _ = fs::remove_file(self.path("memory"));
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(self.path("memory")).unwrap();
        file.write_all((lines.join("\n") + "\n").as_bytes())
            .unwrap();
    }
}

/// Longer than a change is taken for one that may be followed by another unseen.
fn let_it_settle() {
    std::thread::sleep(Duration::from_millis(2_300));
}

fn named(looked: &Looked, host: &str) -> bool {
    let names = |fact: &Fact| matches!(fact, Fact::Reference(r) if r.peer.to_string() == host);
    looked.facts.iter().any(names)
}

#[test]
fn the_second_look_says_the_same_and_reads_nothing() {
    let machine = Machine::new();
    let racy = machine.look(true);
    assert!(racy.kept.is_empty(), "files made just now are not kept");
    let_it_settle();
    let first = machine.look(true);
    assert!(first.read >= 3 && !first.kept.is_empty());
    let second = machine.look(true);
    assert_eq!(second.facts, first.facts);
    assert!(named(&second, "erp1.corp.example") && named(&second, "db1.corp.example"));
    assert_eq!(second.read, 0, "no file was read again");
    assert!(
        second.kept.is_empty(),
        "what is known need not be kept again"
    );
    assert_eq!(machine.look(false).facts, first.facts);
}

#[test]
fn a_change_with_the_same_size_and_the_old_time_is_noticed() {
    let machine = Machine::new();
    let_it_settle();
    machine.look(true);
    let path = machine.path("srv/a.conf");
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    machine.write("srv/a.conf", "url = https://erp2.corp.example:8443/\n");
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    for _ in 0..2 {
        let looked = machine.look(true);
        assert!(named(&looked, "erp2.corp.example") && !named(&looked, "erp1.corp.example"));
        assert!(named(&looked, "db1.corp.example"));
        assert_eq!(
            looked.read, 1,
            "the changed file alone, as long as it may change unseen"
        );
    }
    let_it_settle();
    assert_eq!(machine.look(true).read, 1);
    let looked = machine.look(true);
    assert_eq!(looked.read, 0);
    assert!(named(&looked, "erp2.corp.example"));
    fs::remove_file(&path).unwrap();
    assert!(
        !named(&machine.look(true), "erp2.corp.example"),
        "a file that is gone says nothing"
    );
}

#[test]
fn what_somebody_else_could_have_written_is_not_believed() {
    let machine = Machine::new();
    let_it_settle();
    let first = machine.look(true);
    // Somebody plants an entry: a.conf names nobody any more.
    let planted: Vec<String> = first
        .kept
        .iter()
        .map(|line| line.replace("erp1.corp.example", "evil.corp.example"))
        .collect();
    machine.keep(&planted);
    assert!(
        named(&machine.look(true), "evil.corp.example"),
        "the plant is well made"
    );
    let others = || {
        let readable = fs::Permissions::from_mode(0o644);
        fs::set_permissions(machine.path("memory"), readable).unwrap();
    };
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let given_away = || chown(machine.path("memory"), Some(65_534), Some(65_534)).unwrap();
    let linked = || {
        fs::rename(machine.path("memory"), machine.path("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", machine.path("memory")).unwrap();
    };
    let plants: [(&str, bool, &dyn Fn()); 3] = [
        ("others may read it", true, &others),
        ("it belongs to somebody else", is_root, &given_away),
        ("it is a link", true, &linked),
    ];
    for (why, possible, plant) in plants {
        if !possible {
            eprintln!("skipped, needs root: {why}");
            continue;
        }
        machine.keep(&planted);
        plant();
        let looked = machine.look(true);
        assert_eq!(looked.facts, first.facts, "{why}");
        assert!(
            looked.gaps.iter().any(|g| g.contains("the last look")),
            "{why}"
        );
    }
}

#[test]
fn another_program_or_a_damaged_file_is_the_same_as_none() {
    let mut machine = Machine::new();
    let_it_settle();
    let first = machine.look(true);
    machine.program = "2".into();
    assert!(machine.look(true).read >= 3);
    machine.keep(&["{\"schema\":".to_owned()]);
    let looked = machine.look(true);
    assert_eq!(looked.facts, first.facts);
    assert!(looked.gaps.is_empty() && looked.read >= 3);
}
