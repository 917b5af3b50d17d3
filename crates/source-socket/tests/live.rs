//! Real sockets of real processes: this test program starts itself again as listener and caller.
//!
//! The sockets of the test process itself are groma's own and never reported, which is tested too.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use groma_model::fact::{Connection, Direction, Listener};
use groma_model::{CoverageState, Fact, Observation, Port, Reason, Transport, batch::Said};
use groma_source::{Budget, Recorder, Source, Stop, Window};
use groma_source_socket::SocketSource;

const ROLE: &str = "GROMA_SOCKET_TEST_ROLE";
const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Not a test of its own: what the child processes run. It does nothing unless a role is set.
#[test]
fn child_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let (role, argument) = role.split_once(' ').unwrap_or((&role, ""));
    let mut held: Vec<Box<dyn std::any::Any>> = Vec::new();
    let mut keep = |socket: Box<dyn std::any::Any>| held.push(socket);
    let port = match role {
        "listen" => {
            let listener = TcpListener::bind(argument).unwrap();
            let port = listener.local_addr().unwrap().port();
            keep(Box::new(listener));
            port
        }
        "serve" => {
            let listener = TcpListener::bind(argument).unwrap();
            let port = listener.local_addr().unwrap().port();
            // Said twice: once when it can be called, once more when it was.
            announce(port);
            keep(Box::new(listener.accept().unwrap()));
            keep(Box::new(listener));
            port
        }
        "call" => {
            keep(Box::new(TcpStream::connect(argument).unwrap()));
            0
        }
        "udp" => {
            let socket = UdpSocket::bind(argument).unwrap();
            let port = socket.local_addr().unwrap().port();
            keep(Box::new(socket));
            port
        }
        "udp-call" => {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(argument).unwrap();
            keep(Box::new(socket));
            0
        }
        other => panic!("no role {other}"),
    };
    announce(port);
    // Ends when the parent closes the pipe, or dies.
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn announce(port: u16) {
    let mut out = std::io::stdout();
    writeln!(out, "\nPORT {port}").unwrap();
    out.flush().unwrap();
}

struct Helper {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Helper {
    fn start(role: &str) -> Self {
        Self::start_as(&std::env::current_exe().unwrap(), &[], role)
    }

    fn start_as(program: &Path, before: &[&str], role: &str) -> Self {
        let mut command = match before.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .args([
                "--exact",
                "child_process",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ROLE, role);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut helper = Self {
            child,
            out,
            port: 0,
        };
        helper.port = helper.next_port();
        helper
    }

    /// Waits for the next `PORT` line.
    fn next_port(&mut self) -> u16 {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if let Some(port) = line.trim().strip_prefix("PORT ") {
                return port.parse().unwrap();
            }
            line.clear();
        }
        panic!("the helper ended before it was ready");
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn look_for(watch: Duration) -> Recorder {
    let world = groma_sys::this_machine(true);
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        watch,
        Duration::from_secs(60),
    );
    let mut source = SocketSource::new(world);
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
}

fn look() -> Recorder {
    look_for(Duration::ZERO)
}

fn listeners(recorder: &Recorder, port: u16, transport: Transport) -> Vec<Listener> {
    let all = recorder.facts().filter_map(|fact| match fact {
        Fact::Listener(listener) => Some(listener.clone()),
        _ => None,
    });
    all.filter(|l| l.port == Port(port) && l.transport == transport)
        .collect()
}

fn connections(recorder: &Recorder, port: u16, direction: Direction) -> Vec<Connection> {
    let all = recorder.facts().filter_map(|fact| match fact {
        Fact::Connection(connection) => Some(connection.clone()),
        _ => None,
    });
    all.filter(|c| c.service_port == Port(port) && c.direction == direction)
        .collect()
}

fn observation(recorder: &Recorder, port: u16) -> Observation {
    let is_it = |fact: &Fact| matches!(fact, Fact::Listener(l) if l.port == Port(port));
    let all = recorder
        .records
        .iter()
        .filter_map(|record| match &record.said {
            Said::Saw(observation) if is_it(&observation.fact) => Some(observation.clone()),
            _ => None,
        });
    let all: Vec<Observation> = all.collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

fn coverage(recorder: &Recorder, scope: &str) -> Option<CoverageState> {
    recorder
        .coverage()
        .find(|c| c.scope.as_str() == scope)
        .map(|c| c.state)
}

fn this_program() -> Option<groma_model::Foreign> {
    Some(groma_source::disk::foreign(
        &std::env::current_exe().unwrap().canonicalize().unwrap(),
    ))
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn skip(what: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "SKIPPED: {what}").unwrap();
}

/// A folder of this test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("groma-socket-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_listener_is_told_with_its_program_and_account() {
    let helper = Helper::start("listen 127.0.0.1:0");
    let recorder = look();
    let found = listeners(&recorder, helper.port, Transport::Tcp);
    assert_eq!(found.len(), 1, "{found:?}");
    let listener = found.first().unwrap();
    assert_eq!(
        (listener.address, &listener.program.executable),
        (V4, &this_program())
    );
    let account = if is_root() {
        Some("root".into())
    } else {
        listener.program.user.clone()
    };
    assert!(listener.program.user.is_some() && listener.program.user == account);
    assert_eq!(
        observation(&recorder, helper.port).scope.as_str(),
        format!("socket:host/tcp/listen/{}", helper.port)
    );
    assert_eq!(
        coverage(&recorder, "socket:host/tcp/connections"),
        Some(CoverageState::Partial)
    );
    assert_eq!(
        coverage(&recorder, "socket:host/tcp/listen"),
        Some(CoverageState::Complete)
    );
    assert_eq!(
        coverage(
            &recorder,
            &format!("socket:host/tcp/listen/{}", helper.port)
        ),
        None
    );
}

#[test]
fn a_listener_that_ended_is_not_told_any_more() {
    let helper = Helper::start("listen 127.0.0.1:0");
    let port = helper.port;
    drop(helper);
    assert_eq!(listeners(&look(), port, Transport::Tcp), []);
}

#[test]
fn both_ends_of_a_connection_are_told_each_in_its_direction() {
    let mut server = Helper::start("serve 127.0.0.1:0");
    let _caller = Helper::start(&format!("call 127.0.0.1:{}", server.port));
    server.next_port();
    let recorder = look();
    for direction in [Direction::Outgoing, Direction::Incoming] {
        let found = connections(&recorder, server.port, direction);
        assert_eq!(found.len(), 1, "{direction:?} {found:?}");
        let connection = found.first().unwrap();
        assert_eq!(
            (connection.local, connection.remote, connection.transport),
            (V4, V4, Transport::Tcp)
        );
        assert_eq!(
            connection.program.executable,
            this_program(),
            "{direction:?}"
        );
    }
}

#[test]
fn a_mapped_address_is_the_address_and_the_listener_stays_one() {
    let mut server = Helper::start("serve [::]:0");
    let _caller = Helper::start(&format!("call 127.0.0.1:{}", server.port));
    server.next_port();
    let recorder = look();
    let found = listeners(&recorder, server.port, Transport::Tcp);
    assert_eq!(
        found.iter().map(|l| l.address).collect::<Vec<_>>(),
        [IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
    );
    let found = connections(&recorder, server.port, Direction::Incoming);
    assert_eq!(
        found
            .iter()
            .map(|c| (c.local, c.remote))
            .collect::<Vec<_>>(),
        [(V4, V4)]
    );
}

#[test]
fn a_udp_client_is_no_listener_but_a_service_is() {
    let client = Helper::start("udp 127.0.0.1:0");
    // Below the range the kernel picks from, and another one in each run.
    let chosen = 20_000 + std::process::id() % 9_000;
    let service = Helper::start(&format!("udp 127.0.0.1:{chosen}"));
    let _connected = Helper::start(&format!("udp-call 127.0.0.1:{}", service.port));
    let recorder = look();
    assert_eq!(listeners(&recorder, client.port, Transport::Udp), []);
    assert_eq!(listeners(&recorder, service.port, Transport::Udp).len(), 1);
    let found = connections(&recorder, service.port, Direction::Outgoing);
    assert_eq!(
        found
            .iter()
            .map(|c| (c.transport, c.remote))
            .collect::<Vec<_>>(),
        [(Transport::Udp, V4)]
    );
    // Seen again and again, it is still a service; the client still is none.
    let watched = look_for(Duration::from_secs(1));
    assert_eq!(listeners(&watched, service.port, Transport::Udp).len(), 1);
    assert_eq!(listeners(&watched, client.port, Transport::Udp), []);
}

#[test]
fn a_fact_seen_in_two_samples_is_said_once_and_counted() {
    let helper = Helper::start("listen 127.0.0.1:0");
    assert_eq!(observation(&look(), helper.port).seen.count, 1);
    // How many samples a second holds is the machine's business: one with other work to do is given more of them.
    let seen = [1, 3, 9]
        .map(Duration::from_secs)
        .into_iter()
        .map(|watch| observation(&look_for(watch), helper.port).seen)
        .find(|seen| seen.count >= 2);
    let seen = seen.expect("it stands in two samples of nine seconds");
    assert!(seen.first < seen.last);
}

/// Copied by another process: one that this one starts at the same moment in another thread would hold the half-written
/// file open, and what is open for writing cannot be started (ETXTBSY).
fn copy_of_this_test(to: &Path) {
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(to)
        .status();
    assert!(copied.unwrap().success());
}

#[test]
fn a_deleted_executable_keeps_its_name() {
    let folder = Folder::new("deleted");
    let program = folder.0.join("service");
    copy_of_this_test(&program);
    let helper = Helper::start_as(&program, &[], "listen 127.0.0.1:0");
    std::fs::remove_file(&program).unwrap();
    let found = listeners(&look(), helper.port, Transport::Tcp);
    assert_eq!(
        found.first().unwrap().program.executable,
        Some(groma_source::disk::foreign(&program))
    );
}

#[test]
fn our_own_sockets_and_the_far_ends_of_our_own_calls_are_left_out() {
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Helper::start("serve 127.0.0.1:0");
    let _call = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let recorder = look();
    assert_eq!(
        listeners(&recorder, own.local_addr().unwrap().port(), Transport::Tcp),
        []
    );
    assert_eq!(connections(&recorder, server.port, Direction::Outgoing), []);
    assert_eq!(connections(&recorder, server.port, Direction::Incoming), []);
    assert_eq!(listeners(&recorder, server.port, Transport::Tcp).len(), 1);
}

const FORKING_SERVICE: &str = r#"use strict; use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5, Proto => 'tcp') or die;
my @workers = map { my $pid = fork // die; if (!$pid) { close STDOUT; <STDIN>; exit 0 } $pid } 1..3;
$| = 1; print "\nPORT ", $listener->sockport, "\n"; <STDIN>; kill 'TERM', @workers;
"#;

#[test]
fn a_listener_shared_by_a_master_and_its_workers_is_one_with_its_script_and_no_other_word() {
    if !Path::new("/usr/bin/perl").exists() {
        return skip("no perl here");
    }
    let folder = Folder::new("script");
    let script = folder.0.join("service.pl");
    std::fs::write(&script, FORKING_SERVICE).unwrap();
    let mut command = Command::new("/usr/bin/perl");
    command
        .args(["-w", "./service.pl", "--password", "hunter2-in-the-clear"])
        .current_dir(&folder.0);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut helper = Helper {
        child,
        out,
        port: 0,
    };
    helper.port = helper.next_port();
    let recorder = look();
    let found = listeners(&recorder, helper.port, Transport::Tcp);
    assert_eq!(found.len(), 1, "{found:?}");
    let program = &found.first().unwrap().program;
    assert_eq!(program.script, Some(groma_source::disk::foreign(&script)));
    assert_eq!(
        program.working_directory,
        Some(groma_source::disk::foreign(&folder.0))
    );
    assert!(!format!("{:?}", recorder.records).contains("hunter2"));
}

/// A network namespace, gone when dropped.
struct Namespace(String);

impl Namespace {
    fn new() -> Option<Self> {
        let name = format!("groma-socket-{}", std::process::id());
        let made = Command::new("ip")
            .args(["netns", "add", &name])
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return None;
        }
        let namespace = Self(name);
        let up = Command::new("ip")
            .args(["-n", &namespace.0, "link", "set", "lo", "up"])
            .status();
        up.is_ok_and(|status| status.success()).then_some(namespace)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

#[test]
fn a_namespace_of_its_own_has_scopes_of_its_own_named_after_what_stays() {
    let Some(namespace) = is_root().then(Namespace::new).flatten() else {
        return skip("network namespaces need root and iproute2");
    };
    let within = ["ip", "netns", "exec", &namespace.0];
    let program = std::env::current_exe().unwrap();
    let mut server = Helper::start_as(&program, &within, "serve [::]:0");
    let _caller = Helper::start_as(
        &program,
        &within,
        &format!("call 127.0.0.1:{}", server.port),
    );
    server.next_port();
    let recorder = look();
    let scope = format!("socket:netns-{}/tcp/listen", namespace.0);
    assert_eq!(
        observation(&recorder, server.port).scope.as_str(),
        format!("{scope}/{}", server.port)
    );
    assert_eq!(
        listeners(&recorder, server.port, Transport::Tcp)
            .first()
            .unwrap()
            .program
            .executable,
        this_program()
    );
    assert_eq!(coverage(&recorder, &scope), Some(CoverageState::Complete));
    for direction in [Direction::Outgoing, Direction::Incoming] {
        let found = connections(&recorder, server.port, direction);
        assert_eq!(
            found
                .iter()
                .map(|c| (c.local, &c.program.executable))
                .collect::<Vec<_>>(),
            [(V4, &this_program())],
            "{direction:?}"
        );
    }
}

#[test]
fn without_root_other_accounts_are_hidden_and_a_gap_says_so() {
    let folder = Folder::new("hidden");
    let program = folder.0.join("look");
    copy_of_this_test(&program);
    let as_nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let can = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"])
        .status();
    if !is_root() || !can.is_ok_and(|status| status.success()) {
        return skip("becoming another account needs root and setpriv");
    }
    let helper = Helper::start("listen 127.0.0.1:0");
    let mut looker = Command::new("setpriv");
    looker.args(as_nobody.iter().skip(1)).arg(&program).args([
        "--exact",
        "looks_as_told",
        "--nocapture",
    ]);
    let output = looker.env(ROLE, helper.port.to_string()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("hidden as promised"), "{text}");
}

#[test]
fn where_netlink_is_refused_the_text_tables_say_the_same_and_a_gap_says_so() {
    let refusing = [
        "-qq",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=socket",
        "-e",
        "inject=socket:error=EPERM",
    ];
    let can = Command::new("strace").args(refusing).arg("true").status();
    if !can.is_ok_and(|status| status.success()) {
        return skip("refusing a system call needs strace");
    }
    let helper = Helper::start("listen 127.0.0.1:0");
    let mut looker = Command::new("strace");
    looker
        .args(refusing)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "looks_without_netlink", "--nocapture"]);
    let output = looker.env(ROLE, helper.port.to_string()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("the same without netlink"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Not a test of its own: what the test above runs with its sockets refused.
#[test]
fn looks_without_netlink() {
    let Some(port) = std::env::var(ROLE).ok().and_then(|port| port.parse().ok()) else {
        return;
    };
    let recorder = look();
    let found = listeners(&recorder, port, Transport::Tcp);
    assert_eq!(
        found
            .iter()
            .map(|l| (l.address, &l.program.executable))
            .collect::<Vec<_>>(),
        [(V4, &this_program())]
    );
    assert_eq!(
        recorder
            .gaps()
            .filter(|gap| gap.reason == Reason::Unsupported)
            .count(),
        1
    );
    assert_eq!(
        coverage(&recorder, "socket:host/tcp/listen"),
        Some(CoverageState::Complete)
    );
    writeln!(std::io::stdout(), "the same without netlink").unwrap();
}

/// Not a test of its own: what the test above runs as another account.
#[test]
fn looks_as_told() {
    let Some(port) = std::env::var(ROLE).ok().and_then(|port| port.parse().ok()) else {
        return;
    };
    let recorder = look();
    let found = listeners(&recorder, port, Transport::Tcp);
    let program = &found.first().unwrap().program;
    assert_eq!(
        (&program.executable, &program.user),
        (&None, &Some("root".into()))
    );
    assert_eq!(
        recorder
            .gaps()
            .filter(|gap| gap.reason == Reason::PermissionDenied)
            .count(),
        1
    );
    assert!(
        recorder
            .gaps()
            .all(|gap| gap.reason != Reason::PermissionDenied || gap.remedy.is_some())
    );
    assert_eq!(
        coverage(&recorder, &format!("socket:host/tcp/listen/{port}")),
        Some(CoverageState::Partial)
    );
    writeln!(std::io::stdout(), "hidden as promised").unwrap();
}
