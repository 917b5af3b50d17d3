//! Real sshds on loopback, each with a folder that stands for the root of a machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groma_deploy::{Host, Plan, Programs, Ssh};
use tempfile::TempDir;

/// What an agent of a test says and does; `state` beside it is where the real one keeps its own.
const AGENT: &str = r#"#!/bin/sh
root=${0%/usr/local/bin/*}
state=$root/var/lib/groma-agent
case $1 in
    --version) echo "groma-agent @VERSION@" ;;
    enroll)
        tr '\0' ' ' < /proc/$$/cmdline > "$root/seen"
        env >> "$root/seen"
        token=$(cat "$5")
        if [ "@ENROLLS@" != yes ] || [ "$token" != good-token ]; then echo "the token $token was refused" >&2; exit 3; fi
        mkdir -p "$state"
        echo "$3" > "$state/identity.json" ;;
    status)
        if [ "@WELL@" = yes ]; then echo "well"; else echo "not well: $(printf '\033[31m')red" >&2; fi
        if [ -e "$state/identity.json" ] && [ ! -e "$root/mute" ]; then
            echo "agent        agt-0123456789abcdef0123456789abcdef at site north"
            echo "fingerprint  feedfacefeedface"
        fi
        [ "@WELL@" = yes ] || exit 1 ;;
    *) exit 2 ;;
esac
exit 0
"#;

/// A systemctl that remembers what it was told; it finds its machine by the folder it is called in.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >> ./run/systemctl.log
case $* in
    is-active*) [ -e ./run/active ] ;;
    is-enabled*) [ -e ./run/enabled ] ;;
    enable*) touch ./run/enabled ;;
    disable*--now*) rm -f ./run/enabled ./run/active ;;
    disable*) rm -f ./run/enabled ;;
    stop*) rm -f ./run/active ;;
    restart*) [ ! -e ./run/no-start ] && touch ./run/active ;;
esac
"#;

/// One agent of a test.
pub(crate) fn agent(version: &str, enrolls: bool, well: bool) -> Vec<u8> {
    let yes = |is: bool| if is { "yes" } else { "no" };
    AGENT
        .replace("@VERSION@", version)
        .replace("@ENROLLS@", yes(enrolls))
        .replace("@WELL@", yes(well))
        .into_bytes()
}

/// The same agent, for this machine.
pub(crate) fn programs(bytes: Vec<u8>) -> Programs {
    let machine = std::env::consts::ARCH;
    Programs::default().with(machine, bytes)
}

/// Says what is lacking where the whole run counts it.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(std::io::stdout(), "skipped: {why}");
    if let Some(list) = std::env::var_os("GROMA_SKIPPED")
        && let Ok(mut list) = fs::OpenOptions::new().append(true).open(list)
    {
        let _ = writeln!(list, "deploy: {why}");
    }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Keys, and how ssh is told about them.
pub(crate) struct Lab {
    pub(crate) folder: TempDir,
    sshd: PathBuf,
}

impl Lab {
    /// None, having said why, where there is no sshd.
    pub(crate) fn new() -> Option<Self> {
        let sshd = ["/usr/sbin/sshd", "/usr/bin/sshd"]
            .iter()
            .map(PathBuf::from)
            .find(|p| p.exists());
        let (Some(sshd), true) = (sshd, Path::new("/usr/bin/ssh").exists()) else {
            skip("no sshd and ssh to deploy over");
            return None;
        };
        if is_root() && fs::create_dir_all("/run/sshd").is_err() {
            skip("sshd wants /run/sshd");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["host", "other_host", "user", "other_user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.path().join(name))
                .status()
                .unwrap();
            assert!(made.success());
        }
        let at = folder.path().display();
        let config = format!(
            "UserKnownHostsFile {at}/known_hosts\nGlobalKnownHostsFile /dev/null\nIdentityFile {at}/user\nIdentitiesOnly yes\n"
        );
        fs::write(folder.path().join("config"), config).unwrap();
        fs::write(folder.path().join("known_hosts"), "").unwrap();
        fs::copy(
            folder.path().join("user.pub"),
            folder.path().join("authorized"),
        )
        .unwrap();
        fs::copy(
            folder.path().join("other_user.pub"),
            folder.path().join("others"),
        )
        .unwrap();
        Some(Self { folder, sshd })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes `port` known under the host key `key`.
    pub(crate) fn know(&self, port: u16, key: &str) {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        let mut known = fs::OpenOptions::new()
            .append(true)
            .open(self.path("known_hosts"))
            .unwrap();
        writeln!(known, "[127.0.0.1]:{port} {public}").unwrap();
    }

    /// A machine as most are: systemd, all programs.
    pub(crate) fn machine(&self, name: &str) -> Machine {
        let machine = self.start(name, &Kind::default());
        self.know(machine.port, "host");
        machine
    }

    pub(crate) fn start(&self, name: &str, kind: &Kind) -> Machine {
        let root = self.path(name);
        let bin = self.path(&format!("{name}-bin"));
        for folder in [
            &root.join("usr"),
            &root.join("run"),
            &root.join("etc"),
            &root.join("var"),
            &bin,
        ] {
            fs::create_dir_all(folder).unwrap();
        }
        if kind.systemd {
            fs::create_dir_all(root.join("run/systemd/system")).unwrap();
            program(&bin.join("systemctl"), SYSTEMCTL);
        }
        for (name, text) in &kind.programs {
            program(&bin.join(name), text);
        }
        let path = match &kind.only {
            Some(folder) => format!("{}:{}", bin.display(), folder.display()),
            None => format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display()),
        };
        let port = free_port();
        let config = self.path(&format!("{name}-sshd"));
        let text = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/{keys}\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\nMaxStartups 100\nMaxSessions 50\nUseDNS no\nSetEnv SHLVL=2\nForceCommand cd {root} && PATH={path} && export PATH && eval \"$SSH_ORIGINAL_COMMAND\"\n",
            at = self.folder.path().display(),
            keys = kind.keys,
            root = root.display(),
        );
        fs::write(&config, text).unwrap();
        let mut command = match kind.disk {
            Some(size) => {
                let mut command = Command::new("unshare");
                let script = format!(
                    "mount -t tmpfs -o size={size} small {root}/usr && exec {sshd} -D -e -f {config}",
                    root = root.display(),
                    sshd = self.sshd.display(),
                    config = config.display()
                );
                command.args(["--mount", "sh", "-c", &script]);
                command
            }
            None => {
                let mut command = Command::new(&self.sshd);
                command.args(["-D", "-e", "-f"]).arg(&config);
                command
            }
        };
        let log = fs::File::create(self.path(&format!("{name}-log"))).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let machine = Machine { root, port, child };
        machine.wait(&self.path(&format!("{name}-log")));
        machine
    }

    /// A plan for these ports.
    pub(crate) fn plan(&self, ports: &[u16]) -> Plan {
        let hosts = ports.iter().map(|port| host(*port)).collect();
        let mut plan = Plan::new(hosts, "https://groma.test:8443").unwrap();
        plan.prefix = ".".to_owned();
        plan.status_tries = 2;
        plan.step_limit = Duration::from_secs(40);
        plan.upload_limit = Duration::from_secs(40);
        plan.ssh = Ssh {
            arguments: vec!["-F".into(), self.path("config").into()],
            ..Ssh::default()
        };
        plan
    }
}

pub(crate) fn host(port: u16) -> Host {
    groma_deploy::hosts(&format!("127.0.0.1:{port}"))
        .unwrap()
        .remove(0)
}

/// What a machine of a test is like.
pub(crate) struct Kind {
    pub(crate) systemd: bool,
    /// File of the keys it lets in.
    pub(crate) keys: &'static str,
    /// Programs of its own, before those of the system.
    pub(crate) programs: Vec<(&'static str, &'static str)>,
    /// The only folder of other programs.
    pub(crate) only: Option<PathBuf>,
    /// Size of the disk programs lie on.
    pub(crate) disk: Option<&'static str>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            systemd: true,
            keys: "authorized",
            programs: Vec::new(),
            only: None,
            disk: None,
        }
    }
}

/// A machine of a test; its sshd ends with it.
pub(crate) struct Machine {
    pub(crate) root: PathBuf,
    pub(crate) port: u16,
    child: Child,
}

impl Machine {
    fn wait(&self, log: &Path) {
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("sshd did not come up: {}", fs::read_to_string(log).unwrap());
    }

    pub(crate) fn read(&self, place: &str) -> String {
        fs::read_to_string(self.root.join(place)).unwrap_or_default()
    }

    pub(crate) fn has(&self, place: &str) -> bool {
        self.root.join(place).exists()
    }

    /// Every file and folder with its mode and content, but for what the machine wrote by itself.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut found = BTreeMap::new();
        walk(&self.root, &mut found);
        found.retain(|path, _| {
            !["run/systemctl.log", "seen"]
                .iter()
                .any(|own| self.root.join(own) == *path)
        });
        found
    }
}

fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        if path.is_dir() {
            found.insert(path.clone(), (mode, Vec::new()));
            walk(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, (mode, bytes));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Stands between ssh and sshd. Connection number `at` (from 0) is cut after so many bytes towards the machine; from
/// `dead_from` on none comes through. Connections that are cut are only counted, none is waited for at the end.
pub(crate) fn between(to: u16, at: usize, after: usize, dead_from: usize) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let Ok(near) = near else { return };
            let number = count.fetch_add(1, Ordering::SeqCst);
            if number >= dead_from {
                continue;
            }
            let far = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, to))).unwrap();
            let limit = if number == at { after } else { usize::MAX };
            let (mut back_from, mut back_to) =
                (far.try_clone().unwrap(), near.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut back_from, &mut back_to);
                let _ = back_to.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || pass(near, far, limit));
        }
    });
    port
}

fn pass(mut near: TcpStream, mut far: TcpStream, limit: usize) {
    let mut passed = 0;
    let mut bytes = [0; 4096];
    while passed < limit {
        match near.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                passed += count;
                if far.write_all(&bytes[..count]).is_err() {
                    break;
                }
            }
        }
    }
    let _ = near.shutdown(Shutdown::Both);
    let _ = far.shutdown(Shutdown::Both);
}
