//! A machine of its own for one test program, and commands that run on it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use groma_model::inventory::Inventory;

/// How much stands on the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Nothing runs on it.
    Bare,
    /// Real servers, applications that use them, and neighbours on the wire.
    Full,
}

/// A running machine. It is taken down when this value is dropped, and also when this process dies.
#[derive(Debug)]
pub struct Machine {
    up: Child,
    first_process: String,
}

/// What a command did.
#[derive(Debug)]
pub struct Output {
    /// Exit code; a signal counts as 128 and its number, as a shell counts it.
    pub code: i32,
    /// Standard output, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Output {
    /// This output, if the command ended with `code`; else a panic that shows everything it said.
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "unexpected exit code\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Panics if the program panicked or died of a signal, whatever else it said.
    pub fn expect_composed(self) -> Self {
        let panicked =
            self.stderr.contains("panicked at") || self.stderr.contains("RUST_BACKTRACE");
        let died = self.code > 124;
        assert!(
            !panicked && !died,
            "exit {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }
}

impl Machine {
    /// Builds and starts a machine, or says aloud why it cannot.
    pub fn start(kind: Kind) -> Option<Self> {
        if let Some(lack) = lack(kind) {
            crate::skip(&lack);
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/lab/up");
        let mut up = Command::new("bash")
            .arg(script)
            .arg(if kind == Kind::Full { "full" } else { "bare" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut said = String::new();
        BufReader::new(up.stdout.take().expect("stdout was asked for"))
            .read_line(&mut said)
            .expect("a line can be read");
        let Some(first_process) = said.trim().strip_prefix("ready ") else {
            panic!("the machine did not come up; what it said stands above");
        };
        Some(Self {
            first_process: first_process.to_owned(),
            up,
        })
    }

    /// Runs `words` on the machine as root and waits, at most two minutes.
    pub fn run(&self, words: &[&str]) -> Output {
        self.run_with(words, b"")
    }

    /// The same with bytes on standard input.
    pub fn run_with(&self, words: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("timeout")
            .args([
                "-k",
                "5",
                "120",
                "nsenter",
                "-t",
                &self.first_process,
                "-m",
                "-u",
                "-i",
                "-n",
                "-p",
                "-C",
                "--wdns=/",
                "--",
            ])
            .args([
                "env",
                "-i",
                "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root",
                "LANG=C.UTF-8",
            ])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nsenter runs");
        let mut stdin = child.stdin.take().expect("stdin was asked for");
        let input = input.to_vec();
        let feed = std::thread::spawn(move || {
            // A program that does not read its input closes the pipe; that is its right.
            let _ = stdin.write_all(&input);
        });
        let output = child
            .wait_with_output()
            .expect("the child can be waited for");
        feed.join().expect("the feeding thread does not panic");
        use std::os::unix::process::ExitStatusExt as _;
        let code = output
            .status
            .code()
            .or_else(|| output.status.signal().map(|s| 128 + s))
            .unwrap_or(-1);
        assert_ne!(code, 124, "it took more than two minutes: {words:?}");
        Output {
            code,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs a shell script on the machine and panics unless it ends well.
    pub fn shell(&self, script: &str) -> String {
        self.run(&["bash", "-euc", script]).expect_code(0).stdout
    }

    /// Runs a shell script and takes its outcome as it is.
    pub fn try_shell(&self, script: &str) -> Output {
        self.run(&["bash", "-uc", script])
    }

    /// Runs `groma` with these words.
    pub fn groma(&self, words: &[&str]) -> Output {
        let mut all = vec!["groma"];
        all.extend(words);
        self.run(&all).expect_composed()
    }

    /// The present inventory of the store at `data`, as the document a stranger would get.
    pub fn inventory(&self, data: &str) -> Inventory {
        let json = self
            .groma(&["export", "--format", "json", "--out", "-", "--data", data])
            .expect_code(0)
            .stdout;
        serde_json::from_str(&json).expect("the export is an inventory document")
    }

    /// The same as plain JSON.
    pub fn inventory_json(&self, data: &str) -> serde_json::Value {
        let json = self
            .groma(&["export", "--format", "json", "--out", "-", "--data", data])
            .expect_code(0)
            .stdout;
        serde_json::from_str(&json).expect("the export is JSON")
    }

    /// A path on the machine as this process can reach it.
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.first_process))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.up.stdin.take());
        // If waiting fails there is nobody left to wait for.
        let _ = self.up.wait();
    }
}

/// What this place lacks to run such a machine, in one sentence.
fn lack(kind: Kind) -> Option<String> {
    for variable in ["GROMA_BIN", "GROMA_AGENT_BIN"] {
        match std::env::var_os(variable) {
            None => {
                return Some(format!(
                    "{variable} does not name a built program; `tests/run e2e` sets it"
                ));
            }
            Some(path) if !Path::new(&path).exists() => {
                return Some(format!("{variable} names a file that is not there"));
            }
            Some(_) => {}
        }
    }
    if !succeeds("sh", &["-c", "test \"$(id -u)\" = 0"]) {
        return Some("a machine of its own needs root".into());
    }
    if !succeeds(
        "unshare",
        &["-m", "-n", "-p", "-u", "-i", "-C", "-f", "true"],
    ) {
        return Some("this place does not allow namespaces".into());
    }
    let mut programs = vec!["ip", "nsenter", "setpriv", "python3"];
    if kind == Kind::Full {
        programs.extend([
            "/usr/sbin/nginx",
            "/usr/sbin/slapd",
            "/usr/sbin/postfix",
            "/usr/sbin/chronyd",
            "/usr/sbin/sshd",
            "/usr/sbin/named",
        ]);
        if !Path::new("/usr/lib/postgresql").exists() {
            return Some(
                "PostgreSQL's server is not installed; `tests/run packages` installs it".into(),
            );
        }
    }
    programs
        .into_iter()
        .find(|program| !succeeds("sh", &["-c", &format!("command -v {program} >/dev/null")]))
        .map(|program| format!("{program} is not installed; `tests/run packages` installs it"))
}

fn succeeds(program: &str, words: &[&str]) -> bool {
    Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
