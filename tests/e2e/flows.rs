//! Connections as they happen: real programs that call for milliseconds, in two networks of their own.
//!
//! The trace is the whole machine's, so nothing here counts totals: every check names its own addresses and ports.
//! The agent runs outside any process namespace, as on a real host; what it leaves behind is looked for as well.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PORT: u64 = 17_431;
const BACK: u64 = 17_432;

/// Serves TCP and UDP until its standard input is closed: `serve ADDRESS PORT`.
const SERVER: &str = r#"
import selectors, socket, sys
address, port = sys.argv[1], int(sys.argv[2])
door = socket.create_server((address, port), backlog=100)
log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); log.bind((address, 514))
s = selectors.DefaultSelector()
for f in (door, log, sys.stdin): s.register(f, selectors.EVENT_READ)
print('ready', flush=True)
while True:
    for key, _ in s.select():
        if key.fileobj is sys.stdin: sys.exit()
        if key.fileobj is log: log.recv(2000); continue
        c, _ = door.accept(); c.settimeout(2)
        try: c.recv(100); c.sendall(b'thank you\n')
        except OSError: pass
        c.close()
"#;

/// Calls by name and by address, and sends a line of log: `call NAME ADDRESS PORT`.
const CALLER: &str = r#"
import socket, sys, time
name, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
for to in [name] * 7 + [address] * 5:
    c = socket.create_connection((to, port)); c.sendall(b'good day'); c.recv(100); c.close(); time.sleep(0.02)
log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3): log.sendto(b'<13>hello', (address, 514)); time.sleep(0.02)
time.sleep(1)
"#;

/// Two networks, a cable between them, a name server in the second.
struct Rig {
    near: String,
    far: String,
    folder: tempfile::TempDir,
    running: Vec<Child>,
}

fn run(words: &[&str]) {
    let done = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{words:?}: {said}");
}

fn lack() -> Option<&'static str> {
    let has = |script: &str| {
        let mut shell = Command::new("sh");
        let quiet = shell.stdout(Stdio::null()).stderr(Stdio::null());
        quiet
            .args(["-c", script])
            .status()
            .is_ok_and(|s| s.success())
    };
    match () {
        () if !has("test \"$(id -u)\" = 0") => Some("watching every connection needs root"),
        () if !has("test -x \"$GROMA_AGENT_BIN\"") => {
            Some("GROMA_AGENT_BIN does not name a built program; `tests/run e2e` sets it")
        }
        () if !has("unshare -n true && command -v ip python3") => {
            Some("this place does not allow namespaces, or ip or python3 is missing")
        }
        () if !has("command -v /usr/sbin/named") => Some("named is not installed"),
        () if !has("test \"$(readlink /proc/self/ns/pid)\" = 'pid:[4026531836]'") => {
            Some("the trace names tasks of the whole machine, and this is a container")
        }
        () if !has("unshare -m sh -c 'mount -t tracefs t /sys/kernel/tracing'") => {
            Some("this kernel has no tracefs, or does not hand it out")
        }
        () => None,
    }
}

impl Rig {
    fn build(tag: &str) -> Self {
        let id = std::process::id();
        let (near, far) = (
            format!("groma-e2e-{id}-{tag}n"),
            format!("groma-e2e-{id}-{tag}f"),
        );
        for network in [&near, &far] {
            run(&["ip", "netns", "add", network]);
            run(&["ip", "-n", network, "link", "set", "lo", "up"]);
            // A new network forwards if the machine does, and what a router sends may be somebody else's.
            let host = "echo 0 > /proc/sys/net/ipv4/ip_forward";
            run(&["ip", "netns", "exec", network, "sh", "-c", host]);
        }
        run(&[
            "ip", "-n", &near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
            "netns", &far,
        ]);
        for (network, address) in [(&near, "10.98.31.1/24"), (&far, "10.98.31.2/24")] {
            run(&["ip", "-n", network, "addr", "add", address, "dev", "eth0"]);
            run(&["ip", "-n", network, "link", "set", "eth0", "up"]);
        }
        let mut rig = Self {
            near,
            far,
            folder: tempfile::tempdir().unwrap(),
            running: Vec::new(),
        };
        rig.serve_names();
        rig
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn serve_names(&mut self) {
        let zone = "$TTL 60\n@ IN SOA n h 1 3600 900 604800 60\n@ IN NS n\nn IN A 10.98.31.2\nreal IN A 10.98.31.2\napp IN CNAME real\n";
        let zone = self.write("zone", zone);
        let folder = self.folder.path().display().to_string();
        let settings = format!(
            "options {{ directory \"{folder}\"; listen-on {{ 10.98.31.2; }}; listen-on-v6 {{ none; }}; recursion no; pid-file none; session-keyfile \"{folder}/key\"; }};\n\
             controls {{ }};\nzone \"flows.test\" {{ type primary; file \"{zone}\"; }};\n"
        );
        let settings = self.write("named.conf", &settings);
        self.start(
            &self.far.clone(),
            &["/usr/sbin/named", "-g", "-n", "1", "-c", &settings],
        );
        let netns = format!("/etc/netns/{}", self.near);
        std::fs::create_dir_all(&netns).unwrap();
        std::fs::write(format!("{netns}/resolv.conf"), "nameserver 10.98.31.2\n").unwrap();
    }

    fn start(&mut self, network: &str, words: &[&str]) -> &mut Child {
        let child = Command::new("ip")
            .args(["netns", "exec", network])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.running.push(child);
        self.running.last_mut().unwrap()
    }

    fn serve(&mut self, network: &str, address: &str, port: u64) {
        let script = self.write("serve.py", SERVER);
        let port = port.to_string();
        let server = self.start(network, &["python3", &script, address, &port]);
        let mut line = String::new();
        let out = server.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
    }

    fn agent(&self, seconds: &str, out: &str) -> Child {
        self.agent_by("trace", seconds, out)
    }

    fn agent_by(&self, way: &str, seconds: &str, out: &str) -> Child {
        Command::new("ip")
            .args(["netns", "exec", &self.near])
            .arg(std::env::var_os("GROMA_AGENT_BIN").unwrap())
            .args(["look", "--source", "host.flows", "--for", seconds])
            .args(["--flows-by", way])
            .args(["--format", "json", "--out", out])
            .env("GROMA_STATE_DIR", self.path("state"))
            .spawn()
            .unwrap()
    }

    fn call(&self, network: &str, words: &[&str]) {
        let all = [&["ip", "netns", "exec", network][..], words].concat();
        run(&all);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for network in [&self.near, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", network]).status();
        }
        let _ = std::fs::remove_dir_all(format!("/etc/netns/{}", self.near));
    }
}

/// Names of the trace instances of this process number, as a stranger would find them.
fn instances(pid: u32) -> Vec<String> {
    let script = "mount -t tracefs t /sys/kernel/tracing; ls /sys/kernel/tracing/instances";
    let listed = Command::new("unshare")
        .args(["-m", "--propagation", "private", "sh", "-c", script])
        .output()
        .unwrap();
    let ours = format!("groma-{pid}-");
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter(|name| name.starts_with(&ours))
        .map(str::to_owned)
        .collect()
}

/// Waits until a child of `agent` traces, and says which.
fn wait_for_instance(agent: u32) -> u32 {
    let begin = Instant::now();
    loop {
        let watches = |child: &u32| !instances(*child).is_empty();
        if let Some(watcher) = family(agent).into_iter().find(watches) {
            return watcher;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "it traces nothing"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// An agent and the children it looks in.
fn family(agent: u32) -> Vec<u32> {
    let listed = Command::new("pgrep")
        .args(["-P", &agent.to_string()])
        .output()
        .unwrap();
    let children = String::from_utf8_lossy(&listed.stdout).into_owned();
    let children = children.lines().filter_map(|line| line.trim().parse().ok());
    std::iter::once(agent).chain(children).collect()
}

/// What was said, record by record.
fn said(out: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(out).unwrap();
    let lines = text.lines().skip(1);
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["said"].clone())
        .collect()
}

/// How often such a connection was counted; `program` is a part of the executable's path.
fn count(all: &[Value], wanted: &Value, program: &str) -> u64 {
    let fits = |said: &&Value| {
        let fact = &said["saw"]["fact"];
        let fields = wanted.as_object().unwrap();
        let same = fields.iter().all(|(name, value)| fact[name] == *value);
        let executable = fact["program"]["executable"].as_str().unwrap_or_default();
        same && fact["fact"] == "connection" && executable.contains(program)
    };
    let counts = all
        .iter()
        .filter(fits)
        .map(|s| s["saw"]["seen"]["count"].as_u64().unwrap());
    counts.sum()
}

#[test]
fn calls_of_milliseconds_are_told_with_program_name_and_both_directions() {
    if let Some(lack) = lack() {
        groma_tests::skip(lack);
        return;
    }
    let mut rig = Rig::build("a");
    let (near, far) = (rig.near.clone(), rig.far.clone());
    rig.serve(&far, "10.98.31.2", PORT);
    rig.serve(&near, "10.98.31.1", BACK);
    let out = rig.path("out");
    let mut agent = rig.agent("12s", &out);
    let watcher = wait_for_instance(agent.id());
    std::thread::sleep(Duration::from_secs(2));
    make_calls(&rig);
    assert!(agent.wait().unwrap().success());
    assert_eq!(
        instances(watcher),
        Vec::<String>::new(),
        "nothing is left behind"
    );
    let all = said(&out);
    check_calls(&all);
    let how = how(&all);
    assert!(how.starts_with("flow coverage: every connection;"), "{how}");
}

/// Calls of a program that stays a while, and of programs that have ended before anybody could look.
fn make_calls(rig: &Rig) {
    let (near, far) = (&rig.near, &rig.far);
    let caller = rig.write("call.py", CALLER);
    let (there, back) = (PORT.to_string(), BACK.to_string());
    rig.call(
        near,
        &["python3", &caller, "app.flows.test", "10.98.31.2", &there],
    );
    let knock = format!("exec 3<>/dev/tcp/10.98.31.2/{there}; echo hello >&3; read -u3 line");
    for _ in 0..5 {
        rig.call(near, &["bash", "-c", &knock]);
    }
    let knock = format!("exec 3<>/dev/tcp/10.98.31.1/{back}; echo hello >&3; read -u3 line");
    for _ in 0..3 {
        rig.call(far, &["bash", "-c", &knock]);
    }
}

/// What the calls of [`make_calls`] must have become, whichever way told of them.
fn check_calls(all: &[Value]) {
    let tcp = serde_json::json!({"transport": "tcp", "service_port": PORT});
    let with = |more: Value| {
        let mut wanted = tcp.clone();
        wanted
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        wanted
    };
    let show = || serde_json::to_string_pretty(all).unwrap();
    let outgoing = with(serde_json::json!({"direction": "outgoing", "remote": "10.98.31.2"}));
    assert_eq!(count(all, &outgoing, "python3"), 12, "{}", show());
    assert_eq!(count(all, &outgoing, "/bin/bash"), 5, "{}", show());
    assert_eq!(count(all, &outgoing, ""), 17, "and nobody else: {}", show());
    let by_name = with(serde_json::json!({"direction": "outgoing", "asked": "app.flows.test"}));
    assert!(count(all, &by_name, "python3") >= 7, "{}", show());
    let incoming = with(serde_json::json!({"direction": "incoming", "remote": "10.98.31.1"}));
    assert_eq!(count(all, &incoming, "python3"), 17, "{}", show());
    let back =
        serde_json::json!({"direction": "incoming", "service_port": BACK, "remote": "10.98.31.2"});
    assert_eq!(count(all, &back, "python3"), 3, "{}", show());
    let log = serde_json::json!({"transport": "udp", "service_port": 514, "direction": "outgoing", "remote": "10.98.31.2"});
    assert_eq!(count(all, &log, ""), 3, "{}", show());
    let received = serde_json::json!({"transport": "udp", "service_port": 514, "direction": "incoming", "local": "10.98.31.2"});
    assert_eq!(count(all, &received, "python3"), 3, "{}", show());
    let carried = all
        .iter()
        .filter(|s| s["saw"]["fact"]["service_port"] == PORT);
    assert!(carried.clone().count() > 0);
    for said in carried {
        let seen = &said["saw"]["seen"];
        assert!(
            seen["bytes"].as_u64().unwrap() > 0 && seen["hours"].is_string(),
            "{said}"
        );
        assert!(
            seen["lasted"]["longest_ms"].as_u64().unwrap() < 5000,
            "{said}"
        );
    }
}

/// How the connections of this machine's own network were watched.
fn how(all: &[Value]) -> &str {
    let covered = all
        .iter()
        .find(|s| s["covered"]["scope"] == "flow:host/tcp");
    covered.unwrap()["covered"]["how"].as_str().unwrap()
}

#[test]
fn what_a_killed_agent_left_is_removed_at_the_next_start_and_a_signal_leaves_nothing() {
    if let Some(lack) = lack() {
        groma_tests::skip(lack);
        return;
    }
    let rig = Rig::build("b");
    let out = rig.path("out");
    let mut killed = rig.agent("60s", &out);
    let watcher = wait_for_instance(killed.id());
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(
        instances(watcher).len(),
        1,
        "a killed program cleans nothing up"
    );
    let mut next = rig.agent("60s", &out);
    let next_watcher = wait_for_instance(next.id());
    assert_eq!(instances(watcher), Vec::<String>::new());
    assert_eq!(
        instances(next_watcher).len(),
        1,
        "its own is not swept by itself"
    );
    run(&["kill", "-TERM", &next.id().to_string()]);
    assert!(
        next.wait().unwrap().success(),
        "it ends early and keeps what it saw"
    );
    assert_eq!(instances(next_watcher), Vec::<String>::new());
    assert!(Path::new(&out).exists() && !said(&out).is_empty());
}

/// Waits until `is_so`.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The packet socket of a network is the last queue that is opened in it, and the far network comes after our own.
fn wait_until_both_networks_are_watched(rig: &Rig) {
    wait_until("the far network is watched", || {
        let table = Command::new("ip")
            .args(["netns", "exec", &rig.far, "cat", "/proc/net/packet"])
            .output();
        String::from_utf8_lossy(&table.unwrap().stdout)
            .lines()
            .count()
            > 1
    });
}

/// Numbers of the BPF programs a process holds tied to a tracepoint.
fn programs(agent: u32) -> Vec<String> {
    let open = family(agent)
        .into_iter()
        .filter_map(|pid| std::fs::read_dir(format!("/proc/{pid}/fdinfo")).ok())
        .flatten();
    let texts = open.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok());
    let ties = texts.filter(|text| text.contains("tp_name:"));
    ties.filter_map(|text| {
        let number = text
            .lines()
            .find_map(|line| line.strip_prefix("prog_id:"))?;
        Some(number.trim().to_owned())
    })
    .collect()
}

/// True if the kernel still knows a BPF program of this number.
fn is_loaded(program: &str) -> bool {
    let mut shown = Command::new("bpftool");
    let shown = shown.args(["prog", "show", "id", program]);
    shown.output().unwrap().status.success()
}

/// True if the agent brings its BPF program along: its object names what it is tied to.
fn has_program() -> bool {
    let agent = std::fs::read(std::env::var_os("GROMA_AGENT_BIN").unwrap()).unwrap();
    let word = b"raw_tracepoint/inet_sock_set_state";
    agent.windows(word.len()).any(|bytes| bytes == word)
}

#[test]
fn the_bpf_program_tells_the_same_and_is_gone_with_the_agent_however_it_ends() {
    let lack = lack().or_else(|| {
        (!has_program()).then_some(
            "the agent was built without the feature `ebpf`, as programs people download are",
        )
    });
    let lack = lack.or_else(|| {
        let there = Command::new("bpftool").arg("version").output().is_ok();
        (!there).then_some("bpftool is not installed")
    });
    if let Some(lack) = lack {
        groma_tests::skip(lack);
        return;
    }
    let mut rig = Rig::build("c");
    let (near, far) = (rig.near.clone(), rig.far.clone());
    rig.serve(&far, "10.98.31.2", PORT);
    rig.serve(&near, "10.98.31.1", BACK);
    let out = rig.path("out");
    let mut agent = rig.agent_by("bpf", "120s", &out);
    wait_until("three programs are tied", || {
        programs(agent.id()).len() == 3
    });
    wait_until_both_networks_are_watched(&rig);
    let traces: Vec<String> = family(agent.id()).into_iter().flat_map(instances).collect();
    assert_eq!(traces, Vec::<String>::new(), "no trace beside");
    let loaded = programs(agent.id());
    make_calls(&rig);
    run(&["kill", "-TERM", &agent.id().to_string()]);
    assert!(agent.wait().unwrap().success());
    assert!(!loaded.iter().any(|program| is_loaded(program)));
    let all = said(&out);
    check_calls(&all);
    let said = how(&all);
    assert!(
        said.starts_with("flow coverage: every connection, by a BPF program"),
        "{said}"
    );
    assert!(said.ends_with("0 events lost"), "{said}");

    let mut killed = rig.agent_by("bpf", "120s", &out);
    wait_until("three programs are tied", || {
        programs(killed.id()).len() == 3
    });
    let loaded = programs(killed.id());
    assert!(loaded.iter().all(|program| is_loaded(program)));
    killed.kill().unwrap();
    killed.wait().unwrap();
    // The kernel frees what nobody holds any more a moment later.
    wait_until("nothing is left of a killed agent", || {
        !loaded.iter().any(|program| is_loaded(program))
    });
}

#[test]
fn lesser_ways_stand_where_they_are_asked_for_and_say_what_they_catch() {
    if let Some(lack) = lack() {
        groma_tests::skip(lack);
        return;
    }
    let mut rig = Rig::build("d");
    let (near, far) = (rig.near.clone(), rig.far.clone());
    rig.serve(&far, "10.98.31.2", PORT);
    rig.serve(&near, "10.98.31.1", BACK);
    let out = rig.path("out");
    let mut agent = rig.agent_by("ends", "120s", &out);
    wait_until_both_networks_are_watched(&rig);
    make_calls(&rig);
    run(&["kill", "-TERM", &agent.id().to_string()]);
    assert!(agent.wait().unwrap().success());
    let all = said(&out);
    let outgoing = serde_json::json!({"transport": "tcp", "service_port": PORT, "direction": "outgoing", "remote": "10.98.31.2"});
    assert_eq!(count(&all, &outgoing, ""), 17, "{all:#?}");
    let words = how(&all);
    assert!(
        words.starts_with("flow coverage: every connection that ends"),
        "{words}"
    );
    assert!(words.contains("0 events lost"), "{words}");

    let mut agent = rig.agent_by("dumps", "2s", &out);
    assert!(agent.wait().unwrap().success());
    let all = said(&out);
    let words = how(&all);
    assert!(words.starts_with("flow coverage: polled;"), "{words}");
    let gap = |s: &Value| {
        s["missed"]["what"]
            .as_str()
            .is_some_and(|what| what.starts_with("connections that begin and end"))
    };
    assert!(all.iter().any(gap), "what is not seen is a gap");
}
