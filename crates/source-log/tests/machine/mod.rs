//! A scratch directory as `/var/log` of a machine that writes there while it is looked at.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use groma_model::batch::Said;
use groma_model::fact::Direction;
use groma_model::{Coverage, Fact, Seen, Timestamp};
use groma_source::{
    Budget, Clock, Disk, DiskError, Entry, FileRead, Listed, Memory, Metadata, OpenFile, Recorder,
    Source, Space, Stop, Window, World,
};
use groma_source_log::LogSource;

/// One mail that `account` handed in from `client`, in the lines of Postfix.
pub(crate) fn mail(client: &str, number: u32, account: &str) -> String {
    let (process, queue) = (100 + number, format!("4AB{number:05}"));
    let at = format!(
        "Nov 20 0{}:{:02}:00 mail1 postfix",
        number / 60 % 10,
        number % 60
    );
    format!(
        "{at}/smtpd[{process}]: connect from a[{client}]\n\
         {at}/smtpd[{process}]: {queue}: client=a[{client}], sasl_method=PLAIN, sasl_username={account}\n\
         {at}/qmgr[7]: {queue}: from=<scan@corp.example>, size=900, nrcpt=1 (queue active)\n\
         {at}/smtp[8]: {queue}: to=<a@corp.example>, relay=mx.corp.example[10.9.9.9]:25, delay=0.4, delays=0.1/0/0.1/0.2, dsn=2.0.0, status=sent (250 Ok)\n\
         {at}/qmgr[7]: {queue}: removed\n\
         {at}/smtpd[{process}]: disconnect from a[{client}] ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6\n"
    )
}

type Meanwhile<'m> = &'m dyn Fn(&Machine);

/// A machine with logs.
pub(crate) struct Machine {
    directory: Arc<tempfile::TempDir>,
    /// What stands behind its state's name: a machine beside another one has none.
    state: &'static str,
    pub(crate) stop: Stop,
    pub(crate) program: String,
    /// Bytes that were read of logs at the last look.
    read: Arc<AtomicU64>,
}

/// What a look told.
pub(crate) struct Looked {
    pub(crate) recorder: Recorder,
    /// How long it took on the machine's clock.
    pub(crate) took: Duration,
    /// Bytes it read of logs.
    pub(crate) read: u64,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("var/log")).unwrap();
        fs::create_dir_all(directory.path().join("state")).unwrap();
        Self {
            directory: Arc::new(directory),
            state: "log.memory",
            stop: Stop::default(),
            program: "1".to_owned(),
            read: Arc::default(),
        }
    }

    /// The same logs, for a look that remembers nothing.
    pub(crate) fn beside(other: &Self) -> Self {
        Self {
            directory: other.directory.clone(),
            state: "none",
            stop: Stop::default(),
            program: other.program.clone(),
            read: Arc::default(),
        }
    }

    pub(crate) fn etc(&self, name: &str, text: &str) {
        let path = self.directory.path().join("etc").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// As logrotate's `compress` does.
    pub(crate) fn pack(&self, from: &str, to: &str) {
        let text = fs::read(self.path(from)).unwrap();
        let file = fs::File::create(self.path(to)).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packed.write_all(&text).unwrap();
        let file = packed.finish().unwrap();
        let written = fs::metadata(self.path(from)).unwrap().modified().unwrap();
        file.set_modified(written).unwrap();
        self.remove(from);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("var/log").join(name)
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut options = fs::OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// As logrotate's `copytruncate` does.
    pub(crate) fn copy_and_cut(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        fs::write(self.path(from), "").unwrap();
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory {
            path: self.directory.path().join("state").join(self.state),
            owner: Some(std::os::unix::fs::MetadataExt::uid(
                &fs::metadata("/proc/self").unwrap(),
            )),
            program: self.program.clone(),
        }
    }

    /// Looks for `watch`; while it waits, `meanwhile` happens once.
    pub(crate) fn look(&self, watch: Duration, meanwhile: Meanwhile<'_>) -> Looked {
        let clock = Arc::new(Fast::default());
        let disk = Arc::new(Scratch {
            disk: groma_sys::this_machine(true).disk,
            root: self.directory.path().to_owned(),
            read: self.read.clone(),
        });
        let world = World {
            clock: clock.clone(),
            disk,
            ..groma_sys::this_machine(true)
        };
        let stop = self.stop.clone();
        let mut source = LogSource::new(world);
        source.remember(self.memory());
        let mut recorder = Recorder::new(source.name());
        self.read.store(0, Ordering::Relaxed);
        std::thread::scope(|scope| {
            let (own, sink) = (clock.clone(), &mut recorder);
            let looking = scope.spawn(move || {
                let limit = watch + Duration::from_secs(60);
                let window = Window::open(own.clone(), stop, watch, limit);
                source.look(&window, &Budget::default(), sink);
                own.over.store(true, Ordering::SeqCst);
            });
            clock.wait_for_a_sleeper();
            if clock.sleeps.load(Ordering::SeqCst) {
                meanwhile(self);
                clock.may_go_on.store(true, Ordering::SeqCst);
            }
            looking.join().expect("the look does not panic");
        });
        Looked {
            recorder,
            took: clock.monotonic(),
            read: self.read.load(Ordering::Relaxed),
        }
    }

    /// Looks at once, and keeps what is to be kept as the agent does.
    pub(crate) fn look_again(&self) -> Looked {
        let looked = self.look(Duration::ZERO, &|_| ());
        if !looked.recorder.kept.is_empty() {
            self.keep(&looked.recorder.kept);
        }
        looked
    }

    pub(crate) fn keep(&self, lines: &[String]) {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.memory().path;
        let _ = fs::remove_file(&path);
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).unwrap();
        file.write_all((lines.join("\n") + "\n").as_bytes())
            .unwrap();
    }
}

impl Looked {
    /// Mail: how often, who, as whom.
    pub(crate) fn mail(&self) -> Vec<String> {
        let mail = self
            .recorder
            .records
            .iter()
            .filter_map(|record| match &record.said {
                Said::Saw(observation) => match &observation.fact {
                    Fact::MailUse(used) => Some(format!(
                        "{} {} {}",
                        observation.seen.count,
                        used.peer,
                        used.account
                            .as_ref()
                            .map(|a| a.lossy().into_owned())
                            .unwrap_or_default()
                    )),
                    _ => None,
                },
                _ => None,
            });
        mail.collect()
    }

    /// Uses of services here: how often, who, as whom.
    pub(crate) fn uses(&self) -> Vec<String> {
        self.seen()
            .into_iter()
            .map(|(who, seen)| format!("{} {who}", seen.count))
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Logged uses, each with its times.
    pub(crate) fn seen(&self) -> Vec<(String, Seen)> {
        let seen = self.recorder.records.iter().filter_map(|record| {
            let Said::Saw(observation) = &record.said else {
                return None;
            };
            let Fact::LoggedUse(used) = &observation.fact else {
                return None;
            };
            if used.direction != Direction::Incoming {
                return None;
            }
            let account = used.account.as_ref().map(|a| a.lossy().into_owned());
            let who = format!("{} {}", used.peer, account.unwrap_or_default());
            Some((who, observation.seen))
        });
        seen.collect()
    }

    /// Everything that was said, without what depends on the moment of the look.
    pub(crate) fn everything(&self) -> Vec<String> {
        let records = self.recorder.records.iter();
        let said = records.map(|record| match &record.said {
            Said::Covered(covered) => format!(
                "{:?}",
                Coverage {
                    how: None,
                    ..covered.clone()
                }
            ),
            said => format!("{said:?}"),
        });
        said.collect()
    }

    pub(crate) fn gaps(&self) -> Vec<String> {
        self.recorder.gaps().map(|gap| gap.what.clone()).collect()
    }
}

/// A clock on which waiting takes no time; it waits until the test has done what happens meanwhile.
#[derive(Default)]
struct Fast {
    passed_ms: AtomicU64,
    sleeps: AtomicBool,
    may_go_on: AtomicBool,
    over: AtomicBool,
}

impl Fast {
    fn wait_for_a_sleeper(&self) {
        while !self.sleeps.load(Ordering::SeqCst) && !self.over.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        groma_sys::this_machine(true).clock.now()
    }
    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.passed_ms.load(Ordering::SeqCst))
    }
    fn sleep(&self, length: Duration) {
        self.sleeps.store(true, Ordering::SeqCst);
        while !self.may_go_on.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let length = u64::try_from(length.as_millis()).unwrap();
        self.passed_ms.fetch_add(length, Ordering::SeqCst);
    }
}

/// The scratch directory as the root of a disk.
struct Scratch {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    read: Arc<AtomicU64>,
}

impl Scratch {
    fn outside(&self, path: &Path) -> PathBuf {
        match path.starts_with(&self.root) {
            true => path.to_owned(),
            false => self.root.join(path.strip_prefix("/").unwrap_or(path)),
        }
    }

    fn inside(&self, path: &Path) -> PathBuf {
        Path::new("/").join(path.strip_prefix(&self.root).unwrap_or(path))
    }
}

/// A file whose reading is counted.
struct Counted {
    file: Box<dyn OpenFile>,
    read: Arc<AtomicU64>,
}

impl OpenFile for Counted {
    fn metadata(&self) -> &Metadata {
        self.file.metadata()
    }
    fn read_at(&self, offset: u64, into: &mut [u8]) -> Result<usize, DiskError> {
        let got = self.file.read_at(offset, into)?;
        self.read.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

impl Disk for Scratch {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        self.disk.read(&self.outside(path), limit)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn OpenFile>, DiskError> {
        let file = self.disk.open(&self.outside(path))?;
        let read = self.read.clone();
        Ok(Box::new(Counted { file, read }))
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        let listed = self.list_stamped(path, limit)?.entries;
        Ok(listed.into_iter().map(|(entry, _)| entry).collect())
    }
    fn list_stamped(&self, path: &Path, limit: usize) -> Result<Listed, DiskError> {
        let mut listed = self.disk.list_stamped(&self.outside(path), limit)?;
        for (entry, _) in &mut listed.entries {
            entry.path = self.inside(&entry.path);
        }
        Ok(listed)
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
