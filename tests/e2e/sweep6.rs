//! A sweep over IPv6: of a network small enough to be counted through, of one that is not (whom the kernel has met, and who
//! answers an echo to a whole link), and of an address that means another machine on every link.
//!
//! A tap on the far side sees every frame: what the agent says of itself is not asked.

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

/// Every frame of IPv6 from the vantage that is not about groups: time, whom it is for, protocol or kind of ICMPv6, port.
const TAP: &str = r#"
import json, selectors, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(('eth0', 0))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20); s.setsockopt(socket.SOL_SOCKET, 35, 1)
sel = selectors.DefaultSelector(); sel.register(s, selectors.EVENT_READ); sel.register(sys.stdin, selectors.EVENT_READ)
print('ready', flush=True); seen = []
while True:
    if any(k.fileobj is sys.stdin for k, _ in sel.select()): break
    b, anc, _, at = s.recvmsg(200, 200)
    if at[2] == 4 or b[12:14] != b'\x86\xdd' or b[20] == 0: continue
    sec, nsec = struct.unpack('qq', anc[0][2][:16]); p = b[20]; to = b[38:54]
    what = {6: 'tcp', 17: 'udp'}.get(p, str(b[54])); port = struct.unpack('!H', b[56:58])[0] if p in (6, 17) else 0
    if what == '135': to = b[62:78]
    seen.append((sec + nsec / 1e9, socket.inet_ntop(socket.AF_INET6, to), what, port))
print(json.dumps(seen), flush=True)
"#;

/// A printer that writes down every call, and nothing else.
const PRINTER: &str = r#"
import selectors, socket, sys
sel = selectors.DefaultSelector()
for port in (515, 9100, 9999): sel.register(socket.create_server(('2001:db8:41::e', port), family=socket.AF_INET6), selectors.EVENT_READ)
sel.register(sys.stdin, selectors.EVENT_READ); paper = open(sys.argv[1], 'ab', 0)
print('ready', flush=True)
while True:
    for k, _ in sel.select():
        if k.fileobj is sys.stdin: sys.exit()
        k.fileobj.accept(); paper.write(b'call ')
"#;

const PORTS: &str = "22,80,515,5432,9100,9999";

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
        () if !has(
            "unshare -n sh -c 'test -e /proc/sys/net/ipv6' && command -v ip python3 setpriv nft",
        ) =>
        {
            Some(
                "this place does not allow namespaces or has no IPv6, or ip, python3, setpriv or nft is missing",
            )
        }
        () if !has("test -x /usr/sbin/nginx") => Some("nginx is not installed"),
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
    /// Waits until the kernel of the near end has met this neighbour: a link of a moment ago may need a second.
    fn await_neighbour(&self, address: &str) {
        for _ in 0..50 {
            let known = Command::new("ip")
                .args(["-n", &self.near, "-6", "neigh", "show", "to", address])
                .output();
            let known = String::from_utf8_lossy(&known.unwrap().stdout).into_owned();
            if known.contains("lladdr") {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("{address} is no neighbour");
    }

    fn build(tag: &str) -> Self {
        let id = std::process::id();
        let [near, far] = ["n", "f"].map(|end| format!("groma-s6-{id}-{tag}{end}"));
        for network in [&near, &far] {
            run(&["ip", "netns", "add", network]);
            run(&["ip", "-n", network, "link", "set", "lo", "up"]);
            // Nothing that the kernel would ask by itself.
            let quiet = "cd /proc/sys/net/ipv6/conf/default; echo 0 > accept_dad; echo 0 > dad_transmits; echo 0 > router_solicitations; echo 0 > accept_ra";
            run(&["ip", "netns", "exec", network, "sh", "-c", quiet]);
        }
        run(&[
            "ip", "-n", &near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
            "netns", &far,
        ]);
        run(&[
            "ip",
            "-n",
            &far,
            "link",
            "set",
            "eth0",
            "address",
            "02:00:00:00:41:02",
        ]);
        let address = |network: &str, last: &str| {
            let address = format!("2001:db8:41::{last}/64");
            run(&[
                "ip", "-n", network, "addr", "add", &address, "dev", "eth0", "nodad",
            ]);
        };
        address(&near, "1");
        for last in ["a", "b", "e"] {
            address(&far, last);
        }
        for network in [&near, &far] {
            run(&["ip", "-n", network, "link", "set", "eth0", "up"]);
        }
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

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
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

    /// nginx at the port of PostgreSQL, for all addresses of the far side; one of them drops whatever is not about neighbours.
    fn serve(&mut self) {
        let rules = self.write(
            "rules.nft",
            "table ip6 six {\n chain incoming { type filter hook input priority 0;\n\
             ip6 daddr 2001:db8:41::b meta l4proto tcp drop\n ip6 daddr 2001:db8:41::b icmpv6 type echo-request drop\n }\n}\n",
        );
        run(&["ip", "netns", "exec", &self.far, "nft", "-f", &rules]);
        let at = self.folder.path().display().to_string();
        let nginx = format!(
            "daemon off; pid {at}/nginx.pid; error_log {at}/nginx.log; events {{ }}\n\
             http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
             server {{ listen [::]:5432 ipv6only=on; return 200 ok; }} }}\n"
        );
        let nginx = self.write("nginx.conf", &nginx);
        self.start(&["/usr/sbin/nginx", "-c", &nginx]);
        let (printer, paper) = (self.write("printer.py", PRINTER), self.write("paper", ""));
        Self::ready(self.start(&["python3", &printer, &paper]));
        let script = "import socket, time\nfor _ in range(600):\n try: socket.create_connection(('2001:db8:41::a', 5432), 1).close(); break\n except OSError: time.sleep(0.1)\nelse: raise SystemExit('nginx')";
        run(&["ip", "netns", "exec", &self.far, "python3", "-c", script]);
    }

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

    fn agent(&self, as_root: bool, words: &[&str]) -> Output {
        let folder = self.folder.path().to_str().unwrap();
        let state = format!(
            "{folder}/state-{as_root}-{}",
            words.concat().replace('/', "-")
        );
        std::fs::create_dir_all(&state).unwrap();
        std::fs::create_dir_all(format!("{folder}/etc/groma")).unwrap();
        let who = match as_root {
            true => "",
            false => {
                run(&["chown", "65534", &state]);
                "setpriv --reuid 65534 --regid 65534 --clear-groups "
            }
        };
        let script = format!(
            "mount --bind {folder}/etc /etc && exec env GROMA_STATE_DIR={state} {who}\"$0\" look --source network.sweep --for 0s --format json \"$@\""
        );
        let mut ip = Command::new("ip");
        ip.args(["netns", "exec", &self.near, "sh", "-c", &script]);
        ip.arg(std::env::var_os("GROMA_AGENT_BIN").unwrap())
            .args(words);
        ip.output().unwrap()
    }

    fn calls_on_paper(&self) -> usize {
        std::fs::read(self.folder.path().join("paper"))
            .unwrap()
            .len()
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

/// When, for whom, protocol, port.
type Frame = (f64, String, String, u16);

#[derive(Debug, Default)]
struct Said {
    /// With what proves them.
    hosts: BTreeSet<String>,
    open: BTreeSet<String>,
    gaps: Vec<String>,
    states: BTreeSet<String>,
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
                said.hosts
                    .insert(format!("{address} {}", fact["by"].as_str().unwrap()));
            }
            Some("open-port") => {
                said.open.insert(format!("{address} {}", fact["port"]));
            }
            _ => {}
        }
        if let Some(gap) = record["missed"]["what"].as_str() {
            said.gaps.push(gap.to_owned());
        }
        if let Some(coverage) = record["covered"].as_object() {
            said.states
                .insert(coverage["state"].as_str().unwrap().to_owned());
        }
    }
    said
}

fn texts(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

/// No print port, nobody who was not named, and the caps in every second. What our kernel answers to a neighbour that asks for
/// its hardware address (136) is that one's question, and not the sweep's.
fn are_mannerly(frames: &[Frame], named: impl Fn(&str) -> bool) {
    let mut sorted: Vec<&Frame> = frames.iter().filter(|f| f.2 != "136").collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (nth, frame) in sorted.iter().enumerate() {
        let print = frame.2 == "tcp" && matches!(frame.3, 515 | 9100..=9116 | 9999);
        assert!(!print && named(&frame.1), "{frame:?}");
        let within = sorted[nth..].iter().take_while(|f| f.0 < frame.0 + 1.0);
        let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
        within.for_each(|f| *hosts.entry(f.1.as_str()).or_default() += 1);
        assert!(hosts.values().sum::<usize>() <= 200, "{hosts:?}");
        assert!(hosts.values().all(|count| *count <= 10), "{hosts:?}");
    }
}

#[test]
fn a_small_network_is_counted_through_and_nobody_in_it_is_hurt() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("a");
    let words = ["--target", "2001:db8:41::/124", "--ports", PORTS];
    let (output, frames) = rig.tapped(|rig| rig.agent(true, &words));
    let said = said(&output);
    let hosts = [
        "2001:db8:41::a link",
        "2001:db8:41::b link",
        "2001:db8:41::e link",
    ];
    assert_eq!(said.hosts, texts(&hosts), "{:?}", said.gaps);
    let open = ["2001:db8:41::a 5432", "2001:db8:41::e 5432"];
    assert_eq!(said.open, texts(&open));
    assert_eq!(said.states, texts(&["complete"]));
    let in_network = |to: &str| {
        to.strip_prefix("2001:db8:41::")
            .is_some_and(|last| last.len() == 1 && last != "1")
    };
    are_mannerly(&frames, in_network);
    let kinds: BTreeSet<&str> = frames.iter().map(|f| f.2.as_str()).collect();
    assert!(
        kinds.is_superset(&BTreeSet::from(["128", "135", "tcp", "udp"])),
        "{kinds:?}"
    );
    assert_eq!(rig.calls_on_paper(), 0);

    let words = ["--target", "2001:db8:41::8/125", "--ports", PORTS];
    let (output, frames) = rig.tapped(|rig| rig.agent(false, &words));
    let connected = self::said(&output);
    assert_eq!(connected.open, texts(&open), "{:?}", connected.gaps);
    // What the kernel asks for neighbours by itself is not the sweep's.
    let calls: Vec<Frame> = frames
        .into_iter()
        .filter(|f| f.2 == "tcp" || f.2 == "udp")
        .collect();
    are_mannerly(&calls, in_network);
    assert_eq!(rig.calls_on_paper(), 0);
}

#[test]
fn of_a_wide_network_those_are_asked_whom_the_kernel_met_and_who_answers_on_the_link() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("b");
    let words = ["--target", "2001:db8:41::/64", "--ports", PORTS];
    let (output, frames) = rig.tapped(|rig| rig.agent(true, &words));
    assert!(
        frames.is_empty() && said(&output).hosts.is_empty(),
        "{frames:?}"
    );

    // Somebody talked with the one that drops echoes.
    let near = rig.near.clone();
    let _ = Command::new("ip")
        .args(["netns", "exec", &near, "python3", "-c"])
        .arg("import socket; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(b'x', ('2001:db8:41::b', 7)); import time; time.sleep(0.5)")
        .status();
    rig.await_neighbour("2001:db8:41::b");
    let words = ["--target", "2001:db8:41::/64%eth0", "--ports", PORTS];
    let (output, frames) = rig.tapped(|rig| rig.agent(true, &words));
    let told = said(&output);
    assert!(told.hosts.contains("2001:db8:41::b link"), "{told:?}");
    assert!(told.hosts.len() >= 2 && !told.open.is_empty(), "{told:?}");
    assert_eq!(told.states, texts(&["partial"]));
    let to_all: Vec<_> = frames.iter().filter(|f| f.1 == "ff02::1").collect();
    assert!(
        to_all.len() == 2 && to_all.iter().all(|f| f.2 == "128"),
        "{to_all:?}"
    );
    // Our kernel makes sure of whoever spoke to it from an address of the link alone.
    let known = [
        "2001:db8:41::a",
        "2001:db8:41::b",
        "2001:db8:41::e",
        "ff02::1",
    ];
    let own = frames
        .into_iter()
        .filter(|f| !(f.2 == "135" && f.1.starts_with("fe80::")));
    are_mannerly(&own.collect::<Vec<_>>(), |to| known.contains(&to));
    assert_eq!(rig.calls_on_paper(), 0);
}

#[test]
fn an_address_of_a_link_is_asked_on_the_link_that_was_named() {
    if let Some(why) = lack() {
        return groma_tests::skip(why);
    }
    let mut rig = Rig::build("c");
    let refused = rig.agent(true, &["--target", "fe80::ff:fe00:4102", "--ports", PORTS]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && why.contains("another machine on every link"),
        "{why}"
    );
    let words = ["--target", "fe80::ff:fe00:4102%eth0", "--ports", PORTS];
    let (output, frames) = rig.tapped(|rig| rig.agent(true, &words));
    let told = said(&output);
    assert_eq!(
        told.hosts,
        texts(&["fe80::ff:fe00:4102 link"]),
        "{:?}",
        told.gaps
    );
    assert_eq!(told.open, texts(&["fe80::ff:fe00:4102 5432"]));
    are_mannerly(&frames, |to| to == "fe80::ff:fe00:4102");
}
