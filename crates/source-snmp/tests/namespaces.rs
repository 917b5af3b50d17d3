//! A copier, a mail server and who asks, each in a network of its own, as on real machines: snmpd plays the copier, whose program holds
//! a connection to the mail server. A tap at the copier's own interface sees every frame, whatever anybody says of himself.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests; a skipped one says so"
)]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use groma_model::{Fact, SourceName};
use groma_source::manners::{Ceiling, MannerlyNetwork, Manners, Target, Targets};
use groma_source::{Budget, Recorder, Source, Stop, Window, World};
use groma_source_snmp::SnmpSource;

const COPIER: &str = "10.98.71.7";
const MAIL: &str = "10.98.71.25";
const INSIDE: &str = "GROMA_SNMP_ACCESS";

const SETTINGS: &str = r#"
rocommunity devices
sysDescr RICOH MP C3003 1.09 / RICOH Network Printer C model / RICOH Network Scanner C model
sysObjectID .1.3.6.1.4.1.367.1.1
sysName copier-2
override .1.3.6.1.2.1.43.5.1.1.17.1 octet_str "E154M210001"
override .1.3.6.1.2.1.43.10.2.1.4.1.1 counter 100000
"#;

/// The copier's own program: takes pages at 9100, mails through 10.98.71.25, and writes down who sends it what.
const PROGRAM: &str = r#"
import select, socket, struct, sys
pages = socket.create_server(('0.0.0.0', 9100)); mail = socket.create_connection(('10.98.71.25', 25))
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)); tap.bind(('eth0', 0))
tap.setsockopt(socket.SOL_SOCKET, 35, 1); print('ready', flush=True); seen = []
while True:
    ready = select.select([tap, sys.stdin, pages], [], [])[0]
    if pages in ready: print('a page', flush=True); break
    if tap in ready:
        b, anc, _, at = tap.recvmsg(200, 200)
        if at[2] != 4 and b[26:30] == socket.inet_aton('10.98.71.1'):
            sec, nsec = struct.unpack('qq', anc[0][2][:16])
            port = struct.unpack('!H', b[14 + (b[14] & 15) * 4 + 2:][:2])[0]
            seen.append((sec + nsec / 1e9, b[23], port))
    elif sys.stdin in ready: break
most = max([sum(1 for t, *_ in seen if at <= t < at + 1) for at, *_ in seen] or [0])
print('most', most, 'all', len(seen), 'doors', sorted({(p, d) for _, p, d in seen}), flush=True)
"#;

const SERVER: &str = r#"
import socket, sys
s = socket.create_server(('0.0.0.0', 25)); print('ready', flush=True); c, _ = s.accept(); sys.stdin.read()
"#;

struct Lab(Vec<String>, Vec<Child>);

impl Drop for Lab {
    fn drop(&mut self) {
        for child in &mut self.1 {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in &self.0 {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn ip(words: &str) -> bool {
    let mut command = Command::new("ip");
    command.args(words.split(' ')).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn build() -> Option<Lab> {
    let here = std::process::id();
    let name = |what: &str| format!("groma-snmp-{what}-{here}");
    let mut lab = Lab(Vec::new(), Vec::new());
    let switch = name("s");
    if !ip(&format!("netns add {switch}")) {
        eprintln!("SKIPPED: no network of its own can be made here");
        return None;
    }
    lab.0.push(switch.clone());
    assert!(ip(&format!("-n {switch} link add br0 type bridge")));
    assert!(ip(&format!("-n {switch} link set br0 up")));
    for (at, (what, address)) in [("a", "10.98.71.1"), ("c", COPIER), ("m", MAIL)]
        .iter()
        .enumerate()
    {
        let own = name(what);
        assert!(ip(&format!("netns add {own}")));
        lab.0.push(own.clone());
        assert!(ip(&format!(
            "-n {switch} link add p{at} type veth peer name eth0 netns {own}"
        )));
        assert!(ip(&format!("-n {switch} link set p{at} master br0 up")));
        assert!(ip(&format!("-n {own} address add {address}/24 dev eth0")));
        assert!(
            ip(&format!("-n {own} link set eth0 up")) && ip(&format!("-n {own} link set lo up"))
        );
    }
    Some(lab)
}

impl Lab {
    fn within(&self, at: usize, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0[at]]).args(words);
        command
    }

    fn starts(&mut self, at: usize, words: &[&str]) -> usize {
        let mut command = self.within(at, words);
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        self.1.push(child.spawn().unwrap());
        self.1.len() - 1
    }

    fn is_ready(&mut self, child: usize) -> BufReader<std::process::ChildStdout> {
        let mut out = BufReader::new(self.1[child].stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        out
    }
}

#[test]
fn the_copiers_connection_to_the_mail_server_is_found_without_an_agent_there() {
    if !Path::new("/usr/sbin/snmpd").exists() {
        eprintln!("SKIPPED: snmpd is not here");
        return;
    }
    let Some(mut lab) = build() else {
        return;
    };
    let at = tempfile::tempdir().unwrap();
    let settings = at.path().join("snmpd.conf");
    std::fs::write(&settings, SETTINGS).unwrap();
    let access = at.path().join("access.toml");
    std::fs::write(
        &access,
        "[[snmp]]\nrange = \"10.98.71.0/24\"\ncommunity = \"devices\"\n",
    )
    .unwrap();
    std::fs::set_permissions(&access, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = lab.starts(3, &["python3", "-c", SERVER]);
    let _mail = lab.is_ready(server);
    let program = lab.starts(2, &["python3", "-c", PROGRAM]);
    let mut copier = lab.is_ready(program);
    let kept = format!("SNMP_PERSISTENT_DIR={}", at.path().join("kept").display());
    let pid = at.path().join("pid").display().to_string();
    let file = settings.display().to_string();
    lab.starts(
        2,
        &[
            "env",
            &kept,
            "/usr/sbin/snmpd",
            "-f",
            "-Lf",
            "/dev/null",
            "-C",
            "-c",
            &file,
            "-p",
            &pid,
            "udp:161",
        ],
    );
    std::thread::sleep(Duration::from_secs(2));
    let this = std::env::current_exe().unwrap();
    let told = lab
        .within(
            1,
            &[
                this.to_str().unwrap(),
                "--exact",
                "asks_from_within",
                "--nocapture",
            ],
        )
        .env(INSIDE, &access)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains(&format!("need {COPIER} {MAIL} 25 smtp-relay")),
        "{told}"
    );
    assert!(told.contains("device Ricoh MP C3003 E154M210001"), "{told}");
    assert!(told.contains("open 9100"), "{told}");
    drop(lab.1[program].stdin.take());
    let mut seen = String::new();
    copier.read_to_string(&mut seen).unwrap();
    eprintln!("at the copier: {}", seen.trim());
    assert!(
        seen.contains("doors [(17, 161)]"),
        "not one frame but to SNMP: {seen}"
    );
    assert!(
        seen.contains("most 2 ") || seen.contains("most 1 "),
        "{seen}"
    );
}

/// The part of whoever asks, in its own network; alone it does nothing.
#[test]
fn asks_from_within() {
    let Some(access) = std::env::var_os(INSIDE) else {
        return;
    };
    let world = groma_sys::this_machine(false);
    let access = groma_source_snmp::access::read(world.disk.as_ref(), Path::new(&access)).unwrap();
    let target = Target::parse("10.98.71.0/24").unwrap();
    let targets = Targets::of(&[target], &[], &[]).unwrap();
    let manners = Arc::new(Mutex::new(Manners::new(Ceiling::default(), targets, &[])));
    let network = MannerlyNetwork::new(
        world.network.clone(),
        manners,
        world.clock.clone(),
        world.disk.clone(),
        Stop::default(),
    );
    let world = World {
        network: Arc::new(network),
        ..world
    };
    let minute = Duration::from_secs(60);
    let window = Window::open(world.clock.clone(), Stop::default(), Duration::ZERO, minute);
    let mut recorder = Recorder::new(SourceName::new("network.snmp"));
    let hosts = [COPIER.parse().unwrap()];
    SnmpSource::new(world, hosts, access).look(&window, &Budget::default(), &mut recorder);
    for fact in recorder.facts() {
        match fact {
            Fact::TableUse(used) => {
                let port = used.port.unwrap();
                println!(
                    "need {} {} {port} {}",
                    used.consumer, used.provider, used.kind
                );
            }
            Fact::DeviceSays(says) => println!(
                "device {} {} {}",
                says.maker.as_deref().unwrap_or_default(),
                says.model.as_deref().unwrap_or_default(),
                says.serial.as_deref().unwrap_or_default()
            ),
            Fact::OpenPort(open) => println!("open {}", open.port),
            _ => {}
        }
    }
    recorder.gaps().for_each(|gap| println!("gap {}", gap.what));
}
