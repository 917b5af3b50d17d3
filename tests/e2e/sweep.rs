//! A sweep of real servers at ports that are not theirs by habit, and of everything that lies in wait for one: a host that
//! drops, one that forbids, one that accepts everything, a proxy that accepts for a whole network, a printer.
//!
//! A tap on the far side sees every frame, with the kernel's time: what the agent says of itself is not asked.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const PORTS: &str = "22,25,80,443,515,3306,5432,9100,9999";

/// Every frame from the vantage: time, where to, protocol, port. Ends with its standard input.
const TAP: &str = r#"
import json, selectors, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(('eth0', 0))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20); s.setsockopt(socket.SOL_SOCKET, 35, 1)
sel = selectors.DefaultSelector(); sel.register(s, selectors.EVENT_READ); sel.register(sys.stdin, selectors.EVENT_READ)
print('ready', flush=True); seen = []
while True:
    if any(k.fileobj is sys.stdin for k, _ in sel.select()): break
    b, anc, _, at = s.recvmsg(200, 200)
    if at[2] == 4: continue
    sec, nsec = struct.unpack('qq', anc[0][2][:16]); kind = struct.unpack('!H', b[12:14])[0]
    if kind == 0x0806: seen.append((sec + nsec / 1e9, socket.inet_ntoa(b[38:42]), 'arp', 0))
    if kind != 0x0800: continue
    p, inner = b[23], b[14 + (b[14] & 15) * 4:]
    port = struct.unpack('!H', inner[2:4])[0] if p in (6, 17) else 0
    seen.append((sec + nsec / 1e9, socket.inet_ntoa(b[30:34]), {6: 'tcp', 17: 'udp', 1: 'icmp'}.get(p, str(p)), port))
print(json.dumps(seen), flush=True)
"#;

/// Accepts at 7777 and says nothing; a printer at 515, 9100 and 9999 of 10.97.41.14 that writes down every byte and call.
const TRAPS: &str = r#"
import selectors, socket, sys
sel = selectors.DefaultSelector(); doors = {}
for at in (('0.0.0.0', 7777), ('10.97.41.14', 515), ('10.97.41.14', 9100), ('10.97.41.14', 9999)):
    d = socket.create_server(at, backlog=200); doors[d] = at; sel.register(d, selectors.EVENT_READ)
sel.register(sys.stdin, selectors.EVENT_READ); paper = open(sys.argv[1], 'ab', 0)
print('ready', flush=True); kept = []
while True:
    for k, _ in sel.select():
        f = k.fileobj
        if f is sys.stdin: sys.exit()
        if f in doors:
            c, _ = f.accept()
            if doors[f][1] != 7777: paper.write(b'call '); kept.append(c); sel.register(c, selectors.EVENT_READ)
            else: kept.append(c)
            continue
        b = f.recv(4096)
        if b: paper.write(b)
        else: sel.unregister(f)
"#;

const RULES: &str = r"
table ip traps {
 chain before { type nat hook prerouting priority -100;
  ip daddr 10.97.41.13 meta l4proto tcp redirect to :7777
  ip daddr 10.97.42.0/24 tcp dport { 80, 443 } redirect to :7777
 }
 chain incoming { type filter hook input priority 0;
  ct status dnat accept
  ip daddr 10.97.41.11 drop
  ip daddr 10.97.41.12 reject with icmp type admin-prohibited
  ip daddr 10.97.42.0/24 drop
 }
}
";

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
        () if !has("test \"$(id -u)\" = 0") => Some("frames of its own need root"),
        () if !has("test -x \"$GROMA_AGENT_BIN\"") => {
            Some("GROMA_AGENT_BIN does not name a built program; `tests/run e2e` sets it")
        }
        () if !has("unshare -n true && command -v ip python3 setpriv") => {
            Some("this place does not allow namespaces, or ip, python3 or setpriv is missing")
        }
        () if !has(
            "command -v nft && test -x /usr/sbin/nginx && test -x /usr/sbin/sshd && test -x /usr/sbin/named",
        ) =>
        {
            Some("nft, nginx, sshd or named is not installed")
        }
        () => None,
    }
}

struct Rig {
    near: String,
    far: String,
    folder: tempfile::TempDir,
    running: Vec<Child>,
}

impl Rig {
    fn build(tag: &str) -> Self {
        let id = std::process::id();
        let near = format!("groma-sw-{id}-{tag}n");
        let far = format!("groma-sw-{id}-{tag}f");
        for network in [&near, &far] {
            run(&["ip", "netns", "add", network]);
            run(&["ip", "-n", network, "link", "set", "lo", "up"]);
            let quiet = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6";
            run(&["ip", "netns", "exec", network, "sh", "-c", quiet]);
        }
        run(&[
            "ip", "-n", &near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
            "netns", &far,
        ]);
        run(&[
            "ip",
            "-n",
            &near,
            "addr",
            "add",
            "10.97.41.1/24",
            "dev",
            "eth0",
        ]);
        for last in [2, 10, 11, 12, 13, 14] {
            let address = format!("10.97.41.{last}/24");
            run(&["ip", "-n", &far, "addr", "add", &address, "dev", "eth0"]);
        }
        for network in [&near, &far] {
            run(&["ip", "-n", network, "link", "set", "eth0", "up"]);
        }
        run(&[
            "ip",
            "-n",
            &near,
            "route",
            "add",
            "10.97.42.0/24",
            "via",
            "10.97.41.2",
        ]);
        run(&[
            "ip",
            "-n",
            &far,
            "route",
            "add",
            "local",
            "10.97.42.0/24",
            "dev",
            "lo",
        ]);
        let folder = tempfile::tempdir().unwrap();
        run(&["chmod", "755", folder.path().to_str().unwrap()]);
        let mut rig = Self {
            near,
            far,
            folder,
            running: Vec::new(),
        };
        rig.serve();
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

    fn start(&mut self, words: &[&str]) -> &mut Child {
        let mut ip = Command::new("ip");
        ip.args(["netns", "exec", &self.far]).args(words);
        let pipes = ip
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        self.running.push(pipes.spawn().unwrap());
        self.running.last_mut().unwrap()
    }

    fn ready(child: &mut Child) {
        let mut line = Vec::new();
        let out = child.stdout.as_mut().unwrap();
        for byte in BufReader::with_capacity(1, out).bytes() {
            match byte.unwrap() {
                b'\n' => break,
                byte => line.push(byte),
            }
        }
        assert_eq!(line, b"ready");
    }

    /// nginx at the ports of PostgreSQL and SMTP, sshd at the port of MariaDB, named at its own, and the traps.
    fn serve(&mut self) {
        let rules = self.write("rules.nft", RULES);
        run(&["ip", "netns", "exec", &self.far, "nft", "-f", &rules]);
        let at = self.folder.path().display().to_string();
        let nginx = format!(
            "daemon off; pid {at}/nginx.pid; error_log {at}/nginx.log; events {{ }}\n\
             http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
             server {{ listen 10.97.41.10:5432; listen 10.97.41.10:25; return 200 ok; }} }}\n"
        );
        let nginx = self.write("nginx.conf", &nginx);
        self.start(&["/usr/sbin/nginx", "-c", &nginx]);
        let key = self.path("key");
        run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &key]);
        run(&["mkdir", "-p", "/run/sshd"]);
        let listen = "ListenAddress=10.97.41.10";
        let host_key = format!("HostKey={key}");
        self.start(&[
            "/usr/sbin/sshd",
            "-D",
            "-e",
            "-f",
            "/dev/null",
            "-p",
            "3306",
            "-o",
            listen,
            "-o",
            &host_key,
            "-o",
            "PidFile=none",
        ]);
        let named = format!(
            "options {{ directory \"{at}\"; listen-on {{ 10.97.41.10; }}; listen-on-v6 {{ none; }}; recursion no; pid-file none; session-keyfile \"{at}/session\"; }}; controls {{ }};\n"
        );
        let named = self.write("named.conf", &named);
        self.start(&["/usr/sbin/named", "-g", "-n", "1", "-c", &named]);
        let (traps, paper) = (self.write("traps.py", TRAPS), self.write("paper", ""));
        Self::ready(self.start(&["python3", &traps, &paper]));
        self.wait_for(&[
            ("10.97.41.10", 5432),
            ("10.97.41.10", 3306),
            ("10.97.41.10", 53),
        ]);
    }

    /// Until the servers accept, asked from their own side.
    fn wait_for(&self, doors: &[(&str, u16)]) {
        for (address, port) in doors {
            let script = format!(
                "import socket, time\nfor _ in range(600):\n try: socket.create_connection(('{address}', {port}), 1).close(); break\n except OSError: time.sleep(0.1)\nelse: raise SystemExit('{address} {port}')"
            );
            run(&["ip", "netns", "exec", &self.far, "python3", "-c", &script]);
        }
    }

    /// What runs while every frame is written down.
    fn tapped<T>(&mut self, what: impl FnOnce(&Self) -> T) -> (T, Vec<Frame>) {
        let script = self.write("tap.py", TAP);
        Self::ready(self.start(&["python3", &script]));
        let done = what(self);
        let mut tap = self.running.pop().unwrap();
        drop(tap.stdin.take());
        let mut told = String::new();
        BufReader::new(tap.stdout.take().unwrap())
            .read_line(&mut told)
            .unwrap();
        tap.wait().unwrap();
        (done, serde_json::from_str(&told).unwrap())
    }

    /// The agent in the near network, with an `/etc` of its own that holds these files of groma.
    fn agent(&self, as_root: bool, files: &[(&str, &str)], words: &[&str]) -> Output {
        self.looking("network.sweep", as_root, files, words)
    }

    /// The same, with another source.
    fn looking(
        &self,
        source: &str,
        as_root: bool,
        files: &[(&str, &str)],
        words: &[&str],
    ) -> Output {
        let etc = self.path("etc");
        let _ = std::fs::remove_dir_all(&etc);
        std::fs::create_dir_all(format!("{etc}/groma")).unwrap();
        for (name, text) in files {
            std::fs::write(format!("{etc}/groma/{name}"), text).unwrap();
        }
        let state = self.path(if as_root { "state" } else { "state-of-nobody" });
        std::fs::create_dir_all(&state).unwrap();
        let who = match as_root {
            true => "",
            false => {
                run(&["chown", "65534", &state]);
                "setpriv --reuid 65534 --regid 65534 --clear-groups "
            }
        };
        // What else stands in /etc is not needed, and the machine's own stays untouched.
        let script = format!(
            "mount --bind {etc} /etc && exec env GROMA_STATE_DIR={state} {who}\"$0\" look --source {source} --for 0s --format json \"$@\""
        );
        let mut ip = Command::new("ip");
        ip.args(["netns", "exec", &self.near, "sh", "-c", &script]);
        ip.arg(std::env::var_os("GROMA_AGENT_BIN").unwrap())
            .args(words);
        ip.output().unwrap()
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
    }
}

/// When, where to, protocol, port.
type Frame = (f64, String, String, u16);

#[derive(Debug, Default)]
struct Said {
    hosts: BTreeSet<String>,
    open: BTreeSet<String>,
    gaps: Vec<String>,
    states: BTreeSet<String>,
    how: String,
}

fn said(output: &Output) -> Said {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let mut said = Said::default();
    for line in String::from_utf8_lossy(&output.stdout).lines().skip(1) {
        let record: Value = serde_json::from_str(line).unwrap();
        let record = &record["said"];
        let fact = &record["saw"]["fact"];
        let address = fact["address"].as_str().unwrap_or_default().to_owned();
        match fact["fact"].as_str() {
            Some("host-met") => {
                said.hosts.insert(address);
            }
            Some("open-port") => {
                let speaks = fact["speaks"]
                    .as_str()
                    .map(|s| format!(" {s}"))
                    .unwrap_or_default();
                let transport = fact["transport"].as_str().unwrap();
                said.open
                    .insert(format!("{address} {}/{transport}{speaks}", fact["port"]));
            }
            _ => {}
        }
        if let Some(gap) = record["missed"]["what"].as_str() {
            said.gaps.push(gap.to_owned());
        }
        if let Some(coverage) = record["covered"].as_object() {
            said.states
                .insert(coverage["state"].as_str().unwrap().to_owned());
            said.how = coverage["how"].as_str().unwrap_or_default().to_owned();
        }
    }
    said
}

/// Frames to the networks that were named: whatever else a machine says of itself is not the sweep's.
fn most_in_a_second(frames: &[Frame]) -> (usize, usize) {
    let mut sorted: Vec<&Frame> = frames.iter().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut all, mut one) = (0, 0);
    for (nth, frame) in sorted.iter().enumerate() {
        let within: Vec<_> = sorted[nth..]
            .iter()
            .take_while(|f| f.0 < frame.0 + 1.0)
            .collect();
        let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
        within
            .iter()
            .for_each(|f| *hosts.entry(f.1.as_str()).or_default() += 1);
        all = all.max(within.len());
        one = one.max(hosts.into_values().max().unwrap_or(0));
    }
    (all, one)
}

fn texts(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

const OPEN: [&str; 4] = [
    "10.97.41.10 25/tcp",
    "10.97.41.10 3306/tcp",
    "10.97.41.10 5432/tcp",
    "10.97.41.10 53/udp dns",
];

#[test]
fn a_network_is_swept_and_nobody_in_it_is_hurt() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("a");
    let target = [
        "--target",
        "10.97.41.0/27",
        "--target",
        "10.97.42.0/27",
        "--ports",
        PORTS,
    ];
    let (planned, silence) =
        rig.tapped(|rig| rig.agent(true, &[], &[&target[..], &["--dry-run"]].concat()));
    let plan = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(
        plan.contains("60 addresses") && plan.contains("3 of the ports named are left out"),
        "{plan}"
    );
    assert!(silence.is_empty(), "{silence:?}");

    let (output, frames) = rig.tapped(|rig| rig.agent(true, &[], &target));
    let said = said(&output);
    // Itself it does not ask; the whole second network is a proxy's.
    assert_eq!(
        said.hosts,
        texts(&[
            "10.97.41.2",
            "10.97.41.10",
            "10.97.41.11",
            "10.97.41.12",
            "10.97.41.13",
            "10.97.41.14"
        ])
    );
    assert_eq!(said.open, texts(&OPEN));
    let named = |part: &str| said.gaps.iter().any(|gap| gap.contains(part));
    assert!(
        named("10.97.41.13: it accepts at every port"),
        "{:?}",
        said.gaps
    );
    assert!(
        named("who serves 80, 443 in 10.97.42.0/24"),
        "{:?}",
        said.gaps
    );
    assert!(said.how.starts_with("by frames of its own"), "{}", said.how);

    let never = frames
        .iter()
        .filter(|f| f.2 == "tcp" && matches!(f.3, 515 | 9100..=9116 | 9999));
    assert_eq!(never.count(), 0);
    assert!(std::fs::read(rig.path("paper")).unwrap().is_empty());
    for nobody in [
        "10.97.41.0",
        "10.97.41.31",
        "10.97.42.0",
        "10.97.42.31",
        "10.97.41.255",
    ] {
        assert!(frames.iter().all(|f| f.1 != nobody), "{nobody}");
    }
    let stray = frames
        .iter()
        .find(|f| !f.1.starts_with("10.97.41.") && !f.1.starts_with("10.97.42."));
    assert!(stray.is_none(), "{stray:?}");
    let (all, one) = most_in_a_second(&frames);
    assert!(all <= 200 && one <= 10, "{all} to all, {one} to one host");
}

#[test]
fn without_rights_the_same_ports_are_found_by_connections() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("b");
    let words = ["--target", "10.97.41.8-15", "--ports", PORTS];
    let (output, frames) = rig.tapped(|rig| rig.agent(false, &[], &words));
    let said = said(&output);
    assert_eq!(said.open, texts(&OPEN), "{:?}", said.gaps);
    assert!(
        said.gaps
            .iter()
            .any(|gap| gap.starts_with("hardware addresses and echoes")),
        "{:?}",
        said.gaps
    );
    assert!(said.hosts.contains("10.97.41.14") && !said.hosts.contains("10.97.41.11"));
    assert!(std::fs::read(rig.path("paper")).unwrap().is_empty());
    // What the kernel asks on the link by itself is not the sweep's.
    let asked: Vec<Frame> = frames.into_iter().filter(|f| f.2 != "arp").collect();
    let (all, one) = most_in_a_second(&asked);
    assert!(all <= 200 && one <= 10, "{all} to all, {one} to one host");
}

#[test]
fn the_ceiling_the_stop_file_and_the_hour_hold_it_back() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("c");
    let words = ["--target", "10.97.42.0/27", "--ports", "80"];
    let ceiling = "networks = [\"10.97.41.0/24\"]\n";
    let (refused, frames) = rig.tapped(|rig| rig.agent(true, &[("ceiling.toml", ceiling)], &words));
    assert_eq!(refused.status.code(), Some(5));
    assert!(frames.is_empty());
    let unrestrained = [&words[..], &["--unrestrained"]].concat();
    let (refused, frames) = rig.tapped(|rig| rig.agent(true, &[], &unrestrained));
    assert_eq!(refused.status.code(), Some(5));
    assert!(frames.is_empty());
    let (stopped, frames) = rig.tapped(|rig| rig.agent(true, &[("stop", "")], &words));
    let told = said(&stopped);
    assert!(
        told.gaps
            .iter()
            .any(|gap| gap.contains("/etc/groma/stop is there")),
        "{:?}",
        told.gaps
    );
    assert_eq!(told.states, texts(&["partial"]));
    assert!(frames.is_empty(), "{frames:?}");
    // Half a minute a year, and not now.
    let closed = "maintenance = [\"Thu 03:17-03:18\"]\n";
    let (closed, frames) = rig.tapped(|rig| rig.agent(true, &[("ceiling.toml", closed)], &words));
    assert!(
        said(&closed)
            .gaps
            .iter()
            .any(|gap| gap.contains("maintenance window is closed"))
    );
    assert!(frames.is_empty(), "{frames:?}");
}

/// A mail server that begins TLS, for as long as it is let.
const MAIL: &str = r#"
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
def serve(client):
    try:
        client.settimeout(20)
        client.sendall(b"220-mail ESMTP\r\n220 with a long greeting, as such servers have one\r\n")
        client.recv(200)
        client.sendall(b"250-mail\r\n250-SIZE 10240000\r\n250 STARTTLS\r\n")
        client.recv(200)
        client.sendall(b"220 go\r\n")
        within = context.wrap_socket(client, server_side=True)
        within.recv(200)
        within.close()
    except OSError:
        pass
listener = socket.create_server(("10.97.41.10", 587))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

/// Certificates that were seen, as `ADDRESS/PORT PROTOCOL`.
fn certificates(output: &Output) -> BTreeSet<String> {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let records = text.lines().skip(1).map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["said"]["saw"]["fact"]["place"]["endpoint"].clone()
    });
    let place = |at: Value| {
        let word = |name: &str| at[name].as_str().map(str::to_owned);
        Some(format!(
            "{}/{} {}",
            word("address")?,
            at["port"],
            word("protocol")?
        ))
    };
    records.filter_map(place).collect()
}

/// Regression: read byte by byte, a greeting cost two packets' room a byte, and no mail server was seen within the caps.
#[test]
fn certificates_alone_keep_the_caps_and_are_without_restraint_in_a_laboratory_only() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("d");
    let (key, certificate) = (rig.path("tls.key"), rig.path("tls.crt"));
    run(&[
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-days",
        "9",
        "-subj",
        "/CN=mail.corp.example",
        "-keyout",
        &key,
        "-out",
        &certificate,
    ]);
    let mail = rig.write("mail.py", MAIL);
    Rig::ready(rig.start(&["python3", &mail, &certificate, &key]));
    rig.start(&[
        "openssl",
        "s_server",
        "-quiet",
        "-accept",
        "10.97.41.10:443",
        "-cert",
        &certificate,
        "-key",
        &key,
    ]);
    rig.wait_for(&[("10.97.41.10", 443), ("10.97.41.10", 587)]);
    let words = [
        "--target",
        "10.97.41.8-15",
        "--ports",
        "443,515,587,7777,9100-9116",
        "--tcp-only",
    ];
    let both = texts(&["10.97.41.10/443 tls", "10.97.41.10/587 smtp"]);
    let source = "network.certificates";
    let is_other = |f: &Frame| f.2 == "tcp" && !matches!(f.3, 443 | 587);

    let dry = [&words[..], &["--dry-run"]].concat();
    let (planned, silence) = rig.tapped(|rig| rig.looking(source, true, &[], &dry));
    let plan = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(plan.contains("2 of TCP (443 tls, 587 smtp)"), "{plan}");
    assert!(silence.is_empty(), "{silence:?}");

    let (polite, frames) = rig.tapped(|rig| rig.looking(source, true, &[], &words));
    assert_eq!(certificates(&polite), both, "{:?}", said(&polite).gaps);
    let asked: Vec<Frame> = frames.into_iter().filter(|f| f.2 != "arp").collect();
    let (all, one) = most_in_a_second(&asked);
    assert!(all <= 200 && one <= 10, "{all} to all, {one} to one host");
    assert!(!asked.iter().any(is_other), "{asked:?}");

    let hurried = [&words[..], &["--unrestrained"]].concat();
    let elsewhere = "unrestrained = [\"10.97.42.0/24\"]\n";
    for files in [&[][..], &[("ceiling.toml", elsewhere)][..]] {
        let (refused, frames) = rig.tapped(|rig| rig.looking(source, true, files, &hurried));
        assert_eq!(refused.status.code(), Some(5));
        assert!(frames.is_empty(), "{frames:?}");
    }
    let here = [("ceiling.toml", "unrestrained = [\"10.97.41.0/24\"]\n")];
    let (seen, frames) = rig.tapped(|rig| rig.looking(source, true, &here, &hurried));
    assert_eq!(certificates(&seen), both, "{:?}", said(&seen).gaps);
    assert!(!frames.iter().any(is_other), "{frames:?}");
    assert!(std::fs::read(rig.path("paper")).unwrap().is_empty());
}
