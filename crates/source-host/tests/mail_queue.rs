//! How much mail waits, and how busy the machine was: on machines made up for it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groma_model::measured::metric;
use groma_model::{CoverageState, Fact, Reason, Scope, Timestamp};
use groma_source::testing::{FakeClock, FakeDisk, FakeRandomness, NoNetwork};
use groma_source::{
    Budget, Disk, DiskError, Entry, EntryKind, FileRead, Metadata, Recorder, Source, Space, Stop,
    Window, World,
};
use groma_source_host::{LoadSource, MailQueueSource};

/// When the queue of a real Postfix was listed: `tests/e2e/mail/delays.sh`.
const NOW: i64 = 1_795_372_187;
const MAIN: &str = "/etc/postfix/main.cf";

/// A made-up disk with empty directories, directories that nobody may read, and files of one age.
#[derive(Default)]
struct Spool {
    disk: FakeDisk,
    empty: BTreeSet<PathBuf>,
    closed: BTreeSet<PathBuf>,
    modified: i64,
    reads: AtomicUsize,
    /// What `/proc/stat` and `/proc/loadavg` say, one after the other.
    moments: Vec<(&'static str, &'static str)>,
}

impl Spool {
    fn new(files: &[&str]) -> Self {
        let mut disk = FakeDisk::new();
        for file in files {
            disk = disk.file(file, "");
        }
        Self {
            disk,
            modified: NOW - 5,
            ..Self::default()
        }
    }

    fn postfix(files: &[&str]) -> Self {
        let mut spool = Self::new(files);
        spool.disk = spool
            .disk
            .file(MAIN, "queue_directory = /var/spool/postfix\n");
        for queue in ["maildrop", "incoming", "active", "deferred", "hold"] {
            spool
                .empty
                .insert(Path::new("/var/spool/postfix").join(queue));
        }
        spool
    }

    fn closed(mut self, path: &str) -> Self {
        self.closed.insert(path.into());
        self
    }

    fn moment(&self, path: &Path) -> Option<&'static str> {
        let at = match path.to_str()? {
            "/proc/loadavg" => self.reads.fetch_add(1, Ordering::Relaxed),
            "/proc/stat" => self.reads.load(Ordering::Relaxed).checked_sub(1)?,
            _ => return None,
        };
        let (load, stat) = self.moments.get(at).or(self.moments.last())?;
        Some(if path.ends_with("loadavg") {
            load
        } else {
            stat
        })
    }
}

impl Disk for Spool {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        match self.moment(path) {
            Some(text) => FakeDisk::new()
                .file(path.to_str().unwrap(), text)
                .read(path, limit),
            None => self.disk.read(path, limit),
        }
    }
    fn list(&self, path: &Path, limit: usize) -> Result<Vec<Entry>, DiskError> {
        if self.closed.contains(path) {
            return Err(DiskError::because(path, Reason::PermissionDenied));
        }
        match self.disk.list(path, limit) {
            Err(error) if error.is_absent() && self.empty.contains(path) => Ok(Vec::new()),
            listed => listed,
        }
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        let met = match self.disk.metadata(path) {
            Err(error) if error.is_absent() && self.empty.contains(path) => Metadata {
                kind: EntryKind::Directory,
                ..FakeDisk::new().file("/x", "").metadata(Path::new("/x"))?
            },
            met => met?,
        };
        Ok(Metadata {
            modified: self.modified,
            ..met
        })
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.disk.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.disk.space(path)
    }
}

fn look(spool: Spool, watch: u64, source: fn(World) -> Box<dyn Source>) -> Recorder {
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(NOW)));
    let world = World {
        clock: clock.clone(),
        disk: Arc::new(spool),
        network: Arc::new(NoNetwork),
        randomness: Arc::new(FakeRandomness::default()),
    };
    let watch = Duration::from_secs(watch);
    let window = Window::open(clock, Stop::default(), watch, Duration::from_secs(600));
    let mut source = source(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn queue(spool: Spool) -> Recorder {
    look(spool, 0, |world| Box::new(MailQueueSource::new(world)))
}

fn numbers(recorder: &Recorder) -> BTreeMap<String, f64> {
    let told = recorder.facts().filter_map(|fact| match fact {
        Fact::Measurement(m) => {
            assert!(metric(&m.metric).is_some(), "{} is in no list", m.metric);
            Some((format!("{} {}", m.metric, m.subject), m.value))
        }
        _ => None,
    });
    told.collect()
}

fn gaps(recorder: &Recorder) -> Vec<(String, Reason)> {
    recorder
        .gaps()
        .map(|gap| (gap.what.clone(), gap.reason.clone()))
        .collect()
}

/// The files as a real Postfix had them; what `postqueue` said of the message with the long id is 1795372184.
#[test]
fn a_queue_of_long_ids_says_how_long_the_oldest_waits() {
    let told = queue(Spool::postfix(&[
        "/var/spool/postfix/deferred/8/4jXd0845hWzjs",
    ]));
    assert_eq!(numbers(&told)["mail_queue_messages Postfix deferred"], 1.0);
    assert_eq!(numbers(&told)["mail_queue_messages Postfix active"], 0.0);
    assert_eq!(numbers(&told)["mail_queue_oldest_seconds Postfix"], 3.0);
    assert_eq!(gaps(&told), []);
}

#[test]
fn a_short_id_does_not_tell_how_long_it_waits_and_that_is_a_gap() {
    let told = queue(Spool::postfix(&[
        "/var/spool/postfix/deferred/8/4jXd0845hWzjs",
        "/var/spool/postfix/deferred/4/4A5F376B",
        "/var/spool/postfix/deferred/4/4C6FF76E",
    ]));
    assert_eq!(numbers(&told)["mail_queue_messages Postfix deferred"], 3.0);
    assert!(!numbers(&told).contains_key("mail_queue_oldest_seconds Postfix"));
    let (what, reason) = gaps(&told).remove(0);
    assert!(what.starts_with("how long 2 messages"), "{what}");
    assert_eq!(reason, Reason::Unsupported);
    // What has just been handed in keeps its time.
    let new = queue(Spool::postfix(&["/var/spool/postfix/maildrop/4A5F376B"]));
    assert_eq!(numbers(&new)["mail_queue_oldest_seconds Postfix"], 5.0);
}

#[test]
fn an_empty_queue_is_zero_and_one_that_cannot_be_read_is_not() {
    let empty = queue(Spool::postfix(&[]));
    assert_eq!(numbers(&empty).len(), 6);
    assert!(numbers(&empty).values().all(|value| *value == 0.0));
    let closed = queue(Spool::postfix(&[]).closed("/var/spool/postfix/deferred"));
    let told = numbers(&closed);
    assert!(!told.contains_key("mail_queue_messages Postfix deferred"));
    assert!(!told.contains_key("mail_queue_oldest_seconds Postfix"));
    assert_eq!(told["mail_queue_messages Postfix active"], 0.0);
    assert_eq!(
        gaps(&closed),
        [(
            "messages that wait in the queue deferred of Postfix".to_owned(),
            Reason::PermissionDenied
        )]
    );
    let state = |told: &Recorder, server: &str| {
        let scope = Scope::new("mail-queue", server);
        let coverage = told.coverage().find(|c| c.scope == scope);
        coverage.map(|c| c.state)
    };
    assert_eq!(state(&closed, "postfix"), Some(CoverageState::Partial));
    assert_eq!(state(&closed, "servers"), Some(CoverageState::Complete));
    // Neither a machine without a mail server nor one whose Postfix never ran has a queue.
    let none = queue(Spool::new(&["/etc/hostname"]));
    assert_eq!((numbers(&none).len(), gaps(&none).len()), (0, 0));
    assert_eq!(state(&none, "servers"), Some(CoverageState::Complete));
    let never = Spool::new(&[MAIN]);
    assert!(numbers(&queue(never)).is_empty());
}

#[test]
fn exim_and_sendmail_say_by_their_ids_when_a_message_came() {
    let exim = queue(Spool::new(&[
        "/var/spool/exim4/input/1xUZ9g-0007AQ-18-H",
        "/var/spool/exim4/input/1xUZ9g-0007AQ-18-D",
        "/var/spool/exim4/input/h/1xUZ9h-0007Cx-2O-H",
    ]));
    assert_eq!(numbers(&exim)["mail_queue_messages Exim input"], 2.0);
    let since = (NOW - 1_795_221_636) as f64;
    assert_eq!(numbers(&exim)["mail_queue_oldest_seconds Exim"], since);
    let mut spool = Spool::new(&[
        "/var/spool/mqueue/q1/qf/qf6ALAxUqD000198",
        "/var/spool/mqueue/q1/df/df6ALAxUqD000198",
        "/var/spool/mqueue/q2/hf6ALAxVLU000203",
    ]);
    let settings = "O QueueDirectory=/var/spool/mqueue/q*\n";
    spool.disk = spool.disk.file("/etc/mail/sendmail.cf", settings);
    let sendmail = queue(spool);
    assert_eq!(
        numbers(&sendmail)["mail_queue_messages Sendmail mqueue"],
        2.0
    );
    let since = (NOW - 1_795_258_770) as f64;
    assert_eq!(
        numbers(&sendmail)["mail_queue_oldest_seconds Sendmail"],
        since
    );
}

fn load(watch: u64, moments: &[(&'static str, &'static str)]) -> Recorder {
    let mut spool = Spool::new(&[]);
    spool.disk = spool.disk.file(
        "/proc/pressure/io",
        "some avg10=9.00 avg60=9.00 avg300=2.50 total=1\n",
    );
    spool.moments = moments.to_vec();
    look(spool, watch, |world| Box::new(LoadSource::new(world)))
}

#[test]
fn the_busiest_moment_of_a_watch_is_told() {
    let told = load(
        20,
        &[
            ("0.50 0.40 0.30 1/80 1", "cpu  100 0 0 900 0 0 0 0\n"),
            ("7.25 1.00 0.50 1/80 1", "cpu  190 0 0 900 10 0 0 0\n"),
            ("2.00 1.00 0.50 1/80 1", "cpu  200 0 0 980 20 0 0 0\n"),
        ],
    );
    let told_numbers = numbers(&told);
    assert_eq!(told_numbers["load_peak_1m system"], 7.25);
    assert_eq!(told_numbers["cpu_busy_peak_ratio system"], 0.9);
    assert_eq!(told_numbers["pressure_io_ratio system"], 0.025);
    assert!(!told_numbers.contains_key("pressure_cpu_ratio system"));
    let coverage = told.coverage().next().unwrap();
    assert_eq!(coverage.from, Timestamp::from_seconds(NOW));
}

#[test]
fn a_look_that_does_not_watch_has_no_share_of_busy_processors() {
    let told = load(
        0,
        &[("0.50 0.40 0.30 1/80 1", "cpu  100 0 0 900 0 0 0 0\n")],
    );
    assert_eq!(numbers(&told)["load_peak_1m system"], 0.5);
    assert!(!numbers(&told).contains_key("cpu_busy_peak_ratio system"));
    let nothing = load(0, &[]);
    assert!(!numbers(&nothing).contains_key("load_peak_1m system"));
    assert_eq!(nothing.gaps().count(), 1);
}
