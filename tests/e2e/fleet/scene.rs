//! A collector with its store, agents that a test makes, and how to ask both.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) fn program(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.exists())
}

pub(crate) fn lack() -> Option<String> {
    let has = |script: &str| {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    };
    match () {
        () if program("GROMA_BIN").is_none() || program("GROMA_AGENT_BIN").is_none() => Some(
            "GROMA_BIN and GROMA_AGENT_BIN do not name built programs; `tests/run e2e` sets them"
                .to_owned(),
        ),
        () if !has("command -v curl sqlite3 zstd jq") => {
            Some("curl, sqlite3, zstd or jq is missing (tests/stages/packages.sh)".to_owned())
        }
        () => None,
    }
}

/// A collector with its store, and whatever agents a test makes; all are ended with this value.
pub(crate) struct Fleet {
    pub(crate) home: tempfile::TempDir,
    pub(crate) serving: Option<Child>,
    pub(crate) agents: Vec<Child>,
    /// Enrolment, agents, operators.
    pub(crate) ports: [u16; 3],
    /// Where the store is, if it is no file.
    pub(crate) database: Option<String>,
}

impl Fleet {
    pub(crate) fn begin() -> Option<Self> {
        if let Some(lack) = lack() {
            groma_tests::skip(&lack);
            return None;
        }
        Some(Self::over(None, None))
    }

    /// A collector over a database, with the authority of another one.
    pub(crate) fn over(database: Option<String>, authority: Option<&Path>) -> Self {
        let home = tempfile::tempdir().unwrap();
        if let Some(from) = authority {
            let to = home.path().join("data/authority");
            assert!(
                Command::new("mkdir")
                    .args(["-p", "-m", "700"])
                    .arg(home.path().join("data"))
                    .status()
                    .unwrap()
                    .success()
            );
            assert!(
                Command::new("cp")
                    .arg("-a")
                    .arg(from)
                    .arg(to)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        let mut fleet = Self {
            home,
            serving: None,
            agents: Vec::new(),
            ports: [0; 3],
            database,
        };
        fleet.serve();
        fleet
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts the collector, at the ports it had before if it had any.
    pub(crate) fn serve(&mut self) {
        self.serving = Some(self.spawn(&[]));
        self.ports = eventually(Duration::from_secs(20), || self.announced()).expect("it serves");
        eventually(Duration::from_secs(20), || self.is_ready().then_some(())).expect("it is ready");
    }

    /// Starts it under another program, which may end it at any moment. False if that was before it served.
    pub(crate) fn serve_under(&mut self, words: &[&str]) -> bool {
        let mut serving = self.spawn(words);
        let begun = eventually(Duration::from_secs(60), || {
            match serving.try_wait().unwrap() {
                Some(_) => Some(false),
                None => self.is_ready().then_some(true),
            }
        });
        self.serving = Some(serving);
        begun.expect("it serves, or is ended")
    }

    pub(crate) fn is_ready(&self) -> bool {
        let answer = self.operators("/ready");
        answer.is_some_and(|text| text.contains("200 OK"))
    }

    fn spawn(&self, words: &[&str]) -> Child {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("serve.log"))
            .unwrap();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let program = program("GROMA_BIN").unwrap();
        let mut all = words.iter().map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(all.next().unwrap());
        command
            .args(all)
            .args(["serve", "--data"])
            .arg(self.path("data"))
            .args(self.database.iter().flat_map(|url| ["--database", url]))
            .args([
                "--listen",
                &at(self.ports[0]),
                "--agents",
                &at(self.ports[1]),
                "--operators",
                &at(self.ports[2]),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command.spawn().unwrap()
    }

    /// The ports that the newest collector says it listens at.
    pub(crate) fn announced(&self) -> Option<[u16; 3]> {
        let text = fs::read_to_string(self.path("serve.log")).ok()?;
        let line = text.lines().rfind(|line| line.starts_with("serving:"))?;
        let ports: Vec<u16> = line
            .split("127.0.0.1:")
            .skip(1)
            .filter_map(|rest| {
                rest.split(|c: char| !c.is_ascii_digit())
                    .next()?
                    .parse()
                    .ok()
            })
            .collect();
        ports.try_into().ok()
    }

    pub(crate) fn kill_collector(&mut self) {
        let mut serving = self.serving.take().unwrap();
        serving.kill().unwrap();
        serving.wait().unwrap();
    }

    /// What an operator's monitoring is answered; nothing if nobody answers.
    pub(crate) fn operators(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[2])).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        Some(text)
    }

    pub(crate) fn groma(&self, words: &[&str]) -> Output {
        let mut command = Command::new(program("GROMA_BIN").unwrap());
        command
            .arg("--data")
            .arg(self.path("data"))
            .args(self.database.iter().flat_map(|url| ["--database", url]))
            .args(words)
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    pub(crate) fn token(&self, words: &[&str]) -> PathBuf {
        let file = self.path(&format!(
            "token-{}",
            self.home.path().read_dir().unwrap().count()
        ));
        let made =
            self.groma(&[&["token", "create", "--out", file.to_str().unwrap()], words].concat());
        assert!(made.status.success(), "{}", said(&made));
        file
    }

    pub(crate) fn agent(&self, state: &str, words: &[&str]) -> Output {
        let mut command = Command::new(program("GROMA_AGENT_BIN").unwrap());
        command
            .args(words)
            .env("GROMA_STATE_DIR", self.path(state))
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    pub(crate) fn enroll(&self, state: &str, token: &Path) -> Output {
        let url = format!("https://127.0.0.1:{}", self.ports[0]);
        self.agent(
            state,
            &[
                "enroll",
                "--collector",
                &url,
                "--token-file",
                token.to_str().unwrap(),
            ],
        )
    }

    pub(crate) fn run(&mut self, state: &str, every: &str) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("agents.log"))
            .unwrap();
        let running = Command::new(program("GROMA_AGENT_BIN").unwrap())
            .args(["run", "--keep-free-mib", "16", "--look-every", every])
            .env("GROMA_STATE_DIR", self.path(state))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.agents.push(running);
    }

    pub(crate) fn listed(&self) -> Vec<Value> {
        let listed = self.groma(&["agents", "list", "--format", "json"]);
        serde_json::from_slice(&listed.stdout).unwrap_or_default()
    }

    /// What the file of the store says, asked by somebody else.
    pub(crate) fn sql(&self, query: &str) -> String {
        let file = self.path("data/groma.db");
        let asked = Command::new("sqlite3")
            .args(["-cmd", ".timeout 10000", "-readonly"])
            .arg(file)
            .arg(query)
            .output()
            .unwrap();
        assert!(asked.status.success(), "{}", said(&asked));
        String::from_utf8_lossy(&asked.stdout).trim().to_owned()
    }

    pub(crate) fn quick(&self) {
        let quick = self.groma(&[
            "agents",
            "policy",
            "--beat-every",
            "10s",
            "--watch",
            "0s",
            "--source",
            "host.system",
        ]);
        assert!(quick.status.success(), "{}", said(&quick));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for process in self.agents.iter_mut().chain(&mut self.serving) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(crate) fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
