//! What `groma deploy` does to the list of agents, over a real sshd, with the real agent.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Fleet, eventually, program, said};

/// A machine as its owner has it, but for the folders that are written to: those are its own, and so are its processes. $1 is the folder of the test.
const MACHINE: &str = r#"
set -e
for place in /usr/local /etc/systemd/system /var/lib /run; do mount -t tmpfs machine "$place"; done
mkdir -p /run/sshd /run/systemd/system /usr/local/bin
cp "$1/systemctl" /usr/local/bin/systemctl
exec /usr/sbin/sshd -D -e -f "$1/sshd"
"#;

/// A systemctl that starts the agent, and only that.
const SYSTEMCTL: &str = r#"#!/bin/sh
stop() { [ ! -e /run/agent ] || kill "$(cat /run/agent)" 2>/dev/null; rm -f /run/agent; }
case $* in
    is-active*) [ -e /run/agent ] ;;
    is-enabled*) [ -e /run/enabled ] ;;
    enable*) touch /run/enabled ;;
    disable*--now*) stop; rm -f /run/enabled ;;
    disable*) rm -f /run/enabled ;;
    stop*) stop ;;
    restart*)
        [ ! -e "@HOME@/no-start" ] || exit 1
        stop
        /usr/local/bin/groma-agent run --keep-free-mib 16 </dev/null >/dev/null 2>&1 &
        echo $! > /run/agent ;;
esac
"#;

/// An sshd that is a machine to deploy to, and ends with this value.
struct Machine {
    serving: Child,
    port: u16,
}

impl Machine {
    /// None, having said why, where there can be none.
    fn begin(home: &Path) -> Option<Self> {
        let is_root = fs::metadata("/proc/self").is_ok_and(|met| met.uid() == 0);
        let there = |path: &str| Path::new(path).exists();
        if !(is_root && there("/usr/sbin/sshd") && there("/usr/bin/ssh")) {
            groma_tests::skip("a machine to deploy to needs sshd, ssh and root");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = port.local_addr().unwrap().port();
        for name in ["host", "user"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(home.join(name))
                .status();
            assert!(made.unwrap().success());
        }
        let at = home.display();
        let public = fs::read_to_string(home.join("host.pub")).unwrap();
        let write = |name: &str, text: &str| fs::write(home.join(name), text).unwrap();
        write("known", &format!("[127.0.0.1]:{port} {public}"));
        write("hosts", &format!("root@127.0.0.1:{port}\n"));
        write("systemctl", &SYSTEMCTL.replace("@HOME@", &at.to_string()));
        write(
            "client",
            &format!(
                "UserKnownHostsFile {at}/known\nGlobalKnownHostsFile /dev/null\nIdentityFile {at}/user\nIdentitiesOnly yes\n"
            ),
        );
        write(
            "sshd",
            &format!(
                "ListenAddress 127.0.0.1\nPort {port}\nHostKey {at}/host\nAuthorizedKeysFile {at}/user.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPidFile none\nUseDNS no\nSetEnv PATH=/usr/local/bin:/usr/bin:/bin\n"
            ),
        );
        fs::create_dir(home.join("bin")).unwrap();
        write(
            "bin/ssh",
            &format!("#!/bin/sh\nexec /usr/bin/ssh -F {at}/client \"$@\"\n"),
        );
        for name in ["bin/ssh", "systemctl"] {
            fs::set_permissions(home.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let log = fs::File::create(home.join("sshd.log")).unwrap();
        let serving = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", MACHINE, "sh"])
            .arg(home)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let machine = Self { serving, port };
        eventually(Duration::from_secs(20), || {
            TcpStream::connect(("127.0.0.1", machine.port)).ok()
        })
        .expect("its sshd is there");
        Some(machine)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

/// What `groma deploy` says: its exit code and words.
fn deployed(fleet: &Fleet, words: &[&str]) -> (Option<i32>, String) {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(program("GROMA_BIN").unwrap())
        .arg("--data")
        .arg(fleet.path("data"))
        .args(["deploy", "--hosts"])
        .arg(fleet.path("machine/hosts"))
        .args(words)
        .env(
            "PATH",
            format!("{}:{path}", fleet.path("machine/bin").display()),
        )
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), said(&output))
}

#[test]
fn who_is_taken_back_or_taken_off_is_revoked_and_nobody_else() {
    let Some(fleet) = Fleet::begin() else { return };
    fs::create_dir(fleet.path("machine")).unwrap();
    let Some(_machine) = Machine::begin(&fleet.path("machine")) else {
        return;
    };
    fleet.quick();
    // Somebody else, whom nothing of this concerns.
    assert!(fleet.enroll("other", &fleet.token(&[])).status.success());
    let other = fleet.listed()[0]["agent"].clone();
    let why = |word: &str| -> Vec<Value> {
        let all = fleet.listed().into_iter();
        let listed: Vec<Value> = all.filter(|agent| agent["state"] == word).collect();
        listed
    };
    let url = format!("https://127.0.0.1:{}", fleet.ports[0]);
    let agent = program("GROMA_AGENT_BIN").unwrap();
    let install = ["--collector", &url, "--agent", agent.to_str().unwrap()];

    fs::write(fleet.path("machine/no-start"), "").unwrap();
    let (code, text) = deployed(&fleet, &install);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("failed at start") && text.contains("rolled back"),
        "{text}"
    );
    let back = why("revoked");
    assert_eq!(back.len(), 1, "{text}");
    assert_eq!(back[0]["because"], "rolled back by groma deploy");
    assert!(text.contains(&format!("{} revoked", back[0]["agent"].as_str().unwrap())));

    fs::remove_file(fleet.path("machine/no-start")).unwrap();
    for says in ["installed", "unchanged"] {
        let (code, text) = deployed(&fleet, &install);
        assert!(code == Some(0) && text.contains(says), "{text}");
        assert_eq!((why("active").len(), why("revoked").len()), (2, 1));
    }
    let ours = why("active");
    let ours = ours.iter().find(|agent| agent["agent"] != other).unwrap();
    let id = ours["agent"].as_str().unwrap();

    let (code, text) = deployed(&fleet, &["--remove", "--dry-run"]);
    assert!(
        code == Some(0) && text.contains(&format!("would revoke {id}")),
        "{text}"
    );
    assert_eq!(why("active").len(), 2);
    let (code, text) = deployed(&fleet, &["--remove"]);
    assert!(
        code == Some(0) && text.contains(&format!("{id} revoked")),
        "{text}"
    );
    let gone = why("revoked");
    let gone = gone.iter().find(|agent| agent["agent"] == id).unwrap();
    assert_eq!(gone["because"], "removed by groma deploy");
    let left = why("active");
    assert_eq!((left.len(), &left[0]["agent"]), (1, &other));
    // Nothing is there any more, so nobody is concerned.
    let (code, text) = deployed(&fleet, &["--remove"]);
    assert!(
        code == Some(0) && text.contains("unchanged") && !text.contains("revoke"),
        "{text}"
    );
}
