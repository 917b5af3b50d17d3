//! A real chronyd with a real client and a real source, each in a network of its own.
//!
//! It needs root, chronyd and network namespaces, and skips aloud without them. The look runs where the server runs: this
//! very test program is started again there.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on stops here; a skip is said aloud; the inner look speaks through its output"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use groma_source::{
    Budget, Disk, DiskError, Entry, FileRead, Metadata, Recorder, Source, Space, Stop, Window,
    World,
};
use groma_source_time::ChronySource;

const SETTINGS: &str = "GROMA_TEST_CHRONY";

/// This machine, with other settings of chronyd.
struct Instead {
    world: World,
    settings: String,
}

impl Disk for Instead {
    fn read(&self, path: &Path, limit: u64) -> Result<FileRead, DiskError> {
        let mut read = self.world.disk.read(Path::new("/etc/hostname"), limit)?;
        if path != Path::new("/etc/chrony/chrony.conf") {
            return self.world.disk.read(Path::new("/nowhere"), limit);
        }
        read.bytes = self.settings.clone().into_bytes();
        Ok(read)
    }
    fn list(&self, path: &Path, _: usize) -> Result<Vec<Entry>, DiskError> {
        self.world.disk.list(&path.join("nowhere"), 1)
    }
    fn metadata(&self, path: &Path) -> Result<Metadata, DiskError> {
        self.world.disk.metadata(path)
    }
    fn read_link(&self, path: &Path) -> Result<PathBuf, DiskError> {
        self.world.disk.read_link(path)
    }
    fn space(&self, path: &Path) -> Result<Space, DiskError> {
        self.world.disk.space(path)
    }
}

/// The look itself, in the network of the server: prints what it says.
#[test]
fn looking_where_the_server_runs() {
    let Ok(settings) = std::env::var(SETTINGS) else {
        return;
    };
    let world = groma_sys::this_machine(true);
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(60),
    );
    let disk = Arc::new(Instead {
        world: world.clone(),
        settings,
    });
    let mut source = ChronySource::new(World { disk, ..world });
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    recorder
        .facts()
        .for_each(|fact| println!("saw {}", fact.says()));
    for gap in recorder.gaps() {
        println!("missed {} ({:?}): {:?}", gap.what, gap.reason, gap.remedy);
    }
    for coverage in recorder.coverage() {
        println!("covered {} {:?}", coverage.scope, coverage.state);
    }
}

struct Networks {
    names: Vec<String>,
    running: Vec<Child>,
}

impl Networks {
    /// One network a name, all on one bridge-less line: each end of a pair is given an address.
    fn new(tag: &str) -> Option<Self> {
        let name = |end: &str| format!("g{}{tag}{end}", std::process::id());
        let names = vec![name("s"), name("c")];
        let mut made = Self {
            names,
            running: Vec::new(),
        };
        for name in made.names.clone() {
            if !done("ip", &["netns", "add", &name]) {
                return None;
            }
        }
        let [server, client] = made.names.as_slice() else {
            return None;
        };
        let linked = done(
            "ip",
            &[
                "link", "add", "v0", "netns", server, "type", "veth", "peer", "name", "v0",
                "netns", client,
            ],
        );
        let set_up =
            linked
                && made.names.iter().zip(["10.77.0.1/24", "10.77.0.5/24"]).all(
                    |(name, address)| {
                        done("ip", &["-n", name, "addr", "add", address, "dev", "v0"])
                            && done("ip", &["-n", name, "link", "set", "v0", "up"])
                            && done("ip", &["-n", name, "link", "set", "lo", "up"])
                    },
                );
        made.running.clear();
        set_up.then_some(made)
    }

    fn within(&self, at: usize) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.names[at]]);
        command
    }

    fn chronyd(&mut self, at: usize, folder: &Path, settings: &str) {
        // chronyd makes no socket in a folder that others may enter.
        std::fs::create_dir(folder).unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        let file = folder.join("chrony.conf");
        let paths = format!(
            "pidfile {0}/pid\ndriftfile {0}/drift\nuser root\ncmdport 0\n",
            folder.display()
        );
        std::fs::write(&file, format!("{paths}{settings}")).unwrap();
        let mut command = self.within(at);
        // Never without -x: it would steer the clock of this machine.
        command.args(["chronyd", "-x", "-d", "-f"]).arg(file);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.running.push(child.unwrap());
    }

    fn look(&self, settings: &str) -> String {
        let mut command = self.within(0);
        command
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "looking_where_the_server_runs", "--nocapture"])
            .env(SETTINGS, settings);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }

    /// Looks until it hears `wanted`: a daemon begins when it begins.
    fn look_until(&self, settings: &str, wanted: &[&str]) -> String {
        let begin = Instant::now();
        loop {
            let heard = self.look(settings);
            let all = wanted.iter().all(|wanted| heard.contains(wanted));
            if all || begin.elapsed() > Duration::from_secs(120) {
                return heard;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for name in &self.names {
            done("ip", &["netns", "del", name]);
        }
    }
}

fn done(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn chronyd_tells_who_asks_it_and_whom_it_asks() {
    let folder = tempfile::tempdir().unwrap();
    if !Path::new("/usr/sbin/chronyd").exists() {
        eprintln!("skipped: no chronyd here");
        return;
    }
    let Some(mut networks) = Networks::new("a") else {
        eprintln!("skipped: no network namespaces here");
        return;
    };
    // The client serves as the source of the server too: each is asked by the other.
    let socket = folder.path().join("s/chronyd.sock");
    let command_socket = format!("bindcmdaddress {}\n", socket.display());
    let server =
        format!("{command_socket}local stratum 8\nallow 10.77.0.0/24\nserver 10.77.0.5 iburst\n");
    networks.chronyd(0, &folder.path().join("s"), &server);
    let client = "bindcmdaddress /\nlocal stratum 5\nallow 10.77.0.0/24\nserver 10.77.0.1 iburst\n";
    networks.chronyd(1, &folder.path().join("c"), client);
    let wanted = [
        "saw 10.77.0.5 used chrony at port 123/udp",
        "saw chrony used 10.77.0.5 port 123/udp",
    ];
    let heard = networks.look_until(&server, &wanted);
    for wanted in wanted {
        assert!(heard.contains(wanted), "{wanted}: {heard}");
    }
    // A list of a few seconds does not know everybody, and says so.
    assert!(heard.contains("covered time:chrony Partial"), "{heard}");
    assert!(!heard.contains("missed"), "{heard}");
}

#[test]
fn a_chronyd_that_remembers_nobody_is_a_gap_with_the_way_to_change_that() {
    let folder = tempfile::tempdir().unwrap();
    let networks = Networks::new("b").filter(|_| Path::new("/usr/sbin/chronyd").exists());
    let Some(mut networks) = networks else {
        eprintln!("skipped: no chronyd or no network namespaces here");
        return;
    };
    let socket = folder.path().join("s/chronyd.sock");
    let server = format!(
        "bindcmdaddress {}\nlocal stratum 8\nallow\nnoclientlog\n",
        socket.display()
    );
    networks.chronyd(0, &folder.path().join("s"), &server);
    let heard = networks.look_until(&server, &["LogDisabled"]);
    assert!(
        heard.contains("missed who takes the time from this machine (LogDisabled)"),
        "{heard}"
    );
    assert!(heard.contains("Take noclientlog out"), "{heard}");
}

#[test]
fn without_chronyd_nothing_is_said() {
    let settings = "bindcmdaddress /nowhere/chronyd.sock\n";
    let world = groma_sys::this_machine(true);
    if Path::new("/run/chrony/chronyd.sock").exists() {
        eprintln!("skipped: a chronyd runs here");
        return;
    }
    let window = Window::open(
        world.clock.clone(),
        Stop::default(),
        Duration::ZERO,
        Duration::from_secs(9),
    );
    let disk = Arc::new(Instead {
        world: world.clone(),
        settings: settings.to_owned(),
    });
    let mut source = ChronySource::new(World { disk, ..world });
    let mut recorder = Recorder::new(source.name());
    source.look(&window, &Budget::default(), &mut recorder);
    assert!(recorder.records.is_empty(), "{:?}", recorder.records);
}
