//! Real processes on a real disk, killed while they write: at random, and at every system call that matters.
//!
//! A kill leaves the page cache, so this proves the logic and the real calls, not the durability; that is `crash.rs`.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use groma_fuzz::Chance;
use groma_spool::{Body, DirectoryError, Limits, LocalDir, Reason, Space, Spool};

/// One test at a time. A process that is just being started has, until it becomes its program, all descriptors of this one; the
/// lock of a spool that another test holds would outlive it for that moment, and the next witness would be refused.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the slow truth was asked for.
fn is_full() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "how hard to test is asked of the surroundings"
    )]
    let factor = std::env::var("GROMA_FUZZ_FACTOR");
    factor.is_ok_and(|f| f.parse().unwrap_or(1) > 1)
}

/// The example, which cargo builds next to this test.
fn witness() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/witness");
    assert!(
        path.exists(),
        "{} is not built: run cargo test without a choice of targets, or build it with --example witness",
        path.display()
    );
    path
}

fn open(directory: &Path) -> Spool {
    let room = || {
        Ok(Space {
            bytes: 1 << 40,
            free: 1 << 39,
        })
    };
    let disk = LocalDir::open(directory, Box::new(room)).unwrap();
    Spool::open(Box::new(disk), Limits::default()).unwrap().0
}

/// What processes said, in order: `(epoch, sequence)` acknowledged; and the last one that was to be freed.
#[derive(Default)]
struct Said {
    kept: Vec<(u64, u64)>,
    freed: Option<(u64, u64)>,
}

impl Said {
    fn hear(&mut self, epoch: u64, line: &str) {
        assert!(!line.starts_with("loss damaged"), "{line}");
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [number] => self.kept.push((epoch, number.parse().unwrap())),
            ["freed", epoch, sequence] => {
                self.freed = Some((epoch.parse().unwrap(), sequence.parse().unwrap()))
            }
            _ => {}
        }
    }

    /// Holds the spool against what was said.
    fn check(&self, directory: &Path, what: &str) {
        let mut spool = open(directory);
        let mut last = None;
        let mut seen = BTreeSet::new();
        let order: Vec<(u64, u64)> = self.kept.clone();
        for frame in spool.frames() {
            let frame = frame.unwrap();
            let number = (frame.epoch, frame.sequence);
            match frame.body {
                Body::Payload(bytes) => {
                    let text = format!("{}/{};", number.0, number.1);
                    assert_eq!(
                        bytes,
                        text.repeat(bytes.len() / text.len()).into_bytes(),
                        "{what}"
                    );
                    assert!(seen.insert(number), "{what}: {number:?} twice");
                    if let Some(place) = order.iter().position(|n| *n == number) {
                        assert!(last < Some(place), "{what}: {number:?} out of order");
                        last = Some(place);
                    }
                }
                Body::Loss(loss) => assert_eq!(loss.reason, Reason::TornTail, "{what}: {loss}"),
                Body::Unknown { .. } => panic!("{what}: an invented kind"),
            }
        }
        // Epochs count up here, so numbers are in order of appending. What is freed last need not have been acknowledged: the
        // process may have been killed between the append and saying so.
        for number in &order {
            let may_be_gone = self.freed.is_some_and(|f| *number <= f);
            assert!(
                may_be_gone || seen.contains(number),
                "{what}: {number:?} was acknowledged and is lost, freed up to {:?}",
                self.freed
            );
        }
    }
}

fn start(directory: &Path, epoch: u64) -> Child {
    Command::new(witness())
        .arg(directory)
        .args([&epoch.to_string(), "100000", "20"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_agent_has_every_frame_it_acknowledged() {
    let _alone = alone();
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("spool");
    let mut chance = Chance::new(7);
    let mut said = Said::default();
    let rounds = if is_full() { 200 } else { 20 };
    for epoch in 1..=rounds {
        let mut child = start(&directory, epoch);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..chance.below(60) {
            let mut line = String::new();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "the witness of epoch {epoch} ended by itself");
            said.hear(epoch, line.trim_end());
        }
        // Where in its next steps the kill meets it is the scheduler's choice.
        for _ in 0..chance.below(20_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        // A line that was cut off was not said.
        for line in rest.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
            said.hear(epoch, line.trim_end());
        }
        said.check(&directory, &format!("after kill {epoch}"));
    }
    assert!(
        said.kept.len() > 100,
        "{} frames were acknowledged at all",
        said.kept.len()
    );
}

#[test]
fn a_kill_at_any_system_call_that_matters_loses_nothing() {
    let _alone = alone();
    let strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !strace.is_ok_and(|s| s.success()) {
        skip("spool: the sweep of kills at system calls needs strace, which is not installed");
        return;
    }
    for (call, calls) in [
        ("write", 70),
        ("fdatasync", 60),
        ("fsync", 30),
        ("rename", 4),
        ("unlink", 8),
        ("openat", 40),
    ] {
        let step = if is_full() { 1 } else { calls / 4 };
        for nth in (1..=calls).step_by(step) {
            killed_at(call, nth);
        }
    }
}

/// Runs the witness until the nth such call, which kills it.
fn killed_at(call: &str, nth: usize) {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("spool");
    let output = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
        ])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={nth}")])
        .arg(witness())
        .arg(&directory)
        .args(["5", "45", "12"])
        .output()
        .unwrap();
    let what = format!("killed at {call} {nth}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut said = Said::default();
    for line in text.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
        said.hear(5, line.trim_end());
    }
    said.check(&directory, &what);
}

fn skip(sentence: &str) {
    #[expect(clippy::print_stderr, reason = "a test that skips says so")]
    {
        eprintln!("SKIPPED {sentence}");
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "tests/run collects what was skipped"
    )]
    let file = std::env::var("GROMA_SKIPPED");
    if let Ok(file) = file {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        writeln!(file, "{sentence}").unwrap();
    }
}

#[test]
fn two_agents_never_use_one_spool() {
    let _alone = alone();
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("spool");
    let first = open(&directory);
    let room = || Ok(Space { bytes: 1, free: 1 });
    let second = LocalDir::open(&directory, Box::new(room));
    let error = second.err().expect("the second is refused");
    assert!(matches!(error, DirectoryError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("lock"), "{error}");
    drop(first);
    open(&directory);
}

#[test]
fn a_directory_that_others_may_write_into_is_refused() {
    let _alone = alone();
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let room = || Ok(Space { bytes: 1, free: 1 });
    for mode in [0o770, 0o707, 0o777] {
        std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        let error = LocalDir::open(home.path(), Box::new(room)).err().unwrap();
        assert!(matches!(error, DirectoryError::Writable { .. }), "{error}");
        assert!(error.to_string().contains("chmod 0700"), "{error}");
    }
    let file = home.path().join("file");
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(&file, "").unwrap();
    let error = LocalDir::open(&file, Box::new(room)).err().unwrap();
    assert!(
        matches!(error, DirectoryError::NotADirectory { .. }),
        "{error}"
    );
    let orphan = home.path().join("no/such");
    let error = LocalDir::open(&orphan, Box::new(room)).err().unwrap();
    assert!(matches!(error, DirectoryError::Create { .. }), "{error}");
}

#[test]
fn files_and_directory_are_for_nobody_else() {
    let _alone = alone();
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("spool");
    open(&directory).append(1, 1, b"mine").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in std::fs::read_dir(&directory).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn a_fifo_or_a_link_called_like_a_segment_neither_hangs_nor_misleads() {
    let _alone = alone();
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("spool");
    open(&directory).append(1, 1, b"mine").unwrap();
    let made = Command::new("mkfifo")
        .arg(directory.join("0000000000000002.spool"))
        .status();
    std::os::unix::fs::symlink("/etc/passwd", directory.join("0000000000000003.spool")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", directory.join("watermark.new")).unwrap();
    std::fs::create_dir(directory.join("0000000000000004.spool")).unwrap();
    assert!(
        made.is_ok_and(|s| s.success()),
        "mkfifo comes with coreutils"
    );
    let mut spool = open(&directory);
    spool.append(1, 2, b"too").unwrap();
    let frames: Vec<u64> = spool.frames().map(|f| f.unwrap().sequence).collect();
    assert_eq!(frames, [1, 2]);
    spool.free_through(1, 2).unwrap();
    assert!(
        directory.join("0000000000000003.spool").is_symlink(),
        "a stranger is left alone"
    );
}
