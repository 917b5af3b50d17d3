//! Connections as they happen on this very machine, told by the BPF program, where groma was built with one:
//! `cargo test -p groma-source-socket -p groma-sys --features groma-sys/ebpf --test flow_live`.
//!
//! The trace and the lesser ways are tried by `tests/e2e/flows.rs` and measured by `tests/bench/flows`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use groma_model::batch::Said;
use groma_model::fact::{Connection, Direction};
use groma_model::{Fact, Foreign, Seen};
use groma_source::{
    Arrival, Budget, Events, Instruction, KernelEvents, NetworkRoom, Recorder, Source, Stop, Trace,
    Window,
};
use groma_source_socket::{FlowSource, Tier};

/// Longest watch; it is ended as soon as everything was called.
const WATCH: Duration = Duration::from_secs(240);
const CALLS: u64 = 5;
/// Descriptors of this process are counted, so one test at a time opens some.
static ALONE: Mutex<()> = Mutex::new(());
const ROLE: &str = "GROMA_FLOW_TEST_ROLE";

fn skip(what: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "SKIPPED: {what}").unwrap();
}

/// What is not there to try the program on this machine.
fn lack() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("a BPF program needs root".to_owned());
    }
    let has = |program: &str| {
        let mut shell = Command::new("sh");
        let found = shell.args(["-c", &format!("command -v {program}")]);
        found
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    if !has("bash") || !has("setpriv") || !has("unshare") {
        return Some("bash, setpriv or unshare is missing".to_owned());
    }
    let error = groma_sys::kernel_events().program().err()?;
    Some(format!(
        "no BPF program: {error} (built without the feature `ebpf`, or this kernel refuses)"
    ))
}

/// Not a test of its own: what the other programs of these tests run. It does nothing unless a role is set.
#[test]
fn role() {
    match std::env::var(ROLE).as_deref() {
        Ok("serve") => serve(),
        Ok("look") => look_and_check(Tier::EveryConnection),
        _ => {}
    }
}

/// Answers whoever calls, until nobody reads what it says.
fn serve() {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = door.local_addr().unwrap().port();
    let mut out = std::io::stderr();
    writeln!(out, "port {port}").unwrap();
    for caller in door.incoming() {
        let mut caller = caller.unwrap();
        let _ = caller.read(&mut [0; 100]);
        let _ = caller.write_all(b"thank you\n");
    }
}

/// This program in a role; ended when dropped.
struct Helper(Child);

impl Helper {
    fn start(before: &[&str], role: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut words: Vec<&std::ffi::OsStr> = before.iter().map(|word| word.as_ref()).collect();
        words.extend([
            program.as_os_str(),
            "--exact".as_ref(),
            "role".as_ref(),
            "--nocapture".as_ref(),
        ]);
        let child = Command::new(words[0])
            .args(&words[1..])
            .env(ROLE, role)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    fn port(&mut self) -> u16 {
        let mut lines = BufReader::new(self.0.stderr.take().unwrap()).lines();
        let port = lines.find_map(|line| line.unwrap().strip_prefix("port ")?.parse().ok());
        port.expect("the server says its port")
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// BPF programs, maps and ties this process holds, as its descriptors say.
fn held() -> Vec<String> {
    let open = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    let texts = open.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| {
            ["tp_name:", "prog_type:", "map_type:"]
                .iter()
                .any(|word| line.starts_with(word))
        })
        .collect()
}

/// Calls as another account, by a program that has ended before anybody could ask who it was.
fn call(port: u16) {
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo hello >&3; read -u3 line");
    let bash = ["--reuid", "65534", "--clear-groups", "bash", "-c", &script];
    assert!(
        Command::new("setpriv")
            .args(bash)
            .status()
            .unwrap()
            .success()
    );
}

/// What `host.flows` says of a watch that ends after `during`, which begins once the program tells what happens.
fn watch(at_most: Tier, during: impl FnOnce()) -> Recorder {
    let stop = Stop::default();
    let over = stop.clone();
    let looking = thread::spawn(move || {
        let world = groma_sys::this_machine(true);
        let window = Window::open(world.clock.clone(), stop, WATCH, WATCH * 2);
        let mut source = FlowSource::new(world, groma_sys::kernel_events()).at_most(at_most);
        let mut recorder = Recorder::new(source.name());
        source.look(&window, &Budget::default(), &mut recorder);
        recorder
    });
    let begin = Instant::now();
    let ties = || {
        held()
            .iter()
            .filter(|line| line.starts_with("tp_name:"))
            .count()
    };
    while ties() < 3 {
        assert!(
            begin.elapsed() < WATCH && !looking.is_finished(),
            "nothing is tied: {:?}",
            held()
        );
        thread::sleep(Duration::from_millis(20));
    }
    during();
    over.ask();
    looking.join().unwrap()
}

/// Connections to this port that were called from here.
fn calls(recorder: &Recorder, port: u16) -> Vec<(&Connection, &Seen)> {
    let said = recorder.records.iter().map(|record| &record.said);
    said.filter_map(|said| match said {
        Said::Saw(observation) => match &observation.fact {
            Fact::Connection(c)
                if c.service_port.0 == port && c.direction == Direction::Outgoing =>
            {
                Some((c, &observation.seen))
            }
            _ => None,
        },
        _ => None,
    })
    .collect()
}

fn coverage(recorder: &Recorder) -> String {
    let said = recorder.records.iter().map(|record| &record.said);
    let how = said.filter_map(|said| match said {
        Said::Covered(covered) if covered.scope.as_str() == "flow:host/tcp" => covered.how.clone(),
        _ => None,
    });
    how.collect()
}

fn look_and_check(at_most: Tier) {
    let mut server = Helper::start(&["env"], "serve");
    let port = server.port();
    let recorder = watch(at_most, || (0..CALLS).for_each(|_| call(port)));
    let told = calls(&recorder, port);
    assert_eq!(
        told.iter().map(|(_, seen)| seen.count).sum::<u64>(),
        CALLS,
        "{told:#?}"
    );
    for (connection, _) in &told {
        let program = &connection.program;
        let executable = program.executable.as_ref().map(Foreign::to_string);
        assert!(
            executable.is_some_and(|path| path.ends_with("/bash")),
            "{program:?}"
        );
        let user = program.user.as_ref().map(Foreign::to_string);
        assert!(
            matches!(user.as_deref(), Some("nobody" | "65534")),
            "{program:?}"
        );
    }
    let how = coverage(&recorder);
    assert!(
        how.starts_with(&format!(
            "flow coverage: {};",
            Tier::EveryConnectionByProgram.word()
        )),
        "{how}"
    );
    assert_eq!(held(), Vec::<String>::new(), "nothing is left behind");
}

#[test]
fn calls_of_programs_that_ended_are_told_with_their_account_and_nothing_stays() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    match lack() {
        Some(lack) => skip(&lack),
        None => look_and_check(Tier::EveryConnectionByProgram),
    }
}

#[test]
fn in_a_process_namespace_of_its_own_the_program_counts_by_the_numbers_known_there() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lack) = lack() {
        return skip(&lack);
    }
    let own = [
        "unshare",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--net",
    ];
    let up = ["sh", "-c", "ip link set lo up && exec \"$@\"", "-"];
    let mut inside = Helper::start(&[&own[..], &up[..]].concat(), "look");
    let mut said = String::new();
    inside
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(inside.0.wait().unwrap().success(), "{said}");
}

/// A kernel of which only the program can be had, or not even that.
struct Refusing {
    program: Result<(), std::io::ErrorKind>,
}

impl KernelEvents for Refusing {
    fn moment(&self) -> u64 {
        0
    }
    fn trace(&self) -> std::io::Result<Box<dyn Trace>> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }
    fn program(&self) -> std::io::Result<Box<dyn Events>> {
        self.program.map_err(std::io::Error::from)?;
        Ok(Box::new(Recorded { told: 0 }))
    }
    fn tcp_ends(&self, _: Option<&NetworkRoom>) -> std::io::Result<Box<dyn Events>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
    fn packets(
        &self,
        _: Option<&NetworkRoom>,
        _: &[Instruction],
    ) -> std::io::Result<Box<dyn Events>> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }
}

/// What the program told once, and a loss.
struct Recorded {
    told: u32,
}

impl Events for Recorded {
    fn next(&mut self, buffer: &mut Vec<u8>) -> std::io::Result<Option<Arrival>> {
        self.told += 1;
        match self.told {
            1 => {
                let records = include_bytes!("fixtures/linux-6.18/flows/records.bin");
                *buffer = in_no_network(records);
                Ok(Some(Arrival::default()))
            }
            2 => Err(std::io::ErrorKind::StorageFull.into()),
            _ => Ok(None),
        }
    }
    fn lost(&mut self) -> u64 {
        7
    }
}

/// The same records from a network no machine has: numbers of networks are given out again.
fn in_no_network(records: &[u8]) -> Vec<u8> {
    let mut records = records.to_vec();
    let mut at = 0;
    while let Some(length) = records.get(at..at + 4) {
        let length = u32::from_ne_bytes(length.try_into().unwrap());
        let kind = at + 4 + 8;
        if records[kind..kind + 4] == 1_u32.to_ne_bytes() {
            records[kind + 16..kind + 20].copy_from_slice(&7_u32.to_ne_bytes());
        }
        at += 4 + usize::try_from(length).unwrap();
    }
    records
}

fn look_with(program: Result<(), std::io::ErrorKind>) -> (String, Vec<(String, String)>) {
    let world = groma_sys::this_machine(true);
    let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, WATCH);
    let mut source = FlowSource::new(world, std::sync::Arc::new(Refusing { program }));
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    let said = recorder.records.iter().map(|record| &record.said);
    let gaps = said.filter_map(|said| match said {
        Said::Missed(gap) => Some((gap.what.clone(), gap.reason.to_string())),
        _ => None,
    });
    (coverage(&recorder), gaps.collect())
}

#[test]
fn a_program_that_was_not_built_is_no_news_and_one_that_is_refused_is_a_gap() {
    let tells =
        |gaps: &[(String, String)], word: &str| gaps.iter().any(|(what, _)| what.contains(word));
    let (how, gaps) = look_with(Err(std::io::ErrorKind::Unsupported));
    assert!(how.starts_with("flow coverage: polled;"), "{how}");
    assert!(
        tells(&gaps, "the programs of connections") && !tells(&gaps, "BPF"),
        "{gaps:?}"
    );
    let (how, gaps) = look_with(Err(std::io::ErrorKind::PermissionDenied));
    assert!(how.starts_with("flow coverage: polled;"), "{how}");
    assert!(
        tells(&gaps, "the programs of connections") && tells(&gaps, "BPF"),
        "{gaps:?}"
    );
}

#[test]
fn where_the_program_tells_the_trace_is_not_missed_and_losses_and_strange_networks_are_counted() {
    let (how, gaps) = look_with(Ok(()));
    let word = Tier::EveryConnectionByProgram.word();
    assert!(how.starts_with(&format!("flow coverage: {word};")), "{how}");
    assert!(how.contains("7 events lost"), "{how}");
    let what: Vec<&str> = gaps.iter().map(|(what, _)| what.as_str()).collect();
    assert!(
        what.contains(&"7 events the kernel had no room for"),
        "{what:?}"
    );
    // Both ends of both recorded connections, in a network that is gone.
    assert!(
        what.iter()
            .any(|what| what.starts_with("4 connections in networks")),
        "{what:?}"
    );
    assert!(
        !what
            .iter()
            .any(|what| what.contains("programs of connections")),
        "{what:?}"
    );
}
