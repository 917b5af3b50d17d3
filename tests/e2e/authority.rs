//! The authority of a fleet is replaced while real agents and a real collector go on; everything on loopback. What happened is judged by openssl
//! and by the files, never by a count of the collector.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops here"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn program(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.exists())
}

fn lack() -> Option<&'static str> {
    let mut openssl = Command::new("openssl");
    openssl.arg("version").stdout(Stdio::null());
    match () {
        () if program("GROMA_BIN").is_none() || program("GROMA_AGENT_BIN").is_none() => Some(
            "GROMA_BIN and GROMA_AGENT_BIN do not name built programs; `tests/run e2e` sets them",
        ),
        () if !openssl.status().is_ok_and(|status| status.success()) => {
            Some("openssl is missing (tests/stages/packages.sh)")
        }
        () => None,
    }
}

/// A collector and its agents; all are ended with this value.
struct Fleet {
    home: tempfile::TempDir,
    serving: Option<Child>,
    agents: Vec<(&'static str, Child)>,
    ports: [u16; 3],
}

impl Fleet {
    fn begin() -> Self {
        let mut fleet = Self {
            home: tempfile::tempdir().unwrap(),
            serving: None,
            agents: Vec::new(),
            ports: [0; 3],
        };
        fleet.serve();
        fleet.groma(&["agents", "policy", "--beat-every", "10s", "--watch", "0s"]);
        fleet.groma(&["agents", "policy", "--source", "host.system"]);
        fleet
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn log(&self, name: &str) -> fs::File {
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true);
        options.open(self.path(name)).unwrap()
    }

    fn serve(&mut self) {
        let serving = Command::new(program("GROMA_BIN").unwrap())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--agents", "127.0.0.1:0", "--operators", "127.0.0.1:0"])
            .arg("--data")
            .arg(self.path("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log("serve.log"))
            .spawn()
            .unwrap();
        self.serving = Some(serving);
        self.ports = eventually(Duration::from_secs(20), || self.announced()).expect("it serves");
    }

    fn announced(&self) -> Option<[u16; 3]> {
        let text = fs::read_to_string(self.path("serve.log")).ok()?;
        let line = text.lines().rfind(|line| line.starts_with("serving:"))?;
        let digits = |rest: &str| {
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            rest.get(..end)?.parse().ok()
        };
        let ports: Vec<u16> = line
            .split("127.0.0.1:")
            .skip(1)
            .filter_map(digits)
            .collect();
        ports.try_into().ok()
    }

    fn try_groma(&self, words: &[&str]) -> Output {
        let mut command = Command::new(program("GROMA_BIN").unwrap());
        command.arg("--data").arg(self.path("data")).args(words);
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn groma(&self, words: &[&str]) -> String {
        let output = self.try_groma(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        said(&output)
    }

    fn agent(&self, state: &str, words: &[&str]) -> Output {
        let mut command = Command::new(program("GROMA_AGENT_BIN").unwrap());
        command.args(words).env("GROMA_STATE_DIR", self.path(state));
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn token(&self, name: &str) -> PathBuf {
        let file = self.path(name);
        self.groma(&[
            "token",
            "create",
            "--uses",
            "9",
            "--out",
            file.to_str().unwrap(),
        ]);
        file
    }

    fn try_enroll(&self, state: &str, token: &Path) -> Output {
        let url = format!("https://127.0.0.1:{}", self.ports[0]);
        let token = token.to_str().unwrap();
        self.agent(
            state,
            &["enroll", "--collector", &url, "--token-file", token],
        )
    }

    fn enroll(&self, state: &str, token: &Path) {
        let enrolled = self.try_enroll(state, token);
        assert!(enrolled.status.success(), "{}", said(&enrolled));
    }

    fn run(&mut self, state: &'static str) {
        let running = Command::new(program("GROMA_AGENT_BIN").unwrap())
            .args(["run", "--keep-free-mib", "16", "--look-every", "1h"])
            .env("GROMA_STATE_DIR", self.path(state))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(self.log("agents.log"))
            .spawn()
            .unwrap();
        self.agents.push((state, running));
    }

    fn stop(&mut self, state: &str) {
        let at = self.agents.iter().position(|(name, _)| *name == state);
        let (_, mut agent) = self.agents.remove(at.unwrap());
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    fn identity(&self, state: &str) -> Value {
        let bytes = fs::read(self.path(state).join("identity.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// How many authorities an agent has written down that it believes.
    fn believes(&self, state: &str) -> usize {
        let identity = self.identity(state);
        let text = identity["authorities"].as_str().unwrap_or_default();
        text.matches("BEGIN CERTIFICATE").count()
    }

    /// True if openssl says that the authority in this file made the certificate an agent has.
    fn is_certified_by(&self, state: &str, authority: &Path) -> bool {
        let identity = self.identity(state);
        let file = self.path("certificate.pem");
        let mut out = fs::File::create(&file).unwrap();
        let certificate = identity["certificate"].as_str().unwrap_or_default();
        out.write_all(certificate.as_bytes()).unwrap();
        let verified = Command::new("openssl")
            .args(["verify", "-purpose", "sslclient", "-CAfile"])
            .arg(authority)
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        verified.unwrap().success()
    }

    fn shows(&self, words: &str) {
        let found = eventually(Duration::from_secs(90), || {
            self.groma(&["authority"]).contains(words).then_some(())
        });
        assert!(found.is_some(), "{words}: {}", self.groma(&["authority"]));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let agents = self.agents.iter_mut().map(|(_, agent)| agent);
        for process in agents.chain(&mut self.serving) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = ask() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_authority_is_replaced_while_agents_talk_and_one_is_away() {
    if let Some(lack) = lack() {
        return groma_tests::skip(lack);
    }
    let mut fleet = Fleet::begin();
    let token = fleet.token("token");
    for state in ["here", "away", "never"] {
        fleet.enroll(state, &token);
        fleet.run(state);
    }
    let authority = fleet.path("data/authority");
    let former = fleet.path("before.pem");
    let all_spoke = eventually(Duration::from_secs(60), || {
        let listed = fleet.groma(&["agents", "list", "--format", "json"]);
        (listed.matches("\"believes\"").count() == 3).then_some(())
    });
    assert!(all_spoke.is_some());
    fs::copy(authority.join("authority.pem"), &former).unwrap();
    fleet.stop("away");
    fleet.stop("never");

    // The first step: who is here hears of it, and nobody is waited for who is away.
    let early = fleet.try_groma(&["authority", "switch"]);
    assert_eq!(early.status.code(), Some(2), "{}", said(&early));
    fleet.groma(&["authority", "prepare"]);
    fleet.shows("1 of 3 say that they believe the next authority");
    assert_eq!(fleet.believes("here"), 2);
    assert_eq!(fleet.believes("away"), 1);

    // The second: those that were heard today are waited for, unless somebody knows that they are off.
    let refused = fleet.try_groma(&["authority", "switch"]);
    assert_eq!(refused.status.code(), Some(5), "{}", said(&refused));
    let says = said(&refused);
    assert!(
        says.contains("2 of 3 agents were heard within a day"),
        "{says}"
    );
    fleet.groma(&["authority", "switch", "--force"]);
    fleet.shows("1 of 3 have shown a certificate of the present authority");
    let present = authority.join("authority.pem");
    assert!(fleet.is_certified_by("here", &present));
    assert!(!fleet.is_certified_by("here", &former));
    assert!(fleet.is_certified_by("away", &former));
    let refused = fleet.try_groma(&["authority", "retire"]);
    assert_eq!(refused.status.code(), Some(5), "{}", said(&refused));
    assert!(
        said(&refused).contains("2 of 3 agents"),
        "{}",
        said(&refused)
    );

    // Who believes the former one alone comes back over the bridge; a token of before lets in still.
    fleet.run("away");
    fleet.shows("2 of 3 have shown a certificate of the present authority");
    assert!(fleet.is_certified_by("away", &present));
    fleet.enroll("late", &token);

    // The third, with one given up; nothing was started anew meanwhile.
    fleet.groma(&["authority", "retire", "--force"]);
    fleet.shows("none; `groma authority prepare`");
    let alone = eventually(Duration::from_secs(60), || {
        (fleet.believes("here") == 1 && fleet.believes("away") == 1).then_some(())
    });
    assert!(alone.is_some(), "both believe the present one alone");
    let refused = fleet.try_enroll("later", &token);
    assert_eq!(refused.status.code(), Some(5), "{}", said(&refused));
    fleet.enroll("later", &fleet.token("token-2"));
    fleet.run("never");
    let lost = eventually(Duration::from_secs(30), || {
        let status = said(&fleet.agent("never", &["status"]));
        status
            .contains("its certificate is of another authority")
            .then_some(())
    });
    assert!(
        lost.is_some(),
        "{}",
        said(&fleet.agent("never", &["status"]))
    );
}
